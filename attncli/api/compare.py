"""One word in two or more sentences."""

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Unpack

from attncli.api.mechanism import analysis_of
from attncli.api.several import Texts
from attncli.checks.arguments import count_of, text_of, texts_of
from attncli.errors import UsageError
from attncli.settings import NEIGHBORS, Choices

if TYPE_CHECKING:
    from attncli.api.word_vectors import WordVectors
    from attncli.embeddings.given import Vectors
    from attncli.insight.chosen_part import Part
    from attncli.results.comparison import Comparison


def compare(
    texts: Sequence[str] | Texts,
    word: str | None = None,
    model: str | PathLike[str] | None = None,
    *,
    vectors: "Vectors | WordVectors" = "glove",
    neighbors: int = NEIGHBORS,
    part: "Part | None" = None,
    **choices: Unpack[Choices],
) -> "Comparison":
    """One word in two or more sentences; without `word` the one that they share.

    `neighbors` nearest words are found; `part` chooses layers, heads and tokens.

    Raises: UsageError when the word is not in each of them, or several are; as `explain`.

    >>> compare(["money bank grows", "river bank flows"]).word
    'bank'
    """
    from attncli.insight.tokens import merge_pieces

    sentences = texts_of(texts, "texts")
    word = None if word is None else text_of(word, "word")
    count_of(neighbors, "neighbors")
    analysis = analysis_of(model, vectors, ("embeddings", "value", "scores"), part, choices)
    results = [merge_pieces(result) for result in analysis.analyser(sentences)]
    if len(results) < 2:
        raise UsageError("expected two sentences or more", place="texts")
    return analysis.comparison(results, word, neighbors)
