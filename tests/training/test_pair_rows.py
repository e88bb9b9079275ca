"""Pairs of sentences in files and from Python: what is learned of which columns, and what is refused."""

import csv
import json
from dataclasses import replace

import pytest
from training_pairs import write_pairs

import attncli
from attncli.errors import AttnError
from attncli.models.trained import load_model, model_bytes
from attncli.reading.embedder import open_embedder
from attncli.reading.reader import ReadingSettings
from attncli.training.columns import Columns
from attncli.training.examples import prepare
from attncli.training.pair_task import pair_task_of, score_range_of
from attncli.training.resume import examples_hash
from attncli.training.rows import read_table

QUICK = {"epochs": 2, "heads": 2, "committee": 1, "landmarks": 0}
TASKS = ("similarity", "relation", "match")


def prepared_of(path, **columns):
    """The rows of a file, prepared, and those of no use."""
    rows, bad = read_table(str(path), None, columns=Columns(**columns))
    embedder, _ = open_embedder("glove", ReadingSettings(oov="zero"))
    return prepare(rows, embedder, bad=bad), bad


@pytest.mark.parametrize("task", TASKS)
def test_the_columns_say_what_is_learned(task, tmp_path):
    """A score is similarity, a label a relation, neither pairs that belong together."""
    prepared, bad = prepared_of(write_pairs(tmp_path / "p.tsv", task))
    assert prepared.pair == task
    assert not bad.errors
    examples = prepared.examples
    assert len(examples.pairs) == len(examples.rows) == 24
    assert prepared.labels == (("other", "same") if task == "relation" else ())
    assert prepared.score_range == ((0.0, 5.0) if task == "similarity" else None)
    if task == "similarity":
        assert set(examples.scores) == {0.1, 0.9}


@pytest.mark.parametrize("task", TASKS)
def test_every_format_gives_the_same_model(task, tmp_path):
    """TSV, CSV with other names, JSON lines, Parquet and rows from Python are one model, byte by byte."""
    table = write_pairs(tmp_path / "p.tsv", task)
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    names = {"text": "First", "pair": "Second", "score": "How", "label": "Class"}
    with (tmp_path / "p.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow([names[name] for name in rows[0]])
        writer.writerows([[str(cell).replace(".", ",") for cell in row.values()] for row in rows])
    lines = tmp_path / "p.jsonl"
    plain = [{k: float(v) if k == "score" else v for k, v in row.items()} for row in rows]
    lines.write_text("".join(json.dumps(row) + "\n" for row in plain), encoding="utf-8")
    named = {f"{name}_column": names[name] for name in rows[0]}
    given = [
        attncli.Row(row["text"], row.get("label"), pair=row["pair"], score=row.get("score"))
        for row in plain
    ]
    models = [
        attncli.train(source, **QUICK, **columns)
        for source, columns in (
            (table, {}),
            (tmp_path / "p.csv", named),
            (lines, {}),
            (given, {}),
        )
    ]
    assert len({model_bytes(model) for model in models}) == 1
    assert models[0].architecture.pair == task


def test_parquet_gives_the_same_model(tmp_path):
    """A Parquet file with numbers for scores is the same model as a table of texts."""
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = write_pairs(tmp_path / "p.tsv", "similarity")
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    columns["score"] = [float(score) for score in columns["score"]]
    parquet.write_table(pa.table(columns), tmp_path / "p.parquet")
    one, other = (attncli.train(tmp_path / f"p.{kind}", **QUICK) for kind in ("tsv", "parquet"))
    assert model_bytes(one) == model_bytes(other)


@pytest.mark.parametrize("task", TASKS)
def test_a_model_of_pairs_is_read_back(task, tmp_path):
    """A written model reads back the same, in a format that says it is of pairs."""
    model = attncli.train(write_pairs(tmp_path / "p.tsv", task), **QUICK)
    (tmp_path / "m").write_bytes(model_bytes(model))
    again = load_model(tmp_path / "m")
    assert model_bytes(again) == model_bytes(model)
    assert again.architecture == model.architecture
    assert again.score_range == model.score_range
    assert b'"format": 2' in model_bytes(model).replace(b"\\", b"")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"format": 1}, "contradict"),
        ({"format": 3}, "expected 1 or 2"),
        ({"score_range": [1, 1]}, "range"),
        ({"score_range": [0, None]}, "range"),
        ({"score_range": None}, "list"),
        ({"architecture": {"pair": "brotherhood"}}, "unknown task"),
        ({"architecture": {"pair": None}}, "contradict"),
        ({"architecture": {"readout": "target"}}, "whole"),
    ],
)
def test_a_damaged_model_of_pairs_is_refused(changed, said, tmp_path):
    """What contradicts itself in the description is one clear error."""
    from safetensors.numpy import load, save

    model = attncli.train(write_pairs(tmp_path / "p.tsv", "similarity"), **QUICK)
    content = model_bytes(model)
    size = int.from_bytes(content[:8], "little")
    facts = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["attn"])
    for name, value in changed.items():
        facts[name] = facts[name] | value if isinstance(value, dict) else value
    (tmp_path / "m").write_bytes(save(load(content), {"attn": json.dumps(facts)}))
    with pytest.raises(AttnError, match=said):
        load_model(tmp_path / "m")


@pytest.mark.parametrize(
    ("content", "columns", "said"),
    [
        (
            "text\tpair\tscore\tlabel\na b\tc d\t1\tx\n",
            {},
            "found a label beside pairs with a score",
        ),
        ("text\tpair\ttarget\na b\tc d\ta\n", {}, "found target beside pairs"),
        ("text\tpair\tscore\na b\tc d\t1\na b\td c\t1\n", {}, "every pair has the score 1"),
        ("text\tpair\na b\tc d\n", {}, "found one pair of sentences"),
        ("text\tpair\tlabel\na b\tc d\tx\na b\td\tx\n", {}, 'every pair has the label "x"'),
        ("text\tlabel\na b\tc\n", {"score": "label"}, "no row with a second sentence"),
        ("text\tlabel\na b\tc\n", {"pair": "2nd"}, 'found no column "2nd"'),
        ("text\tscore\na b\t2\n", {}, "expected one with label"),
    ],
)
def test_what_the_columns_do_not_say_is_one_error(content, columns, said, tmp_path):
    """Two tasks at once, nothing to learn, or no second sentence: what is wrong is said."""
    path = tmp_path / "p.tsv"
    path.write_text(content, encoding="utf-8")
    named = {f"{name}_column": column for name, column in columns.items()}
    with pytest.raises(AttnError, match=said):
        attncli.train(path, **QUICK, **named)


def test_a_named_column_decides_between_score_and_label(tmp_path):
    """With a score and a label in a file, the column that is named says what is learned."""
    path = tmp_path / "p.tsv"
    path.write_text("text\tpair\tscore\tlabel\na b\tc d\t1\tx\na\tc\t2\ty\n", encoding="utf-8")
    assert prepared_of(path, score="score")[0].pair == "similarity"
    assert prepared_of(path, label="label")[0].pair == "relation"


@pytest.mark.parametrize("suffix", ["tsv", "jsonl"])
def test_a_score_may_stand_in_a_column_called_label(suffix, tmp_path):
    """A column that is named for one thing is not taken for another that it is called as."""
    path = tmp_path / f"p.{suffix}"
    rows = [{"text": "a b", "pair": "c d", "label": 1.5}, {"text": "a", "pair": "c", "label": 3}]
    lines = [json.dumps(row) for row in rows]
    if suffix == "tsv":
        lines = ["\t".join(rows[0]), *("\t".join(map(str, row.values())) for row in rows)]
    path.write_text("\n".join(lines), encoding="utf-8")
    prepared, bad = prepared_of(path, score="label")
    assert not bad.errors
    assert (prepared.pair, prepared.scores) == ("similarity", (1.5, 3.0))


def test_a_column_called_score_is_passed_over_without_pairs(tmp_path):
    """Single sentences with labels are learned as before, whatever stands in other columns."""
    path = tmp_path / "p.tsv"
    path.write_text("text\tlabel\tscore\na b\tx\thigh\na\ty\tlow\n", encoding="utf-8")
    prepared, bad = prepared_of(path)
    assert prepared.pair is None
    assert not bad.errors


def test_bad_rows_are_named_by_line(tmp_path):
    """A row without a second sentence, with a score that is none, or with no word is told by line."""
    path = tmp_path / "p.tsv"
    lines = ["a dog\ta cat\t1", "a dog\t\t2", "a\tb\thigh", "a dog\t...\t3", "the dog\ta cow\t4"]
    path.write_text("\n".join(["text\tpair\tscore", *lines]) + "\n", encoding="utf-8")
    _, bad = prepared_of(path)
    said = {error.place: error.message for error in bad.errors}
    assert {place.rpartition(":")[2] for place in said} == {"3", "4", "5"}
    assert "found no pair" in said[f"{path}:3"]
    assert "expected a number" in said[f"{path}:4"]
    with pytest.raises(AttnError, match="line 4: the score is"):
        attncli.train(path, **QUICK)
    assert attncli.train(path, **QUICK, skip_bad=True).training["examples"] == 2


def test_unknown_words_keep_their_place(tmp_path):
    """A word without a vector is a row of zeros in its place, in both sentences."""
    path = tmp_path / "p.tsv"
    path.write_text("text\tpair\nthe qqzz dog\ta dog qqzz\na cat\tcats\n", encoding="utf-8")
    examples = prepared_of(path)[0].examples
    for rows, place in ((examples.rows[0], 1), (examples.pairs[0], 2)):
        assert len(rows) == 3
        assert not examples.table[rows[place]].any()


@pytest.mark.parametrize(
    ("scores", "span"),
    [
        ((0.0, 1.0), (0, 1)),
        ((0.2, 0.9), (0, 1)),
        ((1.2, 4.8), (1, 5)),
        ((0, 100), (0, 100)),
        ((-0.5, 0.5), (-1, 1)),
        ((3, 3), (3, 4)),
    ],
)
def test_the_range_is_the_whole_numbers_around(scores, span):
    """A cosine of 0 stands for the whole number below all scores, of 1 for the one above."""
    assert score_range_of(scores) == span


def test_nothing_beside_a_sentence_is_no_pair():
    """Rows without a second sentence are what they were, whatever else they hold."""
    assert pair_task_of([attncli.Row("a", "x"), attncli.Row("b", "y", score=1.0)]) is None


def test_a_training_of_other_pairs_is_another(tmp_path):
    """What a resumed training must agree in holds second sentences and scores, each on its own."""
    whole = prepared_of(write_pairs(tmp_path / "p.tsv", "similarity"))[0].examples
    others = (
        replace(whole, pairs=[*whole.pairs[1:], whole.pairs[0]]),
        replace(whole, scores=whole.scores[::-1] / 2),
        replace(whole, pairs=None, scores=None),
    )
    digests = {examples_hash(one) for one in (whole, *others)}
    assert len(digests) == 4
    assert examples_hash(replace(whole)) in digests
