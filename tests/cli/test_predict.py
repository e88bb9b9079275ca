"""`attn predict`: every row with its cells, the label of `attn explain`, and the words that counted."""

import contextlib
import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import child_environment
from hypothesis import example
from hypothesis import given as given_any
from hypothesis import strategies as st
from training_data import QUICK

import attncli
from attncli.cli.app import run
from attncli.errors import AttnError
from attncli.learning.contributions import LabelReading
from attncli.learning.minibatches import Examples, batch_of
from attncli.models.trained import load_model

SENTENCES = (
    "the money near the bank",
    "a river, slow; and a bank | of mud 😀",
    '=SUM(A1) at the "bank"',
    "naïve loans of the bank qqzzy",
    "the shore",
)
OUTPUTS = ("csv", "tsv", "jsonl", "json", "parquet")
INPUTS = ("csv", "semicolons", "tsv", "utf-16", "jsonl", "json", "parquet", "txt")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model of sentences and one of targets."""
    folder = tmp_path_factory.mktemp("models") / "with space"
    folder.mkdir()
    words = (("money", "loan", "cash"), ("river", "mud", "shore"))
    lines = [
        f"the {words[i % 2][i % 3]} near the bank\t{'river' if i % 2 else 'money'}\tbank"
        for i in range(24)
    ]
    made = {}
    for name, columns in (("sentence", 2), ("target", 3)):
        table, path = folder / f"{name}.tsv", folder / f"{name}.safetensors"
        rows = ["text\tlabel\ttarget", *lines]
        table.write_text("".join("\t".join(r.split("\t")[:columns]) + "\n" for r in rows))
        assert run(["train", str(table), "-o", str(path), *QUICK, "-q"]) == 0
        made[name] = path
    return made


def given(folder: Path, kind: str, sentences=SENTENCES) -> tuple[Path, list[str]]:
    """A file of a kind that holds these sentences, and the options that name its column."""
    suffix = {"semicolons": "csv", "utf-16": "csv"}.get(kind, kind)
    path = folder / f"in.{suffix}"
    records = [{"Id": f"n{i}", "Comment": s} for i, s in enumerate(sentences)]
    if kind == "txt":
        path.write_text("".join(s + "\n" for s in sentences), encoding="utf-8")
        return path, []
    if kind == "jsonl":
        path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    elif kind == "json":
        path.write_text(json.dumps(records), encoding="utf-8")
    elif kind == "parquet":
        pyarrow = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pyarrow.Table.from_pylist(records), path)
    elif kind == "tsv":
        path.write_text("Id\tComment\n" + "".join(f"{r['Id']}\t{r['Comment']}\n" for r in records))
    else:
        delimiter = ";" if kind == "semicolons" else ","
        text = io.StringIO()
        writer = csv.DictWriter(text, ["Id", "Comment"], delimiter=delimiter)
        writer.writeheader()
        writer.writerows(records)
        path.write_bytes(text.getvalue().encode("utf-16" if kind == "utf-16" else "utf-8"))
    return path, ["--text-column", "comment"]


def read_back(path: Path, delimiter: str = ",") -> list[tuple[str | None, str, str, list[str]]]:
    """Id, text, label and probability and words of each row of an output, whatever its kind."""
    kind = path.suffix[1:]
    if kind in ("csv", "tsv"):
        quoting = csv.QUOTE_MINIMAL if kind == "csv" else csv.QUOTE_NONE
        text = io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")
        records = list(
            csv.DictReader(text, delimiter="\t" if kind == "tsv" else delimiter, quoting=quoting)
        )
        for record in records:
            record["words"] = [w for w in record["words"].split() if not w.startswith("(")]
    elif kind == "parquet":
        records = pytest.importorskip("pyarrow.parquet").read_table(path).to_pylist()
    elif kind == "json":
        records = json.loads(path.read_text(encoding="utf-8"))
    else:
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows = []
    for record in records:
        words = [w if isinstance(w, str) else w["word"] for w in record["words"]]
        text = record.get("Comment", record.get("text"))
        text = text.removeprefix("'") if kind in ("csv", "tsv") else text
        sure = "" if record["probability"] in ("", None) else f"{float(record['probability']):.4f}"
        rows.append((record.get("Id"), text, record["label"] or "", sure, words))
    return rows


@pytest.mark.parametrize("name", ["sentence", "target"])
@pytest.mark.parametrize("kind", INPUTS)
def test_every_input_gives_every_output_the_same_rows(
    command, models, tmp_path, kind: str, name: str
) -> None:
    """In order, with the cells that were there, of a model of sentences and of targets."""
    path, options = given(tmp_path, kind)
    outputs = [o for o in OUTPUTS if o != "parquet" or _has_pyarrow()]
    seen = []
    for output in outputs:
        out = tmp_path / f"out.{output}"
        ended = command(
            *("predict", str(path), "--model", str(models[name]), *options, "-o", str(out)),
            "--skip-bad",
        )
        assert ended.code == 0, ended.said
        rows = read_back(out, ";" if kind == "semicolons" else ",")
        assert [row[1] for row in rows] == list(SENTENCES), output
        if kind != "txt":
            assert [row[0] for row in rows] == ["n0", "n1", "n2", "n3", "n4"]
        seen.append([row[2:] for row in rows])
    assert all(one == seen[0] for one in seen)
    assert [bool(row[0]) for row in seen[0]] == [True] * 4 + [name == "sentence"]


def _has_pyarrow() -> bool:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        return False
    return True


@pytest.mark.parametrize("name", ["sentence", "target", "idioms"])
def test_a_row_has_the_label_that_explain_shows(command, models, tmp_path, name: str) -> None:
    """And its probability, for every row."""
    sentences = SENTENCES[:4]
    if name == "idioms":
        sentences = (
            "that exam was a piece of cake",
            "he ate a piece of cake",
            "she spilled the beans",
        )
    path, _ = given(tmp_path, "txt", sentences)
    model = str(models.get(name, name))
    rows = [
        json.loads(line)
        for line in command("predict", str(path), "--model", model, "--json").out.splitlines()
    ]
    ended = command("explain", "-f", str(path), "--model", model, "--json")
    shown = [json.loads(line)["model"] for line in ended.out.splitlines()]
    assert len(rows) == len(shown) == len(sentences)
    for row, one in zip(rows, shown, strict=True):
        assert row["label"] == one["label"]
        assert row["probability"] == pytest.approx(one["probabilities"][one["label"]], abs=6e-5)


@pytest.mark.parametrize("name", ["sentence", "target", "mean"])
def test_what_the_words_add_sums_to_the_logit(models, tmp_path, name: str) -> None:
    """With the biases, and against the mean of all labels: by plain products of each token."""
    if name == "mean":
        path = tmp_path / "m"
        table = str(models["sentence"].with_suffix(".tsv"))
        assert (
            run(
                [
                    "train",
                    table,
                    "-o",
                    str(path),
                    *QUICK,
                    "-q",
                    "--pooling",
                    "mean",
                    "--committee",
                    "2",
                    "--landmarks",
                    "0",
                ]
            )
            == 0
        )
    model = load_model(models.get(name, tmp_path / "m"))
    a, p = model.architecture, model.parameters
    rng = np.random.default_rng(2)
    table = rng.standard_normal((9, a.d_model + a.landmarks)).astype(np.float32)
    targets = np.array([2, 0, 1]) if a.readout == "target" else None
    examples = Examples(
        table, [np.array(r) for r in ([0, 1, 2, 3], [4, 5], [8, 6, 7, 1, 0])], targets
    )
    batch = batch_of(examples, [0, 1, 2])
    probabilities, added = LabelReading(p, a).of(batch)
    from attncli.learning.gradients import forward

    logits = forward(p, a, batch).logits.mean(axis=0)  # (3, n_labels)
    bias = p["b_out"].mean(axis=0)
    for i in range(3):
        label = int(probabilities[i].argmax())
        expected = logits[i, label] - logits[i].mean() - (bias[label] - bias.mean())
        assert added[i].sum() == pytest.approx(expected, abs=2e-4)
    assert (added[1, 2:] == 0).all()  # padding says nothing
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_columns_survive_and_ours_are_apart(command, models, tmp_path) -> None:
    """Two of a name, none, and those that are called as ours; a formula gets an apostrophe."""
    path = tmp_path / "k.csv"
    path.write_text(
        "﻿id;ID;;Label;Text\n-1,5;=1+1;x;gold;the bank\n7;;;;the mud near the bank\n",
        encoding="utf-8",
    )
    out = tmp_path / "o.csv"
    ended = command("predict", str(path), "-m", str(models["sentence"]), "-o", str(out))
    assert ended.code == 0, ended.said
    assert out.read_bytes().startswith(b"\xef\xbb\xbf")  # as it was read
    lines = out.read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "id;ID;column_3;Label_given;Text;label;probability;words;unknown"
    assert lines[1].startswith('"-1,5";\'=1+1;x;gold;the bank;')
    assert lines[2].startswith("7;;;;the mud near the bank;")
    jsonl = command("predict", str(path), "-m", str(models["sentence"]), "--json", "-q")
    assert jsonl.err == b""
    assert list(json.loads(jsonl.out.splitlines()[0])) == lines[0].split(";")


def test_an_unsure_label_is_empty(command, models, tmp_path) -> None:
    """The probability stays; the column says which rows are unsure; the same as by evaluate."""
    path, _ = given(tmp_path, "txt", SENTENCES * 3)
    plain = command("predict", str(path), "-m", str(models["sentence"]), "--json", "-q")
    rows = [json.loads(line) for line in plain.out.splitlines()]
    sure = sorted(row["probability"] for row in rows)
    threshold = sure[len(sure) // 2]
    ended = command(
        "predict", str(path), "-m", str(models["sentence"]), "--json", "--unsure", str(threshold)
    )
    others = [json.loads(line) for line in ended.out.splitlines()]
    for row, other in zip(rows, others, strict=True):
        unsure = row["probability"] < threshold
        assert other["unsure"] is unsure
        assert other["label"] == (None if unsure else row["label"])
        assert other["probability"] == row["probability"]
    assert f"unsure rows: {sum(o['unsure'] for o in others)} of 15" in ended.said


def test_unknown_words_are_named(command, models, tmp_path) -> None:
    """Those that have no vector."""
    path, _ = given(tmp_path, "txt", ("the qqzzy bank",))
    ended = command("predict", str(path), "-m", str(models["sentence"]), "--json")
    assert json.loads(ended.out)["unknown"] == ["qqzzy"]


def test_a_bad_row_leaves_what_was_there(command, models, tmp_path) -> None:
    """Whole or not at all; with --skip-bad the row keeps its place, without a label."""
    path, out = tmp_path / "k.csv", tmp_path / "o.csv"
    path.write_text("id,text\n1,the bank\n2,\n3,the mud\n")
    out.write_text("mine")
    arguments = ("predict", str(path), "-m", str(models["sentence"]), "-o", str(out))
    ended = command(*arguments)
    assert (ended.code, out.read_text()) == (4, "mine")
    assert "k.csv:3: " in ended.said
    assert "--skip-bad" in ended.said
    assert sorted(p.name for p in tmp_path.iterdir()) == ["k.csv", "o.csv"]
    ended = command(*arguments, "--skip-bad")
    assert ended.code == 0
    assert "rows without a label: 1 of 3" in ended.said
    assert [line[:2] for line in out.read_text().splitlines()[1:]] == ["1,", "2,", "3,"]
    assert out.read_text().splitlines()[2] == "2,,,,,"


def test_the_input_and_the_model_are_never_replaced(command, models, tmp_path) -> None:
    """Nor is a suffix guessed; a column that is not there is a usage error."""
    path, options = given(tmp_path, "csv")
    model = str(models["sentence"])
    for arguments, said in (
        (["-o", str(path)], "also read here"),
        (["-o", model], "also read here"),
        (["-o", str(tmp_path / "o.xlsx")], "csv, tsv, jsonl, json, parquet"),
        (["--text-column", "Komment"], 'did you mean "Comment"?'),
        (["--unsure", "1.5"], "--unsure"),
        (["--top", "0"], "--top"),
    ):
        ended = command(
            "predict", str(path), "-m", model, *options[: 2 * ("-o" in arguments)], *arguments
        )
        assert ended.code == 2, arguments
        assert said in ended.said
    assert path.read_bytes().startswith(b"Id,")


def test_a_pipe_goes_through(models, tmp_path) -> None:
    """Standard input to standard output in order; a reader that leaves ends it quietly."""
    words = [
        sys.executable,
        "-m",
        "attncli",
        "predict",
        "-",
        "-m",
        str(models["sentence"]),
        "--json",
    ]
    lines = "".join(f"the bank of river {i}\n" for i in range(3000)).encode()
    done = subprocess.run(
        words, input=lines, capture_output=True, env=child_environment(), cwd=tmp_path
    )
    texts = [json.loads(line)["text"] for line in done.stdout.splitlines()]
    assert texts == lines.decode().splitlines()
    (tmp_path / "s.txt").write_bytes(lines)
    with (tmp_path / "s.txt").open("rb") as stdin:
        child = subprocess.Popen(
            words,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=child_environment(),
            cwd=tmp_path,
        )
        child.stdout.readline()
        child.stdout.close()
        assert child.wait(60) == 0
        assert child.stderr.read() == b""
        child.stderr.close()


def test_nothing_is_an_error_of_its_own(command, models, tmp_path) -> None:
    """An empty file has no row."""
    (tmp_path / "e.txt").write_text("\n\n")
    ended = command(
        "predict",
        str(tmp_path / "e.txt"),
        "-m",
        str(models["sentence"]),
        "-o",
        str(tmp_path / "o.csv"),
    )
    assert ended.code == 4
    assert not (tmp_path / "o.csv").exists()


def test_python_says_the_same(command, models, tmp_path) -> None:
    """Of a text, a list, a column of a table, and a file."""
    model = str(models["target"])
    one = attncli.predict(SENTENCES[0], model)
    several = attncli.predict(list(SENTENCES), model, unsure=0.0, top=2)
    assert several[0][:2] == one[:2]
    assert several[4].error is not None
    assert several[4].label is None
    assert len(several[0].words) == 2
    assert attncli.predict([SENTENCES[0]], model, targets=["money"])[0].label is not None
    out = tmp_path / "o.jsonl"
    path, _ = given(tmp_path, "csv")
    report = attncli.predict_file(path, out, model, text_column="comment", skip_bad=True)
    assert report[:3] == (5, 0, 1)
    assert [row[2] or None for row in read_back(out)] == [p.label for p in several]
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"c": SENTENCES})
    assert [p[:2] for p in attncli.predict(frame, model, text_column="c")] == [
        p[:2] for p in several
    ]
    assert [p[:2] for p in attncli.predict(frame["c"], model)] == [p[:2] for p in several]


@pytest.mark.parametrize("output", OUTPUTS)
def test_what_is_no_text_goes_through(command, models, tmp_path, output: str) -> None:
    """Bytes of another encoding and halves of characters are marked; values of JSON are its text."""
    if output == "parquet" and not _has_pyarrow():
        pytest.skip("needs pyarrow")
    model = str(models["sentence"])
    (tmp_path / "k.csv").write_bytes("id,text\nä,schöne bank\n2,the bank\n".encode("cp1252"))
    records = [
        {"text": "the bank", "n": 1, "list": [1, {"a": None}], "half": "\ud800"},
        {"text": "the mud", "n": 2.5, "more": True},
    ]
    (tmp_path / "k.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    out = tmp_path / f"o.{output}"
    for name in ("k.csv", "k.jsonl"):
        arguments = ("predict", str(tmp_path / name), "-m", model, "-o", str(out), "--skip-bad")
        ended = command(*arguments)
        assert ended.code == 0, ended.said
        rows = read_back(out)
        assert len(rows) == 2
        assert rows[-1][2]
        out.read_bytes().decode("utf-8", "strict") if output != "parquet" else None


def test_cells_that_come_late_are_told(command, models, tmp_path) -> None:
    """Columns of a CSV are those of the first rows; JSON lines keep every cell."""
    lines = [json.dumps({"text": f"the bank {i}", "id": i}) for i in range(1500)]
    lines[1200] = json.dumps({"text": "the bank", "key": "late"})
    (tmp_path / "k.jsonl").write_text("\n".join(lines))
    arguments = ("predict", str(tmp_path / "k.jsonl"), "-m", str(models["sentence"]), "-o")
    ended = command(*arguments, str(tmp_path / "o.csv"))
    assert "1 cells of columns that the first rows lack are left out" in ended.said
    assert (tmp_path / "o.csv").read_text().startswith("text,id,label,")
    assert command(*arguments, str(tmp_path / "o.jsonl")).code == 0
    assert '"key": "late"' in (tmp_path / "o.jsonl").read_text()


def test_a_parquet_keeps_its_types(command, models, tmp_path) -> None:
    """Numbers, times and lists come back as they were, also beside missing ones."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {
        "n": pyarrow.array([None, 7], pyarrow.int16()),
        "at": pyarrow.array([0, None], pyarrow.timestamp("ms")),
        "parts": pyarrow.array([[1.5], None], pyarrow.list_(pyarrow.float32())),
        "text": pyarrow.array(["the bank", "the mud"]),
    }
    table = pyarrow.table(columns)
    parquet.write_table(table, tmp_path / "k.parquet")
    out = tmp_path / "o.parquet"
    ended = command(
        "predict", str(tmp_path / "k.parquet"), "-m", str(models["sentence"]), "-o", str(out)
    )
    assert ended.code == 0, ended.said
    assert parquet.read_table(out).select(list(columns)).equals(table)
    as_json = command(
        "predict", str(tmp_path / "k.parquet"), "-m", str(models["sentence"]), "--json"
    )
    first = json.loads(as_json.out.splitlines()[0])
    assert (first["n"], first["at"], first["parts"]) == (None, "1970-01-01 00:00:00", [1.5])


def test_a_target_is_a_column_or_a_character(command, models, tmp_path) -> None:
    """Of a model of targets: by the column that is named, by start, or the first word of training."""
    text = "the money of a bank and a bank"
    (tmp_path / "k.csv").write_text(f"text,word,start\n{text},money,\n{text},,27\n{text},,\n")
    arguments = ("predict", str(tmp_path / "k.csv"), "-m", str(models["target"]), "--json")
    rows = [json.loads(line) for line in command(*arguments).out.splitlines()]
    by_word = [
        json.loads(line) for line in command(*arguments, "--target-column", "word").out.splitlines()
    ]
    model = str(models["target"])
    shown = [
        json.loads(command("explain", text, "--model", model, "--target", t, "--json").out)["model"]
        for t in ("1", "7", "4")
    ]
    sure = [one["probabilities"][one["label"]] for one in shown]
    assert [row["probability"] for row in (by_word[0], rows[1], rows[2])] == pytest.approx(
        sure, abs=6e-5
    )


@given_any(content=st.binary(max_size=120), output=st.sampled_from(("csv", "tsv", "jsonl", "json")))
@example(content=b"text;a\n\xef\xbb\xbf;\x00\n", output="json")
def test_any_bytes_end_in_rows_or_an_error(models, content: bytes, output: str) -> None:
    """Whatever a file holds; a JSON document has as many objects as there were rows."""
    model = load_model(models["sentence"])
    for begin in (b"", b"text,label\n", b"text;id;id\n", b'{"text": "a",'):
        path = models["sentence"].parent / "any"
        path.write_bytes(begin + content)
        written = io.BytesIO()
        with contextlib.suppress(AttnError):
            report = attncli.predict_file(path, written, model, skip_bad=True, kind=output)
            if output == "json":
                assert len(json.loads(written.getvalue())) == report.rows
