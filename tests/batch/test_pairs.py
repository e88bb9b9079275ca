"""Laws of batches whose rows have a second text, which a decoder or an encoder reads with the first."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.word_translators import write_translator
from schema import validator

import attncli
from attncli.errors import AttnError, ResumeError, UsageError
from attncli.insight.chosen_part import Part
from attncli.matrices.reading import read_saved
from attncli.results.result import AttentionResult

for library in ("torch", "transformers", "tokenizers", "pyarrow"):
    pytest.importorskip(library)

FORMATS = ("jsonl", "npz", "parquet", "arrow", "csv")
PARTS = (None, "encoder", "decoder", "cross")
ROWS = [
    ("a", "Das Haus ist klein", "The house is small ."),
    ("b", "der Hund schläft", "The dog sleeps and the cat"),
    ("c", "Milch", ""),
    ("d", "", "The cat"),
    ("e", "die Katze trinkt Milch am Abend", "milk"),
]
GOOD = [(at, source, target) for at, (_, source, target) in enumerate(ROWS) if source and target]


@pytest.fixture(scope="module")
def bart(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder whose encoder has 3 layers of 4 heads, its decoder 2 of 8."""
    folder = tmp_path_factory.mktemp("pairs") / "bart"
    write_translator(folder, "bart")
    return str(folder)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rows as CSV."""
    path = tmp_path_factory.mktemp("tables") / "pairs.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "source", "target"), *ROWS])
    return path


def written(table: Path, target: Path, bart: str, **choices: Any) -> bytes:
    """The bytes of a batch of the table."""
    given: dict[str, Any] = {"column": "source", "pair_column": "target", "workers": 1}
    attncli.batch(table, target, bart, **(given | choices))
    return target.read_bytes()


def read(path: Path) -> list[Any]:
    """All outcomes of a file."""
    with path.open("rb") as stream:
        return list(read_saved(stream, path.name))


@pytest.mark.parametrize("which", PARTS)
@pytest.mark.parametrize("suffix", FORMATS)
def test_each_format_holds_what_explain_says_of_each_pair(
    table: Path, bart: str, tmp_path: Path, suffix: str, which: Any
) -> None:
    """All parts, or the one that is chosen, with the tokens of rows and columns; errors in place."""
    digits = {"precision": "full"} if suffix in ("jsonl", "csv") else {}
    path = tmp_path / f"x.{suffix}"
    part = Part(which=which)
    written(table, path, bart, part=part, id_column="id", **digits)
    outcomes = read(path)
    assert [isinstance(one, AttnError) for one in outcomes] == [False, False, True, True, False]
    assert "the pair is empty" in outcomes[2].message
    assert "the sentence is empty" in outcomes[3].message
    for at, source, target in GOOD:
        expected = part.of(attncli.explain(source, bart, pair=target, include=()))
        found = outcomes[at]
        if suffix == "csv":
            for one, other in zip(_parts(found), _parts(expected), strict=True):
                assert np.array_equal(one.weights, other.weights)
                assert (one.words, one.key_words) == (other.words, other.key_words)
        else:
            assert found == replace(expected, index=at, line=at + 2)


def _parts(result: AttentionResult) -> list[AttentionResult]:
    return [part for part in (result, result.decoder, result.cross) if part is not None]


@pytest.mark.parametrize("which", [None, "cross"])
@pytest.mark.parametrize("suffix", FORMATS)
def test_bytes_are_those_of_any_number_of_workers_and_chunks(
    table: Path, bart: str, tmp_path: Path, suffix: str, which: Any
) -> None:
    """One worker and whole chunks, two and a row each; the strongest keys alone."""
    chosen: dict[str, Any] = {"part": Part(which=which), "top": 2}
    expected = written(table, tmp_path / f"x.{suffix}", bart, **chosen)
    again = written(table, tmp_path / f"y.{suffix}", bart, **chosen, workers=2, chunk=1)
    assert again == expected
    for at, source, target in GOOD:
        whole = Part(which=which).of(attncli.explain(source, bart, pair=target, include=()))
        for one, other in zip(
            _parts(read(tmp_path / f"x.{suffix}")[at]), _parts(whole), strict=True
        ):
            kept = np.sort(other.weights, axis=-1)[..., -2:].sum(axis=-1)
            assert np.abs(one.weights.sum(axis=-1) - kept).max() < 1e-5
            assert one.weights.shape == other.weights.shape
            assert (one.words, one.key_words) == (other.words, other.key_words)


def test_a_key_that_no_query_looks_at_most_keeps_its_word(
    table: Path, bart: str, tmp_path: Path
) -> None:
    """In CSV of cross-attention alone its row has no weight; no other row changes."""
    chosen: dict[str, Any] = {"part": Part(which="cross", layers=(0,), heads=(0,)), "top": 1}
    lines = written(table, tmp_path / "x.csv", bart, **chosen).decode().splitlines()
    rows = list(csv.DictReader(lines))
    silent = [row for row in rows if not row["weight"] and not row["error"]]
    assert silent
    for at, source, target in GOOD:
        of_row = [row for row in rows if row["line"] == str(at + 2)]
        whole = attncli.explain(source, bart, pair=target).cross
        assert whole is not None
        names = {int(row["key"]): row["key_word"] for row in of_row}
        assert names == dict(enumerate(whole.key_words))
        weighed = [row for row in of_row if row["weight"]]
        strongest = whole.weights[0, 0].argmax(axis=-1).tolist()
        assert [int(row["key"]) for row in weighed] == strongest
        assert [int(row["query"]) for row in weighed] == list(range(len(whole.words)))
    every = written(table, tmp_path / "y.csv", bart, part=chosen["part"]).decode()
    assert all(row["weight"] or row["error"] for row in csv.DictReader(every.splitlines()))


def test_a_table_without_silent_keys_is_read_as_before(
    table: Path, bart: str, tmp_path: Path
) -> None:
    """What earlier versions wrote of the strongest keys lacks them: the last columns are not known."""
    path = tmp_path / "x.csv"
    chosen: dict[str, Any] = {"part": Part(which="cross"), "top": 1}
    lines = written(table, path, bart, **chosen).decode().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if line.split(",")[4] or ",,,,,,," in line))
    for one, (_, source, target) in zip(
        (found for found in read(path) if not isinstance(found, AttnError)), GOOD, strict=True
    ):
        whole = attncli.explain(source, bart, pair=target).cross
        assert whole is not None
        width = one.weights.shape[-1]
        assert one.weights.shape[:-1] == whole.weights.shape[:-1]
        assert {*one.key_words} - {""} <= {*whole.key_words[:width]}


@pytest.mark.parametrize("suffix", ["jsonl", "npz", "csv"])
def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(
    table: Path, bart: str, tmp_path: Path, suffix: str
) -> None:
    """Stopped behind its second row; with another second text before that it is refused."""
    expected = written(table, tmp_path / f"x.{suffix}", bart)

    def stop(done: int, _: int) -> None:
        if done >= 2:
            raise KeyboardInterrupt

    target, copy = tmp_path / f"y.{suffix}", tmp_path / "other.csv"
    for place in ("first", "second"):
        with pytest.raises(KeyboardInterrupt):
            written(table, tmp_path / f"{place}.{suffix}", bart, chunk=1, watch=stop)
    again = written(table, tmp_path / f"first.{suffix}", bart, chunk=2, resume=True)
    assert again == expected
    copy.write_text(table.read_text(encoding="utf-8").replace("small", "big"), encoding="utf-8")
    with pytest.raises(ResumeError):
        written(copy, tmp_path / f"second.{suffix}", bart, resume=True)
    with pytest.raises(ResumeError, match="pair_column was"):
        written(table, tmp_path / f"second.{suffix}", bart, resume=True, pair_column="id")
    assert not target.exists()


def _as_table(path: Path, rows: list[dict[str, Any]]) -> None:
    """Rows in the format of a suffix."""
    if path.suffix == ".parquet":
        import pyarrow
        from pyarrow import parquet

        parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    else:
        mark = "\t" if path.suffix == ".tsv" else ","
        lines = [mark.join(rows[0]), *(mark.join(map(str, row.values())) for row in rows)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_every_kind_of_table_has_pairs(bart: str, tmp_path: Path, suffix: str) -> None:
    """CSV, TSV, JSON lines and Parquet give the same records; columns of Parquet have numbers too."""
    rows = [{"source": source, "target": target} for _, source, target in GOOD]
    _as_table(tmp_path / f"x.{suffix}", rows)
    found = written(tmp_path / f"x.{suffix}", tmp_path / "x.out.jsonl", bart)
    _as_table(tmp_path / "plain.csv", rows)
    expected = written(tmp_path / "plain.csv", tmp_path / "plain.jsonl", bart)
    without = [
        [{**json.loads(line), "line": 0} for line in of.splitlines()] for of in (found, expected)
    ]
    assert without[0] == without[1]
    for line in expected.splitlines():
        validator().validate(json.loads(line))
    if suffix == "parquet":
        numbers = {"column": "1", "pair_column": "2"}
        assert written(tmp_path / f"x.{suffix}", tmp_path / "y.jsonl", bart, **numbers) == found


def test_a_table_without_a_header_is_read_by_numbers(bart: str, tmp_path: Path) -> None:
    """Its first line is a pair."""
    (tmp_path / "x.tsv").write_text("Milch\tmilk\nDas Haus\tThe house\n", encoding="utf-8")
    numbers = {"column": "1", "pair_column": "2"}
    lines = written(tmp_path / "x.tsv", tmp_path / "y.jsonl", bart, **numbers).splitlines()
    assert [json.loads(line)["decoder"]["text"] for line in lines] == ["milk", "The house"]


def test_a_pair_that_is_none_is_the_error_of_its_row(bart: str, tmp_path: Path) -> None:
    """Missing, null, a number, blanks, too long, without a word: the others go on."""
    given: list[Any] = [
        {"text": "Milch", "pair": "milk"},
        {"text": "Milch"},
        {"text": "Milch", "pair": None},
        {"text": "Milch", "pair": 3},
        {"text": "Milch", "pair": "  "},
        {"text": "Milch", "pair": " ".join(["milk"] * 80)},
        "Milch",
        {"text": "Das Haus", "pair": "The house"},
    ]
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in given), encoding="utf-8")
    lines = written(path, tmp_path / "y.jsonl", bart, column=None, pair_column="pair").splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["type"] for record in records] == ["result", *["error"] * 6, "result"]
    said = [record.get("message", "") for record in records]
    assert said[1] == 'found no column "pair", expected one of "text"'
    assert said[2] == "found null in the place of the pair, expected a text"
    assert said[3] == "found a number in the place of the pair, expected a text"
    assert said[4] == "the pair is empty, expected at least one word"
    assert said[5] == "82 tokens, the decoder of bart reads at most 64"
    assert "in the place of the pair" in said[6]
    assert [record["code"] for record in records[1:7]] == [
        *("data", "data", "data", "empty", "limit", "data")
    ]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--pair", "The house"], "--pair-column: found --pair too, expected one of them"),
        (["--complete", "3"], "--pair-column: found --complete too, expected one of them"),
        (["--pair-column", "nothing"], '--pair-column: found no column "nothing"'),
        (["--pair-column", "source"], "which is the column of the text, expected another"),
        (["--pair-column", "9"], "the name of a column or a number from 1 to 3"),
        (["--input-format", "text"], "--pair-column: found --input-format text too"),
    ],
)
def test_what_cannot_be_a_column_of_pairs_is_refused(
    command: Callable[..., Any],
    table: Path,
    bart: str,
    tmp_path: Path,
    more: list[str],
    said: str,
) -> None:
    """One line, the code of a wrong option, and no file."""
    columns = ["--column", "source", "--pair-column", "target"]
    ended = command(
        "batch", str(table), "--model", bart, "-o", str(tmp_path / "x"), *columns, *more
    )
    assert ended.code == 2
    assert said in ended.said
    assert list(tmp_path.iterdir()) == []


def test_vectors_of_words_read_no_second_text(table: Path, tmp_path: Path) -> None:
    """General attention refuses the column, and names what reads it."""
    with pytest.raises(UsageError, match="only a transformer"):
        attncli.batch(table, tmp_path / "x.jsonl", column="source", pair_column="target")


def test_one_second_text_and_a_written_one_have_all_parts(bart: str, tmp_path: Path) -> None:
    """`pair` is read beside each sentence, `complete` writes one for each; a record is that of explain."""
    (tmp_path / "s.txt").write_text("Das Haus\nMilch\n", encoding="utf-8")
    for number, choices in enumerate(({"pair": "The house"}, {"complete": 5})):
        path = tmp_path / f"{number}.npz"
        attncli.batch(tmp_path / "s.txt", path, bart, workers=1, **choices)  # type: ignore[arg-type]
        for at, (found, text) in enumerate(zip(read(path), ("Das Haus", "Milch"), strict=True)):
            expected = attncli.explain(text, bart, include=(), **choices)  # type: ignore[arg-type]
            assert found == replace(expected, index=at, line=at + 1)


def test_a_decoder_that_is_given_no_text_is_said(
    command: Callable[..., Any], bart: str, tmp_path: Path
) -> None:
    """The records are those of the encoder alone, and a note names what gives the rest."""
    (tmp_path / "s.txt").write_text("Das Haus\n", encoding="utf-8")
    ended = command("batch", str(tmp_path / "s.txt"), "--model", bart)
    assert "records hold the attention of the encoder; --pair-column NAME" in ended.said
    assert set(json.loads(ended.text)) >= {"weights"}
    assert "decoder" not in json.loads(ended.text)
    quiet = command("batch", str(tmp_path / "s.txt"), "--model", bart, "-q")
    assert (quiet.said, quiet.text) == ("", ended.text)
