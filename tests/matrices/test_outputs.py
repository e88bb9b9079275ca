"""Laws of what other libraries give: arrays of any of them, outputs of models, encodings."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import attncli
from attncli.errors import AttnError, DataError, UsageError
from attncli.insight.tokens import hide_tokens


class OnlyArray:
    """An array of a library that converts itself."""

    def __init__(self, array: np.ndarray) -> None:
        self._array = array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self._array.astype(dtype) if dtype else self._array


class OnlyDlpack:
    """An array of a library that exports its memory."""

    def __init__(self, array: np.ndarray) -> None:
        self._array = array

    def __dlpack__(self, **how: Any) -> Any:
        return self._array.__dlpack__(**how)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._array.__dlpack_device__()


class Both(OnlyDlpack):
    """An array on a device from which it cannot be converted, but exported."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        raise TypeError("on another device")


KINDS = {"lists": np.ndarray.tolist, "array": OnlyArray, "dlpack": OnlyDlpack, "both": Both}


def rows(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Weights of float32 whose rows sum to 1."""
    weights = rng.random(shape) + 0.01
    return np.float32(weights / weights.sum(axis=-1, keepdims=True))


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 99))
def test_arrays_of_every_library_are_arrays(kind: str, seed: int) -> None:
    """Alone, one a layer and one a head, and in attend: as those of numpy, to the last bit."""
    make, rng = KINDS[kind], np.random.default_rng(seed)
    weights = rows(rng, 2, 3, 4, 4)
    expected = attncli.from_attentions(weights)
    for given_ in (
        make(weights),
        [make(layer) for layer in weights],
        tuple(make(layer[None]) for layer in weights),
        [[make(head) for head in layer] for layer in weights],
    ):
        assert attncli.from_attentions(given_) == expected
    query, key, value = rng.random((3, 4, 5))
    mask = np.tri(4, dtype=bool)
    ours = attncli.attend(make(query), make(key), make(value), mask=make(mask))
    theirs = attncli.attend(query, key, value, mask=mask)
    assert all(np.array_equal(*pair) for pair in zip(ours, theirs, strict=True))


def test_sixteen_bits_that_numpy_lacks_are_read() -> None:
    """bfloat16 as JAX and TensorFlow give it: equal to the same numbers of float32."""
    types = pytest.importorskip("ml_dtypes")
    weights = np.eye(3, dtype=types.bfloat16)
    for given_ in (weights, OnlyArray(weights), [weights]):
        assert np.array_equal(attncli.from_attentions(given_).weights[0, 0], np.eye(3))
    assert np.array_equal(attncli.attend(weights, weights, weights)[0].shape, (3, 3))


class Output:
    """What a model returns: attentions under their names."""

    def __init__(self, **held: Any) -> None:
        self.__dict__.update(held)


def test_an_output_gives_the_attentions_that_are_asked_for() -> None:
    """By its one name, or of encoder, decoder and cross the one chosen; as attribute or key."""
    rng = np.random.default_rng(1)
    arrays = {
        "encoder": [rows(rng, 1, 2, 3, 3) for _ in range(2)],
        "decoder": [rows(rng, 1, 2, 4, 4) for _ in range(2)],
        "cross": [rows(rng, 1, 2, 4, 3) for _ in range(2)],
    }
    held = {f"{name}_attentions": tuple(layers) for name, layers in arrays.items()}
    for output in (Output(**held), held):
        for which in ("encoder", "decoder"):
            expected = attncli.from_attentions(arrays[which])
            assert attncli.from_attentions(output, which=which) == expected
        with pytest.raises(UsageError, match=r"which: .* 'encoder', 'decoder', 'cross'"):
            attncli.from_attentions(output)
        crossed = attncli.from_attentions(output, which="cross")
        assert crossed == attncli.from_attentions(arrays["cross"], which="cross")
    alone = Output(attentions=arrays["decoder"], cross_attentions=arrays["cross"])
    assert attncli.from_attentions(alone) == attncli.from_attentions(arrays["decoder"])
    only = Output(attentions=None, encoder_attentions=arrays["encoder"])
    assert attncli.from_attentions(only) == attncli.from_attentions(arrays["encoder"])
    with pytest.raises(UsageError, match="without encoder_attentions"):
        attncli.from_attentions(alone, which="encoder")
    with pytest.raises(DataError, match="eager"):
        attncli.from_attentions(Output(attentions=None, encoder_attentions=None))


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 99))
def test_cross_attention_is_a_pair(n_q: int, n_k: int, seed: int) -> None:
    """Rows are queries of one text, columns keys of the other, and the record is read back."""
    weights = rows(np.random.default_rng(seed), 2, 3, n_q, n_k)
    ours, theirs = [f"q{i}" for i in range(n_q)], [f"k{i}" for i in range(n_k)]
    result = attncli.from_attentions(weights, ours, source_tokens=theirs)
    assert (result.text, result.pair) == (" ".join(ours), " ".join(theirs))
    assert np.array_equal(result.weights, weights)
    assert (result.words, result.key_words) == (ours, theirs)
    assert attncli.AttentionResult.from_dict(result.to_dict()) == result
    if n_q != n_k:
        with pytest.raises(DataError, match=f"found {n_q} queries and {n_k} keys"):
            attncli.from_attentions(weights)
    with pytest.raises(DataError, match="source_tokens: found"):
        attncli.from_attentions(weights, ours, source_tokens=[*theirs, "x"])
    with pytest.raises(DataError, match="tokens: found"):
        attncli.from_attentions(weights, [*ours, "x"], source_tokens=theirs)
    scores = attncli.from_attentions(np.log(weights), ours, source_tokens=theirs, scores=True)
    np.testing.assert_allclose(scores.weights, result.weights, atol=1e-6)


def test_a_sentence_of_a_batch_is_chosen() -> None:
    """One array a layer or five axes; a batch of several without a choice is asked back."""
    layers = [rows(np.random.default_rng(seed), 3, 2, 4, 4) for seed in range(2)]
    for given_ in (layers, np.stack(layers), Output(attentions=layers)):
        for index in range(3):
            expected = attncli.from_attentions([layer[index : index + 1] for layer in layers])
            assert attncli.from_attentions(given_, index=index) == expected
        with pytest.raises(AttnError, match="3 sentences"):
            attncli.from_attentions(given_)
        with pytest.raises(UsageError, match="index: found 3, expected 0 to 2"):
            attncli.from_attentions(given_, index=3)
    with pytest.raises(UsageError, match="of no batch"):
        attncli.from_attentions(np.eye(2), index=0)
    with pytest.raises(UsageError, match="batch of 3"):
        attncli.from_attentions(Output(attentions=layers[:1]))


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """A small fast tokenizer of transformers that pads."""
    tokenizers, transformers = (
        pytest.importorskip("tokenizers"),
        pytest.importorskip("transformers"),
    )
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "money", "bank", "grows", "river"]
    model = tokenizers.models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="[UNK]")
    inner = tokenizers.Tokenizer(model)
    inner.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    inner.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return transformers.PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="[PAD]")


def test_encodings_name_the_tokens_and_their_padding(tokenizer: Any) -> None:
    """A batch of transformers, one of its encodings, a list of them: padding is left out."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    sizes = {"hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 8, "vocab_size": 8}
    config = transformers.BertConfig(
        **sizes, num_hidden_layers=2, attn_implementation="eager", pad_token_id=0
    )
    model = transformers.BertModel(config).eval()
    texts = ["money bank grows", "river bank"]
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        outputs = model(**batch, output_attentions=True)
    for index, text in enumerate(texts):
        alone = tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            expected = attncli.from_attentions(model(**alone, output_attentions=True), alone)
        assert expected.words == ["[CLS]", *text.split(), "[SEP]"]
        assert hide_tokens(expected, special=True).words == text.split()
        for encoding in (batch, batch.encodings, batch.encodings[index]):
            result = attncli.from_attentions(outputs, encoding, index=index)
            assert result.words == expected.words
            np.testing.assert_allclose(result.weights, expected.weights, atol=1e-5)
    with pytest.raises(UsageError, match="index"):
        attncli.from_attentions(outputs, batch)
    with pytest.raises(DataError, match="convert_ids_to_tokens"):
        attncli.from_attentions(outputs, batch["input_ids"], index=0)


def test_steps_of_a_generation_are_one_matrix() -> None:
    """What `generate` gives, a tuple a step, is what one pass over all tokens gives."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    config = transformers.GPT2Config(
        n_embd=8, n_head=2, n_layer=2, vocab_size=20, n_positions=16, attn_implementation="eager",
        bos_token_id=0, eos_token_id=None, pad_token_id=0,
    )  # fmt: skip
    model = transformers.GPT2LMHeadModel(config).eval()
    ids = torch.tensor([[1, 2, 3]])
    output = model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=3, do_sample=False,
        output_attentions=True, return_dict_in_generate=True,
    )  # fmt: skip
    with torch.no_grad():
        whole = model(output.sequences[:, :-1], output_attentions=True)
    result = attncli.from_attentions(output)
    np.testing.assert_allclose(result.weights, attncli.from_attentions(whole).weights, atol=1e-5)


def test_an_encoder_with_a_decoder_is_read(tokenizer: Any) -> None:
    """The output of a T5, as it is: three attentions, of which cross has two lists of tokens."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    config = transformers.T5Config(
        d_model=8, d_kv=4, d_ff=8, num_layers=2, num_heads=2, vocab_size=8,
        attn_implementation="eager", decoder_start_token_id=0, pad_token_id=0,
    )  # fmt: skip
    model = transformers.T5Model(config).eval()
    source, target = tokenizer("money bank grows"), tokenizer("river bank")
    with torch.no_grad():
        outputs = model(
            input_ids=torch.tensor([source["input_ids"]]),
            decoder_input_ids=torch.tensor([target["input_ids"]]),
            output_attentions=True,
        )
    assert attncli.from_attentions(outputs, source, which="encoder").words[1] == "money"
    assert attncli.from_attentions(outputs, target, which="decoder").words[1] == "river"
    cross = attncli.from_attentions(outputs, target, which="cross", source_tokens=source)
    assert cross.pair == "[CLS] money bank grows [SEP]"
    assert np.array_equal(cross.weights[1], outputs.cross_attentions[1][0].numpy())
