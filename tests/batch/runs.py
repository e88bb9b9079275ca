"""Runs of a small job inside a forked process, with faults on demand."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from attncli.batches.engines.local import LocalEngine
from attncli.batches.part_file import PartFile
from attncli.batches.plan import CHUNK_RECORDS, Plan
from attncli.batches.remote import RemoteOutput
from attncli.batches.run import FileSink, identity_of, nothing_to_do, run_to_output
from attncli.batches.work import Recipe
from attncli.batches.writers.formats import Format, MakeWriter, ending_of
from attncli.embeddings.store import MemoryStore
from attncli.errors import AttnError
from attncli.files.rows.reader import Shape
from attncli.files.source import sources
from attncli.mechanisms.general import GeneralAnalyser
from attncli.results.batch_report import RunReport
from attncli.results.layout import RecordLayout
from tests.batch.conftest import corpus

Attn = Callable[..., subprocess.CompletedProcess[bytes]]
_WORDS = ["money", "bank", "grows", "river", "flows", "the"]


def small_analyser() -> GeneralAnalyser:
    """General attention over six words of four values."""
    rng = np.random.default_rng(1)
    store = MemoryStore("six", _WORDS, rng.normal(size=(6, 4)).astype(np.float32), sha256="0" * 64)
    return GeneralAnalyser(store, dtype=np.float32, advise=False)


class _Deadly:
    """An analyser whose process dies at the word "poison"."""

    def __init__(self) -> None:
        self._analyser = small_analyser()

    def stacks(self, texts: Sequence[str]) -> Iterator[Any]:
        if any("poison" in text for text in texts):
            os._exit(3)
        time.sleep(0.01)
        return self._analyser.stacks(texts)


def deadly_analyser() -> _Deadly:
    """An analyser that ends its process at a word."""
    return _Deadly()


@dataclass(frozen=True)
class Job:
    """A small batch in a folder."""

    folder: Path
    format: Format = Format()  # noqa: RUF009 - frozen
    chunk: int = 10
    workers: int = 1
    layout: RecordLayout = RecordLayout()  # noqa: RUF009 - frozen
    analyser: Callable[[], Any] = small_analyser
    engine: Any = None
    url: str | None = None

    @property
    def target(self) -> Path:
        return self.folder / f"out.{self.format.described}"

    def run(self, *, resume: bool = False, force: bool = False) -> RunReport:
        """Runs the job in this process."""
        found = sources([str(self.folder / "s.txt")], lambda: sys.stdin.buffer)
        make_writer = MakeWriter(self.format, self.layout)
        identity = identity_of(found, {"options": self.layout.described()}, "1")
        if self.url is not None:
            output: Any = RemoteOutput(self.url, identity, resume=resume, force=force)
            sink: Any = output
        else:
            output = PartFile(self.target, identity, resume=resume, force=force)
            sink = FileSink(output)
        if output.complete:
            return nothing_to_do()
        size = CHUNK_RECORDS if make_writer().in_blocks else self.chunk
        plan = Plan(found, Shape(every_line=True), size, 4)
        recipe = Recipe(self.analyser, make_writer)
        ending = ending_of(self.format, self.layout)
        engine = self.engine or LocalEngine(self.workers)
        return run_to_output(plan, recipe, engine, output, sink, ending)

    def code(self, *, resume: bool = False, force: bool = False) -> int:
        """Runs the job and returns the exit code it would end with."""
        try:
            self.run(resume=resume, force=force)
        except AttnError as error:
            return error.exit_code
        return 0


def without_marks(path: Path) -> None:
    """Takes off what the file system keeps beside a file, as a copy to many others would."""
    for name in os.listxattr(path) if hasattr(os, "listxattr") else ():
        os.removexattr(path, name)


def forked(act: Callable[[], int]) -> int:
    """Runs `act` in a forked process; returns its pid."""
    pid = os.fork()
    if pid:
        return pid
    code = 99
    try:
        os.setpgid(0, 0)
        code = act()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def ended(pid: int) -> int:
    """The exit code of a forked process, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


_OPERATIONS = (
    *("write", "pwrite", "fsync", "ftruncate", "replace", "rename", "link", "unlink", "open"),
)


def with_fault(number: int, mode: str, operations: Sequence[str] = _OPERATIONS) -> None:
    """From now on, the `number`-th operation on files of this process meets a fault.

    kill: the process is killed before it; torn: half of a write is done, then it is killed; full,
    broken: the operation fails; short: a write writes half.
    """
    count = 0

    def wrapped(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*args: Any, **kwargs: Any) -> Any:
            nonlocal count
            count += 1
            if count != number:
                return original(*args, **kwargs)
            writes = name in ("write", "pwrite")
            if mode in ("torn", "short") and writes:
                half = bytes(args[1])[: len(args[1]) // 2]
                done = original(args[0], half, *args[2:])
                if mode == "short":
                    return done
            if mode in ("kill", "torn"):
                os.kill(os.getpid(), signal.SIGKILL)
            if mode == "full":
                raise OSError(errno.ENOSPC, "No space left on device")
            if mode == "broken":
                raise OSError(errno.EIO, "Input/output error")
            return original(*args, **kwargs)

        return operation

    for name in operations:
        setattr(os, name, wrapped(name, getattr(os, name)))


def prepared(folder: Path, records: int, **options: object) -> tuple[Job, bytes]:
    """A job in a folder, and the bytes of an undisturbed run."""
    (folder / "s.txt").write_bytes(corpus(records))
    job = Job(folder, **options)  # type: ignore[arg-type]  # as the fields
    job.run()
    expected = job.target.read_bytes()
    job.target.unlink()
    return job, expected


def leftovers(job: Job) -> list[str]:
    """What is in the folder beside input and output."""
    return [p.name for p in job.folder.iterdir() if p.name not in ("s.txt", job.target.name)]


def interrupted(folder: Path, number: int = 30) -> tuple[Job, bytes]:
    """A job that was killed half-way."""
    job, expected = prepared(folder, 200)

    def act() -> int:
        with_fault(number, "kill")
        return job.code()

    assert ended(forked(act)) == -signal.SIGKILL
    return job, expected


def records(data: bytes) -> list[dict[str, object]]:
    """The records of JSON lines."""
    return [json.loads(line) for line in data.decode().splitlines()]
