"""Laws of types: a user's script of typical calls passes `mypy --strict`, and runs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import child_environment

import attncli

SCRIPT = Path(__file__).with_name("user_script.py")
WRONG = """
import attncli
attncli.explain(3)
attncli.explain("a", temperature="warm")
attncli.explain("a", heat=1.0)
attncli.explain("a").matrix(layer="last")
x: attncli.Results = attncli.explain("a")
y: attncli.AttentionResult = attncli.explain(["a"])
attncli.open_vectors(3)
attncli.explain("a", vectors=3)
attncli.from_attentions([[1.0]], which="both")
"""


def test_type_checkers_see_what_the_package_offers():
    """Every public name, of the module that gives it; the stub has no other."""
    stub = ast.parse(Path(attncli.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    seen = {
        alias.asname: node.module
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == {
        name: attncli._WHERE[name] for name in attncli.__all__ if name in attncli._WHERE
    }


def checked(path: Path, folder: Path) -> "subprocess.CompletedProcess[str]":
    """What mypy says of a script, in a folder without settings."""
    pytest.importorskip("mypy")
    line = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--cache-dir",
        str(folder / "cache"),
        str(path),
    ]
    environment = child_environment(MYPYPATH=str(Path(__file__).resolve().parents[1]))
    return subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True)


def test_a_users_script_has_no_wrong_types(tmp_path: Path) -> None:
    """Overloads, vectors at hand, results and their lists: as a user annotates them."""
    done = checked(SCRIPT, tmp_path)
    assert done.returncode == 0, done.stdout
    wrong = tmp_path / "wrong.py"
    wrong.write_text(WRONG, encoding="utf-8")
    said = checked(wrong, tmp_path).stdout
    lines = {int(line.split(":")[1]) for line in said.splitlines() if ": error:" in line}
    assert lines == set(range(3, WRONG.count("\n") + 1))


def test_a_users_script_runs(tmp_path: Path) -> None:
    """What passes the types is right when it runs too."""
    environment = child_environment(ATTN_CACHE_DIR=str(tmp_path), PYTHONWARNINGS="error")
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
