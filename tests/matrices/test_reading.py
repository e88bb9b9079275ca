"""Other people's matrices: every usual layout and file, and a clear word about every other."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import attncli
from attncli.attention.core import softmax
from attncli.errors import AttnError, DataError, LimitError, RefusedError
from attncli.insight.select import select_layers
from attncli.matrices.build import result_from_arrays, result_from_record
from attncli.matrices.reading import read_results
from attncli.results.result import AttentionResult

TOKENS = ("[CLS]", "money", "bank", "##s")


def weights_of(*shape: int) -> np.ndarray:
    """Random weights whose rows sum to 1."""
    return softmax(np.random.default_rng(7).normal(size=shape)).astype(np.float32)


def npy(array: np.ndarray) -> bytes:
    """The bytes of a .npy file."""
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def savez(*arrays: np.ndarray, **named: np.ndarray) -> bytes:
    """The bytes of a .npz file."""
    out = io.BytesIO()
    np.savez(out, *arrays, **named)
    return out.getvalue()


def read(data: bytes, name: str = "x", **options: Any) -> AttentionResult:
    """The one result of these bytes."""
    (result,) = read_results(io.BytesIO(data), name, **options)
    assert isinstance(result, AttentionResult)
    return result


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((4, 4), (1, 1)),
        ((3, 4, 4), (1, 3)),
        ((2, 3, 4, 4), (2, 3)),
        ((2, 1, 3, 4, 4), (2, 3)),
    ],
)
def test_every_layout_becomes_layers_and_heads(
    shape: tuple[int, ...], expected: tuple[int, int]
) -> None:
    """Two to five axes, as .npy and as JSON, give the same four axes."""
    weights = weights_of(*shape)
    for data in (npy(weights), json.dumps(weights.tolist()).encode()):
        result = read(data, tokens=TOKENS)
        assert result.weights.shape == (*expected, 4, 4)
        assert np.allclose(result.weights.ravel(), weights.ravel(), atol=1e-7)
        assert result.words == list(TOKENS)


def test_one_array_a_layer_is_what_hugging_face_gives() -> None:
    """12 arrays of (1, heads, n, n) keep the order of their numbers, not of their names."""
    layers = [weights_of(1, 2, 3, 3) * 0 + np.float32(1 / 3) for _ in range(12)]
    layers[10][:] = np.eye(3)
    result = read(savez(*layers))
    assert result.weights.shape == (12, 2, 3, 3)
    assert np.array_equal(result.weights[10, 0], np.eye(3))
    assert np.array_equal(result_from_arrays(tuple(layers)).weights, result.weights)


def test_tensors_are_taken_as_they_are() -> None:
    """The tuple of PyTorch tensors of output_attentions=True needs no conversion."""
    torch = pytest.importorskip("torch")
    layers = tuple(torch.softmax(torch.randn(1, 2, 3, 3), -1).requires_grad_() for _ in range(2))
    result = result_from_arrays(layers, ["a", "b", "c"])
    assert np.array_equal(result.weights[1, 0], layers[1][0, 0].detach().numpy())


def test_safetensors_hold_layers_too() -> None:
    """A safetensors file with a tensor a layer is read like a .npz."""
    from safetensors.numpy import save

    weights = weights_of(2, 3, 4, 4)
    data = save({f"layer.{i}": np.ascontiguousarray(weights[i][None]) for i in range(2)})
    assert np.array_equal(read(data).weights, weights)


def test_names_beside_the_weights_are_used() -> None:
    """Tokens of a .npz, a JSON object, and BertViz's list of objects."""
    weights = weights_of(1, 4, 4)
    bertviz = {"attention": [{"name": None, "attn": weights.tolist(), "left_text": TOKENS}]}
    for data in (
        savez(attention=weights, tokens=np.array(TOKENS)),
        json.dumps({"weights": weights.tolist(), "tokens": TOKENS}).encode(),
        json.dumps(bertviz).encode(),
    ):
        result = read(data)
        assert result.words == list(TOKENS)
        assert np.allclose(result.weights[0], weights, atol=1e-7)


@pytest.mark.parametrize(
    "text",
    [
        "0.5,0.5\n0.1,0.9\n",
        "0.5 0.5\n0.1 0.9",
        "0.5;0.5\r\n0.1;0.9\r\n",
        "a,b\n0.5,0.5\n0.1,0.9\n",
        "\ufeff,a,b\na,0.5,0.5\nb,0.1,0.9\n",
        "query\ta\tb\na\t0.5\t0.5\nb\t0.1\t0.9\n",
    ],
)
def test_csv_with_and_without_names(text: str) -> None:
    """Commas, tabs, semicolons, blanks; a heading and a first column are optional."""
    result = read(text.encode(), "x.csv")
    assert np.allclose(result.weights[0, 0], [[0.5, 0.5], [0.1, 0.9]])
    assert result.words in (["a", "b"], ["0", "1"])


def test_scores_become_weights_when_asked() -> None:
    """--scores takes the softmax of each row; without it negative numbers are refused."""
    scores = np.array([[2.0, -1.0], [0.0, 0.0]])
    with pytest.raises(DataError, match="between 0 and 1") as caught:
        read(npy(scores))
    assert "scores=True" in caught.value.hints[0]
    assert np.allclose(read(npy(scores), scores=True).weights[0, 0], softmax(scores.copy()))


def test_masked_scores_are_read() -> None:
    """−∞ hides a key, a row of −∞ alone is zeros; it is no weight, and +∞ and NaN are no score."""
    masked = np.array([[0.0, -np.inf, 0.0], [-np.inf] * 3, [1.0, 1.0, -np.inf]])
    expected = [[0.5, 0.0, 0.5], [0.0, 0.0, 0.0], [0.5, 0.5, 0.0]]
    assert np.allclose(read(npy(masked), scores=True).weights[0, 0], expected)
    with pytest.raises(DataError, match="not finite") as caught:
        read(npy(masked))
    assert "scores=True" in caught.value.hints[0]
    for odd in (np.inf, np.nan):
        with pytest.raises(DataError, match="not finite"):
            read(npy(np.array([[0.0, odd], [0.0, 0.0]])), scores=True)


def test_rows_that_do_not_sum_to_one_are_said() -> None:
    """They are shown as they are, with a warning."""
    result = read(npy(np.full((2, 2), 0.25)))
    assert np.array_equal(result.weights[0, 0], np.full((2, 2), 0.25))
    assert "0.5" in result.warnings[0].message


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        (b"", DataError, "empty"),
        (npy(weights_of(2, 2, 1, 3, 3)[:, :, :, :, :]), DataError, "2 sentences in a batch"),
        (npy(np.ones(3)), DataError, "expected 2 axes"),
        (npy(np.array([[np.nan, 1], [0, 1]])), DataError, "not finite"),
        (npy(np.array([["a"]])), DataError, "expected numbers"),
        (npy(np.zeros((0, 0))), DataError, "at least one token"),
        (npy(weights_of(3, 3))[:90], DataError, "cannot be read"),
        (b"\x80\x04K\x01.", RefusedError, "pickle"),
        (b"a,b\n0.5,0.5\n0.5,x\n", DataError, "x:3"),
        (b"0.5,0.5\n0.5\n", DataError, "found 1 columns"),
        (b"<html>", DataError, "web page"),
        (b"word", DataError, "no row of numbers"),
        (b"[[0.5, 0.5], [1]]", DataError, "unequal lengths"),
        (b'{"a": 1}', DataError, 'found the keys "a", expected one of'),
        (b'{"type": "head-map", "schema": "1.0"}', DataError, 'the type "head-map", which has no'),
        (b"[" * 5000, DataError, "no JSON"),
        (b'{"type": "result", "schema": "1.0"}', DataError, "no 'weights'"),
        (b'{"type": "result", "schema": "9.0", "weights": [[[[1]]]]}', DataError, "9.0"),
        (b"\xff\xfe\x00", DataError, "UTF-8"),
        (b"PK\x03\x04broken", DataError, "damaged"),
        (savez(weights_of(2, 2), weights_of(3, 3)), DataError, "several arrays"),
    ],
)  # fmt: skip
def test_everything_else_is_refused_with_a_reason(
    data: bytes, error: type[AttnError], said: str
) -> None:
    """The message says what was found and where."""
    with pytest.raises(error) as caught:
        read(data)
    assert said in str(caught.value)


def test_a_torch_file_is_refused_with_the_way_out() -> None:
    """A pickle is never read; the hint says how to save the arrays."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("attention/data.pkl", b"\x80\x02.")
    with pytest.raises(RefusedError) as caught:
        read(out.getvalue())
    assert caught.value.hints[0].startswith('python -c "import numpy, torch;')


def test_a_bomb_is_refused_before_it_unpacks() -> None:
    """A small archive that unpacks to gigabytes is refused by its directory."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.npy", "w") as file:  # fmt: skip
        for _ in range(1100):
            file.write(bytes(2**20))
    with pytest.raises(LimitError):
        read(out.getvalue())


def test_a_record_without_some_fields_can_be_drawn() -> None:
    """Weights are enough; what was excluded is filled with plain values."""
    record = {"type": "result", "schema": "1.0", "weights": [[[[1.0, 0.0], [0.5, 0.5]]]]}
    assert result_from_record(record).words == ["0", "1"]


@given(st.binary(max_size=300))
def test_any_bytes_give_a_result_or_a_reason(data: bytes) -> None:
    """A reader raises nothing but AttnError."""
    for start in (b"", b"[", b"{", b"\x93NUMPY\x01\x00", b"PK\x03\x04", b"0.5,0.5\n"):
        try:
            list(read_results(io.BytesIO(start + data), "x"))
        except AttnError:
            continue


_KEYS = [
    "type",
    "schema",
    "weights",
    "tokens",
    "text",
    "attention",
    "attn",
    "contextual",
    "vectors",
    "model",
    "warnings",
    "word",
    "kind",
    "sentences",
    "cosine",
    "map",
]
_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=5)
    ),
    max_leaves=12,
)


@given(_JSON)
def test_any_json_gives_a_result_or_a_reason(value: Any) -> None:
    """Also a record whose parts are of the wrong kind."""
    for record in (value, {"type": "result", "schema": "1.0", "weights": value, "tokens": value}):
        try:
            list(read_results(io.BytesIO(json.dumps(record).encode()), "x"))
        except AttnError:
            continue


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
@pytest.mark.parametrize("name", ["layer_{}", "encoder.layer.{}.attention", "Layers{}"])
def test_arrays_that_are_called_by_layer_are_those_layers(
    tmp_path: Path, suffix: str, name: str
) -> None:
    """Of layers 10, 3 and 5 in a file each keeps its number and its weights."""
    arrays = {name.format(n): np.float32(np.eye(3)[[n % 3, 0, 1]])[None] for n in (10, 3, 5)}
    path = tmp_path / f"layers.{suffix}"
    if suffix == "npz":
        np.savez(path, **arrays)
    else:
        pytest.importorskip("safetensors.numpy").save_file(arrays, path)
    (result,) = attncli.read(path)
    assert result.selection == {"layers": [3, 5, 10]}
    for number in (3, 5, 10):
        part = select_layers(result, [number])
        np.testing.assert_array_equal(part.weights[0], arrays[name.format(number)])


def test_arrays_that_only_count_are_not_named(tmp_path: Path) -> None:
    """Names of numpy's own, and layers counted from 0, say nothing of a selection."""
    for names in (("arr_0", "arr_1"), ("layer_0", "layer_1"), ("layer_a", "layer_b")):
        path = tmp_path / "plain.npz"
        np.savez(path, **{name: np.eye(2)[None] for name in names})
        (result,) = attncli.read(path)
        assert result.selection is None
        assert result.attention.n_layers == 2


def test_text_without_end_and_numbers_is_not_read_to_its_limit() -> None:
    """What begins with a mebibyte of text without a digit is refused by it; less is read whole."""

    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1) -> bytes:
            self.given += size
            return (b"y\n" * (size // 2 + 1))[:size]

    stream = Endless()
    with pytest.raises(DataError, match="without a number"):
        list(read_results(stream, "<stdin>"))  # type: ignore[arg-type]  # as much as is asked of it
    assert stream.given <= 1 << 21
    with pytest.raises(DataError):
        list(read_results(io.BytesIO(b"y\n" * 9), "<stdin>"))
