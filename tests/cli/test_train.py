"""`attn train` and `attn evaluate` as a user has them: files in, a model out, clear errors."""

import json
import os
from pathlib import Path

import pytest
from training_data import QUICK, write_data

from attncli.models.trained import load_model


def test_a_model_is_trained_and_evaluated(command, data, tmp_path):
    """train writes a model, evaluate finds its figures; nothing but results goes to stdout."""
    model = tmp_path / "m.safetensors"
    ended = command("train", str(data), "-o", str(model), "--heads", "2", "--epochs", "60")
    assert (ended.code, ended.out) == (0, b"")
    assert "held-out accuracy" in ended.said
    assert model.exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data.tsv", "m.safetensors"]
    ended = command("evaluate", str(data), "--model", str(model), "--json")
    found = json.loads(ended.text)
    assert set(found) == {
        *("accuracy", "macro_f1", "recall", "mean_recall", "log_loss", "calibration_error"),
        *("confusion", "n", "counts", "majority", "trained_on", "report", "macro", "weighted"),
    }
    assert (found["counts"], found["majority"]) == ({"money": 20, "river": 20}, 0.5)
    assert found["trained_on"] == 40
    assert "the model was trained on 40 of 40 of these sentences" in ended.said
    assert found["n"] == 40
    assert found["accuracy"] > 0.9
    shown = command("evaluate", str(data), "--model", str(model))
    assert f"accuracy           {found['accuracy']:.4f}" in shown.text
    assert "money" in shown.text


def test_the_same_seed_writes_the_same_bytes(command, data, tmp_path):
    """Two trainings with one seed write equal files; another seed does not."""
    contents = []
    for seed in ("3", "3", "4"):
        model = tmp_path / "m.safetensors"
        assert command("train", str(data), "-o", str(model), *QUICK, "--seed", seed).code == 0
        contents.append(model.read_bytes())
    assert contents[0] == contents[1] != contents[2]


def test_every_kind_of_input_trains_the_same_model(command, data, tmp_path, attn):
    """TSV, JSONL and standard input hold the same examples and give the same bytes."""
    rows = [line.split("\t") for line in data.read_text().splitlines()[1:]]
    records = (json.dumps({"text": a, "label": b, "target": c}) for a, b, c in rows)
    lines = tmp_path / "data.jsonl"
    lines.write_text("\n".join(records))
    for source, name in ((data, "a"), (lines, "b")):
        assert command("train", str(source), "-o", str(tmp_path / name), *QUICK, "-q").code == 0
    piped = attn("train", "-", "-o", "c", *QUICK, "-q", stdin=data.read_bytes())
    assert (piped.code, piped.out, piped.err) == (0, b"", b"")
    contents = {(tmp_path / name).read_bytes() for name in "abc"}
    assert len(contents) == 1


def test_the_log_has_an_object_an_epoch(command, data, tmp_path):
    """--log holds a start, each epoch with loss and held-out accuracy, and an end."""
    log = tmp_path / "log.jsonl"
    ended = command("train", str(data), "-o", str(tmp_path / "m"), *QUICK, "--log", str(log))
    assert ended.code == 0
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert [e["event"] for e in events] == ["start", *["epoch"] * 6, "end"]
    assert all(0 <= e["held_out_accuracy"] <= 1 for e in events[1:-1])


@pytest.mark.parametrize("rate", ["1e30", "9", "0.01"])
def test_a_log_is_json_whatever_comes_of_a_training(attn, data, tmp_path, rate):
    """What is not finite is null in the log and in --json: JSON has no NaN."""
    log = tmp_path / "log.jsonl"
    model = tmp_path / "m"
    said = ("--log", str(log), "--json", "--learning-rate", rate)
    ended = attn("train", str(data), "-o", str(model), *QUICK, *said)
    for line in (*log.read_text().splitlines(), *ended.text.splitlines()):
        json.loads(line, parse_constant=pytest.fail)


def test_a_split_column_is_honored(command, tmp_path):
    """--split train learns from those rows only, --split test evaluates the others."""
    data = write_data(tmp_path / "data.tsv", split=True)
    model = tmp_path / "m"
    assert command("train", str(data), "--split", "train", "-o", str(model), *QUICK).code == 0
    for split, n in (("test", 10), ("train", 30)):
        ended = command("evaluate", str(data), "--split", split, "-m", str(model), "--json")
        assert json.loads(ended.text)["n"] == n
    ended = command("train", str(data), "-o", str(model), *QUICK)
    assert "--split takes one of: test, train" in ended.said


def test_bad_rows_are_listed_and_can_be_skipped(command, data, tmp_path):
    """Of training and of evaluating: every fault at once, and the others are used on demand."""
    good = data.read_text()
    data.write_text(
        good + "a bank\t\tbank\na bank\tmoney\ta\tb\n \tmoney\tbank\n"
        "river\tmoney\tbank\na bank\tnan\tbank\na bank\tmoney\t7\na bank\tMoney\tbank\n"
    )
    model = tmp_path / "m"
    ended = command("train", str(data), "-o", str(model), *QUICK)
    assert ended.code == 5
    assert "6 of 47 rows cannot be used: line 42: found no label" in ended.said
    for part in ("line 43: found 4 cells", "line 44: the text is empty", 'the target "bank" is no'):
        assert part in ended.said
    for part in ('line 46: the label is "nan"', "line 47: found the target 7"):
        assert part in ended.said
    assert "hint: --skip-bad goes on with the other 41" in ended.said
    ended = command("train", str(data), "-o", str(model), *QUICK, "--skip-bad", "--json")
    assert ended.code == 0
    assert "6 of 47 rows left out: line 42" in ended.said
    assert '"Money" and "money" are the same but for case' in ended.said
    assert (
        '"money" 20, "river" 20, "Money" 1; always saying "money" is right in 0.488' in ended.said
    )
    summary = json.loads(ended.text)
    assert summary["label_counts"] == {"money": 20, "river": 20, "Money": 1}
    other = tmp_path / "other.csv"
    other.write_text("text,label,target\na bank,MONEY,bank\nmy bank,river,bank\nx,,x\n")
    ended = command("evaluate", str(other), "--model", str(model))
    assert ended.code == 5
    assert 'line 2: the label "MONEY" is not one the model knows' in ended.said
    assert 'is "Money" meant?' in ended.said
    assert "line 4: found no label" in ended.said
    ended = command("evaluate", str(other), "--model", str(model), "--skip-bad", "--json")
    assert (json.loads(ended.text)["n"], json.loads(ended.text)["trained_on"]) == (1, 0)


def test_a_number_that_is_also_a_word_is_told(command, tmp_path):
    """It is a place where there is one, else the word."""
    data = tmp_path / "data.tsv"
    line = "route 2 bank\t{}\t2\nthe bank of 47\t{}\t47\n"
    data.write_text("text\tlabel\ttarget\n" + "".join(line.format(x, x) for x in "abab"))
    model = tmp_path / "m"
    ended = command("train", str(data), "-o", str(model), *QUICK)
    assert ended.code == 0
    assert "data.tsv:2: 8 targets are numbers and also a word of the sentence" in ended.said
    assert load_model(model).targets == ("bank", "47")


def test_models_of_before_are_evaluated(command, data, tmp_path):
    """Without a sketch of its sentences nothing is said of them."""
    ended = command("evaluate", str(data), "--model", "idioms", "--skip-bad")
    assert "trained on" not in ended.said


def test_given_weights_are_fitted(command, tmp_path):
    """The lecture's two matrices are met to 0.005 in every cell, from the built-in vectors."""
    path = Path(__file__).parents[2] / "examples" / "lecture_weights.jsonl"
    model = tmp_path / "m"
    ended = command("train", str(path), "-o", str(model), "--json")
    assert ended.code == 0
    assert json.loads(ended.text)["worst"] < 0.005


def test_gradients_are_proved(command, data):
    """--check-grad prints each parameter and that it agrees."""
    ended = command("train", str(data), "--check-grad", "--heads", "2", "--committee", "1")
    assert ended.code == 0
    assert ended.text.count("agrees") == 6
    assert "differs" not in ended.text


def test_what_is_not_held_out_is_said(command, data, tmp_path):
    """Too few sentences to hold any out, or of some labels only: a warning says what is shown."""
    few = tmp_path / "few.tsv"
    few.write_text("text\tlabel\nmoney bank\ta\nriver bank\tb\n")
    ended = command("train", str(few), "-o", str(tmp_path / "m"), *QUICK)
    assert ended.code == 0
    assert "is none: the last epoch is kept and no accuracy is shown" in ended.said
    assert "held-out accuracy" not in ended.said
    with data.open("a") as stream:
        stream.write("the bank\trare\tbank\n")
    ended = command("train", str(data), "-o", str(tmp_path / "m"), *QUICK)
    assert "2 of 3 labels aside: the accuracy shown says nothing of the other 1" in ended.said
    for options in (("--held-out", "0"), ("--quiet",)):
        ended = command("train", str(few), "-o", str(tmp_path / "m"), *QUICK, *options)
        assert "aside" not in ended.said
        assert "is none" not in ended.said


def test_a_device_is_no_model(command, data):
    """-o /dev/null is refused: a file would take the place of the device."""
    ended = command("train", str(data), "-o", os.devnull, *QUICK)
    assert ended.code == 9
    assert not Path(os.devnull).is_file()


def test_only_a_trained_model_is_evaluated(command, data, tmp_path):
    """A folder, which may hold a transformer, is no model that knows labels."""
    ended = command("evaluate", str(data), "--model", str(tmp_path))
    assert (ended.code, ended.is_clean()) == (2, True)
    assert "only it knows labels" in ended.said


BAD = {
    "one class": ("text\tlabel\na b\tx\nb c\tx\n", 5, "data.tsv: every sentence has the label"),
    "no label": ("text\tlabel\na b\tx\nb c\t\n", 5, "data.tsv:3: found no label"),
    "empty text": ("text\tlabel\n \tx\nb c\ty\n", 5, "data.tsv:2: the text is empty"),
    "no word": ("text\tlabel\n!!\tx\nb c\ty\n", 4, "data.tsv:2: no word"),
    "unknown target": ("text\tlabel\ttarget\nbank a\tx\tbank\nriver\ty\tbank\n", 5, "data.tsv:3"),
    "target too far": ("text\tlabel\ttarget\nbank a\tx\t0\nriver\ty\t4\n", 5, "from 0 to 0"),
    "target missing": ("text\tlabel\ttarget\nbank a\tx\t0\nriver\ty\t\n", 5, "found no target"),
    "no header": ("bank\tmoney\n", 5, "text and label"),
    "nothing": ("", 4, "no row"),
    "weights too few": ('{"text": "money bank", "weights": [[1]]}\n', 5, "1 rows of weights"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_data_ends_in_a_clear_error(command, tmp_path, name):
    """Each fault gives one message with its line, the right exit code, and no model."""
    content, code, said = BAD[name]
    path = tmp_path / "data.tsv"
    path.write_text(content)
    if content.startswith("{"):
        path = path.rename(tmp_path / "data.jsonl")
    ended = command("train", str(path), "-o", str(tmp_path / "m"), *QUICK)
    assert ended.code == code, ended.said
    assert said in ended.said
    assert ended.is_clean()
    assert not (tmp_path / "m").exists()


def test_a_diverging_training_writes_no_model(command, data, tmp_path):
    """A loss that is not finite ends with 13 and a hint; what was there before is untouched."""
    model = tmp_path / "m"
    model.write_bytes(b"before")
    ended = command("train", str(data), "-o", str(model), *QUICK, "--learning-rate", "1e38")
    assert ended.code == 13, ended.said
    hint = "--learning-rate 0.005"
    assert f"hint: {hint} " in ended.said
    assert command("train", str(data), "-o", str(model), *QUICK, *hint.split()).code == 0
    model.write_bytes(b"before")
    assert command("train", str(data), "-o", str(model), *QUICK, "--learning-rate", "9").code == 13
    assert model.read_bytes() == b"before"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("-o", "m", "--dropout", "1"),
        ("-o", "m", "--held-out", "-0.1"),
        ("-o", "m", "--learning-rate", "0"),
        ("-o", "m", "--heads", "0"),
        ("-o", "m", "--positions", "sideways"),
        ("-o", "m", "--oov", "skip"),
        ("-o", "m", "--dim", "300"),
    ],
)
def test_wrong_options_are_usage_errors(command, data, arguments):
    """A value out of range, or no output, ends with 2."""
    assert command("train", str(data), *arguments).code == 2


def test_an_output_that_cannot_be_written_is_said_first(command, data, tmp_path):
    """A folder, or a folder that does not exist, ends with 9 before any training."""
    for output in (tmp_path, tmp_path / "none" / "m"):
        ended = command("train", str(data), "-o", str(output), *QUICK)
        assert ended.code == 9
        assert "epoch" not in ended.said


def test_a_model_of_other_vectors_is_refused(command, data, tmp_path):
    """A model trained on random vectors is not used with the built-in ones."""
    model = tmp_path / "m"
    made = command("train", str(data), "-o", str(model), *QUICK, "--vectors", "random")
    assert made.code == 0
    ended = command("evaluate", str(data), "-m", str(model))
    assert ended.code == 5
    assert "was trained on the vectors" in ended.said
    assert command("evaluate", str(data), "-m", str(model), "--vectors", "random").code == 0


def test_a_damaged_model_is_refused(command, data, tmp_path):
    """A cut model, a text, a missing file: one clear line each."""
    for content in (b"", b"not a model", b"\xff" * 100):
        (tmp_path / "m.safetensors").write_bytes(content)
        ended = command("evaluate", str(data), "-m", str(tmp_path / "m.safetensors"))
        assert ended.code == 5
        assert ended.is_clean()
    assert command("evaluate", str(data), "-m", str(tmp_path / "none.safetensors")).code == 6
    assert command("evaluate", str(data), "-m", "nosuch").code == 2


def test_labels_are_reported_after_a_training_and_by_evaluate(command, data, tmp_path):
    """Of held-out sentences on stderr and in JSON; --unsure says how many are sure and right."""
    model = tmp_path / "m"
    arguments = ("train", str(data), "-o", str(model), *QUICK, "--held-out", "0.5")
    ended = command(*arguments, "--json")
    summary = json.loads(ended.out)
    assert [one["support"] for one in summary["report"].values()] == [10, 10]
    assert summary["weighted"]["support"] == 20
    assert "precision  recall      F1  sentences" in ended.said
    assert command(*arguments, "-q").err == b""
    shown = command("evaluate", str(data), "-m", str(model), "--unsure", "0.6")
    as_json = command("evaluate", str(data), "-m", str(model), "--unsure", "0.6", "--json")
    found = json.loads(as_json.out)
    assert f"sure                  {found['sure']['coverage']:.4f}" in shown.text
    assert found["sure"]["n"] == round(found["sure"]["coverage"] * 40)
    for label in ("money", "river"):
        line = next(line for line in shown.text.splitlines() if line.startswith(label))
        assert line.split()[1] == f"{found['report'][label]['precision']:.3f}"
    assert command("evaluate", str(data), "-m", str(model), "--unsure", "2").code == 2


def test_what_is_held_out_and_also_learned_from_is_told(command, tmp_path):
    """As many as there are, by a plain count of equal texts; without repeats nothing is said."""
    rows = [f"{text}\t{label}" for text, label in (("the money bank", "a"), ("a river", "b"))]
    same = tmp_path / "same.tsv"
    same.write_text("\n".join(["text\tlabel", *rows * 20]), encoding="utf-8")
    ended = command("train", str(same), "-o", str(tmp_path / "m.safetensors"), *QUICK)
    assert ended.code == 0, ended.said
    assert "4 of 4 sentences that are held out are also learned from" in ended.said
    apart = [f"the {word} bank\t{'ab'[at % 2]}" for at, word in enumerate("cdefghijklmnopqrstuv")]
    (tmp_path / "data.tsv").write_text("\n".join(["text\tlabel", *apart]), encoding="utf-8")
    other = command("train", str(tmp_path / "data.tsv"), "-o", str(tmp_path / "n"), *QUICK)
    assert "also learned from" not in other.said


def test_words_that_the_vectors_do_not_know_are_told_where_they_are_many(command, tmp_path):
    """With their share and the first of them, of training and of evaluating."""
    words = [f"zqx{letter}w" for letter in "abcdefgh"]
    rows = [f"money {word} bank {word}k\t{'ab'[at % 2]}" for at, word in enumerate(words)]
    file = tmp_path / "d.tsv"
    file.write_text("\n".join(["text\tlabel", *rows]), encoding="utf-8")
    model = str(tmp_path / "m.safetensors")
    said = '50% of the words are unknown to glove-6b-50d: "zqxaw", "zqxawk", "zqxbw", "zqxbwk", "zqxcw", …'
    assert said in command("train", str(file), "-o", model, *QUICK).said
    assert said in command("evaluate", str(file), "--model", model).said
