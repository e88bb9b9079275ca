"""The compiled loops: that they are there, that they can be missing, and that words are found."""

import os
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from conftest import child_environment
from hypothesis import given
from hypothesis import strategies as st
from ways import WAYS, taken

import attncli.arrays
from attncli.arrays.compiled import SWITCH, compiled
from attncli.arrays.compiling import SOURCE, compile_kernel, library_path
from attncli.arrays.word_table import WordTable
from attncli.reading import piece_numbers
from attncli.reading.piece_numbers import NEW, PieceNumbers

FOLDER = Path(attncli.arrays.__file__).parent
needs_compiler = pytest.mark.skipif(
    library_path(FOLDER) is None or not any(map(shutil.which, ("cc", "gcc", "clang"))),
    reason="no C compiler here, or not Linux",
)
_pieces = st.one_of(
    st.sampled_from(["", "a", "bank", "bank,", "é", "😀😀", "x" * 300]),
    st.text(st.characters(exclude_characters=" ", exclude_categories=["Cs"]), max_size=12),
)


@pytest.mark.parametrize("way", WAYS)
@given(lots=st.lists(st.lists(st.lists(_pieces, min_size=1, max_size=9), min_size=1), max_size=6))
def test_pieces_have_the_numbers_in_which_they_came(way: str, lots: list[list[list[str]]]) -> None:
    """Lot after lot, those that were met are found, and the others named where they stand."""
    with taken(way), pytest.MonkeyPatch.context() as patch:
        patch.setattr(piece_numbers, "_MANY", 4)
        numbers, plain = PieceNumbers([""]), {"": 0}
        for lot in lots:
            pieces = [piece for text in lot for piece in text]
            found = numbers.found([" ".join(text) for text in lot], len(pieces))
            assert found.numbers.tolist() == [plain.get(piece, NEW) for piece in pieces]
            assert found.texts == [piece for piece in pieces if piece not in plain]
            assert [pieces[i] for i in found.new] == found.texts
            new = list(dict.fromkeys(found.texts))
            numbers.add(new)
            plain |= {piece: len(plain) + i for i, piece in enumerate(new)}
            assert list(numbers) == list(plain)


@pytest.mark.parametrize("way", WAYS)
def test_many_pieces_are_found(way: str) -> None:
    """More than the table has room for at first, added at once and one by one."""
    pieces = [f"{i * i:x}" for i in range(20_000)]
    with taken(way):
        numbers = PieceNumbers(pieces[:9000])
        for begin, end in pairwise(range(9000, 20_001, 100)):
            numbers.add(pieces[begin:end])
        found = numbers.found(pieces[::-1], len(pieces))
    assert np.array_equal(found.numbers, np.arange(len(pieces))[::-1])


def test_a_wrong_count_of_words_writes_nothing_behind_the_room() -> None:
    """What is not as the caller says is refused."""
    if (kernel := compiled()) is None:
        pytest.skip("kernel.c was not compiled here")
    table = WordTable(kernel)
    table.add([b"a"])
    with pytest.raises(ValueError, match="3 words, expected 2"):
        table.find(b"a b c", 2)


@needs_compiler
def test_what_a_build_compiles_is_loaded(tmp_path: Path) -> None:
    """By the package beside it, unless the user wants none."""
    package = shutil.copytree(FOLDER.parent, tmp_path / "attncli")
    assert compile_kernel(package / "arrays") is not None
    line = [sys.executable, "-c", "import attncli.arrays.compiled as c; print(c.compiled())"]
    for said, expected in ((None, "<attncli"), ("1", "None")):
        env = child_environment(**{"PYTHONPATH": str(tmp_path), SWITCH: said})
        done = subprocess.run(line, env=env, cwd=tmp_path, check=True, capture_output=True)
        assert done.stdout.decode().startswith(expected)


@needs_compiler
def test_a_library_is_made_once_for_its_source(tmp_path: Path) -> None:
    """It has the name of its source, and another source has another one."""
    shutil.copy(FOLDER / SOURCE, tmp_path)
    library = compile_kernel(tmp_path)
    assert library is not None
    assert library == library_path(tmp_path)
    before = library.stat()
    assert compile_kernel(tmp_path) == library
    assert library.stat().st_mtime_ns == before.st_mtime_ns
    with (tmp_path / SOURCE).open("a") as source:
        source.write("/* another */\n")
    assert library_path(tmp_path) != library


@pytest.mark.parametrize("compiler", ["no-such-compiler", "false", "true"])
def test_without_a_compiler_nothing_is_made(
    compiler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is not there, one that fails, one that makes nothing."""
    shutil.copy(FOLDER / SOURCE, tmp_path)
    monkeypatch.setenv("CC", compiler)
    assert compile_kernel(tmp_path) is None
    assert os.listdir(tmp_path) == [SOURCE]


@pytest.mark.skipif(library_path(FOLDER) is None, reason="not Linux")
@pytest.mark.parametrize("content", [b"", b"not a library", b"\x7fELF" + bytes(100)])
def test_a_library_that_cannot_be_loaded_is_passed_over(content: bytes, tmp_path: Path) -> None:
    """As one made for another C library or processor is; the answer is the same without it."""
    package = shutil.copytree(FOLDER.parent, tmp_path / "attncli")
    library = library_path(package / "arrays")
    assert library is not None
    library.write_bytes(content)
    code = "import attncli.arrays.compiled as c; print(c.compiled(), c.__file__)"
    env = child_environment(PYTHONPATH=str(tmp_path))
    line = [sys.executable, "-c", code]
    said = subprocess.run(line, env=env, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert said.stdout.startswith(f"None {tmp_path}")


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--top", "3", "--exclude", "contextual,tokens"),
        ("--exclude", "weights,contextual"),
        ("--model", "idioms", "--precision", "4"),
        ("--include", "scores,measures", "--oov", "skip"),
        ("--precision", "full"),
    ],
    ids=" ".join,
)
def test_a_batch_is_the_same_bytes_both_ways(options: tuple[str, ...], tmp_path: Path) -> None:
    """Sentences of every length, words that no vector has, lines that fail, letters of every size."""
    if compiled() is None:
        pytest.skip("kernel.c was not compiled here")
    rng = np.random.default_rng(5)
    words = ["money", "bank", "grows", "Zürich", "日本語", "e-mail", "qwzx", "don't", "😀", "cake,"]
    lines = [" ".join(rng.choice(words, size)) for size in rng.integers(1, 40, 300).tolist()]
    lines[9] = " , ; "
    source = tmp_path / "lines.txt"
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    written = []
    for way, said in (("compiled", None), ("pure", "1")):
        target = tmp_path / f"{way}.jsonl"
        line = [sys.executable, "-m", "attncli", "batch", str(source), "-o", str(target), "-q"]
        done = subprocess.run(
            [*line, *options], env=child_environment(**{SWITCH: said}), capture_output=True
        )
        assert done.returncode == 3, done.stderr.decode()  # a line without a word
        written.append(target.read_bytes())
    assert written[0] == written[1]
    assert written[0].count(b"\n") == len(lines)
