"""`attn vectors`, and the options that say which vectors, as a user types them."""

import json

import numpy as np
import pytest
from vector_files import MATRIX, WORDS, fasttext, text, written

from attncli.embeddings.readers.loading import load


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    """A cache and a gensim folder of our own."""
    monkeypatch.setenv("ATTN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("GENSIM_DATA_DIR", str(tmp_path / "gensim-data"))


@pytest.fixture
def file(tmp_path):
    """A small file of vectors."""
    return str(written(tmp_path, "g.txt", text()))


def test_an_imported_name_works_everywhere(command, file):
    """import, list, explain by name and by path, remove."""
    assert command("vectors", "import", file, "--name", "mine").code == 0
    listed = json.loads(command("vectors", "list", "--json").out)["vectors"]
    listed = [v for v in listed if v["kind"] != "preset"]
    assert [(v["name"], v["kind"]) for v in listed] == [("glove", "built-in"), ("mine", "imported")]
    by_name = json.loads(command("explain", "money bank", "--vectors", "mine", "--json").out)
    by_path = json.loads(command("explain", "money bank", "--vectors", file, "--json").out)
    assert by_name["vectors"]["name"] == "mine"
    assert by_name["weights"] == by_path["weights"]
    assert by_name["vectors"]["sha256"] == by_path["vectors"]["sha256"]
    assert command("vectors", "remove", "mine").code == 0
    assert command("vectors", "remove", "mine").code == 2
    assert command("explain", "money bank", "--vectors", "mine").code == 2


@pytest.mark.parametrize(
    "name",
    ["", "../x", "a/b", "a b", "ü", ".x", "-x", "x" * 101, "glove", "glove-6b-50d", "random"],
)
def test_a_name_that_cannot_be_used_is_refused(command, file, tmp_path, name):
    """Names that lead out of the cache, that no shell could say, or that are taken."""
    assert command("vectors", "import", file, f"--name={name}").code == 2
    assert not (tmp_path / "cache").exists()


def test_import_keeps_what_is_asked_for(command, file, tmp_path):
    """--limit keeps the first words, --words those of a list."""
    command("vectors", "import", file, "--name", "few", "--limit", "3")
    assert json.loads(command("vectors", "info", "few", "--json").out)["words"] == 3
    wanted = written(tmp_path, "wanted.txt", b"bank\nmoney\nnothing\n")
    command("vectors", "import", file, "--name", "some", "--words", str(wanted))
    found = json.loads(command("vectors", "get", "bank", "the", "--vectors", "some", "--json").out)
    assert list(found["vectors"]) == ["bank"]
    assert found["missing"] == ["the"]


def test_get_prints_the_exact_values(command, file):
    """As JSON they are the float32 values, as text they read back as them."""
    found = json.loads(command("vectors", "get", "bank", "xyzzy", "--vectors", file, "--json").out)
    assert np.float32(found["vectors"]["bank"]).tobytes() == MATRIX[5].tobytes()
    assert found["missing"] == ["xyzzy"]
    line = command("vectors", "get", "bank", "--vectors", file).out.decode().split()
    assert np.array(line[1:], dtype=np.float32).tobytes() == MATRIX[5].tobytes()
    ended = command("vectors", "get", "bnak", "--vectors", file)
    assert ended.code == 5
    assert "did you mean" in ended.said


def test_get_says_under_which_form_a_word_was_found(command):
    """A vector of another form of the word is never printed without a word."""
    ended = command("vectors", "get", "bank", "b\u00e4nk", "ba\u00adnk", "BANK", "o’clock")
    assert ended.code == 0
    assert '"bänk": found without accents, as "bank"' in ended.said
    assert "found without invisible characters" in ended.said
    assert "found with another apostrophe" in ended.said
    assert ended.said.count("note") == 3  # not of what is written small, or exact
    found = json.loads(command("vectors", "get", "bank", "BANK", "b\u00e4nk", "--json").out)
    assert found["forms"] == {
        "BANK": {"key": "bank", "status": "lower"},
        "bänk": {"key": "bank", "status": "unaccented"},
    }
    assert "forms" not in json.loads(command("vectors", "get", "bank", "--json").out)


def test_similar_words_are_those_of_gensim(command):
    """The same words with the same cosines, for one word and for an analogy."""
    gensim = pytest.importorskip("gensim.models")
    from attncli.embeddings.named_stores import builtin_store

    store = builtin_store()
    keyed = gensim.KeyedVectors(store.dim)
    keyed.add_vectors([store.word(row) for row in range(store.words)], np.array(store.matrix))
    asked = (
        (("similar", "bank"), keyed.most_similar("bank", topn=10)),
        (
            ("analogy", "man", "king", "woman"),
            keyed.most_similar(positive=["king", "woman"], negative=["man"], topn=5),
        ),
    )
    for arguments, expected in asked:
        found = json.loads(command("vectors", *arguments, "--json").out)["neighbors"]
        assert [n["word"] for n in found] == [word for word, _ in expected]
        cosines = [n["cosine"] for n in found]
        np.testing.assert_allclose(cosines, [cosine for _, cosine in expected], atol=1e-5)


@pytest.mark.parametrize("suffix", ["txt", "vec", "npz", "safetensors"])
def test_what_is_exported_reads_back(command, file, tmp_path, suffix):
    """Words and values survive each format."""
    target = tmp_path / f"out.{suffix}"
    assert command("vectors", "export", file, "-o", str(target)).code == 0
    found = load(target)
    assert found.words == list(WORDS)
    assert found.matrix.tobytes() == MATRIX.tobytes()


def test_an_export_says_what_a_format_cannot_hold(command, file, tmp_path):
    """A space ends a word of word2vec binary; nothing half-written stays."""
    target = tmp_path / "out.bin"
    ended = command("vectors", "export", file, "-o", str(target))
    assert ended.code == 5
    assert "cannot hold the word" in ended.said
    assert not target.exists()
    assert command("vectors", "export", "glove", "-o", str(target), "--limit", "50").code == 0
    assert len(load(target).words) == 50
    assert command("vectors", "export", file, "-o", str(tmp_path / "o.xyz")).code == 2
    assert command("vectors", "export", file, "-o", str(tmp_path / "no" / "o.txt")).code == 9


def test_the_projector_gets_two_files(command, file, tmp_path):
    """Vectors and words, a line each."""
    command("vectors", "export", file, "-o", str(tmp_path / "p.tsv"))
    assert len((tmp_path / "p.tsv").read_text().splitlines()) == len(WORDS)
    assert (tmp_path / "p.metadata.tsv").read_text().splitlines()[0] == "the"


def test_info_tells_what_a_file_is(command, tmp_path):
    """Format, size, lengths, hash; of a model with subwords also that."""
    path = str(written(tmp_path, "m.bin", fasttext()))
    found = json.loads(command("vectors", "info", path, "--json").out)
    assert (found["words"], found["dim"], found["not_finite"]) == (10, 4, 0)
    assert found["subwords"] == "fastText n-grams"
    assert len(found["sha256"]) == 64
    assert b"norms" in command("vectors", "info", path).out


def test_vectors_by_hand_and_policies(command, tmp_path):
    """--inline, and words made of parts or taken from the nearest spelling."""
    inline = ("--inline", "money=1,0;bank=.8,.6;grows=.1,.9")
    found = json.loads(command("explain", "money bank grows", *inline, "--json").out)
    assert found["vectors"] == {**found["vectors"], "name": "inline", "dim": 2, "words": 3}
    assert command("explain", "money", *inline, "--vectors", "random").code == 2
    path = str(written(tmp_path, "m.bin", fasttext()))
    made = json.loads(
        command("explain", "banking bank", "--vectors", path, "--oov", "subword", "--json").out
    )
    assert [token["status"] for token in made["tokens"]] == ["subword", "exact"]
    near = json.loads(command("explain", "the bnak", "--oov", "nearest", "--json").out)
    assert [(t["key"], t["status"]) for t in near["tokens"]][1] == ("bank", "nearest")
    refused = command("explain", "bnak", "--oov", "subword")
    assert refused.code == 2
    assert "no subword vectors" in refused.said


def test_no_cache_leaves_no_trace(command, file, tmp_path):
    """Neither list nor folder has anything after --no-cache."""
    assert command("vectors", "similar", "bank", "--vectors", file, "--no-cache").code == 0
    assert not (tmp_path / "cache").exists()


def test_a_cache_whose_name_the_locale_cannot_spell_is_used(attn, tmp_path):
    """Under LANG=C a folder `naïve [x] y` keeps and gives vectors as any other does."""
    (tmp_path / "v.txt").write_text("money 1 0\nbank 0.8 0.6\n")
    env = {
        **{"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        "ATTN_CACHE_DIR": str(tmp_path / "naïve [x] y"),
    }
    assert attn("vectors", "import", "v.txt", "--name", "mine", env=env).code == 0
    ended = attn("explain", "money bank", "--vectors", "mine", "--json", env=env)
    assert ended.code == 0, ended.said
    assert (
        ended.out
        == attn(
            "explain",
            "money bank",
            "--vectors",
            "mine",
            "--json",
            env={"ATTN_CACHE_DIR": str(tmp_path / "naïve [x] y")},
        ).out
    )
