"""Folds and learning curves: what is measured was never learned from, and the same again."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_data import QUICK

import attncli
from attncli.errors import UsageError
from attncli.models.trained import load_model
from attncli.training.trial import folds_of


@given(st.lists(st.integers(0, 3), min_size=2, max_size=60), st.integers(2, 6), st.integers(0, 9))
def test_folds_hold_each_sentence_once_and_labels_alike(numbers, count, seed):
    """Sizes differ by one at most, and so do the numbers of a label; a seed gives them again."""
    labels = np.array(numbers)
    if count > len(labels):
        with pytest.raises(UsageError, match="expected at most one"):
            folds_of(labels, count, seed)
        return
    folds = folds_of(labels, count, seed)
    assert sorted(np.concatenate(folds).tolist()) == list(range(len(labels)))
    sizes = [len(fold) for fold in folds]
    assert max(sizes) - min(sizes) <= 1
    for label in set(numbers):
        each = [int((labels[fold] == label).sum()) for fold in folds]
        assert max(each) - min(each) <= 1
    again = folds_of(labels, count, seed)
    assert all((one == other).all() for one, other in zip(folds, again, strict=True))


def records(ended):
    """The JSON lines of a command that went well."""
    assert ended.code == 0, ended.said
    return [json.loads(line) for line in ended.out.splitlines()]


def test_folds_are_measured_and_summed_up(command, data, tmp_path):
    """Means and standard deviations by plain sums; no file is written; the same twice."""
    arguments = ("train", str(data), "--folds", "4", *QUICK)
    *folds, summary = records(command(*arguments, "--json"))
    assert [fold["fold"] for fold in folds] == [1, 2, 3, 4]
    assert [fold["n"] + fold["learned_from"] for fold in folds] == [40] * 4
    for name in ("accuracy", "macro_f1"):
        values = [fold[name] for fold in folds]
        mean = sum(values) / 4
        spread = (sum((value - mean) ** 2 for value in values) / 3) ** 0.5
        assert summary[f"mean_{name}"] == pytest.approx(mean)
        assert summary[f"sd_{name}"] == pytest.approx(spread)
    assert summary["mean_majority"] == pytest.approx(0.5)
    assert sum(one["support"] for one in summary["report"].values()) == 40
    assert records(command(*arguments, "--json")) == [*folds, summary]
    shown = command(*arguments)
    assert shown.text.count("fold ") == 4
    assert f"accuracy {summary['mean_accuracy']:.3f} ± {summary['sd_accuracy']:.3f}" in shown.text
    assert [path.name for path in tmp_path.iterdir()] == ["data.tsv"]


def test_a_model_is_that_of_all_sentences_beside_folds_or_a_curve(command, data, tmp_path):
    """With -o the same bytes as a training alone writes."""
    plain = tmp_path / "plain"
    assert command("train", str(data), "-o", str(plain), *QUICK).code == 0
    for measures in (("--folds", "2"), ("--learning-curve",)):
        model = tmp_path / "m"
        assert command("train", str(data), "-o", str(model), *QUICK, *measures).code == 0
        assert model.read_bytes() == plain.read_bytes()


def test_a_learning_curve_has_growing_shares(command, data):
    """Each is measured on the same held-out sentences, beside the most frequent label of its own."""
    arguments = ("train", str(data), "--learning-curve", "--held-out", "0.25", *QUICK)
    points = records(command(*arguments, "--json"))
    assert [point["share"] for point in points] == [0.1, 0.2, 0.4, 0.7, 1.0]
    assert [point["learned_from"] for point in points] == [4, 6, 12, 20, 30]
    assert {point["n"] for point in points} == {10}
    assert {point["majority"] for point in points} == {0.5}
    shown = command(*arguments)
    assert "100%      30  accuracy" in shown.text
    assert "more" in shown.said


def test_what_is_measured_is_not_resumed_or_watched(command, data):
    """Options that contradict each other are refused, and so is a curve without held-out sentences."""
    for arguments in (
        ("--folds", "2", "--learning-curve"),
        ("--folds", "2", "--resume", "-o", "x"),
        ("--learning-curve", "--check-grad"),
        ("--folds", "2", "--watch"),
        ("--learning-curve", "--held-out", "0"),
        ("--folds", "41"),
        ("--folds", "1"),
    ):
        ended = command("train", str(data), *QUICK, *arguments)
        assert ended.code == 2, (arguments, ended.said)


def test_a_rare_label_is_told(command, data):
    """In some folds nothing of it is measured."""
    data.write_text(data.read_text() + "a bank of snow\tsnow\tbank\n")
    ended = command("train", str(data), *QUICK, "--folds", "3")
    assert ended.code == 0
    assert 'fewer than 3 sentences have the label "snow"' in ended.said


def test_weights_of_labels_are_kept_in_the_model(command, data, tmp_path):
    """As numbers; a model without any says nothing of them."""
    plain, weighted = tmp_path / "plain", tmp_path / "weighted"
    assert command("train", str(data), "-o", str(plain), *QUICK).code == 0
    ended = command("train", str(data), "-o", str(weighted), *QUICK, "--class-weights", "money=2")
    assert ended.code == 0
    assert "class_weights" not in load_model(plain).training["settings"]
    assert load_model(weighted).training["settings"]["class_weights"] == {"money": 2, "river": 1}
    assert plain.read_bytes() != weighted.read_bytes()


def test_python_measures_the_same(command, data):
    """Means of folds and points of a curve, with the arguments of a training."""
    quick = {"epochs": 6, "heads": 2, "committee": 1, "batch_size": 8}
    *_, summary = records(command("train", str(data), "--folds", "3", *QUICK, "--json"))
    found = attncli.cross_validate(data, folds=3, **quick)
    assert json.loads(json.dumps(found.to_dict())) == summary
    points = records(command("train", str(data), "--learning-curve", *QUICK, "--json"))
    curve = attncli.learning_curve(data, **quick)
    assert [(one.share, one.scores.accuracy) for one in curve] == [
        (point["share"], point["accuracy"]) for point in points
    ]
