"""A file or a stream → results: our own records, or weights of other tools.

The format is recognized by content; the suffix only tells CSV from TSV. Nothing is unpickled.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TypedDict, Unpack

from attncli.errors import (
    AttnError,
    DataError,
    LimitError,
    RefusedError,
    ShapeError,
    UsageError,
    error_of,
    field_name,
)
from attncli.files.foreign import Foreign, foreign_file
from attncli.files.writing import reason
from attncli.matrices.build import renamed, result_from_arrays, result_from_record
from attncli.matrices.json_texts import json_records
from attncli.matrices.top import with_weights
from attncli.matrices.whole_bytes import WANTED, expect_no_foreign, looks_json, whole_bytes
from attncli.results.comparison import Comparison, comparison_from_record
from attncli.results.result import AttentionResult

if TYPE_CHECKING:
    from attncli.matrices.texts import GivenNumbers


class GivenNames(NamedTuple):
    """The names that are given to the tokens of a sentence, and of a second one or of columns."""

    tokens: Sequence[str]
    pair: Sequence[str] | None = None

    def of(self, shape: Sequence[int]) -> tuple[Sequence[str], Sequence[str] | None]:
        """The names of rows, and of columns where they are others, of weights of this shape.

        Of two sentences that were read as one, the tokens of both follow each other.
        """
        if self.pair is None:
            return self.tokens, None
        every = [*self.tokens, *self.pair]
        is_one = len(shape) > 1 and shape[-1] == shape[-2] == len(every)
        return (every, None) if is_one else (self.tokens, self.pair)


class SavedChoices(TypedDict, total=False):
    """What can be said of a file that is read, as `read_saved` takes it."""

    tokens: Sequence[str] | None
    pair: Sequence[str] | None
    scores: bool
    member: str | None
    index: int | None


def read_saved(
    stream: BinaryIO,
    name: str,
    *,
    tokens: Sequence[str] | None = None,
    pair: Sequence[str] | None = None,
    scores: bool = False,
    member: str | None = None,
    index: int | None = None,
) -> Iterator[AttentionResult | Comparison | AttnError]:
    """The results and comparisons of a file; a sentence that failed is a DataError of its own.

    `index` chooses one of them, counted from 0. `tokens` name the tokens of weights, also in the
    place of names that they have; with `pair` those of a second sentence, or of the columns, where
    these are the tokens of another text; `member` names an array of a .npz or
    safetensors file that holds several; `scores` says that the numbers are scores.
    Raises: DataError, LimitError, RefusedError.
    """
    try:
        names = None if tokens is None else GivenNames(tokens, pair)
        outcomes = _outcomes(whole_bytes(stream, name), name, names, scores, member, index)
        count = 0
        for count, outcome in enumerate(outcomes, start=1):  # noqa: B007 - counted
            yield outcome
        if index is not None and not count:
            raise UsageError(
                f"found {index}, the file holds fewer results", place=field_name("index")
            )
    except ShapeError as error:
        raise DataError(error.message, place=error.place or name) from None
    except AttnError as error:
        if error.place is None:
            error.place = name
        if isinstance(error, RefusedError) and not set("'\"\\$`") & set(name):
            from attncli.matrices.archives import TORCH_FILE

            error.hints = tuple(hint.replace(TORCH_FILE, name) for hint in error.hints)
        raise
    except OSError as fault:
        raise DataError(f"cannot read: {reason(fault)}", place=name) from None
    except MemoryError:
        raise LimitError("the file needs more memory than there is", place=name) from None
    except Exception as fault:  # what a library says of damaged bytes is no fault of ours
        raise DataError(f"cannot be read ({type(fault).__name__})", place=name) from fault


def _outcomes(
    data: bytes,
    name: str,
    tokens: GivenNames | None,
    scores: bool,
    member: str | None,
    index: int | None,
) -> Iterator[AttentionResult | Comparison | AttnError]:
    records = _batched(data, index)
    if records is not None:
        return (_json_result(r, _record_place(name, r), tokens, scores) for r in records)
    if looks_json(data):
        if member is not None:
            raise UsageError(
                "found JSON, expected a file of several arrays", place=field_name("array")
            )
        said = json_records(data, name)
        read = (_json_result(record, place, tokens, scores) for record, place in said)
        return islice(read, *_span(index))
    givens = _givens(data, name, member)
    return (_named(given, name, tokens, scores) for given in givens[slice(*_span(index))])


def _expect_arrays(data: bytes, name: str) -> None:
    """Raises: DataError for a zip archive that is a document, or holds other files than arrays."""
    from attncli.files.archive import checked_archive
    from attncli.files.zipped import check_document

    if data.startswith(b"PK\x05\x06"):
        expect_no_foreign(data, name)
    archive = checked_archive(io.BytesIO(data), "the archive")
    check_document(archive, name, WANTED)
    if not any(member.endswith((".npy", "data.pkl")) for member in archive.namelist()):
        raise foreign_file(Foreign("a zip archive of other files", "unzip FILE"), name, WANTED)


def _span(index: int | None) -> tuple[int, int | None]:
    return (0, None) if index is None else (index, index + 1)


def _batched(data: bytes, index: int | None) -> Iterator[dict[str, Any]] | None:
    """The records of a file that batch wrote in another format than JSON, else None."""
    if data.startswith((b"PAR1", b"ARROW1")):
        from attncli.matrices.tables import table_records

        return table_records(data, index)
    if data.startswith(b"PK") and b"tokens_utf8.npy" in data:
        from attncli.matrices.archives import arrays_of
        from attncli.matrices.batched import is_batched_npz, npz_records

        held = arrays_of(data)
        return npz_records(held, index) if is_batched_npz(held) else None
    if data.startswith(b"line,head,query,key,"):
        from attncli.matrices.long_csv import csv_records

        return csv_records(_text(data), index)
    return None


def read_results(
    stream: BinaryIO, name: str, **choices: Unpack[SavedChoices]
) -> Iterator[AttentionResult | AttnError]:
    """`read_saved` where only results will do. Raises: DataError for a comparison."""
    for outcome in read_saved(stream, name, **choices):
        if isinstance(outcome, Comparison):
            raise DataError("found a comparison, expected a result", place=name)
        yield outcome


def _named(
    given: "GivenNumbers | AttentionResult", name: str, names: GivenNames | None, scores: bool
) -> AttentionResult:
    if isinstance(given, AttentionResult):
        if scores:
            raise UsageError(
                "found a record of weights, expected scores alone", place=field_name("scores")
            )
        return given if names is None else renamed(given, *names)
    tokens, keys = (given.tokens, given.keys) if names is None else names.of(given.array.shape)
    if keys is None and names is not None and names.pair is None:
        keys = given.keys  # the rows alone have other names
    result = result_from_arrays(given.array, tokens, keys, scores=scores, name=name)
    return replace(result, selection=given.selection) if given.selection else result


def _givens(data: bytes, name: str, member: str | None) -> "list[GivenNumbers | AttentionResult]":
    from attncli.matrices import archives
    from attncli.matrices.texts import GivenNumbers, csv_weights

    if data.startswith(b"\x93NUMPY"):
        return [GivenNumbers(archives.npy_array(data))]
    if data.startswith(b"PK"):
        _expect_arrays(data, name)
        return archives.npz_givens(data, member)
    if data[8:9] == b"{" and int.from_bytes(data[:8], "little") < len(data):
        return [archives.chosen_given(archives.safetensors_arrays(data), member)]
    expect_no_foreign(data[:4096], name)
    text = _text(data)
    if not text.strip():
        raise DataError("the file is empty, expected weights")
    if text.lstrip()[:1] == "<":
        raise DataError("this is a web page or XML, expected weights")
    return list(csv_weights(text, name, "\t" if name.endswith(".tsv") else None))


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise DataError(f"byte {fault.start} is not UTF-8, and no known format begins so") from None


def _record_place(name: str, record: Mapping[str, Any]) -> str:
    """The place of a record in a file without lines: its number, 0 the first, as `index` has it."""
    return f"{name}, record {index}" if isinstance(index := record.get("index"), int) else name


def _json_result(
    record: Any, place: str, tokens: GivenNames | None, scores: bool
) -> AttentionResult | Comparison | AttnError:
    try:
        if isinstance(record, dict) and record.get("type") == "comparison":
            return comparison_from_record(record)
        if isinstance(record, dict) and record.get("type") == "error":
            kind = error_of(str(record.get("code")))
            return kind(f"this sentence failed: {record.get('message')}", place=place)
        if isinstance(record, dict) and record.get("type") == "result":
            return _named(result_from_record(with_weights(record)), place, tokens, scores)
        from attncli.matrices.texts import json_weights

        return _named(json_weights(record), place, tokens, scores)
    except AttnError as error:
        if error.place is None:
            error.place = place
        raise
