"""Results of files and of other tools."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, Unpack

from attncli.api.mechanism import expect_part
from attncli.api.several import Results
from attncli.checks.arguments import count_of, flag_of, path_of, text_of, texts_of
from attncli.errors import (
    AttnError,
    DataError,
    EmptyError,
    InputError,
    LimitError,
    UsageError,
    field_name,
)
from attncli.errors.wording import visible
from attncli.results.result import AttentionResult

if TYPE_CHECKING:
    from attncli.insight.chosen_part import Part
    from attncli.matrices.reading import SavedChoices
    from attncli.results.comparison import Comparison
    from attncli.settings import Which

Stdin: TypeAlias = Callable[[], BinaryIO]
_NAME, _MOST_NAMES = 64, 64 << 20  # bytes of memory that a name takes beside its letters; of all


def view(
    path: str | PathLike[str],
    *,
    tokens: Sequence[str] | None = None,
    pair: Sequence[str] | None = None,
    scores: bool = False,
    array: str | None = None,
    index: int | None = None,
    part: "Part | None" = None,
) -> Results:
    """What `attn view` draws of a file: our results, or weights of another tool.

    `tokens` name the tokens of weights, `pair` those of a second sentence, or of the columns where
    these are another text's; with `scores` the numbers are scores before the softmax;
    `array` names one array of several; `index` is the one result to read, 0 the first; `part`
    chooses layers, heads and tokens.
    Raises: InputError, DataError, LimitError, RefusedError; UsageError for an `array`, `index` or
    `part` that is not there.
    """
    file, results = path_of(path), Results()
    names = None if tokens is None else texts_of(tokens, "tokens")
    array = None if array is None else text_of(array, "array")
    place = None if index is None else count_of(index, "index", 0)
    expect_part(part)
    others = None if pair is None else texts_of(pair, "pair")
    if others is not None and names is None:
        raise UsageError("found no tokens, expected both", place="pair")
    weights = flag_of(scores, "scores")
    for outcome in results_in(
        file, tokens=names, pair=others, scores=weights, member=array, index=place
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


def held_in(
    path: str, stdin: Stdin | None = None, **choices: "Unpack[SavedChoices]"
) -> "Iterator[AttentionResult | Comparison | AttnError]":
    """What a file holds, one by one: results, comparisons, and an error for a sentence that failed.

    With `stdin` the path "-" is standard input. The choices are those of `view`, whose `array` is
    the `member`. Raises: as `view`.
    """
    from attncli.matrices.reading import read_saved

    with _opened(path, stdin) as (stream, name):
        yield from read_saved(stream, name, **choices)


def results_in(
    path: str, stdin: Stdin | None = None, **choices: "Unpack[SavedChoices]"
) -> Iterator[AttentionResult | AttnError]:
    """`held_in` where only results will do. Raises: DataError for a comparison; as `view`."""
    from attncli.matrices.reading import read_results

    with _opened(path, stdin) as (stream, name):
        yield from read_results(stream, name, **choices)


@contextmanager
def _opened(path: str, stdin: Stdin | None) -> Iterator[tuple[BinaryIO, str]]:
    """A file that is read, and its name in messages. Raises: InputError."""
    from attncli.matrices.whole_bytes import open_matrix_file

    if path == "-" and stdin is not None:
        yield stdin(), "<stdin>"
        return
    with open_matrix_file(path) as stream:
        yield stream, visible(path)


def token_names(
    tokens: str | None, pair: str | None = None
) -> tuple[list[str] | None, list[str] | None]:
    """The names of the tokens of a sentence, and those of a `pair` of it, or of columns.

    Each is "a b c", or @FILE with one a line.

    Raises: UsageError for the second of a pair alone; InputError, LimitError, DataError, EmptyError
    for the file.
    """
    if tokens is None:
        if pair is not None:
            raise UsageError(
                f"found no {field_name('tokens')}, expected both", place=field_name("pair")
            )
        return None, None
    return _token_list(tokens, "tokens"), None if pair is None else _token_list(pair, "pair")


def _token_list(given: str, field: str) -> list[str]:
    if not given.startswith("@") or given == "@":
        return [name for name in given.split(" ") if name]
    from attncli.files.rows.lines import all_lines
    from attncli.files.rows.sentences import decoded
    from attncli.files.writing import reason
    from attncli.matrices.whole_bytes import open_matrix_file

    path = given[1:]
    names, size = [], 0
    try:
        with open_matrix_file(path) as stream:
            lines = all_lines(iter(lambda: stream.read(1 << 18), b""), path)
            for number, raw in enumerate(lines, start=1):
                names.append(decoded(raw, f"{path}:{number}"))
                size += len(raw) + _NAME
                if size > _MOST_NAMES:
                    raise LimitError(
                        f"more than {number:,} names of tokens", place=visible(path)[:200]
                    )
    except OSError as fault:
        raise InputError(f"cannot read: {reason(fault)}", place=visible(path)[:200]) from None
    while names and not names[-1]:
        names.pop()
    if not names:
        raise EmptyError("the file holds no token", place=field_name(field))
    return names


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
    of a batch. Of cross-attention (n_q, n_k) `source_tokens` are the n_k tokens that are looked at.
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
