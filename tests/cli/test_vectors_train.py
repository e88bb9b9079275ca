"""Vectors learned from a corpus: what gensim gives, under a name, whole or not at all."""

import gzip
import json
import os
import sys

import numpy as np
import pytest
from conftest import child_environment

from attncli.embeddings.corpus import word_name
from attncli.reading.named_vectors import open_named_vectors
from attncli.text.words import words

pytest.importorskip("gensim")

SENTENCES = [
    "Money in the bank grows.",
    "The river bank is green: grass grows there.",
    "She put money in a bank; the bank paid.",
    "Don’t fish on the river bank, it is steep!",
    "A bank lends money, and money grows.",
] * 30
FEW = ("--dim", "8", "--min-count", "2", "--seed", "3", "--name", "mine")


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    """A cache of our own."""
    monkeypatch.setenv("ATTN_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def corpus(tmp_path):
    """A small corpus in a file."""
    path = tmp_path / "naïve [corpus].txt"
    path.write_text("\n".join(SENTENCES), encoding="utf-8")
    return str(path)


def cut(keep_case=False):
    """The sentences as explain cuts them."""
    return [[word_name(w.text, keep_case=keep_case) for w in words(s)] for s in SENTENCES]


def store_files(tmp_path):
    """What lies in the cache, but for locks."""
    folder = tmp_path / "cache" / "vectors"
    return (
        sorted(p.name for p in folder.rglob("*") if p.suffix != ".lock") if folder.exists() else []
    )


@pytest.mark.parametrize("method", ["word2vec", "fasttext"])
@pytest.mark.parametrize("skip_gram", [False, True])
def test_the_vectors_are_those_of_gensim(command, corpus, method, skip_gram):
    """Called directly with the same sentences, settings and seed: equal arrays, equal order."""
    from gensim.models import FastText, Word2Vec

    options = ["--skip-gram"] if skip_gram else []
    options += ["--buckets", "500"] if method == "fasttext" else []
    ended = command("vectors", "train", corpus, *FEW, "--method", method, *options, "--json")
    assert ended.code == 0, ended.said
    kind, more = (FastText, {"bucket": 500}) if method == "fasttext" else (Word2Vec, {})
    theirs = kind(
        cut(), vector_size=8, min_count=2, seed=3, workers=1, sg=int(skip_gram), **more
    ).wv
    store = open_named_vectors("mine")
    assert [store.word(row) for row in range(store.words)] == theirs.index_to_key
    assert np.array_equal(store.matrix, theirs.vectors)
    facts = json.loads(ended.out)
    kept = json.loads(command("vectors", "info", "mine", "--json").out)["training"]
    assert facts["training"] == kept
    assert "learned from  150 sentences" in command("vectors", "info", "mine").out.decode()
    assert facts["words"] == len(theirs)
    assert facts["training"]["sentences"] == len(SENTENCES)
    if method == "fasttext":
        assert np.allclose(store.subwords.vector("banking"), theirs["banking"], atol=1e-7)


def test_what_was_learned_is_read_by_every_command(command, corpus):
    """Explain has every word of the corpus, in capitals too; unknown ones by their parts."""
    command("vectors", "train", corpus, *FEW, "--method", "fasttext", "--buckets", "500")
    ended = command("explain", "DON'T bank the Money", "--vectors", "mine", "--json")
    tokens = json.loads(ended.out)["tokens"]
    assert [token["status"] for token in tokens] == ["lower", "exact", "exact", "lower"]
    ended = command("explain", "bankers", "--vectors", "mine", "--oov", "subword", "--json")
    assert json.loads(ended.out)["tokens"][0]["status"] == "subword"


def test_one_seed_gives_the_same_bytes(command, corpus, tmp_path):
    """In processes whose hashes differ, from a packed file and from standard input."""
    import subprocess

    packed = tmp_path / "corpus.gz"
    packed.write_bytes(gzip.compress("\n".join(SENTENCES).encode()))
    hashes = set()
    for seed, given in (("1", corpus), ("2", str(packed)), ("3", "-")):
        done = subprocess.run(
            [sys.executable, "-m", "attncli", "vectors", "train", given, *FEW, "--force", "--json"],
            env=child_environment(PYTHONHASHSEED=seed, ATTN_CACHE_DIR=os.environ["ATTN_CACHE_DIR"]),
            input="\n".join(SENTENCES).encode(),
            capture_output=True,
            check=True,
        )
        assert b"under 10 jobs" not in done.stderr
        hashes.add(json.loads(done.stdout)["sha256"])
    assert len(hashes) == 1


def test_capitals_are_kept_where_they_are_asked_for(command, corpus):
    """--keep-case has Money and money apart; without it there is one."""
    command("vectors", "train", corpus, *FEW, "--keep-case")
    store = open_named_vectors("mine")
    assert store.has_word("Money")
    assert store.has_word("money")
    command("vectors", "train", corpus, *FEW, "--force")
    assert not open_named_vectors("mine").has_word("Money")


@pytest.mark.parametrize(
    ("text", "options", "code", "said"),
    [
        ("", (), 4, "no sentence with a word"),
        ("\n# x\n!!!\n", (), 4, "no sentence with a word"),
        ("bank bank\nbank bank bank\n", (), 5, "one word again and again"),
        ("money\nbank\n", ("--min-count", "1"), 5, "one word in each sentence"),
        ("money bank\nbank", ("--min-count", "9"), 5, "--min-count 1"),
        ("money bank", ("--dim", "0"), 2, "--dim"),
        ("money bank", ("--dim", "4097"), 2, "--dim"),
        ("money bank", ("--seed", "4294967296"), 2, "--seed"),
        ("money bank", ("--name", "glove"), 2, "--name"),
        ("money bank", ("--name", "a/b"), 2, "--name"),
    ],
)
def test_bad_input_leaves_nothing(command, tmp_path, text, options, code, said):
    """The exit code says what is wrong, and the cache holds no vectors and no work."""
    path = tmp_path / "corpus.txt"
    path.write_text(text, encoding="utf-8")
    ended = command("vectors", "train", str(path), "--name", "mine", *options)
    assert (ended.code, said in ended.said) == (code, True), ended.said
    assert store_files(tmp_path) == []


def test_a_name_that_is_taken_is_kept(command, corpus):
    """Unless --force says that it is to be replaced; a training that fails replaces nothing."""
    command("vectors", "train", corpus, *FEW)
    first = open_named_vectors("mine").sha256
    ended = command("vectors", "train", corpus, *FEW, "--epochs", "2")
    assert ended.code == 9
    assert "--force" in ended.said
    assert command("vectors", "train", os.devnull, *FEW, "--force").code == 4
    assert open_named_vectors("mine").sha256 == first
    assert command("vectors", "train", corpus, *FEW, "--epochs", "2", "--force").code == 0
    assert open_named_vectors("mine").sha256 != first
    assert command("vectors", "remove", "mine").code == 0


def test_a_line_that_cannot_be_read_is_an_error_or_left_out(command, tmp_path):
    """As in attn train: it stops the training with its place, or --skip-bad goes on without it."""
    path = tmp_path / "corpus.txt"
    path.write_bytes(b"money \xff bank\n" + "\n".join(SENTENCES).encode())
    ended = command("vectors", "train", str(path), *FEW)
    assert ended.code == 5
    assert "corpus.txt:1" in ended.said
    ended = command("vectors", "train", str(path), *FEW, "--skip-bad")
    assert ended.code == 0
    assert "1 line" in ended.said


def test_a_column_of_a_table_is_a_corpus(command, tmp_path, corpus):
    """The same words as the text of the same sentences."""
    table = tmp_path / "table.jsonl"
    table.write_text("\n".join(json.dumps({"said": s}) for s in SENTENCES), encoding="utf-8")
    command("vectors", "train", corpus, *FEW)
    first = open_named_vectors("mine").sha256
    ended = command("vectors", "train", str(table), *FEW, "--column", "said", "--force")
    assert ended.code == 0, ended.said
    assert open_named_vectors("mine").sha256 == first
    bare = tmp_path / "bare.tsv"
    bare.write_text("\n".join(f"x\t{sentence}" for sentence in SENTENCES), encoding="utf-8")
    ended = command("vectors", "train", str(bare), *FEW, "--column", "2", "--force")
    assert ended.code == 0, ended.said
    assert open_named_vectors("mine").sha256 == first


def test_long_sentences_are_learned_whole(command, tmp_path):
    """gensim leaves out what is beyond 10,000 words of a sentence; nothing is left out here."""
    path = tmp_path / "corpus.txt"
    path.write_text("money bank " * 10_000 + "river river", encoding="utf-8")
    ended = command("vectors", "train", str(path), *FEW, "--json")
    assert json.loads(ended.out)["training"]["tokens"] == 20_002
    assert open_named_vectors("mine").has_word("river")


def test_without_gensim_only_this_is_missing(command, corpus, monkeypatch, tmp_path):
    """The command says how it is installed, before the corpus is read; the rest works."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "gensim"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "gensim", None)
    ended = command("vectors", "train", str(tmp_path / "nothing"), "--name", "mine")
    assert ended.code == 14
    assert "pip install gensim" in ended.said
    assert command("explain", "money bank").code == 0
    assert command("vectors", "train", "--help").code == 0


def test_a_training_that_is_stopped_leaves_nothing(command, corpus, tmp_path, monkeypatch):
    """Whatever stops it: the signal of a user, or a disk that is full."""
    from attncli.embeddings import corpus as module

    def stopped(fault):
        def add(*_):
            raise fault

        return add

    for fault, code in ((KeyboardInterrupt(), 130), (OSError(28, "No space left on device"), 9)):
        monkeypatch.setattr(module.Corpus, "add", stopped(fault))
        assert command("vectors", "train", corpus, *FEW).code == code
        assert store_files(tmp_path) == []


def test_python_learns_as_the_command_does(command, corpus):
    """The same settings and seed: the same vectors; messages name fields."""
    import attncli

    command("vectors", "train", corpus, *FEW)
    first = open_named_vectors("mine").sha256
    settings = attncli.CorpusSettings(dim=8, min_count=2, seed=3)
    stages = []
    facts = attncli.train_vectors(
        corpus, "mine", settings, force=True, watch=lambda *stage: stages.append(stage[0])
    )
    assert facts["sha256"] == first
    assert any("epoch 5 of 5, loss" in stage for stage in stages)
    with pytest.raises(attncli.AttnError, match=r"^name: ") as fault:
        attncli.train_vectors(corpus, "mine", settings)
    assert fault.value.hints == ("force=True replaces them",)
    with pytest.raises(attncli.AttnError, match=r"^dim: "):
        attncli.train_vectors(corpus, "mine", attncli.CorpusSettings(dim=0))


PHRASES = ["I live in New York, and you do.", "New York is large; York New is none."] * 20 + [
    "The new bank is in York.",
    "Is the large York new?",
] * 10
OTHERS = [f"word{number} stands by word{number + 1}." for number in range(600)]  # a pair is rare


def test_phrases_are_those_of_gensim_and_are_read_again(command, tmp_path):
    """Where only space parts the words; in a sentence they are one token, as they were learned."""
    from gensim.models import Word2Vec
    from gensim.models.phrases import Phrases

    from attncli.embeddings.phrases import runs_of

    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(PHRASES + OTHERS), encoding="utf-8")
    ended = command("vectors", "train", str(path), *FEW, "--phrases")
    assert ended.code == 0, ended.said
    runs = [[[w.lower() for w in run] for run in runs_of(s, words(s))] for s in PHRASES + OTHERS]
    phrases = Phrases([run for sentence in runs for run in sentence], min_count=2)
    sentences = [[word for run in sentence for word in phrases[run]] for sentence in runs]
    theirs = Word2Vec(sentences, vector_size=8, min_count=2, seed=3, workers=1).wv
    store = open_named_vectors("mine")
    assert "new_york" in theirs.index_to_key
    assert [store.word(row) for row in range(store.words)] == theirs.index_to_key
    assert np.array_equal(store.matrix, theirs.vectors)
    for sentence, learned in list(zip(PHRASES, sentences, strict=False))[::7]:
        ended = command("explain", sentence, "--vectors", "mine", "--json")
        tokens = json.loads(ended.out)["tokens"]
        kept = [word for word in learned if word in theirs]
        assert [token["key"] for token in tokens if token["key"] in theirs] == kept
    ended = command("explain", "New  York grows; new, York", "--vectors", "mine", "--json")
    assert [t["text"] for t in json.loads(ended.out)["tokens"]] == [
        "New  York",
        "grows",
        "new",
        "York",
    ]


@pytest.mark.parametrize("options", [(), ("--keep-case",)])
def test_phrases_of_any_letters_are_read_again(command, tmp_path, options):
    """With capitals kept or not, sharp s and accents."""
    path = tmp_path / "corpus.txt"
    text = "Die Große Straße ist hier.\nEin Café liegt an der Großen Straße.\nDer Ort ist da\n"
    text = text * 3 + "die Große Straße\n" * 30 + "Wer ist hier und da\n" * 30
    path.write_text(text + "\n".join(OTHERS), encoding="utf-8")
    assert command("vectors", "train", str(path), *FEW, "--phrases", *options).code == 0
    ended = command("explain", "die Große Straße", "--vectors", "mine", "--json")
    keys = [token["key"] for token in json.loads(ended.out)["tokens"]]
    assert any("_" in key for key in keys)
    assert all(open_named_vectors("mine").has_word(key) for key in keys)


def test_gensim_reads_what_is_exported(command, corpus, tmp_path):
    """KeyedVectors out, as one file, and in again: the same words and values."""
    from gensim.models import KeyedVectors

    command("vectors", "train", corpus, *FEW)
    store = open_named_vectors("mine")
    ended = command("vectors", "export", "mine", "-o", str(tmp_path / "mine.kv"))
    assert ended.code == 0, ended.said
    theirs = KeyedVectors.load(str(tmp_path / "mine.kv"))
    assert theirs.index_to_key == [store.word(row) for row in range(store.words)]
    assert np.array_equal(theirs.vectors, store.matrix)
    assert theirs.most_similar("bank", topn=1)
    assert open_named_vectors(tmp_path / "mine.kv").sha256 == store.sha256
    assert sorted(path.name for path in tmp_path.glob("mine*")) == ["mine.kv"]


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(2, 130), (15, 143)])
def test_a_signal_leaves_nothing(tmp_path, number, code):
    """Whenever it comes: here while more of the corpus is waited for."""
    import signal
    import subprocess
    import time

    folder = tmp_path / "cache" / "vectors"
    running = subprocess.Popen(
        [sys.executable, "-m", "attncli", "vectors", "train", "-", "--name", "mine"],
        env=child_environment(ATTN_CACHE_DIR=str(tmp_path / "cache")),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with running:
        end = time.monotonic() + 60
        while not list(folder.glob("tmp-*/corpus")):
            assert time.monotonic() < end
            time.sleep(0.05)
        running.send_signal(number)
        assert running.wait(60) == code
    assert store_files(tmp_path) == []


def test_a_model_finds_the_vectors_that_it_was_trained_on(command, corpus, tmp_path):
    """Where no vectors are named, those of its name and digest are taken, in the list as trained."""
    import attncli

    assert command("vectors", "train", corpus, *FEW).code == 0
    listed = json.loads(command("vectors", "list", "--json").out)
    assert ("mine", "trained") in [(entry["name"], entry["kind"]) for entry in listed["vectors"]]
    rows = [attncli.Row("money in the bank", "a"), attncli.Row("the river bank", "b")] * 4
    attncli.save(attncli.train(rows, "mine", epochs=1), tmp_path / "m.safetensors")
    model = str(tmp_path / "m.safetensors")
    ended = command("explain", "money bank", "--model", model, "--json")
    assert ended.code == 0, ended.said
    assert json.loads(ended.out)["vectors"]["name"] == "mine"
    assert attncli.explain("money bank", model).vectors.name == "mine"
    assert len(attncli.predict(["money bank"], model)) == 1
    assert attncli.evaluate(rows, model).accuracy >= 0
    named = command("explain", "money bank", "--model", model, "--vectors", "random")
    assert named.code == 5
    assert "hint: --vectors mine" in named.said
    assert command("vectors", "remove", "mine").code == 0
    assert command("vectors", "train", corpus, *FEW[:-4], "--seed", "4", *FEW[-2:]).code == 0
    other = command("explain", "money bank", "--model", model)
    assert other.code == 5
    assert 'trained on the vectors "mine"' in other.said


def test_a_table_without_a_text_says_which_option_names_its_column(command, tmp_path):
    """Where no column is named, and none is called text."""
    (tmp_path / "k.csv").write_text("Beschreibung,Art\nmoney bank,x\n", encoding="utf-8")
    ended = command("vectors", "train", str(tmp_path / "k.csv"), *FEW)
    assert ended.code == 5
    assert "hint: --column NAME names the column" in ended.said
