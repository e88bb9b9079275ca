"""Laws of vectors at hand: whatever holds words and vectors is as good as a file of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import attncli
from attncli.errors import AttnError, DataError, UsageError

WORDS = ["money", "bank", "grows", "river", "flows", "a", "piece", "of", "cake"]
MATRIX = np.random.default_rng(3).standard_normal((len(WORDS), 6)).astype(np.float32)


def keyed() -> Any:
    """KeyedVectors of gensim."""
    models = pytest.importorskip("gensim.models")
    vectors = models.KeyedVectors(MATRIX.shape[1])
    vectors.add_vectors(WORDS, MATRIX)
    return vectors


class Model:
    """A model of gensim, which holds KeyedVectors."""

    def __init__(self) -> None:
        self.wv = keyed()


class Vocabulary:
    """A vocabulary that knows the row of each word."""

    def get_vocab(self) -> dict[str, int]:
        return {word: row for row, word in reversed(list(enumerate(WORDS)))}


def tensor() -> Any:
    """A matrix that is learned."""
    return pytest.importorskip("torch").tensor(MATRIX, requires_grad=True)


def embedding() -> Any:
    """The layer of PyTorch that holds a matrix."""
    return pytest.importorskip("torch").nn.Embedding.from_pretrained(tensor().detach())


FORMS: dict[str, Callable[[], Any]] = {
    "dict": lambda: dict(zip(WORDS, MATRIX, strict=True)),
    "dict of lists": lambda: dict(zip(WORDS, MATRIX.tolist(), strict=True)),
    "dict of tensors": lambda: dict(zip(WORDS, tensor(), strict=True)),
    "pair": lambda: (MATRIX, WORDS),
    "pair, words first": lambda: (WORDS, MATRIX),
    "pair of an array of words": lambda: (MATRIX.tolist(), np.array(WORDS)),
    "pair of a wider type": lambda: (MATRIX.astype(np.float64), tuple(WORDS)),
    "matrix and rows": lambda: (np.vstack([MATRIX, MATRIX[:1]]), Vocabulary().get_vocab()),
    "matrix and vocabulary": lambda: (MATRIX, Vocabulary()),
    "tensor": lambda: (tensor(), WORDS),
    "embedding": lambda: (embedding(), Vocabulary().get_vocab()),
    "weight": lambda: (embedding().weight, WORDS),
    "keyed vectors": keyed,
    "model": Model,
    "table": lambda: pytest.importorskip("pandas").DataFrame(MATRIX, index=WORDS),
    "index": lambda: (MATRIX, pytest.importorskip("pandas").Index(WORDS)),
    "store": lambda: attncli.open_vectors((MATRIX, WORDS)),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The same vectors in a file."""
    path = tmp_path / "v.npz"
    np.savez(path, words=np.array(WORDS), vectors=MATRIX)
    return path


def plain(result: attncli.AttentionResult) -> dict[str, Any]:
    """A result without the name of its vectors."""
    record = result.to_dict()
    assert record["vectors"].pop("name")
    for warning in record["warnings"]:
        warning["message"] = warning["message"].partition(": ")[2]
    return record


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", ["money bank grows", "Money BANK xqzzy", "the river"])
def test_vectors_at_hand_are_those_of_a_file(form: str, text: str, file: Path) -> None:
    """Numbers, hash, sizes, forms of words, unknown words: all of the record but the name."""
    vectors = FORMS[form]()
    for choices in ({}, {"oov": "zero"}, {"attention": "task", "heads": 2}):
        ours = attncli.explain(text, vectors=vectors, **choices)
        assert plain(ours) == plain(attncli.explain(text, vectors=file, **choices))
        assert ours.vectors.name.startswith("given ")
    with pytest.raises(AttnError, match=r'did you mean "money"|no vector'):
        attncli.explain("moneyy", vectors=vectors, oov="error")


def test_every_function_takes_them(tmp_path: Path, file: Path) -> None:
    """Analyser, comparison, training, evaluation, batch on two workers: as from the file."""
    vectors = FORMS["dict"]()
    texts = ["money bank grows", "river bank flows"]
    for ours, theirs in zip(
        attncli.analyser(vectors=vectors)(texts), attncli.analyser(vectors=file)(texts), strict=True
    ):
        assert np.array_equal(ours.weights, theirs.weights)
    assert (
        attncli.compare(texts, vectors=vectors).to_record()["sentences"]
        == attncli.compare(texts, vectors=file).to_record()["sentences"]
    )
    rows = [attncli.Row("money bank", "x"), attncli.Row("river bank", "y")] * 3
    sizes = {"epochs": 2, "heads": 1, "committee": 1, "held_out": 0}
    model = attncli.train(rows, vectors, **sizes)
    other = attncli.train(rows, file, **sizes)
    assert model.vectors.name == "given dict"
    assert model.vectors.sha256 == other.vectors.sha256
    for learned, with_ in ((model, vectors), (other, vectors), (model, file)):
        scores = attncli.evaluate(rows, learned, with_)
        assert scores.log_loss == attncli.evaluate(rows, other, file).log_loss
    sentences = tmp_path / "s.txt"
    sentences.write_text("money bank grows\nriver xqzzy\n" * 4, encoding="utf-8")
    for workers in (1, 2):
        out = tmp_path / f"{workers}.jsonl"
        attncli.batch(sentences, out, vectors=vectors, workers=workers, chunk=2)
        (first, *_) = attncli.read(out)
        assert first.vectors == attncli.explain("money bank", vectors=vectors).vectors
        assert attncli.batch(sentences, out, vectors=vectors, resume=True, chunk=2).complete
    assert (tmp_path / "1.jsonl").read_bytes() == (tmp_path / "2.jsonl").read_bytes()
    changed = {**vectors, "bank": vectors["river"]}
    with pytest.raises(AttnError):
        attncli.batch(sentences, out, vectors=changed, resume=True, chunk=2)


def test_opened_vectors_go_to_workers(tmp_path: Path) -> None:
    """Built in, random: what open_vectors gave is what the name means, on two workers."""
    sentences = tmp_path / "s.txt"
    sentences.write_text("money bank grows\nriver bank\n" * 4, encoding="utf-8")
    for name in ("glove", "random"):
        ours, theirs = tmp_path / f"{name}-ours.jsonl", tmp_path / f"{name}-theirs.jsonl"
        opened = attncli.open_vectors(name)
        attncli.batch(sentences, ours, vectors=opened, workers=2, chunk=2)
        attncli.batch(sentences, theirs, vectors=name, workers=1, chunk=2)
        assert ours.read_bytes() == theirs.read_bytes()


def test_settings_whole_take_vectors_by_name_too() -> None:
    """The vectors that are named, not the built-in ones."""
    from attncli.mechanisms.general import GeneralSettings

    for vectors in ("random", FORMS["dict"]()):
        ours = attncli.explain("money bank", vectors=vectors, settings=GeneralSettings())
        assert ours == attncli.explain("money bank", vectors=vectors)


def test_a_store_is_a_copy() -> None:
    """What its owner changes later changes nothing."""
    matrix = MATRIX.copy()
    store = attncli.open_vectors((matrix, WORDS))
    before = attncli.explain("money bank", vectors=store)
    matrix[:] = 0
    assert attncli.explain("money bank", vectors=store) == before
    assert matrix.flags.writeable


def test_ngrams_of_fasttext_make_unknown_words() -> None:
    """As in gensim, by the same numbers; also after a way to a worker."""
    models = pytest.importorskip("gensim.models")
    model = models.FastText(
        [["money", "bank", "grows"], ["river", "bank"]] * 5,
        vector_size=8, min_count=1, epochs=1, bucket=100, seed=1, workers=1,
    )  # fmt: skip
    for vectors in (model, model.wv):
        result = attncli.explain("money moneybank", vectors=vectors, oov="subword")
        assert result.vectors.name == f"given {type(vectors).__name__}"
        expected = np.stack([model.wv["money"], model.wv["moneybank"]])
        np.testing.assert_allclose(result.embeddings, expected, rtol=1e-5)


def test_a_tokenizer_is_a_vocabulary_with_its_marks() -> None:
    """Words are the tokens that begin one, as in a folder of static embeddings."""
    tokenizers = pytest.importorskip("tokenizers")
    entries = ["[UNK]", "money", "bank", "##s"]
    model = tokenizers.models.WordPiece(
        {word: row for row, word in enumerate(entries)}, unk_token="[UNK]"
    )
    result = attncli.explain(
        "money bank", vectors=(np.eye(4), tokenizers.Tokenizer(model)), oov="error"
    )
    assert np.array_equal(result.embeddings, np.eye(4)[[1, 2]])


WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "no words": (lambda: MATRIX, "without words, expected .matrix, words."),
    "a layer without words": (embedding, "found an Embedding without words"),
    "an empty dict": (dict, "found no vectors"),
    "an empty matrix": (lambda: (np.zeros((0, 4)), []), r"the shape \(0, 4\)"),
    "no values": (lambda: (np.zeros((1, 0)), ["a"]), r"the shape \(1, 0\)"),
    "one axis": (lambda: (np.zeros(3), ["a", "b", "c"]), r"found the shape \(3,\)"),
    "ragged": (lambda: ([[1.0], [1.0, 2.0]], ["a", "b"]), "unequal lengths"),
    "a ragged dict": (lambda: {"a": [1.0], "b": [1.0, 2.0]}, r'vectors\["b"\]: found 2 values'),
    "a dict of numbers": (lambda: {"a": 1.0, "b": 2.0}, r'vectors\["a"\]: found the number 1.0'),
    "a dict of texts": (lambda: {"a": "x"}, r'vectors\["a"\]: found the text "x"'),
    "NaN": (
        lambda: ([[1.0], [np.nan]], ["a", "b"]),
        'the vector of "b" holds a number that is not',
    ),
    "too large": (lambda: {"a": [1e300]}, 'the vector of "a" holds a number that is not'),
    "too few words": (lambda: (MATRIX, WORDS[1:]), "found 8 words for 9 rows"),
    "too many words": (lambda: (MATRIX, [*WORDS, "x"]), "found 10 words for 9 rows"),
    "a word twice": (lambda: (np.eye(2), ["a", "a"]), '"a" has two vectors, in the rows 0 and 1'),
    "numbers as words": (lambda: (np.eye(2), [1, 2]), r"words\[0\]: found the number 1"),
    "numbers as keys": (lambda: {1: [1.0]}, r"words\[0\]: found the number 1"),
    "None as a word": (lambda: (np.eye(2), ["a", None]), r"words\[1\]: found None"),
    "a row too far": (lambda: (np.eye(2), {"a": 0, "b": 2}), 'found the row 2 of "b"'),
    "no row": (lambda: (np.eye(2), {"a": 0, "b": "x"}), 'as the row of "b"'),
    "a list of texts": (lambda: ["money", "bank"], "vectors: found"),
    "three parts": (lambda: (MATRIX, WORDS, 1), "vectors: found a tuple, expected a name"),
    "a model without vectors": (lambda: type("M", (), {"wv": 3})(), "expected KeyedVectors"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_does_not_fit_is_one_line(kind: str) -> None:
    """The word, the row, the shape that are wrong; the same from every function."""
    make, says = WRONG[kind]
    for call in (
        lambda: attncli.explain("a", vectors=make()),
        lambda: attncli.open_vectors(make()),
        lambda: attncli.batch("no file", "no file", vectors=make()),
        lambda: attncli.train([attncli.Row("a", "x")], make()),
    ):
        with pytest.raises(DataError, match=says) as fault:
            call()
        assert "\n" not in str(fault.value)
        assert "--" not in str(fault.value)


def test_vectors_are_given_once() -> None:
    """At hand and written out: one of them."""
    for call in (attncli.explain, lambda text, **k: attncli.open_vectors(**k)):
        with pytest.raises(UsageError, match="inline: found vectors too"):
            call("a", vectors={"a": [1.0]}, inline="a=1")
        with pytest.raises(UsageError, match="inline: found vectors too"):
            call("a", vectors="random", inline="a=1")


@given(st.dictionaries(st.text(min_size=1), st.integers(-9, 9), min_size=1))
def test_every_text_can_be_a_word(held: dict[str, int]) -> None:
    """Each keeps its vector, whatever its letters."""
    store = attncli.open_vectors({word: [value] for word, value in held.items()})
    assert len(store) == len(held)
