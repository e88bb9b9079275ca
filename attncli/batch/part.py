"""An output file in the making: a part that grows beside it, and takes its name when whole."""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attncli.batch.journal import (
    Commit,
    Journal,
    bears_out,
    cannot_write,
    check_identity,
    write_all,
)
from attncli.errors import OutputError, ResumeError
from attncli.escape import visible

ENDINGS = (".attn-part", ".attn-journal", ".attn-final")  # of the files beside an output
_SYNC_UP_TO = 64 << 20  # bytes that are always waited for
_MARK = "user.attn.job"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a part becomes the output: `assemble` makes a file of another layout of it."""

    assemble: Callable[[Path, Path], None] | None = None
    sync: bool = False


class PartFile:
    """The part of an output file; `done` is the last commit of an earlier run, if it goes on.

    `identity` names the job: its inputs, vectors and options. Raises: OutputError (something is in
    the way), LockedError, ResumeError (the earlier run was another job).
    """

    def __init__(
        self, target: Path, identity: dict[str, Any], *, resume: bool = False, force: bool = False
    ) -> None:
        self.target = target
        self.path = target.with_name(target.name + ".attn-part")
        self._final = target.with_name(target.name + ".attn-final")
        self.done: Commit | None = None
        self.complete = False
        self._identity = identity
        _check_target(target)
        self._journal = Journal(target.with_name(target.name + ".attn-journal"))
        try:
            self.fd = self._opened(resume, force)
        except OSError as fault:
            self._let_go()
            raise cannot_write(str(target), fault) from None
        except BaseException:
            self._let_go()
            raise

    @property
    def length(self) -> int:
        """The bytes that are committed."""
        return 0 if self.done is None else self.done.length

    def commit(self, commit: Commit) -> None:
        """Notes a chunk whose bytes were written."""
        self._journal.commit(commit)
        self.done = commit

    def write(self, data: bytes, offset: int) -> None:
        """Writes bytes of the part. Raises: OutputError."""
        write_all(self.fd, data, str(self.target), offset)

    def end(self, ending: Ending) -> None:
        """The part becomes the output; nothing else is left behind. Raises: OutputError."""
        name = str(self.target)
        try:
            whole = self.path
            if ending.assemble is not None:
                ending.assemble(self.path, self._final)
                whole = self._final
            _settle(whole, self._identity, ending.sync)
            self._journal.finish(whole.name)
            whole.replace(self.target)
            _sync_folder(self.target.parent)
            self.path.unlink(missing_ok=True)
            self._journal.remove()
        except OSError as fault:
            raise cannot_write(name, fault) from fault
        self.close()

    def close(self) -> None:
        """Closes the files; what is committed stays for a resumed run."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
        self._journal.close()

    def discard(self) -> None:
        """Removes what was begun, when nothing came of it."""
        self.path.unlink(missing_ok=True)
        self._journal.remove()
        self.close()

    def _opened(self, resume: bool, force: bool) -> int:
        self._finish_interrupted_end()
        place = visible(str(self.target))[:200]
        exists = self.target.exists()
        if exists and resume and self._journal.empty:
            self._check_finished(place)
            self.complete = True
            self._journal.remove()
            return -1
        if exists and not force and not (resume and not self._journal.empty):
            raise OutputError(
                "the file exists, expected none", place=place, hints=("--force replaces it",)
            )
        if not self._journal.empty and not resume and not force:
            raise OutputError(
                "an unfinished run of this output is here",
                place=place,
                hints=("--resume continues it", "--force starts again from the first line"),
            )
        kept = 0
        if resume and not self._journal.empty:
            check_identity(self._journal.identity, self._identity, place)
            kept = self._verified()
        return self._begun(kept, go_on=resume and not self._journal.empty)

    def _begun(self, kept: int, *, go_on: bool) -> int:
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        try:
            self.done = self._journal.commits[kept - 1] if kept else None
            if go_on:
                self._journal.keep(kept)
            else:
                self._journal.begin(self._identity)
            os.ftruncate(fd, self.length)
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _verified(self) -> int:
        """How many commits the part bears out."""
        start = 0
        try:
            with self.path.open("rb") as part:
                size = os.fstat(part.fileno()).st_size
                for count, commit in enumerate(self._journal.commits):
                    if not start <= commit.length <= size:
                        return count
                    data = part.read(commit.length - start)
                    if len(data) != commit.length - start or not bears_out(data, commit.checksum):
                        return count
                    start = commit.length
        except FileNotFoundError:
            return 0
        return len(self._journal.commits)

    def _finish_interrupted_end(self) -> None:
        """A run that was killed after its output took its name has only to be tidied up."""
        whole = self._journal.finished
        ours = whole in (self.path.name, self._final.name)
        if ours and not self.target.with_name(whole).exists():
            self.path.unlink(missing_ok=True)
            self._journal.restart()
        if self._final.exists():
            self._final.unlink()

    def _check_finished(self, place: str) -> None:
        found = _mark_of(self.target)
        if found is not None and found != _mark(self._identity):
            raise ResumeError(
                "the output is whole, but of another input, other vectors or other options",
                place=place,
                hints=("--force replaces it",),
            )

    def _let_go(self) -> None:
        if self._journal.empty:
            with contextlib.suppress(OSError):
                self._journal.remove()
        self._journal.close()


def _check_target(target: Path) -> None:
    """Raises: OutputError when the target is a folder, or its folder is missing."""
    place = visible(str(target))[:200]
    if target.is_dir():
        raise OutputError("cannot write: it is a directory", place=place)
    if not target.parent.is_dir():
        raise OutputError("cannot write: its directory does not exist", place=place)


def _settle(path: Path, identity: dict[str, Any], sync: bool) -> None:
    """Marks a whole file as its job's, and has it on the disk before it takes its name.

    Beyond 64 MiB the disk is waited for only when asked: it would take longer than the work.
    """
    fd = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        if hasattr(os, "setxattr"):
            with contextlib.suppress(OSError):  # not every file system keeps attributes
                os.setxattr(fd, _MARK, _mark(identity))
        if sync or os.fstat(fd).st_size <= _SYNC_UP_TO:
            os.fsync(fd)
    finally:
        os.close(fd)


def _mark(identity: dict[str, Any]) -> bytes:
    text = json.dumps(identity, sort_keys=True).encode()
    return hashlib.blake2b(text, digest_size=16).hexdigest().encode()


def _mark_of(path: Path) -> bytes | None:
    if not hasattr(os, "getxattr"):
        return None
    try:
        return os.getxattr(path, _MARK)
    except OSError:
        return None


def _sync_folder(folder: Path) -> None:
    """Has the new name on the disk, where folders can be opened."""
    with contextlib.suppress(OSError):
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
