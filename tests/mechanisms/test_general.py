"""Laws of the Analyser: sentences in, results out, in order, each the same as if it were alone."""

import math
import re
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import attention_by_loops, score_rows

import attncli
from attncli.attention.core import attend
from attncli.attention.general import matching_rows, score_scale
from attncli.attention.masks import attention_mask
from attncli.embeddings.seeded import SeededStore
from attncli.embeddings.store import MemoryStore
from attncli.errors import (
    AttnError,
    DataError,
    EmptyError,
    LimitError,
    NumericError,
    UnknownWordError,
    UsageError,
)
from attncli.insight.degenerate import degenerate
from attncli.mechanisms.general import GeneralAnalyser, GeneralSettings
from attncli.reading.reader import ReadingSettings
from attncli.results.json import result_json
from attncli.results.result import AttentionResult
from attncli.results.stack import Stack
from attncli.results.top import strongest_of_rows

COMMON = ["money", "bank", "river", "the", "grows", "king", "paris", "of", "3.5", "frog", "not"]
SENTENCES = st.lists(st.sampled_from(COMMON), min_size=1, max_size=7).map(" ".join)
SETTINGS = st.builds(
    GeneralSettings,
    score=st.sampled_from(["scaled", "dot", "cosine"]),
    temperature=st.floats(0.05, 50),
    causal=st.booleans(),
    window=st.none() | st.integers(0, 3),
    see_self=st.booleans(),
)


def expected(embeddings, settings):
    """Contextual vectors and weights by three plain loops."""
    n = len(embeddings)
    mask = attention_mask(
        n, causal=settings.causal, window=settings.window, see_self=settings.see_self
    )
    rows, scale = score_rows(embeddings, settings.score)
    return attention_by_loops(
        rows,
        rows,
        embeddings,
        scale=scale / settings.temperature,
        allowed=lambda i, j: mask is None or bool(mask[i, j]),
    )


@given(SENTENCES, SETTINGS)
def test_real_words_equal_three_loops(glove, sentence, settings):
    """On GloVe vectors every score, mask and temperature is within 1e-6 of three plain loops."""
    result = next(GeneralAnalyser(glove, settings=settings)([sentence]))
    embeddings = glove.vectors([glove.row(word) for word in sentence.split()])
    contextual, weights = expected(embeddings, settings)
    np.testing.assert_allclose(result.weights[0, 0], weights, atol=1e-6)
    np.testing.assert_allclose(result.contextual, contextual, atol=1e-6)
    sums = result.weights[0, 0].sum(-1)
    assert (np.isclose(sums, 1, atol=1e-6) | (sums == 0)).all()


@given(st.lists(SENTENCES, max_size=8), SETTINGS)
def test_a_sentence_among_others_is_the_same_as_alone(glove, sentences, settings):
    """Stacking by length changes neither the order nor, beyond 1e-6, the numbers."""
    analyser = GeneralAnalyser(glove, settings=settings, include=frozenset({"scores"}))
    results = list(analyser(sentences))
    assert [result.text for result in results] == sentences
    assert [result.index for result in results] == list(range(len(sentences)))
    for sentence, result in zip(sentences, results, strict=True):
        alone = next(analyser([sentence]))
        assert result.tokens == alone.tokens
        np.testing.assert_allclose(result.weights, alone.weights, atol=1e-6)
        np.testing.assert_allclose(result.contextual, alone.contextual, atol=1e-6)


def test_bank_differs_between_money_and_river(glove):
    """Two different vectors, each nearer to its own neighbors than the static vector is."""
    money, river = GeneralAnalyser(glove, include=frozenset({"embeddings"}))(
        ["money bank grows", "river bank flows"]
    )

    def cosine(one, other):
        return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))

    assert not np.allclose(money.contextual[1], river.contextual[1], atol=1e-3)
    for result in (money, river):
        static, new = result.embeddings[1], result.contextual[1]
        for neighbor in (0, 2):
            other = result.embeddings[neighbor]
            assert cosine(new, other) > cosine(static, other)
    own, foreign = money.embeddings[0], river.embeddings[0]
    assert cosine(money.contextual[1], own) > cosine(river.contextual[1], own)
    assert cosine(river.contextual[1], foreign) > cosine(money.contextual[1], foreign)


def test_failures_are_outcomes_of_their_own(six_words):
    """A sentence that fails keeps its place; a call raises the first failure."""
    analyser = GeneralAnalyser(six_words, ReadingSettings(oov="error"))
    texts = ["money bank", "", "bank", "xyzzy bank", "...", "the river"]
    found = [type(outcome) for outcome in analyser.outcomes(texts)]
    assert found == [
        *(AttentionResult, EmptyError, AttentionResult),
        *(UnknownWordError, EmptyError, AttentionResult),
    ]
    with pytest.raises(EmptyError):
        list(analyser(texts))


def test_a_long_sentence_is_computed_in_blocks_and_is_the_same(monkeypatch):
    """Blocks of rows are an arrangement of the work, not of the numbers."""
    store = SeededStore(8)
    text = " ".join(f"w{i % 97}" for i in range(150))
    settings = GeneralSettings(causal=True, score="cosine")
    whole = next(GeneralAnalyser(store, settings=settings)([text]))
    monkeypatch.setattr("attncli.attention.by_rows._LONG", 100)
    monkeypatch.setattr("attncli.attention.by_rows.MOST_ROWS", 32)
    blocks = next(GeneralAnalyser(store, settings=settings)([text]))
    np.testing.assert_allclose(blocks.weights, whole.weights, atol=1e-7)
    np.testing.assert_allclose(blocks.contextual, whole.contextual, atol=1e-6)


LONG = " ".join(f"w{i % 97}" for i in range(1300))


@pytest.mark.parametrize(
    "settings",
    [
        GeneralSettings(),
        GeneralSettings(score="cosine", causal=True),
        GeneralSettings(score="dot", window=3),
        GeneralSettings(see_self=False),
        GeneralSettings(score="dot", temperature=0.001),  # one key takes all
        GeneralSettings(temperature=1000.0),  # all are alike
        GeneralSettings(target_self=0.03),
    ],
)
@pytest.mark.parametrize("size", [1.0, 9.0])  # float32, and float64
def test_what_nobody_reads_of_a_long_sentence_changes_nothing_else(settings, size):
    """The new embeddings and warnings of a batch are those of one that keeps the weights too."""
    words = [f"w{i}" for i in range(97)]
    matrix = np.random.default_rng(0).standard_normal((97, 8)).astype(np.float32)
    store = MemoryStore("some", words, matrix * np.float32(size))
    analyser = GeneralAnalyser(store, settings=settings)
    (kept,) = analyser.quick().stacks([LONG])
    (made,) = analyser.quick(frozenset({"weights"})).stacks([LONG])
    assert kept.weights is not None
    assert made.weights is None
    np.testing.assert_array_equal(made.contextual, kept.contextual)
    assert made.warnings == kept.warnings
    assert made.attention == kept.attention


@pytest.mark.parametrize("score", ["scaled", "dot", "cosine"])
@pytest.mark.parametrize("size", [1.0, 9.0])
def test_a_long_sentence_has_the_attention_of_its_tokens(score, size):
    """Made word by word it is what `attend` says of all tokens, unknown words among them."""
    matrix = np.random.default_rng(0).standard_normal((90, 8)).astype(np.float32) * np.float32(size)
    store = MemoryStore("some", [f"w{i}" for i in range(90)], matrix)
    include = frozenset({"embeddings", "measures"})
    analyser = GeneralAnalyser(store, settings=GeneralSettings(score=score), include=include)
    result = next(analyser([LONG]))
    assert result.tokens[93].status == "random"
    x = matching_rows(result.embeddings.astype(np.float64), score)
    scale = score_scale(score, 8)
    contextual, weights = attend(x, x, result.embeddings.astype(np.float64), scale=scale)
    np.testing.assert_allclose(result.contextual, contextual, rtol=3e-7, atol=1e-6 * size)
    np.testing.assert_allclose(result.weights[0, 0], weights, rtol=3e-7, atol=1e-12)
    assert result.measures["mean_self_weight"] == pytest.approx(weights.diagonal().mean())


def test_equal_words_of_a_long_sentence_have_equal_weights():
    """To the bit, so that of equal words the earliest are its strongest keys."""
    result = next(GeneralAnalyser(SeededStore(8))([LONG]))
    weights = result.weights[0, 0]
    np.testing.assert_array_equal(weights[:, :300], weights[:, 97:397][:, :300])
    keys, _ = strongest_of_rows(weights, 3)
    np.testing.assert_array_equal(keys[:97], keys[97:194])
    assert (keys[:, 0] < 97).all()


def test_many_words_of_a_long_sentence_are_exact_to_1e_6_in_float32(monkeypatch):
    """Those whose scores are small; what a batch gives is what float64 gives."""
    monkeypatch.setattr("attncli.mechanisms.general._FEW_WORDS", 50)
    matrix = np.random.default_rng(0).standard_normal((97, 8)).astype(np.float32)
    matrix[::4] *= 5
    store = MemoryStore("some", [f"w{i}" for i in range(97)], matrix)
    (made,) = GeneralAnalyser(store).quick(frozenset({"weights"})).stacks([LONG])
    exact = next(GeneralAnalyser(store)([LONG]))
    np.testing.assert_allclose(made.contextual[0], exact.contextual, atol=1e-6)


def test_a_long_sentence_does_not_depend_on_those_before():
    """The same bits alone, behind others, and where its words have other places in memory."""
    store = SeededStore(8)
    analyser = GeneralAnalyser(store).quick(frozenset({"weights"}))
    (alone,) = analyser.stacks([LONG])
    behind = GeneralAnalyser(store).quick(frozenset({"weights"}))
    before = " ".join(f"w{i}" for i in range(300, 40, -1))
    again = next(stack for stack in behind.stacks([before, LONG]) if stack.places == [1])
    np.testing.assert_array_equal(alone.contextual, again.contextual)


@pytest.mark.parametrize("settings", [GeneralSettings(), GeneralSettings(causal=True)])
@pytest.mark.parametrize("size", [1.0, 9.0])
def test_new_vectors_of_a_long_sentence_are_made_to_be_read(settings, size):
    """Without them warnings stay as they are."""
    matrix = np.full((97, 8), size, dtype=np.float32)  # all weights are alike
    store = MemoryStore("some", [f"w{i}" for i in range(97)], matrix)
    analyser = GeneralAnalyser(store, settings=settings)
    (whole,) = analyser.quick(frozenset({"weights"})).stacks([LONG])
    (lean,) = analyser.quick(frozenset({"weights", "contextual"})).stacks([LONG])
    assert lean.contextual is None
    assert lean.warnings == whole.warnings
    assert [w.code for w in lean.warnings[0]] == ["degenerate-uniform"]
    (bare,) = analyser.quick(frozenset({"weights", "contextual", "warnings"})).stacks([LONG])
    assert bare.contextual is None


@pytest.mark.parametrize("settings", [GeneralSettings(), GeneralSettings(causal=True)])
def test_a_long_sentence_that_is_not_finite_fails_whatever_is_read(settings):
    """With its weights, without them, and where only tokens are read."""
    cold = GeneralAnalyser(huge(3e38), settings=replace(settings, temperature=1e-300))
    for unread in (
        (),
        ("weights",),
        ("weights", "contextual"),
        ("weights", "contextual", "warnings"),
    ):
        (failure,) = cold.quick(frozenset(unread)).stacks(["a b " * 600])
        assert "not be finite" in failure.error.message


BARE = frozenset({"weights", "contextual", "warnings"})


@pytest.mark.parametrize("score", ["scaled", "dot", "cosine"])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("text", ["a b", "a b " * 600])
@pytest.mark.parametrize(
    ("value", "temperature"),
    [(9.0, 0.01), (1e18, 1.0), (3e38, 1e-300), (1e19, 1e-290)],
)
def test_where_nothing_is_weighed_the_same_sentences_fail(score, causal, text, value, temperature):
    """Of those that do not fail nothing is computed, whatever float32 is exact enough for."""
    settings = GeneralSettings(score=score, causal=causal, temperature=temperature)
    analyser = GeneralAnalyser(huge(value), settings=settings)
    ((whole,), (bare,)) = (
        list(analyser.quick(unread).stacks([text])) for unread in (frozenset(), BARE)
    )
    assert type(bare) is type(whole)
    if isinstance(bare, Stack):
        assert [run.tokens() for run in bare.tokens] == [run.tokens() for run in whole.tokens]
        if value < 1e19:
            assert (bare.weights, bare.contextual) == (None, None)
    else:
        assert temperature < 1e-280


def test_weights_of_a_long_sentence_that_nobody_reads_take_no_memory():
    """Of 3,000 tokens they would take 36 MB; a block of their rows takes six."""
    text = " ".join(f"w{i % 97}" for i in range(3000))
    analyser = GeneralAnalyser(SeededStore(8)).quick(frozenset({"weights"}))
    tracemalloc.start()
    (stack,) = analyser.stacks([text])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert stack.contextual.shape == (1, 3000, 8)
    assert peak < 25e6


def test_a_result_without_weights_is_the_same_but_for_them():
    """Of a long text it says that it does not know them, and holds none; its record has the same rest."""
    text = " ".join(f"w{i % 97}" for i in range(3000))
    analyser = GeneralAnalyser(SeededStore(8), include=frozenset({"embeddings"}))
    whole = next(analyser([text]))
    tracemalloc.start()
    lean = next(analyser.lean(frozenset({"weights"}))([text]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 25e6
    assert lean.unknown == ("weights",)
    rest = {"exclude": ["weights"], "include": ["embeddings"]}
    assert result_json(lean, **rest) == result_json(whole, **rest)
    short = next(analyser.lean(frozenset({"weights"}))(["w1 w2"]))
    assert short == next(analyser(["w1 w2"]))


def test_memory_is_asked_for_what_is_held(monkeypatch):
    """A long sentence is refused where its weights have no place, not where they are forgotten."""
    monkeypatch.setattr("attncli.arrays.memory.available_memory", lambda: 50_000_000)
    text = " ".join(f"w{i % 97}" for i in range(2500))
    store = SeededStore(8)
    with pytest.raises(LimitError, match="2500 tokens need"):
        next(GeneralAnalyser(store).quick()([text]))
    lean = GeneralAnalyser(store).quick(frozenset({"weights"}))
    assert next(lean.stacks([text])).contextual.shape == (1, 2500, 8)
    causal = GeneralAnalyser(store, settings=GeneralSettings(causal=True))
    with pytest.raises(LimitError, match="2500 tokens need"):  # its mask is as large
        next(causal.quick(frozenset({"weights"}))([text]))


@given(
    SENTENCES, st.floats(0.05, 0.95), st.sampled_from(["scaled", "dot", "cosine"]), st.booleans()
)
def test_target_self_is_reached(glove, sentence, target, score, causal):
    """The mean self-weight is the one asked for to 1e-6, or the error says what it can be."""
    settings = GeneralSettings(score=score, target_self=target, causal=causal)
    try:
        result = next(GeneralAnalyser(glove, settings=settings)([sentence]))
    except UsageError as error:
        low, high = map(float, re.search(r"can be ([\d.]+) to ([\d.]+)", str(error)).groups())
        assert not low + 2e-3 < target < high - 2e-3
        return
    reached = np.diagonal(result.weights[0, 0]).astype(np.float64).mean()
    assert math.isclose(reached, target, abs_tol=1e-6)
    assert result.attention.temperature > 0


@given(SENTENCES, st.sampled_from(["dot", "scaled", "cosine"]), st.sampled_from([0.01, 1.0, 500.0]))
def test_a_degenerate_matrix_is_noticed_and_the_way_out_works(glove, sentence, score, temperature):
    """The warning comes exactly when the matrix is degenerate; its hint gives one that is not."""
    settings = GeneralSettings(score=score, temperature=temperature)
    result = next(GeneralAnalyser(glove, settings=settings)([sentence]))
    warned = [w for w in result.warnings if w.code.startswith("degenerate")]
    assert bool(warned) == (degenerate(result.weights[0, 0]) is not None)
    hint = re.search(r"target_self=(0\.\d)", warned[0].message) if warned else None
    if hint:
        again = GeneralSettings(score=score, target_self=float(hint[1]))
        result = next(GeneralAnalyser(glove, settings=again)([sentence]))
        assert degenerate(result.weights[0, 0]) is None


def test_dot_on_glove_is_degenerate(glove):
    """Raw dot products give the identity, and the tool says so with a way out."""
    result = next(
        GeneralAnalyser(glove, settings=GeneralSettings(score="dot"))(["money bank grows"])
    )
    (warning,) = result.warnings
    assert warning.code == "degenerate-one-key"
    assert "target_self=0.7" in warning.message


def test_unknown_words_keep_their_place_and_are_named(six_words):
    """Status in the token, a warning with the positions, and the seeded vector."""
    result = next(GeneralAnalyser(six_words)(["money xyzzy Bank"]))
    assert [token.status for token in result.tokens] == ["exact", "random", "lower"]
    (warning,) = result.warnings
    assert (warning.code, warning.tokens) == ("unknown-word", (1,))
    assert '"xyzzy"' in warning.message


def test_only_unknown_words_carry_no_meaning(six_words):
    """Said for random vectors; with skip nothing is left."""
    result = next(GeneralAnalyser(six_words)(["xyzzy plugh"]))
    assert {warning.code for warning in result.warnings} >= {"unknown-word", "no-known-word"}
    with pytest.raises(EmptyError, match="six-words"):
        list(GeneralAnalyser(six_words, ReadingSettings(oov="skip"))(["xyzzy plugh"]))


def test_skipped_words_are_named(six_words):
    """They are not in the tokens, and the warning says which they were."""
    result = next(GeneralAnalyser(six_words, ReadingSettings(oov="skip"))(["money xyzzy bank"]))
    assert [(t.text, t.start) for t in result.tokens] == [("money", 0), ("bank", 12)]
    assert result.warnings[0].message.endswith("left out")


def test_contractions_are_those_of_glove(glove):
    """ "don't" is do + n't in GloVe; offsets slice back to the sentence."""
    text = "I don’t bank on New York-based e-mail"
    result = next(GeneralAnalyser(glove)([text]))
    words = ["I", "do", "n’t", "bank", "on", "New", "York", "based", "e-mail"]
    assert [token.text for token in result.tokens] == words
    assert all(text[t.start : t.end] == t.text for t in result.tokens)
    assert all(t.status in ("exact", "lower") for t in result.tokens)


def test_too_many_tokens_are_refused_with_their_size(six_words):
    """The message says what 200,000 tokens need, and the hint raises the limit."""
    with pytest.raises(LimitError, match=r"200000 tokens need 149\.0 GiB") as caught:
        list(GeneralAnalyser(six_words)(["bank " * 200_000]))
    assert caught.value.hints == ("max_tokens=200000 raises the limit",)


def test_more_than_the_memory_is_refused_even_with_a_raised_limit(six_words):
    """A matrix that the machine cannot hold is refused before it is begun."""
    reading = ReadingSettings(max_tokens=10**7)
    with pytest.raises(LimitError, match=r"596\.0 GiB of memory"):
        list(GeneralAnalyser(six_words, reading)(["bank " * 200_000]))


def huge(value):
    """A store of two words with values of this size."""
    matrix = np.array([[value, value], [value, -value]], dtype=np.float32)
    return MemoryStore("huge", ["a", "b"], matrix)


@pytest.mark.parametrize("score", ["scaled", "dot", "cosine"])
@pytest.mark.parametrize("value", [1e2, 1e19, 3e38, 1e-38, 1e-45])
def test_embeddings_of_any_size_give_finite_weights(value, score):
    """Computed in float64, no finite float32 embedding overflows."""
    result = next(GeneralAnalyser(huge(value), settings=GeneralSettings(score=score))(["a b a"]))
    assert np.isfinite(result.weights).all()
    np.testing.assert_allclose(result.weights.sum(-1), 1, atol=1e-6)


def test_what_would_not_be_finite_is_an_error():
    """Overflow of the computation, and of scores that were asked for, is said; nothing is changed."""
    cold = GeneralAnalyser(huge(3e38), settings=GeneralSettings(temperature=1e-300))
    with pytest.raises(NumericError, match="not be finite"):
        list(cold(["a b"]))
    with pytest.raises(NumericError, match="scores"):
        list(GeneralAnalyser(huge(3e38), include=frozenset({"scores"}))(["a b"]))


def test_optional_fields_are_those_of_the_computation(glove):
    """scores are what the softmax saw; query and key are the rows whose products they are."""
    settings = GeneralSettings(score="cosine", temperature=0.5)
    fields = frozenset({"embeddings", "query", "key", "value", "scores", "measures"})
    result = next(GeneralAnalyser(glove, settings=settings, include=fields)(["money bank grows"]))
    scores = result.scores[0, 0].astype(np.float64)
    weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    np.testing.assert_allclose(result.weights[0, 0], weights, atol=1e-6)
    products = result.query[0, 0] @ result.key[0, 0].T
    np.testing.assert_allclose(products / 0.5, scores, atol=1e-5)
    np.testing.assert_array_equal(result.value[0, 0], result.embeddings)
    assert result.measures["mean_self_weight"] == pytest.approx(
        np.diagonal(weights).mean(), abs=1e-6
    )


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: GeneralSettings(temperature=0),
        lambda: GeneralSettings(temperature=-1.0),
        lambda: GeneralSettings(temperature=math.nan),
        lambda: GeneralSettings(temperature=math.inf),
        lambda: GeneralSettings(target_self=1.0),
        lambda: GeneralSettings(window=-1),
        lambda: GeneralSettings(score="euclid"),
        lambda: ReadingSettings(tokenizer="pieces"),
        lambda: ReadingSettings(oov="ignore"),
        lambda: attncli.explain("bank", include=["embedings"]),
    ],
)
def test_a_setting_out_of_range_is_refused(wrong):
    """From Python too, with the name of the setting."""
    with pytest.raises(UsageError) as caught:
        wrong()
    assert caught.value.place


def test_a_lone_surrogate_is_no_text(six_words):
    """Text that no UTF-8 file could hold is refused, not passed on into a record."""
    with pytest.raises(DataError, match="character 6"):
        list(GeneralAnalyser(six_words)(["bank \ud800"]))


@given(st.text(max_size=30), st.sampled_from(["words", "whitespace", "chars"]))
def test_any_text_gives_a_result_or_a_stated_error(six_words, text, tokenizer):
    """Whatever the sentence, no other exception; tokens slice back; rows sum to 1."""
    (outcome,) = GeneralAnalyser(six_words, ReadingSettings(tokenizer=tokenizer)).outcomes([text])
    if isinstance(outcome, AttnError):
        assert isinstance(outcome, EmptyError | DataError)
    else:
        assert all(text[t.start : t.end] == t.text for t in outcome.tokens)
        np.testing.assert_allclose(outcome.weights.sum(-1), 1, atol=1e-6)


def test_the_front_door_is_the_analyser(glove):
    """attncli.explain gives what the command computes, embeddings included."""
    result = attncli.explain("money bank grows")
    assert result.embeddings is not None
    assert result == next(
        GeneralAnalyser(glove, include=frozenset({"embeddings"}))(["money bank grows"])
    )
    assert result.weights[0, 0, 0].round(2).tolist() == pytest.approx([0.78, 0.19, 0.03])


def test_the_front_door_names_what_it_has():
    """dir() and a wrong name."""
    assert {"explain", "attend", "__version__"} <= set(dir(attncli))
    with pytest.raises(AttributeError, match="explian"):
        attncli.explian  # noqa: B018 - the look-up is the test
