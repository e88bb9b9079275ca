"""A whole output that nothing marks as a job's: its beginning is made again, and compared.

File systems without attributes, copies and object stores keep no mark. The first chunk shows most
of what may be another one, input, vectors and options; the number of records shows the rest of the
input where a format counts them.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, BinaryIO
from zipfile import ZipFile

from attncli.batches.finished import last_line_of_csv
from attncli.batches.marks import another_job
from attncli.batches.part_file import Ending
from attncli.batches.plan import Plan
from attncli.batches.work import Recipe
from attncli.batches.writers.formats import Format, MakeWriter
from attncli.errors.wording import visible
from attncli.files.source import is_url, open_url, source_of
from attncli.results.batch_report import Tally
from attncli.settings import FormatName

_COMPARED = 100  # records, where chunks do not show in the file
_VERSION = b"attn.version"  # in the metadata of Arrow and Parquet: another one may write the same


def expect_same_beginning(
    path: str, make_writer: MakeWriter, plan: Plan, recipe: Recipe, ending: Ending, tally: Tally
) -> tuple[int, int]:
    """How many records at the beginning of a whole output are those that this run would write.

    The second number is how many this run has. `tally` is what the output holds. Raises: ResumeError when it is another job's; what reading the
    input raises.
    """
    form = make_writer.format
    plain = replace(make_writer, format=Format(form.name))  # what packs it may be another version
    if not make_writer().in_blocks or form.packing:
        plan.size, plan.most = min(plan.size, _COMPARED), 0
    worker = replace(recipe, writer=plain).worker()
    compared, given, last = 0, 0, 0
    for chunk, _ in plan.chunks():
        if given == 0:
            first = worker.writer.head + worker(chunk).data
            if not _begins(path, first, form.name, ending):
                raise another_job(visible(path)[:200])
            compared = len(chunk)
        given, last = given + len(chunk), chunk.line(len(chunk) - 1)
    is_csv = form.name == "csv"  # whose tally is of its rows
    if str(last) != last_line_of_csv(path) if is_csv else given != tally.records:
        raise another_job(visible(path)[:200])
    return compared, given


def _begins(path: str, first: bytes, name: FormatName, ending: Ending) -> bool:
    """Whether an output begins with the bytes of a part, laid out as in its format."""
    if ending.assemble is None:
        rest = memoryview(first)
        for block in source_of(path).blocks():
            if rest[: len(block)] != block[: len(rest)]:
                return False
            rest = rest[len(block) :]
            if not rest:
                return True
        return False
    with TemporaryDirectory() as folder, _opened(path) as stream:
        part, small = Path(folder) / "part", Path(folder) / "small"
        part.write_bytes(first)
        ending.assemble(part, small)
        with small.open("rb") as beginning:
            try:
                return _COMPARISONS[name](stream, beginning)
            except Exception:  # pyarrow, zipfile and numpy raise what they like on damaged files
                return False


def _opened(path: str) -> Any:
    return open_url(path, "rb") if is_url(path) else open(path, "rb")  # noqa: PTH123


def _arrays_begin(stream: BinaryIO, small: BinaryIO) -> bool:
    with ZipFile(stream) as whole, ZipFile(small) as beginning:
        names = beginning.namelist()
        if set(whole.namelist()) != set(names):
            return False
        return all(_array_begins(whole, beginning, name) for name in names if name != "layout.npy")


def _array_begins(whole: ZipFile, beginning: ZipFile, name: str) -> bool:
    """Whether an array begins with another one; no more of it is read than that."""
    with whole.open(name) as long, beginning.open(name) as short:
        if _rows_of(long) != _rows_of(short):
            return False
        data = short.read()
        return long.read(len(data)) == data


def _rows_of(stream: IO[bytes]) -> tuple[Any, ...]:
    """What the rows of an array are; the stream then stands at the first."""
    from numpy.lib import format as npy

    npy.read_magic(stream)
    shape, by_column, dtype = npy.read_array_header_1_0(stream)
    return shape[1:], by_column, dtype


_Table = tuple[Mapping[bytes, bytes], Any]  # the metadata and the first batch of a file


def _arrow(stream: BinaryIO) -> _Table:
    import pyarrow

    with pyarrow.ipc.open_file(stream) as reader:
        return reader.schema.metadata or {}, reader.get_batch(0)


def _parquet(stream: BinaryIO) -> _Table:
    from pyarrow import parquet

    table = parquet.ParquetFile(stream)
    size = table.metadata.row_group(0).num_rows
    return table.schema_arrow.metadata or {}, next(table.iter_batches(size, row_groups=[0]))


def _same_table(whole: _Table, beginning: _Table) -> bool:
    whole[1].validate(full=True)  # pyarrow follows offsets wherever they lead
    facts = [{k: v for k, v in told.items() if k != _VERSION} for told, _ in (whole, beginning)]
    return facts[0] == facts[1] and bool(whole[1].equals(beginning[1]))


_COMPARISONS: dict[FormatName, Callable[[BinaryIO, BinaryIO], bool]] = {
    "npz": _arrays_begin,
    "arrow": lambda whole, beginning: _same_table(_arrow(whole), _arrow(beginning)),
    "parquet": lambda whole, beginning: _same_table(_parquet(whole), _parquet(beginning)),
}
