"""An output file in the making: a part that grows beside it, and takes its name when whole."""

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attncli.batches.checksums import bears_out
from attncli.batches.journal import (
    Commit,
    Journal,
    cannot_write_output,
    open_own,
    write_all,
)
from attncli.batches.marks import expect_job, is_marked, is_of_job, settle, tally_of
from attncli.batches.same_job import check_identity, unfinished_run
from attncli.errors import OutputError, setting
from attncli.errors.wording import visible
from attncli.files.paths import exists
from attncli.files.writing import check_target, not_ours, sync_folder, take_name

ENDINGS = (".attn-part", ".attn-journal", ".attn-final")  # of the files beside an output
_SUM_UP_TO = 1 << 20  # bytes of a part that are always summed again at the end


@dataclass(frozen=True, slots=True)
class Ending:
    """How a part becomes the output: `assemble` makes a file of another layout of it.

    Where that begins with the part as it is, `closing` makes the bytes behind it, else None.
    """

    assemble: Callable[[Path, Path], None] | None = None
    closing: Callable[[Path], bytes | None] | None = None
    sync: bool = False


class PartFile:
    """The part of an output file; `done` is the last commit of an earlier run, if it goes on.

    `identity` names the job: its inputs, vectors and options. Raises: OutputError (something is in
    the way), LockedError, ResumeError (the earlier run was another job).
    """

    def __init__(
        self, target: Path, identity: dict[str, Any], *, resume: bool = False, force: bool = False
    ) -> None:
        check_target(target)
        self.target = target
        self.path, journal, self._final = (Path(f"{target}{ending}") for ending in ENDINGS)
        self.done: Commit | None = None
        self.complete = False
        self.is_known = True  # whether a complete output is known to be this job's
        self._identity = identity
        self._journal = Journal(journal)
        self._replaces = False
        try:
            self.fd = self._opened(resume, force)
        except OSError as fault:
            self._let_go()
            raise cannot_write_output(str(target), fault) from None
        except BaseException:
            self._let_go()
            raise

    @property
    def length(self) -> int:
        """The bytes that are committed."""
        return 0 if self.done is None else self.done.length

    def commit(self, commit: Commit, *, followed: bool = False) -> None:
        """Notes a chunk whose bytes were written, at once: `followed` by another or not."""
        self._journal.commit(commit)
        self.done = commit

    def write(self, data: bytes | memoryview, offset: int) -> None:
        """Writes bytes of the part. Raises: OutputError."""
        write_all(self.fd, data, str(self.target), offset)

    def end(self, ending: Ending) -> None:
        """The part becomes the output; nothing else is left behind. Raises: OutputError."""
        name = str(self.target)
        self._expect_whole()
        try:
            whole = self.path
            closing = None if ending.closing is None else ending.closing(whole)
            if closing is not None:
                self.write(closing, self.length)
            elif ending.assemble is not None:
                os.close(open_own(self._final, self._mode(), new=True))
                ending.assemble(self.path, self._final)
                whole = self._final
            settle(whole, self._identity, self.done, sync=ending.sync)
            self._journal.finish(whole.name)
            self._let_go_of_part()
            take_name(whole, self.target, replace=self._replaces)
            sync_folder(self.target.parent)
            self.path.unlink(missing_ok=True)
            self._journal.remove()
        except FileExistsError:
            raise OutputError(
                "the file came while this ran, expected none; the work is kept",
                place=visible(name)[:200],
                hints=(f"{setting(resume=True, force=True)} puts the result in its place",),
            ) from None
        except OSError as fault:
            raise cannot_write_output(name, fault) from fault
        self.close()

    def close(self) -> None:
        """Closes the files; what is committed stays for a resumed run."""
        self._let_go_of_part()
        self._journal.close()

    def _let_go_of_part(self) -> None:
        """Closes the part: Windows neither renames nor removes what is open."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def discard(self) -> None:
        """Removes what was begun, when nothing came of it."""
        self._let_go_of_part()
        self.path.unlink(missing_ok=True)
        self._journal.remove()

    def _opened(self, resume: bool, force: bool) -> int:
        self._finish_interrupted_end()
        place = visible(str(self.target))[:200]
        exists, begun = os.path.lexists(self.target), not self._journal.empty
        if (
            exists
            and resume
            and not begun
            and (not force or is_of_job(self.target, self._identity))
        ):
            expect_job(self.target, self._identity, place)
            self.complete, self.is_known = True, is_marked(self.target)
            self.done = tally_of(self.target)
            self._let_go()
            return -1
        self._replaces = force or (resume and begun and self._journal.replaces)
        if exists and not self._replaces:
            again = setting(resume=True, force=True)
            more = (
                f"{again} goes on and replaces it"
                if begun
                else f"{setting(force=True)} replaces it"
            )
            raise OutputError("the file exists, expected none", place=place, hints=(more,))
        if begun and not resume and not force:
            raise unfinished_run(place)
        kept = 0
        if resume and begun:
            check_identity(self._journal.identity, self._identity, place)
            kept = self._verified()
        self._final.unlink(missing_ok=True)
        return self._begun(kept, go_on=resume and begun)

    def _begun(self, kept: int, *, go_on: bool) -> int:
        fd = open_own(self.path, self._mode(), new=self._journal.is_new)
        try:
            self.done = self._journal.commits[kept - 1] if kept else None
            if go_on:
                self._journal.keep(kept)
            else:
                self._journal.begin(self._identity, replaces=self._replaces)
            if os.fstat(fd).st_size != self.length:  # ext4 sends a file that was cut to the disk
                os.ftruncate(fd, self.length)
        except BaseException:
            os.close(fd)
            if self._journal.is_new:
                self.path.unlink(missing_ok=True)
            raise
        return fd

    def _mode(self) -> int:
        """Nobody else reads what will replace a file; at the end it gets that file's permissions."""
        return 0o600 if exists(self.target) else 0o666

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

    def _expect_whole(self) -> None:
        """Raises OutputError when somebody cut the part while it grew; what is whole of it is kept.

        A part that was cut has another length, or a hole where it grew on. A hole alone proves
        nothing (some file systems keep no zeros): then the checksums of the commits decide, and in
        a small part always.
        """
        size = os.fstat(self.fd).st_size
        doubtful = size <= _SUM_UP_TO or _has_hole(self.fd, size)
        if size == self.length and (not doubtful or self._bears_all_out()):
            return
        raise OutputError(
            f"another program changed {visible(self.path.name)[:200]} while this ran",
            place=visible(str(self.target))[:200],
            hints=(f"{setting(resume=True)} goes on from what is whole of it",),
        )

    def _bears_all_out(self) -> bool:
        return self._verified() == len(self._journal.commits)

    def _finish_interrupted_end(self) -> None:
        """A run that was killed while its output took its name has only to be tidied up.

        Raises: OutputError when files of somebody else have the names of a run's files.
        """
        if self._journal.is_new:
            for path in (self.path, self._final):
                if os.path.lexists(path):
                    raise not_ours(path)
        for whole in (self.path, self._final):
            if whole.name == self._journal.finished and _is_gone(whole, self.target):
                self.path.unlink(missing_ok=True)
                self._final.unlink(missing_ok=True)
                self._journal.restart()

    def _let_go(self) -> None:
        if self._journal.empty and (self._journal.is_new or not os.path.lexists(self.path)):
            with contextlib.suppress(OSError):
                self._journal.remove()
        self._journal.close()


def _has_hole(fd: int, size: int) -> bool:
    """Whether the file system keeps a stretch of the file as a hole; it may not be able to tell."""
    if not size or not hasattr(os, "SEEK_HOLE"):
        return False
    try:
        return os.lseek(fd, 0, os.SEEK_HOLE) < size
    except OSError:
        return False


def _is_gone(whole: Path, target: Path) -> bool:
    """Whether a whole file took the name of the output; for a moment it has both."""
    try:
        return whole.samefile(target)
    except OSError:
        return not os.path.lexists(whole)
