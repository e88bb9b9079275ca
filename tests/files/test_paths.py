"""A path that nothing can lie under is an error in words, wherever a path is taken."""

import re
from pathlib import Path

import pytest

import attncli

LONG = "x" * 5000
SHORT_ENOUGH = "x" * 250  # a name of its own, but not with an ending
# The only files that may ask a Path itself: they answer its exceptions.
ASKS_ITSELF = {"locking.py", "archive.py", "paths.py", "compiling.py"}


def test_nobody_asks_a_path_what_may_raise() -> None:
    """Path.is_file and its kin raise for a long name or a folder without permission; ours do not."""
    asked = re.compile(r"\b(?!files|fs)\w+\)?\.(is_file|is_dir|exists|expanduser)\(\)")
    folder = Path(attncli.__file__).parent
    found = [
        f"{path.relative_to(folder)}: {line.strip()}"
        for path in folder.rglob("*.py")
        if path.name not in ASKS_ITSELF
        for line in path.read_text(encoding="utf-8").splitlines()
        if asked.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("name", [LONG, "~nosuchuser/x", "no/such/folder/x", "/dev/null/x"])
@pytest.mark.parametrize(
    "line",
    [
        "explain bank --model NAME",
        "explain bank --vectors NAME",
        "explain bank --vectors model:NAME",
        "explain bank -o NAME.html",
        "explain -f NAME",
        "compare bank bank -o NAME.md",
        "view NAME",
        "view w.csv --tokens @NAME",
        "view w.csv -o NAME.svg",
        "diff NAME w.csv",
        "evaluate t.tsv --model NAME",
        "evaluate NAME --model idioms",
        "model info NAME",
        "train NAME -o m",
        "train t.tsv -o NAME",
        "train t.tsv -o m --epochs 1 --held-out 0 --log NAME",
        "batch NAME",
        "batch s.txt -o NAME",
        "batch s.txt -o NAME.npz",
        "vectors info NAME",
        "vectors import NAME",
        "vectors import v.txt --words NAME",
        "vectors export v.txt -o NAME.bin",
        "vectors export NAME -o x.bin",
    ],
)
def test_every_path_may_be_impossible(command, tmp_path, monkeypatch, line, name):
    """A name too long, a home of nobody, a folder that is a device: never a bug of ours."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATTN_CACHE_DIR", str(tmp_path / "cache"))
    Path("s.txt").write_text("money bank\n", encoding="utf-8")
    Path("v.txt").write_text("money 1 2\nbank 2 1\n", encoding="utf-8")
    Path("t.tsv").write_text("text\tlabel\nmoney bank\ta\nbank\tb\n", encoding="utf-8")
    Path("w.csv").write_text("1,0\n0,1\n", encoding="utf-8")
    ended = command(*(word.replace("NAME", name) for word in line.split()))
    assert ended.code in (2, 4, 5, 6, 9), ended.said
    assert "internal error" not in ended.said


@pytest.mark.parametrize("variable", ["HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME", "HOME"])
@pytest.mark.parametrize("value", ["~", "~nosuchuser", LONG, "/dev/null"])
def test_folders_of_the_environment_may_be_impossible(command, monkeypatch, variable, value):
    """Where the cache of Hugging Face would be."""
    monkeypatch.setenv(variable, value)
    ended = command("model", "info", "no/such")
    assert (ended.code, ended.is_clean()) == (6, True), ended.said


@pytest.mark.parametrize("suffix", ["jsonl", "npz"])
def test_names_with_no_room_for_an_ending(command, tmp_path, monkeypatch, suffix):
    """Beside a name of 250 letters no working file fits: said, and nothing left."""
    monkeypatch.chdir(tmp_path)
    Path("s.txt").write_text("money bank\n", encoding="utf-8")
    name = f"{SHORT_ENOUGH[: 250 - len(suffix)]}.{suffix}"
    ended = command("batch", "s.txt", "-o", name)
    assert (ended.code, "too long" in ended.said) == (9, True), ended.said
    assert command("explain", "bank", "-o", name).code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s.txt", name]
