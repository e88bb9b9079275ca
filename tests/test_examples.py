"""The data that comes with the project keeps its own rules."""

import importlib.util
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def checker():
    """The script examples/check_idioms.py as a module."""
    spec = importlib.util.spec_from_file_location("check_idioms", EXAMPLES / "check_idioms.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_idioms_keep_their_rules():
    """Counts, split, targets, labels; no near-duplicates, within the split or across it."""
    faults, report = checker().check(EXAMPLES / "idioms.tsv")
    assert faults == []
    assert report[0].startswith("768 rows")


def test_the_checker_finds_faults(tmp_path: Path):
    """A doubled sentence, a missing target and a moved row are found."""
    lines = (EXAMPLES / "idioms.tsv").read_text(encoding="utf-8").splitlines()
    cells = lines[5].split("\t")
    lines[5] = "\t".join(["Nothing of the phrase is left in here at all.", *cells[1:]])
    lines[7] = lines[8]
    lines[9] = lines[9].replace("\ttrain", "\ttest")
    path = tmp_path / "broken.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    faults, _ = checker().check(path)
    for expected in (
        "target is not there once",
        "near-duplicates",
        "a text occurs twice",
        "rows in",
    ):
        assert any(expected in fault for fault in faults), expected
