"""Every fault point of a command: each call that changes a file, failing in each way.

Run as a program under the preload library, which counts the calls: each point is a run in a forked
child, and behind it the run that comes next. What must not be is printed, one line a point.
"""

import ctypes
import importlib
import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

KILLS = ("before", "after", "torn")
ERRORS = ("ENOSPC", "EIO", "EINTR", "EDQUOT")
MODES = (*KILLS, "short", *ERRORS)
_WRITES = ("write", "pwrite", "pwrite64", "writev", "sendfile", "sendfile64", "copy_file_range")
_KEY = re.compile(r"(?<=v2-)[0-9a-f]{32}")
_SECONDS = 60
_GOING = 10  # seconds that a worker whose parent was killed may take to end
_OUTPUT = 9
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Command:
    """A command line, the files it finds, and the names of what it writes.

    `again` is the line of the next run. `grows` names outputs that are written as they come, such
    as a log. `works` begins the names of files that an unfinished run may keep for the next one.
    `ends` are the codes that the next run may end with: of two removals the second finds nothing.
    `stopped` is a line that was killed at so great a part of its calls before this one begins.
    """

    name: str
    line: Sequence[str]
    files: Mapping[str, str]
    outputs: Sequence[str]
    again: Sequence[str] = ()
    grows: Sequence[str] = ()
    works: Sequence[str] = ()
    ends: Sequence[int] = (0,)
    before: Sequence[Sequence[str]] = ()
    stopped: Sequence[str] = ()
    part: float = 0.5
    env: Mapping[str, str] = field(default_factory=dict)


class Points:
    """The fault points of one command, in a folder of its own."""

    def __init__(self, command: Command, folder: Path, library: str) -> None:
        self.command, self.folder = command, folder
        self.start, self.work = folder / "start", folder / "work"
        self.preload = ctypes.CDLL(library)
        self.preload.fault_name.restype = ctypes.c_char_p
        self.preload.fault_count.restype = ctypes.c_long
        shutil.rmtree(folder, ignore_errors=True)
        self.work.mkdir(parents=True)
        for name, text in command.files.items():
            (self.work / name).parent.mkdir(parents=True, exist_ok=True)
            (self.work / name).write_bytes(text.encode("latin-1"))
        for line in command.before:
            if (code := self._run(line)) != 0:
                raise AssertionError(f"{line} ended with {code}: {self._said()}")
        straight = self._stopped(command.stopped) if command.stopped else {}
        copied(self.work, self.start)
        self.old = contents(self.work)
        code = self._run(command.line, number=0)
        self.calls = [
            self.preload.fault_name(number + 1).decode()
            for number in range(self.preload.fault_count())
        ]
        self.whole = contents(self.work)
        if any(self.whole[name] != content for name, content in straight.items()):
            raise AssertionError(f"{command.line} made other bytes than {command.stopped}")
        if code != 0:
            raise AssertionError(f"{command.line} ended with {code}: {self._said()}")

    def _stopped(self, line: Sequence[str]) -> dict[str, bytes]:
        """Kills a run of the line in its middle; the outputs of one that was not."""
        copied(self.work, self.start)
        self._run(line, number=0)
        made = contents(self.work)
        number = int(self.preload.fault_count() * self.command.part)
        shutil.rmtree(self.work)
        self.start.rename(self.work)
        if (code := self._run(line, number, "after")) != -signal.SIGKILL:
            raise AssertionError(f"{line} ended with {code}: {self._said()}")
        return {name: made[name] for name in self.command.outputs}

    def points(self) -> list[tuple[int, str]]:
        """All points: the number of a call, and the way it fails."""
        return [
            (number + 1, mode)
            for number, call in enumerate(self.calls)
            for mode in MODES
            if call in _WRITES or mode not in ("torn", "short")
        ]

    def tried(self, number: int, mode: str) -> str | None:
        """What was wrong at this point, or None."""
        shutil.rmtree(self.work)
        copied(self.start, self.work)
        code = self._run(self.command.line, number, mode)
        wrong = self._after_fault(code, mode)
        if wrong is None:
            code = self._run(self.command.again or self.command.line)
            wrong = self._after_all(code)
        if wrong is None:
            wrong = self._processes()
        if wrong is None:
            return None
        call = self.calls[number - 1]
        return f"{self.command.name}: {mode} {call} {number}: {wrong}: {self._said()}"

    def _after_fault(self, code: int, mode: str) -> str | None:
        killed = -signal.SIGKILL if mode in KILLS else 0
        if code not in ({killed, 0} if mode in (*KILLS, "short") else {0, _OUTPUT}):
            return f"ended with {code}"
        now = contents(self.work)
        for name in self.command.outputs:
            if now.get(name) == self.whole[name]:
                continue
            if code == 0:
                return f"ended with 0, but {name} is not whole"
            if now.get(name) != self.old.get(name) and name not in self.command.grows:
                return f"{name} is neither what it was nor whole"
        if wrong := self._of_others(now):
            return wrong
        if code == _OUTPUT and (left := self._left(now)):
            return f"leaves {left}"
        return None

    def _after_all(self, code: int) -> str | None:
        now = contents(self.work)
        if code not in self.command.ends:
            return f"the next run ended with {code}"
        for name in self.command.outputs:
            if now.get(name) != self.whole[name]:
                return f"the next run made another {name}"
        if extra := sorted(set(now) - set(self.whole)):
            return f"the next run leaves {extra}"
        return self._of_others(now)

    def _of_others(self, now: Mapping[str, bytes]) -> str | None:
        changed = [
            name
            for name, content in self.old.items()
            if not name.startswith((*self.command.outputs, *self.command.works))
            and name in self.whole
            and now.get(name) not in (content, self.whole[name])
        ]
        return f"changes {changed}" if changed else None

    def _processes(self) -> str | None:
        """Whether a process of the runs is still there: all of them are children of this one now."""
        deadline = time.monotonic() + _GOING
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return None
            if pid == 0 and time.monotonic() > deadline:
                return "leaves a process"
            if pid == 0:
                time.sleep(0.01)

    def _left(self, now: Mapping[str, bytes]) -> list[str]:
        """What a run that ended by itself left, but for the files that the next one goes on from."""
        return sorted(
            name
            for name in set(now) - set(self.whole) - set(self.old)
            if not any(name.startswith(start) for start in self.command.works)
        )

    def _run(self, line: Sequence[str], number: int | None = None, mode: str = "") -> int:
        child = os.fork()
        if child == 0:
            self._child(line, number, mode)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def _child(self, line: Sequence[str], number: int | None, mode: str) -> None:
        """Runs a command line and ends the process; never returns."""
        code = 99
        try:
            from attncli.cli.app import run

            out = os.open(self.folder / "said", os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(os.open(os.devnull, os.O_RDWR), 0)
            os.dup2(out, 1)
            os.dup2(out, 2)
            sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
            sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
            os.chdir(self.work)
            os.environ.update(self.command.env)
            signal.alarm(_SECONDS)
            parts = [part.replace("{here}", str(self.work)) for part in line]
            if number is not None:
                self.preload.fault_arm(bytes(self.work), ctypes.c_long(number), mode.encode())
            code = run(parts)
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)

    def _said(self) -> str:
        return (self.folder / "said").read_bytes().decode("utf-8", "replace")[-300:]


def copied(source: Path, target: Path) -> None:
    """Copies a folder; a file that has two names keeps both, as for a moment at the end of a run."""
    shutil.copytree(source, target, symlinks=True)
    names: dict[int, Path] = {}
    for path in sorted(path for path in target.rglob("*") if path.is_file()):
        number = (source / path.relative_to(target)).stat().st_ino
        if (first := names.setdefault(number, path)) != path:
            path.unlink()
            path.hardlink_to(first)


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder, with their bytes; entries of the cache without their keys."""
    held: dict[str, bytes] = {}
    files = [path for path in folder.rglob("*") if path.is_file()]
    named = [(_KEY.sub("KEY", str(path.relative_to(folder))), path.read_bytes()) for path in files]
    for name, content in sorted(named):
        held[name + "'" * sum(other.rstrip("'") == name for other in held)] = content
    return held


def sample(points: Sequence[tuple[int, str]], most: int) -> list[tuple[int, str]]:
    """At most so many points, spread over all calls and ways: always the same."""
    if len(points) <= most:
        return list(points)
    step = len(points) / most
    return [points[int(place * step)] for place in range(most)]


def main(told: Mapping[str, Any]) -> None:
    """Tries the points of commands; prints how many there are, how many were tried, and faults."""
    from faults.fuzzing import loaded

    loaded()
    if any(command["line"][:2] == ["vectors", "train"] for command in told["commands"]):
        importlib.import_module("gensim.models")  # once, not in each child
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    every = tried = 0
    faults: list[str] = []
    for command in told["commands"]:
        points = Points(Command(**command), Path(told["folder"]), told["library"])
        all_points = [
            point
            for point in points.points()
            if not told["calls"] or points.calls[point[0] - 1] in told["calls"]
        ]
        chosen = sample(all_points, told["most"])
        every, tried = every + len(all_points), tried + len(chosen)
        faults += [wrong for point in chosen if (wrong := points.tried(*point)) is not None]
    print(json.dumps({"points": every, "tried": tried, "faults": faults}))  # noqa: T201


def told_of(
    commands: Sequence[Command], folder: Path, library: Path, most: int, calls: Sequence[str] = ()
) -> str:
    """What `main` is told, as JSON: of which commands it tries how many points, of which calls."""
    told = {"commands": list(map(asdict, commands)), "folder": str(folder), "library": str(library)}
    return json.dumps({**told, "most": most, "calls": calls})


if __name__ == "__main__":
    main(json.loads(sys.stdin.read()))
