"""Whole or not at all: every call that changes a file fails once, in every way, and a law holds.

A run that is killed, or whose disk is full or broken, leaves each output as it was or whole, touches
nothing else, and ends with 9 if it ends by itself; the next run gives the same bytes and leaves
nothing beside them.

ATTN_FAULTS=all tries every point of every command; otherwise a sample, always the same.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from faults.commands import KINDS
from faults.points import Command, told_of

if not sys.platform.startswith("linux"):
    pytest.skip("the preload library is for Linux", allow_module_level=True)
COMPILER = shutil.which("cc") or shutil.which("gcc")
if COMPILER is None:
    pytest.skip("there is no C compiler (cc)", allow_module_level=True)

ALL = os.environ.get("ATTN_FAULTS") == "all"
MOST = 1_000_000 if ALL else 4  # points of a command
_NEEDS = {
    "parquet": "pyarrow",
    "arrow": "pyarrow",
    "png": "resvg_py",
    "pdf": "typst",
    "url": "fsspec",
}
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The preload library, compiled."""
    path = tmp_path_factory.mktemp("preload") / "preload.so"
    line = [str(COMPILER), "-O1", "-shared", "-fPIC", str(HERE / "preload.c"), "-o", str(path)]
    subprocess.run([*line, "-ldl"], check=True)
    return path


def tried(
    commands: list[Command], folder: Path, library: Path, most: int = MOST, calls: Any = ()
) -> dict[str, Any]:
    """The points of commands, and what was wrong at them."""
    done = subprocess.run(
        [sys.executable, str(HERE / "points.py")],
        input=told_of(commands, folder / "points", library, most, calls),
        env={
            **os.environ,
            "LD_PRELOAD": str(library),
            "PYTHONPATH": os.pathsep.join([str(HERE.parent), *filter(None, sys.path)]),
            "ATTN_CACHE_DIR": str(folder / "cache"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("kind", KINDS)
def test_every_fault_point_ends_as_promised(kind: str, tmp_path: Path, library: Path) -> None:
    """Killed before, after, within; short writes; full, broken, interrupted, over the quota.

    Of a worker as of its parent; no process of a run is left behind.
    """
    commands = [
        command
        for command in KINDS[kind]
        if not any(sign in command.name and not _is_there(sign) for sign in _NEEDS)
    ]
    answer = tried(commands, tmp_path, library, MOST if ALL or kind != "crews" else 2)
    if log := os.environ.get("ATTN_FAULTS_LOG"):
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"kind": kind, **answer}) + "\n")
    assert answer["points"] > 20
    assert not answer["faults"]


def test_what_cannot_be_removed_leaves_a_model_and_a_name_right(
    tmp_path: Path, library: Path
) -> None:
    """The state of a training behind its model, an entry of the cache: every removal fails once."""
    commands = [c for kind in KINDS.values() for c in kind if c.name in ("train", "vectors remove")]
    answer = tried(commands, tmp_path, library, 1_000, ("unlink", "unlinkat", "rmdir"))
    assert answer["tried"] == answer["points"] > 10
    assert not answer["faults"]


def _is_there(sign: str) -> bool:
    return importlib.util.find_spec(_NEEDS[sign]) is not None
