"""The data that comes with the project keeps its own rules."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import attncli

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


def texts_for_users():
    """What shows how Python uses the package: scripts whole, of documents the lines of Python."""
    root = EXAMPLES.parent
    for path in (root / "benchmarks" / "coarsewsd.py", *sorted(EXAMPLES.glob("*.py"))):
        yield path.name, path.read_text(encoding="utf-8")
    for path in (root / "README.md", EXAMPLES / "README.md", *sorted((root / "docs").glob("*.md"))):
        text = path.read_text(encoding="utf-8")
        blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        blocks = [block for block in blocks if ">>> " not in block]  # without what is printed
        blocks += re.findall(r"^(?:>>>|\.\.\.) (.*)$", text, re.MULTILINE)
        yield path.name, "\n".join(blocks)


def test_users_need_public_names_only():
    """No script or document that shows the use from Python reaches into a room."""
    inner, unknown = {}, {}
    for name, text in texts_for_users():
        inner[name] = re.findall(r"(?:from|import) attncli\.[\w.]+", text)
        unknown[name] = set(re.findall(r"\battncli\.(\w+)", text)) - set(attncli.__all__)
    assert not any(inner.values()), inner
    assert not any(unknown.values()), unknown


def test_the_benchmark_of_senses_runs(tmp_path: Path):
    """A small data set of its kind, by test files and by folds."""
    lines = ["text\ttarget\tlabel", *["money bank\t1\tfinance", "river bank\t1\tnature"] * 4]
    for part in ("train", "test"):
        (tmp_path / f"bank.{part}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    script = EXAMPLES.parent / "benchmarks" / "coarsewsd.py"
    for options in ([], ["--folds", "2"]):
        ended = subprocess.run(
            [sys.executable, str(script), str(tmp_path), "--json", *options],
            capture_output=True,
            check=True,
        )
        assert json.loads(ended.stdout)["bank"]["accuracy"] == 1.0


def test_pairs_keep_their_rules():
    """Each file has what its README says; a first sentence is learned from or measured, never both."""
    from attncli.training.pair_task import pair_task_of
    from attncli.training.rows import read_table

    for name, task, count in (
        ("similarity", "similarity", 96),
        ("entailment", "relation", 60),
        ("questions", "match", 40),
    ):
        rows, bad = read_table(str(EXAMPLES / f"pairs_{name}.tsv"), None)
        assert (len(rows), pair_task_of(rows), bad.errors) == (count, task, [])
        assert len({(row.text, row.pair) for row in rows}) == count
        learned, measured = ({r.text for r in rows if r.split == s} for s in ("train", "test"))
        assert not learned & measured
        assert sum(row.split == "test" for row in rows) == count // 4
