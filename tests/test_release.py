"""A release: of the same source the same bytes, from the repository or from the source archive."""

import fnmatch
import json
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import attncli
from attncli.arrays.compiling import library_path

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NOT_SOURCE = shutil.ignore_patterns(
    ".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "dist"
)
MOMENT = "1700000000"  # seconds; of the commit, in a release

needs_source = pytest.mark.skipif(
    not (ROOT / "attncli").is_dir(), reason="no source of the package beside the tests"
)


def built(source: Path, kind: str, folder: Path, **variables: str) -> Path:
    """The archive that hatchling makes, without a network."""
    line = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    env = {**os.environ, "SOURCE_DATE_EPOCH": MOMENT, **variables}
    subprocess.run(line, cwd=source, env=env, check=True, capture_output=True, timeout=300)
    (archive,) = folder.iterdir()
    return archive


@needs_source
def test_a_wheel_is_the_same_bytes_from_everywhere(tmp_path: Path) -> None:
    """Twice from these sources, and from the source archive unpacked elsewhere."""
    pytest.importorskip("hatchling")
    # the builder takes the brackets of a folder's name for a pattern and loses the licenses
    copied = shutil.copytree(ROOT, tmp_path / "copy", ignore=NOT_SOURCE)
    one, two = (built(copied, "wheel", tmp_path / name) for name in ("one", "two"))
    archive = built(copied, "sdist", tmp_path / "source")
    assert archive.read_bytes() == built(copied, "sdist", tmp_path / "again").read_bytes()
    with tarfile.open(archive) as files:
        files.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    three = built(unpacked, "wheel", tmp_path / "three")
    names = zipfile.ZipFile(one).namelist()
    assert names == zipfile.ZipFile(three).namelist()
    assert one.name == two.name == three.name
    assert one.read_bytes() == two.read_bytes() == three.read_bytes()
    assert sum("/licenses/" in name for name in names) == 3
    assert any(name.endswith("words.marisa") for name in names)
    assert not any("/tests/" in name or name.startswith("tests") for name in names)
    for part in ("tests/conftest.py", "docs/index.md", ".ci/run", "LICENSES/PDDL-1.0.txt"):
        assert (unpacked / part).is_file(), part


@needs_source
def test_a_wheel_without_a_compiler_is_for_every_machine(tmp_path: Path) -> None:
    """And one with compiled loops is for its own; both hold the source of the loops."""
    pytest.importorskip("hatchling")
    copied = shutil.copytree(ROOT, tmp_path / "copy", ignore=NOT_SOURCE)
    for library in (copied / "attncli" / "arrays").glob("*.so"):
        library.unlink()
    pure = built(copied, "wheel", tmp_path / "pure", CC="false")
    assert pure.name.endswith("-py3-none-any.whl")
    names = zipfile.ZipFile(pure).namelist()
    assert "attncli/arrays/kernel.c" in names
    assert not any(name.endswith(".so") for name in names)
    library = library_path(copied / "attncli" / "arrays")
    if library is None or not any(map(shutil.which, ("cc", "gcc", "clang"))):
        return  # no wheel of this machine can hold more
    own = built(copied, "wheel", tmp_path / "own")
    machine = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    assert own.name.endswith(f"-py3-none-{machine}.whl")
    held = zipfile.ZipFile(own).namelist()
    assert set(held) - set(names) == {f"attncli/arrays/{library.name}"}


def test_the_bill_of_materials_names_what_is_installed(tmp_path: Path) -> None:
    """As the release makes it: CycloneDX, the package with its version, and each requirement."""
    pytest.importorskip("cyclonedx_py")
    workflow = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    (step,) = (line for line in workflow.splitlines() if "cyclonedx-py environment" in line)
    options = step.split("cyclonedx-py environment ")[1].split()
    options = [word for word in options if word not in ("clean/bin/python", "sbom.json")]
    line = [sys.executable, "-m", "cyclonedx_py", "environment", *options, "-", sys.executable]
    env = {**os.environ, "SOURCE_DATE_EPOCH": MOMENT}
    said = [
        subprocess.run(line, cwd=ROOT, env=env, check=True, capture_output=True, timeout=300).stdout
        for _ in range(2)
    ]
    assert said[0] == said[1]
    bill = json.loads(said[0])
    assert bill["bomFormat"] == "CycloneDX"
    parts = {part["name"].lower().replace("_", "-"): part for part in bill["components"]}
    assert parts["attncli"]["version"] == attncli.__version__
    for text in PROJECT["dependencies"]:
        needed = Requirement(text)
        if needed.marker is None or needed.marker.evaluate():
            part = parts[needed.name.lower()]
            assert needed.specifier.contains(part["version"])
            assert part["purl"].startswith(f"pkg:pypi/{needed.name.lower()}@")


def instructions(file: Path) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile with what they are given."""
    lines = file.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    parts = [line.split(None, 1) for line in lines if line.strip() and not line.startswith("#")]
    return [(word, given) for word, given in parts]


@needs_source
def test_the_steps_of_the_image_lead_to_a_command(tmp_path: Path) -> None:
    """The wheel is what they copy and install, and the entry point runs in the image's environment."""
    pytest.importorskip("hatchling")
    steps = dict(instructions(ROOT / "examples" / "docker" / "Dockerfile"))
    assert list(steps) == ["FROM", "COPY", "RUN", "USER", "ENV", "ENTRYPOINT", "CMD"]
    python = steps["FROM"].removeprefix("python:").removesuffix("-slim")
    assert f"Programming Language :: Python :: {python}" in PROJECT["classifiers"]
    wheel = built(ROOT, "wheel", tmp_path / "context")
    pattern, into = steps["COPY"].split()
    assert fnmatch.fnmatch(wheel.name, pattern)
    first, *others = (shlex.split(step) for step in steps["RUN"].split(" && "))
    assert first == ["pip", "install", "--no-cache-dir", f"{into}{pattern}"]
    assert others == [["rm", first[-1]], ["useradd", "--create-home", steps["USER"]]]
    line = ["-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", "image"]
    subprocess.run([sys.executable, *line, str(wheel)], cwd=tmp_path, check=True, timeout=300)
    (entry,) = json.loads(steps["ENTRYPOINT"])
    assert entry in PROJECT["scripts"]
    env = dict(part.split("=", 1) for part in shlex.split(steps["ENV"]))
    env |= {"PYTHONPATH": str(tmp_path / "image"), "PATH": os.environ["PATH"]}
    for words in (json.loads(steps["CMD"]), ["explain", "money bank grows", "--json"]):
        program = f"import attncli.__main__ as m, sys; assert 'image' in m.__file__; sys.argv = {[entry, *words]}; m.main()"
        done = subprocess.run(
            [sys.executable, "-c", program], env=env, cwd=tmp_path, capture_output=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["text"] == "money bank grows"
