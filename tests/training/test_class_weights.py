"""How much each label counts: as it is written, refused, and in the loss."""

import json
import re

import numpy as np
import pytest
from training_data import MONEY, QUICK, RIVER, write_data

import attncli
from attncli.errors import AttnError, DataError, InputError, UsageError
from attncli.learning.losses import balanced_label_weights, cross_entropy
from attncli.learning.minibatches import Examples
from attncli.settings import TrainingSettings
from attncli.training.class_weights import label_weights
from attncli.training.examples import Prepared

LABELS = ("a, b", "money", "river")
GOLD = np.array([0, 1, 1, 1, 2, 2])


def weights(given: str | None):
    """The weights of three labels."""
    examples = Examples(np.eye(2, dtype=np.float32), [np.array([0])] * 6, labels=GOLD)
    found = label_weights(TrainingSettings(class_weights=given), Prepared(examples, LABELS, ()))
    return None if found is None else found.tolist()


def test_weights_are_written_in_four_ways(tmp_path):
    """Labels that are not named count 1; balanced gives each the same say."""
    (tmp_path / "w.json").write_text('{"a, b": 3, "river": 0.5}')
    assert weights(None) is None
    assert weights("money=2, river=0.5") == [1, 2, 0.5]
    assert weights('{"a, b": 3, "river": 0.5}') == weights(str(tmp_path / "w.json")) == [3, 1, 0.5]
    assert weights("balanced") == pytest.approx([2, 2 / 3, 1])
    assert weights("balanced") == balanced_label_weights(GOLD, 3, 1.0).tolist()


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ("mony=2", UsageError, 'did you mean "money"?'),
        ("money=0", UsageError, "a number above 0"),
        ("money=x", UsageError, "a number above 0"),
        ("money=nan", UsageError, "a number above 0"),
        ("money=1,money=2", UsageError, "twice"),
        ("money=1,river", UsageError, "LABEL=NUMBER"),
        ("{", UsageError, "not JSON"),
        ('{"money": true}', UsageError, "a number above 0"),
        ("nosuch.json", InputError, "cannot open"),
        ("", InputError, "cannot open"),
    ],
)
def test_other_weights_are_refused(given, error, said):
    """With the label that is nearest; a file that is none is no input."""
    with pytest.raises(error, match=re.escape(said)):
        weights(given)


def test_a_file_of_weights_is_an_object(tmp_path):
    """Anything else is damaged data."""
    for content in (b"[1]", b"\xff", b'{"money": 1'):
        (tmp_path / "w").write_bytes(content)
        with pytest.raises(DataError):
            weights(str(tmp_path / "w"))


def test_the_loss_is_weighted_cross_entropy():
    """The mean of −w·ln p by plain sums, and as PyTorch sums it."""
    rng = np.random.default_rng(4)
    logits = rng.standard_normal((1, 6, 3))
    given = np.array([3.0, 1.0, 0.5])
    loss, slope = cross_entropy(logits, GOLD, label_weights=given)
    plain = 0.0
    for row, label in zip(logits[0], GOLD, strict=True):
        plain -= given[label] * np.log(np.exp(row[label]) / np.exp(row).sum())
    assert loss == pytest.approx(plain / 6)
    torch = pytest.importorskip("torch")
    theirs = torch.tensor(logits[0], requires_grad=True)
    total = torch.nn.functional.cross_entropy(
        theirs, torch.tensor(GOLD), weight=torch.tensor(given), reduction="sum"
    )
    (total / 6).backward()
    assert loss == pytest.approx(float(total.detach()) / 6)
    assert slope[0] == pytest.approx(theirs.grad.numpy())


def test_balanced_weights_are_balance_one(tmp_path):
    """The same numbers are learned; beside balance the weights are refused."""
    data = write_data(tmp_path / "d.tsv")
    extra = "".join(f"the {w} bank\tmoney\tbank\n" for w in (*MONEY, *RIVER))
    data.write_text(data.read_text() + extra)
    quick = {"epochs": 2, "heads": 2, "committee": 1}
    one = attncli.train(data, **quick, balance=1.0)
    other = attncli.train(data, **quick, class_weights="balanced")
    assert (one.parameters.flat == other.parameters.flat).all()
    mapped = attncli.train(data, **quick, class_weights={"river": 2})
    named = attncli.train(data, **quick, class_weights="river=2")
    assert (mapped.parameters.flat == named.parameters.flat).all()
    with pytest.raises(AttnError, match="class_weights"):
        attncli.train(data, **quick, class_weights="balanced", balance=0.3)


def test_a_training_with_weights_is_resumed_with_the_same(command, tmp_path):
    """A journal holds the numbers; the file of weights is never written over."""
    data, model = write_data(tmp_path / "d.tsv"), tmp_path / "w.json"
    model.write_text(json.dumps({"river": 2}))
    ended = command("train", str(data), "-o", str(model), *QUICK, "--class-weights", str(model))
    assert ended.code == 2
    assert "also read here" in ended.said
    ended = command("train", str(data), "-o", "x", "--class-weights", "rivr=2", *QUICK)
    assert ended.code == 2
    assert "--class-weights: " in ended.said
