"""word2vec binary and fastText models: exact values, and no lie of a header is believed."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vector_files import MATRIX, WORDS, fasttext, word2vec_binary, written

from attncli.embeddings.readers.any_format import ReadOptions
from attncli.embeddings.readers.binary_records import is_odd, some_are_odd
from attncli.embeddings.readers.loading import Loaded, load
from attncli.embeddings.readers.word2vec import read_word2vec
from attncli.errors import AttnError, DataError, LimitError
from attncli.files import stream
from attncli.files.limits import Limits

NAMES = [word for word in WORDS if " " not in word]
ROWS = MATRIX[: len(NAMES)]
BINARY = word2vec_binary(NAMES, ROWS)


def loaded(tmp_path: Path, data: bytes, **options: object) -> Loaded:
    """What is read from a file with these bytes."""
    return load(written(tmp_path, "w.bin", data), ReadOptions(**options))  # type: ignore[arg-type]


def failing(tmp_path: Path, data: bytes, kind: type[AttnError] = DataError) -> str:
    """The message of the error that these bytes give."""
    with pytest.raises(kind) as caught:
        loaded(tmp_path, data)
    return str(caught.value)


@pytest.mark.parametrize("newline", [False, True])
@pytest.mark.parametrize("count", [1, 9, 3000])
def test_word2vec_binary_reads_back_bit_for_bit(tmp_path: Path, newline: bool, count: int) -> None:
    """Both word2vec.c's form and gensim's give the words and values that were written."""
    names = [f"w{i}" for i in range(count)]
    matrix = np.random.default_rng(count).normal(size=(count, 100)).astype(np.float32)
    found = loaded(tmp_path, word2vec_binary(names, matrix, newline=newline))
    assert found.words == names
    assert found.matrix.tobytes() == matrix.tobytes()
    assert found.warnings == []


@pytest.mark.parametrize("piece", [1, 30, 100, 700, 1 << 20])
@pytest.mark.parametrize("between", [b"", b"\n", b"\n\n"])
def test_the_pieces_of_a_file_make_no_difference(
    monkeypatch: pytest.MonkeyPatch, piece: int, between: bytes
) -> None:
    """Words of all kinds, spaces within, and zeros among the values, wherever a piece ends."""
    names = [b"a", b"new york", "é".encode(), b"new york city 1", b"", b"10", b"z" * 90] * 9
    matrix = np.random.default_rng(1).normal(size=(len(names), 20)).astype(np.float32)
    matrix[::5, 3] = 0
    pairs = zip(names, matrix, strict=True)
    records = between.join(name + b" " + row.tobytes() for name, row in pairs)
    monkeypatch.setattr(stream, "PIECE", piece)
    reading = read_word2vec(stream.bytes_stream(b"63 20\n" + records, "w.bin"), Limits())
    blocks = list(reading.blocks)
    assert [word for block in blocks for word in block.words] == names
    assert b"".join(block.values.tobytes() for block in blocks) == matrix.tobytes()
    assert reading.warnings == []


@pytest.mark.parametrize("length", range(len(BINARY)))
def test_every_prefix_of_a_binary_file_is_refused(tmp_path: Path, length: int) -> None:
    """A cut binary file is never taken for a whole one."""
    failing(tmp_path, BINARY[:length])


def test_a_cut_binary_file_says_how_much_is_whole(tmp_path: Path) -> None:
    """The byte and the number of whole vectors are named."""
    assert "cut off at byte" in failing(tmp_path, BINARY[:-1])
    assert f"8 of {len(NAMES)} vectors are whole" in failing(tmp_path, BINARY[:-1])


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"2000000000 4", "the header claims 2000000000 × 4 values"),
        (b"9 2000000000", "the header claims 9 × 2000000000 values"),
        (b"4611686018427387904 4", "the header claims"),
        (b"9 3", "are no text"),
        (b"9 0", "expected at least one of each"),
        (b"0 4", "expected at least one of each"),
    ],
)
def test_counts_that_lie_are_refused(tmp_path: Path, header: bytes, message: str) -> None:
    """Sizes are claims until the bytes are there; noise is never taken for words."""
    assert message in failing(tmp_path, header + BINARY[BINARY.index(b"\n") :])


def test_a_dimension_one_too_large_is_refused(tmp_path: Path) -> None:
    """Values that swallow the next word do not pass."""
    failing(tmp_path, b"9 5" + BINARY[BINARY.index(b"\n") :])


def test_bytes_after_the_last_vector_are_said(tmp_path: Path) -> None:
    """A count that is too small drops nothing in silence."""
    found = loaded(tmp_path, b"8 4" + BINARY[BINARY.index(b"\n") :])
    assert len(found.words) == 8
    assert "bytes after the 8 vectors" in found.warnings[0]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_named(tmp_path: Path, value: float) -> None:
    """No NaN gets in, from whichever format."""
    matrix = ROWS.copy()
    matrix[1, 2] = value
    for data in (word2vec_binary(NAMES, matrix), fasttext(NAMES, matrix)):
        assert 'word 2 "cat": value' in failing(tmp_path, data)


def test_big_endian_values_are_noticed_and_can_be_read(tmp_path: Path) -> None:
    """Values that only make sense in the other byte order are not taken as they are."""
    swapped = b"".join(
        name.encode() + b" " + row.astype(">f4").tobytes()
        for name, row in zip(NAMES, ROWS, strict=True)
    )
    data = b"9 4\n" + swapped
    assert "big-endian" in failing(tmp_path, data)
    assert loaded(tmp_path, data, byte_order="big").matrix.tobytes() == ROWS.tobytes()


def test_a_word_without_end_is_a_limit(tmp_path: Path) -> None:
    """A binary file without a space is refused before it is held."""
    assert "a word of more than 64.0 KiB" in failing(
        tmp_path, b"9 4\n" + b"x" * (1 << 20), LimitError
    )


def test_a_fasttext_model_gives_words_and_subwords(tmp_path: Path) -> None:
    """Known words have their vectors, other words one made of their parts."""
    found = loaded(tmp_path, fasttext())
    assert found.words == list(WORDS)
    assert found.matrix.shape == MATRIX.shape
    assert found.subwords is not None
    vector = found.subwords.vector("banking")
    assert vector is not None
    assert vector.shape == (4,)
    assert np.isfinite(vector).all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"version": 99}, "fastText version 99; this reads"),
        ({"quantized": True}, "quantized"),
        ({"pruned": 1 << 62}, "quantized"),
        ({"dim": 0}, "dim is 0, expected at least 1"),
        ({"dim": -5}, "dim is -5"),
        ({"dim": 5}, "the header claims|the matrix claims"),
        ({"entry": 7}, "entry type 7"),
        ({"labels": 2}, "classifier (2 labels)"),
        ({"n_words": 2**31 - 1}, "the header claims 2147483647 words"),
        ({"n_words": -1}, "the dictionary claims"),
        ({"size": 5}, "the dictionary claims 5 entries"),
        ({"bucket": 2**31 - 1}, "2147483647 n-grams"),
        ({"bucket": -1}, "bucket is -1"),
        ({"maxn": 2**31 - 1}, "maxn is 2147483647"),
        ({"rows": 2 * 10**12}, "the matrix claims 2000000000000 × 4"),
        ({"rows": -1}, "the matrix claims -1"),
    ],
)
def test_every_field_of_a_fasttext_model_is_checked(
    tmp_path: Path, fields: dict[str, int], message: str
) -> None:
    """The field, its value and what fits are in the message."""
    said = failing(tmp_path, fasttext(**fields))  # type: ignore[arg-type]
    assert any(part in said for part in message.split("|")), said


def test_every_prefix_of_a_fasttext_model_is_refused(tmp_path: Path) -> None:
    """A model cut anywhere ends at once, also where only the matrix that is not used is missing."""
    data = fasttext(NAMES[:3], ROWS[:3], buckets=2)
    for length in range(len(data)):
        failing(tmp_path, data[:length])


def test_a_dictionary_without_end_is_a_limit(tmp_path: Path) -> None:
    """A word of 16 MiB is refused in no time."""
    data = fasttext(["x" * (16 << 20), *NAMES[1:]], ROWS)
    assert "a word of more than 64.0 KiB" in failing(tmp_path, data, LimitError)


_BYTES = st.one_of(
    st.binary(max_size=4), st.text("aé▁ \n\x7f\x1f", max_size=4).map(lambda text: text.encode())
)


@given(st.lists(_BYTES, max_size=5))
def test_odd_words_are_seen_among_all(words: list[bytes]) -> None:
    """A look at all words at once finds an odd one exactly where a look at each does."""
    assert some_are_odd(words) == any(map(is_odd, words))
