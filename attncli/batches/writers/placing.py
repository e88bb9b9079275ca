"""Columns of records → the bytes of a chunk, each record in its place.

Where the kernel is there (`compiled.py`), the length of every part is known before anything is
written, and all is written once, where it stays. Otherwise the parts are made and joined.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np

from attncli.arrays import Float32Array
from attncli.batches.writers.compiled import (
    FreshBytes,
    Kernel,
    Places,
    kernel,
    lengths_of,
    list_length,
)
from attncli.batches.writers.digits import json_stacks


class Lists(NamedTuple):
    """Nested lists to be printed with `digits` after the point: stacks (B, …, rows, columns)."""

    stacks: Sequence[Float32Array]
    digits: int
    signed: bool = True


# A piece of a record: the same for all sentences, or one for each.
Texts: TypeAlias = str | Sequence[str] | Sequence[bytes]
Column: TypeAlias = Texts | Lists
_C = TypeVar("_C", bound=Column)


class Lot(NamedTuple):
    """Records that are made together: their places in the chunk, and what each is made of."""

    places: Sequence[int]
    columns: Sequence[Column]


def laid_out(lots: Iterable[Lot], count: int) -> bytes:
    """The records of a chunk of `count` lines in its order; each stands in one of the lots."""
    compiled = kernel()
    return _joined(lots, count) if compiled is None else _written(list(lots), count, compiled)


def _joined(lots: Iterable[Lot], count: int) -> bytes:
    records: list[Sequence[bytes]] = [()] * count
    for lot in lots:
        columns = chain.from_iterable(map(_printed, lot.columns))
        fragments = zip(*_merged(columns, len(lot.places)), strict=True)
        for place, record in zip(lot.places, fragments, strict=True):
            records[place] = record
    return b"".join(chain.from_iterable(records))


def _printed(column: Column) -> Sequence[Texts]:
    """A column without numbers."""
    if not isinstance(column, Lists):
        return (column,)
    before, texts, after = json_stacks(column.stacks, column.digits, signed=column.signed)
    return before.decode(), texts, after.decode()


def _merged(columns: Iterable[Texts], count: int) -> list[Sequence[bytes]]:
    """The columns as bytes; what is the same for all sentences is joined to what it follows."""
    merged: list[Sequence[bytes]] = []
    for column in _joined_constants(columns):
        if isinstance(column, str):
            merged.append([column.encode()] * count)
        else:
            merged.append([part.encode() if isinstance(part, str) else part for part in column])
    return merged


def _joined_constants(columns: Iterable[_C]) -> Iterable[_C | str]:
    """The columns, those that are the same for all sentences and follow each other as one."""
    constant = ""
    for column in columns:
        if isinstance(column, str):
            constant += column
            continue
        if constant:
            yield constant
            constant = ""
        yield column
    if constant:
        yield constant


def _written(lots: Sequence[Lot], count: int, compiled: Kernel) -> bytes:
    sizes = np.zeros(count, dtype=np.int64)  # of the records
    prepared: list[tuple[Places, list[_Part]]] = []
    for lot in lots:
        places = np.array(lot.places, dtype=np.int64)
        parts = [
            _part(column, compiled)
            for whole in _joined_constants(lot.columns)
            for column in _printable(whole, compiled)
        ]
        prepared.append((places, parts))
        sizes[places] = sum(part.lengths for part in parts)
    ends = np.cumsum(sizes)
    target = FreshBytes(int(sizes.sum()))
    for places, parts in prepared:
        at = (ends - sizes)[places]
        for part in parts:
            _put(part, at, target, compiled)
            at = at + part.lengths
    return target.done()


class _Part(NamedTuple):
    """A column, and the bytes of it in each record: one number, or (B,)."""

    content: bytes | Sequence[bytes] | Lists
    lengths: int | Places


def _printable(column: Column, compiled: Kernel) -> Sequence[Column]:
    """The column, or as text what the kernel cannot print."""
    if isinstance(column, Lists) and not all(
        compiled.fits(stack, column.digits, signed=column.signed) for stack in column.stacks
    ):
        return _printed(column)
    return (column,)


def _part(column: Column, compiled: Kernel) -> _Part:
    if isinstance(column, str):
        content = column.encode()
        return _Part(content, len(content))
    if isinstance(column, Lists):
        each = [
            list_length(stack.shape[1:], column.digits, signed=column.signed)
            for stack in column.stacks
        ]
        counts = [len(stack) for stack in column.stacks]
        return _Part(column, np.repeat(np.array(each, dtype=np.int64), counts))
    texts = [part.encode() if isinstance(part, str) else part for part in column]
    return _Part(texts, lengths_of(texts))


def _put(part: _Part, at: Places, target: FreshBytes, compiled: Kernel) -> None:
    if isinstance(part.content, bytes):
        compiled.repeated(target, at, part.content)
    elif isinstance(part.content, Lists):
        begin = 0
        for stack in part.content.stacks:
            end = begin + len(stack)
            compiled.lists(
                target,
                at[begin:end],
                stack,
                part.content.digits,
                signed=part.content.signed,
            )
            begin = end
    else:
        compiled.texts(target, at, part.content)
