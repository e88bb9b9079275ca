"""A file or a stream → results: our own records, or weights of other tools.

The format is recognised by content; the suffix only tells CSV from TSV. Nothing is unpickled.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO

from attncli.errors import AttnError, DataError, InputError, LimitError, RefusedError, UsageError
from attncli.escape import visible
from attncli.insight.comparison import Comparison, comparison_from_record
from attncli.matrices.archives import (
    arrays_of,
    chosen_array,
    npy_array,
    npz_givens,
    safetensors_arrays,
)
from attncli.matrices.batched import (
    CSV_HEAD,
    csv_records,
    is_batched_npz,
    npz_records,
    table_records,
    with_weights,
)
from attncli.matrices.build import renamed, result_from_arrays, result_from_record
from attncli.matrices.texts import Given, csv_weights, json_weights
from attncli.result import AttentionResult

MAX_BYTES = 2 * 2**30
_RESULTS = ("result", "error", "comparison")


def read_saved(
    stream: BinaryIO,
    name: str,
    *,
    tokens: Sequence[str] | None = None,
    scores: bool = False,
    member: str | None = None,
    index: int | None = None,
) -> Iterator[AttentionResult | Comparison | AttnError]:
    """The results and comparisons of a file; a sentence that failed is a DataError of its own.

    `index` chooses one of them, counted from 0. `tokens` name the tokens of weights, also in the
    place of names that they have; `member` names an array of a .npz or
    safetensors file that holds several; `scores` says that the numbers are scores.
    Raises: DataError, LimitError, RefusedError.
    """
    data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise LimitError(f"more than {MAX_BYTES} bytes", place=name)
    try:
        records = _batched(data, index)
        found: Iterator[AttentionResult | Comparison | AttnError]
        if records is not None:
            found = (_json_result(record, name, tokens, scores) for record in records)
        elif _looks_json(data):
            if member is not None:
                raise UsageError("found JSON, expected a file of several arrays", place="--array")
            found = islice(_json_results(data, name, tokens, scores), *_span(index))
        else:
            givens = _givens(data, name, member)
            found = (_named(given, name, tokens, scores) for given in givens[slice(*_span(index))])
        count = 0
        for count, outcome in enumerate(found, start=1):  # noqa: B007 - counted
            yield outcome
        if index is not None and not count:
            raise UsageError(f"found {index}, the file holds fewer results", place="--index")
    except AttnError as error:
        if error.place is None:
            error.place = name
        raise


def _span(index: int | None) -> tuple[int, int | None]:
    return (0, None) if index is None else (index, index + 1)


def _batched(data: bytes, index: int | None) -> Iterator[dict[str, Any]] | None:
    """The records of a file that batch wrote in another format than JSON, else None."""
    if data.startswith((b"PAR1", b"ARROW1")):
        return table_records(data, index)
    if data.startswith(b"PK") and b"tokens_utf8.npy" in data:
        held = arrays_of(data)
        return npz_records(held, index) if is_batched_npz(held) else None
    if data.startswith(",".join(CSV_HEAD).encode()):
        return csv_records(_text(data), index)
    return None


def read_results(
    stream: BinaryIO,
    name: str,
    *,
    tokens: Sequence[str] | None = None,
    scores: bool = False,
    member: str | None = None,
) -> Iterator[AttentionResult | AttnError]:
    """`read_saved` where only results will do. Raises: DataError for a comparison."""
    for found in read_saved(stream, name, tokens=tokens, scores=scores, member=member):
        if isinstance(found, Comparison):
            raise DataError("found a comparison, expected a result", place=name)
        yield found


def open_file(path: str) -> BinaryIO:
    """The file opened for reading. Raises: InputError."""
    try:
        return open(path, "rb")  # noqa: PTH123  # FIFOs too; the caller closes it
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        raise InputError(f"cannot open: {reason}", place=visible(path)[:200]) from None


def _named(
    given: "Given | AttentionResult", name: str, tokens: Sequence[str] | None, scores: bool
) -> AttentionResult:
    if isinstance(given, AttentionResult):
        if scores:
            raise UsageError("found a record of weights, expected scores alone", place="--scores")
        return given if tokens is None else renamed(given, tokens)
    names = given.tokens if tokens is None else tokens
    return result_from_arrays(given.array, names, scores=scores, name=name)


def _looks_json(data: bytes) -> bool:
    return data[:64].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def _givens(data: bytes, name: str, member: str | None) -> "list[Given | AttentionResult]":
    if data.startswith(b"\x93NUMPY"):
        return [Given(npy_array(data))]
    if data.startswith(b"PK"):
        return npz_givens(data, member)
    if data[8:9] == b"{" and int.from_bytes(data[:8], "little") < len(data):
        return [Given(chosen_array(safetensors_arrays(data), member))]
    if data.startswith((b"\x80", b"\x1f\x8b", b"BZh")):
        raise _refused(data)
    text = _text(data)
    if not text.strip():
        raise DataError("the file is empty, expected weights")
    if text.lstrip()[:1] == "<":
        raise DataError("this is a web page or XML, expected weights")
    return list(csv_weights(text, name, "\t" if name.endswith(".tsv") else None))


def _refused(data: bytes) -> AttnError:
    if data.startswith(b"\x80"):
        return RefusedError(
            "this is a pickle: reading it could run code",
            hints=("save the arrays with numpy.savez or safetensors instead",),
        )
    return DataError(
        "this file is compressed, expected it unpacked",
        hints=("gzip -dc FILE.gz | attn view -",),
    )


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise DataError(f"byte {fault.start} is not UTF-8, and no known format begins so") from None


def _json_results(
    data: bytes, name: str, tokens: Sequence[str] | None, scores: bool
) -> Iterator[AttentionResult | Comparison | AttnError]:
    whole = _json_or_none(data)
    if whole is not None:
        records = whole if isinstance(whole, list) and _all_records(whole) else [whole]
        for record in records:
            yield _json_result(record, name, tokens, scores)
        return
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.strip():
            try:
                record = _parsed(line)
            except ValueError as fault:
                raise DataError(f"this is no JSON: {fault}", place=f"{name}:{number}") from None
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
    if len(data) < 20_000:
        try:
            return json.loads(data.decode("utf-8-sig"), parse_constant=_no_constant)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
    import orjson

    return orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))


def _no_constant(name: str) -> float:
    raise ValueError(f"found {name}, expected a finite number")


def _all_records(values: Sequence[Any]) -> bool:
    return bool(values) and all(isinstance(v, dict) and v.get("type") in _RESULTS for v in values)


def _json_result(
    record: Any, place: str, tokens: Sequence[str] | None, scores: bool
) -> AttentionResult | Comparison | AttnError:
    try:
        if isinstance(record, dict) and record.get("type") == "comparison":
            return comparison_from_record(record)
        if isinstance(record, dict) and record.get("type") == "error":
            return DataError(f"this sentence failed: {record.get('message')}", place=place)
        if isinstance(record, dict) and record.get("type") == "result":
            return _named(result_from_record(with_weights(record)), place, tokens, scores)
        return _named(json_weights(record), place, tokens, scores)
    except AttnError as error:
        if error.place is None:
            error.place = place
        raise
