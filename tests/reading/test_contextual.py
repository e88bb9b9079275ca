"""Laws of --vectors model:DIR[:LAYERS]: a transformer's contextual vectors as embeddings."""

import json
from pathlib import Path

import numpy as np
import pytest
from models.made import CONFIGS, tensors, write_checkpoint, write_model, write_tokenizer
from models.plain import run
from reading.readings import read_sentence

import attncli
from attncli.embeddings.named_stores import builtin_store
from attncli.errors import AttnError, EmptyError, InputError, LimitError, UsageError
from attncli.mechanisms.general import GeneralAnalyser
from attncli.models.forward import States
from attncli.models.model import TransformerModel
from attncli.reading.embedder import open_embedder
from attncli.reading.layers import SideBySide, layer_vectors
from attncli.reading.named_vectors import open_named_vectors
from attncli.reading.reader import ReadingSettings
from attncli.training.examples import prepare
from attncli.training.rows import Row

pytest.importorskip("tokenizers")

IDS = [2, 10, 11, 12, 13, 7, 3]  # [CLS] the un ##happi ##ness grows [SEP]
TEXT = "the Unhappiness grows"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A BERT of three layers with its tokenizer."""
    return write_model(tmp_path_factory.mktemp("contextual") / "tiny")


def states():
    """The hidden states of TEXT by the plain loops, (4, 7, 24)."""
    return run(CONFIGS["bert"], tensors(CONFIGS["bert"]), IDS, [0] * 7)[1]


@pytest.mark.parametrize(
    ("layer", "numbers"),
    [
        *(("", [1, 2, 3]), (":-1", [3]), (":0", [1]), (":1", [2]), (":input", [0])),
        *((":1-2", [2, 3]), (":0-0", [1]), (":0-2", [1, 2, 3])),
    ],
)
def test_a_word_is_the_mean_of_its_pieces_after_the_layers(folder, layer, numbers):
    """Vectors, texts and offsets of the words, without special tokens."""
    reading = read_sentence(TEXT, open_named_vectors(f"model:{folder}{layer}"), ReadingSettings())
    expected = states()[numbers].mean(axis=0)
    expected = [expected[1], expected[2:5].mean(0), expected[5]]
    np.testing.assert_allclose(reading.embeddings, expected, atol=1e-5)
    assert [t.text for t in reading.tokens] == TEXT.split()
    assert [TEXT[t.start : t.end] for t in reading.tokens] == TEXT.split()
    assert reading.tokens[1].key == "unhappiness"


@pytest.mark.parametrize(
    ("layers", "numbers"),
    [
        *(("words", ["words"]), ("input,words", [0, "words"]), ("0,-1", [1, 3])),
        *(("0,0,0", [1, 1, 1]), ("words,2,input", ["words", 3, 0])),
    ],
)
def test_a_list_puts_vectors_side_by_side(folder, layers, numbers):
    """In its order; "words" are the words' own vectors, with no position or norm."""
    store = open_named_vectors(f"model:{folder}:{layers}")
    own = tensors(CONFIGS["bert"])["embeddings.word_embeddings.weight"][IDS]
    found = np.concatenate([own if n == "words" else states()[n] for n in numbers], axis=1)
    expected = [found[1], found[2:5].mean(0), found[5]]
    assert store.views == (24,) * len(numbers)
    assert store.dim == found.shape[1]
    np.testing.assert_allclose(
        read_sentence(TEXT, store, ReadingSettings()).embeddings, expected, atol=1e-5
    )


def test_glove_stands_beside_the_layers(folder):
    """Vectors of whole words in lower case, zeros for words it lacks, wherever the list has it."""
    store = open_named_vectors(f"model:{folder}:2,glove,words,glove")
    assert store.views == (24, 50, 24, 50)
    found = read_sentence("the Unhappiness xqzzy", store, ReadingSettings()).embeddings
    glove = builtin_store()
    expected = np.zeros((3, 50), dtype=np.float32)
    for at, word in enumerate(("the", "unhappiness")):
        expected[at] = glove.vectors([glove.row(word)])[0]
    np.testing.assert_array_equal(found[:, 24:74], expected)
    np.testing.assert_array_equal(found[:, 98:], expected)
    alone = read_sentence(
        "the Unhappiness xqzzy", open_named_vectors(f"model:{folder}:2"), ReadingSettings()
    )
    np.testing.assert_array_equal(found[:, :24], alone.embeddings)


@pytest.mark.parametrize(
    ("n_layers", "layers"),
    [
        *((1, "0"), (2, "0,1"), (3, "1,2"), (4, "1,3")),
        *((6, "2-3,5"), (12, "4-7,11"), (24, "8-15,23")),
    ],
)
def test_a_mix_differs_most(n_layers, layers):
    """The words, GloVe, the middle third of the layers, the last; the name says the list."""
    chosen = layer_vectors("mix", n_layers)
    assert ",".join(vector.name for vector in chosen) == f"words,glove,{layers}"
    assert layer_vectors(f"words,glove,{layers}", n_layers) == chosen


def test_general_attention_works_on_contextual_vectors(folder):
    """The same word has another vector in another sentence, and its own in each result."""
    store = open_named_vectors(f"model:{folder}:1")
    analyser = GeneralAnalyser(store, include=frozenset({"embeddings"}))
    texts = ["money bank grows", "river bank flows", TEXT]
    results = list(analyser(texts))
    for text, result in zip(texts, results, strict=True):
        alone = read_sentence(text, open_named_vectors(f"model:{folder}:1"), ReadingSettings())
        np.testing.assert_array_equal(result.embeddings, alone.embeddings)
    assert not np.allclose(results[0].embeddings[1], results[1].embeddings[1])
    assert results[0].vectors.name == "model:tiny:1"


def test_the_hash_names_the_checkpoint_and_the_layer(folder, tmp_path):
    """Another layer or other numbers are other vectors; the same are the same anywhere."""
    other = write_checkpoint(tmp_path / "tiny", seed=1)
    same = write_checkpoint(tmp_path / "copy" / "tiny")
    for copy in (other, same):
        write_tokenizer(copy)
    name = f"model:{folder}:1"
    assert open_named_vectors(f"model:{folder}").name == "model:tiny:0-2"
    assert open_named_vectors(f"model:{folder}:1-1").sha256 == open_named_vectors(name).sha256
    hashes = [
        open_named_vectors(n).sha256
        for n in (name, f"model:{same}:1", f"model:{folder}:1-2", f"model:{other}:1")
    ]
    hashes += [
        open_named_vectors(f"{name}{more}").sha256 for more in (",2", ",1", ",input", ",glove")
    ]
    assert hashes[0] == hashes[1]
    assert len(set(hashes[1:])) == 7


@pytest.mark.parametrize(
    ("name", "error"),
    [
        *(("model:{}:3", UsageError), ("model:{}:-4", UsageError), ("model:absent", InputError)),
        *(("model:{}:2-1", UsageError), ("model:{}:1-3", UsageError)),
        *(("model:{}:1,3", UsageError), ("model:{}:1,", UsageError), ("model:{}:,", UsageError)),
        *(("model:{}:1,last", UsageError), ("model:{}:word", InputError)),
        ("model:{}:" + ",".join("0" * 17), UsageError),
    ],
)
def test_vectors_that_do_not_exist_are_refused(folder, name, error):
    """A layer or folder that is not there is an error with its place."""
    with pytest.raises(error) as caught:
        open_named_vectors(name.format(folder))
    if error is UsageError:
        assert caught.value.place == "vectors"


def test_a_sentence_that_cannot_be_read_is_an_error(folder):
    """No word, or more tokens than the model reads."""
    store = open_named_vectors(f"model:{folder}")
    for text, error in (("", EmptyError), ("bank " * 30, LimitError)):
        with pytest.raises(AttnError) as caught:
            read_sentence(text, store, ReadingSettings())
        assert type(caught.value) is error


@pytest.mark.parametrize(
    ("layers", "options"),
    [
        *(("1", ["--committee", "1"]), ("1", ["--committee", "1", "--directions", "6"])),
        *(("words,0,2", ["--directions", "6"]), ("words,0,2", ["--committee", "1"])),
        ("", []),
    ],
)
def test_a_model_is_trained_on_layers_and_refuses_others(
    command, folder, tmp_path, monkeypatch, layers, options
):
    """train, evaluate and explain with contextual vectors; other vectors are refused."""
    rows = [("money bank grows", "m"), ("river bank flows", "r"), ("old money bank", "m")]
    rows += [("the river bank", "r")]
    lines = ["text\ttarget\tlabel", *(f"{text}\tbank\t{label}" for text, label in rows)]
    data, model = tmp_path / "data.tsv", tmp_path / "m.safetensors"
    data.write_text("\n".join(lines) + "\n")
    plain = ["--vectors", f"model:{folder}"]
    vectors = ["--vectors", f"model:{folder}:{layers}"] if layers else plain
    arguments = ["--epochs", "40", "--held-out", "0", "--heads", "2", "-q"]
    ended = command("train", str(data), "-o", str(model), *vectors, *arguments, *options)
    assert ended.code == 0, ended.said
    for named in (vectors, plain):  # without a list those that the model learned from are meant
        ended = command("evaluate", str(data), "--model", str(model), *named, "--json")
        assert json.loads(ended.text)["accuracy"] == 1.0
        ended = command("explain", rows[1][0], "--model", str(model), *named, "--json")
        found = json.loads(ended.text)
        assert found["model"]["label"] == "r"
        assert found["vectors"]["name"] == f"model:tiny:{layers or 'words,glove,1,2'}"
    other = ["--vectors", f"model:{folder}:2"]
    ended = command("evaluate", str(data), "--model", str(model), *other)
    assert ended.code == 5
    name = f"model:tiny:{layers or 'words,glove,1,2'}"
    assert name in ended.said
    monkeypatch.chdir(tmp_path)  # where no folder is called tiny
    elsewhere = command("explain", rows[1][0], "--model", str(model), *other)
    assert f"hint: --vectors {name.replace('tiny', 'FOLDER')} where FOLDER is" in elsewhere.said
    monkeypatch.chdir(folder.parent)  # where the name is a path that works
    beside = command("explain", rows[1][0], "--model", str(model), *other)
    assert f"hint: --vectors {name}\n" in beside.said
    assert command("explain", rows[1][0], "--model", str(model), "--vectors", name).code == 0


def test_sentences_read_together_are_what_they_are_alone(folder):
    """The same bits whatever a sentence is packed with; one that fails leaves the others alone."""
    texts = [TEXT, "bank", "", "money bank grows river", "bank " * 30, "river flows", "the bank"]
    store = open_named_vectors(f"model:{folder}:1")
    told = []
    together = store.read_all(texts, 4096, lambda done, total: told.append((done, total)))
    assert set(together) == set(texts) - {"", "bank " * 30}
    assert told[-1] == (5, 5)
    for text, (words, vectors) in together.items():
        alone, expected = open_named_vectors(f"model:{folder}:1").read(text, 4096)
        assert words == alone
        np.testing.assert_array_equal(vectors, expected)


def test_examples_are_encoded_together(folder, monkeypatch):
    """What is learned from does not depend on how many sentences are encoded at once."""
    rows = [
        Row(text, label, "bank", None, None, f"rows:{i}")
        for i, (text, label) in enumerate(
            [("money bank grows", "m"), ("the river bank flows", "r"), ("bank", "m")] * 3
        )
    ]
    found = []
    for together in (1, 2, 100):
        monkeypatch.setattr("attncli.reading.embedder._TOGETHER", together)
        embedder, _ = open_embedder(f"model:{folder}:1", ReadingSettings())
        found.append(prepare(rows, embedder).examples)
    for other in found[1:]:
        np.testing.assert_array_equal(other.table, found[0].table)
        np.testing.assert_array_equal(np.concatenate(other.rows), np.concatenate(found[0].rows))
    assert len(found[0].table) == 8


def test_a_row_that_cannot_be_encoded_is_named(folder):
    """The first sentence that fails is an error with its line."""
    rows = [
        Row(t, "m", "bank", None, None, f"rows:{i}") for i, t in enumerate(["bank", "bank " * 30])
    ]
    embedder, _ = open_embedder(f"model:{folder}:1", ReadingSettings())
    with pytest.raises(LimitError) as caught:
        prepare(rows, embedder)
    assert caught.value.place == "rows:1"


def test_a_mean_of_layers_beyond_float32_is_infinite_without_a_warning(folder):
    """Hidden states that are finite, but not their mean: who reads the vectors refuses them."""
    vectors = SideBySide(layer_vectors("0-2", 3), TransformerModel(folder))
    huge = np.full((4, 2, 24), 3e38, dtype=np.float32)
    states = States(huge[0], huge[-1], np.empty((3, 4, 0, 0), np.float32), hidden_states=huge)
    assert np.isinf(vectors.of_tokens(np.array([2, 3]), states)).all()


def test_names_of_vectors_are_resolved_by_one_function():
    """Whoever opens vectors by name calls `open_named_vectors`: what it knows, every command knows."""
    package = Path(attncli.__file__).parent
    callers = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if "open_word_vectors" in path.read_text(encoding="utf-8")
    }
    assert callers == {"embeddings/named_stores.py", "reading/named_vectors.py"}


@pytest.mark.parametrize(
    ("limit", "said"), [(4096, '"tiny" reads at most 20'), (7, "max_tokens=7 allows no more")]
)
def test_who_allows_no_more_pieces_is_said(folder, limit, said):
    """A limit of the caller is not said to be the model's, which reads longer texts."""
    vectors = open_named_vectors(f"model:{folder}")
    with pytest.raises(LimitError) as caught:
        read_sentence("bank " * 30, vectors, ReadingSettings(max_tokens=limit))
    assert str(caught.value) == f"32 tokens, {said}"
