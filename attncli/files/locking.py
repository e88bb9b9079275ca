"""One process at a time: a lock on a file, which the system gives up when its holder dies."""

import errno
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_MARK = b"a lock of attn\n"
_HOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
# The byte that Windows locks: behind the content, which nobody else could read otherwise, and below
# 2 GiB, where every version of its C library finds it.
_LOCKED_BYTE = 1 << 30
_PAUSE = 0.05  # seconds between two tries of a lock on Windows, which has none that waits longer
_TRIES = 20


class NotOurs(FileExistsError):
    """A file that is not ours has the name of a lock."""


@contextmanager
def locked(path: Path, *, wait: bool = True, private: bool = False) -> Iterator[bool]:
    """Holds the lock file `path` within the `with` block, and gives whether it could be had.

    The file is created where there is none, and removed at the end. With `wait` the call waits for
    another process that holds it; without, it gives False at once. A file that somebody else put
    there is never removed: an empty one serves as the lock, any other raises NotOurs. In a `private`
    folder every file is ours.
    Raises: OSError, NotOurs.
    """
    number, is_ours = _acquire(path, wait)
    is_ours = is_ours or private
    try:
        yield number is not None
    finally:
        if number is not None:
            if (
                os.name == "nt"
            ):  # an open file keeps its name there, and that of the next holder is open
                os.close(number)
            if is_ours:
                with suppress(OSError):
                    path.unlink()  # while held: the next comer sees that its file is gone
            if os.name != "nt":
                os.close(number)


def try_lock(number: int) -> bool:
    """Takes the lock of an open file, unless another process has it."""
    try:
        import fcntl
    except ImportError:
        return _try_lock_on_windows(number)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def is_still(number: int, path: Path) -> bool:
    """Whether `path` still names the open file: a holder before us may have removed it."""
    try:
        return os.path.samestat(os.fstat(number), path.stat())
    except OSError:
        return False


def may_be_alive(process: int) -> bool:
    """Whether a process of this machine is there, or cannot be asked after."""
    if os.name == "nt":  # the signal that asks elsewhere would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _acquire(path: Path, wait: bool) -> tuple[int | None, bool]:
    """The open and locked file, None when another process has it, and whether it is ours."""
    while True:
        number, is_new = _opened_when_gone(path) if os.name == "nt" else _opened(path)
        if not (_wait_for_lock(number) if wait else try_lock(number)):
            os.close(number)
            return None, False
        if is_still(number, path):
            if is_new and not os.fstat(number).st_size:
                with suppress(OSError):  # a full disk: this process knows without it
                    os.write(number, _MARK)
            return number, is_new or os.fstat(number).st_size > 0
        os.close(number)


def _opened_when_gone(path: Path) -> tuple[int, bool]:
    """`_opened`, once more where Windows refuses a name for the moment in which a holder removes it."""
    for _ in range(_TRIES):
        try:
            return _opened(path)
        except PermissionError:
            time.sleep(_PAUSE)
    return _opened(path)


def _opened(path: Path) -> tuple[int, bool]:
    """The file of a lock, and whether it is new; no link is followed."""
    try:
        return _new(path), True
    except FileExistsError:
        pass
    try:
        number = os.open(path, os.O_RDWR | _HOW)
    except FileNotFoundError:  # its holder has just removed it, or it is a link that leads nowhere
        if path.is_symlink():
            raise NotOurs(errno.EEXIST, "a link has the name of the lock", str(path)) from None
        return _opened(path)
    except OSError:
        if path.is_symlink() or path.is_dir():
            raise NotOurs(errno.EEXIST, "a link has the name of the lock", str(path)) from None
        raise
    status = os.fstat(number)
    if stat.S_ISREG(status.st_mode) and status.st_nlink <= 1:
        start = os.read(number, len(_MARK) + 1)
        if _MARK.startswith(start):  # empty, or cut by a full disk
            return number, False
    os.close(number)
    raise NotOurs(errno.EEXIST, "it is no lock of attn", str(path))


def _new(path: Path) -> int:
    """A new file of a lock, marked before it has a name where the system has files without one.

    So it is known as ours even when its process is killed at once. Raises: FileExistsError, OSError.
    """
    number = _marked(path.parent)
    if number is None:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _HOW, 0o600)
    try:
        # with a folder the system follows this link, which is the file itself
        os.link(f"/proc/self/fd/{number}", path, src_dir_fd=number, follow_symlinks=True)
    except FileExistsError:
        os.close(number)
        raise
    except OSError:  # no /proc, or a file system without such names
        os.close(number)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _HOW, 0o600)
    return number


def _marked(folder: Path) -> int | None:
    """An open file of a folder that has no name yet and holds the mark, where there is such a thing."""
    try:
        number = os.open(folder, os.O_RDWR | os.O_TMPFILE, 0o600)
    except (AttributeError, OSError):
        return None
    try:
        os.write(number, _MARK)
    except OSError:
        os.close(number)
        return None
    return number


def _wait_for_lock(number: int) -> bool:
    try:
        import fcntl
    except ImportError:
        while not _try_lock_on_windows(number):
            time.sleep(_PAUSE)
        return True
    fcntl.flock(number, fcntl.LOCK_EX)
    return True


def _try_lock_on_windows(number: int) -> bool:
    import importlib

    msvcrt: Any = importlib.import_module("msvcrt")
    try:
        os.lseek(number, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    finally:
        os.lseek(number, 0, os.SEEK_SET)
    return True
