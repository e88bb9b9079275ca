"""Laws of the drawing of attention: its numbers are the record's, in every medium."""

import html
import re
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from views.drawings import LONG, MECHANISMS, SHORT, analyzed

import attncli
from attncli.insight.diagram import diagram_of
from attncli.results.fields import STAGE_FIELDS
from attncli.results.result import AttentionResult
from attncli.views.diagram import drawn_texts, in_words
from attncli.views.diagram_lines import diagram_lines
from attncli.views.diagram_svg import diagram_figure, diagram_svg
from attncli.views.ink import Ink, width_of


def transformer(folder: Path, text: str) -> AttentionResult:
    """A small checkpoint's result, all layers and heads."""
    pytest.importorskip("tokenizers")
    made = pytest.importorskip("models.made")
    made.write_model(folder / "bert")
    return analyzed(text, model=str(folder / "bert"))[0]


def boxes(markup: str) -> dict[tuple[str, int], tuple[list[float], int]]:
    """The numbers of each box of a drawing by stage and word, and how many more there are."""
    found = {}
    for group in re.finditer(
        r'<g data-stage="(\w+)" data-word="(\d+)">(.*?)</g>', markup, re.DOTALL
    ):
        texts = re.findall(r"<text[^>]*>(?:<title>.*?</title>)?([^<]*)</text>", group[3])
        more = [int(text[1:]) for text in texts if text.startswith("+")]
        numbers = [float(t.replace("−∞", "-inf")) for t in texts if not t.startswith("+")]
        found[group[1], int(group[2])] = numbers, sum(more)
    return found


def expected_boxes(result: AttentionResult, places: list[int], row: int) -> dict:
    """What the record says of each box, worked out from its arrays alone."""
    query, key, value = (
        np.asarray(array[0, 0], dtype=np.float64)
        for array in (result.query, result.key, result.value)
    )
    weights = result.weights[0, 0, row].astype(np.float64)
    scores = result.scores[0, 0, row].astype(np.float64)
    seen = weights > 0
    expected = {}
    for i, place in enumerate(places):
        expected["product", i] = [float(sum(query[row] * key[place]))]
        expected["scaled", i] = [scores[place] if seen[place] else -np.inf]
        power = np.exp(scores[place] - scores[seen].max()) if seen[place] else 0.0
        expected["power", i] = [float(power)]
        expected["weight", i] = [weights[place]]
        expected["part", i] = (weights[place] * value[place]).tolist()
        expected["query", i], expected["key", i] = query[place].tolist(), key[place].tolist()
        expected["value", i] = value[place].tolist()
        expected["embedding", i] = result.embeddings[place].tolist()
    expected["new", 0] = (weights @ value).tolist()
    expected["joined", 0] = result.contextual[row].tolist()
    return expected


def check(markup: str, result: AttentionResult, row: int, digits: int, fine: int) -> set[str]:
    """Holds every number of a drawing against the record's; gives the stages that it has."""
    places = list(range(len(result.tokens)))
    expected, seen = expected_boxes(result, places, row), boxes(markup)
    for (stage, word), (numbers, more) in seen.items():
        true = expected[stage, word]
        assert len(numbers) + more == len(true), stage
        places_after = fine if stage in ("power", "weight") else digits
        for shown, exact in zip(numbers, true, strict=False):
            if np.isinf(exact):
                assert shown == exact
            else:
                assert abs(shown - exact) <= 0.5 * 10**-places_after * 1.001 + 2e-5, (stage, word)
    stages = {stage for stage, _ in seen}
    for stage in stages - {"new", "joined"}:
        assert {word for name, word in seen if name == stage} == set(places)
    return stages


@pytest.mark.parametrize("text", [SHORT, LONG])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_every_number_of_the_drawing_is_the_records(mechanism: str, text: str) -> None:
    """Read out of the SVG and of the page, for every word that can be followed."""
    result, learned = analyzed(text, **MECHANISMS[mechanism])
    always = {"embedding", "product", "scaled", "power", "weight", "part", "new"}
    for row in range(len(result.tokens)):
        diagram = diagram_of(result, row, learned)
        for markup in (diagram_svg([diagram]), diagram_figure(diagram, 0)):
            stages = check(markup, result, row, 2, 3)
            assert always <= stages
            three = {"query", "key", "value"}
            assert stages & three == (set() if mechanism in ("general", "dot") else three)
        assert always <= check(diagram_svg([diagram], 5), result, row, 5, 5)
    assert ("joined" in stages) == (mechanism in ("heads", "output", "idioms"))


def test_every_number_of_one_head_of_a_transformer_is_the_records(tmp_path: Path) -> None:
    """Each layer and head that is chosen; what enters the layer is what left the one before."""
    whole = transformer(tmp_path, "the bank money")
    for layer in range(whole.attention.n_layers):
        for head in range(whole.attention.n_heads):
            from attncli.insight.chosen_part import Part

            result = Part(layers=(layer,), heads=(head,)).of(whole)
            markup = diagram_svg([diagram_of(result, 2)])
            seen = boxes(markup)
            entering = whole.hidden_states[layer]
            for word in range(len(result.tokens)):
                numbers, _ = seen.pop(("embedding", word))
                assert np.allclose(numbers, entering[word][: len(numbers)], atol=0.00501)
            assert f"layer {layer}, head {head}" in markup
            last = layer == whole.attention.n_layers - 1
            assert (("joined", 0) in seen) == last
            kept = re.sub(r'<g data-stage="embedding".*?</g>', "", markup, flags=re.DOTALL)
            check(kept, result, 2, 2, 3)


NUMBER = re.compile(r"(?<![\w+√.])-?\d+\.\d+|−∞|-inf")


@pytest.mark.parametrize("width", [40, 60, 80, 120, 300])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_the_terminal_shows_the_same_numbers(mechanism: str, width: int) -> None:
    """Beside each other or below each other, in Unicode or ASCII, and no line is too wide."""
    for text in (SHORT, LONG):
        result, learned = analyzed(text, **MECHANISMS[mechanism])
        diagram = diagram_of(result, 1, learned)
        drawn = drawn_texts(diagram)
        numbers = [t for stage in drawn.stages() for cell in stage.cells for t in cell.texts]
        matrices = [*drawn.matrices, *filter(None, [drawn.output])]
        numbers += [t for matrix in matrices for row in matrix.rows for t in row]
        numbers += NUMBER.findall(" ".join(drawn.equations))
        for unicode in (True, False):
            ink = Ink(unicode=unicode)
            lines = ink.rendered(diagram_lines(diagram, ink, width=width)).splitlines()
            assert max(map(width_of, lines)) <= width
            shown = "\n".join(line for line in lines if "Σ =" not in line and "sum =" not in line)
            shown = "\n".join(line for line in shown.splitlines() if "together they" not in line)
            wanted = Counter(numbers if unicode else [t.replace("−∞", "-inf") for t in numbers])
            found = Counter(NUMBER.findall(shown))
            found.subtract({t: found[t] - wanted[t] for t in ("−∞", "-inf")})  # a note has one
            assert found == wanted
            assert unicode or "\n".join(lines).isascii()


def test_a_drawing_says_in_words_what_it_shows() -> None:
    """Every number of the boxes is in the description of the SVG and in the list of the page."""
    for text, settings in ((SHORT, MECHANISMS["given"]), (LONG, MECHANISMS["output"])):
        result, learned = analyzed(text, **settings)
        diagram = diagram_of(result, 1, learned)
        drawn = drawn_texts(diagram)
        wanted = Counter(t for s in drawn.stages() for cell in s.cells for t in cell.texts)
        root = ET.fromstring(diagram_svg([diagram]))
        space = "{http://www.w3.org/2000/svg}"
        description = root.findtext(f"{space}desc")
        assert f"How {diagram.followed} attends" in root.findtext(f"{space}title")
        items = re.findall(r"<li>(.*?)</li>", diagram_figure(diagram, 0))
        for said in (description, html.unescape(" ".join(items)), " ".join(in_words(drawn))):
            assert wanted <= Counter(re.findall(r"-?\d+\.\d+|−∞", said))
            for name in ("embedding x", "query q", "key k", "value v", "softmax", "weight", "W_v"):
                assert name in said


@pytest.mark.parametrize("mechanism", ["general", "given", "output", "lecture"])
def test_a_drawing_has_the_equation_of_its_sum(mechanism: str) -> None:
    """In words and in the symbols of the lecture, in every medium; coefficients round the weights."""
    result, learned = analyzed(SHORT, **MECHANISMS[mechanism])
    diagram = diagram_of(result, 1, learned)
    for notation in ("words", "lecture"):
        drawn = drawn_texts(diagram, notation=notation)
        numbers = [float(n) for n in re.findall(r"\d\.\d+", " ".join(drawn.equations))]
        assert np.allclose(numbers, diagram.weights, atol=0.001)
        assert sum(numbers) == pytest.approx(1, abs=1e-9)
        ink = Ink()
        texts = [
            diagram_svg([diagram], notation=notation),
            html.unescape(diagram_figure(diagram, 0, notation=notation)),
            ink.rendered(diagram_lines(diagram, ink, notation=notation)),
        ]
        for text in texts:
            assert all(line in text for line in drawn.equations)
            assert ("w₂₁" in text) == (notation == "lecture")
            assert ("embedding e" in text) == (notation == "lecture")


@given(st.integers(2, 40), st.integers(0, 39), st.integers(0, 5))
def test_of_a_long_sentence_the_heaviest_words_are_drawn(count: int, row: int, seed: int) -> None:
    """The followed word and those with the largest weights, in their order; the rest is counted."""
    row %= count
    words = " ".join(f"w{i}" for i in range(count))
    (result,) = attncli.analyser(vectors="random", dim=4, seed=seed, include=STAGE_FIELDS)([words])
    diagram = diagram_of(result, row)
    assert len(diagram.places) == min(count, 12)
    assert list(diagram.places) == sorted(diagram.places)
    assert diagram.places[diagram.row] == row
    assert diagram.others == count - len(diagram.places)
    assert diagram.weights.sum() + diagram.others_weight == pytest.approx(1, abs=1e-5)
    left_out = set(range(count)) - set(diagram.places)
    weights = result.weights[0, 0, row]
    drawn = [weights[place] for place in diagram.places if place != row]
    assert max((weights[place] for place in left_out), default=0) <= min(drawn)
    assert np.allclose(diagram.new, weights @ result.value[0, 0], atol=1e-5)
    assert len(diagram_of(result, row, most=count).places) == count
