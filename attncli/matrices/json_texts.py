"""JSON text → records and bare weights: one value, a list of records, or a record a line."""

from collections.abc import Iterator, Sequence
from typing import Any

from attncli.checks.records import json_of
from attncli.errors import DataError

_RESULTS = ("result", "error", "comparison", "pair")


def json_records(data: bytes, name: str) -> Iterator[tuple[Any, str]]:
    """The records of a text, or the weights that it holds, each with its place. Raises: DataError."""
    whole = _json_or_none(data)
    if whole is not None:
        records = whole if isinstance(whole, list) and _all_records(whole) else [whole]
        yield from ((record, name) for record in records if not _is_of_pair(record))
        return
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.strip():
            place = f"{name}:{number}"
            try:
                record = _parsed(line)
            except ValueError as fault:
                raise DataError(f"this is no JSON: {fault}", place=place) from None
            if not _is_of_pair(record):
                yield record, place


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


def _all_records(values: Sequence[Any]) -> bool:
    return bool(values) and all(isinstance(v, dict) and v.get("type") in _RESULTS for v in values)
