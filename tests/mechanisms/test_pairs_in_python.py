"""Laws of second texts that are given as a list, and of tables of rectangular weights."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from models.word_translators import write_translator

import attncli

for library in ("torch", "transformers", "tokenizers"):
    pytest.importorskip(library)

TEXTS = ["Das Haus ist klein", "Milch", "der Hund"]
PAIRS = ["The house", "the cat drinks milk", "The dog sleeps ."]


@pytest.fixture(scope="module")
def mt5(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder whose decoder has a layer more than its encoder."""
    folder = tmp_path_factory.mktemp("python") / "mt5"
    write_translator(folder, "mt5")
    return str(folder)


def test_a_list_of_pairs_gives_what_each_pair_gives(mt5: str) -> None:
    """Also as a column of a table, and of a part; numbered in order."""
    pandas = pytest.importorskip("pandas")
    results = attncli.explain(TEXTS, mt5, pair=PAIRS, include=("query",))
    for at, (text, pair) in enumerate(zip(TEXTS, PAIRS, strict=True)):
        alone = attncli.explain(text, mt5, pair=pair, include=("query",))
        assert results[at] == replace(alone, index=at)
    columns = [pandas.Series(of) for of in (TEXTS, PAIRS)]
    assert attncli.explain(columns[0], mt5, pair=columns[1], include=("query",)) == results
    part = attncli.Part(which="cross", layers=(-1,))
    crossed = attncli.explain(TEXTS, mt5, pair=PAIRS, part=part, include=("query",))
    assert [one.weights.shape[0] for one in crossed] == [1, 1, 1]
    assert np.array_equal(crossed[2].weights, part.of(results[2]).weights)


@pytest.mark.parametrize(
    ("text", "choices", "said"),
    [
        (TEXTS, {"pair": PAIRS[:1]}, "pair: found 1 text, expected 3, one for each"),
        ("Milch", {"pair": ["milk"]}, "pair: found a list beside one text, expected a text"),
        (TEXTS, {"pair": ["a", "", "b"]}, r"pair\[1\]: no word in"),
        (TEXTS, {"pair": PAIRS, "complete": 3}, "pair: found complete too"),
        (TEXTS, {"pair": ["a", 3, "b"]}, r"pair\[1\]: found the number 3"),
    ],
)
def test_a_list_that_is_no_list_of_pairs_is_said(
    mt5: str, text: Any, choices: Any, said: str
) -> None:
    """With the place of the one that is wrong."""
    with pytest.raises(attncli.AttnError, match=said):
        attncli.explain(text, mt5, **choices)


def test_words_without_a_transformer_have_no_pairs() -> None:
    """The error names what reads a second text."""
    with pytest.raises(attncli.AttnError, match="only a transformer"):
        attncli.explain(["money", "bank"], pair=["a", "b"])


def test_tables_of_cross_attention_are_rectangular(mt5: str) -> None:
    """pandas, polars, Arrow and xarray have a cell for each row and column of every head, by name."""
    for library in ("pandas", "polars", "pyarrow", "xarray"):
        pytest.importorskip(library)
    cross = attncli.explain(TEXTS[0], mt5, pair=PAIRS[0], include=()).cross
    assert cross is not None
    n_layers, n_heads, n_rows, n_keys = cross.weights.shape
    assert n_rows != n_keys
    rows = cross.to_pandas()
    assert rows.equals(cross.to_polars().to_pandas())
    assert rows.to_dict("list") == cross.to_arrow().to_pydict()
    assert len(rows) == n_layers * n_heads * n_rows * n_keys
    assert list(rows["query_word"][: n_rows * n_keys : n_keys]) == cross.words
    assert list(rows["key_word"][:n_keys]) == cross.key_words
    assert np.array_equal(rows["weight"], cross.weights.ravel())
    array = cross.to_xarray()
    assert np.array_equal(array.values, cross.weights)
    assert array.dims == ("layer", "head", "query", "key")
