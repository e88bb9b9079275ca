"""Weights written as text, JSON or CSV → arrays and the tokens that stand beside them."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from attncli.arrays import FloatArray
from attncli.errors import DataError
from attncli.escape import quoted
from attncli.matrices.shapes import check_size, joined_layers

_WEIGHTS = ("attention", "attentions", "weights", "attn", "matrix")
_TOKENS = ("tokens", "words", "left_text", "labels")


@dataclass(frozen=True, slots=True)
class Given:
    """Numbers of someone else, and the tokens where they were given too."""

    array: FloatArray
    tokens: tuple[str, ...] | None = None


def json_weights(value: Any) -> Given:
    """Nested lists, or an object with the weights and perhaps the tokens.

    Known names of the weights: attention, attentions, weights, attn, matrix; of the tokens: tokens,
    words, left_text, labels. A list of such objects (BertViz) gives its first.
    Raises: DataError when no rectangular array of numbers is found.
    """
    if isinstance(value, list) and value and isinstance(value[0], dict):
        value = value[0]
    if not isinstance(value, dict):
        return Given(_array(value))
    names = [name for name in _WEIGHTS if name in value]
    if not names:
        raise DataError(
            f"found the keys {', '.join(quoted(str(key)) for key in list(value)[:6])}, "
            f"expected one of {', '.join(_WEIGHTS)}"
        )
    inner = value[names[0]]
    found = json_weights(inner) if _holds_objects(inner) else Given(_array(inner))
    tokens = next((value[name] for name in _TOKENS if isinstance(value.get(name), list)), None)
    return Given(found.array, found.tokens if tokens is None else tuple(map(_name, tokens)))


def csv_weights(text: str, place: str, delimiter: str | None = None) -> list[Given]:
    """The matrices of a CSV or TSV file; a blank line begins another sentence.

    A heading names the keys and a first column the queries, where they are not numbers. Columns
    named layer and head say which matrix a line belongs to.
    Raises: DataError with the line of what is no number.
    """
    numbered = list(enumerate(text.splitlines(), start=1))
    blocks: list[list[tuple[int, str]]] = [[]]
    for number, line in numbered:
        if line.strip():
            blocks[-1].append((number, line))
        elif blocks[-1]:
            blocks.append([])
    found = [_block(block, place, delimiter) for block in blocks if block]
    if not found:
        raise DataError("found no line, expected rows of numbers", place=place)
    return found


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


def _name(token: Any) -> str:
    if not isinstance(token, str):
        raise DataError(f"found the token {quoted(json.dumps(token)[:80])}, expected a text")
    return token


def _block(lines: Sequence[tuple[int, str]], place: str, delimiter: str | None) -> Given:
    first = lines[0][1]
    mark = delimiter or next((mark for mark in "\t;," if mark in first), " ")
    fields = list(csv.reader((line for _, line in lines), delimiter=mark, skipinitialspace=True))
    rows = list(zip((number for number, _ in lines), fields, strict=False))
    heading = rows.pop(0)[1] if not _numbers(rows[0][1]) and not _numbers(rows[0][1][1:]) else []
    names = [name.strip().lower() for name in heading]
    places = 2 if names[:2] == ["layer", "head"] else 0
    labelled = bool(rows) and not _numbers(rows[0][1][places : places + 1])
    skipped = places + labelled
    n_tokens = len(rows[0][1]) - skipped if rows else 0
    values = [_row(row, number, skipped, n_tokens, place) for number, row in rows]
    if not values or not n_tokens:
        raise DataError("found no row of numbers, expected weights", place=place)
    labels = [row[places] for _, row in rows[:n_tokens]] if labelled else heading[skipped:]
    tokens = tuple(_bare(label) for label in labels) if labels else None
    if not places:
        return Given(np.array(values), tokens)
    return Given(_by_place([row[:2] for _, row in rows], values), tokens)


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


def _bare(label: str) -> str:
    """A label without the apostrophe that keeps a spreadsheet from running it."""
    return label[1:] if label[:1] == "'" and label[1:2] in ("=", "+", "-", "@") else label


def _by_place(places: Sequence[Sequence[str]], values: Sequence[Sequence[float]]) -> FloatArray:
    """Rows with their layer and head → (n_layers, n_heads, n_tokens, n_tokens)."""
    layers: dict[str, dict[str, list[Sequence[float]]]] = {}
    for (layer, head), row in zip(places, values, strict=True):
        layers.setdefault(layer, {}).setdefault(head, []).append(row)
    try:
        stacks = {
            layer: np.array(list(heads.values()), dtype=np.float64)
            for layer, heads in layers.items()
        }
    except ValueError:
        raise DataError("found layers or heads with unequal numbers of rows") from None
    joined = joined_layers(stacks)
    return joined if joined.ndim == 4 else joined[None]
