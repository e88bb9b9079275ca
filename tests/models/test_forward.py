"""Laws of the forward pass, against a second one in plain loops and float64."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models.made import CONFIGS, tensors, write_checkpoint
from models.plain import run
from safetensors.numpy import save_file

from attncli.errors import DataError, ShapeError
from attncli.models.forward import Inputs, Wanted, encode
from attncli.models.model import TransformerModel

FAMILIES = sorted(CONFIGS)
EVERYTHING = Wanted(hidden_states=True, projections=True)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """One checkpoint of each family."""
    root = tmp_path_factory.mktemp("checkpoints")
    return {family: write_checkpoint(root / family, family) for family in FAMILIES}


def inputs(ids, types=None):
    """A sentence of these ids."""
    types = np.zeros(len(ids), dtype=int) if types is None else np.array(types)
    return Inputs(np.array(ids), types)


def agree(states, config, sentence, made=None):
    """The states are those of the plain loops, to 1e-5."""
    expected = run(
        config,
        tensors(config) if made is None else made,
        sentence.ids.tolist(),
        sentence.types.tolist(),
    )
    np.testing.assert_allclose(states.weights, expected[0], atol=1e-5)
    np.testing.assert_allclose(states.hidden_states, expected[1], atol=1e-5)


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_a_few_heads_at_a_time_are_all_heads(tmp_path, family):
    """A text so long that its heads are computed one by one has the numbers of plain matrices.

    Of the wanted heads in the wanted order; the others are only in the hidden states.
    """
    longest = {"bert": "max_position_embeddings", "gpt2": "n_positions"}[family]
    model = TransformerModel(write_checkpoint(tmp_path / family, family, **{longest: 2200}))
    sentence = inputs([5 + at * at % 10 for at in range(2100)])
    (states,) = encode(model, [sentence], Wanted((1, 0), (3, 1), projections=True))
    assert states.weights.shape == (2, 2, 2100, 2100)
    for place, layer in enumerate((1, 0)):
        for at in range(2):
            query, key = states.query[place, at], states.key[place, at]
            scores = query.astype(np.float64) @ key.T.astype(np.float64) * model.config.scale(layer)
            if family == "gpt2":
                scores[~np.tri(2100, dtype=bool)] = -np.inf
            expected = np.exp(scores - scores.max(axis=-1, keepdims=True))
            expected /= expected.sum(axis=-1, keepdims=True)
            np.testing.assert_allclose(states.weights[place, at], expected, atol=1e-6)
    (whole,) = encode(model, [sentence], Wanted((1,), (1, 3, 2, 0), projections=True))
    np.testing.assert_array_equal(whole.weights[0, :2], states.weights[0, ::-1])
    np.testing.assert_array_equal(whole.key[0, :2], states.key[0, ::-1])
    np.testing.assert_array_equal(whole.contextual, states.contextual)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_layer_and_head_is_that_of_plain_loops(folders, family):
    """Weights and hidden states of single, long, short and two-segment sentences are right."""
    longest = 18 if family == "roberta" else 20
    second = [0, 0, 0, 1, 1] if family == "bert" else None
    sentences = [
        inputs([2, 5, 6, 7, 3]),
        inputs([2, 8, 3, 9, 3], second),
        inputs([4]),
        inputs([5 + at % 10 for at in range(longest)]),
    ]
    found = encode(TransformerModel(folders[family]), sentences, EVERYTHING)
    for states, sentence in zip(found, sentences, strict=True):
        agree(states, CONFIGS[family], sentence)


@pytest.mark.parametrize("family", FAMILIES)
@given(lengths=st.lists(st.integers(1, 18), min_size=1, max_size=9), seed=st.integers(0, 99))
def test_a_sentence_is_the_same_bits_in_every_company(folders, family, lengths, seed):
    """Whatever a sentence is packed with, its numbers are bit for bit those it has alone."""
    model = TransformerModel(folders[family])
    rng = np.random.default_rng(seed)
    sentences = [inputs(rng.integers(2, 16, n)) for n in lengths]
    together = encode(model, sentences, EVERYTHING)
    for sentence, packed in zip(sentences, together, strict=True):
        alone = encode(model, [sentence], EVERYTHING)[0]
        for name in ("weights", "contextual", "hidden_states", "query", "key", "value"):
            np.testing.assert_array_equal(getattr(packed, name), getattr(alone, name), name)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_pass_ends_after_the_last_layer_wanted(folders, family, monkeypatch):
    """Chosen layers are those of the whole pass, and no later layer is read."""
    model = TransformerModel(folders[family])
    sentence = inputs([2, 5, 6, 3])
    whole = encode(model, [sentence], EVERYTHING)[0]
    fresh = TransformerModel(folders[family])
    read = []
    tensor = fresh.checkpoint.tensor
    monkeypatch.setattr(
        fresh.checkpoint, "tensor", lambda name, rows=None: read.append(name) or tensor(name, rows)
    )
    part = encode(fresh, [sentence], Wanted(layers=(1, 0)))[0]
    np.testing.assert_array_equal(part.weights, whole.weights[[1, 0]])
    np.testing.assert_array_equal(part.contextual, whole.hidden_states[2])
    assert read
    assert not any(".2." in name for name in read)


def test_a_layer_is_read_once_for_sentences_of_many_packs(folders, monkeypatch):
    """However many sentences there are; each has the bits that it has alone."""
    monkeypatch.setattr("attncli.models.packing._PACK_ROWS", 24)
    model = TransformerModel(folders["gpt2"])
    read = []
    block = model.tensors.block
    monkeypatch.setattr(model.tensors, "block", lambda layer: read.append(layer) or block(layer))
    model.checkpoint.keeps_layers = False  # as those of GGUF, which are unpacked anew
    sentences = [inputs(np.arange(n) % 16) for n in (3, 20, 7, 15, 1, 20, 9, 4)]
    together = encode(model, sentences, EVERYTHING)
    assert read == [0, 1, 2]
    for sentence, states in zip(sentences, together, strict=True):
        (alone,) = encode(model, [sentence], EVERYTHING)
        assert np.array_equal(alone.weights, states.weights)
        assert np.array_equal(alone.hidden_states, states.hidden_states)


def test_the_sums_of_heads_are_the_projections_of_the_record(folders):
    """softmax(scale · query·keyᵀ) of what is kept is the weights that are kept."""
    model = TransformerModel(folders["bert"])
    states = encode(model, [inputs([2, 5, 6, 3])], EVERYTHING)[0]
    scores = states.query @ np.swapaxes(states.key, -1, -2) * model.config.scale(0)
    weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    np.testing.assert_allclose(states.weights, weights, atol=1e-6)


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("bert", {"hidden_act": "relu"}),
        ("bert", {"hidden_act": "gelu_new", "num_attention_heads": 1}),
        ("bert", {"hidden_act": "silu", "num_attention_heads": 12, "layer_norm_eps": 0.1}),
        ("roberta", {"pad_token_id": 0, "num_attention_heads": 3}),
        ("distilbert", {"n_heads": 6, "activation": "relu"}),
        ("gpt2", {"scale_attn_by_inverse_layer_idx": True}),
        ("gpt2", {"scale_attn_weights": False, "n_inner": 20}),
        ("gpt2", {"activation_function": "gelu", "n_head": 8, "layer_norm_epsilon": 0.01}),
    ],
)
def test_every_option_of_the_configuration_counts(tmp_path, family, changes):
    """Activations, head counts, epsilons, scalings and offsets are those of config.json."""
    config = {**CONFIGS[family], **changes}
    sentence = inputs([2, 5, 6, 7, 3])
    model = TransformerModel(write_checkpoint(tmp_path, family, **changes))
    agree(encode(model, [sentence], EVERYTHING)[0], config, sentence)


@pytest.mark.parametrize(
    ("family", "prefix"),
    [("bert", "bert."), ("roberta", "roberta."), ("gpt2", "transformer."), ("bert", "a.b.")],
)
def test_a_prefix_of_the_names_changes_nothing(tmp_path, folders, family, prefix):
    """Checkpoints saved with a head on top, and so a prefix, give the same numbers."""
    sentence = inputs([2, 5, 6, 3])
    made = {prefix + name: values for name, values in tensors(CONFIGS[family]).items()}
    made["cls.predictions.bias"] = np.zeros(3, dtype=np.float32)
    model = TransformerModel(write_checkpoint(tmp_path, family, made=made))
    plain = encode(TransformerModel(folders[family]), [sentence])[0]
    np.testing.assert_array_equal(encode(model, [sentence])[0].weights, plain.weights)


def test_the_first_names_of_layer_norm_are_known(tmp_path, folders):
    """gamma and beta, as the first BERT checkpoints call them, are weight and bias."""
    made = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): values
        for name, values in tensors(CONFIGS["bert"]).items()
    }
    model = TransformerModel(write_checkpoint(tmp_path, "bert", made=made))
    one = encode(model, [inputs([2, 5, 3])])[0]
    other = encode(TransformerModel(folders["bert"]), [inputs([2, 5, 3])])[0]
    np.testing.assert_array_equal(one.weights, other.weights)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_floats_are_widened_exactly(tmp_path, dtype):
    """A checkpoint in 16 or 64 bits gives what its values, as float32, give."""
    made = tensors(CONFIGS["bert"])
    if dtype == "bfloat16":
        rounded = {k: (v.view(np.uint32) >> 16).astype(np.uint16) for k, v in made.items()}
        _write_bfloat16(write_checkpoint(tmp_path, "bert"), rounded)
        values = {k: (v.astype(np.uint32) << 16).view(np.float32) for k, v in rounded.items()}
    else:
        rounded = {k: v.astype(dtype) for k, v in made.items()}
        write_checkpoint(tmp_path, "bert", made=rounded)
        values = {k: v.astype(np.float32) for k, v in rounded.items()}
    model, sentence = TransformerModel(tmp_path), inputs([2, 5, 6, 3])
    for _ in range(2):  # read from the file, then kept
        agree(encode(model, [sentence], EVERYTHING)[0], CONFIGS["bert"], sentence, values)


def _write_bfloat16(folder, rounded):
    from models.made import raw_file

    header, data = {}, b""
    for name, values in rounded.items():
        span = [len(data), len(data) + values.nbytes]
        header[name] = {"dtype": "BF16", "shape": list(values.shape), "data_offsets": span}
        data += values.tobytes()
    raw_file(folder / "model.safetensors", header, data)


def test_shards_are_one_checkpoint(tmp_path, folders):
    """A checkpoint in several files gives the numbers of the one file."""
    made = list(tensors(CONFIGS["bert"]).items())
    folder = write_checkpoint(tmp_path, "bert")
    (folder / "model.safetensors").unlink()
    index = {}
    for number in range(3):
        name = f"model-{number + 1:05d}-of-00003.safetensors"
        save_file(dict(made[number::3]), folder / name)
        index.update(dict.fromkeys(dict(made[number::3]), name))
    _write_index(folder, index)
    one = encode(TransformerModel(folder), [inputs([2, 5, 3])])[0]
    other = encode(TransformerModel(folders["bert"]), [inputs([2, 5, 3])])[0]
    np.testing.assert_array_equal(one.weights, other.weights)


def _write_index(folder, weight_map):
    import json

    text = json.dumps({"metadata": {}, "weight_map": weight_map})
    (folder / "model.safetensors.index.json").write_text(text)


def test_a_mapped_checkpoint_is_not_copied(folders):
    """The matrices of a float32 checkpoint are read-only views of the file."""
    block = TransformerModel(folders["bert"]).block(0)
    for part in (block.attention.query, block.feed.inner, block.feed.outer):
        assert not part.weight.flags.owndata
        assert not part.weight.flags.writeable


@pytest.mark.parametrize(("ids", "error"), [([], ShapeError), ([5] * 21, ShapeError)])
def test_a_length_that_the_model_cannot_read_is_refused(folders, ids, error):
    """No token, or more than there are positions, is an error and no wrong number."""
    with pytest.raises(error):
        encode(TransformerModel(folders["bert"]), [inputs(ids)])


def test_an_id_outside_the_vocabulary_is_refused(folders):
    """A tokenizer made for another model is noticed, never read past the table."""
    with pytest.raises(DataError, match="has 16 words"):
        encode(TransformerModel(folders["bert"]), [inputs([2, 99, 3])])
