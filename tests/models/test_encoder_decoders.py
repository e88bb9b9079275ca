"""Encoders with decoders agree with transformers (eager, float32): weights of all three attentions.

Every family and option is a small random checkpoint that transformers writes.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.encoder_decoders import KINDS, N_VOCAB, T5, made
from safetensors.numpy import load_file, save_file

from attncli.errors import DataError, ShapeError
from attncli.models.encoder_decoder import Decoded, decode
from attncli.models.forward import Inputs, States, Wanted, encode
from attncli.models.model import TransformerModel
from attncli.models.relative import RelativeBias

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

PAIRS = ((1, 1), (2, 5), (9, 3), (17, 30), (40, 17), (64, 64))


def read(model: TransformerModel, ids: Any, target: Any) -> tuple[States, Decoded]:
    """What the encoder and the decoder make of a pair."""
    inputs = [Inputs(ids, np.zeros(len(ids), dtype=int))]
    (states,) = encode(model, inputs, Wanted(hidden_states=True))
    assert model.decoder is not None
    assert model.config.target is not None
    return states, decode(model.decoder, model.config.target, target, states.contextual)


def pair(n: int, n_target: int, start: int) -> tuple[Any, Any]:
    """Ids of a source and of what the decoder reads."""
    rng = np.random.default_rng(n)
    target = rng.integers(0, N_VOCAB, n_target)
    target[0] = start
    return rng.integers(0, N_VOCAB, n), target


def stacked(layers: Any) -> Any:
    """The layers of one sentence as one array."""
    return np.stack([layer[0].numpy() for layer in layers])


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", KINDS)
def test_all_three_attentions_agree_with_transformers(tmp_path: Path, name: str, seed: int) -> None:
    """Of the encoder, of the decoder, and of the decoder to the encoder; hidden states and logits too."""
    theirs, folder = made(tmp_path, name, seed)
    ours = TransformerModel(folder)
    assert ours.config.sides is not None
    for n, n_target in PAIRS:
        ids, target = pair(n, n_target, ours.config.sides.start)
        with torch.no_grad():
            expected = theirs(
                input_ids=torch.tensor(ids)[None],
                decoder_input_ids=torch.tensor(target)[None],
                output_attentions=True,
                output_hidden_states=True,
            )
        states, decoded = read(ours, ids, target)
        for mine, other in (
            (states.weights, expected.encoder_attentions),
            (decoded.weights, expected.decoder_attentions),
            (decoded.cross, expected.cross_attentions),
            (states.hidden_states, expected.encoder_hidden_states),
            (decoded.hidden_states, expected.decoder_hidden_states),
        ):
            assert np.abs(mine - stacked(other)).max() <= 1e-5, (n, n_target)
        assert ours.head is None  # the encoder's
        assert ours.decoder is not None
        head = ours.decoder.head()
        assert head is not None
        logits = head.logits(decoded.contextual)
        assert np.abs(logits - expected.logits[0].numpy()).max() <= 1e-5


def test_positions_that_a_file_of_marian_has_are_used(tmp_path: Path) -> None:
    """Each side's own, as transformers loads them, in the place of sines."""
    _, folder = made(tmp_path, "marian")
    stored = load_file(folder / "model.safetensors")
    for seed, side in enumerate(("encoder", "decoder")):
        table = np.random.default_rng(seed).normal(size=(64, 32)).astype(np.float32)
        stored[f"model.{side}.embed_positions.weight"] = table
    save_file(stored, folder / "model.safetensors", metadata={"format": "pt"})
    theirs = transformers.MarianMTModel.from_pretrained(folder, attn_implementation="eager").eval()
    ids, target = pair(20, 9, 95)
    with torch.no_grad():
        expected = theirs(
            input_ids=torch.tensor(ids)[None],
            decoder_input_ids=torch.tensor(target)[None],
            output_attentions=True,
        )
    states, decoded = read(TransformerModel(folder), ids, target)
    assert np.abs(states.weights - stacked(expected.encoder_attentions)).max() <= 1e-5
    assert np.abs(decoded.weights - stacked(expected.decoder_attentions)).max() <= 1e-5
    assert np.abs(decoded.cross - stacked(expected.cross_attentions)).max() <= 1e-5


@pytest.mark.parametrize("both_ways", [True, False])
@pytest.mark.parametrize(("n_buckets", "end"), [(32, 128), (8, 20), (6, 7), (64, 64), (4, 1000)])
def test_distances_fall_into_the_buckets_of_t5(both_ways: bool, n_buckets: int, end: int) -> None:
    """Each of 8,001 distances, at the edges of buckets too."""
    from transformers.models.t5.modeling_t5 import T5Attention

    ahead = np.arange(-4000, 4001)
    expected = T5Attention._relative_position_bucket(torch.tensor(ahead), both_ways, n_buckets, end)
    bias = RelativeBias(np.zeros((n_buckets, 1), dtype=np.float32), both_ways, end)
    assert np.array_equal(bias.buckets(ahead), expected.numpy())


@pytest.mark.parametrize("name", ["t5", "bart", "marian"])
def test_a_decoder_sees_no_later_token_of_its_own(tmp_path: Path, name: str) -> None:
    """Exactly zero after the token; all of the encoder is seen; rows sum to 1."""
    _, folder = made(tmp_path, name)
    model = TransformerModel(folder)
    ids, target = pair(20, 12, 0)
    _, decoded = read(model, ids, target)
    later = np.triu(np.ones((12, 12), dtype=bool), 1)
    assert (decoded.weights[..., later] == 0).all()
    assert (decoded.cross > 0).all()
    for weights in (decoded.weights, decoded.cross):
        np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-6)


@pytest.mark.parametrize("name", ["t5", "bart", "marian"])
def test_sources_read_together_are_what_they_are_alone(tmp_path: Path, name: str) -> None:
    """The same bits of the encoder, whatever stands beside a text."""
    _, folder = made(tmp_path, name)
    model = TransformerModel(folder)
    rng = np.random.default_rng(0)
    texts = [rng.integers(0, 96, n) for n in (3, 20, 3, 1, 7, 20)]
    inputs = [Inputs(ids, np.zeros(len(ids), dtype=int)) for ids in texts]
    for one, states in zip(inputs, encode(model, inputs), strict=True):
        (alone,) = encode(model, [one])
        assert np.array_equal(alone.weights, states.weights)
        assert np.array_equal(alone.contextual, states.contextual)


def test_a_saved_encoder_alone_is_read(tmp_path: Path) -> None:
    """T5EncoderModel writes no decoder; the encoder is the same, and the decoder is missed when used."""
    _, folder = made(tmp_path, "t5")
    ids = [Inputs(np.arange(9), np.zeros(9, dtype=int))]
    (before,) = encode(TransformerModel(folder), ids)
    path = folder / "model.safetensors"
    save_file({k: v for k, v in load_file(path).items() if not k.startswith("decoder.")}, path)
    model = TransformerModel(folder)
    (after,) = encode(model, ids)
    assert np.array_equal(before.weights, after.weights)
    with pytest.raises(DataError, match="decoder"):
        assert model.decoder


def test_a_text_beyond_the_table_of_positions_is_refused(tmp_path: Path) -> None:
    """Of BART and Marian, on both sides; T5 has no table."""
    for name in ("bart", "marian"):
        _, folder = made(tmp_path / name, name)
        model = TransformerModel(folder)
        with pytest.raises(ShapeError, match="1 to 64"):
            encode(model, [Inputs(np.zeros(65, dtype=int), np.zeros(65, dtype=int))])
        with pytest.raises(ShapeError, match="1 to 64"):
            read(model, np.arange(5), np.zeros(65, dtype=int))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("t5", {"num_heads": 5}),
        ("t5", {"d_kv": 0}),
        ("t5", {"feed_forward_proj": "gated-made_up"}),
        ("t5", {"feed_forward_proj": 7}),
        ("t5", {"relative_attention_num_buckets": 31}),
        ("t5", {"relative_attention_num_buckets": 10**9}),
        ("t5", {"relative_attention_max_distance": 4}),
        ("t5", {"num_layers": 2}),
        ("bart", {"encoder_attention_heads": 5}),
        ("bart", {"decoder_attention_heads": 5}),
        ("bart", {"max_position_embeddings": 63}),
        ("bart", {"scale_embedding": "yes"}),
        ("bart", {"encoder_layers": 10**12}),
        ("marian", {"d_model": 31}),
        ("marian", {"activation_function": None}),
    ],
    ids=str,
)
def test_a_wrong_configuration_is_one_error(
    tmp_path: Path, name: str, wrong: dict[str, Any]
) -> None:
    """Soon, with the file named, whatever a key holds."""
    _, folder = made(tmp_path, name)
    keys = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps({**keys, **wrong}), "utf-8")
    with pytest.raises(DataError) as caught:
        TransformerModel(folder)
    assert "config.json" in str(caught.value) or "model.safetensors" in str(caught.value)


@pytest.mark.parametrize("name", ["t5", "mt5", "umt5"])
def test_a_class_that_generates_is_no_encoder_alone(tmp_path: Path, name: str) -> None:
    """is_encoder_decoder false beside it is refused: a second text would be read by the encoder."""
    _, folder = made(tmp_path, name)
    keys = json.loads((folder / "config.json").read_text("utf-8")) | {"is_encoder_decoder": False}
    (folder / "config.json").write_text(json.dumps(keys), "utf-8")
    with pytest.raises(DataError, match="is_encoder_decoder is false beside"):
        TransformerModel(folder)
    (folder / "config.json").write_text(json.dumps(keys | {"architectures": ["T5EncoderModel"]}))
    assert TransformerModel(folder).decoder is None


def test_an_encoder_that_was_saved_alone_has_no_decoder(tmp_path):
    """T5EncoderModel writes the encoder of a T5: its weights are read, and no decoder is asked for."""
    torch.manual_seed(0)
    config = transformers.T5Config(**T5, attn_implementation="eager")
    theirs = transformers.T5EncoderModel(config).eval()
    theirs.save_pretrained(tmp_path)
    model = TransformerModel(tmp_path)
    assert model.decoder is None
    ids = np.arange(3, 12)
    (state,) = encode(model, [Inputs(ids, ids * 0)])
    with torch.no_grad():
        expected = theirs(input_ids=torch.from_numpy(ids[None]), output_attentions=True)
    for ours, weights in zip(state.weights, expected.attentions, strict=True):
        np.testing.assert_allclose(ours, weights[0].numpy(), rtol=1e-5, atol=1e-5)
