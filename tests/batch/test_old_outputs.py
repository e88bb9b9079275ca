"""A file that was there before is never taken for the output of a run that was to replace it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

OLD = b'{"type":"result"}\n'
ENDINGS = ["jsonl", "csv", "npz"]


def _lines(folder: Path, ending: str, at: str) -> tuple[Path, list[str]]:
    """The path of an output, and the command that writes it, by its path or as a URL."""
    (folder / "s.txt").write_bytes(b"money bank grows\nriver bank flows\n")
    path = folder / f"out.{ending}"
    name = str(path) if at == "path" else f"{at}://{path}"
    line = ["batch", "s.txt", "--vectors", "random", "--dim", "4", "--workers", "1", "-o", name]
    return path, line


def _is_marked(path: Path) -> bool:
    return hasattr(os, "listxattr") and "user.attn.job" in os.listxattr(path)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("at", ["path", "file", "local"])
def test_an_older_file_is_not_the_output_of_a_run_that_was_to_replace_it(
    attn: Callable, tmp_path: Path, ending: str, at: str
) -> None:
    """A run that was killed at its first call left the older file: the next one replaces it."""
    pytest.importorskip("fsspec")
    path, line = _lines(tmp_path, ending, at)
    assert attn(*line).returncode == 0
    right = path.read_bytes()
    path.unlink()
    path.write_bytes(OLD)
    ended = attn(*line, "--resume", "--force")
    assert ended.returncode == 0
    assert path.read_bytes() == right
    assert attn(*line, "--resume", "--force").returncode == 0
    assert path.read_bytes() == right
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [path.name, "s.txt"]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("at", ["path", "file", "local"])
def test_an_output_of_another_job_is_not_taken_for_this_ones(
    attn: Callable, tmp_path: Path, ending: str, at: str
) -> None:
    """Where the file system keeps attributes, an output behind a URL says what it is of, too."""
    pytest.importorskip("fsspec")
    path, line = _lines(tmp_path, ending, at)
    assert attn(*line).returncode == 0
    before = path.read_bytes()
    assert attn(*line, "--seed", "5", "--resume").returncode == (11 if _is_marked(path) else 0)
    assert path.read_bytes() == before
    assert attn(*line, "--seed", "5", "--resume", "--force").returncode == 0
    assert path.read_bytes() != before
