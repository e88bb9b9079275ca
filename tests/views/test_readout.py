"""The last stages of --steps: what is printed gives, by hand, the label that is printed."""

import re

import numpy as np
import pytest

from attncli.attention.parameters import Architecture, initial_parameters
from attncli.insight.learned import Learned
from attncli.insight.tokens import hide_tokens
from attncli.learning.landmarks import chosen_landmarks
from attncli.learning.minibatches import Examples
from attncli.learning.trainer import predict
from attncli.mechanisms.task import TaskAnalyser
from attncli.models.trained import TrainedModel
from attncli.reading.reader import vectors_info
from attncli.results.fields import STAGE_FIELDS
from attncli.views.ink import Ink
from attncli.views.steps import Steps, step_lines

PLAIN = Ink(None)
LABELS = ("money", "river", "neither of the two, said at length")


def trained(
    store, readout="target", committee=2, positions="relative", landmarks=0
) -> TrainedModel:
    """A model with random numbers, far from even."""
    architecture = Architecture(
        d_model=4, n_labels=3, n_heads=2, d_k=3, d_v=2, committee=committee, readout=readout,
        positions=positions, landmarks=landmarks,
    )  # fmt: skip
    rng = np.random.default_rng(5)
    parameters = initial_parameters(architecture, rng)
    if landmarks:
        words = Examples(store.vectors(range(6)), [np.arange(6)])
        parameters.fixed = chosen_landmarks(words, landmarks)
    parameters.flat[:] += rng.standard_normal(parameters.flat.size).astype(np.float32) * 0.3
    reading = {"tokenizer": "words", "oov": "zero", "seed": 0}
    info = vectors_info(store)
    return TrainedModel(architecture, parameters, LABELS, info, reading, ("bank",), {}, "small")


def printed(store, model, text="money bank grows", **steps) -> tuple[str, object]:
    """The stages as text, and the result they are of."""
    analyser = TaskAnalyser.of_model(model, store, include=frozenset(STAGE_FIELDS))
    (result,) = analyser([text])
    asked = Steps(everything=True, width=200, learned=Learned(model.projections, model), **steps)
    return PLAIN.rendered(step_lines(result, PLAIN, asked)), result


def numbers(text: str) -> list[float]:
    """The numbers of a line behind its name."""
    return [float(found) for found in re.findall(r"(?<![\w.])-?\d+\.\d+", text)]


def block(text: str, start: str) -> np.ndarray:
    """The rows of numbers that follow the line which begins so."""
    lines = text.split("\n")
    at = next(i for i, line in enumerate(lines) if line.strip().startswith(start))
    while not numbers(lines[at]):
        at += 1
    rows = []
    while numbers(lines[at]) and len(numbers(lines[at])) == len(
        rows[0] if rows else numbers(lines[at])
    ):
        rows.append(numbers(lines[at]))
        at += 1
    return np.array(rows)


def softmax(scores: np.ndarray) -> np.ndarray:
    """Each column's share of its powers of e."""
    powers = np.exp(scores - scores.max(axis=0))
    return powers / powers.sum(axis=0)


@pytest.mark.parametrize("committee", [1, 3])
@pytest.mark.parametrize("readout", ["target", "attention", "mean"])
def test_a_hand_finds_the_label_from_what_is_printed(six_words, readout, committee):
    """z·W_out + b_out, softmax and mean of the printed numbers are those printed, to the label."""
    model = trained(six_words, readout, committee)
    text, result = printed(six_words, model)
    members = [f" member {i + 1}" for i in range(committee)] if committee > 1 else [""]
    table = block(text, "b_out")  # (labels, 2 × committee), the likeliest label first
    order = [
        LABELS.index(name) for name in re.findall("|".join(LABELS), text[text.rindex("b_out") :])
    ]
    order = list(dict.fromkeys(order))
    for i, member in enumerate(members):
        z = block(text, f"z({member.strip()}" if member else "z(")[0]
        W_out = block(text, f"W_out{member}")
        expected = z @ W_out + np.array([table[order.index(k), i] for k in range(3)])
        shown = np.array([table[order.index(k), committee + i] for k in range(3)])
        np.testing.assert_allclose(expected, shown, atol=2e-6)
    by_hand = softmax(table[:, committee:])  # (labels, committee)
    shares = block(text, "10. probabilities")[:3]
    np.testing.assert_allclose(by_hand, shares[:, :committee], atol=1.5e-5)
    if committee > 1:
        np.testing.assert_allclose(by_hand.mean(axis=1), shares[:, committee], atol=1.5e-5)
    best = LABELS[order[int(by_hand.mean(axis=1).argmax())]]
    assert f"label: {best}, " in text
    assert result.model.label == best


def test_a_hand_finds_what_each_head_pools(six_words):
    """u·y, its softmax and the weighted sum of the printed new vectors give the printed z."""
    model = trained(six_words, "attention", 1)
    text, result = printed(six_words, model)
    u = block(text, "u, 2 × 2")
    new = np.stack([block(text, f"{word}(new) =")[0] for word in result.words])  # (n, 4)
    heads = new.reshape(3, 2, 2).swapaxes(0, 1)  # (heads, n, d_v)
    asked = np.einsum("hnd,hd->hn", heads, u)
    np.testing.assert_allclose(asked, block(text, "y·u"), atol=2e-6)
    shares = softmax(asked.T).T
    np.testing.assert_allclose(shares, block(text, "α = softmax"), atol=1.5e-5)
    z = np.einsum("hn,hnd->hd", shares, heads).reshape(-1)
    np.testing.assert_allclose(z, block(text, "z(heads")[0], atol=2e-6)


def test_a_hand_finds_the_values_from_the_landmarks(six_words):
    """The printed embeddings, landmarks and W_v give the printed values: V = [X F]·W_v."""
    text, result = printed(six_words, trained(six_words, committee=1, landmarks=3))
    assert "V = [X F]·W_v, F = (x·l/|x|)³ for 3 landmarks l" in text
    W_v, landmarks = block(text, "W_v, 7 × 2"), block(text, "landmarks, 3 × 4")
    for word in result.words:
        x, v = block(text, f"x({word}) =")[0], block(text, f"v({word}) =")[0]
        F = (landmarks @ x / np.linalg.norm(x)) ** 3
        np.testing.assert_allclose(np.r_[x, F] @ W_v, v, atol=1e-5)


def test_scores_with_relative_positions_add_up(six_words):
    """The printed product over √d_k and the printed bias give the printed score."""
    text, _ = printed(six_words, trained(six_words, committee=1))
    products, bias = block(text, "3. scores"), block(text, "the bias b")
    np.testing.assert_allclose(products / 3**0.5 + bias, block(text, "with the bias"), atol=2e-5)


@pytest.mark.parametrize("positions", ["none", "rope", "learned", "sinusoidal", "relative"])
@pytest.mark.parametrize("readout", ["target", "attention", "mean"])
@pytest.mark.parametrize("landmarks", [0, 4])
def test_the_stages_are_those_of_the_prediction(six_words, readout, positions, landmarks):
    """The unfolded read-out gives the probabilities that the model predicts while it learns."""
    model = trained(six_words, readout, 2, positions, landmarks)
    (result,) = TaskAnalyser.of_model(model, six_words)(["money bank grows river"])
    targets = None if readout != "target" else np.array([result.model.target])
    rows = [np.array([six_words.row(word) for word in result.words])]
    predicted = predict(
        model.parameters, model.architecture, Examples(six_words.vectors(range(6)), rows, targets)
    )
    np.testing.assert_allclose(list(result.model.probabilities.values()), predicted[0], atol=1e-5)


def test_without_matrices_or_tokens_the_steps_say_why_they_end(six_words):
    """A saved result, and one with hidden words, name what the read-out would need."""
    model = trained(six_words)
    (result,) = TaskAnalyser.of_model(model, six_words, include=frozenset(STAGE_FIELDS))(
        ["money bank"]
    )
    text = PLAIN.rendered(step_lines(result, PLAIN, Steps()))
    assert "the read-out needs the matrices" in text
    hidden = hide_tokens(result, ["money"])
    steps = Steps(learned=Learned(model.projections, model))
    assert "the read-out needs every token" in PLAIN.rendered(step_lines(hidden, PLAIN, steps))


def test_the_target_keeps_its_word_when_others_are_hidden(six_words):
    """The place of the target counts the words that are left; None when it is hidden itself."""
    (result,) = TaskAnalyser.of_model(trained(six_words), six_words)(["money bank grows"])
    assert result.words[result.model.target] == "bank"
    fewer = hide_tokens(result, ["money"])
    assert fewer.words[fewer.model.target] == "bank"
    assert hide_tokens(result, ["bank"]).model.target is None
