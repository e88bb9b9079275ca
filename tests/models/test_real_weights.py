"""Models that somebody trained: their tokens, heads and losses, and the weights of transformers.

Small random models show that the arithmetic is right. These show that files of real models are read
as they were meant: a rope that pairs the wrong numbers still says that Paris is the capital of France.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.real_weights import gemma3, smollm2

from attncli.models.forward import Inputs, Wanted, encode
from attncli.models.model import TransformerModel
from attncli.models.pieces import PieceTokenizer

pytest.importorskip("tokenizers")

TEXT = (  # 71 tokens of SmolLM2
    "The Sun is the star at the center of the Solar System. It is a ball of hot gas, and the energy "
    "that it sends out as light is the most important source of energy for life on Earth. The Sun is "
    "much larger than the Earth, and the light that leaves it takes about eight minutes to reach us. "
    "The Moon has no light."
)
LOSS = 2.333  # of that text in transformers, in nats a token
ROME = "The history of the Roman Empire begins with the rise of the city of Rome."
ROME_IDS = [504, 1463, 282, 260, 4469, 7057, 5634, 351, 260, 4095, 282, 260, 2240, 282, 7268, 30]
TEXTS = (
    ROME,
    TEXT,
    "In 1969, 2 of 3 walked; it cost $25,400,000,000.00 (about 4%).",
    "naïve café — “quoted” … Straße, Ærø, ŵ",
    "  two  spaces,\ttabs\nand\r\n\nlines   ",
    "日本語とไทย и русский, עברית, العربية",
    "👩‍🚀 emoji 👍🏽 and 🇫🇷 flags",
    "don't you've I'LL it's DON'T",
    "x = [i**2 for i in range(10)]  # squares",
    "<|im_start|>user\nhello<|im_end|>",
)


@pytest.fixture(scope="module")
def smol() -> TransformerModel:
    """SmolLM2-135M-Instruct."""
    return TransformerModel(smollm2())


def ids_of(model: TransformerModel, text: str) -> Any:
    """The numbers of a text's tokens."""
    return np.array(PieceTokenizer(model.folder)(text).ids)


def states_of(model: TransformerModel, ids: Any, wanted: Wanted | None = None) -> Any:
    """What one text becomes."""
    (states,) = encode(model, [Inputs(ids, np.zeros(len(ids), dtype=int))], wanted)
    return states


def loss(model: TransformerModel, ids: Any) -> float:
    """The mean of −log p over the tokens but the first, in nats."""
    assert model.head is not None
    logits = model.head.logits(states_of(model, ids, Wanted(weights=False)).contextual)
    logits = logits.astype(np.float64)
    logs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    return -float(np.mean([logs[at, number] for at, number in enumerate(ids[1:])]))


def test_the_tokens_of_smollm2_are_its_own(smol: TransformerModel) -> None:
    """The ids of a BPE that the library tokenizers makes of the vocabulary and merges of the file."""
    gguf = pytest.importorskip("gguf")
    from tokenizers import Tokenizer, models, pre_tokenizers

    fields = gguf.GGUFReader(smol.folder).fields
    words = fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(pair.split(" ")) for pair in fields["tokenizer.ggml.merges"].contents()]
    plain = Tokenizer(models.BPE({word: at for at, word in enumerate(words)}, merges))
    plain.add_special_tokens(words[:17])  # <|endoftext|> to <empty_output>
    plain.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    assert ids_of(smol, ROME).tolist() == ROME_IDS
    for text in TEXTS:
        assert ids_of(smol, text).tolist() == plain.encode(text).ids, text


def test_smollm2_expects_a_text_as_transformers_does(smol: TransformerModel) -> None:
    """The mean loss of 71 tokens."""
    ids = ids_of(smol, TEXT)
    assert len(ids) == 71
    assert abs(loss(smol, ids) - LOSS) < 0.01


def test_only_the_loss_tells_that_a_rope_pairs_the_wrong_numbers(smol: TransformerModel) -> None:
    """With rows of queries and keys left as the file has them, Paris is still said; the loss is 1 more."""
    wrong = TransformerModel(smol.folder)
    entries: Any = wrong.checkpoint.files[0].entries  # type: ignore[attr-defined]
    turned = [name for name, stored in entries.items() if stored.order is not None]
    assert len(turned) == 60  # queries and keys of 30 layers
    for name in turned:
        entries[name] = entries[name]._replace(order=None)
    france = ids_of(smol, "The capital of France is")
    for model in (smol, wrong):
        assert model.head is not None
        logits = model.head.logits(states_of(model, france, Wanted(weights=False)).contextual[-1:])
        assert PieceTokenizer(model.folder).entry(int(logits.argmax())) == "ĠParis"
    assert loss(wrong, ids_of(smol, TEXT)) > LOSS + 1


def test_heads_of_smollm2_do_what_they_were_measured_to_do(smol: TransformerModel) -> None:
    """Of 40 random tokens twice: heads that look after the same token before, at it, at the one before, at the first."""
    some = np.random.default_rng(0).integers(1000, 40000, 40)
    weights = states_of(smol, np.array([1, *some, *some])).weights  # (30, 9, 81, 81)
    again, all_rows = range(41, 81), range(1, 81)
    kinds: dict[str, tuple[Any, dict[tuple[int, int], float]]] = {
        "induction": (
            [weights[:, :, i, i - 39] for i in again],
            {(18, 6): 0.816, (17, 3): 0.696, (17, 4): 0.679, (18, 7): 0.557, (23, 2): 0.460},
        ),
        "duplicate": (
            [weights[:, :, i, i - 40] for i in again],
            {(14, 3): 0.696, (8, 0): 0.658},
        ),
        "previous": (
            [weights[:, :, i, i - 1] for i in all_rows],
            {(16, 0): 0.874, (11, 1): 0.838, (2, 1): 0.729},
        ),
        "sink": ([weights[:, :, i, 0] for i in all_rows], {(18, 8): 1.0, (23, 6): 0.954}),
    }
    for name, (rows, expected) in kinds.items():
        shares = np.mean(rows, axis=0)  # (30, 9)
        order = np.argsort(-shares, axis=None)[: len(expected)]
        strongest = {divmod(int(at), 9): float(shares.flat[at]) for at in order}
        assert list(strongest) == list(expected), name
        for place, share in expected.items():
            assert abs(strongest[place] - share) < 0.001, (name, place)
        if name == "sink":
            assert abs(float(shares.mean()) - 0.372) < 0.001
            assert round(float((shares > 0.5).mean()), 3) == 0.337
            assert round(float((shares > 0.3).mean()), 3) == 0.537


def test_smollm2_is_that_of_transformers(smol: TransformerModel) -> None:
    """Weights of all 270 heads to 1e-5, states, logits and loss, of the numbers that the package gguf unpacks."""
    gguf = pytest.importorskip("gguf")
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    config = transformers.LlamaConfig(
        vocab_size=49152,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        max_position_embeddings=8192,
        rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": 100_000.0},
        tie_word_embeddings=True,
        attn_implementation="eager",
    )
    theirs = transformers.LlamaForCausalLM(config).eval()
    theirs.load_state_dict(
        {name: torch.tensor(values) for name, values in _tensors_of(gguf, smol.folder).items()},
        strict=False,  # lm_head.weight is that of the words
    )
    ids = ids_of(smol, TEXT)
    with torch.no_grad():
        out = theirs(
            torch.tensor(ids)[None],
            labels=torch.tensor(ids)[None],
            output_attentions=True,
            output_hidden_states=True,
        )
    states = states_of(smol, ids, Wanted(hidden_states=True))
    _agree(states, smol, out)
    assert abs(float(out.loss) - LOSS) < 0.001
    assert abs(loss(smol, ids) - float(out.loss)) < 1e-4


def test_gemma_3_is_that_of_transformers() -> None:
    """Weights of all 72 heads of Gemma 3 270M, as transformers itself reads the file."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    path = gemma3()
    pytest.importorskip("accelerate")  # its loader asks for it
    theirs = transformers.AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, attn_implementation="eager", dtype=torch.float32
    ).eval()
    ours = TransformerModel(path)
    ids = ids_of(ours, TEXT)
    assert ids[0] == 2  # <bos>
    with torch.no_grad():
        out = theirs(torch.tensor(ids)[None], output_attentions=True, output_hidden_states=True)
    _agree(states_of(ours, ids, Wanted(hidden_states=True)), ours, out)


def _agree(states: Any, model: TransformerModel, out: Any) -> None:
    """Weights to 1e-5; states and logits, which are large, relative to the largest."""
    weights = np.stack([layer[0].numpy() for layer in out.attentions])
    assert np.abs(states.weights - weights).max() <= 1e-5
    hidden = np.stack([layer[0].numpy() for layer in out.hidden_states])
    assert np.abs(states.hidden_states - hidden).max() <= 1e-5 * np.abs(hidden).max()
    logits = out.logits[0].numpy()
    assert model.head is not None
    assert (
        np.abs(model.head.logits(states.contextual) - logits).max() <= 1e-5 * np.abs(logits).max()
    )


def _tensors_of(gguf: Any, path: Path) -> dict[str, Any]:
    """The tensors of a Llama under the names of Hugging Face, the pairs of its rope half a head apart."""
    parts = {
        "attn_norm": "input_layernorm",
        "attn_q": "self_attn.q_proj",
        "attn_k": "self_attn.k_proj",
        "attn_v": "self_attn.v_proj",
        "attn_output": "self_attn.o_proj",
        "ffn_norm": "post_attention_layernorm",
        "ffn_gate": "mlp.gate_proj",
        "ffn_up": "mlp.up_proj",
        "ffn_down": "mlp.down_proj",
        "token_embd": "model.embed_tokens",
        "output_norm": "model.norm",
    }
    found = {}
    for tensor in gguf.GGUFReader(path).tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        *block, part, _ = tensor.name.split(".")  # blk.0.attn_q.weight
        if part in ("attn_q", "attn_k"):
            pairs = values.reshape(-1, 32, 2, values.shape[1])  # (n_heads, 32, 2, 576)
            values = pairs.swapaxes(1, 2).reshape(values.shape)
        layer = f"model.layers.{block[1]}." if block else ""
        found[f"{layer}{parts[part]}.weight"] = np.array(values, np.float32)
    return found
