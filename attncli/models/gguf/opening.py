"""A GGUF file as a checkpoint: the tensors of its architecture, its configuration from metadata."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from math import prod
from pathlib import Path
from typing import Any

from attncli.errors import DataError
from attncli.errors.wording import quoted
from attncli.files.gguf import QUANTIZATIONS
from attncli.models.checkpoint import Checkpoint
from attncli.models.config import ModelConfig
from attncli.models.families.reading import config_of
from attncli.models.gguf.architectures import architecture_of
from attncli.models.gguf.mapped import GgufSource, GgufTensors, opened_gguf
from attncli.models.gguf.metadata import Metadata
from attncli.models.gguf.names import named_tensors

# Of layers, what is not used: the rope of the first files, which follows from its base, and positions
# that what a decoder reads of its encoder does not have.
_UNUSED = (".attn_rot_embd.weight", ".cross_attn_rel_b.weight")
_LAYERS = ("blk.", "enc.blk.", "dec.blk.")  # those without a name of Hugging Face
_OF_LAYER = re.compile(
    r"^(model\.layers|layers|encoder\.layer|encoder\.block|decoder\.block)\.\d+\.|^model\."
)
_FLOATS = ("F32", "F16", "BF16", "F64")  # numbers, each by itself


class GgufCheckpoint(Checkpoint):
    """The tensors of a GGUF file by the names of Hugging Face, unpacked when they are used.

    A layer is not kept: unpacking it again costs less than the memory that it takes.
    """

    float_dtypes = tuple(one.name for one in QUANTIZATIONS.values())
    sizes_in = "its metadata"
    keeps_layers = False
    is_mapped = False

    def __init__(self, file: GgufSource, tensors: GgufTensors) -> None:
        super().__init__(file.path, [tensors])
        self._tensors = tensors
        self.version, self.metadata = file.header.version, file.header.metadata
        self._sizes = file.sizes

    def no_layer_beyond(self, prefix: str, n_layers: int) -> None:
        """Raises: DataError for a tensor of a layer that the architecture has not, or of a layer more.

        What an architecture does not know would be left out in silence, and change the numbers.
        """
        super().no_layer_beyond(prefix, n_layers)
        used = self.required
        for name in self.names:
            is_of_layer = name.startswith((prefix, *_LAYERS)) and not name.endswith(_UNUSED)
            if is_of_layer and name not in used:
                raise DataError(
                    f"the tensor {quoted(name, 80)} is no part of "
                    f"{self.metadata['general.architecture']}",
                    place=self.place,
                )

    def unpacked_bytes(self, start: str) -> int:
        """The bytes of the tensors whose names begin so, as float32."""
        return sum(4 * prod(self.shape(name)) for name in self.names if name.startswith(start))

    def make_room(self, start: str) -> None:
        """Takes the memory that these tensors are unpacked into when they are read next."""
        self._tensors.make_room(name for name in self.names if name.startswith(start))

    def lies_as_float32(self, name: str) -> bool:
        """No tensor is used where it lies."""
        return False

    def quantization(self, starts: Iterable[str]) -> str | None:
        """The types of the quantized matrices whose names begin so, the most frequent first."""
        chosen = tuple(starts)
        types = Counter(
            self.dtype(name)
            for name in self.names
            if name.startswith(chosen) and self.is_matrix(name)
        )
        return ", ".join(kind for kind, _ in types.most_common() if kind not in _FLOATS) or None

    def is_matrix(self, name: str) -> bool:
        """Whether a tensor has two axes."""
        return len(self.shape(name)) == 2

    def facts(self) -> dict[str, Any]:
        """The version, how each kind of tensor is stored, its files, and what they say of a license."""
        kinds: dict[str, Counter[str]] = {}
        for name in self.names:
            kind = _OF_LAYER.sub("", name).removesuffix(".weight")
            kinds.setdefault(kind, Counter())[self.dtype(name)] += 1
        declared = self.metadata.get("general.license")
        return {
            "format": f"GGUF {self.version}",
            "quantization": {kind: dict(types) for kind, types in kinds.items()},
            "files": [{"name": path.name, "bytes": size} for path, size in self._sizes.items()],
            "license": declared if isinstance(declared, str) else None,
            "chat_template": "tokenizer.chat_template" in self.metadata,
        }

    def sha256(self) -> str:
        """SHA-256 of the file; of a model in several, of their bytes one after the other."""
        import hashlib

        found = hashlib.sha256()
        for path in self._sizes:
            with path.open("rb") as file:
                hashlib.file_digest(file, lambda: found)
        return found.hexdigest()


def open_gguf(path: Path) -> tuple[ModelConfig, Checkpoint]:
    """The configuration and the tensors of a GGUF file.

    Raises: InputError, LimitError; DataError when it is damaged, of an architecture that is not
    read here.
    """
    file = opened_gguf(path)
    metadata = Metadata(file.header.metadata, file.place)
    architecture = architecture_of(metadata)
    keys: Mapping[str, Any] = architecture.keys(metadata.of_architecture(), file)
    config = config_of(keys, file.place)
    if config.decoder is not None and config.decoder.norm_offset:  # added when the file was written
        config = config._replace(decoder=config.decoder._replace(norm_offset=0.0))
    ends = [metadata.optional_whole(f"tokenizer.ggml.{key}_token_id") for key in ("eos", "eot")]
    config = config._replace(ends=tuple(end for end in ends if end is not None))
    entries = named_tensors(file, architecture.layout_of(file), config.n_heads, config.n_kv_heads)
    return config, GgufCheckpoint(file, GgufTensors(file, entries))
