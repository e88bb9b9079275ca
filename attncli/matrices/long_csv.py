"""Long CSV, as `attn batch` writes it → the records of its sentences, one by one.

A line is a weight: it names its layer and head, and gives the places of query and key, and where a
decoder reads a second text, whether it is the encoder's, the decoder's or across. The file
holds words but no sentence; a sentence that failed gives the record of its error.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attncli.errors import DataError
from attncli.errors.wording import quoted, visible
from attncli.files.safe_cells import unguarded
from attncli.matrices.csv_rows import csv_rows, small_number
from attncli.matrices.top import zeros
from attncli.results.fields import SCHEMA_VERSION
from attncli.results.names import selection_of

CSV_HEAD = ("line", "head", "query", "key", "weight", "layer", "query_word", "key_word", "error")

_Row = dict[str, str]


def csv_records(text: str, index: int | None = None) -> Iterator[dict[str, Any]]:
    """The records of long CSV, or that of `index` alone. Raises: DataError, LimitError."""
    for at, rows in enumerate(_grouped(_rows(text))):
        if index is None or at == index:
            yield _record(rows, at)


def failed(message: str, place: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a sentence that failed, from "code: message"."""
    code, parted, reason = message.partition(": ")
    return {"type": "error", "code": code, "message": reason if parted else message, **place}


def placed(words: Sequence[str], text: str) -> list[dict[str, Any]]:
    """Tokens with their places in the text, where they are found one behind the other."""
    tokens, end = [], 0
    for word in words:
        start = text.find(word, end)
        start, end = (end, end) if start < 0 else (start, start + len(word))
        tokens.append({"text": word, "start": start, "end": end, "key": word, "status": "given"})
    return tokens


def _rows(text: str) -> Iterator[_Row]:
    rows = csv_rows(text, ",")
    _, head = next(rows)
    if tuple(head[: len(CSV_HEAD)]) != CSV_HEAD:
        raise DataError(f"found other columns than {','.join(CSV_HEAD)}")
    for number, row in rows:
        if len(row) != len(head):
            raise DataError(f"line {number} has {len(row)} cells, expected {len(head)}")
        yield dict(zip(head, row, strict=True))


def _grouped(rows: Iterator[_Row]) -> Iterator[list[_Row]]:
    """The rows of each record: of another line or file, or beginning anew with its first query."""
    group: list[_Row] = []
    seen: set[tuple[str, ...]] = set()
    for row in rows:
        if group and (_begins(row, group) or _cell(row) in seen):
            yield group
            group, seen = [], set()
        group.append(row)
        seen.add(_cell(row))
    if group:
        yield group


def _begins(row: _Row, group: Sequence[_Row]) -> bool:
    """Whether a row belongs to another record than those before it."""
    first, last = group[0], group[-1]
    if row["error"] or last["error"] or _source(row) != _source(first):
        return True
    return _query(row) == _query(first) != _query(last)


def _source(row: _Row) -> tuple[str | None, ...]:
    return row["line"], row.get("file"), row.get("id")


def _query(row: _Row) -> tuple[str, ...]:
    return row.get("part", ""), row["layer"], row["head"], row["query"]


def _cell(row: _Row) -> tuple[str, ...]:
    return (*_query(row), row["key"])


def _record(rows: Sequence[_Row], at: int) -> dict[str, Any]:
    line = rows[0]["line"]
    place = {"index": at, "line": small_number(line) or None}
    if rows[0]["error"]:
        return failed(unguarded(rows[0]["error"]), place)
    try:
        return {"type": "result", "schema": SCHEMA_VERSION, **place, **_parts(rows)}
    except (ValueError, DataError) as fault:
        reason = visible(str(fault))[:200]
        raise DataError(f"the rows of line {quoted(line)} are no matrices: {reason}") from None


def _parts(rows: Sequence[_Row]) -> dict[str, Any]:
    """What the rows of a record say of it, and of the parts of a decoder where there are any."""
    by_part: dict[str, list[_Row]] = {}
    for row in rows:
        by_part.setdefault(row.get("part") or "", []).append(row)
    if set(by_part) == {"cross"}:
        return _across(by_part["cross"], None)
    if len(by_part) == 1:
        return _matrices(rows)
    if set(by_part) != {"encoder", "decoder", "cross"}:
        raise ValueError(f"found the parts {', '.join(map(quoted, by_part))}")
    whole, decoder = (_matrices(by_part[name]) for name in ("encoder", "decoder"))
    across = _across(by_part["cross"], len(whole["tokens"]))
    held = {name: across[name] for name in ("weights", "selection") if name in across}
    text = " ".join(token["text"] for token in decoder["tokens"])
    return {**whole, "decoder": {**decoder, "text": text}, "cross": held}


def _across(rows: Sequence[_Row], n_keys: int | None) -> dict[str, Any]:
    """What the rows of cross-attention say: queries are tokens of one text, keys those of another.

    Of keys that no query has among its strongest a row without a weight has the word; in files of
    earlier versions such keys have no row, and the last of them are not known.
    """
    weighed = [row for row in rows if row["weight"]]
    held = _matrices(weighed, n_keys or 1 + max(_place(row["key"]) for row in rows))
    words = [""] * held["weights"].shape[-1]
    for row in rows:
        words[_place(row["key"])] = unguarded(row["key_word"])
    text = " ".join(words)
    return {**held, "keys": placed(words, text), "pair": text}


def _matrices(rows: Sequence[_Row], n_keys: int | None = None) -> dict[str, Any]:
    layers, heads = (list(dict.fromkeys(row[name] for row in rows)) for name in ("layer", "head"))
    queries, keys = ([_place(row[name]) for row in rows] for name in ("query", "key"))
    n_tokens = max(queries) + 1
    n_keys = n_keys or n_tokens
    n_rows = len({_query(row) for row in rows})
    if n_rows != len(layers) * len(heads) * n_tokens or max(keys) >= n_keys:
        raise DataError(
            f"{n_rows} rows of matrices for {len(layers)} layers, {len(heads)} heads "
            f"and {n_tokens} words"
        )
    values = [float(row["weight"]) for row in rows]
    if not all(map(math.isfinite, values)):
        raise DataError("found a number that is not finite")
    weights = zeros((len(layers), len(heads), n_tokens, n_keys), given=len(rows))
    at_layer, at_head = ({name: at for at, name in enumerate(names)} for names in (layers, heads))
    outer = [at_layer[row["layer"]] for row in rows]
    inner = [at_head[row["head"]] for row in rows]
    weights[outer, inner, queries, keys] = values
    words = [""] * n_tokens
    for row, query in zip(rows, queries, strict=True):
        words[query] = unguarded(row["query_word"])
    selection = selection_of(layers, heads)
    named = {"selection": selection} if selection else {}
    return {"tokens": placed(words, " ".join(words)), "weights": weights, **named}


def _place(text: str) -> int:
    place = small_number(text)
    if place is None:
        raise DataError("found no place of a word, expected a number from 0 on")
    return place
