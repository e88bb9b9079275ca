"""Files written whole or not at all: under a temporary name beside their own, synced, renamed.

Every command writes its files through this module, so one rule holds for all of them. The
temporary name is opened exclusively and follows no link; it is removed when the writing fails or a
signal ends the process, and what a killed process left is removed by the next writer of that file.
A file that is replaced keeps its permissions, a new one has those of the umask. A link is replaced,
never followed.
"""

import errno
import os
import re
import signal
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NoReturn

from attncli.errors import OutputError
from attncli.errors.wording import typed, visible
from attncli.files.locking import is_still, try_lock
from attncli.files.paths import exists, is_device_of_windows

_ENDING = ".attn-tmp"
_NAME_UP_TO = 60  # characters of the file's name in the temporary one
_BINARY = getattr(os, "O_BINARY", 0)
NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_JUST_NOW = 60.0  # seconds
_ENDING_SIGNALS = ("SIGTERM", "SIGHUP")


def reason(fault: OSError) -> str:
    """Why a file could not be written, in a few lower-case words."""
    return (fault.strerror or str(fault) or type(fault).__name__).lower()


def cannot_write(path: str | os.PathLike[str], why: str) -> OutputError:
    """The error for a file that cannot be written."""
    return OutputError(f"cannot write: {why}", place=visible(str(path))[:200] or None)


def not_ours(path: Path) -> OutputError:
    """The error for a file that has the name of one of ours, but is somebody else's."""
    return OutputError(
        "this file is not of attn, and its name is needed here, expected none",
        place=visible(str(path))[:200],
        hints=(
            f"{'move' if os.name == 'nt' else 'mv'} {typed(visible(str(path)))} somewhere else",
        ),
    )


def check_target(path: str | os.PathLike[str]) -> None:
    """Makes sure, before the work, that a file can be written there.

    Raises: OutputError for an empty name, a folder, a device, a name that is too long, and a folder
    that is missing or cannot be written to.
    """
    import tempfile

    text = os.fspath(path)
    if not text:
        raise cannot_write(text, "found an empty name, expected a file")
    if os.name == "nt" and is_device_of_windows(text):
        raise cannot_write(text, "Windows has a device of this name, expected a file")
    try:
        mode = Path(text).stat().st_mode
    except FileNotFoundError:
        mode = 0  # a new file, or a link that leads nowhere
    except ValueError:
        raise cannot_write(text, "a name cannot hold a zero byte") from None
    except OSError as fault:
        raise cannot_write(text, reason(fault)) from None
    if stat.S_ISDIR(mode) or text.endswith(("/", os.sep)):
        raise cannot_write(text, "it is a directory, expected a file")
    if mode and not stat.S_ISREG(mode):  # /dev/null would be replaced by a file
        raise cannot_write(text, "this is a device or a pipe, expected a file")
    try:
        with tempfile.TemporaryFile(dir=Path(text).parent):
            return
    except FileNotFoundError:
        raise cannot_write(text, "its directory does not exist") from None
    except OSError as fault:
        raise cannot_write(text, reason(fault)) from None


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to be filled, which takes its name at the end, when all of it is on the disk.

    Raises: OutputError; what was there before is then untouched.
    """
    target = Path(path)
    if "\0" in str(target):
        raise cannot_write(target, "a name cannot hold a zero byte")
    with ended_by_signals():
        try:
            _sweep(target)
            temporary, number = _temporary(target)
            try:
                with os.fdopen(number, "wb") as file:
                    yield file
                    file.flush()
                    _settle(file.fileno(), target)
                    if os.name != "nt":  # the lock is held until the name is gone
                        os.replace(temporary, target)  # noqa: PTH105
                if os.name == "nt":
                    os.replace(temporary, target)  # noqa: PTH105
                sync_folder(target.parent)
            finally:
                with suppress(OSError):
                    temporary.unlink()
        except OSError as fault:
            raise cannot_write(target, reason(fault)) from None


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Writes bytes as a whole file. Raises: OutputError."""
    with whole_file(path) as file:
        file.write(content)


def take_name(whole: Path, target: Path, *, replace: bool) -> None:
    """Gives a finished file the name of the output, and the permissions of a file that it replaces.

    Without `replace`, a file that took this name in the meantime stays: FileExistsError.
    Raises: OSError.
    """
    if replace:
        _replace(whole, target)
        return
    try:
        os.link(whole, target, follow_symlinks=False)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):  # a file system without hard links
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "the file exists", str(target)) from None
        whole.rename(target)
        return
    whole.unlink()


def _replace(whole: Path, target: Path) -> None:
    """Renames the file over the target and keeps the mode of the target; its owner can write till then."""
    try:
        mode = target.stat().st_mode & 0o777
    except OSError:  # it is new, or a link that leads nowhere
        whole.replace(target)
        return
    with suppress(OSError):
        whole.chmod(mode | 0o600)
    whole.replace(target)
    if mode | 0o600 != mode:
        with suppress(OSError):
            target.chmod(mode)


def sync_folder(folder: Path) -> None:
    """Has a new name on the disk, where folders can be opened."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _temporary(target: Path) -> tuple[Path, int]:
    """A new file beside the target, open and locked: a lock that is free tells of a dead writer.

    A file that will be replaced lends it its permissions only at the end; until then nobody else
    may read it. A new one has the permissions that the umask leaves.
    """
    mode = 0o600 if exists(target) else 0o666
    while True:
        name = f".{_cut(target.name)}.{os.urandom(4).hex()}{_ENDING}"
        path = target.parent / name
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | NO_LINK | _BINARY
        try:
            number = os.open(path, flags, mode)
        except FileExistsError:
            continue
        if os.name == "nt" or (try_lock(number) and is_still(number, path)):
            return path, number
        os.close(number)  # a sweeper came between: it removes the file


def _settle(number: int, target: Path) -> None:
    """Has the content on the disk, with the permissions of the file that it replaces."""
    with suppress(OSError, AttributeError):  # no file to replace; no permissions on Windows
        os.fchmod(number, target.stat().st_mode & 0o777)
    os.fsync(number)


def _sweep(target: Path) -> None:
    """Removes what writers of this file left that were killed.

    Only regular files of this user, with such a name, whose lock is free: their writer is dead.
    Windows removes no file that a writer has open.
    """
    remove = _remove_if_dead if hasattr(os, "getuid") else _remove_if_closed
    leftover = re.compile(rf"\.{re.escape(_cut(target.name))}\.[0-9a-f]{{8}}{re.escape(_ENDING)}")
    with suppress(OSError), os.scandir(target.parent) as entries:
        for entry in entries:
            if leftover.fullmatch(entry.name):
                remove(Path(entry.path))


def _remove_if_dead(path: Path) -> None:
    with suppress(OSError):
        number = os.open(path, os.O_RDWR | NO_LINK | os.O_NONBLOCK)
        try:
            status = os.fstat(number)
            ours = stat.S_ISREG(status.st_mode) and status.st_uid == os.getuid()
            if ours and try_lock(number) and is_still(number, path):
                path.unlink()
        finally:
            os.close(number)


def _remove_if_closed(path: Path) -> None:
    """As Windows does it; a file just closed is about to get its name."""
    with suppress(OSError):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode) and time.time() - status.st_mtime > _JUST_NOW:
            path.unlink()


def _cut(name: str) -> str:
    """The start of a name, short enough for a longer one beside it, in bytes as well."""
    return os.fsdecode(os.fsencode(name[:_NAME_UP_TO])[: 3 * _NAME_UP_TO])


@contextmanager
def ended_by_signals(*names: str) -> Iterator[None]:
    """Inside, these signals, of themselves deadly, end the process by SystemExit, so that nothing
    is left and what is done can be kept.

    A handler that is set already, and a signal that is ignored (nohup), stay as they are.
    """
    changed: list[int] = []
    if threading.current_thread() is threading.main_thread():
        for name in names or _ENDING_SIGNALS:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _ended)
                changed.append(number)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)


def _ended(number: int, frame: object) -> NoReturn:
    raise SystemExit(128 + number)
