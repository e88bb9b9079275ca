"""Many command lines in one process that forks, each in a folder of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).parent


def ended(runs: Sequence[tuple[Sequence[str], Path]]) -> Iterator[tuple[int, list[str]]]:
    """The code of each command line in its folder, and the line; what is no clean end fails.

    The cache is the folder `cache` beside. Root's privileges are given up.
    """
    told = [
        {"line": line, "folder": str(folder), "env": {"ATTN_CACHE_DIR": str(folder / "cache")}}
        for line, folder in runs
    ]
    paths = [str(HERE.parent), *filter(None, sys.path)]
    done = subprocess.run(
        [sys.executable, str(HERE / "unprivileged.py")],
        input=json.dumps(told),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for (line, _), (code, said) in zip(runs, json.loads(done.stdout), strict=True):
        assert "Traceback" not in said, (line, said)
        assert "internal error" not in said, (line, said)
        yield code, list(line)
