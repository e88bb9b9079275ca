"""Results of files and of other tools."""

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from attncli.api.mechanism import expect_part
from attncli.api.several import Results
from attncli.checks.arguments import count_of, flag_of, path_of, text_of, texts_of
from attncli.errors import AttnError, DataError
from attncli.results.result import AttentionResult

if TYPE_CHECKING:
    from attncli.insight.chosen_part import Part
    from attncli.matrices.outputs import Which


def view(
    path: str | PathLike[str],
    *,
    tokens: Sequence[str] | None = None,
    scores: bool = False,
    array: str | None = None,
    index: int | None = None,
    part: "Part | None" = None,
) -> Results:
    """What `attn view` draws of a file: our results, or weights of another tool.

    `tokens` name the tokens of weights; with `scores` the numbers are scores before the softmax;
    `array` names one array of several; `index` is the one result to read, 0 the first; `part`
    chooses layers, heads and tokens.
    Raises: InputError, DataError, LimitError, RefusedError; UsageError for an `array`, `index` or
    `part` that is not there.
    """
    from attncli.matrices.reading import open_matrix_file, read_results

    file, results = path_of(path), Results()
    names = None if tokens is None else texts_of(tokens, "tokens")
    array = None if array is None else text_of(array, "array")
    place = None if index is None else count_of(index, "index", 0)
    expect_part(part)
    with open_matrix_file(file) as stream:
        for outcome in read_results(
            stream, file, tokens=names, scores=flag_of(scores, "scores"), member=array, index=place
        ):
            if isinstance(outcome, AttnError):
                raise outcome
            results.append(outcome if part is None else part.of(outcome))
    return results


def read(path: str | PathLike[str]) -> Results:
    """The results of a file: our records, or weights of another tool; `view` has choices.

    Raises: InputError, DataError, LimitError, RefusedError.
    """
    return view(path)


def from_attentions(
    attentions: Any,
    tokens: Any = None,
    *,
    scores: bool = False,
    which: "Which | None" = None,
    index: int | None = None,
    source_tokens: Any = None,
) -> AttentionResult:
    """The result of attention weights of another tool, to be shown, saved or compared.

    `attentions` is an array of shape (n, n) to (n_layers, n_heads, n, n), one array a layer, or what
    a model of Hugging Face returned under `output_attentions=True`; arrays of every library are
    taken (`__array__`, `__dlpack__`). `tokens` are n texts, or the encoding of a tokenizer, whose
    padding is left out. With `scores` the numbers are scores before the softmax.
    Of an encoder with a decoder, `which` is "encoder", "decoder" or "cross"; `index` is the sentence
    of a batch. Weights of cross-attention (n_q, n_k) make a pair of texts: `source_tokens` are the n_k
    that are looked at, and their own rows are zeros.
    Raises: DataError when they are no weights, or the tokens are of another number; UsageError
    where `which` or `index` has to choose; its kind ArgumentError, a TypeError, for what is no array
    and no list of texts.

    >>> from_attentions([[0.9, 0.1], [0.2, 0.8]], ["money", "bank"]).words
    ['money', 'bank']
    """
    from attncli.matrices.outputs import result_from_outputs

    try:
        return result_from_outputs(
            attentions,
            tokens,
            scores=flag_of(scores, "scores"),
            which=which,
            index=index,
            source_tokens=source_tokens,
        )
    except DataError as error:
        error.place = error.place or "attentions"
        raise
