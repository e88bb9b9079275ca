"""Sentences that transformers pads on the left are what we compute of each alone, and in a batch."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.made import VOCAB, write_tokenizer
from models.test_decoders import EVERYTHING, KINDS, SMALL, made
from models.test_parity import made as made_older

from attncli.cli.app import run
from attncli.models.forward import Inputs, encode
from attncli.models.model import TransformerModel

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

LENGTHS = (14, 3, 9, 1)  # longer than the windows, and not beyond what a scaled rope was made for


def padded(rows: list[Any], pad: int) -> tuple[Any, Any]:
    """The rows with `pad` before each, so that all end together, and which tokens are real."""
    n = max(map(len, rows))
    ids = np.array([[pad] * (n - len(row)) + list(row) for row in rows])
    return ids, np.array([[0] * (n - len(row)) + [1] * len(row) for row in rows])


def of_each(
    model: Any, rows: list[Any], pad: int = 0, *, counts_itself: bool = False
) -> list[tuple[Any, Any]]:
    """Weights (n_layers, n_heads, n, n) and states of the real tokens of a batch padded on the left.

    A model that counts positions from its padding is given none.
    """
    ids, mask = padded(rows, pad)
    places = np.maximum(mask.cumsum(axis=1) - 1, 0)  # only real tokens count
    given = {} if counts_itself else {"position_ids": torch.tensor(places)}
    with torch.no_grad():
        out = model(
            torch.tensor(ids),
            attention_mask=torch.tensor(mask),
            output_attentions=True,
            output_hidden_states=True,
            **given,
        )
    weights = np.stack([layer.numpy() for layer in out.attentions])
    states = np.stack([layer.numpy() for layer in out.hidden_states])
    return [
        (weights[:, at, :, -len(row) :, -len(row) :], states[:, at, -len(row) :])
        for at, row in enumerate(rows)
    ]


def agrees(folder: Path, rows: list[Any], expected: list[tuple[Any, Any]]) -> None:
    """Each row alone, and all of them read together, to 1e-5."""
    model = TransformerModel(folder)
    inputs = [Inputs(np.array(row), np.zeros(len(row), dtype=int)) for row in rows]
    together = encode(model, inputs, EVERYTHING)
    for one, states, (weights, hidden) in zip(inputs, together, expected, strict=True):
        (alone,) = encode(model, [one], EVERYTHING)
        assert np.array_equal(alone.weights, states.weights)
        assert np.abs(states.weights - weights).max() <= 1e-5
        scale = max(1.0, float(np.abs(hidden).max()))
        assert states.hidden_states is not None
        assert np.abs(states.hidden_states - hidden).max() <= 1e-5 * scale


@pytest.mark.parametrize("name", KINDS)
def test_decoders_padded_on_the_left_agree(tmp_path: Path, name: str) -> None:
    """Every kind of rope, window and norm: padding takes no weight and moves no position."""
    theirs, folder = made(tmp_path, name)
    rng = np.random.default_rng(0)
    rows = [rng.integers(3, SMALL["vocab_size"], n) for n in LENGTHS]
    agrees(folder, rows, of_each(theirs.model, rows))


@pytest.mark.parametrize("kind", ["bert", "roberta", "gpt2"])
def test_learned_positions_padded_on_the_left_agree(tmp_path: Path, kind: str) -> None:
    """The first real token has the first position, however much padding stands before it."""
    theirs = made_older(kind)
    theirs.save_pretrained(tmp_path)
    rng = np.random.default_rng(0)
    pad = theirs.config.pad_token_id or 0
    rows = [rng.integers(4, len(VOCAB), n) for n in LENGTHS]
    counts_itself = kind == "roberta"
    expected = of_each(theirs.base_model, rows, pad, counts_itself=counts_itself)
    agrees(tmp_path, rows, expected)


def test_a_batch_of_mixed_lengths_agrees_with_a_padded_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`attn batch` of short and long lines, by two workers: the weights of transformers, padded on the left."""
    pytest.importorskip("tokenizers")
    monkeypatch.setitem(
        KINDS, "letters", ("Mistral", {**SMALL, "vocab_size": 320, "sliding_window": 5})
    )
    theirs, folder = made(tmp_path / "model", "letters")
    tokenizer = write_tokenizer(folder, "gpt2")
    lines = ["bank", "a bank, another bank and no other", "so", "the old bank grows"] * 2
    (tmp_path / "lines.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = ["batch", str(tmp_path / "lines.txt"), "-m", str(folder), "--workers", "2"]
    assert run([*command, "--precision", "9", "-o", str(tmp_path / "out.jsonl"), "-q"]) == 0
    records = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    rows = [tokenizer.encode(line).ids for line in lines]
    for record, (weights, _) in zip(records, of_each(theirs.model, rows), strict=True):
        assert np.abs(np.array(record["weights"]) - weights).max() <= 1e-5
