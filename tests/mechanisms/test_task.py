"""The Analyser of task-specific attention, and what `attn explain` shows of it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from attncli.attention.general import unit_rows
from attncli.attention.parameters import Architecture
from attncli.attention.projections import Projections, random_projections, task_attention
from attncli.errors import DataError, EmptyError, UsageError
from attncli.learning.trainer import Training, predict
from attncli.mechanisms.task import TaskAnalyser
from attncli.models.named import find_model
from attncli.models.trained import TrainedModel, model_bytes, parse_model
from attncli.reading.embedder import open_embedder
from attncli.reading.reader import ReadingSettings
from attncli.results.result import AttentionResult
from attncli.settings import TrainingSettings
from attncli.training.examples import prepare
from attncli.training.rows import Row

TEXTS = ("money bank grows", "river bank flows", "", "the bank near the river", "money grows bank")


def of_rows(rows: list[tuple[str, str, str | None]]) -> list[Row]:
    """Rows as if read from a file."""
    return [
        Row(t, label, target, None, None, f"rows:{i}") for i, (t, label, target) in enumerate(rows)
    ]


@pytest.fixture(scope="module", params=[0, 5], ids=["plain", "landmarks"])
def model(request) -> TrainedModel:
    """A small model of two kinds of bank, trained on the built-in vectors."""
    settings = ReadingSettings(oov="zero")
    embedder, info = open_embedder("glove", settings)
    rows = [("money in the bank", "money", "bank"), ("the river bank flows", "river", "bank")] * 10
    prepared = prepare(of_rows(rows), embedder)
    architecture = Architecture(
        50, 2, n_heads=3, d_k=4, d_v=5, committee=2, positions="relative", landmarks=request.param
    )
    training = Training(prepared.examples, architecture, TrainingSettings(epochs=30, held_out=0.0))
    list(training.run())
    reading = {"tokenizer": "words", "oov": "zero", "seed": 0}
    made = TrainedModel(
        architecture, training.best, prepared.labels, info, reading, prepared.targets
    )
    return parse_model(model_bytes(made), "banks", "banks")


@pytest.mark.parametrize("positions", ["none", "sinusoidal", "rope", "learned", "relative"])
def test_stacks_give_what_each_sentence_gives_alone(glove, positions):
    """Computed together, each word projected once, the numbers are those of one sentence."""
    layer = random_projections(50, n_heads=2, d_k=4, d_v=3, positions=positions, seed=1)
    analyser = TaskAnalyser(glove, layer, include=frozenset({"query", "scores", "embeddings"}))
    outcomes = list(analyser.outcomes(TEXTS))
    assert isinstance(outcomes[2], EmptyError)
    for outcome in (o for o in outcomes if isinstance(o, AttentionResult)):
        found = task_attention(outcome.embeddings.astype(np.float64), layer)
        assert outcome.weights.shape == (1, 2, len(outcome.tokens), len(outcome.tokens))
        assert np.abs(outcome.weights[0] - found.weights).max() < 1e-6
        assert np.abs(outcome.contextual - found.contextual).max() < 1e-5
        assert np.abs(outcome.scores[0] - found.scores).max() < 1e-4
        assert np.allclose(outcome.query[0], found.query, atol=1e-5)
    assert [o.index for o in outcomes if isinstance(o, AttentionResult)] == [0, 1, 3, 4]


def test_a_model_labels_each_sentence(model, glove):
    """The label is the most probable one, and probabilities sum to 1 and name the target."""
    analyser = TaskAnalyser.of_model(model, glove)
    money, river = analyser(["the money bank", "a river bank"])
    assert (money.model.label, river.model.label) == ("money", "river")
    for found, place in ((money, 2), (river, 2)):
        assert sum(found.model.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert found.model.target == place
        assert found.model.sha256 == model.sha256


def test_a_label_does_not_depend_on_the_company(model, glove):
    """A sentence alone and among others has the same probabilities, bit for bit."""
    texts = ["the money bank", "a river bank", "money bank here", "deep river bank"]
    together = list(TaskAnalyser.of_model(model, glove)(texts))
    for text, found in zip(texts, together, strict=True):
        (alone,) = TaskAnalyser.of_model(model, glove)([text])
        assert alone.model == found.model
        assert np.array_equal(alone.weights, found.weights)


def test_a_pooled_label_does_not_depend_on_the_company(glove):
    """The same for a model that reads whole sentences: equal to the last bit in every chunk."""
    analyser = TaskAnalyser.of_model(find_model("idioms"), glove)
    texts = ["that exam was a piece of cake", "break a leg", "he ate a piece of cake today ok"] * 3
    together = list(analyser(texts))
    for text, result in zip(texts, together, strict=True):
        (alone,) = analyser([text])
        assert alone.model == result.model


def test_labels_are_those_of_learning(model, glove):
    """explain and evaluate predict the same probabilities."""
    embedder, _ = open_embedder("glove", ReadingSettings(oov="zero"))
    rows = of_rows([("the money bank", "money", "bank"), ("a river bank", "river", "2")])
    rows[1] = Row("a river bank", "river", 2, None, None, "rows:1")
    prepared = prepare(rows, embedder, model=model)
    expected = predict(model.parameters, model.architecture, prepared.examples)
    for found, row in zip(
        TaskAnalyser.of_model(model, glove)([r.text for r in rows]), expected, strict=True
    ):
        assert list(found.model.probabilities.values()) == pytest.approx(row.tolist(), abs=1e-5)


def test_the_label_follows_from_the_new_embeddings_that_are_shown(model, glove):
    """Each member's share of the target's new embedding, times W_out, gives the probabilities."""
    analyser = TaskAnalyser.of_model(model, glove)
    (found,) = analyser(["the old money bank"])
    members = model.architecture.committee
    read = found.contextual[found.model.target].reshape(members, 1, -1)  # (committee, 1, heads·d_v)
    logits = (read @ model.parameters["W_out"])[:, 0] + model.parameters["b_out"]
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = (odds / odds.sum(axis=1, keepdims=True)).mean(axis=0)
    assert list(found.model.probabilities.values()) == pytest.approx(expected.tolist(), abs=1e-5)


def test_a_sentence_without_a_known_target_has_no_label(model, glove):
    """It is explained, with a warning; --target names the word."""
    (found,) = TaskAnalyser.of_model(model, glove)(["money grows"])
    assert found.model.label is None
    assert [w.code for w in found.warnings] == ["no-target"]
    (named,) = TaskAnalyser.of_model(model, glove, target="grows")(["money grows"])
    assert named.model.label is not None
    (failed,) = TaskAnalyser.of_model(model, glove, target="house").outcomes(["money grows"])
    assert isinstance(failed, UsageError)


def test_a_model_refuses_other_vectors(model, six_words):
    """Vectors of another size are a DataError."""
    with pytest.raises(DataError, match="trained on the vectors"):
        TaskAnalyser.of_model(model, six_words)


def test_explain_shows_untrained_attention(command):
    """--attention task prints a matrix a head; the same seed prints the same."""
    arguments = ("explain", "money bank grows", "--attention", "task", "--heads", "2", "--d-k", "3")
    one, two = command(*arguments, "--seed", "4"), command(*arguments, "--seed", "4")
    assert one.code == 0
    assert one.out == two.out
    assert "head 1" in one.text
    assert command(*arguments, "--seed", "5").out != one.out


def test_explain_steps_can_be_followed(command):
    """The JSON of the stages: scores are Q·Kᵀ/√d_k, weights their softmax, contextual W·V."""
    ended = command(
        *("explain", "money bank grows", "--attention", "task", "--heads", "2", "--d-k", "3"),
        *("--d-v", "2", "--json", "--steps"),
    )
    record = json.loads(ended.text)
    query, key, value = (np.array(record[name][0]) for name in ("query", "key", "value"))
    scores = query @ key.swapaxes(1, 2) / np.sqrt(3)
    assert np.allclose(scores, record["scores"][0], atol=1e-5)
    weights = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    assert np.allclose(weights, record["weights"][0], atol=1e-6)
    contextual = np.concatenate(list(weights @ value), axis=-1)
    assert np.allclose(contextual, record["contextual"], atol=1e-5)
    assert record["attention"]["kind"] == "task"


def test_explain_with_a_model(command, model, tmp_path: Path):
    """--model adds the label; --against shows both mechanisms and where they differ."""
    path = tmp_path / "banks.safetensors"
    path.write_bytes(model_bytes(model))
    shown = command("explain", "the money bank", "--model", str(path))
    assert shown.code == 0
    assert "label: money" in shown.text
    record = json.loads(command("explain", "the money bank", "-m", str(path), "--json").text)
    assert record["model"]["label"] == "money"
    assert record["attention"]["n_heads"] == 6
    beside = command("explain", "the money bank", "-m", str(path), "--against", "general")
    assert beside.code == 0
    for part in ("label: money", "general", "where they differ most", "bank → money"):
        assert part in beside.text
    told = json.loads(
        command("explain", "the money bank", "-m", str(path), "--against", "general", "--json").text
    )
    assert told["differences"][0]["query"] == 2
    assert told["general"]["attention"]["kind"] == "general"
    for part, name in (
        ([], "mean of 6 heads"),
        (["--head", "4"], "head 4"),
        (["--head", "4,1"], "mean of heads 4, 1"),
        (["--agg", "max"], "max of heads 0–5"),
    ):
        against = ["explain", "the money bank", "-m", str(path), "--against", "general", *part]
        assert f"banks, {name}\n" in command(*against).text
        assert json.loads(command(*against, "--json").text)["weights_of"] == name
    narrow = command(
        *("explain", "the money bank", "-m", str(path), "--against", "general", "--width", "40")
    )
    assert max(map(len, narrow.text.splitlines())) <= 60


@pytest.mark.parametrize(
    "arguments",
    [
        ("--heads", "2"),
        ("--positions", "rope"),
        ("--attention", "task", "--temperature", "2"),
        ("--attention", "task", "--no-self"),
        ("--against", "general"),
        ("--target", "bank"),
        ("--model", "nosuch"),
        ("--attention", "other"),
        ("--model", "x.safetensors", "--causal"),
    ],
)
def test_options_that_do_not_go_together_are_refused(command, arguments):
    """An option of another mechanism is a usage error, never passed over."""
    ended = command("explain", "money bank grows", *arguments)
    assert ended.code == 2, ended.said
    assert ended.is_clean()


def test_a_folder_of_the_same_name_does_not_hide_the_shipped_model(command, tmp_path, monkeypatch):
    """Only a checkpoint's folder is meant before the model that ships."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "idioms").mkdir()
    found = command("explain", "that exam was a piece of cake", "--model", "idioms", "--json")
    assert json.loads(found.text)["model"]["name"] == "idioms"


def test_the_shipped_model_tells_idioms_from_food(command):
    """The README's example is easy work, a piece eaten is cake; nine in ten test sentences are right."""
    meaning = {
        "that exam was a piece of cake": "बहुत आसान काम",
        "she ate a piece of cake with her tea": "केक का टुकड़ा",
    }
    for text, label in meaning.items():
        record = json.loads(command("explain", text, "--model", "idioms", "--json").text)
        assert record["model"]["label"] == label
    data = Path(__file__).parents[2] / "examples" / "idioms.tsv"
    found = command("evaluate", str(data), "--split", "test", "--model", "idioms", "--json")
    assert json.loads(found.text)["accuracy"] > 0.9


def with_landmarks(layer: Projections, store, count: int) -> Projections:
    """The layer with the first words of a store as landmarks, and rows of W_v for them."""
    landmarks = unit_rows(store.vectors(range(count)).astype(np.float64))
    rows = np.random.default_rng(3).standard_normal((layer.n_heads, count, layer.d_v))
    W_v = np.concatenate([layer.W_v, rows], axis=1)
    return replace(layer, W_v=W_v, landmarks=landmarks)


@pytest.mark.parametrize("positions", ["none", "sinusoidal", "rope", "learned", "relative"])
@pytest.mark.parametrize("causal", [False, True])
def test_float32_is_taken_where_it_is_exact(glove, positions, causal):
    """In float32 weights stay within 1e-6 of float64, whatever the layer, loud ones included."""
    texts = [text for text in TEXTS if text] + ["a " * 30 + "bank"]
    for loud in (1.0, 8.0):
        layer = random_projections(
            50, n_heads=2, d_k=4, d_v=3, positions=positions, causal=causal, seed=1
        )
        layer = with_landmarks(replace(layer, W_q=layer.W_q * loud), glove, 4 if causal else 0)
        analyser = TaskAnalyser(glove, layer, include=frozenset({"scores", "key"}))
        quick = replace(analyser, dtype=np.float32)
        for exact, found in zip(analyser(texts), quick(texts), strict=True):
            assert np.abs(exact.weights - found.weights).max() < 1.2e-6
            assert np.abs(exact.contextual - found.contextual).max() < 1e-5
            assert np.allclose(exact.scores, found.scores, atol=1e-4)
            assert np.allclose(exact.key, found.key, atol=1e-5)


def test_float32_does_not_depend_on_the_company(glove):
    """Alone or among many, in any order, a sentence has the same bits."""
    layer = random_projections(50, n_heads=3, d_k=8, d_v=8, positions="learned", seed=2)
    layer = with_landmarks(layer, glove, 7)
    texts = [" ".join(TEXTS[i % 2].split()[:n]) for i in range(9) for n in (1, 2, 3)]
    quick = TaskAnalyser(glove, layer, dtype=np.float32)
    together = list(quick([*texts, "a longer one about the river"]))
    for text, found in zip(texts, together, strict=False):
        (alone,) = TaskAnalyser(glove, layer, dtype=np.float32)([text])
        assert np.array_equal(alone.weights, found.weights)
        assert np.array_equal(alone.contextual, found.contextual)
