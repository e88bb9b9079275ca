"""`attn predict` of pairs of sentences: scores, labels, words of both; what they add sums up."""

import csv
import json

import numpy as np
import pytest
from learning.test_pairs import made, make
from training_pairs import write_pairs

import attncli
from attncli.errors import AttnError
from attncli.learning.gradients import forward
from attncli.learning.pair_contributions import PairReading
from attncli.learning.pairs import logits_of_both

TASKS = ("similarity", "relation", "match")
QUICK = {"epochs": 3, "heads": 2, "committee": 2}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A small model of each task."""
    folder = tmp_path_factory.mktemp("models")
    trained = {}
    for task in TASKS:
        model = attncli.train(write_pairs(folder / f"{task}.tsv", task, 30), **QUICK)
        trained[task] = model
    return trained


@pytest.fixture
def saved(models, tmp_path):
    """The models as files."""
    from attncli.models.trained import save_model

    for task, model in models.items():
        save_model(model, tmp_path / f"{task}.st")
    return tmp_path


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("readout", ["attention", "mean"])
@pytest.mark.parametrize("landmarks", [0, 4])
def test_what_the_tokens_add_sums_to_what_is_said(task, readout, landmarks):
    """The tokens of both sentences add up to the cosine, or to the logit less the mean and the bias."""
    architecture, examples = make(task, readout, "relative", landmarks=landmarks)
    parameters, batch = made(architecture, examples)
    said, added = PairReading(parameters, architecture).of(batch)
    count = len(examples)
    total = added[:count].sum(axis=1) + added[count:].sum(axis=1)
    step = forward(parameters, architecture, batch)
    if task == "relation":
        logits, bias = logits_of_both(step.read, parameters), parameters["b_out"]
        each, label = np.arange(count), said.argmax(axis=1)
        centered = (logits - logits.mean(axis=2, keepdims=True)).mean(axis=0)[each, label]
        share = (bias - bias.mean(axis=1, keepdims=True)).mean(axis=0)[label]
        np.testing.assert_allclose(total, centered - share, atol=1e-12)
        np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-12)
        return
    cosines = step.cosines if task == "similarity" else step.cosines[:, range(count), range(count)]
    np.testing.assert_allclose(said, cosines.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(total, said, atol=1e-12)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "json", "parquet"])
def test_every_row_is_kept_with_what_is_said(task, suffix, saved, command):
    """Rows in order with their cells, a score or a label, words of both sentences; all formats agree."""
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    data, output = saved / "new.csv", saved / f"out.{suffix}"
    rows = [("1", "the bank of money", "a river of mud", "x"), ("2", "qqzz water", "water", "y")]
    with data.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "text", "pair", "score"), *rows])
    model = str(saved / f"{task}.st")
    ended = command("predict", str(data), "--model", model, "-o", str(output), "--top", "4")
    assert ended.code == 0, ended.said
    if suffix in ("csv", "tsv"):
        with output.open(encoding="utf-8", newline="") as file:
            found = list(csv.DictReader(file, delimiter="," if suffix == "csv" else "\t"))
    elif suffix == "parquet":
        import pyarrow.parquet as pq

        found = pq.read_table(output).to_pylist()
    else:
        text = output.read_text(encoding="utf-8")
        found = json.loads(text) if suffix == "json" else list(map(json.loads, text.splitlines()))
    texts, pairs = [r[1] for r in rows], [r[2] for r in rows]
    said = attncli.predict(texts, model, pairs=pairs, top=4)
    for row, one, (number, text, pair, kept) in zip(found, said, rows, strict=True):
        assert (row["id"], row["text"], row["pair"], row["score_given"]) == (
            number,
            text,
            pair,
            kept,
        )
        if task == "relation":
            assert row["label"] == one.label
            assert float(row["probability"]) == pytest.approx(one.probability, abs=1e-4)
        else:
            assert float(row["score"]) == pytest.approx(one.score, abs=1e-4)
        words, beside = row["words"], row["pair_words"]
        if suffix in ("csv", "tsv"):
            assert [w.word for w in one.words] == words.split()[::2]
            assert [w.word for w in one.pair_words] == beside.split()[::2]
        else:
            assert words == [w._asdict() for w in one.words]
        assert len(one.words) + len(one.pair_words) <= 4
    assert said[1].unknown == ("qqzz",)


@pytest.mark.parametrize("task", ["similarity", "match"])
def test_a_score_does_not_depend_on_order_or_company(task, models):
    """Swapped sentences, and a pair alone, have the same score; a sentence with itself the highest."""
    texts = ["the river bank", "money", "a fish and some water and mud"]
    beside = ["the money bank grows", "cash", "money"]
    model = models[task]
    together = attncli.predict(texts, model, pairs=beside)
    swapped = attncli.predict(beside, model, pairs=texts)
    highest = 5.0 if task == "similarity" else 1.0
    for i, one in enumerate(together):
        assert one.score == swapped[i].score
        assert attncli.predict(texts[i], model, pairs=beside[i]).score == one.score
        assert attncli.predict(texts[i], model, pairs=texts[i]).score == pytest.approx(highest)


def test_predictions_agree_with_what_evaluate_measures(models, tmp_path):
    """The scores of predict are those whose correlation evaluate_pairs gives."""
    data = write_pairs(tmp_path / "p.tsv", "similarity", 30)
    with data.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    model = models["similarity"]
    measured = attncli.evaluate_pairs(data, model).scores
    said = attncli.predict([r["text"] for r in rows], model, pairs=[r["pair"] for r in rows])
    np.testing.assert_allclose([one.score for one in said], measured.predicted, atol=1e-4)


@pytest.mark.parametrize("task", TASKS)
def test_what_lacks_a_second_sentence_is_said(task, saved, command):
    """No column, an empty cell, a text of lines: one clear line; --skip-bad keeps the row."""
    model = ("--model", str(saved / f"{task}.st"))
    data = saved / "d.csv"
    data.write_text("text,other\na,b\n", encoding="utf-8")
    ended = command("predict", str(data), *model)
    assert (ended.code, ended.out) == (5, b"")
    assert "expected columns text and pair" in ended.said
    assert command("predict", str(data), *model, "--pair-column", "other").code == 0
    assert command("predict", str(data), *model, "--pair-column", "2").code == 0
    data.write_text("text,pair\na,b\na,\n,b\na,...\n", encoding="utf-8")
    ended = command("predict", str(data), *model)
    assert ended.code != 0
    assert "d.csv:3: found no pair" in ended.said
    ended = command("predict", str(data), *model, "--skip-bad")
    assert ended.code == 0
    assert len(ended.text.splitlines()) == 5
    data = saved / "d.txt"
    data.write_text("a sentence\n", encoding="utf-8")
    ended = command("predict", str(data), *model)
    assert ended.code == 5


def test_pairs_and_models_that_do_not_fit_are_refused(models):
    """Without pairs, with too few, with targets, or of a model of single sentences."""
    model = models["match"]
    for wrong in ({}, {"pairs": ["a", "b"]}, {"pairs": ["a"], "targets": ["a"]}):
        with pytest.raises(AttnError, match=r"pairs|targets"):
            attncli.predict(["a"], model, **wrong)
    with pytest.raises(AttnError, match="single sentences"):
        attncli.predict(["a piece of cake"], "idioms", pairs=["b"])
    with pytest.raises(AttnError, match="compares pairs"):
        attncli.evaluate([attncli.Row("a", pair="b")], model)
    with pytest.raises(AttnError, match="predicts labels"):
        attncli.evaluate_pairs([attncli.Row("a", "x")], "idioms")
