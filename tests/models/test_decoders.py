"""Models whose positions turn agree with transformers (eager, float32): weights, hidden states, to 1e-5.

Every family and option is a small random checkpoint that transformers writes; texts are longer than
the windows, heads are fewer for keys than for queries, norms are far from 1.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.made import write_tokenizer
from safetensors.numpy import load_file, save_file

from attncli.cli.app import run
from attncli.errors import DataError
from attncli.models.forward import Inputs, Wanted, encode
from attncli.models.model import TransformerModel

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

EVERYTHING = Wanted(hidden_states=True)
SMALL = {
    "vocab_size": 96,
    "hidden_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 56,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
WIDE = {**SMALL, "head_dim": 24}  # heads·head_dim is another width than the model's
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
LONG = {
    "rope_type": "longrope",
    "short_factor": [1.0, 1.1, 1.2, 1.4],
    "long_factor": [1.0, 2.0, 4.0, 8.0],
}


def rope(theta: float = 10_000.0, **parameters: Any) -> dict[str, Any]:
    """The parameters of a rope, as configurations have them."""
    return {"rope_parameters": {"rope_theta": theta, **parameters}}


# Name: the classes, and what its configuration says.
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("Llama", {**SMALL, **rope()}),
    "llama-all-heads": ("Llama", {**SMALL, "num_key_value_heads": 4, **rope(500_000.0)}),
    "llama-one-kv-head": ("Llama", {**WIDE, "num_key_value_heads": 1, **rope()}),
    "llama-biases": ("Llama", {**SMALL, "attention_bias": True, "mlp_bias": True}),
    "llama-tied": ("Llama", {**SMALL, "tie_word_embeddings": True, "rms_norm_eps": 1e-3}),
    "llama-linear": ("Llama", {**SMALL, **rope(rope_type="linear", factor=4.0)}),
    "llama-dynamic": ("Llama", {**SMALL, **rope(rope_type="dynamic", factor=2.0)}),
    "llama-yarn": ("Llama", {**SMALL, **rope(**YARN)}),
    "llama-yarn-own": (
        "Llama",
        {
            **SMALL,
            **rope(**YARN, attention_factor=1.2, beta_fast=16.0, beta_slow=2.0, truncate=False),
        },
    ),
    "llama-yarn-mscale": (
        "Llama",
        {**SMALL, **rope(**YARN, mscale=0.707, mscale_all_dim=1.2)},
    ),
    "llama-yarn-zeros": (
        "Llama",
        {
            **SMALL,
            **rope(**YARN, mscale=0, mscale_all_dim=1.2, beta_fast=0, beta_slow=0, truncate=None),
        },
    ),
    "llama-proportional": (
        "Llama",
        {**SMALL, **rope(rope_type="proportional", partial_rotary_factor=0.6)},
    ),
    "llama-fast": ("Llama", {**SMALL, **rope(1.5)}),
    "llama-slow": ("Llama", {**SMALL, **rope(1e12)}),
    "llama-linear-1000": ("Llama", {**SMALL, **rope(rope_type="linear", factor=1000.0)}),
    "llama-dynamic-50": ("Llama", {**SMALL, **rope(rope_type="dynamic", factor=50.0)}),
    "llama-yarn-64": ("Llama", {**SMALL, **rope(1e7, **{**YARN, "factor": 64.0})}),
    "llama-3.1": ("Llama", {**SMALL, **rope(500_000.0, **LLAMA3)}),
    "llama-gelu": ("Llama", {**SMALL, "hidden_act": "gelu"}),
    "llama-both-ways": ("Llama", {**SMALL, "is_causal": False}),
    "mistral-both-ways": ("Mistral", {**WIDE, "sliding_window": 5, "is_causal": False}),
    "qwen2-both-ways": (
        "Qwen2",
        {
            **SMALL,
            "use_sliding_window": True,
            "sliding_window": 4,
            "max_window_layers": 2,
            "is_causal": False,
        },
    ),
    "mistral": ("Mistral", {**WIDE, "sliding_window": 5}),
    "mistral-no-window": ("Mistral", {**SMALL, "sliding_window": None, **rope(1_000_000.0)}),
    "qwen2": ("Qwen2", {**SMALL, **rope(1_000_000.0)}),
    "qwen2-window": (
        "Qwen2",
        {**SMALL, "use_sliding_window": True, "sliding_window": 4, "max_window_layers": 2},
    ),
    "qwen2-layer-types": (
        "Qwen2",
        {
            **SMALL,
            "use_sliding_window": True,
            "sliding_window": 3,
            "layer_types": ["full_attention", "sliding_attention"] * 2,
        },
    ),
    "qwen3": ("Qwen3", {**WIDE, **rope(1_000_000.0)}),
    "qwen3-biases": ("Qwen3", {**WIDE, "attention_bias": True}),
    "qwen3-yarn": ("Qwen3", {**WIDE, **rope(1_000_000.0, **YARN)}),
    "gemma2": ("Gemma2", {**WIDE, "sliding_window": 5, "query_pre_attn_scalar": 48}),
    "gemma2-low-caps": (
        "Gemma2",
        {**WIDE, "attn_logit_softcapping": 0.7, "final_logit_softcapping": 1.5},
    ),
    "gemma2-no-caps": (
        "Gemma2",
        {**WIDE, "attn_logit_softcapping": None, "final_logit_softcapping": None},
    ),
    "gemma3": (
        "Gemma3",
        {**WIDE, "num_hidden_layers": 7, "sliding_window": 5, "query_pre_attn_scalar": 168},
    ),
    "gemma3-linear": (
        "Gemma3",
        {
            **WIDE,
            "num_hidden_layers": 7,
            "sliding_window": 6,
            "rope_parameters": {
                "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
                "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
            },
        },
    ),
    "gemma3-proportional": (
        "Gemma3",
        {
            **WIDE,
            "num_hidden_layers": 7,
            "sliding_window": 6,
            "rope_parameters": {
                "full_attention": {
                    "rope_type": "proportional",
                    "partial_rotary_factor": 0.25,
                    "factor": 2.0,
                    "rope_theta": 1e6,
                },
                "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
            },
        },
    ),
    "gemma3-both-ways": (
        "Gemma3",
        {**WIDE, "sliding_window": 8, "use_bidirectional_attention": True},
    ),
    "phi3": ("Phi3", {**SMALL, "sliding_window": 7}),
    "phi3-partial": ("Phi3", {**SMALL, **rope(partial_rotary_factor=0.75)}),
    "phi3-longrope": (
        "Phi3",
        {**SMALL, "original_max_position_embeddings": 16, **rope(**LONG)},
    ),
    "olmo2": ("Olmo2", {**SMALL, **rope(500_000.0)}),
    "olmo2-biases": ("Olmo2", {**SMALL, "attention_bias": True, "num_key_value_heads": 4}),
    "smollm3": ("SmolLM3", {**SMALL, **rope(2_000_000.0)}),
    "smollm3-window": (
        "SmolLM3",
        {
            **SMALL,
            "use_sliding_window": True,
            "sliding_window": 4,
            "no_rope_layers": [1, 0, 1, 0],
            "attention_bias": True,
        },
    ),
    "smollm3-layer-types": (
        "SmolLM3",
        {
            **SMALL,
            "use_sliding_window": False,
            "sliding_window": 3,
            "layer_types": ["sliding_attention", "full_attention"] * 2,
        },
    ),
    "modernbert": ("ModernBert", {**SMALL, "local_attention": 8}),
    "modernbert-biases": (
        "ModernBert",
        {
            **SMALL,
            "local_attention": 11,
            "norm_bias": True,
            "attention_bias": True,
            "mlp_bias": True,
        },
    ),
    "modernbert-layer-types": (
        "ModernBert",
        {**SMALL, "local_attention": 6, "layer_types": ["sliding_attention", "full_attention"] * 2},
    ),
    "modernbert-linear": (
        "ModernBert",
        {
            **SMALL,
            "local_attention": 12,
            "rope_parameters": {
                "full_attention": {"rope_type": "linear", "factor": 4.0, "rope_theta": 90_000.0},
                "sliding_attention": {"rope_type": "default", "rope_theta": 500.0},
            },
        },
    ),
}


def made(folder: Path, name: str, seed: int = 0) -> tuple[Any, Path]:
    """A random model of a kind, and the folder it was written to."""
    family, choices = KINDS[name]
    torch.manual_seed(seed)
    text = "Text" if family == "Gemma3" else ""
    config = getattr(transformers, f"{family}{text}Config")(**choices, attn_implementation="eager")
    head = "ForMaskedLM" if family == "ModernBert" else "ForCausalLM"
    model = getattr(transformers, f"{family}{head}")(config).eval()
    with torch.no_grad():
        for key, values in model.named_parameters():
            values.normal_(0.0, 0.2 if values.ndim > 1 else 0.1)
            if "norm" in key and "Gemma" not in family:
                values += 1.0
    model.save_pretrained(folder)
    return model, folder


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", KINDS)
def test_every_layer_agrees_with_transformers(tmp_path: Path, name: str, seed: int) -> None:
    """Weights of all heads and hidden states, of texts shorter and longer than what they were made for."""
    theirs, folder = made(tmp_path, name, seed)
    ours = TransformerModel(folder)
    for n in (1, 2, 15, 16, 17, 40, 63, 64, 65, 90):
        ids = np.random.default_rng(n).integers(0, SMALL["vocab_size"], n)
        with torch.no_grad():
            expected = theirs.model(
                torch.tensor(ids)[None], output_attentions=True, output_hidden_states=True
            )
        (states,) = encode(ours, [Inputs(ids, np.zeros(n, dtype=int))], EVERYTHING)
        weights = np.stack([layer[0].numpy() for layer in expected.attentions])
        assert np.abs(states.weights - weights).max() <= 1e-5, n
        hidden = np.stack([layer[0].numpy() for layer in expected.hidden_states])
        assert states.hidden_states is not None
        # the hidden states of random norms reach 10 and more; weights are between 0 and 1
        scale = max(1.0, float(np.abs(hidden).max()))
        assert np.abs(states.hidden_states - hidden).max() <= 1e-5 * scale, n


def old(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration as transformers 4 wrote it."""
    told = dict(config)
    ropes = told.pop("rope_parameters")
    told.pop("layer_types", None)
    if told["model_type"] == "modernbert":
        bases = {"global": "full_attention", "local": "sliding_attention"}
        thetas = {f"{name}_rope_theta": ropes[kind]["rope_theta"] for name, kind in bases.items()}
        return {**told, **thetas, "global_attn_every_n_layers": 3}
    if "full_attention" in ropes:  # Gemma 3
        whole = dict(ropes["full_attention"])
        told["rope_local_base_freq"] = ropes["sliding_attention"]["rope_theta"]
        told["sliding_window_pattern"] = 6
    else:
        whole = dict(ropes)
    told["rope_theta"] = whole.pop("rope_theta")
    if (share := whole.pop("partial_rotary_factor", None)) is not None:
        told["partial_rotary_factor"] = share
    kind = whole.pop("rope_type")
    told["rope_scaling"] = None if kind == "default" else {**whole, "type": kind}
    if kind == "longrope":
        told["rope_scaling"] = {**whole, "type": "su"}
    return told


OLD = [
    name
    for name in KINDS
    if not name.endswith(("-layer-types", "-own", "-zeros", "-proportional"))
    and name != "modernbert-linear"
]


@pytest.mark.parametrize("name", OLD)
def test_configurations_of_before_say_the_same(tmp_path: Path, name: str) -> None:
    """rope_theta and rope_scaling beside each other, patterns instead of lists of layers."""
    _, folder = made(tmp_path, name)
    ids = np.arange(70) % SMALL["vocab_size"]
    inputs = [Inputs(ids, np.zeros(70, dtype=int))]
    (before,) = encode(TransformerModel(folder), inputs)
    told = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(old(told)), "utf-8")
    (after,) = encode(TransformerModel(folder), inputs)
    assert np.array_equal(before.weights, after.weights)


@pytest.mark.parametrize(
    "name",
    ["llama", "qwen3", "gemma2", "gemma3", "phi3", "olmo2", "smollm3", "modernbert"],
)
def test_texts_read_together_are_what_they_are_alone(tmp_path: Path, name: str) -> None:
    """The same bits, whatever stands beside a text."""
    _, folder = made(tmp_path, name)
    model = TransformerModel(folder)
    rng = np.random.default_rng(0)
    lengths = (3, 20, 3, 1, 7, 20)
    texts = [rng.integers(0, SMALL["vocab_size"], n) for n in lengths]
    inputs = [Inputs(ids, np.zeros(len(ids), dtype=int)) for ids in texts]
    for one, states in zip(inputs, encode(model, inputs, EVERYTHING), strict=True):
        (alone,) = encode(model, [one], EVERYTHING)
        assert np.array_equal(alone.weights, states.weights)
        assert np.array_equal(alone.contextual, states.contextual)


def test_what_a_layer_may_not_see_has_no_weight(tmp_path: Path) -> None:
    """Exactly zero before the window and after the token, and rows sum to 1."""
    _, folder = made(tmp_path, "gemma3")
    ids = np.arange(40)
    (states,) = encode(TransformerModel(folder), [Inputs(ids, np.zeros(40, dtype=int))])
    i, j = np.indices((40, 40))
    for layer, weights in enumerate(states.weights):
        seen = (j <= i) & ((i - j < 5) | (layer == 5))  # the sixth of seven layers sees all
        assert (weights[:, ~seen] == 0).all()
        assert (weights[:, seen] > 0).any(axis=0).all()
    np.testing.assert_allclose(states.weights.sum(axis=-1), 1, atol=1e-6)


def test_a_window_on_both_sides_is_half_of_local_attention(tmp_path: Path) -> None:
    """Of ModernBERT's local layers: what is farther than local_attention // 2 has the weight 0."""
    _, folder = made(tmp_path, "modernbert-biases")  # 11: five on each side
    ids = np.arange(40)
    (states,) = encode(TransformerModel(folder), [Inputs(ids, np.zeros(40, dtype=int))])
    i, j = np.indices((40, 40))
    for layer, weights in enumerate(states.weights):
        seen = (abs(i - j) <= 5) | (layer % 3 == 0)
        assert (weights[:, ~seen] == 0).all()
        assert (weights[:, seen] > 0).any(axis=0).all()


def test_what_sees_both_ways_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`attn model info` of a ModernBERT: tokens on each side, not earlier ones."""
    _, folder = made(tmp_path, "modernbert")
    write_tokenizer(folder, "gpt2")
    assert run(("model", "info", str(folder))) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "all tokens in 2 layers, 4 tokens on each side in layers 1, 2" in text
    assert "layer norm before attention" in text
    assert "every token sees all" in text


@pytest.mark.parametrize(
    "wrong",
    [
        {"num_key_value_heads": 3},
        {"num_attention_heads": 5, "head_dim": None},
        {"layer_types": ["full_attention"]},
        {"layer_types": ["chunked_attention"] * 7},
        {"sliding_window": None},
        {"sliding_window": -1},
        {"head_dim": 7},
        {"rope_parameters": None, "rope_scaling": {"type": "linear"}},
        {"rope_parameters": None, "rope_scaling": {"type": "made_up", "factor": 2}},
        {"rope_parameters": None, "rope_scaling": {"type": "yarn", "factor": float("inf")}},
        {
            "rope_parameters": None,
            "rope_scaling": {"type": "longrope", "short_factor": [1], "long_factor": [1]},
        },
        {"rope_parameters": None, "rope_scaling": "linear"},
        {"rope_theta": 0},
        {"rope_local_base_freq": "many", "rope_parameters": None},
        {"query_pre_attn_scalar": 0},
        {"num_hidden_layers": 10**12},
        {"num_hidden_layers": 8, "layer_types": None},
        {"hidden_size": 31},
        {"use_bidirectional_attention": "yes"},
    ],
    ids=str,
)
def test_a_wrong_configuration_is_one_error(tmp_path: Path, wrong: dict[str, Any]) -> None:
    """Soon, with the file named, whatever a key holds."""
    _, folder = made(tmp_path, "gemma3")
    told = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps({**told, **wrong}), "utf-8")
    with pytest.raises(DataError) as caught:
        TransformerModel(folder)
    assert "config.json" in str(caught.value) or "model.safetensors" in str(caught.value)


def test_a_part_for_pictures_is_passed_over(tmp_path: Path) -> None:
    """The text's part of a checkpoint that sees, its keys within text_config, its names prefixed."""
    _, folder = made(tmp_path, "gemma3")
    path = folder / "model.safetensors"
    whole = load_file(path)
    ids = [Inputs(np.arange(9), np.zeros(9, dtype=int))]
    (before,) = encode(TransformerModel(folder), ids)
    told = json.loads((folder / "config.json").read_text("utf-8"))
    seeing = {"model_type": "gemma3", "text_config": told, "vision_config": {"hidden_size": 8}}
    for prefix in ("model.language_model.", "language_model.model."):
        named = {
            prefix + name.removeprefix("model."): v
            for name, v in whole.items()
            if "lm_head" not in name
        }
        save_file({**named, "vision_tower.weight": np.zeros((2, 2), np.float32)}, path)
        (folder / "config.json").write_text(json.dumps(seeing), "utf-8")
        (after,) = encode(TransformerModel(folder), ids)
        assert np.array_equal(before.weights, after.weights)


def test_what_a_decoder_is_can_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Heads that are shared, norms, ropes and windows, each with the layers that have it."""
    _, folder = made(tmp_path, "gemma3-linear")
    write_tokenizer(folder, "gpt2")
    assert run(("model", "info", str(folder))) == 0
    text = capsys.readouterr().out
    for line in (
        "4 (0…3) of 24 values, 2 of keys and values",
        "7 (0…6), RMS norm before and after attention, and of queries and keys",
        "rope of base 10,000 in 6 layers, rope of base 1,000,000, linear × 8 in layer 5",
        "a window of 6 in 6 layers, all earlier tokens in layer 5",
    ):
        assert line in " ".join(text.split())
