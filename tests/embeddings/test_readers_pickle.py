"""gensim's pickles are read by a machine that can build nothing but data."""

import contextlib
import io
import os
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import vector_loads
from hypothesis import given, settings
from hypothesis import strategies as st
from vector_files import MATRIX, WORDS, keyed_vectors, npy, written

from attncli.embeddings.readers.loading import load
from attncli.embeddings.readers.pickle.inert import unpickle
from attncli.errors import AttnError, DataError, RefusedError

ARRAY = "numpy._core.multiarray\n_reconstruct"


class _Named:
    """Pickles as a call of a global name."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.call = (function, args)

    def __reduce__(self) -> Any:
        return self.call


failing = partial(vector_loads.failing, name="m.kv")


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_word_vectors_are_read_without_gensim(tmp_path: Path, protocol: int) -> None:
    """Words and values come out of every protocol that gensim has used."""
    found = load(written(tmp_path, "m.kv", keyed_vectors(protocol)))
    assert found.words == list(WORDS)
    assert found.matrix.tobytes() == MATRIX.tobytes()


@pytest.mark.parametrize("dtype", ["<f2", "<f8", ">f4", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_other_arrays_give_the_same_vectors(tmp_path: Path, dtype: str, order: str) -> None:
    """Byte order, width and memory order of a pickled array do not matter."""
    matrix = MATRIX.astype(np.float16).astype(dtype)
    found = load(written(tmp_path, "m.kv", keyed_vectors(matrix=np.asarray(matrix, order=order))))  # type: ignore[call-overload]
    assert found.matrix.tobytes() == MATRIX.astype(np.float16).astype(np.float32).tobytes()


PAYLOADS: dict[str, tuple[bytes, str]] = {
    "reduce": (b"cposix\nsystem\n(X\x02\x00\x00\x00idtR.", "posix.system"),
    "stack-global": (b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.", "os.system"),
    "inst": (b"(S'id'\nios\nsystem\n.", "os.system"),
    "obj": (b"(cos\nsystem\nS'id'\no.", "os.system"),
    "newobj": (b"\x80\x02csubprocess\nPopen\n(]X\x02\x00\x00\x00idatt\x81.", "subprocess.Popen"),
    "eval": (b"\x80\x02cbuiltins\neval\nX\x03\x00\x00\x001+1\x85R.", "builtins.eval"),
    "dotted": (b"\x80\x04\x8c\x1bgensim.models.keyedvectors\n"[:-1] + b"\x8c\x04load\x93.", ""),
    "gensim": (b"\x80\x02cgensim.utils\ncheck_output\n)R.", "gensim.utils.check_output"),
    "gensim-load": (
        b"\x80\x02cgensim.utils\nunpickle\n(X\x01\x00\x00\x00xtR.",
        "gensim.utils.unpickle",
    ),
    "numpy": (b"\x80\x02cnumpy\nload\n)R.", "numpy.load"),
    "memmap": (b"\x80\x02cnumpy\nmemmap\n)R.", "numpy.memmap"),
    "class-called": (
        b"\x80\x02cgensim.models.keyedvectors\nKeyedVectors\n)R.",
        "gensim.models.keyedvectors.KeyedVectors",
    ),
    "referred-called": (b"\x80\x02cbuiltins\nhash\n)R.", "builtins.hash"),
    "reconstructor": (
        b"\x80\x02ccopyreg\n_reconstructor\n(cbuiltins\nlist\nNNtR.",
        "copyreg._reconstructor",
    ),
    "ext": (b"\x80\x02\x82\x01.", "EXT"),
    "persid": (b"Pexternal\n.", "PERSID"),
    "binpersid": (b"\x80\x02X\x01\x00\x00\x00aQ.", "BINPERSID"),
    "build-class": (b"\x80\x02cbuiltins\nint\n}b.", "setter"),
    "memo": (b"\x80\x02cos\nsystem\nq\x01h\x01.", "os.system"),
    "attrgetter": (
        b"\x80\x02coperator\nattrgetter\n(X\x06\x00\x00\x00systemtR.",
        "operator.attrgetter",
    ),
}


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_pickle_that_would_run_code_is_refused_by_name(tmp_path: Path, name: str) -> None:
    """Nothing is called or imported, and the message says what would have been."""
    data, what = PAYLOADS[name]
    try:
        said = failing(tmp_path, data, RefusedError)
    except BaseException:
        assert name == "dotted"  # its lengths lie: damaged is as good
        failing(tmp_path, data, DataError)
        return
    assert what in said
    assert "nothing was run" in said


@pytest.mark.parametrize("name", ["vectors", "norms", "index_to_key", "anything"])
@pytest.mark.parametrize("function", [os.system, eval, os.getcwd, __import__, io.open, np.load])
def test_a_payload_inside_a_genuine_model_is_refused(
    tmp_path: Path, name: str, function: Callable[..., Any]
) -> None:
    """It does not matter where in a model the call hides."""
    marker = tmp_path / "ran"
    data = keyed_vectors(**{name: _Named(function, f"touch {marker}")})
    said = failing(tmp_path, data, RefusedError)
    assert function.__name__ in said
    assert not marker.exists()


@pytest.mark.parametrize(
    "suffix", [".txt", ".vec", ".bin", ".npy", ".npz", ".safetensors", "", ".gz"]
)
def test_a_payload_under_another_name_is_not_run(tmp_path: Path, suffix: str) -> None:
    """Content decides, so a pickle named otherwise is still only read by the inert machine."""
    failing(tmp_path, PAYLOADS["stack-global"][0], RefusedError, name=f"x{suffix}")


def test_bytes_after_the_end_are_refused(tmp_path: Path) -> None:
    """A pickle with something hidden behind it is not whole."""
    assert "follow the end" in failing(tmp_path, keyed_vectors() + b"cos\nsystem\n.", DataError)


def test_arrays_of_objects_are_refused(tmp_path: Path) -> None:
    """An array of pointers made of bytes kills numpy; here it is never built."""
    data = keyed_vectors(vectors=np.array([["a"]], dtype=object))
    assert "arrays of Python objects" in failing(tmp_path, data, RefusedError)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x80\x04\x8d" + struct.pack("<Q", 1 << 62), "announces"),
        (b"\x80\x04\x95" + struct.pack("<Q", 1 << 60) + b"]r\xff\xff\xff\x7f0.", "ends too early"),
        (b"\x80\x02]r\xff\xff\xff\x7f.", "found a value of type list"),
        (b"\x80\x02\x8b\xff\xff\xff\x7f.", "an integer of 2147483647 bytes"),
        (b"\x80\xff.", "expected at most 5"),
        (b"\x80\x02", "has no end"),
        (b"\x80\x02h\x01.", "damaged"),
        (b"\x80\x02a.", "damaged"),
        (b"\x80\x02K\x01.", "found a value of type int"),
        (b"\x80\x02" + b"(" * 100_000 + b"t" * 99_999 + b"t.", "found a value of type tuple"),
        (b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".", "found a value of type list"),
    ],
)
def test_a_pickle_that_lies_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    """Lengths, frames, memo numbers, depth: nothing is allocated or recursed into by a claim."""
    assert message in failing(tmp_path, data, DataError)


def test_a_billion_laughs_stay_unheard(tmp_path: Path) -> None:
    """Lists of lists of lists are shared, never walked."""
    data = b"\x80\x02]q\x00" + b"".join(
        b"](" + b"h%c" % i * 10 + b"eq%c" % (i + 1) for i in range(100)
    )
    failing(tmp_path, data + b".", DataError)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"key_to_index": {word: row + 5 for row, word in enumerate(WORDS)}}, "key_to_index"),
        ({"key_to_index": dict.fromkeys(WORDS, -1)}, "key_to_index"),
        ({"key_to_index": {"the": 0}}, "key_to_index has 1 words"),
        ({"index_to_key": [*WORDS[:-1], 5.0]}, "index_to_key: expected a list of words"),
        ({"index_to_key": [*WORDS[:-1], 5]}, "key_to_index has 10 words"),
        ({"index_to_key": [*WORDS[:-1], "the"]}, "distinct"),
        ({"vectors": MATRIX[:5]}, "10 words, but 5 vectors"),
        ({"vectors": MATRIX[0]}, "rank 2, found rank 1"),
        ({"vectors": MATRIX.astype(np.int32)}, "expected an array of float"),
        ({"vectors": "no"}, "expected a matrix"),
        ({"vectors": np.where(MATRIX > 0, MATRIX, np.nan)}, "is not finite"),
        ({"vectors": None, "__numpys": ["vectors"]}, "is missing beside it"),
        ({"vectors": None, "__numpys": ["/../../etc/passwd"]}, "no word vectors"),
        ({"vectors": None, "__numpys": ["vectors", "../x"]}, "is missing beside it"),
    ],
)
def test_a_model_that_contradicts_itself_is_refused(
    tmp_path: Path, state: dict[str, object], message: str
) -> None:
    """The field is named, and nothing but plain names beside the file is opened."""
    assert message in failing(tmp_path, keyed_vectors(**state), DataError)


def test_arrays_beside_the_file_are_read(tmp_path: Path) -> None:
    """Large arrays lie in NAME.vectors.npy, as gensim saves them."""
    written(tmp_path, "m.kv.vectors.npy", npy(MATRIX))
    found = load(written(tmp_path, "m.kv", keyed_vectors(vectors=None, __numpys=["vectors"])))
    assert found.matrix.tobytes() == MATRIX.tobytes()


@settings(max_examples=300)
@given(place=st.integers(0, 2000), byte=st.integers(0, 255))
def test_a_changed_byte_ends_clean(place: int, byte: int) -> None:
    """Whatever byte is changed, the machine raises only errors of ours."""
    data = bytearray(keyed_vectors())
    data[place % len(data)] = byte
    with contextlib.suppress(AttnError):
        unpickle(bytes(data), "m.kv")


@settings(max_examples=300)
@given(st.binary(max_size=80))
def test_any_bytes_end_clean(data: bytes) -> None:
    """Random opcodes neither run nor crash."""
    with contextlib.suppress(AttnError):
        unpickle(b"\x80\x04" + data + b".", "m.kv")
