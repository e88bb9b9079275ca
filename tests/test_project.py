"""The papers beside the code say what the code is: versions, Pythons, and all that a release holds."""

import re
import tomllib
from pathlib import Path

import attncli

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_citation_names_the_version():
    """CITATION.cff, as the release asks of it."""
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {attncli.__version__}\n" in text


def test_a_release_looks_for_the_version_where_it_stands():
    """The file that the build takes it from is the one that the workflow and the papers name."""
    path = PROJECT["tool"]["hatch"]["version"]["path"]
    held = Path(attncli.__file__).parents[1] / path
    assert f'__version__ = "{attncli.__version__}"' in held.read_text(encoding="utf-8")
    for place in (Path(".github", "workflows", "release.yml"), Path("CONTRIBUTING.md")):
        assert path in (ROOT / place).read_text(encoding="utf-8")


def test_the_workflow_tries_every_python_that_is_promised():
    """The versions of the classifiers, on three systems."""
    text = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    tried = re.findall(r"\d\.\d+", re.search(r"python: \[(.*)\]", text)[1])
    promised = [
        line.rpartition(" ")[2]
        for line in PROJECT["project"]["classifiers"]
        if re.search(r"Python :: 3\.\d+$", line)
    ]
    assert tried == promised
    for system in ("ubuntu", "macos", "windows"):
        assert f"{system}-latest" in text


def test_the_source_archive_holds_the_whole_project():
    """Every file and folder at the top that is no cache is named for it, or goes in by itself."""
    named = set(PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"])
    by_itself = {"pyproject.toml", "README.md", "LICENSE", ".gitignore"}
    for name in (
        ".ci",
        ".github",
        "CHANGELOG.md",
        "CITATION.cff",
        "CONTRIBUTING.md",
        "SECURITY.md",
    ):
        assert (ROOT / name).exists()
    there = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    kept = {name for name in there if name.endswith((".md", ".cff", ".txt")) or name == "LICENSES"}
    assert kept | {".ci", ".github", "tests", "docs", "examples"} <= named | by_itself


def test_links_between_the_papers_lead_somewhere():
    """Every relative link of the papers at the top names a file."""
    for name in ("CONTRIBUTING.md", "README.md", "SECURITY.md"):
        for link in re.findall(r"\]\(([^)#:]+)\)", (ROOT / name).read_text(encoding="utf-8")):
            assert (ROOT / link).exists(), f"{name}: {link}"


def test_the_readme_shows_on_a_package_index():
    """It is short, and without pictures at relative addresses and HTML, which an index drops."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert PROJECT["project"]["readme"] == "README.md"
    assert 150 <= text.count("\n") <= 180
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r"!\[[^\]]*\]\((?!https://)", prose) == []
    assert re.findall(r"<[a-z][^>]*>", re.sub(r"`[^`]*`", "", prose)) == []
    assert len(re.findall(r"^```console$", text, re.MULTILINE)) >= 2


def test_ci_installs_every_program_that_a_test_asks_for():
    """A test without its program is skipped, and a machine of CI begins without any.

    The workflow installs them itself, since .ci/run does so only where it may.
    """
    packages = {
        "bash": "bash",
        "chromium": "chromium",
        "fish": "fish",
        "groff": "groff-base",
        "kpsewhich": "texlive-latex-base",
        "pdffonts": "poppler-utils",
        "pdflatex": "texlive-latex-base",
        "xelatex": "texlive-xetex",
        "zsh": "zsh",
    }
    others = {"google-chrome", "cc", "gcc"}  # in the place of chromium; with every Python to build
    wanted = re.search(r"wanted=\((.*)\)", (ROOT / ".ci" / "run").read_text(encoding="utf-8"))[1]
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py")]
    asked = {name for text in texts for name in re.findall(r'which\("([\w-]+)"\)', text)}
    assert asked - others == set(packages)
    needed = {packages[name] for name in asked - others} - {"bash"}
    assert needed <= set(wanted.split())
    workflow = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    installed = re.search(r"apt-get install (.*)", workflow)[1].split()
    assert needed <= {name.removesuffix("-browser") for name in installed}
