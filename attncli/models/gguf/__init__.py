"""Models in GGUF files: mapped and quantized on disk, a matrix unpacked when it is used."""
