"""The end of a process: at once, and nothing that was to be done is left out."""

import subprocess
import sys

import pytest
from conftest import child_environment

PROGRAM = """
import atexit, sys, threading, time
sys.argv = ["attn", *{arguments!r}]
atexit.register(lambda: print("registered", flush=False))
{before}
from attncli.__main__ import command
command()
"""
SLOW = """
def slow():
    time.sleep(0.3)
    print("slow")
threading.Thread(target=slow).start()
"""


def ended(arguments: list[str], before: str = "") -> tuple[int, str]:
    """The exit code of a process that runs the command, and what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(arguments=arguments, before=before)],
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--version"], 0), (["explain", "money", "--json"], 0), (["explain", "--nothing"], 2)],
)
def test_what_is_registered_for_the_end_is_done(arguments: list[str], code: int) -> None:
    """Once, behind the output, and what it prints is written; the exit code is the command's."""
    returned, printed = ended(arguments)
    assert returned == code
    assert printed.endswith("registered\n")
    assert printed.count("registered") == 1


def test_threads_are_waited_for() -> None:
    """A thread that is still at work ends before the process."""
    returned, printed = ended(["--version"], SLOW)
    assert returned == 0
    assert printed.splitlines()[-2:] == ["slow", "registered"]


def test_modules_are_not_taken_apart() -> None:
    """Nothing runs behind what was registered: the process ends there."""
    before = "sys.leftover = type('Leftover', (), {'__del__': lambda self: print('apart')})()"
    assert "apart" not in ended(["--version"], before)[1]
