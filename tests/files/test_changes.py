"""What came is compared with what was there: a file that shrinks or changes is never taken for whole."""

import contextlib
import gzip
import json
import lzma
import os
import random
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from attncli.errors import AttnError, DataError
from attncli.files.rows.reader import Shape, rows_of
from attncli.files.source import source_of
from tests.batch.runs import Job, small_analyser

LINES = b"".join(b"money bank %d\n" % random.Random(i).randrange(10**12) for i in range(40_000))


def shrink(path: Path) -> None:
    """A second process cuts the file in place."""
    os.truncate(path, path.stat().st_size // 2)


def overwrite(path: Path) -> None:
    """Something else is written over it, of the same size."""
    with path.open("r+b") as out:
        out.seek(path.stat().st_size * 3 // 4)
        out.write(b"river")


def grow(path: Path) -> None:
    """Something is written behind it."""
    with path.open("ab") as out:
        out.write(b"river\n")


def zipped(data: bytes) -> bytes:
    """A zip archive of one file, stored as it is."""
    import io

    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("s.txt", data)
    return held.getvalue()


KINDS: dict[str, Callable[[bytes], bytes]] = {
    "s.txt": bytes,
    "s.gz": lambda data: gzip.compress(data, 1),
    "s.xz": lambda data: lzma.compress(data, preset=0),
    "s.jsonl": lambda data: b"".join(
        json.dumps({"text": line.decode()}).encode() + b"\n" for line in data.splitlines()
    ),
    "s.csv": lambda data: b"text\n" + data,
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("change", [shrink, overwrite, grow])
@pytest.mark.parametrize("promised", [True, False])
def test_a_change_while_reading_is_noticed(
    tmp_path: Path, name: str, change: Callable[[Path], None], promised: bool
) -> None:
    """With what the run was begun with every change shows; without it, that bytes are missing."""
    path = tmp_path / name
    path.write_bytes(KINDS[name](LINES))
    source = source_of(str(path))
    if promised:
        assert source.identity() is not None
    lots = rows_of(source, Shape())
    assert next(lots)
    change(path)
    if promised or change is shrink:
        with pytest.raises(DataError, match=r"while it was read|damaged"):
            list(lots)
    else:
        list(_until_damage(lots))


def _until_damage(lots: Iterator[Any]) -> Iterator[Any]:
    """What comes of a file whose packing may show the change."""
    with contextlib.suppress(DataError):
        yield from lots


def test_a_file_that_was_replaced_before_it_was_opened_is_noticed(tmp_path: Path) -> None:
    """Between its digest and its first byte."""
    path = tmp_path / "s.txt"
    path.write_bytes(LINES)
    source = source_of(str(path))
    source.identity()
    path.unlink()
    path.write_bytes(b"river\n")
    with pytest.raises(DataError, match="changed while it was read"):
        list(rows_of(source, Shape()))


@pytest.mark.parametrize("name", ["s.txt", "s.gz", "s.xz", "s.csv", "s.jsonl", "s.zip"])
def test_files_that_stay_are_read_whole(tmp_path: Path, name: str) -> None:
    """No packing is taken for a change, nor what stands behind its end."""
    path = tmp_path / name
    path.write_bytes((KINDS.get(name) or zipped)(LINES))
    for promised in (True, False):
        source = source_of(str(path))
        if promised:
            source.identity()
        assert sum(len(lot) for lot in rows_of(source, Shape())) == 40_000


class _Changing:
    """An analyser that changes the input of its own run."""

    def __init__(self, path: Path, change: Callable[[Path], None]) -> None:
        self._analyser = small_analyser()
        self._path, self._change, self._count = path, change, 0

    def stacks(self, texts: Sequence[str]) -> Iterator[Any]:
        self._count += 1
        if self._count == 3:
            self._change(self._path)
        return iter(self._analyser.stacks(texts))


@pytest.mark.parametrize("change", [shrink, overwrite])
def test_a_run_whose_input_changes_ends_with_5_and_keeps_its_part(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    """The output does not appear; what was done is kept, and is refused for the other input."""
    path = tmp_path / "s.txt"
    path.write_bytes(LINES)
    job = Job(tmp_path, chunk=1000, analyser=lambda: _Changing(path, change))
    assert job.code() == 5
    assert not job.target.exists()
    assert (tmp_path / f"{job.target.name}.attn-part").stat().st_size > 0
    assert Job(tmp_path, chunk=1000).code(resume=True) == 11
    path.write_bytes(LINES)
    code = Job(tmp_path, chunk=1000).code(resume=True)
    if change is shrink:  # what was read of it was right
        assert code == 0
        assert job.target.read_bytes().count(b"\n") == 40_000
    else:
        assert code == 11


@pytest.mark.parametrize("sentence", ["money", "money \ud800", "\udfff", 5, None, ["a"]])
@pytest.mark.parametrize("text", ["\ud83d", "a\ud800b"])
def test_an_id_that_is_no_text_sets_its_row_aside(
    tmp_path: Path, text: str, sentence: object
) -> None:
    """Half of a surrogate pair in an id is an error record, without the id, whatever the text is."""
    path = tmp_path / "s.jsonl"
    path.write_text(json.dumps({"text": sentence, "id": text}) + '\n{"text": "bank", "id": 1}\n')
    ((bad, good),) = rows_of(source_of(str(path)), Shape(others=("id",), required=True))
    assert isinstance(bad.text, AttnError)
    assert (bad.cells, good.cells) == ((None,), (1,))
