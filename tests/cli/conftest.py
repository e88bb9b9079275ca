"""What the tests of the command share."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Ended, child_environment
from training_data import write_data


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A small file of examples."""
    return write_data(tmp_path / "data.tsv")


def in_a_shell(script: str, **env: str | None) -> Ended:
    """What a shell script ends in; `attn` in it is a function that runs the code under test."""
    function = 'attn() { "$PYTHON" -m attncli "$@"; }'
    done = subprocess.run(
        ["bash", "-c", f"{function}\n{script}"],
        capture_output=True,
        env=child_environment(PYTHON=sys.executable, **env),
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return Ended(done.returncode, done.stdout, done.stderr)
