"""Executions in forked children: each gets damaged bytes, and each must end as attn promises.

A child runs one execution after another with limits of time and memory. When one ends it by a
signal, that is noted, and another child goes on behind it.
"""

import contextlib
import faulthandler
import functools
import importlib
import json
import mmap
import os
import pkgutil
import random
import re
import resource
import shutil
import signal
import struct
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from faults.lies import Lie, lies
from faults.mutations import mutated

import attncli
from attncli.errors import AttnError
from attncli.models.families import reading

SECONDS = 5  # of processor time; the clock of the wall is that of the machine's other work
_WALL = 90
_MEMORY = 1 << 30
_SPACE = 4 << 30  # of addresses, so that a fault does not take the machine with it
_GROWTH = 320 << 20  # 256 MiB for a bomb, and what the libraries take once
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")
WHOLE = "whole"  # the seed that damages nothing
LIES = "lies"  # the seed of files that lie about a size or a count
_LIE = 64 << 20  # bytes that a lie takes over what its honest twin takes
_CODES = frozenset({0, *range(2, 15)})
_AGAIN = 3  # the code of a child that wants its last execution tried in a child of its own
_LONGEST = 20_000  # bytes of standard error


@dataclass(frozen=True)
class Case:
    """A reader: files, which of them is damaged, and the command lines that read it.

    An argument or variable "{}" becomes the damaged text itself. `act` is called in the place of a
    command; whatever it raises that is no AttnError is a fault. `repair` makes sums right again;
    `damage` takes the place of the damage that knows formats.
    """

    name: str
    files: Mapping[str, bytes]
    target: str
    lines: Sequence[Sequence[str]] = ()
    act: Callable[[bytes], object] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    repair: Callable[[bytes], bytes] | None = None
    damage: Callable[[bytes, random.Random, list[bytes]], bytes] = mutated
    codes: frozenset[int] = _CODES
    whole: frozenset[int] = frozenset({0, 3})  # of the undamaged file and the first line

    def damaged(self, seed: str, number: int) -> bytes:
        """The bytes of one execution; always the same for the same seed and number."""
        if seed == WHOLE:
            return self.files[self.target]
        if seed == LIES:
            lie = self.lies[number // max(len(self.lines), 1)]()
            return lie if self.repair is None else self.repair(lie)
        chance = random.Random(f"{seed} {self.name} {number}")
        data = self.damage(self.files[self.target], chance, list(self.files.values()))
        return data if self.repair is None or chance.random() < 0.2 else self.repair(data)

    @cached_property
    def lies(self) -> list[Lie]:
        """Lies of numbers in text first, then of every field."""
        data = self.files[self.target]
        return [*lies(data, fields=False), *lies(data)]


def fuzz(case: Case, folder: Path, seed: str, numbers: Sequence[int]) -> list[str]:
    """What must not be, of these executions; each is one line with its number."""
    place = mmap.mmap(-1, 16)  # the execution a child is at, and the most memory it had
    said = folder / "findings"
    said.write_bytes(b"")
    findings: list[str] = []
    at, most = 0, 0
    while at < len(numbers):
        place[:] = struct.pack("<qq", at, 0)
        child = os.fork()
        if child == 0:
            _child(case, folder, seed, numbers, at, place, said)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        at, grown = struct.unpack("<qq", place[:])
        most = max(most, grown)
        if status < 0:
            over = -status in (signal.SIGPROF, signal.SIGALRM)
            name = signal.Signals(-status).name
            findings.append(f"{numbers[at]}: {'more than 5 s' if over else 'ended by'} ({name})")
        at += status != _AGAIN
    findings += said.read_text("utf-8").splitlines()
    PEAKS[case.name] = max(most, PEAKS.get(case.name, 0))
    return findings


PEAKS: dict[str, int] = {}  # bytes of memory that the executions of a case took at most


def _child(
    case: Case,
    folder: Path,
    seed: str,
    numbers: Sequence[int],
    start: int,
    place: mmap.mmap,
    said: Path,
) -> None:
    """Runs the executions from a start and ends the process; never returns."""
    code = 1
    try:
        faulthandler.disable()
        out = os.open(folder / "streams", os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        err = os.open(folder / "errors", os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(out, 1)
        os.dup2(err, 2)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        for number in (signal.SIGPROF, signal.SIGALRM, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_AS, (_virtual() + _SPACE,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        work = folder / "work"
        most = _LIE if seed == LIES else _GROWTH
        if seed == LIES:
            for number in {number % max(len(case.lines), 1) for number in numbers}:
                _execution(case, work, WHOLE, number, (out, err))
        base = _resident()
        for at, number in enumerate(numbers[start:], start):
            place[:8] = struct.pack("<q", at)
            fault = _execution(case, work, seed, number, (out, err))
            grown = _resident() - base
            place[8:] = struct.pack("<q", grown)
            if grown > most and at != start:
                os._exit(_AGAIN)  # alone, so that what others left does not count
            if grown > most:
                fault = f"{fault or ''} takes {grown >> 20} MiB"
            if fault:
                with said.open("a", encoding="utf-8") as file:
                    file.write(f"{number}: {fault}\n")
            if grown > most:
                break
        code = 0
    finally:
        if code:
            with said.open("a", encoding="utf-8") as file:
                file.write(f"the harness itself failed: {sys.exc_info()!r}\n")
        os._exit(code)


def _execution(
    case: Case, work: Path, seed: str, number: int, streams: tuple[int, int]
) -> str | None:
    """One execution; what was wrong with it, or None."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that an archive holds twice
        data = case.damaged(seed, number)
    _laid_out(case, work, data)
    for stream in streams:
        os.ftruncate(stream, 0)
        os.lseek(stream, 0, os.SEEK_SET)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.setitimer(signal.ITIMER_REAL, _WALL)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("ignore")
        for kind in (RuntimeWarning, UserWarning, SyntaxWarning):  # what Python shows to users
            warnings.simplefilter("always", kind)
        fault = (
            _acted(case, data)
            if case.act is not None
            else _commanded(case, data, seed, number, streams)
        )
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    if warned and fault is None:
        return f"warns: {warned[0].filename}:{warned[0].lineno}: {warned[0].message}"
    return fault


def _laid_out(case: Case, work: Path, data: bytes) -> None:
    """The folder with the case's files, the damaged one among them, and nothing else."""
    if case.act is None or len(case.files) > 1:
        shutil.rmtree(work, ignore_errors=True)
    work.mkdir(exist_ok=True)
    os.chdir(work)
    for name, content in case.files.items():
        path = work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if name == case.target else content)


def _acted(case: Case, data: bytes) -> str | None:
    assert case.act is not None
    try:
        case.act(data)
    except AttnError as error:
        return None if error.exit_code != 1 else f"{error!r}"
    except BaseException as fault:
        return _where(fault)
    return None


def _commanded(
    case: Case, data: bytes, seed: str, number: int, streams: tuple[int, int]
) -> str | None:
    """Runs one of the command lines; looks at its exit code and at all it wrote."""
    from attncli.cli.app import run

    text = data.replace(b"\0", b"").decode("utf-8", "surrogateescape")
    parts = case.lines[number % len(case.lines)]
    here = str(Path.cwd())
    line = [text[:100_000] if part == "{}" else part.replace("{here}", here) for part in parts]
    for name, value in case.env.items():
        os.environ[name] = (
            text.encode("utf-8", "replace").decode()[:50_000] if value == "{}" else value
        )
    try:
        code = run(line)
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException as fault:
        return f"{line!r:.200} {_where(fault)}"
    written = "\n".join(os.pread(one, 1 << 22, 0).decode("utf-8", "replace") for one in streams)
    expected = case.whole if seed == WHOLE else case.codes
    if code not in expected or "internal error" in written or "Traceback" in written:
        return f"{line!r:.200} code {code}: {written[-300:]!r}"
    if match := RAW.search(written):
        around = written[max(0, match.start() - 80) : match.end() + 40]
        return f"{line!r:.200} writes {match.group()!r}: {around!r}"
    if (size := os.fstat(streams[1]).st_size) > _LONGEST:
        return f"{line!r:.200} says {size} bytes"
    return None


def _where(fault: BaseException) -> str:
    """The exception, and the line of attn that it passed last."""
    frame, place = fault.__traceback__, ""
    while frame is not None:
        name = frame.tb_frame.f_code.co_filename
        if "attncli" in name:
            place = f"{name.rpartition('attncli/')[2]}:{frame.tb_lineno}"
        frame = frame.tb_next
    return json.dumps(f"{type(fault).__name__} at {place}: {fault}"[:300])


def _virtual() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[0]) * mmap.PAGESIZE


def _resident() -> int:
    """The most memory that this process had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def loaded() -> None:
    """Imports in this process what children would import one by one: the package, its libraries."""
    libraries = (
        "pyarrow.parquet",
        "pyarrow.ipc",
        "pyarrow.csv",
        "tokenizers",
        "safetensors.numpy",
        "fsspec.implementations.local",
        "marisa_trie",
        "regex",
        "orjson",
        "rich.console",
        "resvg_py",
        "typst",
    )
    modules = pkgutil.walk_packages(attncli.__path__, "attncli.")
    for name in (*libraries, *(found.name for found in modules)):
        if not name.endswith(
            ("__main__", ".dask", ".private_cluster")
        ):  # a program; threads of its own
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
    _keep_commands()
    reading._names = functools.cache(reading._names)  # a folder that stays the same


def _keep_commands() -> None:
    """Makes the options of a command once a process: half of an execution went into that."""
    import typer.main

    from attncli.cli import app

    if app.app_for.__module__ != app.__name__:
        return
    made, get_command = app.app_for, typer.main.get_command
    commands: dict[object, Any] = {}

    def app_for(arguments: Sequence[str], **manner: Any) -> typer.Typer:
        key = (arguments[:1], str(manner), os.environ.get("COLUMNS"))
        return kept(str(key), lambda: made(arguments, **manner))

    def command_of(application: typer.Typer) -> Any:
        return kept(application, lambda: get_command(application))

    def kept(key: object, make: Callable[[], Any]) -> Any:
        if key not in commands:
            commands[key] = make()
        return commands[key]

    app.app_for, typer.main.get_command = app_for, command_of
