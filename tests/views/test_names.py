"""The law of names: whatever is chosen, every view calls each matrix by its name in the model."""

import csv
import io
import json
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models.made import write_model

from attncli.insight.chosen_part import Part
from attncli.insight.tokens import merge_pieces
from attncli.mechanisms.transformer import open_transformer
from attncli.results.names import last_layer, selection_of
from attncli.results.result import AttentionResult
from attncli.views.delimited import delimited
from attncli.views.explain import explain_lines
from attncli.views.facts import facts_line
from attncli.views.heat_maps import MOST_IN_COLUMN, heat_maps
from attncli.views.html import fragment, page
from attncli.views.ink import Ink
from attncli.views.latex import latex
from attncli.views.layout import Layout
from attncli.views.markdown import markdown
from attncli.views.speak import spoken_text

pytest.importorskip("tokenizers")

N_LAYERS, N_HEADS = 5, 4


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> AttentionResult:
    """Every layer and head of a small random BERT."""
    folder = write_model(tmp_path_factory.mktemp("model"), num_hidden_layers=N_LAYERS)
    return next(iter(open_transformer(folder)(["the unhappiness grows"])))


def some(count: int) -> st.SearchStrategy[tuple[int, ...] | None]:
    """Some numbers below `count`, in any order, or None for all."""
    chosen = st.lists(st.integers(0, count - 1), min_size=1, max_size=count, unique=True)
    return st.none() | chosen.map(tuple)


PARTS = st.builds(
    Part,
    layers=some(N_LAYERS),
    heads=some(N_HEADS),
    merge=st.booleans(),
    hide=st.just(()),
    hide_special=st.just(False),
    over=st.sampled_from([(), ("heads",), ("layers",), ("heads", "layers")]),
    how=st.sampled_from(["mean", "max"]),
    which=st.none(),
)


def in_words(axis: str, numbers: list[int]) -> str:
    """The words for layers or heads, such as "heads 0–3", "heads 3, 1", "head 2"."""
    if len(numbers) > 2 and all(b - a == 1 for a, b in pairwise(numbers)):
        return f"{axis} {numbers[0]}–{numbers[-1]}"
    plural = axis if len(numbers) > 1 else axis.removesuffix("s")
    return f"{plural} {', '.join(map(str, numbers))}"


def expected(part: Part) -> tuple[list[str], list[str]]:
    """The names of the layers and of the heads that the choice asks for."""
    found = []
    for axis, chosen, count in (("layers", part.layers, N_LAYERS), ("heads", part.heads, N_HEADS)):
        numbers = list(range(count)) if chosen is None else list(chosen)
        if axis in part.over and len(numbers) > 1:
            found.append([f"{part.how} of {in_words(axis, numbers)}"])
        else:
            found.append([f"{axis[:-1]} {number}" for number in numbers])
    return found[0], found[1]


def titles(part: Part) -> list[str]:
    """The name above each matrix: layer and head where there are several."""
    layers, heads = expected(part)
    return [
        ", ".join([layer] * (len(layers) > 1) + [head] * (len(heads) > 1))
        for layer in layers
        for head in heads
        if len(layers) * len(heads) > 1
    ]


def plain(text: str) -> list[str]:
    """What in a text is a name of a matrix, in order."""
    numbers = r"[0-9, –]*[0-9]"
    one = rf"(?:layer [0-9]+|head [0-9]+|(?:mean|max) of (?:layers|heads) {numbers})"
    return re.findall(rf"{one}(?:, {one})?", text)


def in_json(part: Part) -> dict[str, object]:
    """The part of the record that keeps what was chosen."""
    kept: dict[str, object] = {}
    for axis, chosen, count in (("layers", part.layers, N_LAYERS), ("heads", part.heads, N_HEADS)):
        numbers = list(range(count)) if chosen is None else list(chosen)
        pooled = axis in part.over and len(numbers) > 1
        if chosen is not None or pooled:
            kept[axis] = numbers
        if pooled:
            kept[f"{axis}_pooled"] = part.how
    if part.layers is not None and N_LAYERS - 1 not in part.layers:
        kept["vectors_after"] = N_LAYERS - 1
    return kept


@settings(max_examples=60, deadline=None)
@given(part=PARTS)
def test_every_view_names_each_matrix_as_it_was_asked_for(
    whole: AttentionResult, part: Part
) -> None:
    """Above each matrix of each view stands the layer and the head that was chosen."""
    result = part.of(whole)
    names, ink = titles(part), Ink()
    for top in (None, 2):
        layout = Layout(sections=("weights", "equations"), width=100, top=top)
        lines = ink.rendered(explain_lines(result, [], ink, layout)).splitlines()
        assert [line.strip() for line in lines if plain(line) == [line.strip()]] == 2 * names
    spoken = spoken_text(result, ink).splitlines()
    assert [line for line in spoken if line[:5] in ("Layer", "Head ")] == [
        f"{name.capitalize()}." for name in names
    ]
    assert re.findall(r"^### (.*)$", "".join(markdown([result])), re.M) == names
    assert re.findall(r"\\subsection\*\{(.*)\}", latex([result])) == names
    svg = heat_maps([result])
    bold = re.findall(r'font-weight="bold">([^<]*)<', svg)
    column = [text for text in bold if plain(text) == [text]]
    assert column == (names if len(names) <= MOST_IN_COLUMN else [])
    if not column:  # a grid has names of rows and columns, or short ones
        texts = re.findall(r">([^<]+)</text>", svg)
        whole = [f"{one}, {other}" for one in expected(part)[0] for other in expected(part)[1]]
        assert names in ([], whole) or set(names) <= set(texts)
        if names == whole:
            assert set(expected(part)[0]) | set(expected(part)[1]) <= set(texts)
    for html in (page([result]), fragment([result])):
        data = json.loads(re.findall(r'"application/json">(.*?)</script>', html, re.S)[0])
        assert [data["layer_names"], data["head_names"]] == list(expected(part))
        shown = re.findall(r"\(((?:layer|head) [^()]*)\)\.</caption>", html)
        heads = expected(part)[1]
        layer, head = data["start"]
        assert shown == ([titles(part)[layer * len(heads) + head]] if names else [])
        assert (layer, head) == (last_layer(result), 0)
    chosen = in_json(part)
    held = dict(result.selection or {})
    assert {name: held[name] for name in held if name != "merged"} == chosen
    for text in (facts_line(result), "\n".join(spoken[:2])):
        for axis, one in zip(("layers", "heads"), expected(part), strict=True):
            if axis in chosen:
                listed = in_words(axis, chosen[axis])  # type: ignore[arg-type]  # a list
                assert (one[0] if f"{axis}_pooled" in chosen else listed) in text


@settings(max_examples=60, deadline=None)
@given(part=PARTS)
def test_a_table_holds_each_matrix_under_its_name(whole: AttentionResult, part: Part) -> None:
    """The rows of a CSV that name a layer and a head hold the numbers of that layer and head."""
    result = part.of(whole)
    rows = list(csv.DictReader(io.StringIO("".join(delimited([result])))))
    layers, heads = expected(part)
    labels = [
        (layer.removeprefix("layer "), head.removeprefix("head "))
        for layer in layers
        for head in heads
    ]
    assert list(dict.fromkeys((row["layer"], row["head"]) for row in rows)) == labels
    model = merge_pieces(whole) if part.merge else whole
    for layer, head in labels:
        if layer.isdecimal() and head.isdecimal():
            table = [
                [float(cell) for cell in list(row.values())[3:]]
                for row in rows
                if (row["layer"], row["head"]) == (layer, head)
            ]
            np.testing.assert_array_equal(np.float32(table), model.weights[int(layer), int(head)])
    again = selection_of(*(list(dict.fromkeys(column)) for column in zip(*labels, strict=True)))
    chosen = in_json(part)
    assert {name: chosen[name] for name in again} == again
    for axis, count in (("layers", N_LAYERS), ("heads", N_HEADS)):
        if axis not in again:  # then they are the first of the model
            numbers = chosen.get(axis, list(range(count)))
            assert numbers == list(range(len(numbers)))  # type: ignore[arg-type]  # a list


@settings(max_examples=60, deadline=None)
@given(part=PARTS, data=st.data())
def test_a_part_is_chosen_from_by_name(
    whole: AttentionResult, part: Part, data: st.DataObject
) -> None:
    """Of a record that holds layers 3 and 1, layer 3 is the model's layer 3, and there is no 0."""
    result = part.of(whole)
    for axis, count in (("layers", N_LAYERS), ("heads", N_HEADS)):
        if axis in part.over:
            continue
        held = getattr(part, axis) or tuple(range(count))
        number = data.draw(st.sampled_from(sorted(held)))
        again = Part(**{axis: (number,)}).of(result)
        assert (again.selection or {})[axis] == [number]
        at = held.index(number)
        cut = result.weights[at : at + 1] if axis == "layers" else result.weights[:, at : at + 1]
        np.testing.assert_array_equal(again.weights, cut)
        assert Part(**{axis: (-1,)}).of(result).selection[axis] == [max(held)]  # type: ignore[index]  # not None
