"""Columns of Arrow are made of buffers: they hold what the JSON lines hold, and nothing asks pandas."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import attncli

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
