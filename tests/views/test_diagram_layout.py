"""Laws of how a drawing is drawn: nothing lies over another thing, and no word is obeyed."""

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from views.drawings import LONG, MECHANISMS, SHORT, analyzed
from views.samples import HOSTILE

import attncli
from attncli.insight.diagram import diagram_of
from attncli.results.fields import STAGE_FIELDS
from attncli.views.diagram_lines import diagram_lines
from attncli.views.diagram_svg import diagram_figure, diagram_svg
from attncli.views.ink import Ink, width_of


def test_a_drawing_needs_no_color() -> None:
    """Lines and letters have the color of the text around them; what is followed is thicker."""
    result, learned = analyzed(SHORT, **MECHANISMS["given"])
    figure = diagram_figure(diagram_of(result, 1, learned), 0)
    colors = set(re.findall(r'(?:fill|stroke|color)="([^"]*)"', figure))
    assert colors == {"none", "currentColor"}
    assert " style=" not in figure  # the policy of the page forbids it
    query = re.findall(r'<g data-stage="query" data-word="(\d)">(.*?)</g>', figure, re.DOTALL)
    assert [word for word, box in query if 'stroke-width="2.5"' in box] == ["1"]
    assert [word for word, box in query if "stroke-dasharray" in box] == ["0", "2"]


def test_a_bar_is_as_wide_as_its_weight() -> None:
    """The share of the box that is filled is the number in it."""
    result, learned = analyzed(LONG)
    markup = diagram_svg([diagram_of(result, 2, learned)])
    for group in re.findall(r'<g data-stage="weight" data-word="\d">(.*?)</g>', markup, re.DOTALL):
        bar, box = (float(width) for width in re.findall(r'<rect[^>]* width="([0-9.]+)"', group))
        number = float(re.search(r">(\d\.\d+)</text>", group)[1])
        assert bar == pytest.approx(number * box, abs=0.01)


@given(
    st.lists(st.text(st.sampled_from("amw漢א"), min_size=1, max_size=25), min_size=1, max_size=8),
    st.sampled_from(["general", "random", "heads", "cosine"]),
    st.integers(0, 7),
    st.sampled_from([None, 1, 6, 9]),
)
def test_nothing_in_a_drawing_lies_over_another_thing(words, mechanism, row, precision) -> None:
    """Titles keep a line apart, boxes of a row stand side by side, and all is inside the picture."""
    result, learned = analyzed(
        " ".join(words), **MECHANISMS[mechanism], vectors="random", dim=6, tokenizer="whitespace"
    )
    root = ET.fromstring(diagram_svg([diagram_of(result, row % len(words), learned)], precision))
    space = "{http://www.w3.org/2000/svg}"
    group = next(g for g in root.iter(f"{space}g") if g.get("stroke") == "currentColor")
    titles = [
        float(text.get("y")) for text in group.findall(f"{space}text") if text.get("x") == "0"
    ]
    assert all(b - a >= 17 for a, b in pairwise(titles))
    rows: dict[float, list[tuple[float, float]]] = {}
    for box in group.findall(f"{space}g[@data-word]"):
        rect = box.findall(f"{space}rect")[-1]
        left, width = float(rect.get("x")), float(rect.get("width"))
        rows.setdefault(float(rect.get("y")), []).append((left, left + width))
        for text in box.findall(f"{space}text"):
            if text.get("text-anchor") == "end":
                assert float(text.get("x")) - len(text.text) * 7.8 >= left
    for edges in rows.values():
        edges.sort()
        assert all(one[1] < other[0] for one, other in pairwise(edges))
        assert edges[0][0] > 180
        assert edges[-1][1] <= float(root.get("width")) - 16


@pytest.mark.parametrize("word", [*HOSTILE, "बैंक", "ארץ", "كتاب", "🏦", "é"])
def test_a_word_is_shown_and_never_obeyed(word: str) -> None:
    """In the SVG, in the page and on the terminal, whatever the word is."""
    text = f"{word} bank"
    (result,) = attncli.analyser(
        vectors="random", dim=3, tokenizer="whitespace", include=STAGE_FIELDS
    )([text])
    for row in range(len(result.tokens)):
        diagram = diagram_of(result, row)
        ET.fromstring(diagram_svg([diagram]))
        figure = diagram_figure(diagram, 0)
        ET.fromstring(figure)
        assert "<script" not in figure
        assert "onerror" not in re.sub(r">[^<]*<", "><", figure)
        for unicode in (True, False):
            ink = Ink(unicode=unicode)
            shown = ink.rendered(diagram_lines(diagram, ink, width=40))
            assert not set(shown) & set("\x1b\r\u202e\u2028")
            assert max(map(width_of, shown.splitlines())) <= 40


def test_a_right_to_left_word_is_isolated() -> None:
    """Its name keeps its own direction beside numbers and signs."""
    (result,) = attncli.analyser(vectors="random", dim=2, include=STAGE_FIELDS)(["ארץ bank"])
    diagram = diagram_of(result, 0)
    assert "\u2068ארץ\u2069" in diagram_svg([diagram])
    assert "q of \u200eארץ\u200e" in Ink().rendered(diagram_lines(diagram, Ink())).replace(
        "x of", "q of"
    )
