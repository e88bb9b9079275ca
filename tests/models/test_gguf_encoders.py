"""Encoders, and encoders with decoders, in GGUF files: as transformers computes them, to 1e-5.

Small random checkpoints of transformers are written under the names that the gguf package maps theirs to.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attncli.errors import DataError
from attncli.models.encoder_decoder import decode
from attncli.models.forward import Inputs, Wanted, encode
from attncli.models.model import TransformerModel

gguf = pytest.importorskip("gguf")
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

EVERYTHING = Wanted(hidden_states=True)
BERT = {
    "vocab_size": 96,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
    "layer_norm_eps": 1e-7,
    "pad_token_id": 0,
}
MODERN = {
    "vocab_size": 96,
    "hidden_size": 32,
    "num_hidden_layers": 7,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 128,
    "local_attention": 12,
    "norm_eps": 1e-4,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "cls_token_id": 1,
    "sep_token_id": 2,
}
T5 = {
    "vocab_size": 96,
    "d_model": 32,
    "d_kv": 16,
    "d_ff": 64,
    "num_layers": 3,
    "num_decoder_layers": 2,
    "num_heads": 4,
    "decoder_start_token_id": 0,
    "relative_attention_num_buckets": 8,
}
SLIDING, FULL = "sliding_attention", "full_attention"
EACH = [SLIDING, FULL, SLIDING, SLIDING, FULL, FULL, SLIDING]  # layers of MODERN
# Name: the architecture, the class of transformers, and what its configuration says.
KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "bert": ("bert", "BertModel", BERT),
    "bert-one-segment": ("bert", "BertModel", {**BERT, "type_vocab_size": 1}),
    "roberta": ("bert", "RobertaModel", {**BERT, "pad_token_id": 1, "type_vocab_size": 1}),
    "modern-bert": ("modern-bert", "ModernBertModel", MODERN),
    "modern-bert-every-2": (
        "modern-bert",
        "ModernBertModel",
        {**MODERN, "global_attn_every_n_layers": 2},
    ),
    "modern-bert-biases": (
        "modern-bert",
        "ModernBertModel",
        {**MODERN, "attention_bias": True, "mlp_bias": True, "norm_bias": True},
    ),
    "modern-bert-silu": ("modern-bert", "ModernBertModel", {**MODERN, "hidden_activation": "silu"}),
    "modern-bert-each-layer": ("modern-bert", "ModernBertModel", {**MODERN, "layer_types": EACH}),
    "modern-bert-linear": (
        "modern-bert",
        "ModernBertModel",
        {
            **MODERN,
            "rope_parameters": {
                "full_attention": {"rope_type": "linear", "factor": 4.0, "rope_theta": 90_000.0},
                "sliding_attention": {"rope_type": "linear", "factor": 4.0, "rope_theta": 500.0},
            },
        },
    ),
    "t5": ("t5", "T5ForConditionalGeneration", T5),
    "t5-gated": (
        "t5",
        "T5ForConditionalGeneration",
        {**T5, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},
    ),
    "umt5": ("t5", "UMT5ForConditionalGeneration", {**T5, "tie_word_embeddings": False}),
}
KINDS["t5encoder"] = ("t5encoder", "T5EncoderModel", T5)
KINDS["t5encoder-gated"] = (
    "t5encoder",
    "T5EncoderModel",
    {**T5, "feed_forward_proj": "gated-gelu"},
)
Facts = dict[str, Any]


def facts_of(arch: str, config: Any) -> Facts:
    """The metadata of an architecture, as the conversion of llama.cpp writes them."""
    if arch.startswith("t5"):
        return {
            "context_length": 512,
            "embedding_length": config.d_model,
            "feed_forward_length": config.d_ff,
            "block_count": config.num_layers,
            "decoder_block_count": config.num_decoder_layers,
            "attention.head_count": config.num_heads,
            "attention.key_length": config.d_kv,
            "attention.value_length": config.d_kv,
            "attention.layer_norm_epsilon": config.layer_norm_epsilon,
            "attention.layer_norm_rms_epsilon": config.layer_norm_epsilon,
            "attention.relative_buckets_count": config.relative_attention_num_buckets,
            "decoder_start_token_id": config.decoder_start_token_id,
        }
    cut = config.pad_token_id + 1 if config.model_type == "roberta" else 0
    facts: Facts = {
        "context_length": config.max_position_embeddings - cut,
        "embedding_length": config.hidden_size,
        "feed_forward_length": config.intermediate_size,
        "block_count": config.num_hidden_layers,
        "attention.head_count": config.num_attention_heads,
        "attention.causal": False,
    }
    if arch == "bert":
        return facts | {"attention.layer_norm_epsilon": config.layer_norm_eps}
    ropes = config.rope_parameters
    if config.hidden_activation == "silu":
        facts["hidden_activation"] = "swiglu"
    slides = [kind == "sliding_attention" for kind in config.layer_types]
    every = config.global_attn_every_n_layers
    is_usual = slides == [layer % every != 0 for layer in range(len(slides))]
    factor = ropes["full_attention"].get("factor")
    scaling: Facts = {"rope.scaling.type": "none"}
    if factor is not None:
        scaling = {"rope.scaling.type": "linear", "rope.scaling.factor": factor}
    return facts | {
        "attention.layer_norm_epsilon": config.norm_eps,
        "attention.sliding_window": config.local_attention,
        "attention.sliding_window_pattern": every if is_usual else slides,
        "rope.freq_base": float(ropes["full_attention"]["rope_theta"]),
        "rope.freq_base_swa": float(ropes["sliding_attention"]["rope_theta"]),
        **scaling,
    }


def written(
    path: Path, name: str, *, kind: str = "F32", more: Facts | None = None, without: str = ""
) -> tuple[Any, Path]:
    """A random model of a kind, with the file it was written to."""
    arch, class_name, choices = KINDS[name]
    torch.manual_seed(0)
    cls = getattr(transformers, class_name)
    choices = dict(choices)
    every = choices.pop("global_attn_every_n_layers", 3)
    config = cls.config_class(**choices, attn_implementation="eager")
    if arch == "modern-bert":
        config.global_attn_every_n_layers = every
        config.layer_types = [
            "sliding_attention" if layer % every else "full_attention"
            for layer in range(config.num_hidden_layers)
        ]
    model = cls(config).eval()
    with torch.no_grad():
        for key, values in model.named_parameters():
            values.normal_(0.0, 0.1)
            if "norm" in key.lower() and "bias" not in key:
                values += 1.0
    writer = gguf.GGUFWriter(path, arch)
    given = {f"{arch}.{key}": value for key, value in facts_of(arch, config).items()}
    for key, value in {**given, **(more or {})}.items():
        add = {bool: writer.add_bool, int: writer.add_uint32, float: writer.add_float32,
               str: writer.add_string, list: writer.add_array}[type(value)]  # fmt: skip
        if key != without:
            add(key, value)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH[arch.upper().replace("-", "_")], 7)
    chosen = gguf.GGMLQuantizationType[kind]
    seen = set()
    for key, values in model.state_dict().items():
        new = names.get_name(key, try_suffixes=(".weight", ".bias"))
        if new is None or new in seen or "pooler" in key or "position_ids" in key:
            continue
        if new == "output.weight" and name == "t5":
            continue  # it is stored once
        seen.add(new)
        numbers = values.numpy()
        if class_name == "RobertaModel" and "position_embeddings" in key:
            numbers = numbers[config.pad_token_id + 1 :]
        quantized = numbers.ndim > 1 and numbers.shape[-1] % 32 == 0
        form = chosen if quantized else gguf.GGMLQuantizationType.F32
        numbers = np.ascontiguousarray(numbers)
        writer.add_tensor(new, gguf.quants.quantize(numbers, form), raw_dtype=form)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return model, path


def close(ours: Any, theirs: Any) -> None:
    """Holds numbers to those of transformers."""
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("n", [2, 9, 40])
@pytest.mark.parametrize("name", [name for name in KINDS if name not in ("t5", "t5-gated", "umt5")])
def test_an_encoder_is_that_of_transformers(tmp_path, name, n):
    """Weights and states of every layer, with a second sentence where the model knows segments."""
    model, path = written(tmp_path / "m.gguf", name)
    rng = np.random.default_rng(n)
    ids = rng.integers(3, 96, n)
    two = getattr(model.config, "type_vocab_size", 0) > 1
    types = np.arange(n) // (n // 2 + 1) if two else np.zeros(n, dtype=int)
    read = TransformerModel(path)
    assert read.decoder is None
    (state,) = encode(read, [Inputs(ids, types)], EVERYTHING)
    told = {"token_type_ids": torch.from_numpy(types[None])} if two else {}
    with torch.no_grad():
        expected = model(
            input_ids=torch.from_numpy(ids[None]),
            output_attentions=True,
            output_hidden_states=True,
            **told,
        )
    for layer, weights in enumerate(expected.attentions):
        close(state.weights[layer], weights[0])
    close(state.contextual, expected.last_hidden_state[0])


@pytest.mark.parametrize("sizes", [(3, 2), (30, 17)], ids=str)
@pytest.mark.parametrize("name", ["t5", "t5-gated", "umt5"])
def test_a_t5_is_that_of_transformers(tmp_path, name, sizes):
    """Weights of the encoder, of the decoder and between them, and the logits."""
    model, path = written(tmp_path / "m.gguf", name)
    rng = np.random.default_rng(0)
    source, target = (rng.integers(1, 96, size) for size in sizes)
    target[0] = 0
    read = TransformerModel(path)
    (state,) = encode(read, [Inputs(source, source * 0)], EVERYTHING)
    assert read.decoder is not None
    assert read.config.target is not None
    found = decode(read.decoder, read.config.target, target, state.contextual)
    with torch.no_grad():
        expected = model(
            input_ids=torch.from_numpy(source[None]),
            decoder_input_ids=torch.from_numpy(target[None]),
            output_attentions=True,
        )
    for layer, weights in enumerate(expected.encoder_attentions):
        close(state.weights[layer], weights[0])
    for layer, (own, cross) in enumerate(
        zip(expected.decoder_attentions, expected.cross_attentions, strict=True)
    ):
        close(found.weights[layer], own[0])
        close(found.cross[layer], cross[0])
    head = read.decoder.head()
    assert head is not None
    close(head.logits(found.contextual), expected.logits[0])


@pytest.mark.parametrize("name", ["bert", "modern-bert", "t5", "t5encoder"])
def test_a_quantized_file_says_so(tmp_path, name):
    """The record of an encoder names the quantization of its attention too."""
    _, path = written(tmp_path / "m.gguf", name, kind="Q8_0")
    assert TransformerModel(path).quantization(None) == "Q8_0"
    assert TransformerModel(path).quantization([0]) == "Q8_0"


@pytest.mark.parametrize(
    ("name", "without", "more", "message"),
    [
        ("bert", "bert.attention.head_count", {}, "head_count is missing"),
        ("bert", "", {"bert.attention.causal": True}, "expected an encoder"),
        ("bert", "", {"bert.attention.head_count": 5}, "does not divide the width 32"),
        ("bert", "", {"bert.block_count": 2}, "2 layers"),
        ("modern-bert", "modern-bert.attention.sliding_window", {}, "is missing"),
        ("modern-bert", "", {"modern-bert.block_count": 8}, "is missing"),
        ("modern-bert", "", {"modern-bert.hidden_activation": "xielu"}, "xielu"),
        ("modern-bert", "", {"modern-bert.attention.key_length": 4}, "key_length is not"),
        ("modern-bert", "", {"modern-bert.rope.dimension_count": 4}, "dimension_count is not"),
        ("modern-bert", "", {"modern-bert.attention.head_count_kv": 2}, "head_count_kv is not"),
        ("bert", "", {"bert.hidden_activation": "relu"}, "hidden_activation"),
        ("t5", "", {"t5.hidden_activation": "gelu"}, "hidden_activation"),
        ("t5-gated", "", {"t5.hidden_activation": "relu"}, "hidden_activation"),
        ("t5", "t5.feed_forward_length", {}, "is missing"),
        ("t5", "", {"t5.attention.relative_buckets_count": 7}, "even number"),
        ("t5", "", {"t5.block_count": 2}, "2 layers"),
    ],
)  # fmt: skip
def test_metadata_that_do_not_fit_are_refused(tmp_path, name, without, more, message):
    """One line says what is missing or contradicts the tensors."""
    _, path = written(tmp_path / "m.gguf", name, more=more, without=without)
    with pytest.raises(DataError, match=message):
        TransformerModel(path)
