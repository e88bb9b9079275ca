"""One word in two or more sentences."""

from collections.abc import Iterable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Unpack

from attncli.checks.arguments import count_of, text_of, texts_of
from attncli.errors import AttnError, UsageError, command_line
from attncli.settings import NEIGHBORS, Choices

if TYPE_CHECKING:
    from attncli.api.several import Texts
    from attncli.api.word_vectors import WordVectors
    from attncli.embeddings.given import Vectors
    from attncli.insight.chosen_part import Part
    from attncli.models.trained import TrainedModel
    from attncli.results.comparison import Comparison
    from attncli.results.result import AttentionResult

COMPARED = frozenset({"embeddings", "value", "scores"})  # fields of results that a comparison reads


def compare(
    texts: "Sequence[str] | Texts",
    word: str | None = None,
    model: "str | PathLike[str] | TrainedModel | None" = None,
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
    from attncli.api.mechanism import analysis_of
    from attncli.checks.choices import expect_names

    expect_names(choices, compare, Choices.__optional_keys__)
    sentences = texts_of(texts, "texts")
    word = None if word is None else text_of(word, "word")
    count_of(neighbors, "neighbors")
    analysis = analysis_of(model, vectors, COMPARED, part, choices, foresees=False)
    analysis.expect_own_attention(part, "words are compared by")
    results, _ = results_to_compare(analysis.analyser(sentences), place="texts")
    return analysis.comparison(results, word, neighbors)


def results_to_compare(
    outcomes: "Iterable[AttentionResult | AttnError]", place: str | None = None
) -> "tuple[list[AttentionResult], list[AttnError]]":
    """The results of sentences, pieces merged into words, and why the other sentences have none.

    Raises: the first of these errors, else UsageError at the `place`, for fewer than two results.
    """
    from attncli.insight.tokens import merge_pieces

    results: list[AttentionResult] = []
    failed: list[AttnError] = []
    for outcome in outcomes:
        if isinstance(outcome, AttnError):
            failed.append(outcome)
        else:
            results.append(merge_pieces(outcome))
    if len(results) < 2:
        if failed:
            raise failed[0]
        from attncli.errors.wording import counted_as

        raise UsageError(
            f"found {counted_as(len(results), 'sentence')}, expected two or more",
            place=place,
            hints=(command_line('compare "money bank grows" "river bank flows"', word="bank"),),
        )
    return results, failed
