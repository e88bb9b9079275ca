"""Laws of the header of a safetensors file: every reader refuses the same lies, and reads alike."""

import json
import math
import tracemalloc

import numpy as np
import pytest
import safetensors
from hypothesis import given
from hypothesis import strategies as st
from models.made import raw_file
from models.test_tensors import EIGHT, LIES, about
from safetensors.numpy import save

from attncli.embeddings.readers.tensors import read_tensors
from attncli.errors import DataError
from attncli.files.limits import Limits
from attncli.files.stream import bytes_stream, file_stream
from attncli.files.tensors import read_tensor_header, tensor_array
from attncli.matrices.archives import safetensors_arrays
from attncli.models.tensors import TensorFile
from attncli.models.trained import load_model
from attncli.training.resume import load_state


def vectors(path):
    """What the reader of vectors makes of a file."""
    with file_stream(path) as stream:
        return read_tensors(stream, path, Limits())


READERS = {
    "vectors": vectors,
    "matrices": lambda path: safetensors_arrays(path.read_bytes()),
    "checkpoint": TensorFile,
    "trained model": load_model,
    "unfinished training": lambda path: load_state(path, {}),
}
NUMPY = [f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)]
NUMPY += ["bool", "f2", "f4", "f8"]
try:
    save({"t": np.zeros(1, "c8")})
    NUMPY.append("c8")
except safetensors.SafetensorError:  # an older version of the library has no complex numbers
    pass
BITS = {"BF16": "u2", "F8_E4M3": "u1", "F8_E5M2": "u1", "F8_E8M0": "u1"}


def written(folder, header, data, length=None):
    """A safetensors file; a header of two bytes at most is the whole file."""
    path = folder / "t.safetensors"
    if isinstance(header, bytes) and len(header) <= 2 and header not in (b"7",):
        path.write_bytes(header)
        return path
    return raw_file(path, header, data, length)


def arrays_of(data):
    """What our reader makes of the bytes of a file."""
    tensors, metadata = read_tensor_header(bytes_stream(data, "t"))
    return {name: tensor_array(data, tensor) for name, tensor in tensors.items()}, metadata


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", LIES)
def test_every_reader_refuses_every_lie(tmp_path, name, reader):
    """A header that lies is a DataError, whoever reads it."""
    path = written(tmp_path, LIES[name][0], EIGHT, LIES[name][1])
    with pytest.raises(DataError) as caught:
        READERS[reader](path)
    assert str(caught.value).isprintable()


shapes = st.lists(st.integers(0, 4), max_size=4).map(tuple)


@st.composite
def files(draw):
    """Tensors of any dtype that numpy has, by name, and metadata."""
    names = draw(st.lists(st.text(max_size=5), min_size=1, max_size=4, unique=True))
    arrays = {}
    for name in names:
        shape, kind = draw(shapes), np.dtype(draw(st.sampled_from(NUMPY)))
        size = math.prod(shape) * kind.itemsize
        raw = draw(st.binary(min_size=size, max_size=size))
        raw = bytes(byte & 1 for byte in raw) if kind.kind == "b" else raw
        arrays[name] = np.frombuffer(raw, kind).reshape(shape)
    return arrays, draw(st.none() | st.dictionaries(st.text(max_size=3), st.text(max_size=5)))


@given(files())
def test_what_the_library_writes_is_read_equal(written):
    """Random tensors of every dtype of numpy, bit by bit, under their names, with the metadata."""
    arrays, metadata = written
    ours, said = arrays_of(save(arrays, metadata))
    assert said == (metadata or {})
    assert ours.keys() == arrays.keys()
    for name, array in arrays.items():
        assert (ours[name].dtype, ours[name].shape) == (array.dtype, array.shape)
        assert ours[name].tobytes() == array.tobytes()
        assert ours[name].flags.aligned


@given(raw=st.binary(max_size=64), dtype=st.sampled_from(sorted(BITS)))
def test_what_numpy_has_no_type_for_is_read_by_its_bits(raw, dtype):
    """The eight bits of a float8 as they are; bfloat16 as the float32 that begins with its bits."""
    bits = np.frombuffer(raw[: len(raw) // 2 * 2], BITS[dtype])
    header = json.dumps({"t": about(dtype, bits.shape, (0, bits.nbytes))}).encode()
    data = len(header).to_bytes(8, "little") + header + bits.tobytes()
    ours = arrays_of(data)[0]["t"]
    if dtype == "BF16":
        assert ours.dtype == np.float32
        assert ours.view(np.uint32).tolist() == [int(half) << 16 for half in bits]
    else:
        assert ours.tolist() == bits.tolist()


@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_what_ours_takes_the_library_takes(seed, changes):
    """No damaged header is read here that the library refuses, and none is read otherwise."""
    chance = np.random.default_rng(seed)
    whole = save({"a": np.ones((2, 3), "f4"), "b": np.arange(4, dtype="i2")}, {"k": "v"})
    length = int.from_bytes(whole[:8], "little")
    header = bytearray(whole[8 : 8 + length])
    for _ in range(changes):
        header[chance.integers(len(header))] = chance.choice(list(b'0123456789,:[]{}"FIBU ab'))
    damaged = whole[:8] + bytes(header) + whole[8 + length :]
    try:
        tensors, _ = read_tensor_header(bytes_stream(damaged, "t"))
    except DataError:
        return
    theirs = dict(safetensors.deserialize(damaged))
    assert theirs.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert theirs[name]["shape"] == list(tensor.shape)
        assert bytes(theirs[name]["data"]) == damaged[tensor.start : tensor.end]


@pytest.mark.parametrize("piece", [b"[],", b"{},", b"1e1,", b'"ab",', b'"\\"",'])
def test_a_header_of_many_values_takes_little_memory(piece):
    """Lists, objects, numbers or texts that take many times their bytes are not parsed."""
    header = b'{"a":[' + piece * (8_000_000 // len(piece)) + b"0]}"
    data = len(header).to_bytes(8, "little") + header + b"\0" * 1_000_000
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="more values than 10000 tensors need"):
            read_tensor_header(bytes_stream(data, "t"))
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("piece", ["[],", "{},", "[[]],"])
def test_words_of_many_lists_take_little_memory(tmp_path, piece):
    """What stands where words are expected is not parsed when it is far more than the vectors."""
    words = "[" + piece * (8_000_000 // len(piece)) + "0]"
    header = {"__metadata__": {"words": words}, "vectors": about("F32", (250_000, 1), (0, 10**6))}
    path = raw_file(tmp_path / "v.safetensors", header, b"\0" * 10**6)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="expected a list of 250000 words"):
            vectors(path)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


def test_a_long_vocabulary_in_the_metadata_is_read():
    """Its commas and brackets are text, whatever their number."""
    words = json.dumps([f"[{word}," for word in range(300_000)])
    header = {"__metadata__": {"words": words}, "a": about("F32", (300_000,), (0, 1_200_000))}
    raw = json.dumps(header).encode()
    data = len(raw).to_bytes(8, "little") + raw + b"\0" * 1_200_000
    assert arrays_of(data)[1] == {"words": words}


def test_metadata_may_be_null():
    """As the library itself reads them."""
    raw = b'{"__metadata__":null,"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}'
    assert arrays_of(len(raw).to_bytes(8, "little") + raw + b"\7") == ({"a": np.array([7])}, {})
