"""The cache under fire: killed anywhere, out of space, thirty-two at once, every byte changed.

ATTN_ROUNDS=200 and ATTN_FAULTS=1 pytest tests/embeddings/test_cache_faults.py take longer.
"""

import errno
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from conftest import child_environment
from vector_files import WORDS, fasttext, text, written
from vector_loads import is_right

from attncli.embeddings import named_stores as sources
from attncli.embeddings import store
from attncli.embeddings.cache import building, checked
from attncli.embeddings.cache import entries as cache
from attncli.embeddings.cache.entries import Cache, CacheUnusable
from attncli.embeddings.named_stores import convert, open_word_vectors
from attncli.embeddings.source import VectorsSource
from attncli.files import locking
from attncli.files.access import Access

resource = pytest.importorskip("resource")
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills processes it forks")
ROUNDS = int(os.environ.get("ATTN_ROUNDS", "3"))
STRIDE = 1 if os.environ.get("ATTN_FAULTS") else 7
WATCHED = {module.__file__ for module in (building, cache, checked, locking, sources, store)}


@pytest.fixture
def root(tmp_path, monkeypatch):
    """An empty cache; every file is large enough to be converted."""
    monkeypatch.setenv("ATTN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(sources, "_SMALL", 0)
    return tmp_path / "cache" / "vectors"


def import_named(path):
    """What `attn vectors import --name mine` does."""
    source, entries = VectorsSource(str(path)), Cache()
    convert(entries, source.key(), source, Access())
    entries.name_entry("mine", source.key(), source)


def leftovers(root):
    """What no finished work would leave."""
    kinds = ("tmp-*", "*.lock", "names/.*")
    return [path for kind in kinds for path in root.glob(kind)]


def forked(work):
    """Runs `work` in a child; gives its exit status, −9 when it was killed."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_at(line, work):
    """Runs `work` and dies by SIGKILL before the n-th line of the cache's own code."""
    left = [line]

    def count(frame, event, argument):
        if frame.f_code.co_filename not in WATCHED:
            return None
        if event == "line":
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return count

    sys.settrace(count)
    try:
        work()
    finally:
        sys.settrace(None)


def test_a_kill_at_any_line_of_an_import_leaves_it_right_or_absent(root, tmp_path, monkeypatch):
    """Each time: what is there is whole, the next use is right, and what was left is swept."""
    monkeypatch.setattr(os, "fsync", int)  # a kill is no power cut
    file = written(tmp_path, "g.txt", text())
    line, kills, names = 1, 0, 0
    while forked(lambda line=line: killed_at(line, lambda: import_named(file))) != 0:
        kills += 1
        for entry in Cache().entries():
            assert is_right(store.FolderStore(entry.folder))
        key = Cache().key_named("mine")
        names += key is not None
        assert key is None or is_right(open_word_vectors("mine"))
        assert is_right(open_word_vectors(file)), line
        import_named(file)
        assert is_right(open_word_vectors("mine")), line
        assert leftovers(root) == [], line
        shutil.rmtree(root)
        line += STRIDE
    assert kills > 300 / STRIDE
    assert names > 0


def test_a_disk_that_is_full_leaves_nothing_and_is_told(root, tmp_path):
    """No file may grow beyond so many bytes: the import says so, a sentence is read all the same."""
    words = [f"w{i}" for i in range(2000)]
    matrix = np.random.default_rng(2).normal(size=(2000, 20)).astype(np.float32)
    file = written(tmp_path, "g.txt", text(words, matrix))

    def limited(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        try:
            import_named(file)
        except (CacheUnusable, OSError):
            pass
        else:
            os._exit(5)
        said = []
        found = open_word_vectors(file, access=Access(say=lambda kind, text: said.append(kind)))
        whole = found.vectors([0, 1999]).tobytes() == matrix[[0, 1999]].tobytes()
        os._exit(0 if whole and said == ["warning"] else 7)

    for size in (0, 1, 100, 1000, 4096, 9000, 20_000, 100_000, 159_999):
        assert forked(lambda size=size: limited(size)) == 0, size
        assert list(root.glob("v2-*")) == [], size
        assert leftovers(root) == [], size
    assert open_word_vectors(file).matrix.tobytes() == matrix.tobytes()


@pytest.mark.parametrize("name", ["fsync", "rename", "replace", "mkdir", "open"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_an_operation_that_fails_leaves_it_right_or_absent(root, tmp_path, monkeypatch, name, code):
    """The n-th call of an operation of the system fails, for every n there is."""
    file = written(tmp_path, "g.txt", text())
    real, failures = getattr(os, name), 0
    for number in range(1, 200):
        left = [number]

        def failing(*arguments, _left=left, **options):
            _left[0] -= 1
            if _left[0] == 0:
                raise OSError(code, os.strerror(code))
            return real(*arguments, **options)

        monkeypatch.setattr(os, name, failing)
        try:
            import_named(file)
        except (CacheUnusable, OSError):
            failures += 1
        finally:
            monkeypatch.setattr(os, name, real)
        assert is_right(open_word_vectors(file)), number
        import_named(file)
        assert is_right(open_word_vectors("mine")), number
        assert leftovers(root) == [], number
        shutil.rmtree(root)
        if left[0] > 0:
            break
    assert failures > 0
    assert left[0] > 0


@pytest.mark.parametrize("kind", ["words", "subwords"])
def test_no_changed_byte_of_an_entry_gives_a_wrong_vector(root, tmp_path, monkeypatch, kind):
    """Each byte of each file: found and made again, or of no importance."""
    monkeypatch.setattr(os, "fsync", int)
    data = fasttext(buckets=3) if kind == "subwords" else text()
    file = written(tmp_path, "g.bin" if kind == "subwords" else "g.txt", data)
    found = open_word_vectors(file)
    matrix = found.matrix.copy()
    odd = None if found.subwords is None else found.subwords.vector("xyz").tobytes()
    (entry,) = Cache().entries()
    files = {path: path.read_bytes() for path in sorted(entry.folder.iterdir())}
    for path, whole in files.items():
        for place in range(STRIDE // 2, len(whole), STRIDE):
            changed = bytearray(whole)
            changed[place] ^= 1 << (place % 8)
            path.write_bytes(bytes(changed))
            found = open_word_vectors(file)
            assert [found.row(word) for word in WORDS] == list(range(len(WORDS))), (path, place)
            assert found.vectors([3]).tobytes() == matrix[3:4].tobytes(), (path, place)
            assert found.matrix.tobytes() == matrix.tobytes(), (path, place)
            assert found.word(2) == WORDS[2], (path, place)
            if odd is not None:
                assert found.subwords.vector("xyz").tobytes() == odd, (path, place)
            path.write_bytes(whole)


PROCESSES = """
import os, random, signal, sys, time, traceback
from pathlib import Path
import numpy as np
from attncli.embeddings import scanning
from attncli.embeddings import named_stores as sources
from attncli.embeddings.cache import building
from attncli.embeddings.cache.entries import Cache
import marisa_trie, tempfile, shutil, hashlib
sources._SMALL = 0
path, rounds, killed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
expected = np.load(sys.argv[4])
root = Cache().root

def child(go):
    os.read(go, 1)
    store = sources.open_word_vectors(path)
    rows = [store.row(f"w{i}") for i in range(len(expected))]
    good = rows == list(range(len(expected)))
    good &= store.vectors(rows).tobytes() == expected.tobytes()
    good &= store.matrix.tobytes() == expected.tobytes() and store.word(7) == "w7"
    os._exit(0 if good else 5)

for turn in range(rounds):
    shutil.rmtree(root.parent, ignore_errors=True)
    if turn % 3 == 2:  # an entry that is there, and damaged
        store = sources.open_word_vectors(path)
        (entry,) = Cache().entries()
        part = random.choice(sorted(entry.folder.iterdir()))
        data = bytearray(part.read_bytes())
        data[random.randrange(len(data))] ^= 255
        part.write_bytes(bytes(data))
    start, go = os.pipe()
    children = []
    for number in range(32):
        pid = os.fork()
        if pid == 0:
            os.close(go)
            try:
                child(start)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(9)
        children.append(pid)
    os.close(start)
    os.close(go)  # all at once
    doomed = set(random.sample(children, killed))
    for pid in doomed:
        time.sleep(random.random() * 0.004)
        os.kill(pid, signal.SIGKILL)
    for pid in children:
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if code != 0 and not (pid in doomed and code == -9):
            raise SystemExit(f"round {turn}: a process ended with {code}")
    entries = list(Cache().entries())
    if len(entries) > 1 or (len(entries) != 1 and killed == 0):
        raise SystemExit(f"round {turn}: {len(entries)} entries")
    if killed:  # the next conversion sweeps what they left
        sources.open_word_vectors(path.with_suffix(".copy"))
    left = [p.name for p in root.iterdir() if not p.name.startswith("v2-")]
    if left:
        raise SystemExit(f"round {turn}: left {left}")
"""


@pytest.mark.parametrize("killed", [0, 4])
def test_thirty_two_processes_at_once_are_all_right(root, tmp_path, killed):
    """On a cold cache, on a damaged one, and with some of them killed."""
    matrix = np.random.default_rng(2).normal(size=(300, 8)).astype(np.float32)
    file = written(tmp_path, "many.txt", text([f"w{i}" for i in range(300)], matrix))
    shutil.copy(file, file.with_suffix(".copy"))
    np.save(tmp_path / "expected.npy", matrix)
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROCESSES), str(file), str(ROUNDS), str(killed),
         str(tmp_path / "expected.npy")],
        env={**child_environment(), "ATTN_CACHE_DIR": str(Path(root).parent)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
