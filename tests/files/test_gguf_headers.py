"""Headers of GGUF files: read as the gguf package reads them, refused where they lie."""

import contextlib
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.errors import AttnError, DataError, LimitError
from attncli.files.gguf import read_gguf_header

U8, I8, U32, F32, BOOL, TEXT, ARRAY, U64 = 0, 1, 4, 6, 7, 8, 9, 10


def text(value: str | bytes) -> bytes:
    """A text with its length."""
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw)) + raw


def pair(key: str | bytes, kind: int, value: bytes) -> bytes:
    """A key with its value."""
    return text(key) + struct.pack("<I", kind) + value


def tensor(
    name: str = "t", shape: tuple[int, ...] = (32,), kind: int = 0, offset: int = 0
) -> bytes:
    """The description of a tensor, its inner axis first."""
    axes = struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
    return text(name) + axes + struct.pack("<IQ", kind, offset)


def header(
    pairs: tuple[bytes, ...] = (),
    tensors: tuple[bytes, ...] = (),
    *,
    version: int = 3,
    counts: tuple[int, int] | None = None,
    data: int = 128,
    magic: bytes = b"GGUF",
) -> bytes:
    """A file: header, padding, and `data` bytes of tensors."""
    counted = counts or (len(tensors), len(pairs))
    whole = magic + struct.pack("<IQQ", version, *counted) + b"".join((*pairs, *tensors))
    return whole + bytes(-len(whole) % 32 + data)


NESTED = struct.pack("<IQ", ARRAY, 1) * 10 + struct.pack("<IQ", U8, 1) + b"\0"
WRONG: dict[str, tuple[bytes, type[AttnError], str]] = {
    "another magic": (header(magic=b"GGML"), DataError, 'begins with "GGML'),
    "a page of an error": (b"<html>404</html>", DataError, 'begins with "<html>404</html>"'),
    "a pointer of Git LFS": (
        b"version https://git-lfs.github.com/spec/v1\n",
        DataError,
        "a Git LFS pointer, expected a GGUF file",
    ),
    "cut in the magic": (b"GG", DataError, 'begins with "GG", expected "GGUF"'),
    "cut after the magic": (b"GGUF", DataError, "cut off"),
    "version 1": (header(version=1), DataError, "version 1"),
    "big-endian": (header(version=3 << 24), DataError, "big-endian"),
    "too many tensors": (header(counts=(1 << 60, 0)), DataError, "tensors"),
    "too many keys": (header(counts=(0, 1 << 60)), DataError, "keys"),
    "more keys than there are": (header(counts=(0, 5), data=600), DataError, "twice"),
    "a huge key": (header((struct.pack("<Q", 1 << 40),)), DataError, "bytes of a key"),
    "a long key": (header((pair("k" * 5000, U8, b"\0"),), data=9000), LimitError, "limit"),
    "a key that is no UTF-8": (header((pair(b"\xff", U8, b"\0"),)), DataError, "UTF-8"),
    "a key twice": (header((pair("k", U8, b"\0"),) * 2), DataError, '"k" is there twice'),
    "an unknown type": (header((pair("k", 13, b"\0"),)), DataError, "unknown type 13"),
    "neither true nor false": (header((pair("k", BOOL, b"\2"),)), DataError, "neither true"),
    "a huge text": (
        header((pair("k", TEXT, struct.pack("<Q", 2**64 - 1)),)),
        DataError,
        "18446744073709551615 bytes",
    ),
    "a huge array": (
        header((pair("k", ARRAY, struct.pack("<IQ", F32, 2**62)),)),
        DataError,
        "bytes are left",
    ),
    "a huge array of texts": (
        header((pair("k", ARRAY, struct.pack("<IQ", TEXT, 2**62)),)),
        DataError,
        "bytes are left",
    ),
    "texts that end early": (
        header((pair("k", ARRAY, struct.pack("<IQQ", TEXT, 2, 2**63)),)),
        DataError,
        "cut off",
    ),
    "a text that is no UTF-8": (
        header((pair("k", ARRAY, struct.pack("<IQ", TEXT, 2) + text("a") + text(b"\xc3")),)),
        DataError,
        "value 2 is no UTF-8",
    ),
    "arrays in arrays": (header((pair("k", ARRAY, NESTED),)), DataError, "deeper than 4"),
    "alignment 0": (header((pair("general.alignment", U32, bytes(4)),)), DataError, "alignment"),
    "alignment 24": (
        header((pair("general.alignment", U32, struct.pack("<I", 24)),)),
        DataError,
        "power of two",
    ),
    "a huge alignment": (
        header((pair("general.alignment", U32, struct.pack("<I", 1 << 30)),)),
        DataError,
        "power of two",
    ),
    "an alignment that is a text": (
        header((pair("general.alignment", TEXT, text("32")),)),
        DataError,
        "power of two",
    ),
    "no axes": (header((), (tensor(shape=()),)), DataError, "0 axes"),
    "five axes": (header((), (tensor(shape=(1,) * 5),)), DataError, "5 axes"),
    "an empty axis": (header((), (tensor(shape=(0,)),)), DataError, "multiple of 1"),
    "a product that wraps": (
        header((), (tensor(shape=(2**32, 2**32, 4)),)),
        DataError,
        "it is cut off",
    ),
    "half a block": (header((), (tensor(shape=(48,), kind=2),)), DataError, "multiple of 32"),
    "an unknown kind": (header((), (tensor(kind=99),)), DataError, "number 99"),
    "a kind that is not unpacked": (header((), (tensor(kind=16),)), DataError, "IQ2_XXS"),
    "beyond the end": (header((), (tensor(offset=32),)), DataError, "it is cut off"),
    "far beyond the end": (header((), (tensor(offset=2**64 - 32),)), DataError, "cut off"),
    "not aligned": (header((), (tensor(offset=4),), data=600), DataError, "multiple of 32"),
    "two of one name": (
        header((), (tensor(), tensor(offset=128)), data=256),
        DataError,
        "is there twice",
    ),
    "one over another": (header((), (tensor("a"), tensor("b", offset=32)), data=256), DataError, "overlaps"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_header_that_lies_is_refused(name):
    """Each lie is one line that says what is wrong."""
    raw, kind, message = WRONG[name]
    with pytest.raises(kind, match=message):
        read_gguf_header(raw, "x.gguf")


WHOLE = header(
    (
        pair("general.architecture", TEXT, text("llama")),
        pair("n", U64, struct.pack("<Q", 2**63)),
        pair("words", ARRAY, struct.pack("<IQ", TEXT, 3) + text("a") + text("é") + text("")),
        pair("bits", ARRAY, struct.pack("<IQ", BOOL, 2) + b"\1\0"),
        pair("deep", ARRAY, struct.pack("<IQIQ", ARRAY, 1, I8, 2) + b"\xff\1"),
    ),
    (tensor("a", (64, 2), 8), tensor("b", (3,), 0, 160)),
    data=172,
)


def test_values_and_places_are_read():
    """Numbers, texts, arrays and arrays in arrays; shapes with the outer axis first."""
    found = read_gguf_header(WHOLE, "x")
    assert found.version == 3
    metadata: dict[str, Any] = dict(found.metadata)
    assert metadata["bits"].tolist() == [True, False]
    assert [inner.tolist() for inner in metadata["deep"]] == [[-1, 1]]
    assert (metadata["n"], metadata["words"]) == (2**63, ["a", "é", ""])
    begin = len(WHOLE) - 172
    assert [tuple(one)[2:] for one in found.tensors.values()] == [
        ((2, 64), begin, begin + 136),
        ((3,), begin + 160, begin + 172),
    ]


PIECES = st.one_of(
    st.text(min_size=1, max_size=9),
    st.text("\0\x01\x07é", max_size=20),  # bytes of lengths, and of what marks a text
    st.sampled_from(["", "x" * 255, "x" * 256, "é" * 128, "\0" * 8, "\x01" + "\0" * 7 + "a"]),
)


@given(st.lists(PIECES, max_size=40), st.integers(0, 3), st.integers(0, 12_000))
def test_texts_are_those_that_were_written(words, n_more, repeats):
    """Texts of any letters and lengths, plain ones among them, over the end of what is read at once."""
    words = ["plain"] * repeats + words * (1 + n_more) + ["end"]
    array = struct.pack("<IQ", TEXT, len(words)) + b"".join(map(text, words))
    after = pair("after", U8, b"\5")
    found = read_gguf_header(header((pair("words", ARRAY, array), after)), "x").metadata
    assert found["words"] == words
    assert found["after"] == 5


@pytest.mark.parametrize("at", [0, 1, 4_095, 9_000, 19_999])
def test_the_text_that_is_no_utf_8_is_named(at):
    """Whichever of many it is, its number stands in the message."""
    words = [b"plain"] * 20_000
    words[at] = b"\xc3"
    array = struct.pack("<IQ", TEXT, len(words)) + b"".join(map(text, words))
    with pytest.raises(DataError, match=rf"value {at + 1} is no UTF-8"):
        read_gguf_header(header((pair("words", ARRAY, array),)), "x")


@given(st.integers(0, len(WHOLE) - 1))
def test_a_header_that_is_cut_off_is_refused(length):
    """A file cut anywhere is an AttnError."""
    with pytest.raises(AttnError):
        read_gguf_header(WHOLE[:length], "x")


@given(st.integers(0, len(WHOLE) - 173), st.integers(0, 255))
def test_a_changed_byte_is_read_or_refused(at, value):
    """Any byte of the header changed: it is read, or an AttnError says what is wrong."""
    raw = bytearray(WHOLE)
    raw[at] = value
    with contextlib.suppress(AttnError):
        assert read_gguf_header(bytes(raw), "x").version in (2, 3)


def test_headers_are_those_of_the_gguf_package(tmp_path: Path):
    """Values and places of a file that the package writes are those that it reads."""
    gguf = pytest.importorskip("gguf")
    writer = gguf.GGUFWriter(tmp_path / "w.gguf", "llama")
    writer.add_uint32("llama.block_count", 3)
    writer.add_float32("llama.eps", 0.1)
    writer.add_array("words", ["a", "bc", "日本"])
    writer.add_array("types", [1, 2, 3])
    writer.add_bool("yes", True)
    writer.add_tensor("one", np.ones((4, 8), np.float32))
    writer.add_tensor("two", np.ones((3,), np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    found = read_gguf_header((tmp_path / "w.gguf").read_bytes(), "w")
    theirs = gguf.GGUFReader(tmp_path / "w.gguf")
    assert found.metadata["words"] == theirs.fields["words"].contents()
    assert found.metadata["types"].tolist() == theirs.fields["types"].contents()
    assert found.metadata["llama.eps"] == theirs.fields["llama.eps"].contents()
    for ours, one in zip(found.tensors.values(), theirs.tensors, strict=True):
        assert (ours.name, ours.start) == (one.name, one.data_offset)
        assert list(ours.shape) == one.shape.tolist()[::-1]
        assert ours.end - ours.start == one.n_bytes
