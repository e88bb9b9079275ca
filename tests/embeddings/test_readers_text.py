"""Vectors as text: what is read is what was written, and what cannot be read is said by line."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vector_files import DIM, MATRIX, WORDS, text, written

from attncli.embeddings.readers.any_format import ReadOptions
from attncli.embeddings.readers.loading import Loaded, load
from attncli.errors import AttnError, DataError, LimitError
from attncli.files.limits import Limits

FOUR = b"the 0.1 0.2 0.3 0.4\ncat 1 2 3 4\nsat -1 -2 -3 -4\n"


def loaded(tmp_path: Path, data: bytes, **options: object) -> Loaded:
    """What is read from a file with these bytes."""
    return load(written(tmp_path, "g.txt", data), ReadOptions(**options))  # type: ignore[arg-type]


def failing(tmp_path: Path, data: bytes, kind: type[AttnError] = DataError) -> str:
    """The message of the error that these bytes give."""
    with pytest.raises(kind) as caught:
        loaded(tmp_path, data)
    return str(caught.value).removeprefix(f"{tmp_path}/")


def rows() -> st.SearchStrategy[np.ndarray]:
    """Matrices."""
    value = st.floats(width=32, allow_nan=False, allow_infinity=False)
    return st.integers(2, 6).flatmap(
        lambda dim: st.lists(
            st.lists(value, min_size=dim, max_size=dim), min_size=1, max_size=8
        ).map(lambda matrix: np.array(matrix, dtype=np.float32))
    )


def words() -> st.SearchStrategy[str]:
    """Words without digits, as a file's numbers must not look like words."""
    letters = st.characters(exclude_characters="\n\r\t ", exclude_categories=("Cs", "Nd"))
    return st.text(letters, min_size=1, max_size=8)


@settings(max_examples=60)
@given(matrix=rows(), names=st.lists(words(), min_size=8, max_size=8, unique=True), data=st.data())
def test_text_reads_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory,
    matrix: np.ndarray,
    names: list[str],
    data: st.DataObject,
) -> None:
    """Words and float32 values survive with and without header, with LF or CR LF, spaces or tabs."""
    header = data.draw(st.booleans())
    end = data.draw(st.sampled_from(["\n", "\r\n", " \n"]))
    sep = data.draw(st.sampled_from([" ", "\t", "  "]))
    names = [f"w{name}" for name in names[: len(matrix)]]
    raw = text(names, matrix, header=header, end=end, sep=sep)
    path = written(tmp_path_factory.mktemp("text"), "v.txt", raw)
    found = load(path)
    assert names == found.words
    assert matrix.tobytes() == found.matrix.tobytes()


@pytest.mark.parametrize("header", [False, True])
def test_a_word_may_hold_spaces(tmp_path: Path, header: bool) -> None:
    """The numbers are taken from the right; the word is the rest."""
    found = loaded(tmp_path, text(header=header))
    assert list(WORDS) == found.words
    assert MATRIX.tobytes() == found.matrix.tobytes()
    assert found.format == ("word2vec text" if header else "glove text")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"bad 0.1 0.2 0.3", "found 3 values, expected 4"),
        (b"bad 0.1 0.2 0.3 0.4 0.5", "found 5 values, expected 4"),
        (b"bad 0.5", "found 1 value, expected 4"),
        (b"bad", "found 0 values, expected 4"),
        (b"bad 0,1 0.2 0.3 0.4", '"0,1" is no number (a decimal comma?)'),
        (b"bad 1_0 0.2 0.3 0.4", '"1_0" is no number'),
        ("bad １ 0.2 0.3 0.4".encode(), '"１" is no number'),
        (b"bad 0x1 0.2 0.3 0.4", '"0x1" is no number'),
        (b"bad text 0.2 0.3 0.4", '"text" is no number'),
        (b"bad nan 0.2 0.3 0.4", '"bad": value 1 is not finite'),
        (b"bad 0.1 -inf 0.3 0.4", '"bad": value 2 is not finite'),
        (b"bad 0.1 0.2 1e39 0.4", '"bad": value 3 is not finite'),
        (b"bad 0.1 0.2 0.3 1e999", '"bad": value 4 is not finite'),
        (b"bad 0." + b"1" * 100_000 + b" 1 1 1", '" (100002 characters) is no number'),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: bytes, message: str) -> None:
    """The message has the file, the line, what was found and what was expected."""
    said = failing(tmp_path, FOUR + line + b"\nend 1 2 3 4\n")
    assert said.startswith("g.txt:4: ")
    assert said.endswith(message)
    assert len(said) < 120


@pytest.mark.parametrize("line", [b"bad 0.5", b"bad nan 0.2 0.3 0.4", b"bad"])
def test_bad_lines_can_be_left_out_and_are_counted(tmp_path: Path, line: bytes) -> None:
    """What is dropped is said."""
    found = loaded(tmp_path, FOUR + line + b"\nend 1 2 3 4\n", skip_bad=True)
    assert found.words == ["the", "cat", "sat", "end"]
    assert any("left out" in warning and ":4" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            b"999999999999 300",
            "w.txt:1: the header claims 999999999999 words of 300 values (1091.4 TiB)",
        ),
        (b"2000000000 1", "the header claims 2000000000 words"),
        (b"9223372036854775808 4", "the header claims"),
        (b"3 2000000000", "the header claims 3 words of 2000000000 values"),
        (b"4294967296 4294967296", "the header claims"),
        (b"1" * 100_000 + b" 4", "no header: a line of 100002 characters"),
        (b"-3 4", 'the header must be two counts, found "-3 4"'),
        (b"0 4", "the header claims 0 words of 4 values"),
        (b"ten four", 'the header must be two counts, found "ten four"'),
        (b"3 4 5", 'the header must be two counts, found "3 4 5"'),
        (b"1_0 4", 'the header must be two counts, found "1_0 4"'),
        ("٣ 4".encode(), "the header must be two counts"),
        (b"3 3", "w.txt:2: found 4 values, the header says 3"),
        (b"3 5", "w.txt:2: found 4 values, the header says 5"),
    ],
)
def test_a_header_that_lies_is_named(tmp_path: Path, header: bytes, message: str) -> None:
    """A header decides nothing before the bytes are there."""
    with pytest.raises(DataError) as caught:
        load(written(tmp_path, "w.txt", header + b"\n" + FOUR))
    assert message in str(caught.value)


@pytest.mark.parametrize("claimed", [2, 4])
def test_a_header_off_by_one_loads_all_and_says_so(tmp_path: Path, claimed: int) -> None:
    """Published files have headers that are off by one: nothing is dropped."""
    found = loaded(tmp_path, f"{claimed} 4\n".encode() + FOUR)
    assert found.words == ["the", "cat", "sat"]
    assert any(f"says {claimed} words, the file has 3" in warning for warning in found.warnings)


def test_a_file_cut_at_a_line_is_not_taken_for_whole(tmp_path: Path) -> None:
    """When the header promises more than one word more, the file is cut off."""
    lines = text(header=True).split(b"\n")
    assert "cut off" in failing(tmp_path, b"\n".join(lines[:6]) + b"\n")


def test_no_final_line_end_is_said(tmp_path: Path) -> None:
    """A file cut inside its last number cannot be told from a whole one, but is suspicious."""
    found = loaded(tmp_path, FOUR[:-1])
    assert found.matrix.shape == (3, DIM)
    assert "no line end" in found.warnings[0]


@pytest.mark.parametrize("bom", [b"\xef\xbb\xbf", b"\xef\xbb\xbf3 4\n"])
def test_a_byte_order_mark_is_no_part_of_a_word(tmp_path: Path, bom: bytes) -> None:
    """The first word is found in files that begin with a byte order mark."""
    assert loaded(tmp_path, bom + FOUR).words == ["the", "cat", "sat"]


def test_a_repeated_word_keeps_its_first_vector(tmp_path: Path) -> None:
    """Duplicates are counted, and the first is used."""
    found = loaded(tmp_path, FOUR + b"cat 9 9 9 9\n")
    assert found.words == ["the", "cat", "sat"]
    assert found.matrix[1].tolist() == [1, 2, 3, 4]
    assert '1 word occurs again, "cat"; the first is used' in found.warnings[0]


def test_words_that_are_not_utf8_are_kept_and_said(tmp_path: Path) -> None:
    """A Latin-1 word does not stop a file, and an encoding can be given."""
    data = FOUR + b"caf\xe9 1 1 1 1\n"
    found = loaded(tmp_path, data)
    assert found.words[-1] == "caf\udce9"
    assert "1 word not in UTF-8" in found.warnings[0]
    assert loaded(tmp_path, data, encoding="latin-1").words[-1] == "café"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"\n", "no vectors found"),
        (b"   \n  ", "no vectors found"),
        (b"\0" * 100, "no vectors found"),
        (b"\xff" * 100, "cannot tell the format"),
        (b"just some prose\nof two lines\n", "cannot tell the format"),
        (b"a,0.1,0.2\nb,0.2,0.3\n", "parted by spaces or tabs"),
        (b"10 4\n", "no vectors after the header"),
        (b"the 1 2\rcat 3 4\rsat 5 6\r", "old Mac line ends"),
        ("the 1 2\ncat 3 4\n".encode("utf-16"), "this is UTF-16 text"),
        ("the 1 2\ncat 3 4\n".encode("utf-16-le"), "this is UTF-16 text"),
        ("the 1 2\ncat 3 4\n".encode("utf-32"), "this is UTF-32 text"),
    ],
)
def test_a_file_without_vectors_says_what_it_is(tmp_path: Path, data: bytes, message: str) -> None:
    """Nothing is guessed into vectors."""
    assert message in failing(tmp_path, data)


def test_a_line_without_end_is_refused_early(tmp_path: Path) -> None:
    """A line longer than the limit ends the reading, whatever comes."""
    said = failing(tmp_path, FOUR + b"x" * (5 << 20), LimitError)
    assert said == "g.txt:4: a line of more than 4.0 MiB"


def test_a_vector_wider_than_the_limit_is_refused(tmp_path: Path) -> None:
    """Two million values in one line are a limit, not a crash."""
    assert "the limit is 65536" in failing(tmp_path, b"the" + b" 1" * 1_000_000 + b"\n", LimitError)


def test_large_files_are_read_in_blocks_that_join_without_a_seam(tmp_path: Path) -> None:
    """Lines that lie across the borders of blocks are whole, in order, with their numbers."""
    matrix = np.random.default_rng(1).normal(size=(30_000, 5)).astype(np.float32)
    names = [f"w{i}" if i % 1000 else f"two words {i}x" for i in range(len(matrix))]
    found = loaded(tmp_path, text(names, matrix))
    assert names == found.words
    assert matrix.tobytes() == found.matrix.tobytes()
    broken = text(names, matrix) + b"bad 1 2\n"
    assert failing(tmp_path, broken).startswith("g.txt:30001: found 2 values")


def test_blank_lines_are_skipped_up_to_a_limit(tmp_path: Path) -> None:
    """A few blank lines are harmless; endless ones are not vectors."""
    found = loaded(tmp_path, FOUR + b"\n\n" + b"end 1 2 3 4\n")
    assert found.words[-1] == "end"
    assert "2 blank lines" in found.warnings[0]
    assert "blank lines" in failing(tmp_path, FOUR + b"\n" * 2000)


def test_limits_can_be_set(tmp_path: Path) -> None:
    """A caller may allow less."""
    with pytest.raises(LimitError):
        loaded(tmp_path, FOUR, limits=Limits(dim=3))


@pytest.mark.parametrize("length", range(len(FOUR)))
def test_every_prefix_of_a_file_ends_clean(tmp_path: Path, length: int) -> None:
    """A cut file is refused, or it is said that its last line has no end, or it ends at a line."""
    try:
        found = loaded(tmp_path, FOUR[:length])
    except AttnError:
        return
    assert FOUR[:length].endswith(b"\n") or found.warnings
