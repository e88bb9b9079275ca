"""The map of heads in files and on pages: words of a text are never more than text."""

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from views.samples import HOSTILE, result_of

from attncli.results.result import AttentionResult
from attncli.settings import HeadMeasure
from attncli.views.head_map import head_map_lines
from attncli.views.head_map_files import head_map_file
from attncli.views.html import page
from attncli.views.ink import Ink


def sunk(first: str) -> AttentionResult:
    """A result of two layers and two heads that rest on their first token."""
    result = result_of([first, "old", "bank", "grows"], layers=2, heads=2)
    weights = np.full_like(result.weights, 0.1)
    weights[..., 0] = 0.7
    kind = result.attention._replace(kind="transformer")
    return replace(result, weights=weights, attention=kind, scores=None)


@pytest.mark.parametrize("word", HOSTILE)
def test_a_sink_of_any_name_is_text(word: str) -> None:
    """Its name closes no markup, obeys nothing, and is cut where it is long."""
    result = sunk(word)
    svg = head_map_file(".svg", [result], None)
    assert isinstance(svg, str)
    texts = [part.text or "" for part in ElementTree.fromstring(svg).iter()]
    assert "of the weight (a sink)" in " ".join(texts)
    html = page([result])
    assert html.count("<script") == page([sunk("word")]).count("<script")
    assert "<img" not in html
    for suffix in (".md", ".tex", ".csv", ".json"):
        text = head_map_file(suffix, [result], None)
        assert isinstance(text, str)
        assert not set(text) & {"\x1b", "\u202e", "\u2028"}
    shown = Ink(width=80).rendered(head_map_lines(result, Ink(), width=80))
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert not set(shown) & {"\x1b", "\u202e", "\u2028"}
    assert "x" * 60 not in shown.replace("\n", "")


@pytest.mark.parametrize("n_heads", [1, 7, 24, 25, 32, 64, 130])
@pytest.mark.parametrize("width", [30, 80, 200])
def test_every_head_has_a_cell_at_every_width(n_heads: int, width: int) -> None:
    """However many heads there are, each has its cell below its layer's name, in order."""
    result = result_of(["money", "bank", "grows"], layers=3, heads=n_heads)
    lines = Ink().rendered(head_map_lines(result, Ink(), width=width, measure="self"))
    assert all(len(line) <= width for line in lines.splitlines())
    own = result.weights.diagonal(axis1=2, axis2=3).mean(axis=-1, dtype=np.float64)
    for layer in range(3):
        rows = [line for line in lines.splitlines() if line.startswith(f"  layer {layer} ")]
        cells = " ".join(line.removeprefix(f"  layer {layer} ") for line in rows).split()
        hundredths = [min(int(value * 100 + 1e-6), 99) for value in own[layer]]
        wide = n_heads * 3 - 1 <= width - 10
        assert list(map(int, cells)) == (hundredths if wide else [of // 10 for of in hundredths])


@pytest.mark.parametrize("measure", ["self", "first", "entropy"])
@pytest.mark.parametrize("seed", range(5))
def test_a_cell_is_in_the_range_that_the_legend_gives(measure: HeadMeasure, seed: int) -> None:
    """A cell 71 is 71 % to 72 %: no number below the map is another than its cell allows."""
    result = result_of([f"w{at}" for at in range(9)], layers=3, heads=4)
    raw = np.random.default_rng(seed).random(result.weights.shape) ** 4
    result = replace(result, weights=(raw / raw.sum(-1, keepdims=True)).astype(np.float32))
    shown = Ink().rendered(head_map_lines(result, Ink(), width=80, measure=measure))
    assert ("15 is 1.5 to 1.6" if measure == "entropy" else "71 is 71 % to 72 %") in shown
    (values,) = (result.head_map().values[measure],)
    times = 10 if measure == "entropy" else 100
    for layer, row in enumerate(values):
        (line,) = (one for one in shown.splitlines() if one.startswith(f"  layer {layer} "))
        cells = list(map(int, line.removeprefix(f"  layer {layer} ").split()))
        assert all(0 <= value * times - cell < 1 for value, cell in zip(row, cells, strict=True))
