"""The figures of a prediction, against their definitions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.training.metrics import Scores


def scores_of(gold: str, predicted: str, sure: float = 0.8) -> Scores:
    """Letters are labels; what is predicted has the probability `sure`, two others share the rest."""
    probabilities = np.full((len(gold), 3), (1 - sure) / 2)
    probabilities[np.arange(len(gold)), ["abc".index(x) for x in predicted]] = sure
    return Scores("abc", np.array(["abc".index(x) for x in gold]), probabilities)


def test_scores_are_those_of_their_definitions():
    """Accuracy, recall and macro-F1 of a small case worked out by hand."""
    scores = scores_of("aaab", "aabc")
    assert scores.accuracy == 0.5
    assert scores.recall == {"a": 2 / 3, "b": 0.0}
    assert scores.mean_recall == 1 / 3
    assert scores.macro_f1 == pytest.approx((0.8 + 0 + 0) / 3)
    assert scores.confusion == {"a": {"a": 2, "b": 1}, "b": {"c": 1}}
    assert scores.log_loss == pytest.approx(-(2 * math.log(0.8) + 2 * math.log(0.1)) / 4)
    assert scores.calibration_error == pytest.approx(0.8 - 0.5)


def test_probabilities_that_come_true_have_no_calibration_error():
    """Four of five that are said with 0.8 are right."""
    assert scores_of("aaaab", "aaaaa").calibration_error == pytest.approx(0.0, abs=1e-12)


def test_a_label_said_to_be_impossible_has_a_finite_log_loss():
    """A probability of zero counts as the smallest number, not as infinity."""
    assert math.isfinite(scores_of("ab", "ba", sure=1.0).log_loss)


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.lists(st.floats(0.01, 1), min_size=3, max_size=3)),
        min_size=1,
        max_size=40,
    )
)
def test_the_calibration_error_is_that_of_plain_loops(rows):
    """In each tenth: the mean probability less the share that is right, weighed by its sentences."""
    gold = np.array([label for label, _ in rows])
    probabilities = np.array([np.array(raw) / sum(raw) for _, raw in rows])
    tenths: dict[int, list[tuple[float, bool]]] = {}
    for label, row in zip(gold, probabilities, strict=True):
        sure = max(row)
        tenths.setdefault(min(int(sure * 10), 9), []).append((sure, list(row).index(sure) == label))
    expected = 0.0
    for members in tenths.values():
        mean_sure = sum(sure for sure, _ in members) / len(members)
        share = sum(right for _, right in members) / len(members)
        expected += len(members) / len(rows) * abs(mean_sure - share)
    found = Scores("abc", gold, probabilities).calibration_error
    assert found == pytest.approx(expected, abs=1e-9)


def plain_report(gold, predicted):
    """Precision, recall, F1 and support of each label, counted one by one."""
    found = {}
    for label in sorted({*gold, *predicted}):
        right = sum(g == p == label for g, p in zip(gold, predicted, strict=True))
        said, there = predicted.count(label), gold.count(label)
        precision, recall = right / said if said else 0.0, right / there if there else 0.0
        both = precision + recall
        found[label] = (precision, recall, 2 * precision * recall / both if both else 0.0, there)
    return found


@given(st.lists(st.tuples(*[st.sampled_from("abcd")] * 2), min_size=1, max_size=30))
def test_the_report_of_labels_is_that_of_the_textbook(pairs):
    """Precision, recall, F1 and support, and their means; as scikit-learn gives them, where it is."""
    gold, predicted = (list(column) for column in zip(*pairs, strict=True))
    labels = ("a", "b", "c", "d")
    probabilities = np.eye(4)[[labels.index(p) for p in predicted]]
    scores = Scores(labels, np.array([labels.index(g) for g in gold]), probabilities)
    expected = plain_report(gold, predicted)
    assert list(scores.report) == list(expected)
    for label, one in expected.items():
        assert tuple(scores.report[label]) == pytest.approx(one)
    for means, counts in (
        (scores.macro, [1] * len(expected)),
        (scores.weighted, [one[3] for one in expected.values()]),
    ):
        rows = list(expected.values())
        mean = [
            sum(r[i] * c for r, c in zip(rows, counts, strict=True)) / sum(counts)
            for i in (0, 1, 2)
        ]
        assert tuple(means) == pytest.approx((*mean, len(gold)))
    assert scores.macro.f1 == pytest.approx(scores.macro_f1)


def test_the_report_is_that_of_scikit_learn():
    """classification_report of 200 sentences."""
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    gold, labels = rng.integers(0, 3, 200), ("x", "y", "z")
    probabilities = rng.dirichlet([1, 2, 3], 200)
    scores = Scores(labels, gold, probabilities)
    named = [[labels[i] for i in numbers] for numbers in (gold, scores.predicted)]
    theirs = metrics.classification_report(*named, output_dict=True, zero_division=0)
    ours = {**scores.report, "macro avg": scores.macro, "weighted avg": scores.weighted}
    for name, one in ours.items():
        expected = theirs[name]
        assert tuple(one) == pytest.approx(
            [expected[part] for part in ("precision", "recall", "f1-score", "support")]
        )


def test_the_sure_are_those_of_a_probability():
    """Coverage and accuracy at a threshold, by counting; the recommended one has 95 % right."""
    rng = np.random.default_rng(1)
    sure = rng.uniform(0.5, 1, 400)
    gold = (rng.uniform(size=400) > sure**0.5).astype(int)  # the surer, the more are right
    scores = Scores(("a", "b"), gold, np.stack([sure, 1 - sure], axis=1))
    for threshold in (0.0, 0.7, 1.0):
        chosen = [i for i in range(400) if round(sure[i], 4) >= threshold]
        right = sum(gold[i] == 0 for i in chosen)
        assert scores.sure(threshold) == (
            threshold,
            len(chosen) / 400,
            right / len(chosen) if chosen else None,
            len(chosen),
        )
    best = scores.recommended()
    assert best.accuracy >= 0.95
    assert best == scores.sure(best.threshold)
    few = Scores(("a", "b"), gold[:19], scores.probabilities[:19])
    assert few.recommended() is None
