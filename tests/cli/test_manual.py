"""Manual pages, completion files and `attn help` say what the commands say."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from attncli.cli.about import EXIT_CODES
from attncli.cli.app import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
MAN = ROOT / "docs" / "man"
SCRIPT = ROOT / "docs" / "scripts" / "make_manual.py"


def test_the_manual_is_made_of_the_help():
    """The script makes the same pages again; each command has one."""
    done = subprocess.run([sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert {f"attn-{name}.1" for name in COMMANDS} <= {path.name for path in MAN.iterdir()}


def test_what_functions_return_has_an_entry():
    """Each class of ours that a signature of the Python reference returns has a heading there."""
    page = (ROOT / "docs" / "reference" / "python.md").read_text(encoding="utf-8")
    public = page.partition("## What functions return")[0]
    named = re.findall(r"[A-Z]\w+\b(?<!Array)", " ".join(re.findall(r"\) -> (.*)", public)))
    others = {"Any", "Axes", "Card", "DataFrame", "None", "Path", "Table"}
    headings = set(re.findall(r"^### (\w+)$", page, re.MULTILINE))
    assert {"Comparison", "Scores", "TrainedModel", "Prediction"} <= set(named)
    assert set(named) - others - headings == set()


@pytest.mark.parametrize("page", sorted(MAN.glob("*.1")), ids=lambda path: path.stem)
def test_man_has_no_warning(page):
    """groff formats each page without a word."""
    if shutil.which("groff") is None:
        pytest.skip("no groff here")
    line = ["groff", "-man", "-Tutf8", "-ww", "-z", str(page)]
    done = subprocess.run(line, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_help_is_a_word_too(command):
    """`attn help X` is `attn X --help`; topics are sections of the whole help."""
    assert command("help").out == command("--help").out
    assert command("help", "vectors", "train").out == command("vectors", "train", "--help").out
    codes = command("help", "exit-codes")
    assert codes.code == 0
    assert len(codes.text.splitlines()) == len(EXIT_CODES) + 1
    assert command("help", "environment").text.startswith("Environment:\n")
    nothing = command("help", "exit-code")
    assert nothing.code == 2
    assert 'help: found "exit-code", expected a command, exit-codes, environment or' in nothing.said
    assert 'did you mean "exit-codes"?' in nothing.said


CASES = [
    ("attn explain --vectors g", ["glove"]),
    ("attn explain --vectors mi", ["mine"]),
    ("attn explain --show weights,m", ["weights,moved"]),
    ("attn explain --show weights,w", []),
    ("attn explain 'money bank grows' --steps --row b", ["bank"]),
    ("attn explain 'money bank' --row money,", ["money,bank"]),
    ("attn compare 'a bank' 'the bank' --word b", ["bank"]),
    ("attn explain --model i", ["idioms"]),
    ("attn explain --model my", ["my.safetensors"]),
    ("attn explain --include q", ["query"]),
    ("attn conf", ["config"]),
]


@pytest.fixture
def asked(attn, tmp_path, monkeypatch):
    """The environment of a shell that has an imported name and a model in its folder."""
    monkeypatch.setenv("ATTN_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "v.txt").write_text("money 1 2\nbank 3 4\n")
    (tmp_path / "my.safetensors").write_bytes(b"")
    assert attn("vectors", "import", str(tmp_path / "v.txt"), "--name", "mine", "-q").code == 0
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "attn").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m attncli "$@"\n')
    (folder / "attn").chmod(0o755)
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.parametrize(("line", "answers"), CASES)
def test_bash_completes_names_and_words(asked, line, answers):
    """The file for bash, sourced in bash, gives what can stand there."""
    if shutil.which("bash") is None:
        pytest.skip("no bash here")
    file = ROOT / "docs" / "completions" / "attn.bash"
    lines = file.read_text(encoding="utf-8").splitlines()
    function = next(text.partition("(")[0] for text in lines if text.endswith("() {"))
    words = " ".join(shlex.quote(shlex.quote(word)) for word in shlex.split(line))
    script = f"""
source "$1"
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
{function} attn; printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        ["bash", "-c", script, "bash", str(file)], env=asked, capture_output=True, text=True
    )
    assert [text for text in done.stdout.splitlines() if text] == answers, done.stderr


def test_zsh_completes_names_and_words(asked):
    """The function of the file for zsh, called in zsh, gives what can stand there."""
    if shutil.which("zsh") is None:
        pytest.skip("no zsh here")
    script = """
compdef() { completer=$1; }
_arguments() { print -r -- "$@"; }
source "$1"
words=(attn explain --vectors g); CURRENT=4
$completer
"""
    file = ROOT / "docs" / "completions" / "_attn"
    done = subprocess.run(
        ["zsh", "-f", "-c", script, "zsh", str(file)], env=asked, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "glove" in done.stdout
    assert "random" not in done.stdout


@pytest.mark.parametrize(("line", "answers"), CASES)
def test_fish_completes_names_and_words(asked, line, answers):
    """The file for fish, sourced in fish, gives what can stand there; what it says of each is apart."""
    if shutil.which("fish") is None:
        pytest.skip("no fish here")
    file = ROOT / "docs" / "completions" / "attn.fish"
    script = f"source {shlex.quote(str(file))}; complete -C {shlex.quote(line)}"
    done = subprocess.run(
        ["fish", "--no-config", "-c", script], env=asked, capture_output=True, text=True
    )
    given = [text.partition("\t")[0] for text in done.stdout.splitlines()]
    assert sorted(given) == sorted(answers), done.stderr
