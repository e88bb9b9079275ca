"""An output behind a URL (s3://, gs://, file://, memory://): parts that anybody may put, committed once.

    URL.attn-parts/job.json          the job's identity
    URL.attn-parts/part-00000007     a chunk's bytes
    URL.attn-parts/commit-00000007   what of it counts, written behind it; a list: of the parts behind too
    URL.attn-lock                    held while a run works on it

Object stores make an object appear whole or not at all; in a file system a part is written under
another name first. At the end the parts become the output, in order, and are removed.
"""

import contextlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from attncli.batches.checksums import bears_out, checksum
from attncli.batches.joining import is_joined_there
from attncli.batches.journal import Commit, commit_of
from attncli.batches.lease import hold
from attncli.batches.marks import expect_job, is_marked, is_of_job, settle, tally_of
from attncli.batches.part_file import Ending
from attncli.batches.same_job import check_identity, unfinished_run
from attncli.batches.work import Computed, Done
from attncli.errors import OutputError, setting
from attncli.errors.wording import visible
from attncli.files.source import require_fsspec

_COPY = 1 << 22  # bytes
_AT_ONCE = 1000  # commits of an object; 200 bytes each
_OF_ONE_PROCESS = ("memory",)
_OF_ONE_MACHINE = ("file", "local")


@dataclass(frozen=True, slots=True)
class Parts:
    """Where parts are put; can be sent to a worker. `base` is added to the numbers of chunks."""

    folder: str
    base: int = 0

    @property
    def in_this_process(self) -> bool:
        """Whether no other process sees what is put here."""
        return self._protocol in _OF_ONE_PROCESS

    @property
    def on_this_machine(self) -> bool:
        """Whether no other machine sees what is put here."""
        return self.in_this_process or self._protocol in _OF_ONE_MACHINE

    def put(self, number: int, data: bytes) -> None:
        """Puts the bytes of a chunk. Raises: OutputError."""
        files, folder = opened(self.folder)
        path = f"{folder}/part-{self.base + number:08d}"
        try:
            _put_whole(files, path, data)
        except OSError as fault:
            raise _cannot_write(self.folder, fault) from None

    def put_computed(self, computed: Computed, head: bytes) -> Done:
        """Makes and puts a worker's bytes; what goes back is only what became of them."""
        data = computed.coming.behind(head).whole()
        self.put(computed.number, data)
        return Done(computed.number, b"", computed.tally, put=(len(data), checksum(data)))

    @property
    def _protocol(self) -> str:
        return self.folder.partition("://")[0]


class RemoteOutput:
    """The parts of an output behind a URL; `done` is the last commit of an earlier run.

    Raises: MissingExtraError, OutputError (something is in the way, or cannot be written),
    LockedError, ResumeError (the earlier run was another job).
    """

    fd = -1
    seekable = True
    path = ""

    def __init__(
        self, url: str, identity: dict[str, Any], *, resume: bool = False, force: bool = False
    ) -> None:
        self.name = url
        self.done: Commit | None = None
        self.complete = False
        self.is_known = True  # whether a complete output is known to be this job's
        self._identity = identity
        self._files, self._target = opened(url)
        self._folder = f"{self._target}.attn-parts"
        self._lengths: list[int] = []
        self._unnoted: list[Commit] = []
        self._held = ExitStack()
        try:
            self._held.enter_context(hold(self._files, f"{self._target}.attn-lock", url))
            self._begin(resume, force)
        except OSError as fault:
            self.close()
            raise _cannot_write(url, fault) from None
        except BaseException:
            self.close()
            raise
        if self.complete:
            self.close()
        self.parts = Parts(f"{url}.attn-parts", base=len(self._lengths))

    @property
    def length(self) -> int:
        """The bytes that are committed."""
        return 0 if self.done is None else self.done.length

    def deliver(self, number: int, data: bytes | memoryview, offset: int) -> None:
        """Puts a chunk's bytes from this process."""
        self.parts.put(number, bytes(data))

    def commit(self, commit: Commit, *, followed: bool = False) -> None:
        """Notes a chunk whose part was put; those that are ready together by one object.

        A store takes tens of milliseconds for an object, and a thousand workers do not wait.
        """
        self._lengths.append(commit.length - self.length)
        self._unnoted.append(commit)
        self.done = commit
        if not followed or len(self._unnoted) >= _AT_ONCE:
            self._note()

    def _note(self) -> None:
        commits = [asdict(commit) for commit in self._unnoted]
        if not commits:
            return
        number = len(self._lengths) - len(commits)
        text = json.dumps(commits if len(commits) > 1 else commits[0], sort_keys=True)
        try:
            _put_whole(self._files, f"{self._folder}/commit-{number:08d}", text.encode())
        except OSError as fault:
            raise _cannot_write(self.name, fault) from None
        self._unnoted.clear()

    def end(self, ending: Ending) -> None:
        """The parts become the output. Raises: OutputError."""
        self._note()
        try:
            whole = f"{self._folder}/joined"
            local = self._local(whole)
            if local is None:  # an object appears whole or not at all
                whole = self._target
            if ending.assemble is None:
                self._join(whole)
            else:
                self._assemble(ending, whole)
            if local is not None:
                settle(local, self._identity, self.done, sync=ending.sync)
                self._files.mv(whole, self._target)
            self._files.rm(self._folder, recursive=True)
        except OSError as fault:
            raise _cannot_write(self.name, fault) from None

    def close(self) -> None:
        """Lets other runs have the output; what is committed stays for a resumed run."""
        try:
            with contextlib.suppress(OutputError):  # these chunks are done again
                self._note()
        finally:
            self._held.close()

    def discard(self) -> None:
        """Removes what was begun, when nothing came of it."""
        self._files.rm(self._folder, recursive=True)

    def _begin(self, resume: bool, force: bool) -> None:
        place = visible(self.name)[:200]
        begun = self._files.exists(f"{self._folder}/job.json")
        exists = self._files.exists(self._target)
        if exists and resume and not begun and (not force or self._is_own()):
            self._check_finished(place)
            self._sweep()  # a run may have been killed while it removed its parts
            self.complete = True
            return
        if exists and not force and not (resume and begun):
            raise OutputError(
                "the file exists, expected none",
                place=place,
                hints=(f"{setting(force=True)} replaces it",),
            )
        if begun and not resume and not force:
            raise unfinished_run(place)
        if begun and resume:
            check_identity(self._found_identity(), self._identity, place)
            self._go_on()
            return
        self._sweep()
        self._files.makedirs(self._folder, exist_ok=True)
        text = json.dumps(self._identity, sort_keys=True)
        _put_whole(self._files, f"{self._folder}/job.json", text.encode())

    def _is_own(self) -> bool:
        """Whether the output is marked as this job's; object stores keep no marks."""
        local = self._local(self._target)
        return local is not None and is_of_job(local, self._identity)

    def _check_finished(self, place: str) -> None:
        """Takes over what a whole output says of itself. Raises: ResumeError for another job's."""
        self.is_known = False
        if (local := self._local(self._target)) is not None:
            expect_job(local, self._identity, place)
            self.done, self.is_known = tally_of(local), is_marked(local)

    def _local(self, path: str) -> Path | None:
        """The path of a file of this machine."""
        return Path(path) if _is_of_this_machine(self._files) else None

    def _sweep(self) -> None:
        if self._files.exists(self._folder):
            self._files.rm(self._folder, recursive=True)

    def _found_identity(self) -> dict[str, Any] | None:
        try:
            found = json.loads(self._files.cat_file(f"{self._folder}/job.json"))
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None

    def _go_on(self) -> None:
        """Takes over the commits whose parts hold what they say, up to the first that does not."""
        while commits := self._noted(len(self._lengths)):
            before = len(self._lengths)
            for commit in commits:
                if not self._is_borne_out(commit):
                    break
                self._lengths.append(commit.length - self.length)
                self.done = commit
            if len(self._lengths) == before:
                return

    def _noted(self, number: int) -> list[Commit]:
        """The commits of an object: of this part, and of those behind it; none that is readable."""
        try:
            content = json.loads(self._files.cat_file(f"{self._folder}/commit-{number:08d}"))
        except (FileNotFoundError, ValueError, RecursionError):
            return []
        commits = []
        for one in content if isinstance(content, list) else [content]:
            commit = commit_of(one)
            if commit is None:
                break
            commits.append(commit)
        return commits

    def _is_borne_out(self, commit: Commit) -> bool:
        """Whether the part behind those that are taken over holds what a commit says."""
        part = f"{self._folder}/part-{len(self._lengths):08d}"
        try:
            if self._files.size(part) != commit.length - self.length:
                return False
            data = self._files.cat_file(part)
        except FileNotFoundError:
            return False
        return len(data) == commit.length - self.length and bears_out(data, commit.checksum)

    def _content(self) -> Iterator[bytes]:
        for number in range(len(self._lengths)):
            with self._files.open(f"{self._folder}/part-{number:08d}", "rb") as part:
                while block := part.read(_COPY):
                    yield block

    def _join(self, whole: str) -> None:
        """The parts behind each other as one object."""
        if self.parts.in_this_process:  # an object appears as it is opened: it is put by one call
            self._files.pipe_file(whole, b"".join(self._content()))
            return
        names = [f"{self._folder}/part-{number:08d}" for number in range(len(self._lengths))]
        if is_joined_there(self._files, self._folder, names, self._lengths, whole):
            return
        out = self._files.open(whole, "wb")
        try:
            for block in self._content():
                out.write(block)
        except BaseException:
            with contextlib.suppress(Exception):  # closing an upload would make half of it appear
                out.discard()
            raise
        out.close()

    def _assemble(self, ending: Ending, whole: str) -> None:
        """An object of another layout, made of the parts."""
        with tempfile.TemporaryDirectory() as name:
            part, final = Path(name) / "part", Path(name) / "final"
            with part.open("wb") as out:
                for block in self._content():
                    out.write(block)
            if ending.assemble is not None:
                ending.assemble(part, final)
            if self.parts.in_this_process:
                self._files.pipe_file(whole, final.read_bytes())
            else:
                self._files.put_file(str(final), whole)


def opened(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it. Raises: MissingExtraError, OutputError."""
    fsspec = require_fsspec(url)
    try:
        files, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError, OSError) as fault:
        raise OutputError(f"cannot write: {fault}"[:200], place=visible(url)[:200]) from None
    return files, path


def _put_whole(files: Any, path: str, data: bytes) -> None:
    """Puts an object that is there whole or not at all, in a file system too."""
    if _is_of_this_machine(files):
        files.pipe_file(f"{path}.new", data)
        files.mv(f"{path}.new", path)
    else:
        files.pipe_file(path, data)


def _is_of_this_machine(files: Any) -> bool:
    named = files.protocol
    names = {named} if isinstance(named, str) else {*named}
    return bool(names & {*_OF_ONE_MACHINE})


def _cannot_write(url: str, fault: OSError) -> OutputError:
    reason = (fault.strerror or str(fault) or type(fault).__name__).lower()
    return OutputError(f"cannot write: {reason}"[:200], place=visible(url)[:200])
