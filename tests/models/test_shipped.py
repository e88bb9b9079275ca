"""Laws of the models that ship: what the notes give is in the wheel, and can be trained again."""

import json
from pathlib import Path

import numpy as np
import pytest

from attncli.models.shipped import TRAINED_BY, shipped_examples, shipped_file, shipped_names

EXAMPLES = Path(__file__).parents[2] / "examples" / "lecture_weights.jsonl"
GIVEN = [json.loads(line) for line in EXAMPLES.read_text(encoding="utf-8").splitlines()]


def weights_of(command, *model):
    """The matrices of the notes' sentences under a model."""
    texts = [given["text"] for given in GIVEN]
    records = command("explain", *texts, "--model", *model, "--json").text.splitlines()
    return [np.array(json.loads(record)["weights"])[0, 0] for record in records]


def test_the_lecture_is_in_the_package(command):
    """All 18 weights of the notes come from `--model lecture`, within 0.0005."""
    for given, weights in zip(GIVEN, weights_of(command, "lecture"), strict=True):
        np.testing.assert_allclose(weights, given["weights"], atol=5e-4)


def test_the_lecture_is_trained_again_by_its_command(command, tmp_path, monkeypatch):
    """The command that the package names makes a model with the same weights."""
    first, second = TRAINED_BY["lecture"].split(" | ")
    examples = tmp_path / "examples.jsonl"
    examples.write_text(command(*first.split()[1:]).text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    words = [str(examples) if word == "-" else word for word in second.split()[1:]]
    assert command(*words).code == 0
    anew = weights_of(command, "./lecture.safetensors")
    for given, weights in zip(GIVEN, anew, strict=True):
        np.testing.assert_allclose(weights, given["weights"], atol=5e-4)


def test_the_examples_that_ship_are_those_of_the_project():
    """The two sentences in the package are those of examples/."""
    assert shipped_examples("lecture") == EXAMPLES.read_text(encoding="utf-8")


def test_every_model_that_ships_says_how_it_was_trained(command):
    """Each has a file, a command, and tells it as text and as JSON."""
    files = {path.stem for path in shipped_file("lecture").parent.glob("*.safetensors")}
    assert set(shipped_names()) == files
    for name in shipped_names():
        told = json.loads(command("model", "info", name, "--json").text)
        assert told["trained_by"] == TRAINED_BY[name]
        said = command("model", "info", name).text
        assert TRAINED_BY[name] in " ".join(said.split())


def test_a_file_of_the_same_name_is_its_own_model(command, tmp_path, monkeypatch):
    """A model that somebody trained is not said to be the shipped one."""
    (tmp_path / "lecture").write_bytes(shipped_file("idioms").read_bytes())
    monkeypatch.chdir(tmp_path)
    told = json.loads(command("model", "info", "lecture", "--json").text)
    assert "trained_by" not in told
    assert len(told["labels"]) == 32


@pytest.mark.parametrize("name", ["idioms", "nosuch"])
def test_examples_that_do_not_ship_are_said(command, name):
    """Wrong use, and what is there is named."""
    ended = command("model", "info", name, "--examples")
    assert (ended.code, ended.out) == (2, b"")
    assert "those of lecture do" in ended.said


def test_fitted_weights_weigh_the_embeddings(command):
    """The values of fitted weights are the embeddings, and equations say so."""
    said = command("explain", "money bank grows", "--model", "lecture", "--show", "equations").text
    assert "money(new) = 0.70·money + 0.20·bank + 0.10·grows" in said
    assert "weighted sums of the old ones" in said
    said = command("explain", "money bank grows", "--attention", "task", "--d-v", "50").text
    assert "v(money)" in said
