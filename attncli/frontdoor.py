"""The functions of `import attncli`: the command's work, from Python."""

from collections.abc import Iterable, Sequence
from os import PathLike, fspath
from typing import Any

from attncli.contextual import open_vectors
from attncli.embeddings.protocols import EmbeddingStore
from attncli.errors import AttnError
from attncli.pipeline import GeneralAnalyser, GeneralSettings
from attncli.reading import ReadingSettings
from attncli.result import AttentionResult


def explain(
    text: str,
    *,
    vectors: str | EmbeddingStore = "glove",
    settings: GeneralSettings | None = None,
    reading: ReadingSettings | None = None,
    include: Iterable[str] = ("embeddings",),
) -> AttentionResult:
    """The general attention of one sentence, as `attn explain` computes it.

    `vectors` is a name or an opened store; `include` names optional fields of the result to fill
    (embeddings, query, key, value, scores, measures).
    Raises: EmptyError, LimitError, UnknownWordError, UsageError, NumericError.

    >>> explain("river bank flows").words
    ['river', 'bank', 'flows']
    """
    store = open_vectors(vectors) if isinstance(vectors, str) else vectors
    analyser = GeneralAnalyser(
        store,
        reading or ReadingSettings(),
        settings or GeneralSettings(),
        include=frozenset(include),
    )
    return next(iter(analyser([text])))


def from_attentions(
    attentions: Any, tokens: Sequence[str] | None = None, *, scores: bool = False
) -> AttentionResult:
    """The result of attention weights of another tool, to be shown, saved or compared.

    `attentions` is an array of shape (n, n) to (n_layers, n_heads, n, n), or one array a layer, as
    `output_attentions=True` of Hugging Face gives; PyTorch tensors are taken as they are. With
    `scores` the numbers are scores before the softmax.
    Raises: DataError when they are no weights, or the tokens are of another number.

    >>> from_attentions([[0.9, 0.1], [0.2, 0.8]], ["money", "bank"]).words
    ['money', 'bank']
    """
    from attncli.matrices.build import result_from_arrays

    return result_from_arrays(attentions, tokens, scores=scores)


def read(path: str | PathLike[str]) -> list[AttentionResult]:
    """The results of a file: our records, or weights of another tool (see `attn view`).

    Raises: InputError, DataError, LimitError, RefusedError.
    """
    from attncli.matrices.reading import open_file, read_results

    results: list[AttentionResult] = []
    with open_file(fspath(path)) as stream:
        for outcome in read_results(stream, fspath(path)):
            if isinstance(outcome, AttnError):
                raise outcome
            results.append(outcome)
    return results


def save(results: AttentionResult | Sequence[AttentionResult], path: str | PathLike[str]) -> None:
    """Writes one result or several in the format of the suffix, as `attn explain -o` does.

    html, svg, png, pdf, json, jsonl, npz, csv, tsv, md or tex; JSON holds every field of the result.
    Raises: UsageError for another suffix, MissingExtraError, OutputError.
    """
    from attncli.result import OPTIONAL_FIELDS
    from attncli.views.files import write_results

    several = [results] if isinstance(results, AttentionResult) else list(results)
    write_results(fspath(path), several, fields=(OPTIONAL_FIELDS, ()))
