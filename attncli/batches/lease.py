"""One run at a time on an output behind a URL.

On this machine's own files it is a lock of the system, which ends with its process. Other stores
have none: there a run keeps a lease, a small object that it writes anew while it works. A lease is
over when it is released, or when its process on this machine is gone. One whose time has passed may
be that of a machine whose clock is behind: it is over when it was watched for a while and nobody
wrote it anew.
"""

import contextlib
import json
import os
import secrets
import socket
import threading
import time
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

from attncli.errors import LockedError
from attncli.errors.wording import visible
from attncli.files.locking import locked, may_be_alive

LASTS = 120.0  # seconds without news after which a lease is over
_RENEWED = 20.0  # seconds between renewals
_WATCHED = 45.0  # seconds of this machine's own time in which a living run has renewed its lease
_LAST_SECOND = 1e12  # no clock goes further
_SETTLED = 0.5  # seconds after which a second writer of the same moment is seen


def hold(files: Any, path: str, name: str) -> AbstractContextManager[object]:
    """Holds `path` until it is closed. Raises: LockedError, OSError."""
    if "file" in _protocols(files):
        stack = ExitStack()
        if not stack.enter_context(locked(Path(path), wait=False)):
            raise _taken(name)
        return stack
    return Lease(files, path, name)


class Lease(AbstractContextManager[object]):
    """A lease that a thread keeps alive. Raises: LockedError, OSError."""

    def __init__(self, files: Any, path: str, name: str) -> None:
        self._files = files
        self._path = path
        self._owner = secrets.token_hex(16)
        self._ended = threading.Event()
        rest = self._watched()
        if rest > 0:
            raise _taken(name, rest)
        self._write()
        if "memory" not in _protocols(files):
            time.sleep(_SETTLED)
        if (self._found() or {}).get("owner") != self._owner:
            raise _taken(name, LASTS)
        self._thread = threading.Thread(target=self._renew, daemon=True)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        with contextlib.suppress(OSError):
            if (self._found() or {}).get("owner") == self._owner:
                self._files.rm(self._path)

    def _watched(self) -> float:
        """For how many seconds the lease of another run still holds, clocks aside."""
        lease = self._found()
        rest = _rest(lease)
        if lease is None or rest == 0.0 or 0 < rest <= 2 * LASTS:
            return rest
        ends = time.monotonic() + _WATCHED
        while time.monotonic() < ends:  # our clock says: over, or of a far future; so we watch it
            time.sleep(min(1.0, _WATCHED / 10))
            if (now := self._found()) != lease:
                return 0.0 if now is None else LASTS
        return 0.0

    def _renew(self) -> None:
        while not self._ended.wait(_RENEWED):
            with contextlib.suppress(OSError):  # the next renewal may succeed, the lease is long
                self._write()

    def _write(self) -> None:
        told = {
            "owner": self._owner,
            "host": socket.gethostname(),
            "process": os.getpid(),
            "until": time.time() + LASTS,
        }
        self._files.pipe_file(self._path, json.dumps(told).encode())

    def _found(self) -> dict[str, Any] | None:
        try:
            self._files.invalidate_cache()
            found = json.loads(self._files.cat_file(self._path))
        except (FileNotFoundError, ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None


def _rest(lease: dict[str, Any] | None) -> float:
    """For how many seconds a lease holds by our clock; below 0 when its time has passed.

    It is 0 when there is none, or its process on this machine is gone.
    """
    until = None if lease is None else lease.get("until")
    if lease is None or not isinstance(until, int | float) or not abs(until) < _LAST_SECOND:
        return 0.0
    process = lease.get("process")
    here = lease.get("host") == socket.gethostname()
    if here and isinstance(process, int) and 0 < process < 1 << 31 and not may_be_alive(process):
        return 0.0
    return float(until) - time.time()


def _protocols(files: Any) -> tuple[str, ...]:
    named = files.protocol
    return (named,) if isinstance(named, str) else tuple(named)


def _taken(name: str, rest: float = 0.0) -> LockedError:
    hints = (f"a run that was killed lets go after {rest:.0f} s",) if rest else ()
    return LockedError("another run works on this output", place=visible(name)[:200], hints=hints)
