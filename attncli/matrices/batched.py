"""What `attn batch` wrote as npz, Parquet, Arrow or CSV → the records of its sentences, one by one.

A sentence that failed gives the record of its error. With --top only the strongest keys of a row
are there; the others count as zero.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from attncli.arrays import AnyArray, FloatArray
from attncli.errors import DataError, MissingExtraError
from attncli.result import OPTIONAL_ARRAYS, SCHEMA_VERSION

CSV_HEAD = ("line", "head", "query", "key", "weight", "layer", "query_word", "key_word", "error")
_ARRAYS = ("weights", "contextual", *OPTIONAL_ARRAYS)


def is_batched_npz(held: Mapping[str, AnyArray]) -> bool:
    """Whether the arrays of an archive are those that batch writes."""
    return {"layout", "n_tokens", "tokens_utf8", "tokens_bytes"} <= set(held)


def npz_records(held: Mapping[str, AnyArray], index: int | None = None) -> Iterator[dict[str, Any]]:
    """The records of flat arrays, or that of `index` alone. Raises: DataError."""
    try:
        yield from _npz_records(held, index)
    except (KeyError, ValueError, TypeError, IndexError, UnicodeDecodeError):
        raise DataError("the arrays contradict each other; the file is damaged") from None


def _npz_records(held: Mapping[str, AnyArray], index: int | None) -> Iterator[dict[str, Any]]:
    counts = held["n_tokens"].astype(np.int64)  # (n_records,)
    shapes = json.loads(held["layout"].astype(np.uint8).tobytes())
    words = _Texts(held, "tokens")
    texts, errors, labels = (_Texts(held, name) for name in ("text", "error", "label"))
    before = np.concatenate([[0], np.cumsum(counts)])  # tokens of the records before each
    names = [name for name in _ARRAYS if name in held and name in shapes]
    sizes = {name: np.array([_size(shapes[name], int(n)) for n in counts]) for name in names}
    starts = {name: np.concatenate([[0], np.cumsum(sizes[name])]) for name in names}
    for at in range(len(counts)) if index is None else [index][: index < len(counts)]:
        n_tokens, place = int(counts[at]), {"index": at, "line": int(held["line"][at])}
        if not n_tokens:
            yield _failed(errors[at], place)
            continue
        span = slice(int(before[at]), int(before[at]) + n_tokens)
        record = _record(words[span], texts[at], labels[at]) | place
        for name in names:
            cut = slice(int(starts[name][at]), int(starts[name][at + 1]))
            array = held[name][cut].reshape(_shape(shapes[name], n_tokens))
            if name == "weights" and "keys" in held:
                keys = held["keys"][cut].reshape(array.shape)
                array = _spread(keys, array, n_tokens)
            record[name] = array
        yield record


def table_records(data: bytes, index: int | None = None) -> Iterator[dict[str, Any]]:
    """The records of a Parquet or Arrow file. Raises: MissingExtraError, DataError."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise MissingExtraError.of("pyarrow", "parquet", "reading Parquet and Arrow") from None
    source = pyarrow.BufferReader(data)
    try:
        if data.startswith(b"PAR1"):
            table = parquet.read_table(source)
        else:
            table = pyarrow.ipc.open_file(source).read_all()
    except (pyarrow.ArrowException, OSError, ValueError) as fault:
        raise DataError(f"the table cannot be read: {str(fault)[:120]}") from None
    if not {"weights", "type"} <= set(table.column_names):
        raise DataError("found a table without the columns type and weights of attn batch")
    wanted = range(table.num_rows) if index is None else [index][: index < table.num_rows]
    for at in wanted:
        (row,) = table.slice(at, 1).to_pylist()
        yield _of_row(row)


def csv_records(text: str, index: int | None = None) -> Iterator[dict[str, Any]]:
    """The records of long CSV, a line a weight. Raises: DataError."""
    lines = csv.DictReader(io.StringIO(text))
    grouped = groupby(lines, key=lambda row: (row["line"], row.get("file")))
    for at, ((line, _), group) in enumerate(grouped):
        rows = list(group)
        if index is not None and at != index:
            continue
        place = {"index": at, "line": int(line) if line.isdecimal() else None}
        if rows[0]["error"]:
            yield _failed(rows[0]["error"], place)
            continue
        try:
            yield _of_lines(rows) | place
        except (ValueError, TypeError, KeyError, IndexError):
            raise DataError(f"the rows of line {line[:20]} are not those of a matrix") from None


def with_weights(record: dict[str, Any]) -> dict[str, Any]:
    """A record whose strongest keys alone were kept ("top"), with weights; others as they are."""
    if "weights" in record or not isinstance(record.get("top"), dict):
        return record
    try:
        keys, kept = (np.array(record["top"][name]) for name in ("keys", "weights"))
        return record | {"weights": _spread(keys, kept, keys.shape[-2])}
    except (KeyError, ValueError, TypeError, IndexError):
        raise DataError("the record's top is not keys and weights of four axes") from None


class _Texts:
    """Texts of one kind: their bytes behind each other, and each one's number of bytes."""

    def __init__(self, held: Mapping[str, AnyArray], name: str) -> None:
        self._bytes = held[f"{name}_utf8"].astype(np.uint8).tobytes()
        self._ends = np.concatenate([[0], np.cumsum(held[f"{name}_bytes"].astype(np.int64))])

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [self[i] for i in range(at.start, at.stop)]
        return self._bytes[self._ends[at] : self._ends[at + 1]].decode("utf-8", "surrogateescape")


def _shape(listed: Sequence[Any], n_tokens: int) -> tuple[int, ...]:
    """The shape of a record's share: "n" is its number of tokens, [K] at most that many."""
    sizes = [n_tokens if size == "n" else size for size in listed]
    return tuple(min(size[0], n_tokens) if isinstance(size, list) else int(size) for size in sizes)


def _size(listed: Sequence[Any], n_tokens: int) -> int:
    return int(np.prod(_shape(listed, n_tokens))) if n_tokens else 0


def _spread(keys: AnyArray, kept: FloatArray, n_tokens: int) -> FloatArray:
    """Weights of the kept keys at their places, zeros elsewhere: (…, n_tokens, n_tokens)."""
    weights = np.zeros((*kept.shape[:-1], n_tokens), dtype=np.float32)
    np.put_along_axis(weights, keys.astype(np.intp), kept.astype(np.float32), axis=-1)
    return weights


def _record(words: Sequence[str], text: str, label: str) -> dict[str, Any]:
    model = {"name": "of the batch", "label": label} if label else None
    return {
        "type": "result",
        "schema": SCHEMA_VERSION,
        "text": text,
        "tokens": _placed(words, text),
        "model": model,
        "vectors": {"name": "attn batch", "dim": 0},
    }


def _placed(words: Sequence[str], text: str) -> list[dict[str, Any]]:
    """Tokens with their places in the text, where they are found one behind the other."""
    tokens, end = [], 0
    for word in words:
        start = text.find(word, end)
        start, end = (end, end) if start < 0 else (start, start + len(word))
        tokens.append({"text": word, "start": start, "end": end, "key": word, "status": "given"})
    return tokens


def _failed(message: str, place: Mapping[str, Any]) -> dict[str, Any]:
    code, _, said = message.partition(": ")
    return {"type": "error", "code": code, "message": said or message, **place}


def _of_row(row: dict[str, Any]) -> dict[str, Any]:
    if row["type"] == "error":
        return row
    record = {name: value for name, value in row.items() if value is not None}
    if isinstance(record.get("model"), dict):
        model = {name: value for name, value in record["model"].items() if value is not None}
        record["model"] = model | {"probabilities": dict(model.get("probabilities") or ())}
    if isinstance(record.get("measures"), str):
        record["measures"] = json.loads(record["measures"])
    if "keys" in record:
        record["top"] = {"keys": record.pop("keys"), "weights": record.pop("weights")}
    return {"schema": SCHEMA_VERSION, **with_weights(record)}


def _of_lines(rows: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    places = np.array(
        [[int(row[name]) for name in ("layer", "head", "query", "key")] for row in rows]
    )  # (n_rows, 4)
    n_layers, n_heads, n_queries, _ = (places.max(axis=0) + 1).tolist()
    weights = np.zeros((n_layers, n_heads, n_queries, n_queries), dtype=np.float32)
    weights[tuple(places.T)] = [float(row["weight"]) for row in rows]
    words = [""] * n_queries
    for row, place in zip(rows, places.tolist(), strict=True):
        words[place[2]] = row["query_word"]
    text = " ".join(words)
    return _record(words, text, "") | {"weights": weights}
