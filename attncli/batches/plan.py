"""Inputs → chunks, the same for every engine; and a digest of what was read, for resume."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from attncli.batches.chunks import Chunk, RawText
from attncli.errors import AttnError, DataError, EmptyError
from attncli.files.rows.reader import InputRow, InputRows, Shape, named_value, rows_of
from attncli.files.rows.sentences import MAX_LINE
from attncli.files.source import InputSource

CHUNK_RECORDS = 1000
MOST_RECORDS = 2000  # of short texts, whose chunks would be over before they are begun
# What a chunk's results may take in memory, as text; a chunk of longer texts is cut earlier.
_CHUNK_COST = 32 << 20
_SMALL_COST = 4 << 20  # up to here a chunk of short texts grows


@dataclass(slots=True)
class Plan:
    """The chunks of some inputs, in order.

    A chunk has `size` records of an input, fewer when their results are large, and up to `most` when
    these are small: `width` is the number of values of a token. `skip` records are read and left
    out: those of an earlier run; `skipped` is then the digest of their texts, by which a resumed run
    can tell whether it reads the same input. Where texts are `paired`, the last cell of a row is its
    second text.
    """

    sources: Sequence[InputSource]
    shape: Shape
    size: int = CHUNK_RECORDS
    width: int = 50
    most: int = 0
    skip: int = 0
    max_line: int = MAX_LINE
    paired: bool = False
    skipped: str = ""
    _digest: Any = field(default_factory=hashlib.blake2b, repr=False)

    def chunks(self) -> Iterator[tuple[Chunk, str]]:
        """Each chunk, and the digest of all texts up to its end.

        Raises: what reading an input raises; chunks before the damage have been given out.
        """
        number, index = 0, 0
        if self.skip == 0:
            self.skipped = self._digest_now()
        for source in self.sources:
            for lot in self._lots(source):
                left_out = min(max(0, self.skip - index), len(lot.texts))
                index += left_out
                if left_out:
                    self._note(lot.first(left_out))
                    if index == self.skip:
                        self.skipped = self._digest_now()
                    lot = lot.without_first(left_out)
                if lot.texts:
                    self._note(lot)
                    yield self._chunk(number, index, source, lot), self._digest_now()
                    index += len(lot.texts)
                    number += 1

    def _lots(self, source: InputSource) -> Iterator["_Lot"]:
        """Rows in lots of `size`, fewer when their results are large, more when they are small."""
        lot: list[InputRows] = []
        count, cost = 0, 0
        try:
            for rows in rows_of(source, self.shape, max_line=self.max_line):
                sums = np.cumsum([0, *self._costs(rows)])  # (n_rows + 1,): of the rows before each
                start = 0
                while start < len(rows):
                    small, full = np.searchsorted(
                        sums, sums[start] - cost + np.array([_SMALL_COST, _CHUNK_COST])
                    ).tolist()
                    small = min(small, start + self.most - count)
                    end = min(max(start + self.size - count, small), full)
                    if end > len(rows):
                        lot.append(rows.part(start))
                        count += len(rows) - start
                        cost += int(sums[-1] - sums[start])
                        break
                    yield self._lot_of([*lot, rows.part(start, end)])
                    start, lot, count, cost = end, [], 0, 0
        except AttnError:
            if lot:  # what came before the damage is done
                yield self._lot_of(lot)
            raise
        if lot:
            yield self._lot_of(lot)

    def _costs(self, rows: InputRows) -> list[int]:
        """About how many bytes the result of each row is."""
        if self.paired:
            return [_cost(row.text, self.width) + _cost_of_pair(row, self.width) for row in rows]
        try:
            sizes = np.fromiter(map(len, rows.texts), np.int64, len(rows))  # type: ignore[arg-type]
        except TypeError:  # an error has no length
            return [_cost(text, self.width) for text in rows.texts]
        costs: list[int] = _cost_of_sizes(sizes, self.width).tolist()
        return costs

    def _lot_of(self, parts: "list[InputRows]") -> "_Lot":
        return _lot_of(parts, has_ids=self._has_ids, paired=self.paired)

    @property
    def _has_ids(self) -> bool:
        return len(self.shape.others) > self.paired

    def _chunk(self, number: int, index: int, source: InputSource, lot: "_Lot") -> Chunk:
        return Chunk(
            number,
            index,
            lot.first_line,
            lot.texts,
            place=source.name,
            file=source.path if len(self.sources) > 1 else None,
            lines=lot.lines,
            ids=lot.ids if self._has_ids else None,
            pairs=lot.pairs,
        )

    def _note(self, lot: "_Lot") -> None:
        texts: Sequence[RawText] = lot.texts
        if lot.pairs is not None:
            texts = [text for both in zip(lot.texts, lot.pairs, strict=True) for text in both]
        try:
            joined = b"\n".join(texts)  # type: ignore[arg-type]  # others raise TypeError
        except TypeError:
            joined = b"\n".join(map(_as_bytes, texts))
        self._digest.update(joined + b"\n")

    def _digest_now(self) -> str:
        return str(self._digest.copy().hexdigest()[:32])


@dataclass(frozen=True, slots=True)
class _Lot:
    """Rows that become a chunk; `lines` None: they follow on `first_line`."""

    first_line: int
    texts: Sequence[RawText]
    lines: Sequence[int] | None = None
    ids: Sequence[str | int | None] | None = None
    pairs: Sequence[str] | None = None

    def first(self, count: int) -> "_Lot":
        return replace(
            self,
            texts=self.texts[:count],
            pairs=None if self.pairs is None else self.pairs[:count],
        )

    def without_first(self, count: int) -> "_Lot":
        return _Lot(
            self.first_line + count if self.lines is None else (self.lines[count:] or [0])[0],
            self.texts[count:],
            None if self.lines is None else self.lines[count:],
            None if self.ids is None else self.ids[count:],
            None if self.pairs is None else self.pairs[count:],
        )


def _lot_of(parts: Sequence[InputRows], *, has_ids: bool, paired: bool) -> _Lot:
    texts = [text for rows in parts for text in rows.texts]
    pairs: list[str] | None = None
    if paired:
        both = [_pair_of(row) for rows in parts for row in rows]
        texts, pairs = [text for text, _ in both], [pair for _, pair in both]
    first, last = parts[0].lines[0], parts[-1].lines[-1]
    follows = last - first == len(texts) - 1
    return _Lot(
        first,
        texts,
        None if follows else [line for rows in parts for line in rows.lines],
        [_identity(cells[0]) for rows in parts for cells in rows.cells if cells] or None
        if has_ids
        else None,
        pairs,
    )


def _pair_of(row: InputRow) -> tuple[RawText, str]:
    """The text of a row and its second one; where that is none, the text is the error."""
    pair = row.cells[-1] if row.cells else None
    if isinstance(row.text, AttnError):
        return row.text, ""
    if not isinstance(pair, str):
        return DataError(f"found {named_value(pair)} in the place of the pair, expected a text"), ""
    if not pair.strip():
        return EmptyError("the pair is empty, expected at least one word"), ""
    return row.text, pair


def _identity(given: Any) -> str | int | None:
    """An id as records carry it: what is neither text nor whole number is its JSON, or its text."""
    if given is None or isinstance(given, str | int):
        return given
    try:
        return json.dumps(given)
    except TypeError:  # a date of a Parquet file
        return str(given)


def _cost_of_pair(row: InputRow, width: int) -> int:
    """About how many bytes a decoder's result of a second text is, with that across."""
    pair = row.cells[-1] if row.cells else None
    if isinstance(row.text, AttnError) or not isinstance(pair, str):
        return 0
    return _cost(pair, width + len(row.text) // 6 + 1)


def _cost(raw: RawText, width: int) -> int:
    """About how many bytes the result of a text is: a word has six characters, a number nine."""
    if isinstance(raw, AttnError):
        return 0
    return int(_cost_of_sizes(len(raw), width))


def _cost_of_sizes(sizes: Any, width: int) -> Any:
    """The same of one text of so many characters, or of many."""
    tokens = sizes // 6 + 1
    return 10 * tokens * (tokens + width)


def _as_bytes(raw: RawText) -> bytes:
    if isinstance(raw, bytes):
        return raw
    return (raw.message if isinstance(raw, AttnError) else raw).encode("utf-8", "surrogatepass")
