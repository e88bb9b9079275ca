"""A real language model of 1 MB, stories260K, writes the text that its authors' test expects."""

import json

import numpy as np
import pytest
from models.stories import write_stories

import attncli
from attncli.cli.app import run
from attncli.models.continuing import continued
from attncli.models.model import TransformerModel
from attncli.models.pieces import PieceTokenizer
from attncli.models.writing_rules import WritingRules

pytest.importorskip("tokenizers")
pytest.importorskip("safetensors")

# karpathy/llama2.c, test_all.py: run.c and PyTorch, 200 steps at temperature 0.
EXPECTED = (
    "Once upon a time, there was a little girl named Lily. She loved to play outside in the park. "
    "One day, she saw a big, red ball. She wanted to play with it, but it was too high.\n"
    "Lily's mom said, \"Lily, let's go to the park.\" Lily was sad and didn't know what to do. "
    'She said, "I want to play with your ball, but I can\'t find it."\n'
    "Lily was sad and didn't know what to do. She said, \"I'm sorry, Lily. I didn't know what to "
    "do.\"\nLily didn't want to help her mom, so she"
)
FIRST = [403, 407, 261, 378, 432, 383, 286, 261, 376, 298]


@pytest.fixture(scope="module")
def stories(tmp_path_factory):
    """The checkpoint folder."""
    return write_stories(tmp_path_factory.mktemp("models") / "stories260K")


def test_two_hundred_tokens_are_the_published_text(stories):
    """From the beginning of a text alone, one token at a time."""
    written = continued(TransformerModel(stories), [1], 200, WritingRules(1, frozenset({1})))
    assert list(written.ids[:10]) == FIRST
    assert len(written.ids) == 200
    assert (
        PieceTokenizer(stories).text_of([1, *written.ids]).removeprefix("<s>").strip() == EXPECTED
    )


def test_the_command_goes_on_as_published(stories, capsys):
    """From the first words on, with the text, its tokens and their places."""
    start = "Once upon a time"
    arguments = ("explain", start, "-m", str(stories), "--complete", "180", "--json")
    assert run((*arguments, "--layer", "0", "--head", "0")) == 0
    record = json.loads(capsys.readouterr().out)
    assert len(record["text"]) > 400
    assert EXPECTED.startswith(record["text"])
    assert record["text"] == start + record["model"]["completion"]
    for token in record["tokens"]:
        assert token["status"] == "special" or (
            record["text"][token["start"] : token["end"]] == token["text"]
        )
    assert len(record["model"]["written"]) == 180


def test_heads_look_where_they_were_measured_to_look(stories):
    """One head looks at the token before; hardly any weight rests on the first token."""
    result = attncli.explain(EXPECTED, str(stories), include=["next"])
    before = np.diagonal(result.weights, offset=-1, axis1=-2, axis2=-1).mean(axis=-1)
    assert np.unravel_index(before.argmax(), before.shape) == (1, 3)
    assert before.max() > 0.5
    assert result.weights[:, :, 1:, 0].mean() < 0.1
    logs = result.model.log_probabilities
    assert -np.mean(logs[2:]) < 1  # its own likeliest text surprises it little


def test_words_that_nothing_cut_begin_at_their_marks(stories):
    """A tokenizer without words of its own: each entry with ▁ begins one, so that merging has them."""
    result = attncli.explain("One day, Lily saw a big bird", stories, part=attncli.Part(merge=True))
    assert result.words[1:] == ["One", "day,", "Lily", "saw", "a", "big", "bird"]
