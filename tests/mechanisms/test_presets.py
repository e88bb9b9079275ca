"""Laws of presets: small vectors that give the numbers they are known for, and give way to options."""

import json
import math
import re
from typing import get_args

import numpy as np
import pytest

import attncli
from attncli.embeddings.presets import PRESETS, preset_store
from attncli.errors import UsageError
from attncli.settings import PresetName

EVERY = list(PRESETS)


def attention_by_loops(vectors, divisor):
    """Scores, scores divided, weights and new vectors by plain loops over lists of numbers."""
    raw = [[math.fsum(a * b for a, b in zip(x, y, strict=True)) for y in vectors] for x in vectors]
    scaled = [[s / divisor for s in row] for row in raw]
    weights = [[math.exp(s) / math.fsum(map(math.exp, row)) for s in row] for row in scaled]
    new = [
        [
            math.fsum(w * x[d] for w, x in zip(row, vectors, strict=True))
            for d in range(len(vectors[0]))
        ]
        for row in weights
    ]
    return raw, scaled, weights, new


def worked(name, sentence=0):
    """The vectors of a preset's sentence, read from its text, and what its scores are divided by."""
    preset = PRESETS[name]
    parts = (part.split("=") for part in preset.vectors.split(";"))
    held = {word: [float(number) for number in numbers.split(",")] for word, numbers in parts}
    words = preset.sentences[sentence].lower().split()
    size = math.sqrt(len(held[words[0]])) if preset.score == "scaled" else 1
    return [held[word] for word in words], size * preset.temperature


def explained(command, *options):
    """The record that a command line gives, and what it says on stderr."""
    ended = command("explain", *options, "--json")
    assert ended.code == 0, ended.said
    return json.loads(ended.text), ended.said


def test_the_choices_are_the_presets():
    """Every preset can be chosen by its name, and no other."""
    assert list(get_args(PresetName)) == EVERY


@pytest.mark.parametrize("name", EVERY)
def test_a_preset_without_text_is_its_worked_sentence(command, name):
    """Scores, weights and new vectors are those of three plain loops; nothing else is needed."""
    record, said = explained(command, "--preset", name, "--include", "scores")
    vectors, divisor = worked(name)
    _, scaled, weights, new = attention_by_loops(vectors, divisor)
    assert (record["text"], record["vectors"]["name"]) == (PRESETS[name].sentences[0], name)
    np.testing.assert_allclose(record["scores"][0][0], scaled, rtol=1e-5)
    np.testing.assert_allclose(record["weights"][0][0], weights, atol=1e-6)
    np.testing.assert_allclose(record["contextual"], new, rtol=1e-5)
    assert said == ""


def test_the_known_numbers_are_true():
    """Every number that the list names comes out of the loops, rounded as it is written."""
    rows = {"thinking-machines": 0, "journey": 1, "by-hand": 0}
    for name, row in rows.items():
        vectors, divisor = worked(name)
        raw, scaled, weights, new = (part[row] for part in attention_by_loops(vectors, divisor))
        powers = [math.exp(s - max(scaled)) for s in scaled]
        sizes = [divisor, max(scaled), len(vectors[0]), math.fsum(powers)]
        given = PRESETS[name].known.partition(":")[2]
        for text in re.findall(r"\d+(?:\.\d+)?", given):
            digits = len(text.partition(".")[2])
            true = [*raw, *scaled, *powers, *weights, *new, *sizes]
            assert any(abs(float(text) - value) < 0.51 * 10**-digits for value in true), (
                name,
                text,
            )


def test_by_hand_has_integers_until_the_softmax():
    """Vectors, products and scores divided by √4 are whole numbers up to 4."""
    for sentence in (0, 1):
        vectors, divisor = worked("by-hand", sentence)
        raw, scaled, _, _ = attention_by_loops(vectors, divisor)
        numbers = [number for part in (vectors, raw, scaled) for row in part for number in row]
        assert all(number == int(number) and 0 <= number <= 4 for number in numbers)


def test_the_lectures_vectors_give_two_of_three_rows():
    """By plain products the first two rows of each sentence are those of the notes; the third never is."""
    given = {0: [[0.7, 0.2, 0.1], [0.25, 0.7, 0.05]], 1: [[0.8, 0.15, 0.05], [0.2, 0.78, 0.02]]}
    thirds = {0: [0.1, 0.2, 0.7], 1: [0.4, 0.01, 0.59]}
    for sentence, rows in given.items():
        *_, weights, _ = attention_by_loops(*worked("lecture", sentence))
        np.testing.assert_allclose(weights[:2], rows, atol=0.005)
        assert np.abs(np.subtract(weights[2], thirds[sentence])).max() > 0.05


@pytest.mark.parametrize(
    ("options", "score", "temperature", "vectors", "said"),
    [
        (("--score", "scaled"), "scaled", 8, "thinking-machines", "scaled is taken, not dot"),
        (("--score", "dot"), "dot", 8, "thinking-machines", ""),
        (("--temperature", "1"), "dot", 1, "thinking-machines", "temperature 8 is not taken"),
        (("--temperature", "8"), "dot", 8, "thinking-machines", ""),
        (("--vectors", "glove"), "dot", 8, "glove-6b-50d", '"glove" are taken'),
        (("--inline", "thinking=1,0;machines=0,1"), "dot", 8, "inline", "are taken"),
    ],
)
def test_what_is_given_wins_and_is_said(command, options, score, temperature, vectors, said):
    """An option on the command line counts, its default too; what of the preset is left out is said."""
    record, err = explained(command, "--preset", "thinking-machines", *options)
    settings = record["attention"]
    assert (settings["score"], settings["temperature"]) == (score, temperature)
    assert record["vectors"]["name"] == vectors
    assert (said in err) if said else err == ""
    assert explained(command, "--preset", "thinking-machines", *options, "--quiet")[1] == ""


def test_a_target_self_weight_replaces_the_temperature(command):
    """The temperature of the preset is not the one that is sought."""
    record, said = explained(command, "--preset", "thinking-machines", "--target-self", "0.55")
    assert "temperature 8 is not taken" in said
    assert np.mean([record["weights"][0][0][i][i] for i in (0, 1)]) == pytest.approx(0.55, abs=1e-4)


def test_matrices_take_the_vectors_and_a_model_none(command):
    """Random matrices act on the small vectors; a model has vectors of its own."""
    options = ("--preset", "thinking-machines", "--attention", "task")
    record, said = explained(command, *options)
    assert record["vectors"]["name"] == "thinking-machines"
    assert "its score and temperature are of general attention" in said
    own = ("--preset", "by-hand", "--w-q", "1,0;0,1;0,0;0,0", "--w-k", "1,0;0,1;0,0;0,0")
    record, said = explained(command, *own)
    assert (record["text"], record["attention"]["kind"], said) == ("money bank grows", "task", "")
    ended = command("explain", "--preset", "lecture", "--model", "lecture")
    assert ended.code == 2
    assert ended.said.startswith("attn: error: --preset: found a model too")


def test_other_sentences_and_other_commands_take_presets(command, tmp_path, monkeypatch):
    """A text of one's own, two sentences compared, a file in a batch; `preset:NAME` is the vectors alone."""
    record, _ = explained(command, "bank money", "--preset", "by-hand")
    assert [token["status"] for token in record["tokens"]] == ["exact", "exact"]
    compared = json.loads(command("compare", "--preset", "lecture", "--json").text)
    assert compared["word"] == "bank"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.txt").write_text("Thinking Machines\n")
    preset = ("--preset", "thinking-machines")
    batched = json.loads(command("batch", "s.txt", *preset, "--workers", "1").text)
    alone, _ = explained(command, *preset)
    np.testing.assert_allclose(batched["weights"], alone["weights"], atol=1e-6)
    settings = ("--score", "dot", "--temperature", "8")
    named, _ = explained(
        command, "Thinking Machines", "--vectors", "preset:thinking-machines", *settings
    )
    assert named == alone


def test_a_batch_with_a_preset_goes_on(command, tmp_path):
    """--resume knows the settings of the preset from those of another."""
    (tmp_path / "s.txt").write_text("money bank grows\n")
    run = ("batch", str(tmp_path / "s.txt"), "-o", str(tmp_path / "o.jsonl"), "--workers", "1")
    assert command(*run, "--preset", "by-hand").code == 0
    assert command(*run, "--preset", "by-hand", "--resume").code == 0
    assert command(*run, "--preset", "lecture", "--resume").code == 11


def test_python_has_the_presets(tmp_path):
    """`preset=` is the option; a choice beside it, and an opened store, win."""
    words = "Thinking Machines"
    result = attncli.explain(words, preset="thinking-machines")
    assert result.attention[:1] + result.attention[3:4] == ("general", 8.0)
    assert result.weights[0, 0, 0].round(2).tolist() == pytest.approx([0.88, 0.12])
    assert attncli.explain(words, preset="thinking-machines", score="scaled").attention.scale == 0.5
    store = preset_store("by-hand")
    given = attncli.explain("money bank", preset="lecture", vectors=store)
    assert (given.vectors.name, given.attention.score) == ("by-hand", "dot")
    (tmp_path / "s.txt").write_text("Thinking Machines\n")
    attncli.batch(tmp_path / "s.txt", tmp_path / "o.jsonl", preset="thinking-machines", workers=1)
    (read,) = attncli.read(tmp_path / "o.jsonl")
    np.testing.assert_allclose(read.weights, result.weights, atol=1e-6)
    with pytest.raises(UsageError, match="model"):
        attncli.explain(words, "lecture", preset="lecture")


def test_presets_are_listed_with_their_examples(command):
    """As text within 80 columns, and as JSON with sentence, numbers and source."""
    listed = {
        entry["name"]: entry
        for entry in json.loads(command("vectors", "list", "--json").text)["vectors"]
    }
    text = command("vectors", "list").text
    for name, preset in PRESETS.items():
        entry = listed[name]
        assert (entry["kind"], entry["known"], entry["source"]) == (
            "preset",
            preset.known,
            preset.source,
        )
        assert tuple(entry["sentences"]) == preset.sentences
        for part in (preset.known, preset.source, preset.sentences[0]):
            assert part in " ".join(text.split())
    about = text[text.index("worked examples") :]
    assert all(len(line) <= 80 for line in about.splitlines())
    assert json.loads(command("vectors", "info", "preset:by-hand", "--json").text)["words"] == 5


def test_a_name_that_is_none_is_said(command):
    """With what was meant; exit 2."""
    ended = command("explain", "--preset", "by-hnd")
    assert ended.code == 2
    assert "by-hand" in ended.said
    assert command("explain", "money", "--vectors", "preset:nosuch").code == 2
