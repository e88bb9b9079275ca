"""docs/trust.md names tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_every_promise_names_a_test_that_exists() -> None:
    """Each line of the table of promises has one."""
    page = ROOT / "docs" / "trust.md"
    if not page.exists():
        pytest.skip("the documents are not here")
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", page.read_text("utf-8"))
    assert len(named) >= 4
    for file, name in named:
        assert f"def {name}(" in (ROOT / file).read_text("utf-8"), name
