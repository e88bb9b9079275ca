"""Inputs → chunks, the same for every engine; and a digest of what was read, for resume."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from attncli.batches.chunks import Chunk, RawText
from attncli.errors import AttnError
from attncli.files.rows.reader import InputRows, Shape, rows_of
from attncli.files.rows.sentences import MAX_LINE
from attncli.files.source import InputSource

CHUNK_RECORDS = 1000
# What a chunk's results may take in memory, as text; a chunk of longer texts is cut earlier.
_CHUNK_COST = 32 << 20


@dataclass(slots=True)
class Plan:
    """The chunks of some inputs, in order.

    A chunk has `size` records of an input, or fewer when their results are large: `width` is the
    number of values of a token. `skip` records are read and left out: those of an earlier run;
    `skipped` is then the digest of their texts, by which a resumed run can tell whether it reads
    the same input.
    """

    sources: Sequence[InputSource]
    shape: Shape
    size: int = CHUNK_RECORDS
    width: int = 50
    skip: int = 0
    max_line: int = MAX_LINE
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
                    self._note(lot.texts[:left_out])
                    if index == self.skip:
                        self.skipped = self._digest_now()
                    lot = lot.without_first(left_out)
                if lot.texts:
                    self._note(lot.texts)
                    yield self._chunk(number, index, source, lot), self._digest_now()
                    index += len(lot.texts)
                    number += 1

    def _lots(self, source: InputSource) -> Iterator["_Lot"]:
        """Rows in lots of `size`, fewer when their results are large."""
        lot: list[InputRows] = []
        count, cost = 0, 0
        try:
            for rows in rows_of(source, self.shape, max_line=self.max_line):
                start = 0
                for end, text in enumerate(rows.texts, 1):
                    count += 1
                    cost += _cost(text, self.width)
                    if count >= self.size or cost >= _CHUNK_COST:
                        yield _lot_of([*lot, rows.part(start, end)])
                        start, lot, count, cost = end, [], 0, 0
                if start < len(rows):
                    lot.append(rows.part(start))
        except AttnError:
            if lot:  # what came before the damage is done
                yield _lot_of(lot)
            raise
        if lot:
            yield _lot_of(lot)

    def _chunk(self, number: int, index: int, source: InputSource, lot: "_Lot") -> Chunk:
        return Chunk(
            number,
            index,
            lot.first_line,
            lot.texts,
            place=source.name,
            file=source.path if len(self.sources) > 1 else None,
            lines=lot.lines,
            ids=lot.ids if self.shape.others else None,
        )

    def _note(self, texts: Sequence[RawText]) -> None:
        self._digest.update(b"".join([_as_bytes(raw) + b"\n" for raw in texts]))

    def _digest_now(self) -> str:
        return str(self._digest.copy().hexdigest()[:32])


@dataclass(frozen=True, slots=True)
class _Lot:
    """Rows that become a chunk; `lines` None: they follow on `first_line`."""

    first_line: int
    texts: Sequence[RawText]
    lines: Sequence[int] | None = None
    ids: Sequence[str | int | None] | None = None

    def without_first(self, count: int) -> "_Lot":
        return _Lot(
            self.first_line + count if self.lines is None else (self.lines[count:] or [0])[0],
            self.texts[count:],
            None if self.lines is None else self.lines[count:],
            None if self.ids is None else self.ids[count:],
        )


def _lot_of(parts: Sequence[InputRows]) -> _Lot:
    texts = [text for rows in parts for text in rows.texts]
    first, last = parts[0].lines[0], parts[-1].lines[-1]
    follows = last - first == len(texts) - 1
    return _Lot(
        first,
        texts,
        None if follows else [line for rows in parts for line in rows.lines],
        [_identity(cells[0]) for rows in parts for cells in rows.cells if cells] or None,
    )


def _identity(given: Any) -> str | int | None:
    """An id as records carry it: what is neither text nor whole number is its JSON, or its text."""
    if given is None or isinstance(given, str | int):
        return given
    try:
        return json.dumps(given)
    except TypeError:  # a date of a Parquet file
        return str(given)


def _cost(raw: RawText, width: int) -> int:
    """About how many bytes the result of a text is: a word has six characters, a number nine."""
    if isinstance(raw, AttnError):
        return 0
    tokens = len(raw) // 6 + 1
    return 10 * tokens * (tokens + width)


def _as_bytes(raw: RawText) -> bytes:
    if isinstance(raw, bytes):
        return raw
    return (raw.message if isinstance(raw, AttnError) else raw).encode("utf-8", "surrogatepass")
