"""Weights written as text, JSON or CSV → arrays and the tokens that stand beside them."""

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from attncli.arrays import FloatArray
from attncli.errors import DataError
from attncli.errors.wording import quoted
from attncli.files.safe_cells import unguarded
from attncli.matrices.csv_rows import csv_rows
from attncli.matrices.shapes import check_size
from attncli.results.names import selection_of

_WEIGHTS = ("attention", "attentions", "weights", "attn", "matrix")
_TOKENS = ("tokens", "words", "left_text", "labels")
KEY_NAMES = ("keys", "source_tokens", "right_text")  # of the tokens of columns


_Rows: TypeAlias = list[tuple[int, list[str]]]


class GivenNumbers(NamedTuple):
    """Numbers of someone else, and the tokens where they were given too.

    `keys` are the tokens of the columns, where these are others; `selection` names layers and heads
    that are not counted from 0.
    """

    array: FloatArray
    tokens: tuple[str, ...] | None = None
    selection: Mapping[str, Any] | None = None
    keys: tuple[str, ...] | None = None


def json_weights(value: Any) -> GivenNumbers:
    """Nested lists, or an object with the weights and perhaps the tokens.

    Known names of the weights: attention, attentions, weights, attn, matrix; of the tokens: tokens,
    words, left_text, labels; of those of the columns: keys, source_tokens, right_text. A list of such
    objects (BertViz) gives its first.
    Raises: DataError when no rectangular array of numbers is found.
    """
    if isinstance(value, list) and value and isinstance(value[0], dict):
        value = value[0]
    if not isinstance(value, dict):
        return GivenNumbers(_array(value))
    names = [name for name in _WEIGHTS if name in value]
    if not names:
        raise DataError(f"found {_what_is_there(value)}, expected one of {', '.join(_WEIGHTS)}")
    inner = value[names[0]]
    given = json_weights(inner) if _holds_objects(inner) else GivenNumbers(_array(inner))
    tokens, keys = (_names_of(value, names) for names in (_TOKENS, KEY_NAMES))
    tokens, keys = tokens or given.tokens, keys or given.keys
    return GivenNumbers(given.array, tokens, keys=None if keys == tokens else keys)


def _what_is_there(value: Mapping[str, Any]) -> str:
    """What an object without weights holds: the kind of a record, as of a map of heads, or its keys."""
    kind = value.get("type")
    if isinstance(kind, str) and "schema" in value:
        return f"a record of the type {quoted(kind)}, which has no matrices of weights"
    return f"the keys {', '.join(quoted(str(key)) for key in list(value)[:6])}"


def csv_weights(text: str, place: str, delimiter: str | None = None) -> list[GivenNumbers]:
    """The matrices of a CSV or TSV file; a blank line begins another sentence.

    A heading that begins "query", or "layer", "head", "query", is ours: all behind it are words,
    also those that are numbers. Else a heading names the keys and a first column the queries,
    where they are not numbers. Where the names of rows and columns differ, they are those of two texts.
    Raises: DataError with the line of what is no number.
    """
    if (mark := _own_delimiter(text)) is not None:
        rows = list(csv_rows(text, mark))
        make = _own_block
    else:
        mark = delimiter or _likely_delimiter(text)
        rows = list(csv_rows(text, mark, lenient=True))
        make = _block
    blocks = [list(block) for filled, block in groupby(rows, lambda row: any(row[1])) if filled]
    if not blocks:
        raise DataError("found no line, expected rows of numbers", place=place)
    return [make(block, place) for block in blocks]


def _array(value: Any) -> FloatArray:
    if not isinstance(value, list):
        raise DataError(f"found {quoted(json.dumps(value)[:80])}, expected nested lists of numbers")
    try:
        array = np.array(value)
    except ValueError:
        array = np.array(None, dtype=np.object_)
    if array.dtype.kind not in "fiu":
        raise DataError(
            "found lists of unequal lengths or no numbers, expected a rectangular array"
        )
    check_size(array.shape)
    return array


def _holds_objects(value: Any) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and bool(value) and isinstance(value[0], dict)
    )


def _names_of(value: Mapping[str, Any], names: Sequence[str]) -> tuple[str, ...] | None:
    """The texts under the first of these names that there is."""
    listed = next((value[name] for name in names if isinstance(value.get(name), list)), None)
    return None if listed is None else tuple(map(_name, listed))


def _name(token: Any) -> str:
    if not isinstance(token, str):
        raise DataError(f"found the token {quoted(json.dumps(token)[:80])}, expected a text")
    return token


def _own_delimiter(text: str) -> str | None:
    """What parts the cells of a file that `attn explain` wrote, else None."""
    for mark in ",\t":
        if text.startswith((f"query{mark}", mark.join(("layer", "head", "query", "")))):
            return mark
    return None


def _likely_delimiter(text: str) -> str:
    first = text.lstrip("\r\n").split("\n", 1)[0]
    return next((mark for mark in "\t;," if mark in first), " ")


def _own_block(rows: _Rows, place: str) -> GivenNumbers:
    """A heading of words and the rows of their matrix, or of several with layer and head."""
    number, heading = rows.pop(0)
    at = next((at for at in (0, 2) if heading[at : at + 1] == ["query"]), None)
    if at is None:
        raise DataError('found no heading, expected "query" and words', place=f"{place}:{number}")
    words = tuple(map(unguarded, heading[at + 1 :]))
    return _given(rows, at, at + 1, words, place, _labels(rows, at))


def _block(rows: _Rows, place: str) -> GivenNumbers:
    heading = rows.pop(0)[1] if not _numbers(rows[0][1]) and not _numbers(rows[0][1][1:]) else []
    names = [name.strip().lower() for name in heading]
    places = 2 if names[:2] == ["layer", "head"] else 0
    labeled = bool(rows) and not _numbers(rows[0][1][places : places + 1])
    skipped = places + labeled
    columns = tuple(map(unguarded, heading[skipped:])) or None
    return _given(rows, places, skipped, columns, place, _labels(rows, places) if labeled else None)


def _labels(rows: _Rows, places: int) -> tuple[str, ...]:
    """The names of the rows of a matrix, the first of several; they stand behind `places` cells."""
    first = rows[0][1][:places] if rows else []
    own = [row for _, row in rows if row[:places] == first]
    return tuple(unguarded("".join(row[places : places + 1])) for row in own)


def _given(
    rows: _Rows,
    places: int,
    skipped: int,
    columns: tuple[str, ...] | None,
    place: str,
    labels: tuple[str, ...] | None,
) -> GivenNumbers:
    """The numbers behind the first `skipped` cells; with `places` these begin with layer, head.

    `columns` and `labels` are the names of columns and rows, which are the same tokens unless both are
    there and differ.
    """
    tokens = labels if labels is not None else columns
    keys = columns if labels is not None and columns != labels else None
    n_tokens = len(rows[0][1]) - skipped if rows else 0
    if n_tokens < 1:
        raise DataError("found no row of numbers, expected weights", place=place)
    values = np.array([_row(row, number, skipped, n_tokens, place) for number, row in rows])
    if not places:
        return GivenNumbers(values, tokens, keys=keys)
    cells: dict[tuple[str, str], list[int]] = {}
    for at, (_, row) in enumerate(rows):
        cells.setdefault((row[0], row[1]), []).append(at)
    layers, heads = (list(dict.fromkeys(names)) for names in zip(*cells, strict=True))
    sizes = {len(listed) for listed in cells.values()}
    shape = (len(layers), len(heads), max(sizes), n_tokens)
    if len(cells) != len(layers) * len(heads) or len(sizes) != 1:
        raise DataError("found layers or heads with unequal numbers of rows", place=place)
    order = [at for layer in layers for head in heads for at in cells[layer, head]]
    return GivenNumbers(values[order].reshape(shape), tokens, selection_of(layers, heads), keys)


def _row(row: Sequence[str], number: int, skipped: int, n_tokens: int, place: str) -> list[float]:
    if len(row) != n_tokens + skipped:
        raise DataError(
            f"found {len(row)} columns, expected {n_tokens + skipped}", place=f"{place}:{number}"
        )
    for cell in row[skipped:]:
        if not _numbers([cell]):
            raise DataError(f"found {quoted(cell)}, expected a number", place=f"{place}:{number}")
    return [float(cell) for cell in row[skipped:]]


def _numbers(cells: Sequence[str]) -> bool:
    try:
        return all(np.isfinite(float(cell)) for cell in cells)
    except ValueError:
        return False
