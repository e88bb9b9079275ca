"""What another version wrote into one's own cache, with right checksums, is made again."""

import itertools
import shutil
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

if not sys.platform.startswith("linux"):
    pytest.skip("runs many commands in one process as Linux can", allow_module_level=True)
from faults.running import ended

from attncli.embeddings.cache.building import write_array, write_words
from attncli.embeddings.cache.checked import read_facts, write_facts

LINES = (
    ("explain", "money bank", "--vectors", "v.txt"),
    ("vectors", "get", "bank", "--vectors", "mine"),
    ("vectors", "similar", "bank", "--vectors", "mine"),
    ("vectors", "info", "mine"),
    ("vectors", "export", "mine", "-o", "o.bin"),
    ("vectors", "list"),
    ("vectors", "import", "v.txt", "--name", "mine"),
)
FACTS = ("format", "name", "words", "dim", "sha256", "sums", "source", "source_format", "repeated")
FACTS = (*FACTS, "naming", "warnings", "subwords", "file_sha256")
VALUES = (None, "", "x", [], [None], {}, {"a": []}, -1, 0, 1, 7, 10**40, 1e308, True)
NAMED = ("path", "format", "encoding", "byte_order", "skip_bad", "selection", "limits", "fetched")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of vectors, and the cache in which it is imported under a name."""
    folder = tmp_path_factory.mktemp("files")
    lines = (f"{word} {row}.5 {-row} .25\n" for row, word in enumerate(["money", "bank", "the"]))
    (folder / "v.txt").write_text("".join(lines), "utf-8")
    assert next(ended([(LINES[-1], folder)]))[0] == 0
    return folder


@pytest.fixture
def copy(files: Path, tmp_path: Path) -> Callable:
    """Makes a copy of the files whose key in the cache stays: the file itself is a link."""
    numbers = itertools.count()

    def copied() -> tuple[Path, Path]:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        shutil.copytree(files / "cache", folder / "cache")
        (folder / "v.txt").symlink_to(files / "v.txt")
        (entry,) = (folder / "cache" / "vectors").glob("v2-*")
        return folder, entry

    return copied


def test_facts_of_another_version_are_made_again_by_every_command(copy: Callable) -> None:
    """Each fact with values of each kind; all commands take turns."""
    runs = []
    for number, (value, fact) in enumerate(itertools.product(VALUES, FACTS)):
        folder, entry = copy()
        facts = read_facts(entry / "meta.json")
        write_facts(entry / "meta.json", {**facts, fact: value})
        runs.append((LINES[number % len(LINES)], folder))
    assert [pair for pair in ended(runs) if pair[0] != 0] == []


def test_a_name_of_another_version_is_one_or_none(copy: Callable) -> None:
    """What is said of its file is believed only when it can be."""
    runs = []
    for number, (value, fact) in enumerate(itertools.product(VALUES, NAMED)):
        folder, entry = copy()
        path = entry.parent / "names" / "mine.json"
        facts = read_facts(path)
        facts["source"][fact] = value
        write_facts(path, facts)
        runs.append((LINES[number % len(LINES)], folder))
    assert {code for code, _ in ended(runs)} <= {0, 2, 5, 6}


def test_words_of_another_version_are_made_again_by_every_command(copy: Callable) -> None:
    """Rows and words that are not there, and the words of other vectors, under right checksums."""
    runs = []
    for line, name in itertools.product(LINES, ("rows.npy", "ids.npy", "words.marisa")):
        folder, entry = copy()
        if name == "words.marisa":
            write_words(entry, [b"a", b"b", b"c", b"d"])
        else:
            write_array(entry / name, np.array([7, 1 << 31, 0], dtype="<u4"))
        facts = read_facts(entry / "meta.json")
        for summed in facts["sums"]:
            facts["sums"][summed] = zlib.crc32((entry / summed).read_bytes())
        write_facts(entry / "meta.json", facts)
        runs.append((line, folder))
    assert [pair for pair in ended(runs) if pair[0] != 0] == []
