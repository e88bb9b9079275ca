"""The oracle: every file in gensim's own test data that gensim loads, loads here bit for bit."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plain_lookup import look_up

from attncli.embeddings.named_stores import open_word_vectors
from attncli.embeddings.readers.loading import load
from attncli.errors import AttnError
from attncli.files.access import Access
from attncli.reading.reader import Reader, ReadingSettings

gensim = pytest.importorskip("gensim", reason="the oracle is gensim, which has no wheel for 3.14")
from gensim.models import Doc2Vec, FastText, KeyedVectors, Word2Vec  # noqa: E402  (after the skip)
from gensim.models.doc2vec import TaggedDocument  # noqa: E402
from gensim.models.fasttext import load_facebook_vectors, save_facebook_model  # noqa: E402
from gensim.models.poincare import PoincareModel  # noqa: E402

pytestmark = pytest.mark.filterwarnings(  # gensim leaves files open
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)
DATA = Path(gensim.__file__).parent / "test" / "test_data"
READERS: dict[str, Callable[[str], Any]] = {
    "text": KeyedVectors.load_word2vec_format,
    "glove": lambda path: KeyedVectors.load_word2vec_format(path, no_header=True),
    "binary": lambda path: KeyedVectors.load_word2vec_format(path, binary=True),
    "fasttext": load_facebook_vectors,
    "native": KeyedVectors.load,
}
FILES = {
    "EN.1-10.cbow1_wind5_hs0_neg10_size300_smpl1e-05.txt": "text",
    "IT.1-10.cbow1_wind5_hs0_neg10_size300_smpl1e-05.txt": "text",
    "crime-and-punishment.vec": "text",
    "high_precision.kv.txt": "text",
    "lee_fasttext.vec": "text",
    "toy-model.vec": "text",
    "word2vec_pre_kv_c": "text",
    "test_glove.txt": "glove",
    "euclidean_vectors.bin": "binary",
    "high_precision.kv.bin": "binary",
    "poincare_vectors.bin": "binary",
    "cp852_fasttext.bin": "fasttext",
    "crime-and-punishment.bin": "fasttext",
    "lee_fasttext.bin": "fasttext",
    "lee_fasttext_new.bin": "fasttext",
    "non_ascii_fasttext.bin": "fasttext",
    "toy-model-pretrained.bin": "fasttext",
    "toy-model.bin": "fasttext",
    "compatible-hash-true.model": "native",
    "model-from-gensim-3.8.0.w2v": "native",
    "old_keyedvectors_320.dat": "native",
    "word2vec_3.3": "native",
    "word2vec_old": "native",
    "word2vec_old_sep": "native",
}


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def same_as(keyed: Any, path: Path) -> bool:
    """Whether a file gives what gensim gives."""
    keyed = getattr(keyed, "wv", keyed)
    found = load(path)
    rows = np.ascontiguousarray(keyed.vectors, dtype=np.float32)
    return found.words == list(keyed.index_to_key) and found.matrix.tobytes() == rows.tobytes()


@pytest.mark.parametrize("name", FILES)
def test_gensims_own_files_load_the_same(name: str) -> None:
    """Words, their order and every bit of their vectors are those that gensim gives."""
    path = DATA / name
    assert same_as(READERS[FILES[name]](str(path)), path)


def test_no_file_that_gensim_loads_is_missing_here() -> None:
    """Of all files in the folder, each that gensim takes for word vectors loads here too."""
    known = {DATA / name for name in FILES}
    for path in sorted(DATA.glob("old_w2v_models/*")) + sorted(DATA.glob("*.w2v")):
        if path in known:
            continue
        try:
            keyed = KeyedVectors.load(str(path))
            keyed.wv.vectors  # noqa: B018  (models from before 0.13.4 have none)
        except AttributeError:
            load(path)  # gensim 4 cannot, but the words are there
        else:
            assert same_as(keyed, path), path


def test_every_file_of_the_folder_that_gensim_takes_for_vectors_loads_here() -> None:
    """Whatever its name: the same words and values, each word once (gensim leaves None behind)."""
    loaded = set()
    for path in sorted(path for path in DATA.rglob("*") if path.is_file()):
        if path.name in FILES or path.suffix in (".npy", ".py") or path.stat().st_size > 20 << 20:
            continue
        for kind, read in READERS.items():
            if kind == "fasttext" and path.suffix != ".bin":
                continue  # gensim's reader of fastText reads on for ever in other files
            try:
                keyed = read(str(path))
                keyed = getattr(keyed, "wv", keyed)
                words, rows = list(keyed.index_to_key), np.asarray(keyed.vectors)
            except Exception:
                continue
            if rows.ndim != 2 or 0 in rows.shape:
                continue  # a list of words, or of words and words
            found = load(path)
            kept = [row for row, word in enumerate(words) if word is not None]
            assert found.words == [words[row] for row in kept], path
            assert found.matrix.tobytes() == rows[: len(kept)].astype("<f4").tobytes(), path
            loaded.add(path.name)
    assert len(loaded) > 10


@pytest.mark.parametrize("name", ["lda_3_0_1_model", "phrases-3.6.0.model", "fasttext_old"])
def test_other_gensim_models_are_refused(name: str) -> None:
    """Models that hold no word vectors, or hash in a way of their own, are told apart."""
    with pytest.raises(AttnError):
        load(DATA / name)


def sentences() -> list[list[str]]:
    """A tiny corpus."""
    return [["money", "bank", "grows"], ["river", "bank", "flows"], ["naïve", "日本", "bank"]] * 5


@pytest.mark.parametrize("separately", [[], ["vectors"]])
def test_what_gensim_saves_today_loads(tmp_path: Path, separately: list[str]) -> None:
    """KeyedVectors and whole models, with arrays inside or beside the file."""
    model = Word2Vec(sentences(), vector_size=7, min_count=1, seed=1, workers=1)
    model.wv.save(str(tmp_path / "m.kv"), separately=separately)
    assert same_as(model.wv, tmp_path / "m.kv")
    model.save(str(tmp_path / "m.model"), separately=separately)
    assert same_as(model.wv, tmp_path / "m.model")
    model.wv.save_word2vec_format(str(tmp_path / "m.bin"), binary=True)
    assert same_as(model.wv, tmp_path / "m.bin")


def test_unknown_words_have_the_vectors_gensim_gives_them(tmp_path: Path) -> None:
    """Subword vectors of fastText models agree in every bit, in both forms of the model."""
    model = FastText(sentences(), vector_size=6, min_count=1, bucket=50, seed=1, workers=1)
    model.save(str(tmp_path / "m.model"))
    save_facebook_model(model, str(tmp_path / "m.bin"))
    for path in (tmp_path / "m.model", tmp_path / "m.bin"):
        keyed = model.wv if path.suffix == ".model" else load_facebook_vectors(str(path))
        subwords = load(path).subwords
        assert subwords is not None
        for word in ("banking", "ünïcödé", "x", "", "日本語", "bank bank"):
            found = subwords.vector(word)
            assert found is None or found.tobytes() == keyed.get_vector(word).tobytes()
            assert found is not None or not keyed.get_vector(word).any()


@pytest.mark.parametrize("suffix", ["model", "bin"])
def test_the_parts_of_a_word_are_those_of_the_word_as_written(tmp_path: Path, suffix: str) -> None:
    """What is encoded otherwise, has an apostrophe or hidden characters, has gensim's vector."""
    model = FastText(sentences(), vector_size=6, min_count=1, bucket=50, seed=1, workers=1)
    path = tmp_path / f"m.{suffix}"
    model.save(str(path)) if suffix == "model" else save_facebook_model(model, str(path))
    keyed = model.wv if suffix == "model" else load_facebook_vectors(str(path))
    store = open_word_vectors(path, access=Access(cached=False))
    words = [
        "e\u0301cole",
        "l’eau",
        "\u0938\u095c\u0915\u0947\u0902",
        "Ünïcode\u0301",
        "mo\u00adneyed",
    ]
    found = look_up(store, words, oov="subword")
    assert found.statuses == ("subword",) * len(words)
    assert found.keys == tuple(words)
    reader = Reader(store, ReadingSettings(tokenizer="whitespace", oov="subword"))
    twins = [*words, "école", "l'eau", "moneyed"]  # not the same parts
    run = reader.run(" ".join(twins))
    together = reader.vectors(run)
    for word, vector in zip(twins, together, strict=True):
        assert vector.tobytes() == keyed.get_vector(word).tobytes()
    for word, vector in zip(words, found.vectors, strict=True):
        assert vector.tobytes() == keyed.get_vector(word).tobytes()


@pytest.mark.parametrize("separately", [[], ["vectors"]])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_poincare_vectors_are_those_gensim_reads(
    tmp_path: Path, separately: list[str], dtype: Any
) -> None:
    """The model and its vectors are read alike, and said to live in a space of their own."""
    relations = [
        ("kangaroo", "marsupial"),
        ("kangaroo", "mammal"),
        ("gib", "cat"),
        ("cat", "mammal"),
    ]
    model = PoincareModel(relations, size=4, negative=2, seed=1, dtype=dtype)
    model.train(epochs=2)
    model.save(str(tmp_path / "m.model"), separately=separately)
    model.kv.save(str(tmp_path / "m.kv"), separately=separately)
    for path in (tmp_path / "m.model", tmp_path / "m.kv"):
        found = load(path)
        assert found.words == model.kv.index_to_key
        assert found.matrix.tobytes() == model.kv.vectors.astype(np.float32).tobytes()
        assert any("not distances of their space" in warning for warning in found.warnings)


@pytest.mark.parametrize("tags", ["numbers", "words", "both"])
def test_documents_are_named_by_their_tags(tmp_path: Path, tags: str) -> None:
    """The vectors of documents have numbers or words as keys; a number is the word of its digits."""
    named: dict[str, Callable[[int], list[Any]]] = {
        "numbers": lambda i: [i],
        "words": lambda i: [f"document {i}"],
        "both": lambda i: [i, "all"],
    }
    documents = [TaggedDocument(s, named[tags](i)) for i, s in enumerate(sentences())]
    model = Doc2Vec(documents, vector_size=4, min_count=1, epochs=1, workers=1)
    model.save(str(tmp_path / "m.model"))
    assert same_as(model.wv, tmp_path / "m.model")
    model.dv.save(str(tmp_path / "d.kv"))
    found = load(tmp_path / "d.kv")
    assert found.words == [str(key) for key in model.dv.index_to_key]
    assert found.matrix.tobytes() == model.dv.vectors.tobytes()


def test_room_for_words_to_come_is_no_word(tmp_path: Path) -> None:
    """Rows that gensim keeps free have no name, and are left out."""
    keyed = KeyedVectors(3, count=5)
    keyed.add_vectors(["a", 7], np.eye(2, 3))
    keyed.save(str(tmp_path / "k.kv"))
    found = load(tmp_path / "k.kv")
    assert found.words == ["a", "7"]
    assert found.matrix.tolist() == np.eye(2, 3).tolist()
