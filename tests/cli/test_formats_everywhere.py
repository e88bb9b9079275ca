"""Every mechanism, in every format, in every choice of part: the files of a run hold one result."""

import json
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from attncli.errors import AttnError
from attncli.matrices.reading import read_saved
from attncli.matrices.whole_bytes import open_matrix_file

PARTS: dict[str, list[str]] = {
    "whole": [],
    "last layer": ["--layer", "-1", "--head", "-1,0"],
    "mean": ["--agg", "mean"],
    "most": ["--agg", "max:layers,heads"],
    "hidden": ["--hide", "bank", "--hide", "special"],
    "merged": ["--merge"],
    "few fields": ["--exclude", "contextual,model"],
    "all fields": ["--include", "embeddings,query,key,value,scores,measures"],
}
OWN = "1,2;0,1;1,1;2,0;0,0;1,0|0,1;1,0;1,2;2,1;0,1;1,1"  # 6 × 2 for each of two heads
MECHANISMS: dict[str, list[str]] = {
    "general": ["--vectors", "random", "--dim", "6"],
    "task": ["--attention", "task", "--heads", "2", "--vectors", "random", "--dim", "6"],
    "given": ["--vectors", "random", "--dim", "6", "--w-v", OWN, "--w-q", OWN, "--w-k", OWN],
    "trained": ["--model", "idioms"],
    "transformer": ["--model", "bert"],
    "pair": ["--model", "bert", "--pair", "the river"],
}
LINES = ("money bank, grows", "a piece of cake", "unhappily", "unhappiness grows", "3 =1+1 ; bank")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with sentences and a small checkpoint, to stand in."""
    pytest.importorskip("tokenizers")
    made = pytest.importorskip("models.made")
    made.write_model(tmp_path / "bert")
    (tmp_path / "s.txt").write_text("\n".join(LINES) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(path: str) -> list[Any]:
    """All outcomes of a file; errors as what can be compared."""
    with open_matrix_file(path) as stream:
        return [
            (type(one), one.message) if isinstance(one, AttnError) else one
            for one in read_saved(stream, path)
        ]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_the_files_of_a_batch_are_one(
    folder: Path, command: Callable[..., Any], mechanism: str, part: str
) -> None:
    """npz, Parquet and Arrow hold what JSON lines hold; CSV its words, weights and names."""
    pytest.importorskip("pyarrow")
    options = [*MECHANISMS[mechanism], *PARTS[part]]
    for suffix in ("jsonl", "npz", "parquet", "arrow", "csv"):
        exact = ["--precision", "full"] if suffix in ("jsonl", "csv") else []
        ended = command("batch", "s.txt", "-o", f"a.{suffix}", "-q", *exact, *options)
        assert ended.code in (0, 3), ended.said
    expected = read("a.jsonl")
    for suffix in ("npz", "parquet", "arrow"):
        assert read(f"a.{suffix}") == expected, suffix
    for suffix in ("csv", "npz"):
        ended = command("diff", f"a.{suffix}", "a.jsonl", "--tol", "0")
        assert ended.code in (0, 3), ended.text + ended.said
        assert ("holds no text" in ended.text) == (suffix == "csv")


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_batch_holds_the_records_of_explain(
    folder: Path, command: Callable[..., Any], mechanism: str, part: str
) -> None:
    """Every choice of part and fields gives the same result of a sentence, but for last digits."""
    options, full = [*MECHANISMS[mechanism], *PARTS[part]], ["--precision", "full"]
    assert command("batch", "s.txt", "-o", "a.jsonl", "-q", *full, *options).code in (0, 3)
    assert command("explain", "-f", "s.txt", "-o", "b.json", "-q", *options).code in (0, 3)
    for batched, explained in zip(read("a.jsonl"), read("b.json"), strict=True):
        if isinstance(explained, tuple):
            assert batched == explained
            continue
        for (place, ours), (other, theirs) in zip(
            leaves(batched.to_dict()), leaves(explained.to_dict()), strict=True
        ):
            assert place == other
            if isinstance(ours, float):
                assert math.isclose(ours, theirs, rel_tol=2e-5, abs_tol=2e-6), place
            else:
                assert ours == theirs, place


def leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in a record that holds no other, and where it stands."""
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in inner:
            yield from leaves(part, f"{place}.{key}")
    else:
        yield place, value


@pytest.mark.parametrize("part", [name for name in PARTS if name != "few fields"])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_the_files_of_explain_are_one(
    folder: Path, command: Callable[..., Any], mechanism: str, part: str
) -> None:
    """JSON with every field is what npz and columns hold; CSV and TSV its words, weights and names."""
    pytest.importorskip("pyarrow")
    fields = ["--include", "embeddings,query,key,value,scores,measures"]
    options = [*MECHANISMS[mechanism], *PARTS[part], *(fields if part != "all fields" else [])]
    for suffix in ("json", "npz", "parquet", "arrow", "csv", "tsv"):
        ended = command("explain", LINES[0], "-o", f"a.{suffix}", "-q", *options)
        assert ended.code == 0, ended.said
    for suffix in ("npz", "parquet", "arrow"):
        assert read(f"a.{suffix}") == read("a.json"), suffix
    for suffix in ("csv", "tsv", "npz", "parquet"):
        ended = command("diff", f"a.{suffix}", "a.json", "--tol", "0")
        assert ended.code == 0, ended.text + ended.said


@pytest.mark.parametrize("part", ["merged", "mean", "whole"])
@pytest.mark.parametrize("mechanism", ["task", "transformer"])
def test_a_record_that_lost_a_field_says_so(
    folder: Path, command: Callable[..., Any], mechanism: str, part: str
) -> None:
    """A field that was asked for is in a record, or a warning of this record says that it is not."""
    pytest.importorskip("pyarrow")
    asked = ["--include", "query,key,embeddings"]
    options = [*MECHANISMS[mechanism], *PARTS[part], *asked]
    made = {f"b.{suffix}": ["batch", "s.txt"] for suffix in ("jsonl", "npz", "parquet", "arrow")}
    made |= {f"e.{suffix}": ["explain", "-f", "s.txt"] for suffix in ("json", "npz", "feather")}
    for path, given in made.items():
        ended = command(*given, "-o", path, "-q", *options)
        assert ended.code in (0, 3), ended.said
    command("explain", "-f", "s.txt", *MECHANISMS[mechanism], *asked, "-o", "w.json")
    command("view", "w.json", "-o", "v.npz", *PARTS[part])
    lost = set()
    for path in (*made, "v.npz"):
        for one in read(path):
            if isinstance(one, tuple):
                continue
            said = [
                w.message.partition(" left out")[0] for w in one.warnings if w.code == "left-out"
            ]
            missing = [name for name in ("query", "key") if getattr(one, name) is None]
            assert said == ([", ".join(missing)] if missing else []), (path, one.text)
            assert one.embeddings is not None
            lost.add(bool(missing))
    merges = mechanism == "transformer" and part == "merged"
    assert lost == ({True, False} if merges else {part == "mean"})


def test_what_was_left_out_is_told_of_fields_that_were_asked_for(
    folder: Path, command: Callable[..., Any]
) -> None:
    """A page, whose script needs scores that nobody asked for, says nothing of their loss."""
    for merge in (["--merge"], ["--agg", "mean"]):
        ended = command("explain", "unhappily", "-o", "p.html", "--model", "bert", *merge)
        assert ended.code == 0
        assert "left out" not in ended.said
        assert "left out" not in (folder / "p.html").read_text(encoding="utf-8")
        ended = command("batch", "s.txt", "--model", "bert", *merge, "--include", "query")
        assert "query: left out of records that" in ended.said
        ended = command("batch", "s.txt", "--model", "bert", *merge)
        assert "left out" not in ended.said


@pytest.mark.parametrize("way", ["explain", "batch"])
@pytest.mark.parametrize("part", [*PARTS, "first head", "first heads", "second head"])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_what_a_table_does_not_hold_is_said_in_words(
    folder: Path, command: Callable[..., Any], mechanism: str, part: str, way: str
) -> None:
    """A choice, or that nothing was learned, comes back from CSV, or stderr says that it will not."""
    heads = {"first head": "0", "first heads": "0,1", "second head": "1"}
    chosen = ["--head", heads[part]] if part in heads else PARTS[part]
    options = [*MECHANISMS[mechanism], *chosen]
    if way == "explain":
        made = [
            command("explain", "unhappiness grows", "-o", f"a.{f}", *options)
            for f in ("json", "csv")
        ]
    else:
        (folder / "one.txt").write_text("unhappiness grows\n")
        made = [command("batch", "one.txt", "-o", f"a.{f}", *options) for f in ("jsonl", "csv")]
    if any(ended.code for ended in made):  # a head that is not there
        assert part.endswith(("head", "heads", "layer"))
        return
    (whole,), (table,) = read("a.json" if way == "explain" else "a.jsonl"), read("a.csv")
    (said,) = (
        line for line in made[1].said.splitlines() if "holds words and weights alone" in line
    )
    before, after = whole.selection or {}, table.selection or {}
    for axis in ("layers", "heads"):
        lost = after.get(axis) != before.get(axis)
        only = f"--{axis[:-1]} -1" in " ".join(options) and way == "batch"  # a number not yet known
        assert lost == (re.search(f"that {axis[:-1]}s? 0.*chosen", said) is not None) or only
    assert ("that pieces were merged" in said) == bool(before.get("merged"))
    assert ("how much weight they had" in said) == (
        "hidden" in before or (way == "batch" and part == "hidden")
    )
    untrained = whole.model is not None and whole.model.is_untrained
    assert ("untrained" in said) == untrained or part == "few fields"
    assert ("second sentence" in said) == (whole.pair is not None)
    for jargon in ("selection", "segments"):
        assert jargon not in said


@pytest.mark.parametrize("suffix", ["npz", "csv", "parquet", "jsonl"])
def test_a_sentence_that_failed_has_its_place(command, tmp_path, suffix):
    """In a file without lines it is the number by which --index has it, in JSON lines the line."""
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    (tmp_path / "x.txt").write_text("money bank\n...\nriver\n!\n", encoding="utf-8")
    path = str(tmp_path / f"w.{suffix}")
    assert command("batch", str(tmp_path / "x.txt"), "-o", path).code == 3
    said = command("view", path, "--json").said
    for at in (1, 3):
        place = f"{path}:{at + 1}" if suffix == "jsonl" else f"{path}, record {at}"
        assert f"attn: error: {place}: this sentence failed: no word in " in said
        assert command("view", path, "--index", str(at)).said.startswith(f"attn: error: {place}: ")


@pytest.mark.parametrize("name", ["npz", "csv", "parquet", "arrow", "jsonl"])
def test_chunks_without_any_result_are_written(command, tmp_path, name):
    """Chunk after chunk of nothing but sentences that failed; those between them keep their numbers."""
    if name in ("parquet", "arrow"):
        pytest.importorskip("pyarrow")
    for lines, left in (("...\n!\n", []), ("...\n!\nmoney\n?\n!\nold bank\n", [2, 5])):
        (tmp_path / "x.txt").write_text(lines, encoding="utf-8")
        path = str(tmp_path / f"w.{name}")
        given = ("batch", str(tmp_path / "x.txt"), "-o", path, "--force", "--workers", "1")
        ended = command(*given, "--chunk", "1")
        assert ended.code == (3 if left else 4), ended.said
        records = command("view", path, "--json").text.splitlines()
        assert [json.loads(record)["index"] for record in records] == left
