"""A lock is known as ours from its first moment, whoever dies while it is made."""

import os
import signal
import sys
from pathlib import Path

import pytest

from attncli.files.locking import locked

pytestmark = pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="files without a name")


def _killed_at(line: int, path: Path) -> bool:
    """Whether a process that takes the lock is killed before its line with this number."""
    child = os.fork()
    if child == 0:
        left = [line]

        def count(frame, event, argument):
            if not frame.f_code.co_filename.endswith("locking.py"):
                return None
            if event == "line":
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return count

        sys.settrace(count)
        with locked(path, wait=False):
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


def test_a_lock_whose_holder_is_killed_at_any_line_is_removed_by_the_next(tmp_path: Path) -> None:
    """Nothing stays, also when the mark was not yet written when the process died."""
    path, line = tmp_path / "m.lock", 1
    while _killed_at(line, path):
        with locked(path, wait=False) as held:
            assert held
        assert os.listdir(tmp_path) == [], line
        line += 1
    assert line > 8


def test_an_empty_file_of_somebody_else_stays(tmp_path: Path) -> None:
    """It serves as the lock, and is not removed."""
    path = tmp_path / "m.lock"
    path.touch()
    with locked(path, wait=False) as held:
        assert held
    assert path.read_bytes() == b""
