"""A member of a zip archive as blocks of bytes; documents that are zip archives are named."""

import os
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attncli.errors import DataError, UsageError
from attncli.errors.wording import typed
from attncli.files.archive import choose_member, member_stream, open_archive
from attncli.files.foreign import Foreign, document_of, foreign_file
from attncli.files.limits import Limits


def split_zip_member(path: str) -> tuple[str, str | None]:
    """The file of a path and the member that is named behind it: "texts.zip:a.csv"."""
    at = path.lower().find(".zip:")
    if at < 0 or os.path.lexists(path):
        return path, None
    return path[: at + 4], path[at + 5 :] or None


def member_blocks(path: str | None, member: str | None, name: str) -> Iterator[bytes]:
    """The bytes of the member that is named, or of the only one.

    Raises: UsageError when several could be meant, DataError for what is no archive of texts.
    """
    if path is None:
        raise DataError(
            "this is a zip archive, which cannot be read from a pipe",
            place=name,
            hints=("unzip -p FILE.zip MEMBER | attn batch -",),
        )
    archive = open_archive(Path(path))
    try:
        check_document(archive, name)
        if any(member.endswith(".npy") for member in archive.namelist()):
            raise foreign_file(Foreign("an npz file of arrays", "attn view FILE"), name)
        try:
            chosen = choose_member(archive, member, Path(path), typed)
        except UsageError as error:
            raise UsageError(error.message, place=name, hints=error.hints) from None
        stream = member_stream(archive, chosen, Path(path), Limits())
    except BaseException:
        _close(archive)
        raise
    try:
        while block := stream.read(1 << 18):
            yield block
    finally:
        stream.close()


def check_document(archive: zipfile.ZipFile, name: str, expected: str = "text or a table") -> None:
    """Raises: DataError for a workbook or a text document, with what to do."""
    foreign = document_of(archive.namelist(), _first_bytes(archive, "mimetype"))
    if foreign is not None:
        raise foreign_file(foreign, name, expected)


def _first_bytes(archive: zipfile.ZipFile, member: str) -> str:
    try:
        with archive.open(member) as stream:
            return stream.read(100).decode("ascii", "replace")
    except (
        KeyError,
        OSError,
        zipfile.BadZipFile,
        zlib.error,
        RuntimeError,
        NotImplementedError,
        EOFError,
    ):
        return ""


def _close(archive: Any) -> None:
    outer = archive.fp
    archive.close()
    if outer is not None:
        outer.close()
