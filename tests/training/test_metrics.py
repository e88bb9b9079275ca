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
