"""Command lines as a user runs them whom the system refuses things, also where root runs the tests.

Run as a program: it gives up root's privileges, which pass over every permission, and stays the owner
of the files; so the code itself can be read wherever it lies. Each line is run in a forked child.
"""

import ctypes
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_CAPSET = 0x20080522  # version 3: 64 capabilities
_SECUREBITS, _NO_ROOT = 28, 0b11  # of prctl: a program that root starts gains nothing, locked
_SECONDS = 60


def give_up_root() -> None:
    """The process, and whatever it starts, is refused what its owner's permissions refuse."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_SECUREBITS, _NO_ROOT, 0, 0, 0)
    if libc.capset((ctypes.c_uint32 * 2)(_CAPSET, 0), (ctypes.c_uint32 * 6)()) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def ended(line: Sequence[str], folder: str, env: Mapping[str, str]) -> tuple[int, str]:
    """The code that a command line ends with in a folder, and what it says on standard error."""
    said = os.memfd_create("said")
    child = os.fork()
    if child == 0:
        code = 99
        try:
            from attncli.cli.app import run

            nothing = os.open(os.devnull, os.O_RDWR)
            for number, place in enumerate((nothing, nothing, said)):
                os.dup2(place, number)
            sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
            sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
            os.chdir(folder)
            os.environ.update(env)
            signal.alarm(_SECONDS)
            code = run(line)
            sys.stderr.flush()
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code, os.pread(said, 4000, 0).decode("utf-8", "replace")


def main(runs: Sequence[Mapping[str, Any]]) -> None:
    """Prints how each run ended, as JSON."""
    from faults.fuzzing import loaded

    loaded()
    if os.geteuid() == 0:
        give_up_root()
    print(json.dumps([ended(run["line"], run["folder"], run["env"]) for run in runs]))  # noqa: T201


if __name__ == "__main__":
    main(json.loads(Path("/dev/stdin").read_text("utf-8")))
