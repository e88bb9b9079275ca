"""One member of a zip archive as a stream. Nothing is ever extracted.

An archive that would be dangerous to extract (names that lead out of the folder, links, devices) is
refused although it is only read: it was made to do harm.
"""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from attncli.errors import (
    AttnError,
    DataError,
    InputError,
    LimitError,
    RefusedError,
    UsageError,
    setting,
)
from attncli.errors.wording import quoted, size_text
from attncli.files.limits import MIB, Limits
from attncli.files.stream import PIECE, ByteStream, open_file, place_of

ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_MOST_MEMBERS = 4096
_NO_VECTORS = (".md", ".rst", ".license", ".pdf", ".html", ".json", ".py", ".sh", ".gitattributes")
_FAULTS = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError,
    OSError, struct.error, UnicodeDecodeError, KeyError, IndexError, OverflowError,
)  # fmt: skip


def open_archive(path: Path) -> zipfile.ZipFile:
    """The archive, with its list of members checked.

    Raises: DataError (damaged, too many members), RefusedError, InputError.
    """
    place = place_of(path)
    file = io.BufferedReader(open_file(path))
    if not file.seekable():
        file.close()
        raise InputError("a zip archive cannot be read from a pipe", place=place)
    return checked_archive(file, place)


def checked_archive(file: BinaryIO, place: str) -> zipfile.ZipFile:
    """The archive in a file; closes the file when it holds no archive.

    Raises: DataError (damaged, too many members), RefusedError.
    """
    try:
        _check_count(file, place)
        archive = zipfile.ZipFile(file)
    except AttnError:
        file.close()
        raise
    except _FAULTS:
        file.close()
        raise DataError(
            "damaged zip archive: its list of files cannot be read", place=place
        ) from None
    try:
        for member in archive.infolist():
            _check_member(member, place)
    except AttnError:
        archive.close()
        file.close()
        raise
    return archive


def _check_count(file: BinaryIO, place: str) -> None:
    """Looks at the number of members before the list is read."""
    end = file.seek(0, 2)
    file.seek(max(end - 65_600, 0))
    tail = file.read(65_600)
    file.seek(0)
    at = tail.rfind(b"PK\x05\x06")
    if at >= 0 and len(tail) >= at + 20:
        count, size = struct.unpack_from("<HI", tail, at + 10)
        if count > _MOST_MEMBERS or (count != 0xFFFF and size > 16 * MIB):
            raise DataError(
                f"the archive holds {count} files, expected at most {_MOST_MEMBERS}", place=place
            )


def _check_member(member: zipfile.ZipInfo, place: str) -> None:
    name = member.filename
    if not name:
        raise DataError("a file in the archive has no name", place=place)
    where = f"{place}: {quoted(name)}"
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or name[1:2] == ":":
        raise RefusedError("refused: the name leads out of the archive", place=where)
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise RefusedError("refused: a link or device, expected a file", place=where)


def choose_member(
    archive: zipfile.ZipFile,
    name: str | None,
    path: Path,
    as_given: Callable[[str], str] = lambda file: setting(vectors=file),
) -> zipfile.ZipInfo:
    """The member that was named, or the only one that can hold vectors.

    `as_given` says how ARCHIVE:MEMBER is given, for a hint.

    Raises: UsageError when the name is missing or fits nothing, DataError when there is none.
    """
    place = place_of(path)
    files = [member for member in archive.infolist() if not member.is_dir()]
    if name is not None:
        named = [member for member in files if member.filename == name]
        if len(named) == 1:
            return named[0]
        if named:
            raise DataError(f"{quoted(name)} occurs more than once in the archive", place=place)
        raise UsageError(
            f"no file {quoted(name)} in the archive; it holds {_listed(files)}", place=place
        )
    if not files:
        raise DataError("the archive holds no file, expected vectors", place=place)
    likely = [member for member in files if _likely(member)]
    if len(likely) == 1:
        return likely[0]
    if len(files) == 1:
        return files[0]
    members = likely or files
    raise UsageError(
        f"the archive holds {len(members)} files; name one: {_listed(members)}",
        place=place,
        hints=(as_given(f"{path}:{members[0].filename}"),),
    )


def _likely(member: zipfile.ZipInfo) -> bool:
    name = PurePosixPath(member.filename).name.lower()
    hidden = name.startswith(".") or member.filename.startswith("__MACOSX/")
    plain = name.startswith(("readme", "license", "copying", "notice"))
    return not (hidden or plain or name.endswith(_NO_VECTORS))


def _listed(files: Iterable[zipfile.ZipInfo]) -> str:
    names = [quoted(member.filename) for member in files]
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(names[:4]) + more


def member_stream(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, limits: Limits
) -> ByteStream:
    """The bytes of a member. Closing the stream closes the archive.

    Raises: DataError for a damaged member, LimitError for a bomb.
    """
    place = f"{place_of(path)}: {quoted(member.filename)}"
    check_ratio(member, place, limits)
    if member.flag_bits & 0x1:
        raise DataError("this file is encrypted, expected a plain one", place=place)
    try:
        file = archive.open(member)
    except _FAULTS:
        raise DataError("damaged zip archive: this file cannot be read", place=place) from None

    def fill() -> bytes:
        try:
            return file.read(PIECE)
        except _FAULTS:
            raise DataError(
                "damaged zip archive: the data of this file ends early or fails its checksum",
                place=place,
            ) from None

    def close() -> None:
        file.close()
        outer = archive.fp
        archive.close()
        if outer is not None:
            outer.close()

    return ByteStream(place, fill, size=member.file_size, close=close)


def check_ratio(member: zipfile.ZipInfo, place: str, limits: Limits) -> None:
    """Raises: LimitError when the member says that it unpacks to far more than its size."""
    if member.file_size > 32 * MIB and member.file_size > limits.ratio * max(
        member.compress_size, 1
    ):
        raise LimitError(
            f"{size_text(member.file_size)} unpacked, more than {limits.ratio} times its size, "
            "which looks like a bomb",
            place=place,
        )
