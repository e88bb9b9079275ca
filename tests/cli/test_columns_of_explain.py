"""Parquet and Arrow of explain, view and save: the rows of batch, for every reader, whole or not at all."""

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import attncli
from attncli.errors import MissingExtraError

LINES = ("money bank, grows", "a piece of cake", "unhappily", "naïve 中文 3 =1+1 ; zzyzx")
MECHANISMS: dict[str, list[str]] = {
    "general": [],
    "task": ["--attention", "task", "--heads", "2", "--seed", "1"],
    "trained": ["--model", "idioms"],
    "transformer": ["--model", "bert", "--include", "hidden_states,scores,query"],
    "one layer": ["--model", "bert", "--layer", "-1", "--agg", "mean"],
    "merged": ["--model", "bert", "--merge", "--hide", "special"],
    "pair": ["--model", "bert", "--pair", "the river"],
}
FIELDS: dict[str, list[str]] = {
    "default": [],
    "included": ["--include", "measures,embeddings,value"],
    "top": ["--top", "2"],
    "excluded": ["--exclude", "contextual,tokens,line,model"],
}
SUFFIXES = ("parquet", "arrow", "feather")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with sentences to stand in."""
    (tmp_path / "s.txt").write_text("\n".join(LINES) + "\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def table(path: str) -> Any:
    """A file as a table of Arrow."""
    pyarrow = pytest.importorskip("pyarrow")
    if path.endswith(".parquet"):
        return pytest.importorskip("pyarrow.parquet").read_table(path)
    return pyarrow.ipc.open_file(path).read_all()


def expect_alike(one: Any, other: Any, place: str = "") -> None:
    """Equal but for the last digits of numbers, which a batch computes in float32."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), place
        for name in one:
            expect_alike(one[name], other[name], f"{place}.{name}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), place
        for at, pair in enumerate(zip(one, other, strict=True)):
            expect_alike(*pair, f"{place}[{at}]")
    elif isinstance(one, float):
        assert math.isclose(one, other, rel_tol=2e-5, abs_tol=2e-6), place
    elif place.endswith(".measures") and one is not None:
        expect_alike(json.loads(one), json.loads(other), "measures")
    else:
        assert one == other, place


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("fields", FIELDS)
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_the_rows_of_explain_are_those_of_batch(
    folder: Path, command: Callable[..., Any], mechanism: str, fields: str, suffix: str
) -> None:
    """The same columns of the same types in the same order, and the same values, line by line."""
    pytest.importorskip("pyarrow")
    options = [*MECHANISMS[mechanism], *FIELDS[fields]]
    if "bert" in options:
        pytest.importorskip("tokenizers")
        pytest.importorskip("models.made").write_model(folder / "bert")
    for line in (("batch", "s.txt", "-o", "b"), ("explain", "-f", "s.txt", "-o", "e")):
        ended = command(*line[:-1], f"{line[-1]}.{suffix}", "-q", *options)
        assert ended.code == 0, ended.said
    batched, explained = table(f"b.{suffix}"), table(f"e.{suffix}")
    assert explained.schema.equals(batched.schema)
    assert explained.num_rows == len(LINES)
    expect_alike(explained.to_pylist(), batched.to_pylist())


@pytest.mark.parametrize("which", [None, "encoder", "decoder", "cross"])
@pytest.mark.parametrize("include", [[], ["--include", "scores,hidden_states,measures,next"]])
@pytest.mark.parametrize("kind", ["bart", "t5"])
def test_a_decoder_has_the_columns_of_batch(
    folder: Path, command: Callable[..., Any], kind: str, include: list[str], which: str | None
) -> None:
    """Its own and that of cross-attention as structs, or of one part its columns and keys."""
    for library in ("torch", "transformers", "tokenizers", "pyarrow"):
        pytest.importorskip(library)
    from models.word_translators import write_translator

    write_translator(folder / "model", kind)
    source, target = "das Haus ist klein", "The house is small ."
    (folder / "p.csv").write_text(f"a,b\n{source},{target}\n", encoding="utf-8")
    options = ["--model", "model", *include, *(["--part", which] if which else [])]
    batch = ("batch", "p.csv", "--column", "a", "--pair-column", "b", "-o", "b.parquet")
    for line in (batch, ("explain", source, "--pair", target, "-o", "e.parquet")):
        ended = command(*line, "-q", *options)
        assert ended.code == 0, ended.said
    (row,), (expected,) = table("e.parquet").to_pylist(), table("b.parquet").to_pylist()
    assert (row.pop("line"), expected.pop("line")) == (None, 2)
    expect_alike(row, expected)
    assert ("decoder" in row) == ("cross" in row) == (which is None)
    assert ("keys" in row) == (which == "cross")
    expected_json = command("explain", source, "--pair", target, *options, "--json").out
    assert command("view", "e.parquet", "--json").out == expected_json


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_way_of_writing_gives_the_same_file(
    folder: Path, command: Callable[..., Any], suffix: str
) -> None:
    """The command, a saved result drawn again, and both ways from Python, of several results."""
    pytest.importorskip("pyarrow")
    texts = ["money bank grows", "river bank"]
    assert command("explain", *texts, "-o", f"a.{suffix}").code == 0
    assert command("explain", *texts, "-o", "a.json").code == 0
    assert command("view", "a.json", "-o", f"b.{suffix}").code == 0
    results = attncli.explain(texts, include=())
    results.save(f"c.{suffix}")
    attncli.save(list(results), folder / f"d.{suffix}")
    files = [(folder / f"{name}.{suffix}").read_bytes() for name in "abcd"]
    assert files == [files[0]] * 4
    ended = command("diff", f"a.{suffix}", "a.json", "--tol", "0")
    assert (ended.code, ended.said) == (0, "")


def test_results_of_other_sizes_stand_in_one_file(folder: Path) -> None:
    """Layers and heads differ from row to row; fields that some lack are null there."""
    pytest.importorskip("pyarrow")
    several = [
        attncli.explain("money bank grows", include=("measures",)),
        attncli.explain("bank", attention="task", heads=3, include=("query",)),
        attncli.explain("river bank", include=()),
    ]
    attncli.save(several, folder / "x.parquet", exclude=["contextual"])
    found = table("x.parquet")
    assert [len(row[0]) for row in found["weights"].to_pylist()] == [1, 3, 1]
    assert [row is None for row in found["query"].to_pylist()] == [True, False, True]
    assert [row is None for row in found["measures"].to_pylist()] == [False, True, True]
    assert {"contextual", "scores"}.isdisjoint(found.column_names)
    for name, kind in (("weights", np.float32), ("query", np.float32)):
        values = found[name].combine_chunks().flatten()
        while hasattr(values, "flatten") and values.type.num_fields:
            values = values.flatten()
        ours = [getattr(r, name).ravel() for r in several if getattr(r, name) is not None]
        assert np.array_equal(values.to_numpy(), np.concatenate(ours).astype(kind))


def test_more_results_than_a_batch_of_records_holds(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In lots of few numbers or few rows, the rows and their order are the same."""
    pytest.importorskip("pyarrow")
    several = attncli.explain([f"{'bank ' * n}money" for n in range(7)])
    attncli.save(several, folder / "x.parquet")
    monkeypatch.setattr("attncli.views.columns._ROWS", 3)
    attncli.save(several, folder / "y.parquet")
    monkeypatch.setattr("attncli.views.columns._NUMBERS", 200)
    attncli.save(several, folder / "z.parquet")
    expected = table("x.parquet").to_pylist()
    assert [row["text"] for row in expected] == [result.text for result in several]
    assert table("y.parquet").to_pylist() == table("z.parquet").to_pylist() == expected


def test_what_offsets_cannot_count_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row of more numbers than 31 bits count ends in one line; the strongest keys may fit."""
    pytest.importorskip("pyarrow")
    monkeypatch.setattr("attncli.views.columns._MOST", 8)
    result = attncli.explain("money bank grows", include=())
    with pytest.raises(attncli.AttnError, match="found 9 numbers in one field, expected at most 8"):
        result.save("x.parquet", exclude=["contextual"])
    result.save("y.parquet", exclude=["contextual"], top=2)
    assert [path.name for path in folder.iterdir() if path.suffix == ".parquet"] == ["y.parquet"]


def test_other_programs_read_the_file(folder: Path, command: Callable[..., Any]) -> None:
    """DuckDB, polars and pandas have its rows and its numbers."""
    duckdb, polars, pandas = map(pytest.importorskip, ("duckdb", "polars", "pandas"))
    for suffix in SUFFIXES:
        assert command("explain", "money bank", "bank", "-o", f"x.{suffix}").code == 0
    weight = attncli.explain("money bank").matrix()[1, 0]
    ((text, number),) = duckdb.sql(
        "SELECT text, weights[1][1][2][1] FROM 'x.parquet' WHERE index = 0"
    ).fetchall()
    assert (text, np.float32(number)) == ("money bank", weight)
    for frame in (polars.read_parquet("x.parquet"), polars.read_ipc("x.arrow")):
        assert frame["text"].to_list() == ["money bank", "bank"]
    for frame in (pandas.read_parquet("x.parquet"), pandas.read_feather("x.feather")):
        assert frame.weights[0][0][0][1][0] == weight


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_missing_pyarrow_is_told_before_the_work(
    folder: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """Exit 14 before a file is opened: one that is not there is not noticed; what was there stays."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (folder / f"x.{suffix}").write_bytes(b"old")
    for line in (("explain", "-f", "no-such-file"), ("view", "no-such-file")):
        ended = command(*line, "-o", f"x.{suffix}")
        assert ended.code == 14, ended.said
        assert "needs the package pyarrow, which is not installed" in ended.said
        assert "pip install pyarrow" in ended.said
    with pytest.raises(MissingExtraError, match="pyarrow"):
        attncli.explain("bank").save(f"x.{suffix}")
    assert (folder / f"x.{suffix}").read_bytes() == b"old"
    assert len(list(folder.iterdir())) == 2


def test_half_of_a_surrogate_pair_is_refused_in_one_line(
    folder: Path, command: Callable[..., Any]
) -> None:
    """Such a text has no UTF-8; the file that was there stays, and JSON holds the text."""
    pytest.importorskip("pyarrow")
    record = attncli.explain("money bank").to_dict()
    record["tokens"][1]["text"] = "\ud83d"
    (folder / "r.json").write_text(json.dumps(record), encoding="utf-8")
    (folder / "x.parquet").write_bytes(b"old")
    ended = command("view", "r.json", "-o", "x.parquet")
    assert ended.code == 5
    (line,) = ended.said.splitlines()
    assert "found '\\ud83d' in a text, half of a surrogate pair" in line
    assert (folder / "x.parquet").read_bytes() == b"old"
    assert command("view", "r.json", "-o", "x.json").code == 0


@pytest.mark.parametrize("value", [1 << 31, 1 << 63, 10**30])
@pytest.mark.parametrize(
    "place", ["index", "line", "tokens.0.end", "vectors.dim", "vectors.words", "attention.window"]
)
def test_a_number_beyond_its_column_is_refused_in_one_line(
    folder: Path, command: Callable[..., Any], place: str, value: int
) -> None:
    """A record may hold any whole number; a column holds it, or says that it cannot."""
    pytest.importorskip("pyarrow")
    record = attncli.explain("money bank").to_dict()
    *names, last = (int(name) if name.isdigit() else name for name in place.split("."))
    part: Any = record
    for name in names:
        part = part[name]
    part[last] = value
    (folder / "r.json").write_text(json.dumps(record), encoding="utf-8")
    ended = command("view", "r.json", "-o", "x.parquet")
    if value < 1 << 63 and last in ("index", "line", "words"):
        assert ended.code == 0
        assert list(attncli.view("x.parquet")) == list(attncli.view("r.json"))
        return
    assert ended.code == 5
    (line,) = ended.said.splitlines()
    assert "found a whole number that its column cannot hold" in line
    assert not (folder / "x.parquet").exists()


@pytest.mark.parametrize("shape", [(2, 3), (3, 1), (2, 2, 3, 4)])
def test_foreign_matrices_come_back(
    folder: Path, command: Callable[..., Any], shape: tuple[int, ...]
) -> None:
    """Rectangular weights of another tool, of which neither text nor vectors are known."""
    pytest.importorskip("pyarrow")
    weights = np.random.default_rng(0).dirichlet(np.ones(shape[-1]), shape[:-1])
    np.save("w.npy", weights.astype(np.float32))
    for path in ("w.parquet", "w.json"):
        assert command("view", "w.npy", "-o", path).code == 0
    ended = command("diff", "w.parquet", "w.json", "--tol", "0")
    assert ended.code == 0, ended.text
    (found,), (expected,) = attncli.view("w.parquet"), attncli.view("w.json")
    assert found == expected
    assert found.is_cross
    assert np.array_equal(found.weights.reshape(shape), weights.astype(np.float32))


def test_digits_are_rounded_where_they_are_asked_for(
    folder: Path, command: Callable[..., Any]
) -> None:
    """As in JSON; unasked the float32 numbers are those of the result, to the last bit."""
    pytest.importorskip("pyarrow")
    result = attncli.explain("money bank grows")
    for name, digits in (("whole", []), ("short", ["--precision", "2"])):
        for suffix in ("parquet", "json"):
            assert command("explain", result.text, "-o", f"{name}.{suffix}", *digits).code == 0
        (found,), (expected,) = attncli.view(f"{name}.parquet"), attncli.view(f"{name}.json")
        assert found == expected
    (whole,), (short,) = attncli.view("whole.parquet"), attncli.view("short.parquet")
    assert np.array_equal(whole.weights, result.weights)
    assert np.array_equal(short.weights, np.round(result.weights.astype(float), 2).astype("f4"))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_has_no_columns_says_what_it_writes(
    folder: Path, command: Callable[..., Any], suffix: str
) -> None:
    """A comparison, two attentions side by side, and a map of heads; with a line that does write."""
    pytest.importorskip("pyarrow")
    name = f"x.{suffix}"
    compared = command("compare", "money bank", "river bank", "-o", name)
    beside = command("explain", "bank", "--model", "idioms", "--against", "general", "-o", name)
    for ended in (compared, beside):
        assert ended.code == 2
        assert f'found the suffix ".{suffix}", expected one of .html' in ended.said
        assert f"hint: attn explain TEXT --output weights.{suffix}" in ended.said
    mapped = command("explain", "bank", "--map", "-o", name)
    assert mapped.code == 2
    assert f"--map: found a .{suffix} file, which holds whole results" in mapped.said
    assert not (folder / name).exists()
