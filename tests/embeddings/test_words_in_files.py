"""Laws of words in files: what is written is read back, whatever the words; else it is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from attncli.embeddings.cache.building import build_store
from attncli.embeddings.exporting import export_store
from attncli.embeddings.inline import inline_store
from attncli.embeddings.readers.any_format import ReadOptions, open_reading
from attncli.embeddings.readers.loading import load
from attncli.embeddings.scanning import ScannedStore
from attncli.embeddings.store import FolderStore, MemoryStore
from attncli.errors import DataError, UsageError
from attncli.reading.lookup import find
from tests.vector_files import word2vec_binary

# No marks of subword vocabularies, under which words have other names.
letters = st.characters(exclude_characters="▁Ġ</", exclude_categories=("Cs",))
odd = [
    "windows 10",
    "windows 3.1",
    "catch 22",
    "10",
    "1 2",
    "new york",
    " lead",
    "trail ",
    "a  b",
    "\t",
]
odd += [
    "no\u00a0break",
    "\ufeffbom",
    "so\u00adft",
    "cafe\u0301",
    "\u09b9\u09df",
    "l’eau",
    "\x1b[1m",
    "a\rb",
]
odd += [
    "a\nb",
    "\x00",
    "x\x00",
    "0,5",
    "-1",
    "nan",
    "to nan",
    "\udcff",
    "\u2028",
    "bank",
    "money",
    "\r",
]
vocabularies = st.lists(
    st.one_of(st.text(letters, max_size=6), st.sampled_from(odd)),
    unique=True,
    min_size=1,
    max_size=9,
)


def written(words: list[str], path: Path) -> np.ndarray | None:
    """The matrix exported with the words, None when the format refuses a word."""
    values = np.random.default_rng(len(words)).normal(size=(len(words), 3)).astype(np.float32)
    try:
        export_store(MemoryStore("words", words, values), str(path))
    except DataError as error:
        fault = error
    else:
        return values
    assert "cannot hold the word" in fault.message
    return None


@pytest.mark.parametrize("suffix", ["txt", "vec", "bin", "npz", "safetensors"])
@given(words=vocabularies)
@example(words=odd)
@example(words=["bank", "windows 10", "catch 22"])
@example(words=["windows 10"])
@settings(max_examples=60)
def test_what_a_format_holds_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, words: list[str]
) -> None:
    """Words come back code point by code point, in order, with their values, on every road, or the
    format refuses them by name.
    """
    folder = tmp_path_factory.mktemp("words")
    path = folder / f"v.{suffix}"
    values = written(words, path)
    if values is None:
        assert suffix != "safetensors"
        return
    found = load(path)
    assert found.words == words
    assert found.matrix.tobytes() == values.tobytes()
    (folder / "store").mkdir()
    build_store(folder / "store", open_reading(path), str(path), facts={"name": "v"})
    scanned = ScannedStore("v", path, ReadOptions(), lambda kind, text: None)
    scanned.prefetch(words)
    for store in (FolderStore(folder / "store"), scanned):
        for row, word in enumerate(words):
            hit = find(store, word)  # type: ignore[arg-type]  # a store
            assert hit is not None
            assert hit[1:] == (word, "exact")
            assert store.vectors([hit[0]])[0].tobytes() == values[row].tobytes()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("3 3\nwindows 10 .1 .2 .3\nbank .4 .5 .6\nmoney 0 1 0\n", ["windows 10", "bank", "money"]),
        ("2 2\nwindows 3.1 1 0\nbank 0 1\n", ["windows 3.1", "bank"]),
        ("windows 10 .1 .2 .3\nbank .4 .5 .6\nmoney .7 .8 .9\n", ["windows 10", "bank", "money"]),
        ("windows 10 .1 .2\nwindows 95 .3 .4\nbank .5 .6\n", ["windows 10", "windows 95", "bank"]),
        ("windows 10 1 0\nbank 0 1\nmoney 1 1\n", ["windows 10", "bank", "money"]),
        ("10 .1 .2\n20 .3 .4\n", ["10", "20"]),
    ],
)
def test_a_phrase_may_end_in_a_number(tmp_path: Path, text: str, words: list[str]) -> None:
    """Where other lines say how many values there are, a number more belongs to the word."""
    path = tmp_path / "v.txt"
    path.write_text(text)
    assert load(path).words == words
    scanned = ScannedStore("v", path, ReadOptions(), lambda kind, text: None)
    assert all(scanned.has_word(word) for word in words)


@pytest.mark.parametrize(
    "text",
    [
        "2 2\nbank 1 0 1\nmoney 0 1 1\n",  # the header lies
        "2 3\nwindows 10 1 0 0\ncatch 22 0 1 0\n",  # nobody can tell
        "bank .1 .2\nmoney .3 .4\nriver .5 .6 .7\n",
        "bank .1 .2\nmoney .3 .4\nriver 1 2 3\n",
    ],
)
def test_a_value_too_many_is_no_phrase(tmp_path: Path, text: str) -> None:
    """A header that lies, and a line with one value more, are told."""
    path = tmp_path / "v.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=r"found [0-9] values"):
        load(path)


@pytest.mark.parametrize("header", ["", "3 3\n"])
@pytest.mark.parametrize("sep", [" ", "\t"])
def test_decimal_commas_are_understood(tmp_path: Path, header: str, sep: str) -> None:
    """Numbers with commas are those with points, on every road; words keep their commas."""
    lines = ["bank 0,4 -,5 6", "3,000 0,7 8e-1 ,9", "new york 1,25 2,5 3,75"]
    text = header + "".join(sep.join(line.rsplit(" ", 3)) + "\n" for line in lines)
    path = tmp_path / "v.txt"
    path.write_text(text)
    found = load(path)
    assert found.words == ["bank", "3,000", "new york"]
    expected = np.array([[0.4, -0.5, 6], [0.7, 0.8, 0.9], [1.25, 2.5, 3.75]], dtype=np.float32)
    assert found.matrix.tobytes() == expected.tobytes()
    scanned = ScannedStore("v", path, ReadOptions(), lambda kind, text: None)
    row = scanned.row("new york")
    assert row is not None
    assert scanned.vectors([row])[0].tolist() == [1.25, 2.5, 3.75]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bank 1,250 2,500\nmoney 3,750 1,000\n", "cannot tell whether commas are decimal"),
        ("bank 0,4 0,5\nmoney 0.7 0,8\n", "no number"),
        ("bank 0,4 0,5\n" * 30 + "money 0.7 0,8\n", "decimal commas and decimal points"),
        ("bank,0.4,0.5\nmoney,0.7,0.8\n", "parted by spaces or tabs"),
        ("bank 1,2,3 4,5,6\nmoney 1,2,3 4,5,6\n", "no number"),
    ],
)
def test_commas_that_may_mean_something_else_are_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    """Thousands, both marks, and lists are named, never read by chance."""
    path = tmp_path / "v.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        load(path)


@given(
    st.lists(
        st.sampled_from(
            [*"abcdefgh", "new york", "a b c", "windows 10", "no\u00a0break", "ß", "日本 語"]
        ),
        unique=True,
        min_size=1,
        max_size=9,
    ),
    st.integers(0, 99),
    st.booleans(),
)
@example(["windows 10"], 34, False)  # the first value begins with the byte of a line end
def test_words_with_spaces_in_binary_files_are_whole(
    tmp_path_factory: pytest.TempPathFactory, words: list[str], seed: int, newline: bool
) -> None:
    """gensim writes them; where a vector begins is told by the word that follows it."""
    values = np.random.default_rng(seed).normal(size=(len(words), 20)).astype(np.float32)
    path = tmp_path_factory.mktemp("binary") / "v.bin"
    path.write_bytes(word2vec_binary(words, values, newline=newline))
    found = load(path)
    assert found.words == words
    assert found.matrix.tobytes() == values.tobytes()
    assert found.warnings == []


@pytest.mark.parametrize(
    ("inline", "rows"),
    [
        ("money=0,5 1,2;bank=1 0", [[0.5, 1.2], [1, 0]]),
        ("money=1,0;bank=.8,.6", [[1, 0], [0.8, 0.6]]),
        ("money=1, 0;bank=0 , 1", [[1, 0], [0, 1]]),
        ("money=1,0 0.5;bank=1,1,1", [[1, 0, 0.5], [1, 1, 1]]),
        ("money=1,0,1 0;bank=1,0,1,1", [[1, 0, 1, 0], [1, 0, 1, 1]]),
    ],
)
def test_commas_by_hand_part_numbers_or_are_decimal(inline: str, rows: list[list[float]]) -> None:
    """Where numbers are parted by spaces a single comma in each is decimal."""
    assert inline_store(inline).matrix.tolist() == np.array(rows, dtype=np.float32).tolist()


@pytest.mark.parametrize("inline", ["money=0,5 1,2;bank=1,0", "money=1,000 2,500;bank=1,250 1,125"])
def test_commas_by_hand_that_may_mean_both_are_refused(inline: str) -> None:
    """Nobody can tell, so nobody guesses."""
    with pytest.raises(UsageError, match="decimal"):
        inline_store(inline)


def test_a_table_for_the_projector_holds_the_words_themselves(tmp_path: Path) -> None:
    """No escapes get into the words' file; what a line of it cannot hold is refused."""
    words = ["بنك\u200f", "ba\u00adnk", "C:\\new"]
    store = MemoryStore("words", words, np.eye(3, dtype=np.float32))
    _, names = export_store(store, str(tmp_path / "v.tsv"))
    assert names.read_text(encoding="utf-8").splitlines() == words
    broken = MemoryStore("words", ["a\tb"], np.eye(1, dtype=np.float32))
    with pytest.raises(DataError, match="cannot hold"):
        export_store(broken, str(tmp_path / "w.tsv"))


def test_export_and_import_by_command(command: Callable, tmp_path: Path) -> None:
    """A phrase that ends in a number goes out to text and comes back."""
    values = np.eye(2, dtype=np.float32)
    export_store(MemoryStore("v", ["bank", "windows 10"], values), str(tmp_path / "v.npz"))
    out = tmp_path / "v.vec"
    assert command("vectors", "export", str(tmp_path / "v.npz"), "-o", str(out)).code == 0
    assert command("vectors", "get", "windows 10", "--vectors", str(out)).text == (
        "windows 10 0.0 1.0\n"
    )


@given(vocabularies)
def test_words_by_hand_are_found_as_they_are_written(words: list[str]) -> None:
    """Any word without a semicolon, and blanks at its ends, can be written out with its vector."""
    named = [word for word in words if word.strip() == word != "" and ";" not in word]
    if named:
        store = inline_store(";".join(f"{word}={row},1" for row, word in enumerate(named)))
        assert [find(store, word) for word in named] == [
            (row, word, "exact") for row, word in enumerate(named)
        ]
