"""The functions of `import attncli`: the command's work, from Python."""

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any

from attncli.checks.arguments import flag_of, names_of, one_of_kind, path_of, text_of, unexpected
from attncli.embeddings.protocols import EmbeddingStore
from attncli.errors import AttnError, DataError, EmptyError
from attncli.mechanisms.general import GeneralAnalyser, GeneralSettings
from attncli.reading.contextual import open_vectors
from attncli.reading.reader import ReadingSettings
from attncli.results.result import AttentionResult


def explain(
    text: str,
    *,
    vectors: str | EmbeddingStore = "glove",
    settings: GeneralSettings | None = None,
    reading: ReadingSettings | None = None,
    include: Iterable[str] = ("embeddings",),
) -> AttentionResult:
    """The general attention of one sentence, as `attn explain` computes it.

    `vectors` is a name, a path or an opened store; `include` names optional fields of the result to
    fill (embeddings, query, key, value, scores, measures).
    Raises: ArgumentError for a value of another kind; EmptyError, LimitError, UnknownWordError,
    UsageError, NumericError.

    >>> explain("river bank flows").words
    ['river', 'bank', 'flows']
    """
    sentence = text_of(text, "text", "one text; each text is a call of its own")
    names = names_of(include, "include")
    reading = ReadingSettings() if reading is None else reading
    settings = GeneralSettings() if settings is None else settings
    one_of_kind(reading, "reading", ReadingSettings, "ReadingSettings")
    one_of_kind(settings, "settings", GeneralSettings, "GeneralSettings")
    if isinstance(vectors, str | PathLike):
        store = open_vectors(path_of(vectors, "vectors"))
    else:
        store = _store(vectors)
    return next(iter(GeneralAnalyser(store, reading, settings, include=names)([sentence])))


def from_attentions(
    attentions: Any, tokens: Sequence[str] | None = None, *, scores: bool = False
) -> AttentionResult:
    """The result of attention weights of another tool, to be shown, saved or compared.

    `attentions` is an array of shape (n, n) to (n_layers, n_heads, n, n), or one array a layer, as
    `output_attentions=True` of Hugging Face gives; PyTorch tensors are taken as they are. With
    `scores` the numbers are scores before the softmax.
    Raises: DataError when they are no weights, or the tokens are of another number; its kind
    ArgumentError, a TypeError, for what is no array and no list of texts.

    >>> from_attentions([[0.9, 0.1], [0.2, 0.8]], ["money", "bank"]).words
    ['money', 'bank']
    """
    from attncli.matrices.build import result_from_arrays

    try:
        return result_from_arrays(attentions, tokens, scores=flag_of(scores, "scores"))
    except DataError as error:  # its place is an option of the command
        error.place = (error.place or "attentions").removeprefix("--")
        raise


def read(path: str | PathLike[str]) -> list[AttentionResult]:
    """The results of a file: our records, or weights of another tool (see `attn view`).

    Raises: InputError, DataError, LimitError, RefusedError.
    """
    from attncli.matrices.reading import open_file, read_results

    file, results = path_of(path), list[AttentionResult]()
    with open_file(file) as stream:
        for outcome in read_results(stream, file):
            if isinstance(outcome, AttnError):
                raise outcome
            results.append(outcome)
    return results


def save(results: AttentionResult | Sequence[AttentionResult], path: str | PathLike[str]) -> None:
    """Writes one result or several in the format of the suffix, as `attn explain -o` does.

    html, svg, png, pdf, json, jsonl, npz, csv, tsv, md or tex; JSON holds every field of the result.
    Raises: UsageError for another suffix, MissingExtraError, OutputError.
    """
    from attncli.results.result import OPTIONAL_FIELDS
    from attncli.views.files import write_results

    file = path_of(path)
    write_results(file, _several(results), fields=(OPTIONAL_FIELDS, ()))


def _store(vectors: Any) -> EmbeddingStore:
    """A store, as far as its methods show. Raises: ArgumentError."""
    parts = ("name", "dim", "words", "sha256", "row", "has_word", "vectors")
    if isinstance(vectors, type) or not all(hasattr(vectors, part) for part in parts):
        raise unexpected(vectors, "vectors", "a name, a path or a store of open_vectors")
    return vectors  # type: ignore[no-any-return]  # looked at above


def _several(results: Any) -> list[AttentionResult]:
    """One result or several as a list. Raises: ArgumentError, EmptyError."""
    if isinstance(results, AttentionResult):
        return [results]
    expected = "a result, or a list of results (AttentionResult.from_dict makes one of a record)"
    given = isinstance(results, Iterable) and not hasattr(results, "shape")
    if not given or isinstance(results, str | bytes | Mapping):
        raise unexpected(results, "results", expected)
    several = list(results)
    for place, result in enumerate(several):
        one_of_kind(result, f"results[{place}]", AttentionResult, expected)
    if not several:
        raise EmptyError("found no result, expected at least one", place="results")
    return several
