"""Heads over the vocabulary agree with transformers (eager, float32): logits, to 1e-5."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.test_decoders import KINDS, made
from safetensors.numpy import load_file, save_file

from attncli.errors import DataError
from attncli.models.forward import Inputs, encode
from attncli.models.model import TransformerModel

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

LENGTHS = (1, 7, 40, 90)
SMALL = {
    "vocab_size": 96,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 56,
    "max_position_embeddings": 100,
}
DISTIL = {"vocab_size": 96, "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 56}
# Name: the class, its configuration, its choices.
OLDER: dict[str, tuple[str, str, dict[str, Any]]] = {
    "gpt2": (
        "GPT2LMHeadModel",
        "GPT2Config",
        {"vocab_size": 96, "n_embd": 32, "n_layer": 2, "n_head": 4},
    ),
    "gpt2-untied": (
        "GPT2LMHeadModel",
        "GPT2Config",
        {"vocab_size": 96, "n_embd": 32, "n_layer": 2, "n_head": 4, "tie_word_embeddings": False},
    ),
    "bert": ("BertForMaskedLM", "BertConfig", SMALL),
    "bert-untied": ("BertForMaskedLM", "BertConfig", {**SMALL, "tie_word_embeddings": False}),
    "bert-relu": ("BertForMaskedLM", "BertConfig", {**SMALL, "hidden_act": "relu"}),
    "bert-pretrained": ("BertForPreTraining", "BertConfig", SMALL),
    "bert-causal": ("BertLMHeadModel", "BertConfig", {**SMALL, "is_decoder": True}),
    "roberta": (
        "RobertaForMaskedLM",
        "RobertaConfig",
        {**SMALL, "pad_token_id": 1, "hidden_act": "relu"},
    ),
    "xlm-roberta": ("XLMRobertaForMaskedLM", "XLMRobertaConfig", SMALL),
    "camembert": (
        "CamembertForMaskedLM",
        "CamembertConfig",
        {**SMALL, "tie_word_embeddings": False},
    ),
    "distilbert": ("DistilBertForMaskedLM", "DistilBertConfig", DISTIL),
    "distilbert-untied": (
        "DistilBertForMaskedLM",
        "DistilBertConfig",
        {**DISTIL, "activation": "relu", "tie_word_embeddings": False},
    ),
    "modernbert-untied": (
        "ModernBertForMaskedLM",
        "ModernBertConfig",
        {
            **SMALL,
            "tie_word_embeddings": False,
            "classifier_bias": True,
            "norm_bias": True,
            "classifier_activation": "relu",
            "pad_token_id": 0,
        },
    ),
    "modernbert-no-bias": (
        "ModernBertForMaskedLM",
        "ModernBertConfig",
        {**SMALL, "decoder_bias": False, "pad_token_id": 0},
    ),
    "llama-untied-named-so": (
        "LlamaForCausalLM",
        "LlamaConfig",
        {**SMALL, "num_key_value_heads": 2, "tie_word_embeddings": False},
    ),
}


def older(folder: Path, name: str) -> Any:
    """A random model of `OLDER`, written to a folder."""
    kind, config, choices = OLDER[name]
    torch.manual_seed(0)
    settings = getattr(transformers, config)(**choices, attn_implementation="eager")
    model = getattr(transformers, kind)(settings).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4 if parameter.ndim > 1 else 1).add_(torch.randn_like(parameter) * 0.05)
    model.save_pretrained(folder)
    return model


def logits(folder: Path, ids: Any) -> Any:
    """Ours, of one text: (n, n_vocab)."""
    model = TransformerModel(folder)
    (states,) = encode(model, [Inputs(ids, np.zeros(len(ids), dtype=int))])
    head = model.head
    assert head is not None
    return head.logits(states.contextual)


def agree(model: Any, folder: Path, vocabulary: int = 96) -> None:
    """Logits of texts of several lengths, of all places."""
    for n in LENGTHS:
        ids = np.random.default_rng(n).integers(3, vocabulary, n)
        with torch.no_grad():
            out = model(input_ids=torch.tensor(ids)[None])
        expected = (out.prediction_logits if "prediction_logits" in out else out.logits)[0].numpy()
        # random logits reach 100 and more
        scale = max(1.0, float(np.abs(expected).max()))
        assert np.abs(logits(folder, ids) - expected).max() <= 1e-5 * scale, n


@pytest.mark.parametrize("name", [name for name in KINDS if name != "gemma3-both-ways"])
def test_logits_of_decoders_agree_with_transformers(tmp_path: Path, name: str) -> None:
    """Tied and own matrices, caps, of every family and option."""
    agree(*made(tmp_path, name))


@pytest.mark.parametrize("name", OLDER)
def test_logits_of_older_families_agree_with_transformers(tmp_path: Path, name: str) -> None:
    """Masked heads turn the states first; biases, tied and own matrices."""
    agree(older(tmp_path, name), tmp_path)


@pytest.mark.parametrize("name", ["classifier_bias", "decoder_bias", "norm_bias"])
def test_a_bias_that_is_switched_off_is_not_used(tmp_path: Path, name: str) -> None:
    """Though the checkpoint stores it: transformers takes what config.json says."""
    older(tmp_path, "modernbert-untied")
    keys = json.loads((tmp_path / "config.json").read_text("utf-8"))
    (tmp_path / "config.json").write_text(json.dumps({**keys, name: False}), "utf-8")
    agree(transformers.ModernBertForMaskedLM.from_pretrained(tmp_path).eval(), tmp_path)


@pytest.mark.parametrize("name", ["llama-tied", "gemma2", "qwen3", "modernbert"])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_heads_in_16_bits_are_those_after_widening(tmp_path: Path, name: str, dtype: str) -> None:
    """The same logits as those of transformers that widens the checkpoint to float32."""
    model, _ = made(tmp_path / "made", name)
    half = tmp_path / "half"
    model.to(getattr(torch, dtype)).save_pretrained(half)
    wide = type(model).from_pretrained(half, dtype=torch.float32, attn_implementation="eager")
    agree(wide.eval(), half)


def test_a_matrix_in_pieces_is_the_whole_matrix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few rows are read at once, and whether they are kept for the next text or not."""
    model, _ = made(tmp_path / "made", "gemma2")
    model.to(torch.bfloat16).save_pretrained(tmp_path)
    ids = np.arange(3, 20)
    whole = logits(tmp_path, ids)
    for kept in (0, 100, 96 * 32):
        monkeypatch.setattr("attncli.models.word_head._PIECE", 7 * 32)
        monkeypatch.setattr("attncli.models.word_head._KEPT", kept)
        opened = TransformerModel(tmp_path)
        (states,) = encode(opened, [Inputs(ids, np.zeros(len(ids), dtype=int))])
        assert opened.head is not None
        for _ in range(2):
            found = opened.head.logits(states.contextual)
            np.testing.assert_allclose(found, whole, atol=1e-6)


def test_a_head_that_one_text_needs_is_not_kept(tmp_path: Path) -> None:
    """Widened numbers are kept for a third text when a second one needs them, not for a second."""
    model, _ = made(tmp_path / "made", "llama")
    model.to(torch.bfloat16).save_pretrained(tmp_path)
    head = TransformerModel(tmp_path).head
    assert head is not None
    rows = np.ones((1, 32), dtype=np.float32)
    held = []
    for _ in range(3):
        head.logits(rows)
        held.append(sum(piece.size for piece in head._pieces.values()))
    assert held == [0, 96 * 32, 96 * 32]


@pytest.mark.parametrize(
    ("kind", "config", "choices"),
    [
        ("BertModel", "BertConfig", SMALL),
        ("BertForSequenceClassification", "BertConfig", SMALL),
        ("RobertaModel", "RobertaConfig", SMALL),
        ("RobertaForTokenClassification", "RobertaConfig", SMALL),
        ("DistilBertModel", "DistilBertConfig", DISTIL),
        ("GPT2Model", "GPT2Config", OLDER["gpt2"][2]),
        ("GPT2ForSequenceClassification", "GPT2Config", OLDER["gpt2"][2]),
        ("LlamaModel", "LlamaConfig", SMALL),
        ("LlamaModel", "LlamaConfig", {**SMALL, "tie_word_embeddings": True}),
        ("Gemma2Model", "Gemma2Config", SMALL),
        ("ModernBertModel", "ModernBertConfig", {**SMALL, "pad_token_id": 0}),
        ("ModernBertForSequenceClassification", "ModernBertConfig", {**SMALL, "pad_token_id": 0}),
    ],
    ids=str,
)
def test_a_model_saved_without_its_head_has_none(
    tmp_path: Path, kind: str, config: str, choices: dict[str, Any]
) -> None:
    """No guess: a base model, or a classifier, says nothing of words."""
    settings = getattr(transformers, config)(**choices)
    getattr(transformers, kind)(settings).save_pretrained(tmp_path)
    assert TransformerModel(tmp_path).head is None


def test_a_head_of_its_own_wins_over_the_words(tmp_path: Path) -> None:
    """lm_head.weight counts where it is stored, whatever tie_word_embeddings says."""
    model, folder = made(tmp_path, "llama")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": True}))
    agree(model, folder)


def test_the_first_files_of_gpt2_have_a_head(tmp_path: Path) -> None:
    """Names without a prefix, and no word on ties: its words' vectors are its head."""
    model = older(tmp_path, "gpt2")
    tensors = load_file(tmp_path / "model.safetensors")
    bare = {name.removeprefix("transformer."): tensor for name, tensor in tensors.items()}
    save_file(bare, tmp_path / "model.safetensors")
    config = json.loads((tmp_path / "config.json").read_text("utf-8"))
    config.pop("tie_word_embeddings", None)
    (tmp_path / "config.json").write_text(json.dumps(config))
    agree(model, tmp_path)
    del config["architectures"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    agree(model, tmp_path)


def test_a_head_of_another_size_is_one_error(tmp_path: Path) -> None:
    """The file and the tensor are named, and the attention can still be read."""
    _, folder = made(tmp_path, "llama")
    path = folder / "model.safetensors"
    tensors = load_file(path)
    for wrong in (tensors["lm_head.weight"][:50], np.zeros((96, 32), dtype=np.int32)):
        save_file({**tensors, "lm_head.weight": wrong}, path)
        model = TransformerModel(folder)
        encode(model, [Inputs(np.arange(5), np.zeros(5, dtype=int))])
        with pytest.raises(DataError, match=r"lm_head\.weight"):
            _ = model.head
