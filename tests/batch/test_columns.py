"""Columns of Arrow are made of buffers: they hold what the JSON lines hold, and nothing asks pandas."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import attncli
from attncli.batches.checksums import checksum
from attncli.batches.chunks import Chunk
from attncli.batches.journal import Commit
from attncli.batches.part_file import Ending, PartFile
from attncli.batches.writers.formats import Format, MakeWriter, ending_of
from attncli.errors import EmptyError
from attncli.results.layout import RecordLayout

_FAILED = EmptyError("no word, expected one")
LONG = "x" * 70 + "y" * 80  # a piece that is not remembered
SENTENCES = [
    "money bank grows",
    f"money {LONG} bank",
    f"bank bank, {LONG} naïve 東京タワー don't",
    "",
    "the money",
]


@pytest.mark.parametrize("kept", [1 << 16, 4])
def test_arrow_holds_the_tokens_of_json_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    """Tokens met before, beside a long piece, and again after they were forgotten; and failures."""
    pa = pytest.importorskip("pyarrow")
    monkeypatch.setattr("attncli.results.columns.tokens._MOST", kept)
    source = tmp_path / "s.txt"
    source.write_text("\n".join([*SENTENCES * 200, "the river flows", *SENTENCES]) + "\n")
    for suffix in ("jsonl", "arrow"):
        out = tmp_path / f"o.{suffix}"
        attncli.batch(source, out, workers=1, every_line=True)
    records = list(map(json.loads, (tmp_path / "o.jsonl").read_text().splitlines()))
    with pa.ipc.open_file(tmp_path / "o.arrow") as table:
        columns = table.read_all().to_pydict()
    assert columns["tokens"] == [record.get("tokens") for record in records]
    assert columns["text"] == [record.get("text") for record in records]
    assert columns["code"] == [record.get("code") for record in records]
    assert [warnings or [] for warnings in columns["warnings"]] == [
        record.get("warnings", []) for record in records
    ]


def test_columns_are_written_without_pandas(tmp_path: Path) -> None:
    """pandas is installed, and takes a third of a second to be imported: it is not."""
    pytest.importorskip("pyarrow")
    pytest.importorskip("pandas")
    (tmp_path / "s.txt").write_text("money bank grows\n\nzzyzx\n")
    for suffix in ("arrow", "parquet"):
        code = (
            "import sys, attncli; attncli.batch('s.txt', 'o.%s', workers=1, model='idioms'); "
            "print('pandas' in sys.modules)"
        )
        run = [sys.executable, "-c", code % suffix]
        ended = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert ended.stdout == "False\n"


@pytest.mark.parametrize("chunks", [1, 5])
def test_a_footer_makes_an_arrow_file_of_a_part(folder: Path, chunks: int) -> None:
    """The part is the beginning of the file, and stays where it is; a part of before is a stream."""
    pa = pytest.importorskip("pyarrow")
    make, ending = _arrow()
    writer = make()
    lists = [
        writer.coming(
            Chunk(i, 9 * i, 9 * i + 1, [b""] * 9), (), [(n, _FAILED) for n in range(9)]
        ).whole()
        for i in range(chunks)
    ]
    part, magic = folder / "part", writer.head[:8]
    part.write_bytes(writer.head + b"".join(lists))
    assert ending.closing is not None
    assert ending.assemble is not None
    closing = ending.closing(part)
    assert closing is not None
    whole = part.read_bytes() + closing
    with pa.ipc.open_file(pa.py_buffer(whole)) as table:
        assert (table.num_record_batches, table.read_all().num_rows) == (chunks, 9 * chunks)
    ending.assemble(part, folder / "whole")
    assert (folder / "whole").read_bytes() == whole
    part.write_bytes(part.read_bytes().removeprefix(magic))
    assert ending.closing(part) is None
    ending.assemble(part, folder / "stream")
    assert (folder / "stream").read_bytes() == whole


def test_the_part_of_arrow_is_not_copied(folder: Path) -> None:
    """What stood on the disk as the part is the output: its file is the same one."""
    pytest.importorskip("pyarrow")
    make, ending = _arrow()
    writer = make()
    data = writer.head + writer.coming(Chunk(0, 0, 1, [b""]), (), [(0, _FAILED)]).whole()
    part = PartFile(folder / "o.arrow", {"job": 1})
    part.write(data, 0)
    part.commit(Commit(1, len(data), checksum(data), ""))
    number = part.path.stat().st_ino
    part.end(ending)
    assert (folder / "o.arrow").stat().st_ino == number
    assert [path.name for path in folder.iterdir()] == ["o.arrow"]


def _arrow() -> tuple[MakeWriter, Ending]:
    layout = RecordLayout()
    return MakeWriter(Format("arrow"), layout), ending_of(Format("arrow"), layout)
