"""One process at a time: a lock on a file, which the system gives up when its holder dies."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Holds the lock of `path` (made if need be, removed after); gives whether it is held.

    Without `wait` it is not held when another process has it.
    """
    number = _acquire(path, wait)
    try:
        yield number is not None
    finally:
        if number is not None:
            path.unlink(missing_ok=True)  # while held: the next comer sees that its file is gone
            os.close(number)


def _acquire(path: Path, wait: bool) -> int | None:
    while True:
        number = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        if not _lock(number, wait):
            os.close(number)
            return None
        try:
            if os.fstat(number).st_ino == path.stat().st_ino:
                return number
        except FileNotFoundError:
            pass
        os.close(number)  # the file was removed by the holder before us: begin again


try:
    import fcntl

    def _lock(number: int, wait: bool) -> bool:
        try:
            fcntl.flock(number, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

except ImportError:  # Windows: no entry is ever half there, so without a lock work is only doubled

    def _lock(number: int, wait: bool) -> bool:
        return True
