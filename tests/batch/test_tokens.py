"""Tokens of many sentences as JSON, made together."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ways import WAYS, taken

from attncli.arrays.compiled import Texts
from attncli.batches.writers.tokens import TokenTexts
from attncli.embeddings.store import MemoryStore
from attncli.reading.reader import Reader
from attncli.results.stack import TokenRun

STORE = MemoryStore("two", ["bank", "the"], np.eye(2, dtype=np.float32), sha256="0" * 64)

words = st.one_of(
    st.sampled_from(
        ["bank", "the", "e-mail", "bank,", '"the"', "\\", "x" * 31, "y" * 32, "z" * 70]
    ),
    st.text(min_size=1, max_size=40),
)
sentences = st.one_of(
    st.lists(words, min_size=1, max_size=9).map(" ".join),
    st.integers(60, 140).map(lambda count: "bank the " * count),  # beyond the 512th character
)


def listed(texts: list[str] | Texts) -> list[object]:
    """What each of the written lists is."""
    return [json.loads(text) for text in (texts.listed() if isinstance(texts, Texts) else texts)]


@pytest.mark.parametrize("way", WAYS)
@given(texts=st.lists(sentences, max_size=5))
def test_tokens_are_written_as_they_are(way: str, texts: list[str]) -> None:
    """Each list holds the tokens of its sentence, seen before or not, near its start or far."""
    reader = Reader(STORE)
    runs = [run for run in reader.runs(texts) if isinstance(run, TokenRun)]
    expected = [[dict(token._asdict()) for token in run.tokens()] for run in runs]
    with taken(way):
        made = TokenTexts()
        for _ in range(2):
            assert listed(made.lists([runs])) == expected


@pytest.mark.parametrize("way", WAYS)
@given(lots=st.lists(st.lists(sentences, max_size=4), max_size=4))
def test_tokens_are_the_same_lot_after_lot(way: str, lots: list[list[str]]) -> None:
    """What is kept of fragments holds while the reader learns, and beside pieces it does not keep."""
    with taken(way):
        reader, made = Reader(STORE), TokenTexts()
        for texts in lots:
            _, groups = reader.by_length(texts)
            runs = [run for group in groups for run in group.runs]
            expected = [[dict(token._asdict()) for token in run.tokens()] for run in runs]
            written = made.lists([group.runs for group in groups]) if groups else []
            assert listed(written) == expected
