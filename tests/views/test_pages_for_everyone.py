"""Laws of whole pages: whatever a command writes as a page, everyone can read it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from models.stories import write_stories

pytest.importorskip("playwright.sync_api")
from views.browser import Watched, browser

__all__ = ["browser"]
HEADS = ["--attention", "task", "--heads", "6"]
PAGES: dict[str, list[str]] = {
    "a sentence": ["explain", "doctors treat patients"],
    "sentences": ["explain", "a river bank", "a money bank"],
    "a title": ["explain", "a river bank", "--title", "Banks"],
    "heads": ["explain", "doctors treat patients", *HEADS],
    "a map": ["explain", "doctors treat patients", *HEADS, "--map"],
    "a long sentence": ["explain", " ".join(f"word{n}" for n in range(60))],
    "a word": ["explain", "bank"],
    "a label": ["explain", "that exam was a piece of cake", "--model", "idioms"],
    "steps": ["explain", "doctors treat patients", "--steps"],
    "reasons": ["explain", "doctors treat patients", "--why"],
    "a diagram": ["explain", "doctors treat patients", "--diagram"],
    "beside general": ["explain", "doctors treat patients", *HEADS, "--against", "general"],
    "sentences beside": ["explain", "a river", "a bank", *HEADS, "--against", "general"],
    "a comparison": ["compare", "a river bank", "a money bank", "--word", "bank"],
    "what comes next": ["explain", "One  day, Lily", "--model", "STORIES", "--complete", "2"],
    "a training": ["train", "examples/idioms.tsv", "--epochs", "1", "--committee", "1"],
}


@pytest.fixture(scope="module")
def axe() -> Any:
    """What looks for faults of a page."""
    return pytest.importorskip("axe_playwright_python.sync_playwright").Axe()


@pytest.mark.parametrize("kind", PAGES)
def test_everyone_can_read_every_page(
    kind: str, command: Callable[..., Any], browser: Watched, axe: Any, tmp_path: Path
) -> None:
    """axe-core has nothing to say of it, light and dark, all that folds opened; it has one title."""
    path = tmp_path / "page.html"
    if "STORIES" in PAGES[kind]:
        pytest.importorskip("tokenizers")
        write_stories(tmp_path / "stories")
    words = [str(tmp_path / "stories") if w == "STORIES" else w for w in PAGES[kind]]
    assert command(*words, "-o", str(path), "--quiet").code == 0
    assert len(re.findall("<h1", path.read_text(encoding="utf-8"))) == 1
    for scheme in ("light", "dark"):
        tab = browser.visit(path, scheme=scheme)
        tab.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
        violations = axe.run(tab, options={"preload": False}).response["violations"]
        told = [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in violations]
        assert told == [], scheme
