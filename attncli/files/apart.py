"""The files that are written: never over an input, checked before the work.

A caller names the files it writes and the texts that may name files it reads.
Files are compared by what the system says they are, so that links, other spellings, descriptors
(/dev/fd/3) and file systems that do not tell letter case apart make no difference.
"""

import os
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from attncli.errors import UsageError, field_name
from attncli.errors.wording import quoted
from attncli.files.paths import size_of

_MOST_FILES = 10_000  # of a folder that is read
_FileId: TypeAlias = tuple[int, int]


class OutputFile(NamedTuple):
    """A file that is written, and the field that names it; no field where its path is all there is."""

    field: str
    path: str

    @property
    def place(self) -> str:
        """Where an error is that this file causes."""
        return field_name(self.field) if self.field else self.path


def written(field: str, path: str | None, *endings: str) -> list[OutputFile]:
    """The file of a field, and those that are made beside it under its name with these endings."""
    if path is None or path == "-":
        return []
    return [OutputFile(field, path + ending) for ending in ("", *endings)]


def expect_writable(outputs: Sequence[OutputFile], inputs: Iterable[str | None]) -> None:
    """Makes sure, before the work, that outputs can be written and are no inputs.

    Raises: UsageError, OutputError.
    """
    expect_apart(outputs, inputs)
    if outputs:
        from attncli.files.writing import check_target

        for output in outputs:
            check_target(output.path)


def expect_apart(outputs: Sequence[OutputFile], inputs: Iterable[str | None]) -> None:
    """Makes sure that no output is an input, and no two outputs are one file.

    `inputs` are texts as given: a path, ARCHIVE:MEMBER, model:DIR:LAYERS, file://…; a folder stands
    for its files, and standard input is always one of them.
    Raises: UsageError.
    """
    _expect_different(outputs)
    ids = {_id(path): output for output in outputs for path in _paths(output.path)}
    stdout = _stream_id(sys.stdout, 1)
    if stdout is not None:
        ids.setdefault(stdout, OutputFile("", "standard output"))
    ids.pop(None, None)
    if not ids:
        return
    for name, file in _read_files(inputs):
        if file in ids:
            output = ids[file]
            shown = output.path if output.field else name
            raise UsageError(
                f"found {quoted(shown)}, which is also read here; expected another file",
                place=output.place,
            )


def expect_beside(
    extra: Sequence[OutputFile], outputs: Sequence[OutputFile], inputs: Iterable[str | None]
) -> None:
    """Makes sure that files written beside the outputs are none of them, no input, no standard output.

    Raises: UsageError.
    """
    _expect_different([*outputs, *extra])
    stdout = _stream_id(sys.stdout, 1)
    for file in extra:
        if stdout is not None and _id(file.path) == stdout:
            raise UsageError(
                f"found {quoted(file.path)}, which is also standard output; expected another file",
                place=file.place,
            )
    expect_apart(extra, inputs)


def files_given(paths: Iterable[str | None]) -> Iterator[str | None]:
    """The paths of files; a folder in the place of a file is refused where it is opened."""
    return (path for path in paths if path is None or not os.path.isdir(path))  # noqa: PTH112


def _expect_different(outputs: Sequence[OutputFile]) -> None:
    for place, one in enumerate(outputs):
        for other in outputs[:place]:
            if one.field != other.field and _is_one_file(one.path, other.path):
                raise UsageError(
                    f"found {quoted(one.path)}, which is also written here; expected another file",
                    place=one.place,
                )


def _is_one_file(one: str, other: str) -> bool:
    """Whether two paths name one file, also one that is not there yet."""
    if (known := _id(one)) is not None:
        return known == _id(other)
    folders = [os.path.dirname(os.path.abspath(path)) for path in (one, other)]  # noqa: PTH100, PTH120
    names = [os.path.basename(os.path.abspath(path)) for path in (one, other)]  # noqa: PTH100, PTH119
    if folders[0] != folders[1] and (_id(folders[0]) is None or _id(folders[0]) != _id(folders[1])):
        return False
    if names[0] == names[1]:
        return True
    return names[0].casefold() == names[1].casefold() and _folds_case(folders[0])


def _folds_case(folder: str) -> bool:
    """Whether the file system takes names that differ in letter case for one."""
    other = os.path.join(os.path.dirname(folder), os.path.basename(folder).swapcase())  # noqa: PTH118, PTH119, PTH120
    return other != folder and _id(folder) is not None and _id(other) == _id(folder)


def _read_files(inputs: Iterable[str | None]) -> Iterator[tuple[str, _FileId]]:
    """Each file that is read, under the name that was given."""
    stdin = _stream_id(sys.stdin, 0)
    if stdin is not None:
        yield "standard input", stdin
    for text in inputs:
        for path in _paths(text or ""):
            for file in _files_of(path):
                if (known := _id(file)) is not None:
                    yield text or "", known


def _files_of(path: str) -> Iterator[str]:
    """A file, or the files of a folder; an empty one among them, as `>` makes it, is no part of it."""
    if not os.path.isdir(path):  # noqa: PTH112 - false for what cannot be asked
        yield path
        return
    count = 0
    for folder, _, names in os.walk(path):
        for name in names:
            file = os.path.join(folder, name)  # noqa: PTH118
            if size_of(Path(file)) > 0:
                yield file
            count += 1
            if count == _MOST_FILES:
                return


def _paths(text: str) -> Iterator[str]:
    """Every path that a text may mean: parts of ARCHIVE:MEMBER, of an address, of a home folder."""
    for link in text.split("::"):  # fsspec's chain of addresses
        scheme, mark, rest = link.partition("://")
        bare = rest if mark else scheme
        parts = _parts(bare)[:8]
        for first in range(len(parts)):
            for last in range(len(parts), first, -1):
                path = ":".join(parts[first:last])
                if path:
                    yield path
                    if path.startswith("~"):
                        yield os.path.expanduser(path)  # noqa: PTH111 - "~nobody" stays as it is


def _parts(text: str) -> list[str]:
    """What stands between colons; that of a drive of Windows parts nothing."""
    parts = text.split(":")
    for at in reversed(range(len(parts) - 1)):
        whole = ":".join(parts[at : at + 2])
        if parts[at + 1][:1] in ("\\", "/") and os.path.splitdrive(whole)[0]:
            parts[at : at + 2] = [whole]
    return parts


def _id(path: str) -> _FileId | None:
    """What the system calls a file that is there; links are followed. None for devices, too."""
    try:
        status = os.stat(path)  # noqa: PTH116 - paths are given as text
    except (OSError, ValueError):
        return None
    return None if stat.S_ISCHR(status.st_mode) else (status.st_dev, status.st_ino)


def _stream_id(stream: object, number: int) -> _FileId | None:
    """The regular file that a standard stream is redirected to."""
    if stream is None:
        return None
    try:
        status = os.fstat(number)
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else None
