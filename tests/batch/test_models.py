"""What models say, as JSON: every number as Python writes it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ways import WAYS, taken

from attncli.batches.writers.lines import separate_lines
from attncli.batches.writers.models import label_columns, label_texts, model_texts
from attncli.results.facts import ModelInfo
from attncli.results.json import plain_json
from attncli.results.labeled import Labeled, LabelingModel
from attncli.results.predicted import PREDICTED, Candidate

_LABELS = st.text(max_size=5) | st.sampled_from(["%s", "100%", '"', "राज़", "a\x1b[31m", "\u202e"])
_SHARES = st.floats(0, 1) | st.sampled_from([0.0, 1.0, 1e-4, 9.9999e-5, 1e-5, 1e-16, 5e-324, 0.1])
_NO_NUMBER = Labeled(LabelingModel("m", None, ("a",)), np.zeros(1, int), np.full((1, 1), np.nan))
_MODELS = st.builds(
    ModelInfo,
    name=_LABELS,
    sha256=st.none() | st.just("0f" * 32),
    label=st.none() | _LABELS,
    probabilities=st.dictionaries(_LABELS, _SHARES, max_size=6),
    target=st.none() | st.integers(0, 99),
    quantization=st.none() | st.just("Q4_1"),
    **{name: st.none() for name in PREDICTED},
)


@given(st.lists(_MODELS, max_size=5))
def test_models_are_written_as_each_alone(models: list[ModelInfo]) -> None:
    """Labels are text whatever stands in them, probabilities are read back as the same floats."""
    models += models[-1:]  # one that is the same as the one before
    assert model_texts(models) == [plain_json(model.told) for model in models]


@pytest.mark.parametrize("way", WAYS)
@given(
    labels=st.lists(_LABELS, min_size=1, max_size=4, unique=True),
    targets=st.lists(st.integers(-1, 12), max_size=5) | st.lists(st.integers(0, 12), max_size=5),
    shares=st.lists(_SHARES, min_size=20, max_size=20),
    by_target=st.booleans(),
)
def test_labels_in_arrays_are_written_as_their_models(
    way: str, labels: list[str], targets: list[int], shares: list[float], by_target: bool
) -> None:
    """What stays in arrays has the same text as the objects that are made of it, one by one."""
    likely = np.array(shares).reshape(5, 4)[: len(targets), : len(labels)]
    model = LabelingModel("m", None, tuple(labels), by_target)
    said = Labeled(model, np.array(targets, dtype=int), likely)
    expected = [plain_json(one.told).encode() for one in said]
    assert label_texts(said) == expected
    with taken(way):
        assert separate_lines(label_columns(said), len(targets)) == expected
    assert list(said[1:]) == list(said)[1:]
    shown = [None if at < 0 or not by_target else at for at in targets]
    assert [one.target for one in said] == shown


@pytest.mark.parametrize("way", WAYS)
@given(exponents=st.lists(st.floats(-320, 0) | st.floats(-10, -3), min_size=1, max_size=40))
def test_small_probabilities_have_the_exponents_of_python(way: str, exponents: list[float]) -> None:
    """Numbers of every size, each beside any other, are written as Python writes them."""
    shares = [10**exponent for exponent in exponents]
    shares += [float(f"{share:.0e}") for share in shares]  # of one digit
    labels = tuple(map(str, range(len(shares))))
    said = Labeled(LabelingModel("m", None, labels), np.zeros(1, int), np.array([shares]))
    assert label_texts(said) == [plain_json(said[0].told).encode()]
    assert model_texts(list(said)) == [plain_json(said[0].told)]
    turned = Labeled(
        LabelingModel("m", None, ("a",)), np.zeros(len(shares), int), np.array(shares)[:, None]
    )
    with taken(way):
        (line,) = separate_lines(label_columns(said), 1)
        lines = separate_lines(label_columns(turned), len(shares))
    assert line == plain_json(said[0].told).encode()
    assert lines == [plain_json(one.told).encode() for one in turned]


def test_what_few_models_say_is_kept() -> None:
    """A model that says what comes next beside its probabilities is written whole."""
    says: Any = {"probabilities": {"a": 0.5}, "next": (Candidate("x", "x", 1, 0.5),)}
    model = ModelInfo("m", **says)
    assert model_texts([model]) == [plain_json(model.told)]


def test_a_probability_that_is_no_number_is_not_written() -> None:
    """JSON has no NaN."""
    with pytest.raises(ValueError, match="not finite"):
        model_texts([ModelInfo("m", probabilities={"a": float("nan")})])
    with pytest.raises(ValueError, match="not finite"):
        label_texts(_NO_NUMBER)
    with pytest.raises(ValueError, match="not finite"):
        label_columns(_NO_NUMBER)
