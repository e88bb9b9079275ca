"""A whole output → what became of its records, as the output itself tells it.

The run that made it may be long over, and the file copied to where nothing is kept beside it.
"""

import csv
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

from attncli.batches.same_job import start_again
from attncli.batches.writers.formats import Format
from attncli.errors import AttnError, DataError
from attncli.files.source import is_url, open_url, source_of
from attncli.results.batch_report import Tally
from attncli.settings import FormatName

_FAILED_LINE = re.compile(rb'\n\{"type":"error",[^\n]*')  # an error record of JSON lines
_EMPTY = "empty"  # the code of a text without a word
_LONGEST_CELL = 1 << 30


def tally_of_finished(path: str, form: Format) -> Tally:
    """What became of the records of a whole output, a file or a URL.

    Where a format does not count records, those with a result are counted as one at least.
    Raises: DataError when it is not what a batch wrote in this format; InputError.
    """
    source = source_of(path)
    try:
        if form.is_text:
            return _TEXTS[form.name](source.blocks())
        with open_url(path, "rb") if is_url(path) else open(path, "rb") as stream:  # noqa: PTH123
            return _tally_of_codes(_BINARIES[form.name](stream))
    except AttnError as error:
        error.hints = (start_again(),)
        raise
    except Exception as fault:  # pyarrow, zipfile and numpy raise what they like on damaged files
        said = " ".join(str(fault).split())[:120]
        message = f"the output that is here is no whole {form.name} file: {said}"
        raise DataError(message, place=source.name, hints=(start_again(),)) from None


def tally_of_lines(blocks: Iterable[bytes]) -> Tally:
    """What became of the records of JSON lines."""
    records, failed, empty, rest = 0, 0, 0, b"\n"
    for block in blocks:
        whole, end, rest = (rest + block).rpartition(b"\n")
        records += block.count(b"\n")
        for line in _FAILED_LINE.findall(whole + end):
            failed += 1
            empty += json.loads(line).get("code") == _EMPTY
        rest = end + rest
    return Tally(records, failed, empty)


def _tally_of_csv(blocks: Iterable[bytes]) -> Tally:
    """The long form has a row for each record that failed, and many for each that did not."""
    rows = _csv_rows(blocks)
    at = next(rows, []).index("error")
    return _tally_of_codes(row[at].partition(":")[0] for row in rows)


def _csv_rows(blocks: Iterable[bytes]) -> Iterator[list[str]]:
    csv.field_size_limit(_LONGEST_CELL)
    raw: Any = _Blocks(iter(blocks))
    text = io.TextIOWrapper(io.BufferedReader(raw, 1 << 20), "utf-8", "replace", newline="")
    return csv.reader(text)


def last_line_of_csv(path: str) -> str | None:
    """The line of the last record in a CSV, as it stands there."""
    last = None
    for row in _csv_rows(source_of(path).blocks()):
        last = row[0] if row else last
    return last


def _tally_of_codes(codes: Iterable[str | None]) -> Tally:
    """The tally of records by their codes of errors; one without has a result."""
    counts = Counter(codes)
    records = counts.total()
    return Tally(records, records - counts[""] - counts[None], counts[_EMPTY])


def _codes_of_npz(stream: BinaryIO) -> Iterator[str]:
    import numpy as np

    with zipfile.ZipFile(stream) as archive:
        sizes, texts = (
            np.lib.format.read_array(io.BytesIO(archive.read(f"error_{kind}.npy")))
            for kind in ("bytes", "utf8")
        )
    message, end = texts.tobytes(), 0
    for size in sizes.tolist():
        yield message[end : end + size].partition(b":")[0].decode()
        end += size


def _codes_of_arrow(stream: BinaryIO) -> Iterator[str | None]:
    import pyarrow

    schema = pyarrow.ipc.open_file(stream).schema
    only = pyarrow.ipc.IpcReadOptions(included_fields=[schema.get_field_index("code")])
    with pyarrow.ipc.open_file(stream, options=only) as reader:
        for number in range(reader.num_record_batches):
            yield from reader.get_batch(number).column(0).to_pylist()


def _codes_of_parquet(stream: BinaryIO) -> Iterator[str | None]:
    from pyarrow import parquet

    for batch in parquet.ParquetFile(stream).iter_batches(columns=["code"]):
        yield from batch.column(0).to_pylist()


class _Blocks(io.RawIOBase):
    """Blocks of bytes as a stream."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = memoryview(block)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


_TEXTS: dict[FormatName, Callable[[Iterable[bytes]], Tally]] = {
    "jsonl": tally_of_lines,
    "csv": _tally_of_csv,
}
_BINARIES: dict[FormatName, Callable[[BinaryIO], Iterable[str | None]]] = {
    "npz": _codes_of_npz,
    "arrow": _codes_of_arrow,
    "parquet": _codes_of_parquet,
}
