"""The checkpoint of a run: a file of lines, one a committed chunk, and the lock of the run.

    OUT.attn-part     the chunks' bytes, growing
    OUT.attn-journal  what of it counts: the job's identity, then a line for each commit

A line counts when its own checksum is right; a commit counts when the bytes it stands for are in
the part. Whatever was cut, torn or damaged after a kill or a power cut is therefore done again, and
nothing needs to wait for the disk between chunks. The lock is an flock on the journal: it ends with
the processes of the run.
"""

import contextlib
import errno
import json
import os
import re
import stat
import time
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from attncli.errors import LockedError, OutputError, setting
from attncli.errors.wording import visible
from attncli.files.locking import is_still, may_be_alive, try_lock
from attncli.files.paths import is_file
from attncli.files.writing import NO_LINK, not_ours

_PIECE = 1 << 19  # bytes that are written at once, so that another process waits for few
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)  # for a pipe with the name of a journal
_BEGINNING = re.compile(rb"[0-9a-f]{0,8}\Z|[0-9a-f]{8} (\{\"|\{?\Z)")  # of a journal, cut anywhere
_PATIENCE = 0.5  # seconds for the workers of a killed run to end
_PATIENCE_WITH_THE_DEAD = 5.0  # the same when its coordinator is known to be gone


@dataclass(frozen=True, slots=True)
class Commit:
    """All records up to `records` are in the first `length` bytes of the part.

    `checksum` is of the bytes since the commit before, `digest` of all texts read so far.
    """

    records: int
    length: int
    checksum: str
    digest: str
    failed: int = 0
    empty: int = 0


def commit_of(told: object) -> Commit | None:
    """A commit as a journal holds it, or None when another version of attn wrote something else."""
    try:
        commit = Commit(**told)  # type: ignore[arg-type]  # whatever does not fit is refused below
    except TypeError:
        return None
    counts = (commit.records, commit.length, commit.failed, commit.empty)
    whole = all(isinstance(count, int) and 0 <= count < 1 << 63 for count in counts)
    texts = isinstance(commit.checksum, str) and isinstance(commit.digest, str)
    return commit if whole and texts else None


class Journal:
    """The opened and locked journal of an output."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd, self.is_new = _locked(path)
        self.identity: dict[str, Any] | None = None
        self.commits: list[Commit] = []
        self.finished = ""
        self.damaged = False
        self.replaces = False  # whether the run may replace an output that is there
        self._ends: list[int] = [0]  # of the job's line, then of each commit
        self._read()

    @property
    def empty(self) -> bool:
        """Whether no run has begun here."""
        return self.identity is None and not self.damaged

    def begin(self, identity: dict[str, Any], *, replaces: bool = False) -> None:
        """Starts a new run and clears the journal of the one before."""
        self._truncate(0)
        self.identity, self.commits, self.finished, self.damaged = identity, [], "", False
        self.replaces = replaces
        self._append({"job": identity} | ({"replaces": True} if replaces else {}))
        self._append({"pid": os.getpid()})

    def keep(self, count: int) -> None:
        """Goes on with the first `count` commits; what stands behind them is forgotten."""
        self._truncate(self._ends[count])
        self.commits, self.finished = self.commits[:count], ""
        self._append({"pid": os.getpid()})

    def commit(self, commit: Commit) -> None:
        """Notes that a chunk is in the part."""
        self._append({"commit": asdict(commit)})
        self.commits.append(commit)

    def finish(self, whole: str) -> None:
        """Notes that the file named `whole` is complete and about to take the output's name."""
        self._append({"finished": whole})
        self.finished = whole

    def restart(self) -> None:
        """Forgets everything; the lock is kept."""
        self._truncate(0)
        self.identity, self.commits, self.finished, self.damaged = None, [], "", False

    def remove(self) -> None:
        """Removes the journal; the run is over. While it is locked, but Windows keeps what is open."""
        if os.name == "nt":
            self.close()
        self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Lets go of the lock."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _read(self) -> None:
        content = _content(self._fd)
        end = 0
        for raw in content.split(b"\n")[:-1]:
            parsed = _parsed(raw)
            if parsed is None:
                break
            end += len(raw) + 1
            if "job" in parsed:
                if not isinstance(parsed["job"], dict):
                    break
                self.identity = parsed["job"]
                self.replaces = parsed.get("replaces") is True
                self._ends = [end]
            elif "commit" in parsed:
                commit = commit_of(parsed["commit"])
                if commit is None:  # what follows is made again, if the job is the same at all
                    break
                self.commits.append(commit)
                self._ends.append(end)
            elif "finished" in parsed:
                self.finished = str(parsed["finished"])
        self.damaged = b"\n" in content and self.identity is None
        if _is_foreign(content):
            self.close()
            raise not_ours(self.path)

    def _append(self, line: dict[str, Any]) -> None:
        self._write(_line(line))

    def _write(self, text: bytes) -> None:
        os.lseek(self._fd, 0, os.SEEK_END)
        write_all(self._fd, text, str(self.path))

    def _truncate(self, length: int) -> None:
        try:
            os.ftruncate(self._fd, length)
        except OSError as fault:
            raise cannot_write_output(str(self.path), fault) from None


def write_all(fd: int, data: bytes | memoryview, name: str, offset: int | None = None) -> None:
    """Writes all of `data` at `offset`, or where the file stands. Raises: OutputError."""
    view = memoryview(data)
    try:
        while view:
            piece = view[:_PIECE]
            count = os.write(fd, piece) if offset is None else _write_at(fd, piece, offset)
            view = view[count:]
            offset = None if offset is None else offset + count
    except BrokenPipeError:
        raise
    except OSError as fault:
        raise cannot_write_output(name, fault) from fault


def cannot_write_output(name: str, fault: OSError) -> OutputError:
    """The error for an output that cannot be written."""
    reason = (fault.strerror or str(fault)).lower()
    full = fault.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    hints = (f"{setting(resume=True)} continues when there is room again",) if full else ()
    return OutputError(f"cannot write: {reason}", place=visible(name)[:200], hints=hints)


def job_begun(path: Path) -> dict[str, Any]:
    """The job of a journal that is there, as far as it can be read; nothing is locked or changed."""
    if not is_file(path):
        return {}
    with contextlib.suppress(OSError), path.open("rb") as stream:
        job = (_parsed(stream.readline(1 << 20).rstrip(b"\n")) or {}).get("job")
        return job if isinstance(job, dict) else {}
    return {}


def _line(parsed: dict[str, Any]) -> bytes:
    text = json.dumps(parsed, sort_keys=True, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _parsed(raw: bytes) -> dict[str, Any] | None:
    """A line whose checksum is right, else None."""
    try:
        if int(raw[:8], 16) != zlib.crc32(raw[9:]) or raw[8:9] != b" ":
            return None
        found = json.loads(raw[9:])
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _write_at(fd: int, view: memoryview, offset: int) -> int:
    if hasattr(os, "pwrite"):
        return os.pwrite(fd, view, offset)
    os.lseek(fd, offset, os.SEEK_SET)
    return os.write(fd, view)


def open_own(path: Path, mode: int = 0o666, *, new: bool = False) -> int:
    """A file of ours, opened to be read and written; no link is followed.

    With `new` it must not be there yet. Raises: OutputError for what cannot be ours: a link, a file
    with a second name, a pipe; OSError.
    """
    flags = os.O_RDWR | os.O_CREAT | NO_LINK | _NO_WAIT | getattr(os, "O_BINARY", 0)
    try:
        fd = os.open(path, flags | (os.O_EXCL if new else 0), mode)
    except OSError as fault:
        if isinstance(fault, FileExistsError) or os.path.islink(path):  # noqa: PTH114 - never raises
            raise not_ours(path) from None
        raise
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        os.close(fd)
        raise not_ours(path)
    return fd


def _is_foreign(content: bytes) -> bool:
    """Whether a file with the name of a journal holds nothing that a journal may have begun with."""
    if not content.strip(b"\0") or _BEGINNING.match(content):
        return False
    return all(_parsed(raw) is None for raw in content.split(b"\n"))


def _locked(path: Path) -> tuple[int, bool]:
    """The opened file with the lock held, and whether it is new.

    Raises: LockedError, OutputError.
    """
    begun = time.monotonic()
    while True:
        is_new = not os.path.lexists(path)
        try:
            fd = open_own(path)
        except OSError as fault:
            raise cannot_write_output(str(path), fault) from None
        if try_lock(fd):
            # The run before may have removed the file between our open and our lock.
            if is_still(fd, path):
                return fd, is_new
        elif time.monotonic() - begun > (_PATIENCE_WITH_THE_DEAD if _orphaned(fd) else _PATIENCE):
            os.close(fd)
            raise LockedError("another run works on this output", place=visible(str(path))[:200])
        else:
            time.sleep(0.01)
        os.close(fd)


def _orphaned(fd: int) -> bool:
    """Whether the run that wrote this journal is dead, so that its workers are about to end."""
    pids = [
        found["pid"]
        for raw in _content(fd).split(b"\n")
        if (found := _parsed(raw) or {}).get("pid")
    ]
    last = pids[-1] if pids else None
    return isinstance(last, int) and 0 < last < 1 << 31 and not may_be_alive(last)


def _content(fd: int) -> bytes:
    os.lseek(fd, 0, os.SEEK_SET)
    blocks = []
    while block := os.read(fd, 1 << 20):
        blocks.append(block)
    return b"".join(blocks)
