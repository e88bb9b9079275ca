"""Laws of what lies on disk beside the vectors: facts of other versions, names, races, odd values."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plain_lookup import look_up

from attncli.embeddings.cache.checked import read_facts, write_facts
from attncli.embeddings.cache.entries import Cache
from attncli.embeddings.named_stores import convert, open_word_vectors, stored
from attncli.embeddings.readers.any_format import ReadOptions
from attncli.embeddings.readers.loading import load
from attncli.embeddings.readers.ngrams import NgramSubwords, word_vectors
from attncli.embeddings.source import VectorsSource
from attncli.embeddings.store import MemoryStore
from attncli.errors import AttnError, DataError
from attncli.files.access import DEFAULT_ACCESS
from attncli.reading.neighbors import analogous_words, similar_words
from tests.vector_files import MATRIX, WORDS, text

OTHER = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
FACTS = ["name", "words", "dim", "sha256", "format", "sums", "source", "repeated", "naming"]
FACTS += ["source_format", "file_sha256", "subwords", "warnings"]


@pytest.fixture
def entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A file of vectors, and the facts of its entry in the cache, imported as "mine"."""
    monkeypatch.setenv("ATTN_CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / "v.txt"
    path.write_bytes(text())
    source = VectorsSource(str(path))
    key = source.key()
    assert key is not None
    convert(Cache(), key, source, DEFAULT_ACCESS)
    Cache().name_entry("mine", key, source)
    return path, tmp_path / "cache" / "vectors" / f"v2-{key}" / "meta.json"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.sampled_from(FACTS), OTHER, st.booleans())
def test_facts_of_another_version_are_made_again(
    entry: tuple[Path, Path], fact: str, value: object, gone: bool
) -> None:
    """Whatever facts with a right checksum say, the vectors are those of the file."""
    path, meta = entry
    older = meta.read_bytes()
    facts = read_facts(meta)
    facts.pop(fact, None) if gone else facts.update({fact: value})
    write_facts(meta, facts)
    try:
        for name in ("mine", str(path)):
            found = look_up(open_word_vectors(name), list(WORDS)).vectors
            assert found.tobytes() == MATRIX.tobytes()
        for listed in Cache().entries():
            assert isinstance(listed.meta["words"], int)
    finally:
        if meta.parent.is_dir():
            meta.write_bytes(older)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    st.sampled_from(
        ["path", "format", "encoding", "skip_bad", "selection", "limits", "fetched", "x"]
    ),
    OTHER,
)
def test_a_name_of_another_version_ends_clean(
    entry: tuple[Path, Path], field: str, value: object
) -> None:
    """What a name's facts say of its file is right, or there is none."""
    path, _ = entry
    named = path.parent / "cache" / "vectors" / "names" / "mine.json"
    older = named.read_bytes()
    facts = read_facts(named)
    facts["source"][field] = value
    write_facts(named, facts)
    try:
        source = Cache().source_named("mine")
        assert source is None or source.key() is None or isinstance(source.key(), str)
    finally:
        named.write_bytes(older)


@pytest.mark.parametrize("variable", ["GENSIM_DATA_DIR", "ATTN_CACHE_DIR", "HOME"])
@pytest.mark.parametrize("value", ["/tmp/" + "x" * 300, "~", "/dev/null/x", "a\nb"])
def test_folders_that_cannot_be_are_empty(
    command: Callable, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """A name too long, no home, a file for a folder: nothing is listed, and the words are found."""
    monkeypatch.setenv(variable, value)
    assert command("vectors", "list").code == 0
    assert command("vectors", "get", "bank").code == 0
    assert command("vectors", "get", "bank", "--vectors", "nosuch").code == 2


@pytest.mark.parametrize("name", ["x" * 300, "x" * 5000, "a/" + "y" * 300, "a:b" * 200])
@pytest.mark.parametrize("verb", ["get", "info", "import", "export", "similar"])
def test_names_too_long_are_no_input(
    command: Callable, verb: str, name: str, tmp_path: Path
) -> None:
    """Every command says of such a name that there is no such file."""
    arguments = {
        "get": ["get", "bank", "--vectors", name],
        "similar": ["similar", "bank", "--vectors", name],
        "export": ["export", name, "-o", str(tmp_path / "out.txt")],
    }.get(verb, [verb, name])
    assert command("vectors", *arguments).code in (2, 6)


def test_a_name_given_while_another_goes(entry: tuple[Path, Path]) -> None:
    """Naming and removing at once end clean, as if one had come after the other."""
    path, _ = entry
    source = VectorsSource(str(path))
    key = source.key()
    assert key is not None
    faults: list[BaseException] = []

    def again(work: Callable[[], Any]) -> None:
        try:
            for _ in range(40):
                work()
        except BaseException as fault:
            faults.append(fault)

    def name() -> None:
        convert(Cache(), key, source, DEFAULT_ACCESS)
        Cache().name_entry("mine", key, source)

    works = (name, lambda: Cache().forget("mine"), lambda: list(Cache().entries()))
    threads = [threading.Thread(target=again, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    name()
    assert stored("mine") is not None


# values near the end of float32

HUGE = np.float32(3e38)


@pytest.mark.filterwarnings("error")
def test_vectors_near_the_end_of_float32_have_cosines() -> None:
    """Sums and squares that float32 cannot hold give the right means and cosines, without a word."""
    matrix = np.array([[1, 0], [HUGE, HUGE], [0, HUGE], [HUGE, 0]], dtype=np.float32)
    store = MemoryStore("huge", ["one", "both", "up", "right"], matrix)
    found = dict(similar_words(store, "both"))
    assert found == pytest.approx({"one": 0.5**0.5, "up": 0.5**0.5, "right": 0.5**0.5}, abs=1e-6)
    assert [word for word, _ in analogous_words(store, "one", "both", "up", 1)] == ["right"]
    subwords = NgramSubwords(np.full((7, 2), HUGE), 3, 6)
    vector = subwords.vector("banking")
    assert vector is not None
    assert vector.tolist() == [HUGE, HUGE]
    own = np.array([[HUGE, 1], [1, 1]], dtype=np.float32)
    found_vectors = word_vectors([b"banking", b"a"], own, subwords)
    assert np.isfinite(found_vectors).all()
    assert found_vectors[0, 0] == HUGE


@pytest.mark.parametrize("byte", range(4))
def test_a_wrong_magic_is_no_number_of_values(tmp_path: Path, byte: int) -> None:
    """What is no fastText model is not taken for one of two thousand million values."""
    head = bytearray(b"\xba\x16\x4f\x2f\x0c\0\0\0" + b"\x04\0\0\0" * 12 + bytes(200))
    head[byte] ^= 0x40
    path = tmp_path / "m.bin"
    path.write_bytes(head)
    for chosen in (None, "fasttext"):
        with pytest.raises(AttnError) as caught:
            load(path, ReadOptions(format=chosen))
        assert isinstance(caught.value, DataError)
        assert not any("--max-dim" in hint for hint in caught.value.hints)
