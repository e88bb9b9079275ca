"""The gallery is true: its pictures are made again, its shell commands run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
GALLERY = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```bash\n(.*?)^```$", GALLERY, re.MULTILINE | re.DOTALL)


def test_the_pictures_of_the_gallery_are_true() -> None:
    """The script makes the same pictures again, and the same pages as were photographed."""
    script = ROOT / "docs" / "scripts" / "make_gallery.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_picture_exists_and_every_view_has_one() -> None:
    """No link is broken, and no picture of the script is missing from the page."""
    linked = set(re.findall(r"\]\(images/([^)]+)\)", GALLERY))
    held = {path.name for path in (ROOT / "docs" / "images").iterdir()}
    assert linked <= held
    assert {name for name in held if name.startswith("page-")} <= linked


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_every_shell_block_runs(number: int, tmp_path: Path) -> None:
    """Each block of shell commands, after those before it, ends with 0."""
    environment = {
        "PYTHONPATH": str(ROOT),
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
    }
    for name, words in (("attn", "-m attncli"), ("python", "")):
        command = tmp_path / name
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n', encoding="utf-8")
        command.chmod(0o755)
    lines = "".join(BLOCKS[: number + 1]) if "bank.npz" in BLOCKS[number] else BLOCKS[number]
    for suffix, library in ((".pdf", "typst"), (".png", "resvg_py")):
        if f"{suffix}\n" in lines:
            pytest.importorskip(library)
    done = subprocess.run(
        ["sh", "-e", "-c", lines], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
