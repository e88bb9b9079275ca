"""The cache of converted vectors: never wrong, never half, safe with many at once."""

import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import child_environment
from vector_files import MATRIX, WORDS, fasttext, text, written
from vector_loads import is_right

from attncli.embeddings import named_stores as sources
from attncli.embeddings.cache.entries import Cache, CacheUnusable
from attncli.embeddings.named_stores import convert, open_word_vectors
from attncli.embeddings.source import VectorsSource
from attncli.embeddings.store import FolderStore, content_hash
from attncli.errors import AttnError, DataError
from attncli.files.access import Access


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache; every file is large enough to be converted."""
    monkeypatch.setenv("ATTN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(sources, "_SMALL", 0)
    return Cache()


@pytest.fixture
def file(tmp_path):
    """A file of vectors."""
    return written(tmp_path, "g.txt", text())


def test_a_file_is_converted_once(cache, file, monkeypatch):
    """The second opening reads the entry, not the file."""
    assert is_right(open_word_vectors(file))
    monkeypatch.setattr(sources, "convert", None)
    store = open_word_vectors(file)
    assert isinstance(store, FolderStore)
    assert is_right(store)
    assert store.sha256 == content_hash(WORDS, MATRIX)
    assert store.name == "g.txt"


def test_subwords_come_out_of_the_cache_as_they_went_in(cache, tmp_path):
    """An imported fastText model makes the same vectors of unknown words."""
    path = written(tmp_path, "m.bin", fasttext())
    fresh = open_word_vectors(path, access=Access(cached=False))
    kept = open_word_vectors(path)
    assert isinstance(kept, FolderStore)
    for word in ("banking", "ünïcödé", "bank"):
        assert kept.subwords.vector(word).tobytes() == fresh.subwords.vector(word).tobytes()


@pytest.mark.parametrize("keep_times", [False, True])
def test_a_changed_file_is_converted_again(cache, file, keep_times):
    """Also when its size and its times are made to look the same."""
    open_word_vectors(file)
    state = file.stat()
    time.sleep(0.01)
    file.write_bytes(text().replace(b"money", b"honey"))
    if keep_times:
        os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert open_word_vectors(file).row("honey") == WORDS.index("money")
    assert open_word_vectors(file).row("money") is None


def test_without_the_cache_nothing_is_read_or_written(cache, file):
    """--no-cache leaves no trace, and trusts none."""
    assert is_right(open_word_vectors(file, access=Access(cached=False)))
    assert not cache.root.exists()


def test_every_changed_byte_is_noticed(cache, file):
    """Whatever byte of an entry changes, the vectors are right: made again, or refused."""
    open_word_vectors(file)
    (entry,) = cache.entries()
    for path in sorted(entry.folder.iterdir()):
        data = path.read_bytes()
        step = max(1, len(data) // 60)
        for place in range(0, len(data), step):
            damaged = bytearray(data)
            damaged[place] ^= 1 << (place % 8)
            path.write_bytes(bytes(damaged))
            assert is_right(open_word_vectors(file)), (path.name, place)
            path = cache.root / entry.folder.name / path.name  # made again under the same name
            path.write_bytes(data)


def test_every_cut_is_noticed(cache, file):
    """A file of an entry that is cut, emptied or gone makes the entry anew."""
    open_word_vectors(file)
    (entry,) = cache.entries()
    for name in sorted(path.name for path in entry.folder.iterdir()):
        path = entry.folder / name
        data = path.read_bytes()
        for length in {0, 1, len(data) // 2, len(data) - 1}:
            path.write_bytes(data[:length])
            assert is_right(open_word_vectors(file)), (name, length)
        path.unlink()
        assert is_right(open_word_vectors(file)), name


def test_an_imported_name_is_made_again_or_refused(cache, file):
    """Damage behind a name is repaired from its file, and said when the file is gone."""
    source = VectorsSource(str(file))
    convert(cache, source.key(), source, Access())
    cache.name_entry("mine", source.key(), source)
    (entry,) = cache.entries()
    assert entry.names == ("mine",)
    (entry.folder / "meta.json").write_bytes(b"{}")
    assert is_right(open_word_vectors("mine"))
    assert open_word_vectors("mine").name == "mine"
    (entry.folder / "meta.json").write_bytes(b"{}")
    file.unlink()
    with pytest.raises(DataError, match="damaged"):
        open_word_vectors("mine")
    assert cache.forget("mine")
    assert list(cache.entries()) == []
    assert not cache.forget("mine")


def test_a_source_that_changes_while_it_is_read_is_refused(cache, file, monkeypatch):
    """The entry would be of a file that never was."""
    source = VectorsSource(str(file))
    with pytest.raises(DataError, match="changed while it was read"):
        convert(cache, "0" * 32, source, Access())
    assert list(cache.entries()) == []
    assert not list(cache.root.glob("tmp-*"))


def test_a_failed_conversion_leaves_nothing(cache, tmp_path):
    """Neither an entry nor a temporary folder stays behind."""
    path = written(tmp_path, "bad.txt", text() + b"bad 1 2\n")
    with pytest.raises(AttnError):
        open_word_vectors(path)
    assert [p for p in cache.root.iterdir() if p.name != "names"] == []


def test_what_a_killed_process_left_is_swept(cache, file):
    """The next conversion removes the work of processes that died."""
    cache.root.mkdir(parents=True)
    left = cache.root / f"tmp-{'a' * 32}-xyz"
    left.mkdir()
    (left / "vectors.npy").write_bytes(b"half")
    (cache.root / f"{'b' * 32}.lock").touch()  # of an entry that was replaced
    open_word_vectors(file)
    assert not list(cache.root.glob("tmp-*"))
    assert not list(cache.root.glob("*.lock"))


def test_entries_that_others_could_write_are_not_used(cache, file):
    """An entry planted by, or open to, another user is made again in its place."""
    open_word_vectors(file)
    (entry,) = cache.entries()
    entry.folder.chmod(0o777)
    assert cache.open(entry.key) is None
    assert is_right(open_word_vectors(file))
    (entry,) = cache.entries()
    assert entry.folder.stat().st_mode & 0o022 == 0
    moved = cache.root / "elsewhere"
    entry.folder.rename(moved)
    entry.folder.symlink_to(moved)
    assert cache.open(entry.key) is None


def test_a_cache_that_cannot_be_written_is_done_without(cache, file, tmp_path, monkeypatch):
    """The vectors are read into memory, and one warning says why."""
    blocker = written(tmp_path, "blocker", b"")
    monkeypatch.setenv("ATTN_CACHE_DIR", str(blocker))
    said = []
    store = open_word_vectors(file, access=Access(say=lambda kind, text: said.append((kind, text))))
    assert store.vectors([0]).tobytes() == MATRIX[:1].tobytes()
    assert [kind for kind, _ in said] == ["warning"]
    with pytest.raises(CacheUnusable):
        Cache().make("0" * 32, lambda folder: None)


def test_many_processes_at_once_make_one_entry(cache, tmp_path):
    """Eight processes on a cold cache: all right, one entry, nothing left over."""
    matrix = np.random.default_rng(2).normal(size=(3000, 20)).astype(np.float32)
    path = written(tmp_path, "many.txt", text([f"w{i}" for i in range(3000)], matrix))
    script = f"""
from attncli.embeddings import named_stores as sources
sources._SMALL = 0
store = sources.open_word_vectors({str(path)!r})
print(store.sha256, store.row("w2999"))
"""
    environment = {**child_environment(), "ATTN_CACHE_DIR": os.environ["ATTN_CACHE_DIR"]}
    running = [
        subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE)
        for _ in range(8)
    ]
    answers = {process.communicate()[0] for process in running}
    assert len(answers) == 1
    assert answers.pop().split()[1] == b"2999"
    assert len(list(cache.entries())) == 1
    assert {path.name[:3] for path in cache.root.iterdir()} == {"v2-"}


def test_a_process_killed_while_it_converts_does_no_harm(cache, tmp_path):
    """The next one converts again and sweeps what was left."""
    matrix = np.random.default_rng(2).normal(size=(20_000, 30)).astype(np.float32)
    path = written(tmp_path, "many.txt", text([f"w{i}" for i in range(20_000)], matrix))
    script = f"from attncli.embeddings.named_stores import open_word_vectors; open_word_vectors({str(path)!r})"
    environment = {**child_environment(), "ATTN_CACHE_DIR": os.environ["ATTN_CACHE_DIR"]}
    process = subprocess.Popen([sys.executable, "-c", script], env=environment)
    deadline = time.monotonic() + 20
    while not list(cache.root.glob("tmp-*")) and time.monotonic() < deadline:
        time.sleep(0.002)
    process.kill()
    process.wait()
    store = open_word_vectors(path)
    assert store.matrix.tobytes() == matrix.tobytes()
    assert not list(cache.root.glob("tmp-*"))


def test_files_beside_a_file_belong_to_it(cache, tmp_path):
    """A .npy is known again together with the words beside it."""
    from vector_files import npy

    path = written(tmp_path, "v.npy", npy(MATRIX))
    words = written(tmp_path, "v.words.txt", "\n".join(WORDS).encode())
    first = VectorsSource(str(path)).key()
    assert open_word_vectors(path).row("money") is not None
    words.write_bytes("\n".join(WORDS).replace("money", "honey").encode())
    assert VectorsSource(str(path)).key() != first
    assert open_word_vectors(path).row("money") is None
    shutil.rmtree(tmp_path / "cache")
    assert open_word_vectors(path).row("honey") is not None
