"""Results as a file of columns, Parquet or Arrow: a row a result, as `attn batch` writes it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from attncli.errors import DataError, LimitError
from attncli.results.columns.files import table_pieces
from attncli.results.columns.records import Numbering, RecordColumns
from attncli.results.fields import PARTS, RARE_OF_MODELS
from attncli.results.layout import RecordLayout
from attncli.results.placed import PlacedRecords
from attncli.results.predicted import NEXT
from attncli.results.result import AttentionResult
from attncli.results.stack import Stack, stack_of

Lot: TypeAlias = Sequence[AttentionResult]

_NUMBERS = 1 << 24  # of a record batch, but for one result that has more
_ROWS = 1024
_MOST = (1 << 31) - 1  # numbers of a field in a record batch, whose offsets have 32 bits


def columns_file(
    kind: str,
    results: Lot,
    include: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
    *,
    precision: int | None = None,
    top: int | None = None,
) -> Iterator[bytes]:
    """The bytes of a file, "parquet" or "arrow", in pieces; the fields as those of `result_json`.

    Raises: MissingExtraError; LimitError for a result that has too many numbers, DataError for half
    of a surrogate pair in a text and for a whole number beyond the bits of its column.
    """
    layout = _layout_of(results, include, exclude, top)
    columns = RecordColumns(layout, precision)
    lots = ((_records(lot, layout), _numbering(lot)) for lot in _lots(results, layout))
    try:
        yield from table_pieces(kind, columns, lots)
    except UnicodeEncodeError as fault:
        half = fault.object[fault.start : fault.end]
        raise DataError(
            f"found {half!a} in a text, half of a surrogate pair, expected whole characters: "
            "columns hold no others; .json does"
        ) from None
    except OverflowError:
        raise DataError(
            "found a whole number that its column cannot hold, expected one of 64 bits in index, line "
            "and words, of 32 bits elsewhere; .json holds others"
        ) from None


def _layout_of(
    results: Lot, include: tuple[str, ...], exclude: tuple[str, ...], top: int | None
) -> RecordLayout:
    """What is written of these results: of models the fields that one of them has."""
    models = [result.model for result in results if result.model is not None]
    if NEXT in exclude:
        models = [model.silent() for model in models]
    decoders = [result.decoder for result in results if result.decoder is not None]
    if any(decoder.holds(NEXT) for decoder in decoders):
        include = (*include, NEXT)
    return RecordLayout(
        include,
        exclude,
        top=top,
        of_models=tuple(
            name
            for name in RARE_OF_MODELS
            if any(getattr(model, name) is not None for model in models)
        ),
        parts=(
            *(PARTS if decoders else ()),
            *(("keys",) if any(result.is_cross for result in results) else ()),
        ),
    )


def _lots(results: Lot, layout: RecordLayout) -> Iterator[Lot]:
    """The results of each record batch. Raises: LimitError for one that fits into none."""
    lot: list[AttentionResult] = []
    numbers = 0
    for result in results:
        counts = list(_counts(result, layout))
        if max(counts, default=0) > _MOST:
            raise LimitError(
                f"found {max(counts):,} numbers in one field, expected at most {_MOST:,} in a row of "
                "columns; .npz holds more"
            )
        if lot and (numbers + sum(counts) > _NUMBERS or len(lot) == _ROWS):
            yield lot
            lot, numbers = [], 0
        lot.append(result)
        numbers += sum(counts)
    if lot:
        yield lot


def _counts(result: AttentionResult, layout: RecordLayout) -> Iterator[int]:
    """How many numbers of a result are written, of each array of each part."""
    for part in (result, result.decoder, result.cross):
        for name in layout.arrays:
            array = None if part is None else getattr(part, name)
            if array is not None:
                *rows, kept = array.shape
                top = layout.top if name == "weights" else None
                yield math.prod(rows) * (kept if top is None else min(kept, top))


def _records(lot: Lot, layout: RecordLayout) -> PlacedRecords:
    """Results as stacks of one, each in its place."""
    stacks = [(_stack(result, layout), (place,)) for place, result in enumerate(lot)]
    return PlacedRecords(len(lot), stacks, {})


def _stack(result: AttentionResult, layout: RecordLayout) -> Stack:
    stack = stack_of(result, 0)
    if result.model is None or layout.has(NEXT):
        return stack
    return replace(stack, models=(result.model.silent(),))


def _numbering(lot: Lot) -> Numbering:
    """The numbers of these results, and the lines of those that were read from one."""
    return Numbering(
        np.array([result.index for result in lot], dtype=np.int64),
        np.array([result.line or 0 for result in lot], dtype=np.int64),
        np.array([result.line is not None for result in lot], dtype=np.bool_),
    )
