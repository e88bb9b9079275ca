"""Equal weights look equal, and every digit is true, in every view that writes equations."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import attncli

TEXT = "the cat sat on the mat"
VIEWS = {
    "terminal": ("--show", "weights,equations"),
    "symbols": ("--show", "equations", "--notation", "lecture"),
    "steps": ("--steps",),
    "diagram": ("--diagram", "--row", "cat"),
    "html": ("-o", "page.html"),
    "md": ("-o", "page.md"),
    "tex": ("-o", "page.tex"),
    "svg": ("-o", "page.svg", "--notation", "lecture"),
}
COEFFICIENT = re.compile(r"(\d\.\d+)(?:·|\s*\\cdot)")


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("precision", [None, 2, 3, 4])
def test_every_coefficient_is_a_weight_correctly_rounded(
    command: Callable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    view: str,
    precision: int | None,
) -> None:
    """Both weights from a word to "the" are equal; so are their coefficients, in every row."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    options = VIEWS[view]
    digits = [] if precision is None else ["--precision", str(precision)]
    done = command("explain", TEXT, *options, *digits)
    assert done.code == 0, done.said
    shown = done.text
    if options[0] == "-o":
        shown = (tmp_path / options[1]).read_text(encoding="utf-8")
    coefficients = COEFFICIENT.findall(shown)
    (result,) = attncli.explain([TEXT])
    weights = result.weights[0, 0].astype(np.float64)
    rows = weights[[1]] if view == "diagram" else weights
    assert len(coefficients) == rows.size
    for place, row in enumerate(rows):
        written = coefficients[place * len(row) : (place + 1) * len(row)]
        used = len(written[0]) - 2
        assert written == [f"{weight:.{used}f}" for weight in row]
        assert written[0] == written[4]
