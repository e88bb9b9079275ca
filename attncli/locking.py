"""One process at a time: a lock on a file, which the system gives up when its holder dies."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Holds the lock of `path` (made if need be, removed after); gives whether it is held.

    Without `wait` it is not held when another process has it. Raises: OSError.
    """
    number = _acquire(path, wait)
    try:
        yield number is not None
    finally:
        if number is not None:
            with suppress(OSError):  # Windows keeps a name that is open
                path.unlink()  # while held: the next comer sees that its file is gone
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


def _acquire(path: Path, wait: bool) -> int | None:
    while True:
        number = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        if not (_wait_for_lock(number) if wait else try_lock(number)):
            os.close(number)
            return None
        if is_still(number, path):
            return number
        os.close(number)


def _wait_for_lock(number: int) -> bool:
    try:
        import fcntl
    except ImportError:  # no entry is ever half there, so without a lock work is only doubled
        return True
    fcntl.flock(number, fcntl.LOCK_EX)
    return True


def _try_lock_on_windows(number: int) -> bool:
    import importlib

    msvcrt: Any = importlib.import_module("msvcrt")
    try:
        os.lseek(number, 1 << 62, os.SEEK_SET)  # far behind the content, which stays readable
        msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True
