"""Laws across mechanisms, choices of a part and views: what is printed as an equation holds.

Equations are read back from each view's text and worked out with numpy from the record's own
vectors; the numbers beside them are read from the same text.
"""

import html
import re
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models.made import write_model

from attncli.attention.projections import random_projections
from attncli.embeddings.named_stores import builtin_store
from attncli.embeddings.store import MemoryStore
from attncli.insight.chosen_part import FEW_HEADS, Part
from attncli.insight.sums import sums_of
from attncli.matrices.build import result_from_arrays
from attncli.mechanisms.general import GeneralAnalyser, GeneralSettings
from attncli.mechanisms.task import TaskAnalyser
from attncli.mechanisms.transformer import open_transformer
from attncli.models.named import find_model
from attncli.results.names import last_layer
from attncli.results.result import AttentionResult
from attncli.views.equations import terms
from attncli.views.explain import explain_lines
from attncli.views.html import page
from attncli.views.ink import Ink
from attncli.views.latex import latex
from attncli.views.layout import Layout
from attncli.views.markdown import markdown
from attncli.views.steps import Steps, step_lines

FIELDS = frozenset({"embeddings", "query", "key", "value", "scores"})
TEXT = "money bank grows flows river"

PARTS = {
    "all": Part(),
    "hide": Part(hide=("bank",)),
    "head": Part(heads=(0,)),
    "last head": Part(heads=(-1,)),
    "layer": Part(layers=(0,)),
    "mean": Part(over=("heads",)),
    "max": Part(over=("heads",), how="max"),
    "mean of all": Part(over=("heads", "layers")),
    "head, hide": Part(heads=(0,), hide=("bank",)),
    "mean, hide": Part(over=("heads",), hide=("bank",)),
    "merge": Part(merge=True),
    "merge, hide": Part(merge=True, hide=("bank",)),
}


def _general(store: MemoryStore, **settings: object) -> AttentionResult:
    (result,) = GeneralAnalyser(store, settings=GeneralSettings(**settings), include=FIELDS)([TEXT])  # type: ignore[arg-type]  # of the cases below
    return result


def _task(store: MemoryStore, n_heads: int, **options: object) -> AttentionResult:
    layer = random_projections(store.dim, n_heads=n_heads, seed=3, **options)  # type: ignore[arg-type]  # likewise
    (result,) = TaskAnalyser(store, layer, include=FIELDS)([TEXT])
    return result


@cache
def _trained() -> AttentionResult:
    """The model that ships, with the biases of its distances."""
    analyser = TaskAnalyser.of_model(find_model("idioms"), builtin_store(), include=FIELDS)
    return next(iter(analyser([TEXT])))


MECHANISMS: dict[str, Callable[[MemoryStore], AttentionResult]] = {
    "general": _general,
    "general, causal": lambda store: _general(store, causal=True),
    "general, window": lambda store: _general(store, window=1),
    "general, without self": lambda store: _general(store, see_self=False),
    "general, hot": lambda store: _general(store, temperature=3.0),
    "task": lambda store: _task(store, 1),
    "task, as wide as the embeddings": lambda store: _task(store, 2, d_k=2, d_v=2),
    "task, three heads": lambda store: _task(store, 3, d_k=2, d_v=3, causal=True),
    "task, positions": lambda store: _task(store, 2, positions="sinusoidal", window=1),
    "trained": lambda store: _trained(),
    "matrix": lambda store: result_from_arrays(_general(store).weights[0, 0], TEXT.split()),
}


@pytest.fixture(scope="module")
def transformer(tmp_path_factory: pytest.TempPathFactory) -> AttentionResult:
    """A sentence with pieces through a BERT of three layers and four heads."""
    pytest.importorskip("tokenizers")
    folder = write_model(tmp_path_factory.mktemp("model"))
    (result,) = open_transformer(folder, include=FIELDS)(["money unhappiness bank grows"])
    return result


CASES = [(mechanism, part) for mechanism in [*MECHANISMS, "transformer"] for part in PARTS]


@pytest.fixture(params=CASES, ids=lambda case: ": ".join(case))
def result(
    request: pytest.FixtureRequest, six_words: MemoryStore, transformer: AttentionResult
) -> AttentionResult:
    """Each mechanism's result, cut down to each part."""
    mechanism, part = request.param
    whole = transformer if mechanism == "transformer" else MECHANISMS[mechanism](six_words)
    return PARTS[part].of(whole)


def _terminal(result: AttentionResult) -> str:
    layout = Layout(sections=("weights", "equations"), width=400)
    return Ink().rendered(explain_lines(result, [], Ink(), layout))


def _page(result: AttentionResult) -> str:
    rows = re.findall(r'<th scope="row">.*?<td class="equation"[^>]*>(.*?)</td>', page([result]))
    return html.unescape("\n".join(rows))


def _tex(result: AttentionResult) -> str:
    text = re.sub(r"\\mbox\{((?:[^{}]|\{[^}]\})*)\}", r"\1", latex([result]))
    text = re.sub(r"_\{(new|head)\}", r"(\1)", text)
    return re.sub(r"\{(.)\}", r"\1", text.replace(r" \cdot ", "·")).replace("\\", "")


VIEWS = {
    "terminal": _terminal,
    "markdown": lambda result: re.sub(r"\\(.)", r"\1", "".join(markdown([result]))),
    "page": _page,
    "tex": _tex,
}
EQUATION = re.compile(r"([^\s(]+)\((new|head|shown|layer[^)]*|head[^)]*)\) = (.+)")
TERM = re.compile(r"(\d+\.\d+)·(v\()?([^\s()]+)")


def _equations(text: str) -> list[tuple[str, str, list[tuple[str, bool, str]]]]:
    """Each equation's word, what its sum is called, and its terms."""
    return [
        (word, left, [(c, bool(v), name) for c, v, name in TERM.findall(right)])
        for word, left, right in EQUATION.findall(text)
    ]


@pytest.mark.parametrize("view", VIEWS)
def test_every_printed_equation_holds(result: AttentionResult, view: str) -> None:
    """Its terms, added up, are the new embedding, or a head's part of it where a head is named.

    A page begins with the last layer, and the mean of many heads has no equation.
    """
    text = VIEWS[view](result)
    shown = _equations(text)
    n_tokens = len(result.tokens)
    matrices = 1 if view == "page" else result.weights.shape[0] * result.weights.shape[1]
    assert len(shown) in (0, n_tokens * matrices), text
    first = last_layer(result) if view == "page" else 0
    is_mean = view == "page" and result.attention.n_heads > FEW_HEADS
    assert bool(shown) == (sums_of(result).terms is not None and not is_mean)
    for at, (word, left, summands) in enumerate(shown):
        layer, head = divmod(at // n_tokens, result.attention.n_heads)
        layer += first
        query = at % n_tokens
        assert word == result.words[query]
        assert left == "new" or result.value is not None
        vectors = result.embeddings
        if any(of_value for _, of_value, _ in summands):
            vectors = result.value[layer, head]
        total = np.zeros(vectors.shape[1])
        for coefficient, _, name in summands:
            total += float(coefficient) * vectors[result.words.index(name)].astype(np.float64)
        expected = result.contextual[query]
        if left != "new":  # a head's part stands beside those of the others
            expected = _part(result, layer, head, query)
        assert np.abs(total - expected).max() <= 0.011 * np.abs(vectors).sum(axis=0).max()


def _part(result: AttentionResult, layer: int, head: int, query: int) -> np.ndarray:
    """What a head gives to the new vectors: a slice of them, where they are told side by side."""
    if result.attention.kind == "transformer":
        return result.weights[layer, head, query] @ result.value[layer, head]
    d_v = result.value.shape[-1]
    chosen = (result.selection or {}).get("heads", range(result.attention.n_heads))
    start = chosen[head] * d_v
    return result.contextual[query, start : start + d_v]


ROWS = st.lists(st.floats(0, 1, width=32), min_size=1, max_size=12).filter(lambda row: sum(row) > 0)


@given(ROWS, st.integers(1, 4), st.integers(1, 4), st.integers(2, 12))
def test_coefficients_say_what_the_matrix_says(
    row: list[float], digits: int, beside: int, max_terms: int
) -> None:
    """Each is its weight rounded, and a rounding of the matrix's number or that very number."""
    weights = (np.array(row) / np.sum(row)).astype(np.float32)
    found = terms(weights, digits=digits, beside=beside, max_terms=max_terms)
    used = len(found.coefficients[0]) - 2
    assert digits <= used <= max(digits, beside)
    units = sum(round(float(c) * 10**used) for c in found.coefficients)
    assert units == 10**used or used == max(digits, beside)
    assert abs(units - 10**used) <= len(found.coefficients) / 2 + 10 ** (used - 6)
    for place, coefficient in zip(found.places, found.coefficients, strict=False):
        printed = float(f"{weights[place]:.{beside}f}")
        apart = abs(float(coefficient) - printed)
        assert apart <= 0.5 * 10.0 ** -min(used, beside) + 1e-9
        assert coefficient == f"{weights[place]:.{used}f}"


@pytest.mark.parametrize("view", ["terminal", "markdown"])
@pytest.mark.parametrize("precision", [2, 3])
def test_a_matrix_and_its_equations_say_the_same(
    six_words: MemoryStore, view: str, precision: int
) -> None:
    """Read from one view, no coefficient is another rounding than the cell's."""
    for text in ("money bank grows", "river bank flows the", "bank the money river grows flows"):
        (result,) = GeneralAnalyser(six_words)([text])
        if view == "terminal":
            layout = Layout(sections=("weights", "equations"), width=400, precision=precision)
            shown = Ink().rendered(explain_lines(result, [], Ink(), layout))
        else:
            shown = "".join(markdown([result], precision=precision))
        cells = re.findall(r"(?<![\d·])(\d\.\d+) (?!·)", shown.partition("(new)")[0])
        n_tokens = len(result.tokens)
        matrix = np.array(cells[: n_tokens**2], dtype=float).reshape(n_tokens, n_tokens)
        equations = _equations(shown)
        assert len(equations) == n_tokens
        for query, (_, _, summands) in enumerate(equations):
            total = round(sum(float(c) for c, _, _ in summands), 6)
            assert total == 1 or {len(c) - 2 for c, _, _ in summands} == {precision}
            for coefficient, _, name in summands:
                cell = matrix[query, result.words.index(name)]
                digits = min(precision, len(coefficient) - 2)
                assert abs(float(coefficient) - cell) <= 0.5 * 10.0**-digits + 1e-9


@pytest.mark.parametrize("rows", [None, (0, 2)])
@pytest.mark.parametrize("hide", [(), ("bank",), ("bank", "the")])
@pytest.mark.parametrize("mechanism", [name for name in MECHANISMS if name != "matrix"])
def test_each_stage_gives_the_next(
    six_words: MemoryStore, mechanism: str, hide: tuple[str, ...], rows: tuple[int, ...] | None
) -> None:
    """e^(s − max s) ÷ Σ, as printed, is the weight as printed, and that the coefficient."""
    result = Part(hide=hide).of(MECHANISMS[mechanism](six_words))
    lines = step_lines(result, Ink(), Steps(rows=rows, width=400))
    text = Ink().rendered(lines)
    n_tokens = len(result.tokens)
    for block in text.split("5. weights A")[1:]:
        stage, _, sums = block.partition("\n6. ")
        powers, weights = _softmax_tables(stage, n_tokens, rows)
        total = powers.sum(axis=1, keepdims=True)
        close = np.abs(powers / np.where(total == 0, 1, total) - weights)
        assert close.max() <= 1.2e-4
        equations = _equations(sums.partition("\n7. ")[0])
        for query, (_, left, summands) in enumerate(equations):
            assert left == "shown" or not hide
            for coefficient, _, name in summands:
                cell = weights[query, result.words.index(name)]
                assert abs(float(coefficient) - cell) <= 0.51e-4


def _softmax_tables(
    stage: str, n_tokens: int, rows: tuple[int, ...] | None
) -> tuple[np.ndarray, np.ndarray]:
    numbers = [re.findall(r"-?\d+\.\d+|−∞", line.partition("  ")[2]) for line in stage.splitlines()]
    if rows is None:
        table = [row for row in numbers if len(row) == n_tokens + 1]
        weights = [row for row in numbers if len(row) == n_tokens]
        powers = np.array(table, dtype=float)[:, :-1]
        return powers, np.array(weights, dtype=float)
    table = np.array([row[1:] for row in numbers if len(row) == 3], dtype=float)
    table = table.reshape(len(rows), n_tokens, 2)
    return table[:, :, 0], table[:, :, 1]
