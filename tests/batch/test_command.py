"""`attn batch` as a user types it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from attncli.embeddings.store import FolderStore
from attncli.mechanisms.general import GeneralAnalyser
from attncli.results.result import AttentionResult
from tests.batch.conftest import ROOT, corpus
from tests.batch.runs import Attn, records


def test_every_line_has_its_record(attn: Attn, tmp_path: Path, glove: FolderStore) -> None:
    """Records count like lines, in order, and hold what explain computes, to the printed digits."""
    data = corpus(400)
    (tmp_path / "s.txt").write_bytes(data)
    ended = attn("batch", "s.txt", "-o", "out.jsonl", "--workers", "1", "--every-line")
    assert ended.returncode == 3, ended.stderr
    found = records((tmp_path / "out.jsonl").read_bytes())
    lines = data.split(b"\n")[:-1]
    assert [r["line"] for r in found] == list(range(1, len(lines) + 1))
    assert [r["index"] for r in found] == list(range(len(lines)))
    analyser = GeneralAnalyser(glove)
    for raw, record in zip(lines, found, strict=True):
        try:
            text = raw.removesuffix(b"\r").decode()
        except UnicodeDecodeError:
            assert record["code"] == "data"
            continue
        outcome = next(iter(analyser.outcomes([text])))
        if not isinstance(outcome, AttentionResult):
            assert record["type"] == "error"
            assert record["code"] == "empty"
            continue
        assert record["text"] == text
        weights = np.array(record["weights"])
        assert np.abs(weights - outcome.weights).max() <= 1.5e-6
        assert np.abs(np.array(record["contextual"]) - outcome.contextual).max() <= 1e-5
        restored = AttentionResult.from_dict(record)
        assert restored.tokens == outcome.tokens
        assert [w.code for w in restored.warnings] == [w.code for w in outcome.warnings]
        assert restored.attention == outcome.attention
        assert restored.vectors == outcome.vectors


@pytest.mark.parametrize("engine", [[], ["--include", "scores,measures", "--precision", "full"]])
def test_the_same_bytes_for_every_way_of_running(
    attn: Attn, tmp_path: Path, engine: list[str]
) -> None:
    """One digest over workers, chunk sizes, BLAS threads and hash seeds; to a file or a pipe."""
    (tmp_path / "s.txt").write_bytes(corpus(700))
    ways = [
        (["--workers", "1"], {}),
        (["--workers", "2", "--chunk", "50"], {"OPENBLAS_NUM_THREADS": "2"}),
        (["--workers", "4", "--chunk", "7"], {"PYTHONHASHSEED": "1"}),
        (["--workers", "1", "--chunk", "1"], {"PYTHONHASHSEED": "0"}),
    ]
    outputs = set()
    for i, (options, env) in enumerate(ways):
        ended = attn("batch", "s.txt", "-o", f"{i}.jsonl", *engine, *options, env=env)
        assert ended.returncode == 3, ended.stderr
        outputs.add((tmp_path / f"{i}.jsonl").read_bytes())
    piped = attn("batch", "s.txt", *engine, "--workers", "3", "--chunk", "20", "-q")
    outputs.add(piped.stdout)
    fed = attn("batch", "-", *engine, "-q", stdin=(tmp_path / "s.txt").read_bytes())
    outputs.add(fed.stdout)
    assert len(outputs) == 1
    assert not list(tmp_path.glob("*.attn-*"))


@pytest.mark.parametrize("packing", ["gz", "bz2", "xz", "zst"])
def test_packed_inputs_and_outputs(attn: Attn, tmp_path: Path, packing: str) -> None:
    """A packed input is seen from its bytes; a packed output unpacks to the plain one."""
    import bz2
    import gzip
    import lzma

    pack, unpack = {
        "gz": (gzip.compress, gzip.decompress),
        "bz2": (bz2.compress, bz2.decompress),
        "xz": (lzma.compress, lzma.decompress),
    }.get(packing, (None, None))
    if pack is None or unpack is None:
        zstd = pytest.importorskip("backports.zstd")
        pack, unpack = zstd.compress, zstd.decompress
    data = corpus(2500)
    (tmp_path / "s.txt").write_bytes(data)
    (tmp_path / "packed.any").write_bytes(pack(data))
    attn("batch", "s.txt", "-o", "plain.jsonl", "--exclude", "contextual")
    attn("batch", "packed.any", "-o", f"a.jsonl.{packing}", "--exclude", "contextual")
    attn(
        *("batch", "s.txt", "-o", f"b.jsonl.{packing}", "--exclude", "contextual"),
        *("--chunk", "11", "--workers", "1"),
    )
    packed = (tmp_path / f"a.jsonl.{packing}").read_bytes()
    assert unpack(packed) == (tmp_path / "plain.jsonl").read_bytes()
    assert packed == (tmp_path / f"b.jsonl.{packing}").read_bytes()


@pytest.mark.parametrize("packing", ["gz", "xz"])
def test_a_cut_packed_input_is_data_damage(attn: Attn, tmp_path: Path, packing: str) -> None:
    """A packed input that ends early ends the run with 5, and leaves no output."""
    import gzip
    import lzma

    packed = {"gz": gzip.compress, "xz": lzma.compress}[packing](corpus(5000))
    (tmp_path / "s").write_bytes(packed[: len(packed) // 2])
    ended = attn("batch", "s", "-o", "out.jsonl", "--exclude", "contextual")
    assert ended.returncode == 5
    assert b"s: the compressed data is damaged or ends early" in ended.stderr
    assert not (tmp_path / "out.jsonl").exists()


def test_tables_carry_their_ids(attn: Attn, tmp_path: Path) -> None:
    """CSV, TSV and JSON lines give the text of a column and carry an id through."""
    (tmp_path / "a.csv").write_text('number,text\n7,"bank, river"\n8,"two\nlines"\n9\n')
    (tmp_path / "a.tsv").write_text("text\tnumber\nmoney bank\t7\n")
    (tmp_path / "a.jsonl").write_text(
        '{"text": "money bank", "number": 7}\n{"number": 8}\nnot json\n{"text": 1}\n\n[1]\n'
    )
    found = attn("batch", "a.csv", "--id", "number", "--exclude", "weights,contextual")
    assert found.returncode == 3, found.stderr
    rows = records(found.stdout)
    assert [(r["id"], r["line"], r["type"]) for r in rows] == [
        ("7", 2, "result"),
        ("8", 3, "result"),
        ("9", 5, "error"),
    ]
    assert rows[0]["text"] == "bank, river"
    assert records(attn("batch", "a.tsv", "--column", "text").stdout)[0]["text"] == "money bank"
    lines = records(attn("batch", "a.jsonl", "--id", "number").stdout)
    assert [(r["id"], r["line"], r["type"]) for r in lines] == [
        (7, 1, "result"),
        (8, 2, "error"),
        (None, 3, "error"),
        (None, 4, "error"),
        (None, 6, "error"),
    ]
    missing = attn("batch", "a.csv", "--column", "nope")
    assert missing.returncode == 2
    assert b'--column: found no column "nope", expected one of "number", "text"' in missing.stderr


@pytest.mark.parametrize(("suffix", "tab"), [("tsv", "\t"), ("csv", ",")])
def test_a_table_without_a_header_gives_its_columns_by_number(
    attn: Attn, tmp_path: Path, suffix: str, tab: str
) -> None:
    """Its first line is a row, and a note says so; beside a name a number is a place."""
    table = tmp_path / f"rows.{suffix}"
    table.write_text(f"x9{tab}money bank\nx8{tab}river bank flows\n", encoding="utf-8")
    lean = ["--exclude", "weights,contextual,tokens"]
    done = attn("batch", str(table), "--column", "2", "--id", "1", *lean)
    assert [(r["id"], r["text"]) for r in records(done.stdout)] == [
        ("x9", "money bank"),
        ("x8", "river bank flows"),
    ]
    assert (
        b"line 1 is read as a row; where it is a header, --column takes a name of it" in done.stderr
    )
    done = attn("batch", str(table), "--column", "money bank", "--id", "1", *lean)
    assert [(r["id"], r["text"]) for r in records(done.stdout)] == [("x8", "river bank flows")]
    assert b"line 1" not in done.stderr


def test_several_inputs_say_their_file(attn: Attn, tmp_path: Path) -> None:
    """Records of several files count on, and say which file and line they are of."""
    (tmp_path / "p1.txt").write_text("money bank\nriver\n")
    (tmp_path / "p2.txt").write_text("bank flows")
    rows = records(attn("batch", "p*.txt").stdout)
    assert [(r["index"], r["line"], r["file"]) for r in rows] == [
        (0, 1, "p1.txt"),
        (1, 2, "p1.txt"),
        (2, 1, "p2.txt"),
    ]
    assert attn("batch", "q*.txt").returncode == 6


def test_blank_lines_and_comments_have_no_record_unless_asked(attn: Attn) -> None:
    """The lines that explain leaves out are left out, and counted; --every-line keeps them."""
    text = b"# money\n\nbank\n \t\n#tag\n"
    ended = attn("batch", stdin=text)
    assert ended.returncode == 0
    assert [(r["line"], r["text"]) for r in records(ended.stdout)] == [(3, "bank"), (5, "#tag")]
    every = attn("batch", "-", "--every-line", stdin=text)
    assert every.returncode == 3
    assert [r.get("text") for r in records(every.stdout)] == ["# money", None, "bank", None, "#tag"]


def test_the_file_of_examples_is_done_whole(attn: Attn, tmp_path: Path) -> None:
    """Batch and explain read the same sentences of the same lines, and end with 0."""
    sample = str(ROOT / "sample_sentences.txt")
    batch, explain = attn("batch", sample), attn("explain", "--file", sample, "--json", "-q")
    assert (batch.returncode, explain.returncode) == (0, 0)
    seen = [[(r["line"], r["text"]) for r in records(one.stdout)] for one in (batch, explain)]
    assert seen[0] == seen[1]
    lines = Path(sample).read_text().split("\n")
    assert all(lines[line - 1] == text for line, text in seen[0])
    assert len(seen[0]) == sum(bool(line.strip()) and line[:2] != "# " for line in lines)


def test_a_long_line_is_set_aside_and_the_next_has_its_number(attn: Attn, tmp_path: Path) -> None:
    """A line over the limit is an error record; the lines around it have results."""
    with (tmp_path / "s.txt").open("wb") as out:
        out.write(b"bank\n" + b"x" * (17 << 20) + b"\nriver bank\n")
    ended = attn("batch", "s.txt")
    assert ended.returncode == 3
    rows = records(ended.stdout)
    assert [(r["line"], r["type"]) for r in rows] == [(1, "result"), (2, "error"), (3, "result")]
    assert rows[1]["code"] == "limit"


def test_strongest_keys(attn: Attn) -> None:
    """--top keeps the strongest keys of each row, strongest first, with their positions."""
    text = b"money bank grows the\nbank\n"
    whole = records(attn("batch", stdin=text).stdout)
    kept = records(attn("batch", "-", "--top", "2", stdin=text).stdout)
    for all_of, few in zip(whole, kept, strict=True):
        weights = np.array(all_of["weights"])
        assert "weights" not in few
        top = few["top"]
        assert isinstance(top, dict)
        keys = np.array(top["keys"])
        assert np.array_equal(keys, np.argsort(-weights, axis=-1, kind="stable")[..., :2])
        assert np.array_equal(np.take_along_axis(weights, keys, axis=-1), np.array(top["weights"]))


def test_fields_are_chosen(attn: Attn) -> None:
    """--include adds fields, --exclude leaves any field out."""
    (record,) = records(
        attn(
            *("batch", "-", "--include", "embeddings,scores,measures"),
            *("--exclude", "weights,text,index,line,attention,vectors,model,warnings"),
            stdin=b"money bank\n",
        ).stdout
    )
    assert list(record) == [
        *("type", "schema", "tokens", "contextual", "embeddings", "scores", "measures")
    ]


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "said"),
    [
        (["batch", "-", "--precision", "0"], b"bank", 2, b"--precision: found"),
        (["batch", "-", "--precision", "many"], b"bank", 2, b"expected full or a number"),
        (["batch", "-", "-o", "x.docx"], b"bank", 2, b"--output: found the suffix"),
        (["batch", "-", "--format", "parquet"], b"bank", 2, b"cannot be written to a pipe"),
        (["batch", "-", "--resume"], b"bank", 2, b"--resume: found no --output"),
        (["batch", "nope.txt"], None, 6, b"nope.txt: cannot open: no such file"),
        (["batch", "."], None, 6, b"directory"),
        (["batch", "-"], b"", 4, b"no sentence"),
        (["batch", "-"], b"\n\n  \n", 4, b"no sentence"),
        (["batch", "-", "-o", "no/such/x.jsonl"], b"bank", 9, b"its directory does not exist"),
        (["batch", "-"], "money bank".encode("utf-16-le"), 5, b"UTF-16LE"),
        (["batch", "-"], b"%PDF-1.7\n", 5, b"a PDF document"),
        (["batch", "-", "--scheduler", "tcp://x"], b"bank", 2, b"--engine dask"),
    ],
)
def test_what_cannot_be_done_is_said(
    attn: Attn, tmp_path: Path, arguments: list[str], stdin: bytes | None, code: int, said: bytes
) -> None:
    """One line on stderr, the right code, and nothing left behind."""
    ended = attn(*arguments, stdin=stdin)
    assert ended.returncode == code, ended.stderr
    assert said in ended.stderr
    assert b"Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_output_is_not_overwritten(attn: Attn, tmp_path: Path) -> None:
    """An existing output needs --force; an output that is the input is refused."""
    (tmp_path / "s.txt").write_text("money bank\n")
    (tmp_path / "out.jsonl").write_text("mine\n")
    ended = attn("batch", "s.txt", "-o", "out.jsonl")
    assert ended.returncode == 9
    assert (tmp_path / "out.jsonl").read_text() == "mine\n"
    assert attn("batch", "s.txt", "-o", "out.jsonl", "--force").returncode == 0
    assert (tmp_path / "out.jsonl").read_text() != "mine\n"
    same = attn("batch", "s.txt", "-o", "./s.txt", "--format", "jsonl", "--force")
    assert same.returncode == 2
    assert (tmp_path / "s.txt").read_text() == "money bank\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.jsonl", "s.txt"]


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    """`attn batch … | head -1` prints one record and ends with 0."""

    (tmp_path / "s.txt").write_bytes(b"money bank grows\n" * 20_000)
    line = '"$PYTHON" -m attncli batch s.txt --workers 2 -q; echo "code $?" >&2'
    ended = subprocess.run(
        ["bash", "-c", f"({line}) | head -1"],
        cwd=tmp_path,
        capture_output=True,
        env={**os.environ, "PYTHON": sys.executable, "PYTHONPATH": str(Path(__file__).parents[2])},
        check=True,
    )
    assert len(ended.stdout.splitlines()) == 1
    assert ended.stderr == b"code 0\n"


def test_a_cluster_and_urls_from_the_command_line(attn: Attn, tmp_path: Path) -> None:
    """--engine dask reads and writes URLs, and gives the bytes of the local engine."""
    pytest.importorskip("distributed")
    (tmp_path / "s.txt").write_bytes(corpus(300))
    assert attn("batch", "s.txt", "-o", "local.jsonl").returncode == 3
    ended = attn(
        *("batch", f"file://{tmp_path}/s.txt", "-o", f"file://{tmp_path}/remote.jsonl"),
        *("--engine", "dask", "--workers", "1", "--chunk", "60"),
    )
    assert ended.returncode == 3, ended.stderr
    assert (tmp_path / "remote.jsonl").read_bytes() == (tmp_path / "local.jsonl").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["local.jsonl", "remote.jsonl", "s.txt"]
