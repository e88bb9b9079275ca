"""Laws of `open_vectors`: a mapping of words and vectors, with the numbers of gensim."""

import pickle
from collections.abc import Mapping

import numpy as np
import pytest

import attncli
from attncli.errors import AttnError, MissingExtraError, MissingWordError, UsageError


@pytest.fixture(scope="module")
def glove() -> attncli.WordVectors:
    """The built-in vectors."""
    return attncli.open_vectors("glove")


def test_vectors_are_a_mapping(glove: attncli.WordVectors) -> None:
    """Item, membership, length, iteration, matrix, and `get` agree."""
    assert isinstance(glove, Mapping)
    assert len(glove) == len(glove.words) == len(glove.vectors) == 50_000
    assert glove.vectors.shape == (50_000, glove.dim)
    assert list(glove)[:2] == glove.words[:2]
    for row in (0, 7, 49_999):
        assert np.array_equal(glove[glove.words[row]], glove.vectors[row])
    assert ("bank" in glove, "xqzzy" in glove, 7 in glove) == (True, False, False)
    assert glove.get("xqzzy") is None
    assert glove
    assert repr(glove) == "WordVectors('glove-6b-50d', 50,000 words, 50 values each)"
    few = attncli.open_vectors({"a": [1.0], "b": [2.0]})
    assert {word: vector.tolist() for word, vector in few.items()} == {"a": [1.0], "b": [2.0]}


def test_a_word_has_the_vector_that_a_sentence_gives_it(glove: attncli.WordVectors) -> None:
    """Whatever form of it is found."""
    for word in ("bank", "Bank", "BANK", "New-York", "café"):
        if word in glove:
            result = attncli.explain(word, vectors=glove, oov="error")
            if len(result.words) == 1:
                assert np.array_equal(glove[word], result.embeddings[0])


def test_an_unknown_word_is_an_error_of_both_kinds(glove: attncli.WordVectors) -> None:
    """A KeyError and one of ours, which says what may be meant; so from every method."""
    for call in (
        lambda: glove["bnak"],
        lambda: glove.similarity("money", "bnak"),
        lambda: glove.most_similar("bnak"),
        lambda: glove.most_similar(["money", "bnak"]),
    ):
        with pytest.raises(
            KeyError, match='no vector in "glove-6b-50d" for "bnak"; did you mean "bank"'
        ):
            call()
        with pytest.raises(AttnError) as fault:
            call()
        assert isinstance(pickle.loads(pickle.dumps(fault.value)), MissingWordError)
    for wrong in (7, None, ["bank"]):
        with pytest.raises(TypeError, match="word: found"):
            glove[wrong]  # type: ignore[index]
    for count in (0, -1, "x"):
        with pytest.raises(AttnError, match="topn: found"):
            glove.most_similar("bank", topn=count)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="positive: found no word"):
        glove.most_similar()


def test_numbers_are_those_of_gensim(glove: attncli.WordVectors) -> None:
    """Nearest words, analogies, cosines; and the KeyedVectors have equal arrays, as a copy."""
    pytest.importorskip("gensim")
    theirs = glove.to_gensim()
    assert theirs.index_to_key == glove.words
    assert np.array_equal(theirs.vectors, glove.vectors)
    theirs.vectors[0] *= 2
    assert not np.array_equal(theirs.vectors[0], glove.vectors[0])
    theirs.vectors[0] /= 2
    for positive, negative in (
        (["bank"], []),
        (["king", "woman"], ["man"]),
        (["river", "bank"], []),
    ):
        ours = glove.most_similar(positive, negative, topn=5)
        expected = theirs.most_similar(positive, negative, topn=5)
        assert [word for word, _ in ours] == [word for word, _ in expected]
        np.testing.assert_allclose([c for _, c in ours], [c for _, c in expected], atol=1e-5)
    assert glove.most_similar("bank") == glove.most_similar(["bank"])
    assert glove.similarity("money", "bank") == pytest.approx(theirs.similarity("money", "bank"))


def test_vectors_without_a_list_say_so() -> None:
    """Random ones have one for every word, and no words to be listed."""
    random = attncli.open_vectors("random", dim=4, seed=2)
    assert "xqzzy" in random
    assert np.array_equal(random["money"], attncli.explain("money", vectors=random).embeddings[0])
    assert random
    assert "any word" in repr(random)
    for call in (
        lambda: len(random),
        lambda: random.words,
        lambda: random.vectors,
        lambda: random.most_similar("a"),
        random.to_gensim,
    ):
        with pytest.raises(
            UsageError, match="random-4d-seed-2: these vectors have no list of words"
        ):
            call()


def test_opened_vectors_are_what_was_opened(glove: attncli.WordVectors) -> None:
    """Everything takes them, also to be opened again; equal ones are equal."""
    assert attncli.open_vectors(glove) == glove == attncli.open_vectors("glove")
    assert glove != attncli.open_vectors({"a": [1.0]})
    assert glove != "glove"
    assert len({glove, attncli.open_vectors(glove)}) == 1
    assert attncli.explain("money bank", vectors=glove) == attncli.explain("money bank")
    assert not glove.vectors.flags.writeable
    assert not glove["bank"].flags.writeable


def test_hints_are_notes_of_a_traceback() -> None:
    """What the command prints below an error, Python shows below it."""
    with pytest.raises(AttnError) as fault:
        attncli.explain("bnak", oov="error")
    assert fault.value.__notes__ == [f"hint: {hint}" for hint in fault.value.hints]
    fault.value.hints = ("another",)
    assert fault.value.__notes__ == ["hint: another"]
    assert not hasattr(AttnError("x"), "__notes__")


def test_gensim_that_is_missing_is_named(
    glove: attncli.WordVectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line that installs it, no error of the import."""
    import sys

    monkeypatch.setitem(sys.modules, "gensim", None)
    with pytest.raises(MissingExtraError, match="gensim"):
        glove.to_gensim()
