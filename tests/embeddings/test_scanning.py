"""A file that is not converted is searched for a sentence's words: same vectors, or an error."""

import gzip
import os
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vector_files import MATRIX, WORDS, text, word2vec_binary, written, zipped

from attncli.embeddings import named_stores as sources
from attncli.embeddings.inline import inline_store
from attncli.embeddings.named_stores import open_word_vectors
from attncli.embeddings.scanning import ScannedStore
from attncli.errors import AttnError, DataError, InputError, UsageError
from attncli.files.access import Access
from attncli.mechanisms.general import GeneralAnalyser
from attncli.reading.reader import ReadingSettings, words_asked

SINGLE = [word for word in WORDS if " " not in word]


@pytest.fixture(autouse=True)
def _large(tmp_path, monkeypatch):
    """Every file is large, and the cache is empty."""
    monkeypatch.setattr(sources, "_SMALL", 0)
    monkeypatch.setenv("ATTN_CACHE_DIR", str(tmp_path / "cache"))


def scanned(path, say=lambda kind, text: None):
    """The store that explain opens for a file."""
    store = open_word_vectors(path, access=Access(whole=False, say=say))
    assert isinstance(store, ScannedStore)
    return store


def many(count=40_000, dim=7):
    """A file of some megabytes, with words that hold spaces here and there."""
    matrix = np.random.default_rng(5).normal(size=(count, dim)).astype(np.float32)
    words = [f"w{i}" if i % 1000 else f"two words {i}x" for i in range(count)]
    return words, matrix


@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("end", ["\n", "\r\n", " \n"])
def test_the_words_of_a_sentence_are_found(tmp_path, header, end):
    """The first, the last, one with spaces, and none that is not there."""
    words, matrix = many()
    path = written(tmp_path, "m.txt", text(words, matrix, header=header, end=end))
    store = scanned(path)
    wanted = ["w1", "w39999", "two words 7000x", "w20001", "nowhere", "W17"]
    store.prefetch(wanted)
    for word in wanted[:4]:
        row = store.row(word)
        assert store.vectors([row])[0].tobytes() == matrix[words.index(word)].tobytes()
    assert store.row("nowhere") is None
    assert store.row("w17") is not None  # a form of W17, found in the same pass
    assert (store.words, store.sha256, store.dim) == (None, None, 7)


@pytest.mark.parametrize("kind", ["gz", "zip", "bin"])
def test_other_files_are_searched_too(tmp_path, kind):
    """Packed text, a member of an archive, and binary files."""
    data = {
        "gz": gzip.compress(text()),
        "zip": zipped({"g.txt": text()}),
        "bin": word2vec_binary(SINGLE, MATRIX[: len(SINGLE)]),
    }[kind]
    store = scanned(written(tmp_path, f"g.{kind}", data))
    assert store.vectors([store.row("money")])[0].tobytes() == MATRIX[6].tobytes()


def test_a_result_is_the_same_scanned_or_converted(tmp_path):
    """Weights and new embeddings do not depend on how the vectors were found."""
    path = written(tmp_path, "g.txt", text())
    results = []
    for whole in (False, True):
        store = open_word_vectors(path, access=Access(whole=whole))
        results += list(GeneralAnalyser(store)(["the Money bank grows n't xyzzy new york"]))
    first, second = results
    assert first.tokens == second.tokens
    np.testing.assert_array_equal(first.weights, second.weights)
    np.testing.assert_array_equal(first.contextual, second.contextual)


def test_one_pass_is_enough_for_a_text(tmp_path, monkeypatch):
    """All words that reading a text may ask for are asked for at once."""
    store = scanned(written(tmp_path, "g.txt", text()))
    passes = []
    found = store._found
    monkeypatch.setattr(store, "_found", lambda *a: passes.append(1) or found(*a))
    list(GeneralAnalyser(store, ReadingSettings())(["Isn't the well-known bank's e-mail Money?"]))
    assert len(passes) == 1
    assert "isn't" in [word.lower() for word in words_asked(["Isn't it"], "words")]


@settings(deadline=None)
@given(
    words=st.lists(st.text("abcdefghij", min_size=1, max_size=12), min_size=1, max_size=9),
    numbers=st.sampled_from(["1", "-0.25", "0.125000"]),
)
def test_every_word_of_a_file_is_found_wherever_its_line_stands(tmp_path_factory, words, numbers):
    """The last lines of a file too, however short they are: the first vector of each word."""
    path = tmp_path_factory.mktemp("v") / "v.txt"
    lines = [f"{word} {i} {numbers}" for i, word in enumerate(words)]
    path.write_text("".join(f"{line}\n" for line in lines))
    store = scanned(path)
    store.prefetch(words)
    for word in words:
        assert store.vectors([store.row(word)])[0].tolist() == [words.index(word), float(numbers)]


@pytest.mark.parametrize(
    "line", [b"bad 0.5\n", b"bad nan 1 2 3\n", b"bad 1 2 3 4 5\n", b"bad x 1 2 3\n"]
)
def test_a_bad_line_on_the_way_is_an_error(tmp_path, line):
    """Lines of another shape, or with words for values, are noticed though nobody asked for them."""
    path = written(tmp_path, "g.txt", text() + line + b"end 1 2 3 4\n")
    with pytest.raises(DataError, match=r"g\.txt:11"):
        scanned(path).prefetch(["nowhere"])


@pytest.mark.parametrize("value", [b"0,1", b"1_0", b"inf", b"1e39"])
def test_a_wanted_word_never_gets_a_wrong_value(tmp_path, value):
    """The values of the words that are used pass the strict grammar."""
    path = written(tmp_path, "g.txt", text() + b"bad " + value + b" 1 2 3\n")
    with pytest.raises(DataError, match=r"g\.txt:11"):
        scanned(path).prefetch(["bad"])


def test_a_cut_end_is_noticed_though_all_words_were_found(tmp_path):
    """A search that ends early looks at the end of the file."""
    path = written(tmp_path, "g.txt", text()[:-40])
    with pytest.raises(AttnError):
        scanned(path).prefetch(["the"])


def test_a_slow_search_names_the_import(tmp_path, monkeypatch):
    """Where it took over a second, a hint says how it is instant."""
    monkeypatch.setattr("attncli.embeddings.scanning._SLOW", -1.0)
    said = []
    store = scanned(written(tmp_path, "g.txt", text()), lambda *what: said.append(what))
    store.prefetch(["the"])
    assert said[0][0] == "hint"
    assert "attn vectors import " in said[0][1]


def test_vectors_can_be_written_by_hand():
    """A few words with a few numbers are a store like any other."""
    store = inline_store("money=1,0; bank=.8,.6;grows=.1,.9;")
    assert store.vectors([store.row("bank")])[0].tolist() == [np.float32(0.8), np.float32(0.6)]
    assert open_word_vectors(inline="a=b=1,2").row("a=b") == 0


@pytest.mark.parametrize(
    "wrong", ["", ";", "a", "a=", "=1", "a=1;a=2", "a=1;b=1,2", "a=x", "a=nan", "a=1e39", "a=1_0"]
)
def test_what_is_wrong_by_hand_is_named(wrong):
    """The word whose vector is wrong is in the message, and an example that works."""
    with pytest.raises(UsageError, match=r"^inline: "):
        inline_store(wrong)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("nosuch", UsageError),
        ("no-such.txt", InputError),
        ("", InputError),
        ("n" * 5000, InputError),
        ("http://127.0.0.1:9/x.txt", UsageError),
        ("dir/nosuch", InputError),
    ],
)
def test_names_and_paths_that_are_not_there(name, kind):
    """A name is a matter of usage, a path one of input; an address is never opened."""
    with pytest.raises(kind):
        open_word_vectors(name)


def test_gensims_own_downloads_are_found_by_name(tmp_path, monkeypatch):
    """Who has data of gensim's downloader needs nothing else; its code is not looked at."""
    monkeypatch.setenv("GENSIM_DATA_DIR", str(tmp_path))
    folder = tmp_path / "my-glove"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise SystemExit('run')")
    written(folder, "my-glove.gz", gzip.compress(text(header=True)))
    assert open_word_vectors("my-glove").row("bank") == WORDS.index("bank")


@pytest.mark.parametrize("whole", [False, True])
def test_a_pipe_is_opened_once(tmp_path, whole):
    """Process substitution works for every command: one open, one pass, no cache."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_bytes(text()))
    writer.start()
    store = open_word_vectors(path, access=Access(whole=whole))
    writer.join()
    assert store.vectors([store.row("money")])[0].tobytes() == MATRIX[6].tobytes()
