"""Laws of reading safetensors: a file that lies is refused in one line, and quickly."""

import json
import random
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models.made import CONFIGS, raw_file, tensors, write_checkpoint
from safetensors.numpy import load_file, save_file

from attncli.errors import AttnError, DataError, InputError, LimitError, RefusedError
from attncli.models.checkpoint import Checkpoint
from attncli.models.model import TransformerModel
from attncli.models.summary import count_parameters
from attncli.models.tensors import TensorFile

EIGHT = bytes(range(8))


def about(dtype="F32", shape=(2,), span=(0, 8)):
    """A header's entry."""
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(span)}


LIES = {
    "empty": (b"", None),
    "too short": (b"\x01\x02", None),
    "length beyond the file": ({"a": about()}, 10**6),
    "length of 2^63": ({"a": about()}, 2**63),
    "length of 2^64-1": ({"a": about()}, 2**64 - 1),
    "no JSON": (b"not json at all", None),
    "no UTF-8": (b'{"\xff\xfe": 1}', None),
    "a list": (b"[1, 2]", None),
    "a number": (b"7", None),
    "cut": (b'{"a": {"dtype": "F32"', None),
    "deep": (b"[" * 100_000, None),
    "digits": (b'{"a":{"dtype":"F32","shape":[' + b"9" * 5000 + b'],"data_offsets":[0,8]}}', None),
    "entry no object": ({"a": 5}, None),
    "no dtype": ({"a": {"shape": [2], "data_offsets": [0, 8]}}, None),
    "unknown dtype": ({"a": about(dtype="F7")}, None),
    "dtype a list": ({"a": about(dtype=["F32"])}, None),
    "shape a number": ({"a": {"dtype": "F32", "shape": 2, "data_offsets": [0, 8]}}, None),
    "negative size": ({"a": about(shape=(-2,))}, None),
    "size true": ({"a": about(shape=(True, 2))}, None),
    "size a float": ({"a": about(shape=(2.0,))}, None),
    "product wraps": ({"a": about(shape=(2**62, 4, 2))}, None),
    "a petabyte": ({"a": about(shape=(2**40, 300))}, None),
    "65 axes": ({"a": about(shape=(1,) * 64 + (2,))}, None),
    "wrong shape": ({"a": about(shape=(3,))}, None),
    "offsets reversed": ({"a": about(span=(8, 0))}, None),
    "one offset": ({"a": about(span=(0,))}, None),
    "negative offset": ({"a": about(span=(-8, 0))}, None),
    "beyond the data": ({"a": about(shape=(4,), span=(0, 16))}, None),
    "overlap": ({"a": about(), "b": about(shape=(1,), span=(4, 8))}, None),
    "same bytes twice": ({"a": about(), "b": about()}, None),
    "hole at the start": ({"a": about(shape=(1,), span=(4, 8))}, None),
    "bytes left over": ({"a": about(shape=(1,), span=(0, 4))}, None),
    "an empty axis beside huge ones": (
        {"a": about(), "b": about(shape=(0, 2**40, 2**40), span=(8, 8))},
        None,
    ),
    "metadata of numbers": ({"__metadata__": {"format": 5}, "a": about()}, None),
    "metadata a list": ({"__metadata__": ["pt"], "a": about()}, None),
    "nothing named": ({}, None),
    "twice": (b'{"a":%s,"a":%s}' % ((json.dumps(about()).encode(),) * 2), None),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lying_header_is_refused(tmp_path, name):
    """Each lie is a DataError that names the file, before any tensor is read."""
    header, length = LIES[name]
    path = tmp_path / "lie.safetensors"
    if name in ("empty", "too short"):
        path.write_bytes(header)
    else:
        raw_file(path, header, EIGHT, length)
    with pytest.raises(DataError) as caught:
        TensorFile(path)
    assert str(caught.value).startswith(str(path))
    assert len(str(caught.value)) < len(str(path)) + 200


def test_a_header_beyond_the_limit_of_the_format_is_refused(tmp_path):
    """A header of more than 100 MB that is really there is a LimitError and is not parsed."""
    path = tmp_path / "long.safetensors"
    with path.open("wb") as file:
        file.write((100_000_001).to_bytes(8, "little"))
        file.truncate(8 + 100_000_001)
    with pytest.raises(LimitError):
        TensorFile(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["float32", "float16", "float64"])
def test_a_number_that_is_not_finite_is_refused_when_it_is_used(tmp_path, value, dtype):
    """NaN and infinity are named with their place; rows without them can be read."""
    table = np.ones((4, 3), dtype=dtype)
    table[2, 1] = value
    save_file({"t": table}, tmp_path / "t.safetensors")
    file = TensorFile(tmp_path / "t.safetensors")
    with pytest.raises(DataError, match="value 8 is not finite"):
        file.read("t")
    np.testing.assert_array_equal(file.read("t", np.array([0, 3])), np.ones((2, 3)))


def test_a_float64_too_large_for_float32_is_refused(tmp_path):
    """1e300 is finite in the file and would be infinite here."""
    save_file({"t": np.array([1.0, 1e300])}, tmp_path / "t.safetensors")
    with pytest.raises(DataError, match="not finite"):
        TensorFile(tmp_path / "t.safetensors").read("t")


@pytest.mark.parametrize("dtype", ["I64", "BOOL", "F8_E4M3"])
def test_a_tensor_that_is_no_float_is_refused_when_it_is_used(tmp_path, dtype):
    """Other dtypes may lie in the file, but are no weights."""
    size = {"I64": 8, "BOOL": 1, "F8_E4M3": 1}[dtype]
    path = raw_file(tmp_path / "t", {"t": about(dtype, (8 // size,))}, EIGHT)
    with pytest.raises(DataError, match=dtype):
        TensorFile(path).read("t")


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_end_in_an_answer(tmp_path_factory, raw, framed):
    """Random bytes are read or refused, never a crash."""
    path = tmp_path_factory.mktemp("fuzz") / "f.safetensors"
    path.write_bytes(len(raw).to_bytes(8, "little") + raw if framed else raw)
    with suppress(AttnError):
        assert TensorFile(path).entries == {}


def test_every_cut_of_a_file_is_refused(tmp_path):
    """Whatever is missing at the end, a part is never taken for the whole."""
    save_file({"a": np.ones(3, np.float32), "b": np.ones((2, 2), np.float16)}, tmp_path / "whole")
    whole = (tmp_path / "whole").read_bytes()
    for size in range(len(whole)):
        (tmp_path / "cut").write_bytes(whole[:size])
        with pytest.raises(DataError):
            TensorFile(tmp_path / "cut")


def test_what_the_library_writes_is_read_back(tmp_path):
    """Every float dtype and shape of the safetensors library comes back as its float32 values."""
    rng = np.random.default_rng(0)
    made = {
        "matrix": rng.standard_normal((3, 5), dtype=np.float32),
        "half": rng.standard_normal((2, 2)).astype(np.float16),
        "double": rng.standard_normal(7),
        "none": np.zeros((0, 4), np.float32),
        "scalar": np.array(2.5, np.float32),
    }
    save_file(made, tmp_path / "t.safetensors", metadata={"format": "np"})
    file = TensorFile(tmp_path / "t.safetensors")
    for name, values in load_file(tmp_path / "t.safetensors").items():
        np.testing.assert_array_equal(file.read(name), values.astype(np.float32))


def test_data_that_is_not_aligned_is_read(tmp_path):
    """An older file whose data begin at an odd byte gives the same numbers."""
    values = np.arange(6, dtype=np.float32)
    header = json.dumps({"a": about("F32", (6,), (0, 24))}).encode()
    header += b" " * ((1 - len(header)) % 8)
    path = raw_file(tmp_path / "odd", header, values.tobytes())
    np.testing.assert_array_equal(TensorFile(path).read("a"), values)


def test_missing_files_say_so(tmp_path):
    """A folder without weights, and one that is not there, are told apart from damage."""
    with pytest.raises(InputError):
        TensorFile(tmp_path / "absent")
    with pytest.raises(InputError, match=r"no model\.safetensors"):
        Checkpoint.of_folder(tmp_path)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.ckpt"])
def test_pickled_weights_are_never_opened(tmp_path, name):
    """A folder with nothing but pickles is refused without a byte of them being read."""
    folder = write_checkpoint(tmp_path / "m")
    (folder / "model.safetensors").unlink()
    (folder / name).mkdir()  # opening it would be an error of another kind
    with pytest.raises(RefusedError, match="pickled"):
        TransformerModel(folder)


def damaged(tmp_path, change):
    """A BERT checkpoint whose tensors were changed."""
    made = tensors({**_config()})
    change(made)
    return write_checkpoint(tmp_path / "m", "bert", made=made)


def _config():
    from models.made import BERT_CONFIG

    return BERT_CONFIG


def test_a_missing_tensor_is_named(tmp_path):
    """The first tensor that config.json asks for and is not there is named."""
    name = "encoder.layer.1.attention.self.key.weight"
    folder = damaged(tmp_path, lambda made: made.pop(name))
    with pytest.raises(
        DataError, match=r"encoder\.layer\.1\.attention\.self\.key\.weight.*missing"
    ):
        TransformerModel(folder)


def test_a_wrong_shape_is_named_with_both_shapes(tmp_path):
    """Found and expected shape stand in the message."""
    name = "encoder.layer.0.attention.self.query.weight"
    folder = damaged(tmp_path, lambda made: made.update({name: np.ones((5, 5), np.float32)}))
    with pytest.raises(DataError, match=r"is 5×5, config\.json asks for 24×24"):
        TransformerModel(folder)


def test_a_tensor_of_integers_where_floats_are_needed_is_refused(tmp_path):
    """Quantized weights are not taken for numbers."""
    name = "encoder.layer.0.output.dense.weight"
    folder = damaged(tmp_path, lambda made: made.update({name: np.ones((24, 40), np.int8)}))
    with pytest.raises(DataError, match="dtype I8"):
        TransformerModel(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_hidden_layers": 2}, "belongs to layer 2, but config.json says 2 layers"),
        ({"num_hidden_layers": 4}, "missing"),
        ({"hidden_size": 48}, "asks for"),
        ({"vocab_size": 30}, "asks for 30×24"),
        ({"intermediate_size": 41}, "asks for"),
        ({"max_position_embeddings": 21}, "asks for"),
        ({"type_vocab_size": 3}, "asks for"),
        (
            {"num_attention_heads": 5},
            "num_attention_heads is 5, which does not divide the width 24",
        ),
        ({"num_attention_heads": 0}, "num_attention_heads"),
        ({"num_attention_heads": "4"}, "expected a whole number"),
        ({"num_hidden_layers": 10**9}, "expected a whole number"),
        ({"hidden_size": True}, "expected a whole number"),
        ({"layer_norm_eps": "tiny"}, "layer_norm_eps"),
        ({"layer_norm_eps": float("nan")}, "layer_norm_eps"),
        ({"hidden_act": "gelu_of_my_own"}, "expected one of gelu"),
        ({"hidden_act": ["gelu"]}, "hidden_act"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type is"),
        ({"quantization_config": {"bits": 4}}, "quantization_config says quantized"),
        ({"pruned_heads": {"0": [1]}}, "pruned_heads says"),
        ({"model_type": "madeup"}, 'found the family "madeup", expected one of bart'),
        ({"model_type": None}, "no model_type"),
        ({"model_type": ["bert"]}, "no model_type"),
    ],
)
def test_a_configuration_that_contradicts_the_tensors_is_refused(tmp_path, changes, message):
    """Sizes, layers and options that do not fit, or are not computed here, are said."""
    from models.made import BERT_CONFIG

    made = tensors(BERT_CONFIG)
    with pytest.raises(DataError) as caught:
        TransformerModel(write_checkpoint(tmp_path, "bert", made=made, **changes))
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"model_type": ', "\ufeff7"])
def test_a_damaged_configuration_is_refused(tmp_path, text):
    """config.json that is no JSON object is a DataError with its name."""
    folder = write_checkpoint(tmp_path)
    (folder / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"config\.json"):
        TransformerModel(folder)


def test_a_number_that_is_not_finite_in_a_layer_is_refused(tmp_path):
    """NaN in a matrix is found when its layer is read, and named."""
    from models.test_forward import inputs

    from attncli.models.forward import encode

    name = "encoder.layer.2.output.dense.weight"
    folder = damaged(tmp_path, lambda made: made[name].__setitem__((0, 3), np.nan))
    with pytest.raises(DataError, match=r"encoder\.layer\.2\.output.*value 4 is not finite"):
        encode(TransformerModel(folder), [inputs([2, 5, 3])])


@pytest.mark.parametrize(
    ("weight_map", "error"),
    [
        ({}, DataError),
        ([], DataError),
        ({"a": 3}, RefusedError),
        ({"a": "../model.safetensors"}, RefusedError),
        ({"a": "/etc/passwd"}, RefusedError),
        ({"a": "pytorch_model.bin"}, RefusedError),
        ({"a": "absent.safetensors"}, InputError),
        ({"a": "part.safetensors", "absent": "part.safetensors"}, DataError),
    ],
)
def test_an_index_that_lies_is_refused(tmp_path, weight_map, error):
    """Shards lie beside their index, exist, and hold what the index says."""
    save_file({"a": np.ones(2, np.float32)}, tmp_path / "part.safetensors")
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    with pytest.raises(error):
        Checkpoint.of_folder(tmp_path)


def test_a_tensor_in_two_shards_is_refused(tmp_path):
    """Which of two would count is not guessed."""
    for name in ("one", "two"):
        save_file({"a": np.ones(2, np.float32)}, tmp_path / f"{name}.safetensors")
    weight_map = {"a": "one.safetensors", "b": "two.safetensors"}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    with pytest.raises(DataError, match="also in"):
        Checkpoint.of_folder(tmp_path)


def test_a_name_twice_is_found_in_a_long_header_at_once(tmp_path):
    """A name that occurs twice among thousands is said in a moment; too many names are, too."""
    for count, message in ((9_000, '"t8999" twice'), (60_000, "60001 tensors, expected at most")):
        about = '{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
        names = [f'"t{at}":{about}' for at in range(count)]
        header = "{" + ",".join([*names, names[-1]]) + "}"
        path = raw_file(tmp_path / "twice.safetensors", header.encode())
        started = time.perf_counter()
        with pytest.raises(DataError, match=message):
            TensorFile(path)
        assert time.perf_counter() - started < 5


@pytest.mark.parametrize("number", ["9" * 5000, "9" * 19, "²"])
def test_a_layer_of_any_number_is_an_error_or_no_layer(tmp_path, number):
    """A tensor's name may hold a number of thousands of digits."""
    made = tensors({**CONFIGS["bert"]})
    made[f"encoder.layer.{number}.attention.self.query.weight"] = np.zeros(1, np.float32)
    folder = write_checkpoint(tmp_path, made=made)
    if number == "²":
        TransformerModel(folder)
        return
    with pytest.raises(DataError, match="says 3 layers"):
        TransformerModel(folder)


@pytest.mark.parametrize("family", ["gpt2", "bert"])
def test_a_shared_tensor_is_found_under_the_name_that_was_kept(tmp_path, family):
    """save_model of safetensors drops a tensor that is stored twice, and notes where it is."""
    landmark = {"gpt2": "wte.weight", "bert": "embeddings.word_embeddings.weight"}[family]
    prefix = {"gpt2": "transformer.", "bert": "bert."}[family]
    made = {prefix + name: values for name, values in tensors(CONFIGS[family]).items()}
    made["lm_head.weight"] = made.pop(prefix + landmark)
    folder = write_checkpoint(tmp_path / "shared", family, made=made)
    metadata = {prefix + landmark: "lm_head.weight", "format": "pt", "x": "nowhere"}
    save_file(made, folder / "model.safetensors", metadata)
    plain = TransformerModel(write_checkpoint(tmp_path / "plain", family))
    shared = TransformerModel(folder)
    ids = np.arange(2, 9)
    np.testing.assert_array_equal(shared.tensors.words(ids), plain.tensors.words(ids))
    assert count_parameters(shared) == count_parameters(plain)
    save_file(made, folder / "model.safetensors")
    with pytest.raises(DataError, match="no tensor is called"):
        TransformerModel(folder)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=600)
def test_a_damaged_checkpoint_is_read_or_is_an_error(seed):
    """Any bytes of the file changed, cut or doubled: the model opens, or says what is wrong."""
    with TemporaryDirectory() as name:
        folder = write_checkpoint(Path(name), vocab_size=16, num_hidden_layers=1)
        content = bytearray((folder / "model.safetensors").read_bytes())
        rng = random.Random(seed)
        header = 8 + int.from_bytes(content[:8], "little")
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(header)
            kind = rng.randrange(3)
            if kind == 0:
                content[at] ^= 1 << rng.randrange(8)
            elif kind == 1:
                content[at : at + rng.randint(1, 9)] = b""
            else:
                content[at:at] = bytes([rng.choice(b'{}[]",:0919-\\')]) * rng.randint(1, 5)
        (folder / "model.safetensors").write_bytes(content)
        with suppress(AttnError):
            TransformerModel(folder).checkpoint.check()
