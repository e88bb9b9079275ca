"""A path → a Reading: opened once, unpacked, recognized, handed to the reader of its format."""

import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from attncli.embeddings.readers.fasttext import read_fasttext
from attncli.embeddings.readers.foreign import check_zip_model
from attncli.embeddings.readers.reading import OpenedVectors, VectorBlock
from attncli.embeddings.readers.sniff import check_format, sniffed_format
from attncli.embeddings.readers.text.reader import read_text
from attncli.embeddings.readers.word2vec import read_word2vec
from attncli.errors import DataError, InputError
from attncli.files.archive import (
    ZIP_MAGICS,
    choose_member,
    member_stream,
    open_archive,
)
from attncli.files.limits import Limits
from attncli.files.member import split_member
from attncli.files.stream import ByteStream, file_stream, place_of
from attncli.files.unpacked_stream import unpacked
from attncli.files.zipped import check_document


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read a file when its content does not say enough."""

    format: str | None = None
    skip_bad: bool = False
    encoding: str = "utf-8"
    byte_order: str = "little"
    limits: Limits = Limits()  # noqa: RUF009  (frozen)
    workspace: Path | None = None


DEFAULTS = ReadOptions()


def open_reading(path: str | os.PathLike[str], options: ReadOptions = DEFAULTS) -> OpenedVectors:
    """The vectors of a file or folder, ready to be walked; only its head has been read.

    Raises: InputError, UsageError (an address, a member to be named), DataError, RefusedError,
    LimitError; while the blocks are walked too.
    """
    check_format(options.format)
    file, member = split_member(path)
    if os.path.isdir(file):  # noqa: PTH112  (Path raises for long names)
        return _folder(file, options)
    stream = file_stream(os.fspath(path) if member is None else file)
    try:
        if stream.peek(4) in ZIP_MAGICS:
            stream.close()
            return _archived(file, member, options)
        if member is not None:
            raise DataError(
                f"no zip archive, but a file in it is named: {member}", place=stream.place
            )
        reading = _recognized(unpacked(stream, options.limits), file, options, stream.warnings)
        return replace(reading, progress=lambda: (stream.position, stream.size))
    except BaseException:
        stream.close()
        raise


def text_stream(path: str | os.PathLike[str], options: ReadOptions = DEFAULTS) -> ByteStream | None:
    """The unpacked bytes of a file or member when it is text with vectors, else None."""
    if options.format not in (None, "glove", "word2vec") or options.encoding != "utf-8":
        return None
    file, member = split_member(path)
    if os.path.isdir(file):  # noqa: PTH112  (Path raises for long names)
        return None
    stream = file_stream(os.fspath(path) if member is None else file)
    if stream.peek(4) in ZIP_MAGICS:
        stream.close()
        archive = open_archive(file)
        if member is None:
            _close(archive)
            return None
        stream = member_stream(archive, choose_member(archive, member, file), file, options.limits)
    stream = unpacked(stream, options.limits)
    if sniffed_format(stream, file.suffix) in ("text", "word2vec"):
        return stream
    stream.close()
    return None


def _folder(path: Path, options: ReadOptions) -> OpenedVectors:
    from attncli.embeddings.readers.static_model import is_static_model, read_static_model

    if not is_static_model(path):
        raise InputError(
            "cannot open: is a directory, expected a file of vectors "
            "(or a folder with model.safetensors and tokenizer.json)",
            place=place_of(path),
        )
    return read_static_model(path, options.limits)


def _archived(path: Path, member: str | None, options: ReadOptions) -> OpenedVectors:
    from attncli.embeddings.readers.npz import is_npz, read_npz

    archive = open_archive(path)
    try:
        check_zip_model(archive.namelist(), place_of(path))
        check_document(archive, str(path), "word vectors")
        if member is None and is_npz(archive):
            return _closing(read_npz(archive, path, options.limits), archive)
        chosen = choose_member(archive, member, path)
        inner = member_stream(archive, chosen, path, options.limits)
        if inner.peek(4) in ZIP_MAGICS:
            raise DataError("an archive in an archive; unpack it first", place=inner.place)
        stream = unpacked(inner, options.limits)
        reading = _recognized(stream, Path(chosen.filename), options, inner.warnings)
        return replace(reading, progress=lambda: (inner.position, inner.size))
    except BaseException:
        _close(archive)
        raise


def _close(archive: zipfile.ZipFile) -> None:
    outer = archive.fp
    archive.close()
    if outer is not None:
        outer.close()


def _closing(reading: OpenedVectors, archive: zipfile.ZipFile) -> OpenedVectors:
    def walk() -> Iterator[VectorBlock]:
        try:
            yield from reading.blocks
        finally:
            _close(archive)

    return replace(reading, blocks=walk())


def _recognized(
    stream: ByteStream, path: Path, options: ReadOptions, warnings: list[str]
) -> OpenedVectors:
    """The reading of an unpacked stream, by its content or by the format that was named."""
    name = options.format or sniffed_format(stream, path.suffix)
    if name in ("text", "word2vec") and options.format is None and path.suffix in (".kv", ".model"):
        name = "gensim"
    reading = _read_as(name, stream, path, options)
    reading.warnings.extend(warnings)
    return replace(reading, blocks=_walk(reading, stream, options))


def _read_as(name: str, stream: ByteStream, path: Path, options: ReadOptions) -> OpenedVectors:
    limits = options.limits
    if name in ("text", "glove", "word2vec"):
        form = None if name == "text" or options.format is None else name
        return read_text(stream, limits, form=form, skip_bad=options.skip_bad)
    if name == "word2vec-binary":
        return read_word2vec(stream, limits, byte_order=options.byte_order)
    if name == "fasttext":
        return read_fasttext(stream, limits, options.workspace)
    if name == "npy":
        from attncli.embeddings.readers.npz import read_npy

        return read_npy(stream, path, limits)
    if name == "safetensors":
        from attncli.embeddings.readers.tensors import read_tensors

        return read_tensors(stream, path, limits)
    from attncli.embeddings.readers.gensim import read_gensim

    return read_gensim(stream, path, limits)


def _walk(
    reading: OpenedVectors, stream: ByteStream, options: ReadOptions
) -> Iterator[VectorBlock]:
    """The blocks, with words decoded from another encoding; the file is closed at the end."""
    known = len(stream.warnings)
    try:
        for block in reading.blocks:
            yield _recoded(block, options.encoding, stream.place)
    finally:
        stream.close()
    reading.warnings.extend(stream.warnings[known:])


def _recoded(block: VectorBlock, encoding: str, place: str) -> VectorBlock:
    if encoding.lower() in ("utf-8", "utf8"):
        return block
    try:
        words = [word.decode(encoding).encode("utf-8") for word in block.words]
    except (UnicodeError, LookupError):
        raise DataError(f"a word is not in the encoding {encoding}", place=place) from None
    return VectorBlock(words, block.values)
