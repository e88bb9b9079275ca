"""Other tools read what batch writes, without being told a schema, and find the same numbers."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.batch.conftest import corpus

Attn = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def written(attn: Attn, tmp_path: Path) -> dict[str, Any]:
    """The same records as JSON lines, exact, and in every binary format."""
    pytest.importorskip("pyarrow")
    (tmp_path / "s.txt").write_bytes(corpus(260))
    for name in ("jsonl", "parquet", "arrow", "npz", "csv"):
        exact = ["--precision", "full"] if name in ("jsonl", "csv") else []
        ended = attn("batch", "s.txt", "-o", f"out.{name}", "--include", "embeddings", *exact)
        assert ended.returncode == 3, ended.stderr
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    return {"folder": tmp_path, "records": [json.loads(line) for line in lines]}


def same(one: Any, other: Any) -> bool:
    """Whether two nested lists hold the same float32 numbers."""
    return np.array_equal(np.array(one, np.float32), np.array(other, np.float32))


@pytest.mark.parametrize("name", ["jsonl", "parquet"])
def test_duckdb_reads(written: dict[str, Any], name: str) -> None:
    """DuckDB finds the columns by itself, and equal weights and embeddings."""
    duckdb = pytest.importorskip("duckdb")
    path = written["folder"] / f"out.{name}"
    rows = duckdb.sql(
        f"select line, type, weights, contextual, tokens from '{path}' order by line"
    ).fetchall()
    assert len(rows) == len(written["records"])
    for (line, kind, weights, contextual, tokens), record in zip(
        rows, written["records"], strict=True
    ):
        assert (line, kind) == (record["line"], record["type"])
        if kind == "result":
            assert same(weights, record["weights"])
            assert same(contextual, record["contextual"])
            assert [t["text"] for t in tokens] == [t["text"] for t in record["tokens"]]


@pytest.mark.parametrize("name", ["jsonl", "parquet"])
def test_polars_reads(written: dict[str, Any], name: str) -> None:
    """polars finds the columns by itself, and equal weights and embeddings."""
    polars = pytest.importorskip("polars")
    path = written["folder"] / f"out.{name}"
    table = polars.read_ndjson(path) if name == "jsonl" else polars.read_parquet(path)
    for row, record in zip(table.iter_rows(named=True), written["records"], strict=True):
        assert (row["line"], row["type"]) == (record["line"], record["type"])
        if row["type"] == "result":
            assert same(row["weights"], record["weights"])
            assert same(row["contextual"], record["contextual"])


@pytest.mark.parametrize("name", ["jsonl", "parquet", "arrow"])
def test_pyarrow_reads(written: dict[str, Any], name: str) -> None:
    """pyarrow finds the columns by itself; the binary files say their schema and their vectors."""
    pyarrow = pytest.importorskip("pyarrow")
    path = written["folder"] / f"out.{name}"
    if name == "jsonl":
        from pyarrow import json as reader

        table = reader.read_json(path, reader.ReadOptions(block_size=1 << 26))
    elif name == "parquet":
        from pyarrow import parquet

        table = parquet.read_table(path)
    else:
        table = pyarrow.ipc.open_file(path).read_all()
    for row, record in zip(table.to_pylist(), written["records"], strict=True):
        assert (row["line"], row["type"]) == (record["line"], record["type"])
        if row["type"] == "error":
            assert row["code"] == record["code"]
            assert row["message"] == record["message"]
            assert row["weights"] is None
            continue
        for field in ("weights", "contextual", "embeddings"):
            assert same(row[field], record[field])
        assert [t["key"] for t in row["tokens"]] == [t["key"] for t in record["tokens"]]
        assert row["attention"] == record["attention"]
        assert row["vectors"] == record["vectors"]
        assert [w["code"] for w in row["warnings"]] == [w["code"] for w in record["warnings"]]
    if name != "jsonl":
        assert table.schema.field("weights").type.value_type.value_type.value_type.value_type == (
            pyarrow.float32()
        )
        facts = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
        assert facts["attn.schema"] == "1.0"
        assert json.loads(facts["attn.vectors"])["name"] == "glove-6b-50d"


def test_numpy_reads(written: dict[str, Any]) -> None:
    """The flat arrays of the npz hold each record's share, found by its lengths."""
    with np.load(written["folder"] / "out.npz") as arrays:
        lengths = arrays["n_tokens"].astype(np.int64)
        ends = np.cumsum(arrays["weights_count"])
        rest = np.cumsum([0, *arrays["record_bytes"]])
        words = np.cumsum(arrays["tokens_bytes"])
        token = 0
        for i, record in enumerate(written["records"]):
            n = int(lengths[i])
            assert arrays["line"][i] == record["line"]
            assert (record["type"] == "error") == (n == 0)
            told = json.loads(arrays["record_utf8"][rest[i] : rest[i + 1]].tobytes())
            assert told.items() <= record.items()
            if n == 0:
                continue
            weights = arrays["weights"][ends[i] - n * n : ends[i]].reshape(1, 1, n, n)
            assert same(weights, record["weights"])
            for j, expected in enumerate(record["tokens"]):
                end = words[token + j]
                begin = end - arrays["tokens_bytes"][token + j]
                assert bytes(arrays["tokens_utf8"][begin:end]).decode() == expected["text"]
            token += n
        assert arrays["contextual"].shape == (int(lengths.sum()) * 50,)
        assert json.loads(bytes(arrays["layout"]))["weights"] == [1, 1, "n", "n"]


def test_csv_has_a_row_for_each_pair(written: dict[str, Any]) -> None:
    """The long form: line, head, query, key, weight; failed lines with their error."""
    import csv

    with (written["folder"] / "out.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0])[:5] == ["line", "head", "query", "key", "weight"]
    by_line: dict[int, list[dict[str, str]]] = {}
    for row in rows:
        by_line.setdefault(int(row["line"]), []).append(row)
    for record in written["records"]:
        found = by_line[record["line"]]
        if record["type"] == "error":
            assert [row["error"].partition(":")[0] for row in found] == [record["code"]]
            continue
        n = len(record["tokens"])
        assert same([float(row["weight"]) for row in found], np.ravel(record["weights"]))
        assert [(int(r["query"]), int(r["key"])) for r in found] == [
            (q, k) for q in range(n) for k in range(n)
        ]


def test_words_in_csv_are_inert(attn: Attn) -> None:
    """A word that a spreadsheet would run as a formula gets an apostrophe."""
    ended = attn(
        *("batch", "-", "--format", "csv", "--tokenizer", "whitespace"),
        stdin=b'=cmd("x") @SUM, bank\n',
    )
    assert b"'=cmd(" in ended.stdout
    assert b",=cmd" not in ended.stdout


@pytest.mark.parametrize("name", ["parquet", "arrow", "npz"])
def test_binary_files_do_not_depend_on_workers(attn: Attn, tmp_path: Path, name: str) -> None:
    """The same bytes for every number of workers and chunk size."""
    if name != "npz":
        pytest.importorskip("pyarrow")
    (tmp_path / "s.txt").write_bytes(corpus(2300))
    for i, options in enumerate((["--workers", "1"], ["--workers", "3", "--chunk", "17"])):
        chosen = ["--exclude", "contextual", *options]
        assert attn("batch", "s.txt", "-o", f"{i}.{name}", *chosen).returncode == 3
    one, other = ((tmp_path / f"{i}.{name}").read_bytes() for i in range(2))
    assert one == other
