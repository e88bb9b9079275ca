"""The documents say what the program does: every session in them is run, every picture made again.

`ATTN_REWRITE_DOCS=1 pytest tests/test_docs.py` writes the sessions anew; read the difference.
"""

import doctest
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
DOCUMENTS = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
# Libraries of which a page shows the use; gensim cannot be installed everywhere.
SHOWN = {
    "corpus.md": ("gensim",),
    "howto/corpus.md": ("gensim",),
    "howto/bertviz.md": ("torch", "transformers"),
    "howto/paper.md": ("typst",),
    "howto/torch.md": ("torch",),
    "python.md": ("gensim", "matplotlib", "pandas", "polars", "torch", "transformers", "xarray"),
}
# Pages whose sessions are typed in an empty folder, where they write what they need.
IN_A_FOLDER = ("howto/", "faq.md")
GIVEN = re.compile(r'^```[a-z]+ title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
SESSION = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
REWRITE = bool(os.environ.get("ATTN_REWRITE_DOCS"))


@pytest.fixture(scope="session")
def shell_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A shell in which `attn` and `python` are this very Python's, 80 columns, no color, own cache."""
    folder = tmp_path_factory.mktemp("bin")
    for name, words in (("attn", " -m attncli"), ("python", "")):
        command = folder / name
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}"{words} "$@"\n', encoding="utf-8")
        command.chmod(0o755)
    kept = {k: v for k, v in os.environ.items() if k in ("HOME", "PYTHONPATH", "TMPDIR")}
    return {
        **kept,
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "80",
        "LC_ALL": "C.UTF-8",
        "ATTN_CACHE_DIR": str(tmp_path_factory.mktemp("cache")),
        "ATTN_CONFIG": str(folder / "config.toml"),
    }


def steps(session: str) -> list[tuple[str, str]]:
    """The commands of a session with the output that the document shows for each."""
    found = re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]
    return [(step.partition("\n")[0], step.partition("\n")[2]) for step in found]


def name_of(document: Path) -> str:
    """A document as `SHOWN` names it."""
    return document.relative_to(DOCS if document.is_relative_to(DOCS) else ROOT).as_posix()


def where(document: Path, folder: Path) -> Path:
    """The folder that a document is typed in, with the files that it gives."""
    for library in SHOWN.get(name_of(document), ()):
        pytest.importorskip(library)
    if not name_of(document).startswith(IN_A_FOLDER):
        return ROOT
    for name, content in GIVEN.findall(document.read_text(encoding="utf-8")):
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def printed(command: str, environment: dict[str, str], folder: Path = ROOT) -> str:
    """What a command of a session prints, both streams."""
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    return done.stdout


def run_python(block: str, name: str) -> None:
    """Runs a block; what it shows is what it gives."""
    parsed = doctest.DocTestParser().get_doctest(block, {}, name, None, 0)
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(parsed)
    assert runner.failures == 0


def as_everywhere(text: str) -> str:
    """The text, with the correlations of vectors learned here to two digits.

    gensim learns with the BLAS of the processor, whose last bits decide between ranks that are near.
    """
    return re.sub(
        r"\b(Spearman|Pearson) +(-?\d\.\d{4})\b", lambda m: f"{m[1]} {float(m[2]):.2f}", text
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_session_prints_what_the_document_shows(
    document: Path,
    shell_environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each command of a console block prints exactly the lines below it, in the order of the page."""
    folder = where(document, tmp_path)
    text = document.read_text(encoding="utf-8")
    monkeypatch.chdir(folder)

    def rerun(block: "re.Match[str]") -> str:
        if block.group(0).startswith("```python"):
            if folder != ROOT:  # what it saves is used by a command below it
                run_python(block.group(2), document.name)
            return block.group(0)
        pairs = [(c, printed(c, shell_environment, folder)) for c, _ in steps(block.group(1))]
        return "```console\n" + "".join(f"$ {c}\n{said}" for c, said in pairs) + "```"

    fresh = re.sub(f"{SESSION.pattern}|{PYTHON.pattern}", rerun, text, flags=SESSION.flags)
    if REWRITE:
        document.write_text(fresh, encoding="utf-8")
    assert as_everywhere(text) == as_everywhere(fresh)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_python_block_runs(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each Python session of a document gives the values it shows."""
    folder = where(document, tmp_path)
    monkeypatch.chdir(folder)
    if "gensim" in SHOWN.get(name_of(document), ()):
        monkeypatch.setenv("ATTN_CACHE_DIR", str(tmp_path / "cache"))
    for block in PYTHON.findall(document.read_text(encoding="utf-8")):
        run_python(block, document.name)


def test_every_command_of_the_lecture_runs(
    shell_environment: dict[str, str], tmp_path: Path
) -> None:
    """Those named in the text and in its table too, in an empty folder; files are written there."""
    text = SESSION.sub("", (ROOT / "docs" / "lecture.md").read_text(encoding="utf-8"))
    commands = re.findall(r"`(attn [a-z]+ [^`]+)`", text)
    assert len(commands) > 8
    for command in commands:
        done = subprocess.run(
            ["sh", "-c", command], cwd=tmp_path, env=shell_environment, capture_output=True
        )
        assert done.returncode == 0, (command, done.stderr)
    assert {path.name for path in tmp_path.iterdir()} == {
        *("money.svg", "money.html", "mine.safetensors", "training.html"),
    }


def test_every_command_of_the_figures_runs(
    shell_environment: dict[str, str], tmp_path: Path
) -> None:
    """In an empty folder; each file is written, and nothing is warned of but small words."""
    pytest.importorskip("typst")
    text = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines()]
    assert len(commands) > 8
    for command in commands:
        done = subprocess.run(
            ["sh", "-c", command], cwd=tmp_path, env=shell_environment, capture_output=True
        )
        assert done.returncode == 0, (command, done.stderr)
        written = re.findall(r"-o (\S+)", command)
        said = "".join(f"attn: note: wrote {name}\n" for name in written)
        assert (done.stderr.decode() == said) or "untrained" in done.stderr.decode(), command
        assert all((tmp_path / name).stat().st_size > 300 for name in written)


def test_the_readme_leads_to_the_lecture_at_once() -> None:
    """On its first screen, before anything is installed."""
    first = (ROOT / "README.md").read_text(encoding="utf-8").partition("## ")[0]
    assert "(docs/lecture.md)" in first
    assert first.count("\n") < 12


def test_the_readme_has_two_set_up_commands() -> None:
    """Install-and-run and install-and-test are one line each, and nothing else is needed."""
    blocks = SHELL.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(blocks) == 2
    assert all(block.count("\n") == 1 for block in blocks)
    assert 'attn explain "money bank grows"' in blocks[0]
    assert "pytest" in blocks[1]


def test_the_install_page_names_every_requirement_but_gensim() -> None:
    """Where gensim cannot be installed, the line of docs/install.md installs all the rest."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    line = re.search(r"^- `pip install (\"typer[^`]*)`", page, re.MULTILINE)
    assert line is not None
    others = [name for name in project["dependencies"] if not name.startswith("gensim")]
    assert re.findall(r'"([^"]*)"', line.group(1)) == others
    extras = set(project["optional-dependencies"]) - {
        "test",
        "lint",
        "oracle",
        "browser",
        "docs",
        "notebook",
        "release",
        "all",
    }
    assert set(re.findall(r"^\| `([a-z]+)` \|", page, re.MULTILINE)) == extras


def test_the_pictures_are_true() -> None:
    """The script that makes the pictures makes the same ones again."""
    script = ROOT / "docs" / "scripts" / "make_pictures.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_command_has_help_with_an_example(shell_environment: dict[str, str]) -> None:
    """`attn COMMAND --help` shows at least one example that begins with attn."""
    listed = printed("attn --help", shell_environment).partition("Commands:\n")[2]
    commands = re.findall(r"^  ([a-z]+)  ", listed, flags=re.MULTILINE)
    assert {"explain", "schema"} <= set(commands)
    for command in commands:
        assert (
            "attn " + command
            in printed(f"attn {command} --help", shell_environment).partition("\n")[2]
        )


def test_every_command_named_in_the_readme_is_there(shell_environment: dict[str, str]) -> None:
    """A command in the lists of the README exists, and so does each of its options."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"^- `attn ((?:vectors |model )?[a-z]+)([^`]*)`", text, re.MULTILINE)
    assert named
    for command, rest in named:
        offered = printed(f"attn {command} --help", shell_environment)
        for option in re.findall(r"(?<!\S)--?[a-z][a-z-]*", rest.partition("|")[0]):
            assert option in offered, f"attn {command} {option}"
