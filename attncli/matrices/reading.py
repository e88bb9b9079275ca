"""A file or a stream → results: our own records, or weights of other tools.

The format is recognized by content; the suffix only tells CSV from TSV. Nothing is unpickled.
"""

import io
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TypedDict, Unpack

from attncli.checks.records import json_of
from attncli.errors import (
    AttnError,
    DataError,
    InputError,
    LimitError,
    RefusedError,
    ShapeError,
    UsageError,
    error_of,
    field_name,
)
from attncli.errors.wording import visible
from attncli.files.foreign import Foreign, foreign_file, foreign_of
from attncli.files.writing import reason
from attncli.matrices.build import renamed, result_from_arrays, result_from_record
from attncli.matrices.top import with_weights
from attncli.results.comparison import Comparison, comparison_from_record
from attncli.results.result import AttentionResult

if TYPE_CHECKING:
    from attncli.matrices.texts import GivenNumbers

MAX_BYTES = 2 * 2**30
_MOST_STREAMED = 192 << 20  # bytes of what tells no size: 256 MiB of memory at most
_WEIGHTS = "a result or weights"
_SMALL = 4 << 20  # unpacked sizes below this are no bomb; text takes thirty times as much when read
_HAS_A_DIGIT = 1 << 20  # bytes of weights as text, names of tokens too, that hold a digit
_DIGIT = re.compile(rb"[0-9]")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_RESULTS = ("result", "error", "comparison", "pair")


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
        outcomes = _outcomes(_bytes_of(stream, name), name, names, scores, member, index)
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
    if _looks_json(data):
        if member is not None:
            raise UsageError(
                "found JSON, expected a file of several arrays", place=field_name("array")
            )
        return islice(_json_results(data, name, tokens, scores), *_span(index))
    givens = _givens(data, name, member)
    return (_named(given, name, tokens, scores) for given in givens[slice(*_span(index))])


def _bytes_of(stream: BinaryIO, name: str) -> bytes:
    """All bytes of a file, unpacked; one that cannot be a result is refused by its first bytes.

    Raises: DataError, LimitError, MissingExtraError.
    """
    from attncli.files.limits import Limits
    from attncli.files.stream import PIECE, ByteStream
    from attncli.files.unpacked_stream import packing_of, unpacked

    head = stream.read(PIECE)
    if packing_of(head[:6]) is None:
        _expect_known(head, name)
        data = head
        if len(head) == PIECE and _has_an_end(stream):
            data += stream.read(MAX_BYTES + 1 - len(head))
        elif len(head) == PIECE:
            data = _streamed(stream, head, PIECE)
    else:
        first = [head]
        packed = ByteStream(name, lambda: first.pop() if first else stream.read(PIECE))
        pieces, size, bytes_in = [], 0, unpacked(packed, Limits(small=_SMALL))
        while size <= MAX_BYTES and (piece := bytes_in.take()):
            pieces.append(piece)
            size += len(piece)
        data = b"".join(pieces)
    if len(data) > MAX_BYTES:
        raise LimitError(f"more than {MAX_BYTES} bytes")
    return _utf8_of_utf16(data) if data.startswith(_UTF16) else data


def _has_an_end(stream: BinaryIO) -> bool:
    """Whether these are bytes in memory or of a regular file, not of a pipe or a device."""
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, AttributeError):
        return True


def _streamed(stream: BinaryIO, head: bytes, at_once: int) -> bytes:
    """All bytes of a stream that may have no end. Raises: LimitError."""
    pieces, size = [head], len(head)
    while size <= _MOST_STREAMED and (piece := stream.read(at_once)):
        pieces.append(piece)
        size += len(piece)
    if size > _MOST_STREAMED:
        raise LimitError(
            f"more than {_MOST_STREAMED >> 20} MiB come from a pipe, and perhaps without an end",
            hints=("save them as a file, then attn view FILE",),
        )
    return b"".join(pieces)


def _utf8_of_utf16(data: bytes) -> bytes:
    """Text with a mark of UTF-16, as PowerShell redirects it, as UTF-8. Raises: DataError."""
    try:
        return data.decode("utf-16").encode()
    except UnicodeError:
        raise DataError("this is neither UTF-8 nor whole UTF-16") from None


def _expect_known(head: bytes, name: str) -> None:
    """Raises: DataError, RefusedError when bytes that begin so are neither arrays nor text."""
    if head.startswith((b"PAR1", b"ARROW1", b"PK", b"\x93NUMPY")) or head[8:9] == b"{":
        return
    if head.startswith(b"\x80"):
        from attncli.matrices.archives import torch_hints

        raise RefusedError("this is a pickle: reading it could run code", hints=torch_hints())
    _expect_no_foreign(head, name)
    if b"\0" in head[:4] and not head.startswith(_UTF16):
        raise DataError("found bytes of no known format, expected a result or weights")
    if len(head) >= _HAS_A_DIGIT and not _looks_json(head) and not _DIGIT.search(head):
        raise DataError("found text that begins without a number, expected a result or weights")


def _expect_no_foreign(head: bytes, name: str) -> None:
    """Raises: DataError for a file that no command reads, with what to do about it."""
    foreign = foreign_of(head)
    if foreign is not None:
        raise foreign_file(foreign, name, _WEIGHTS)


def _expect_arrays(data: bytes, name: str) -> None:
    """Raises: DataError for a zip archive that is a document, or holds other files than arrays."""
    from attncli.files.archive import checked_archive
    from attncli.files.zipped import check_document

    if data.startswith(b"PK\x05\x06"):
        _expect_no_foreign(data, name)
    archive = checked_archive(io.BytesIO(data), "the archive")
    check_document(archive, name, _WEIGHTS)
    if not any(member.endswith((".npy", "data.pkl")) for member in archive.namelist()):
        raise foreign_file(Foreign("a zip archive of other files", "unzip FILE"), name, _WEIGHTS)


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


def open_matrix_file(path: str) -> BinaryIO:
    """The file opened for reading. Raises: InputError."""
    try:
        return open(path, "rb")  # noqa: PTH123  # FIFOs too; the caller closes it
    except ValueError:
        raise InputError("cannot open: not a possible file name", place=visible(path)) from None
    except OSError as fault:
        raise InputError(f"cannot open: {reason(fault)}", place=visible(path)[:200]) from None


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


def _looks_json(data: bytes) -> bool:
    return data[:64].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


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
    _expect_no_foreign(data[:4096], name)
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


def _json_results(
    data: bytes, name: str, tokens: GivenNames | None, scores: bool
) -> Iterator[AttentionResult | Comparison | AttnError]:
    whole = _json_or_none(data)
    if whole is not None:
        records = whole if isinstance(whole, list) and _all_records(whole) else [whole]
        for record in records:
            if not _is_of_pair(record):
                yield _json_result(record, name, tokens, scores)
        return
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.strip():
            try:
                record = _parsed(line)
            except ValueError as fault:
                raise DataError(f"this is no JSON: {fault}", place=f"{name}:{number}") from None
            if not _is_of_pair(record):
                yield _json_result(record, f"{name}:{number}", tokens, scores)


def _json_or_none(data: bytes) -> Any:
    """The value of a document that is one JSON value, else None."""
    lines = data.count(b"\n")
    try:
        return _parsed(data)
    except ValueError:
        if lines <= 1 or not data.lstrip().startswith(b"{"):
            raise DataError("this is no JSON, although it begins like it") from None
        return None


def _parsed(data: bytes) -> Any:
    if len(data) >= 20_000:
        import orjson

        try:
            return orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
        except ValueError:
            if b"\\ud" not in data:  # else perhaps half of a surrogate pair, which json reads
                raise
    return json_of(data.decode("utf-8-sig"))


def _is_of_pair(record: Any) -> bool:
    """Whether a record says what a model thinks of two sentences, whose results stand before it."""
    return isinstance(record, dict) and record.get("type") == "pair" and "said" in record


def _record_place(name: str, record: Mapping[str, Any]) -> str:
    """The place of a record in a file without lines: its number, 0 the first, as `index` has it."""
    return f"{name}, record {index}" if isinstance(index := record.get("index"), int) else name


def _all_records(values: Sequence[Any]) -> bool:
    return bool(values) and all(isinstance(v, dict) and v.get("type") in _RESULTS for v in values)


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
