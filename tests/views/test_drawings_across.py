"""Laws of the drawing of cross-attention: a word of one text beside those of another."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.insight.diagram import diagram_of
from attncli.results.facts import AttentionSettings, Token, VectorsInfo
from attncli.results.result import AttentionResult
from attncli.views.diagram import drawn_texts, in_words
from attncli.views.diagram_lines import diagram_lines
from attncli.views.diagram_svg import diagram_figure, diagram_svg
from attncli.views.ink import Ink, width_of

SVG = "{http://www.w3.org/2000/svg}"
BOX = re.compile(r'<g data-stage="(\w+)" data-word="(\d+)">(.*?)</g>', re.DOTALL)
NUMBER = re.compile(r"(?<![\w+√.])-?\d+\.\d+")


def across(n_rows: int, n_keys: int, size: int = 3, seed: int = 0) -> AttentionResult:
    """Cross-attention of random queries, keys and values, one head."""
    random = np.random.default_rng(seed)
    query, key, value = (random.normal(size=(n, size)) for n in (n_rows, n_keys, n_keys))
    scores = np.array([[sum(q * k) for k in key] for q in query]) * size**-0.5
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    rows, keys = (
        tuple(Token(f"{sign}{i}", 3 * i, 3 * i + 2, f"{sign}{i}", "exact") for i in range(n))
        for sign, n in (("r", n_rows), ("k", n_keys))
    )
    return AttentionResult(
        text=" ".join(token.text for token in rows),
        tokens=rows,
        attention=AttentionSettings(kind="transformer", scale=size**-0.5),
        weights=weights[None, None],
        contextual=random.normal(size=(n_rows, 4)),
        vectors=VectorsInfo("random", 4),
        pair=" ".join(token.text for token in keys),
        keys=keys,
        query=query[None, None],
        key=key[None, None],
        value=value[None, None],
        scores=scores[None, None],
    )


@pytest.mark.parametrize(("n_rows", "n_keys"), [(1, 1), (2, 3), (5, 2), (4, 9), (3, 12)])
def test_every_box_is_the_records(n_rows: int, n_keys: int) -> None:
    """The followed word has its query and the sum, each word of the other text all the rest."""
    result = across(n_rows, n_keys)
    query, key, value = (
        np.asarray(array[0, 0], dtype=np.float64)
        for array in (result.query, result.key, result.value)
        if array is not None
    )
    for row in range(n_rows):
        diagram = diagram_of(result, row)
        products = [float(sum(query[row] * other)) for other in key]
        scores = [product * 3**-0.5 for product in products]
        powers = [np.exp(score - max(scores)) for score in scores]
        weights = [power / sum(powers) for power in powers]
        expected = {("query", 0): query[row], ("joined", 0): result.contextual[row]}
        expected["new", 0] = sum(w * v for w, v in zip(weights, value, strict=True))
        for at in range(n_keys):
            expected["key", at + 1], expected["value", at + 1] = key[at], value[at]
            expected["product", at + 1], expected["scaled", at + 1] = [products[at]], [scores[at]]
            expected["power", at + 1], expected["weight", at + 1] = [powers[at]], [weights[at]]
            expected["part", at + 1] = weights[at] * value[at]
        for markup in (diagram_svg([diagram]), diagram_figure(diagram, 0)):
            seen = {
                (stage, int(column)): list(map(float, re.findall(r">(-?\d+\.\d+)<", box)))
                for stage, column, box in BOX.findall(markup)
            }
            assert seen.keys() == expected.keys()
            for name, numbers in seen.items():
                assert np.allclose(numbers, expected[name], atol=0.00501), name


@pytest.mark.parametrize("notation", ["words", "lecture"])
@pytest.mark.parametrize("width", [40, 80, 300])
def test_the_terminal_and_the_words_have_the_same_numbers(width: int, notation: str) -> None:
    """Beside each other or below, Unicode or ASCII; no line is too wide, and terms are of the keys."""
    for sizes in ((2, 3), (4, 9), (3, 2)):
        diagram = diagram_of(across(*sizes), 1)
        drawn = drawn_texts(diagram, notation=notation)  # type: ignore[arg-type]
        boxes = [t for stage in drawn.stages() for cell in stage.cells for t in cell.texts]
        wanted = Counter(boxes + NUMBER.findall(" ".join(drawn.equations)))
        assert Counter(NUMBER.findall(" ".join(in_words(drawn)))) - wanted == Counter([drawn.total])
        for unicode in (True, False):
            ink = Ink(unicode=unicode)
            lines = diagram_lines(diagram, ink, width=width, notation=notation)  # type: ignore[arg-type]
            text = ink.rendered(lines)
            assert max(map(width_of, text.splitlines())) <= width
            shown = re.sub(r"(Σ|sum) = \S+", "", text)
            assert Counter(NUMBER.findall(shown)) == wanted
            assert unicode or text.isascii()
        said = " ".join(drawn.equations)
        names = set(re.findall(r"v[(_](\w+)", said))
        every = {f"k{i}" for i in range(sizes[1])}
        assert names == every if len(every) <= 8 else names < every  # the largest terms alone


def test_of_a_long_text_the_heaviest_keys_are_drawn() -> None:
    """Twelve of them in their order; the rest is counted, the followed word is none of them."""
    result = across(3, 30, seed=4)
    diagram = diagram_of(result, 2)
    weights = result.weights[0, 0, 2]
    assert list(diagram.places) == sorted(np.argsort(-weights, kind="stable")[:12])
    assert (diagram.others, diagram.followed, diagram.row) == (18, "r2", None)
    assert diagram.weights.sum() + diagram.others_weight == pytest.approx(1, abs=1e-5)


@given(st.integers(1, 4), st.integers(1, 12), st.integers(1, 7), st.integers(0, 9))
def test_nothing_lies_over_another_thing(
    n_rows: int, n_keys: int, size: int, precision: int
) -> None:
    """Boxes of a row stand side by side, and an arrow ends at a box, a sign or the middle of a line."""
    root = ET.fromstring(diagram_svg([diagram_of(across(n_rows, n_keys, size), 0)], precision))
    group = next(g for g in root.iter(f"{SVG}g") if g.get("stroke") == "currentColor")
    edges: dict[float, list[tuple[float, float]]] = {}
    tops = [float(rect.get("y", "0")) for rect in group.findall(f"{SVG}rect")]
    for box in group.findall(f"{SVG}g[@data-word]"):
        rect = box.findall(f"{SVG}rect")[-1]
        left, width, top = (float(rect.get(name, "0")) for name in ("x", "width", "y"))
        edges.setdefault(top, []).append((left, left + width))
    for row in edges.values():
        row.sort()
        assert all(one[1] < other[0] for one, other in pairwise(row))
    letters = [float(t.get("y", "0")) - 15 for t in group.findall(f"{SVG}text")]
    for head in group.findall(f"{SVG}polygon"):
        x, y = map(float, head.get("points", "").split()[-1].split(","))
        boxes = [edge for top, row in edges.items() if abs(top - y) < 0.01 for edge in row]
        at_box = any(left <= x <= right for left, right in boxes)
        at_word = any(abs(y - top) < 3 for top in (*letters, *tops))
        assert at_box or at_word, (x, y)


def decoded(n_rows: int, n_keys: int, size: int = 3) -> AttentionResult:
    """A decoder of random numbers beside its encoder, whose tokens are the keys."""
    cross = across(n_rows, n_keys, size)
    own, other = (across(n, n, size) for n in (n_rows, n_keys))
    decoder = replace(own, keys=None, pair=None)
    whole = replace(
        other, text=cross.pair or "", tokens=cross.key_tokens, keys=None, pair=None,
        decoder=decoder, cross=cross,
    )  # fmt: skip
    assert whole.decoder is not None
    return whole.decoder


@pytest.mark.parametrize("width", [40, 80, 300])
@pytest.mark.parametrize(("n_rows", "n_keys", "said"), [(2, 3, "3 tokens"), (5, 1, "1 token;")])
def test_what_a_decoder_reads_between_two_boxes_has_no_numbers(
    n_rows: int, n_keys: int, said: str, width: int
) -> None:
    """The stage between self-attention and what leaves the layer counts tokens; all else stays."""
    result = decoded(n_rows, n_keys)
    diagrams = [diagram_of(one, 1) for one in (result, replace(result, reads=None))]
    drawn, alone = (drawn_texts(diagram) for diagram in diagrams)
    assert said in drawn.across
    assert alone.across == ""
    boxes, plain = ([s.cells for s in one.stages()] for one in (drawn, alone))
    assert boxes == plain
    spoken = in_words(drawn)
    at = spoken.index(f"{drawn.across}.")
    assert spoken[at - 1].startswith("the sum: ")
    assert "cross-attention, feed-forward net" in spoken[at + 1]
    for unicode in (True, False):
        text = Ink(unicode=unicode).rendered(
            diagram_lines(diagrams[0], Ink(unicode=unicode), width=width)
        )
        assert max(map(width_of, text.splitlines())) <= width
        assert Ink(unicode=unicode).plain(drawn.across) in " ".join(text.split())


@given(st.integers(1, 14), st.integers(1, 3), st.integers(1, 7))
def test_what_a_decoder_reads_stands_in_its_band(n_rows: int, n_keys: int, size: int) -> None:
    """Each line of it lies within the band across the words, which the sum's arrow meets."""
    root = ET.fromstring(diagram_svg([diagram_of(decoded(n_rows, n_keys, size), 0)]))
    group = next(g for g in root.iter(f"{SVG}g") if g.get("stroke") == "currentColor")
    *_, band = (r for r in group.findall(f"{SVG}rect") if r.get("fill-opacity") == "0.07")
    left, top, width, height = (float(band.get(n, "0")) for n in ("x", "y", "width", "height"))
    lines = [
        text
        for text in group.findall(f"{SVG}text")
        if top < float(text.get("y", "0")) < top + height
    ]
    inside = [text for text in lines if text.get("text-anchor") == "middle"]
    words = " ".join(text.text or "" for text in inside)
    assert words.startswith("cross-attention: the layer reads the encoder's last hidden states")
    for text in inside:
        half = len(text.text or "") * 7.83 / 2
        assert left <= float(text.get("x", "0")) - half
        assert float(text.get("x", "0")) + half <= left + width
    ends = [head.get("points", "").split()[-1] for head in group.findall(f"{SVG}polygon")]
    assert any(abs(float(end.split(",")[1]) - top) < 0.01 for end in ends)
