"""Sentences that transformers pads on the left are what we compute of each alone, and in a batch."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.encoder_decoders import KINDS as TWO_SIDED
from models.encoder_decoders import N_VOCAB
from models.encoder_decoders import made as made_two_sided
from models.made import VOCAB, write_tokenizer
from models.test_decoders import EVERYTHING, KINDS, SMALL, made
from models.test_parity import made as made_older

from attncli.cli.app import run
from attncli.models.encoder_decoder import decode
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


def place(side: Any, mask: Any) -> None:
    """Gives each real token of one side the place it has alone.

    BART and Marian of transformers count places from the padding and take no others; T5 has none.
    """
    if hasattr(side, "embed_positions"):
        first = getattr(side.embed_positions, "offset", 0)
        places = torch.tensor(np.maximum(mask.cumsum(axis=1) - 1, 0))
        rows = side.embed_positions.weight[first + places]
        side.embed_positions.register_forward_hook(lambda *_: rows)


@pytest.mark.parametrize("on_the_left", [True, False], ids=["left", "right"])
@pytest.mark.parametrize("name", TWO_SIDED)
def test_encoders_with_decoders_padded_agree(tmp_path: Path, name: str, on_the_left: bool) -> None:
    """Both sides padded, each to its own length: encoder, decoder, across, and the states of both."""
    theirs, folder = made_two_sided(tmp_path, name)
    rng = np.random.default_rng(3)
    sides = [
        [rng.integers(3, N_VOCAB - 1, n) for n in counts] for counts in (LENGTHS, (2, 11, 1, 6))
    ]
    batches = [padded(rows, theirs.config.pad_token_id or 0) for rows in sides]
    if not on_the_left:
        batches = [turned_round(rows, batch) for rows, batch in zip(sides, batches, strict=True)]
    (ids, mask), (target_ids, target_mask) = batches
    place(theirs.get_encoder(), mask)
    place(theirs.get_decoder(), target_mask)
    with torch.no_grad():
        out = theirs(
            input_ids=torch.tensor(ids),
            attention_mask=torch.tensor(mask),
            decoder_input_ids=torch.tensor(target_ids),
            decoder_attention_mask=torch.tensor(target_mask),
            output_attentions=True,
            output_hidden_states=True,
        )
    model = TransformerModel(folder)
    assert model.decoder is not None
    assert model.config.target is not None
    inputs = [Inputs(row, np.zeros(len(row), dtype=int)) for row in sides[0]]
    for at, states in enumerate(encode(model, inputs, EVERYTHING)):
        read = decode(model.decoder, model.config.target, sides[1][at], states.contextual)
        keys, queries = mask[at].astype(bool), target_mask[at].astype(bool)
        for ours, layers, rows, columns in (
            (states.weights, out.encoder_attentions, keys, keys),
            (read.weights, out.decoder_attentions, queries, queries),
            (read.cross, out.cross_attentions, queries, keys),
        ):
            expected = np.stack([layer[at].numpy() for layer in layers])
            assert np.abs(ours - expected[:, :, rows][..., columns]).max() <= 1e-5
            assert (expected[:, :, rows][..., ~columns] == 0).all()  # padding takes no weight
        for ours, layers, rows in (
            (states.hidden_states, out.encoder_hidden_states, keys),
            (read.hidden_states, out.decoder_hidden_states, queries),
        ):
            expected = np.stack([layer[at, rows].numpy() for layer in layers])
            assert np.abs(ours - expected).max() <= 1e-5 * max(1.0, float(np.abs(expected).max()))


def turned_round(rows: list[Any], batch: tuple[Any, Any]) -> tuple[Any, Any]:
    """The batch of these rows with its padding behind each."""
    return tuple(
        np.stack([np.roll(one, len(row)) for one, row in zip(part, rows, strict=True)])
        for part in batch
    )
