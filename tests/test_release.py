"""A release: of the same source the same bytes, from the repository or from the source archive."""

import json
import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import attncli

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MOMENT = "1700000000"  # seconds; of the commit, in a release

needs_source = pytest.mark.skipif(
    not (ROOT / "attncli").is_dir(), reason="no source of the package beside the tests"
)


def built(source: Path, kind: str, folder: Path) -> Path:
    """The archive that hatchling makes, without a network."""
    line = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    env = {**os.environ, "SOURCE_DATE_EPOCH": MOMENT}
    subprocess.run(line, cwd=source, env=env, check=True, capture_output=True, timeout=300)
    (archive,) = folder.iterdir()
    return archive


@needs_source
def test_a_wheel_is_the_same_bytes_from_everywhere(tmp_path: Path) -> None:
    """Twice from this folder, and from the source archive unpacked elsewhere."""
    pytest.importorskip("hatchling")
    one, two = (built(ROOT, "wheel", tmp_path / name) for name in ("one", "two"))
    archive = built(ROOT, "sdist", tmp_path / "source")
    assert archive.read_bytes() == built(ROOT, "sdist", tmp_path / "again").read_bytes()
    with tarfile.open(archive) as files:
        files.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    three = built(unpacked, "wheel", tmp_path / "three")
    assert one.name == two.name == three.name
    assert one.read_bytes() == two.read_bytes() == three.read_bytes()
    names = zipfile.ZipFile(one).namelist()
    assert any(name.endswith("words.marisa") for name in names)
    assert not any("/tests/" in name or name.startswith("tests") for name in names)
    for part in ("tests/conftest.py", "docs/index.md", ".ci/run", "LICENSES/PDDL-1.0.txt"):
        assert (unpacked / part).is_file(), part


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
