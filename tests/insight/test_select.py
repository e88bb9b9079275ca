"""Laws of choosing and merging parts of a result."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.errors import EmptyError, UsageError
from attncli.insight.chosen_part import Part
from attncli.insight.select import aggregate, select_heads, select_layers
from attncli.insight.tokens import hide_tokens, merge_pieces
from attncli.results.facts import AttentionSettings, ResultWarning, Token, VectorsInfo
from attncli.results.names import describe, layer_of_vectors, ranges
from attncli.results.pieces import continues_word
from attncli.results.result import AttentionResult
from attncli.results.stack import stack_of

PIECES = [
    ("[CLS]", 0, 0, "[CLS]", "special"),
    ("un", 0, 2, "un", "exact"),
    ("happi", 2, 7, "##happi", "piece"),
    ("ness", 7, 11, "##ness", "piece"),
    ("grows", 12, 17, "grows", "exact"),
    ("[SEP]", 17, 17, "[SEP]", "special"),
]


def made(pieces=PIECES, layers=2, heads=3, seed=0):
    """A result of random numbers over these pieces."""
    rng = np.random.default_rng(seed)
    n = len(pieces)
    weights = rng.random((layers, heads, n, n), dtype=np.float32) + 0.01
    return AttentionResult(
        text="unhappiness grows",
        tokens=tuple(Token(*piece) for piece in pieces),
        attention=AttentionSettings(kind="transformer", n_layers=layers, n_heads=heads),
        weights=weights / weights.sum(-1, keepdims=True),
        contextual=rng.random((n, 4), dtype=np.float32),
        vectors=VectorsInfo("made", 4),
        query=rng.random((layers, heads, n, 2), dtype=np.float32),
        scores=rng.random((layers, heads, n, n), dtype=np.float32),
        hidden_states=rng.random((layers + 1, n, 4), dtype=np.float32),
    )


def test_chosen_layers_and_heads_are_those_of_the_result():
    """A layer and a head of the selection are the very numbers of the whole result."""
    result = made()
    part = select_heads(select_layers(result, [-1]), [2, 0])
    assert part.weights.shape[:2] == (1, 2)
    np.testing.assert_array_equal(part.weights[0, 0], result.weights[1, 2])
    np.testing.assert_array_equal(part.query[0, 1], result.query[1, 0])
    assert part.selection == {"layers": [1], "heads": [2, 0]}
    assert (part.attention.n_layers, part.attention.n_heads) == (1, 2)


def test_a_selection_of_a_selection_names_the_first_numbers():
    """Choosing twice, layers still have the numbers that they have in the model."""
    part = select_layers(select_layers(made(layers=4), [1, 3]), [3])
    assert part.selection == {"layers": [3]}
    np.testing.assert_array_equal(part.weights[0], made(layers=4).weights[3])
    with pytest.raises(UsageError, match="found 0, expected layers 1, 3 "):
        select_layers(select_layers(made(layers=4), [1, 3]), [0])


def test_new_vectors_beside_other_layers_say_after_which_layer_they_are():
    """A choice without the last layer keeps the last layer's new vectors, and every caption says so."""
    whole = made(layers=4)
    part = select_layers(whole, [2, 1])
    assert layer_of_vectors(whole) == layer_of_vectors(part) == 3
    assert describe(part.selection) == "layers 2, 1 · new vectors after layer 3"
    again = select_layers(part, [1])
    assert layer_of_vectors(AttentionResult.from_dict(again.to_dict())) == 3
    assert layer_of_vectors(aggregate(part, ["layers"])) == 3
    for layers in ([3], [0, 3], [3, 1]):
        kept = select_layers(whole, layers)
        assert layer_of_vectors(kept) == 3
        assert describe(kept.selection) == ranges("layers", layers)


def test_a_stack_says_as_its_results_do_after_which_layer_its_vectors_are():
    """A part of many results at once has the selection of the parts one by one."""
    result = replace(made(layers=4), hidden_states=None)
    for layers in ((1,), (1, 3), (3,), (2, 0)):
        part = Part(layers=layers)
        (stack,) = part.of_stack(stack_of(result, 0))
        assert stack.result(0).selection == part.of(result).selection


@pytest.mark.parametrize("layer", [2, -3])
def test_a_layer_that_does_not_exist_is_an_error_of_usage(layer):
    """A layer outside the model is refused with the range that exists."""
    with pytest.raises(UsageError, match="expected 0…1"):
        select_layers(made(), [layer])


def test_a_mean_of_heads_is_the_mean_and_its_rows_sum_to_one():
    """The mean over heads is numpy's mean, and stays a distribution."""
    result = made()
    pooled = aggregate(result, ["heads"], "mean")
    np.testing.assert_allclose(pooled.weights[:, 0], result.weights.mean(1), atol=1e-7)
    np.testing.assert_allclose(pooled.weights.sum(-1), 1, atol=1e-6)
    assert pooled.selection == {"heads": [0, 1, 2], "heads_pooled": "mean"}
    assert pooled.scores is None


def test_a_maximum_over_heads_and_layers_is_the_strongest_link():
    """The maximum over both axes is the largest weight of the cell anywhere."""
    result = made()
    pooled = aggregate(result, ["heads", "layers"], "max")
    np.testing.assert_array_equal(pooled.weights[0, 0], result.weights.max((0, 1)))


def test_merging_averages_queries_and_sums_keys():
    """A word's row is the mean of its pieces' rows, its column the sum of their columns."""
    result = made()
    merged = merge_pieces(result)
    assert merged.words == ["[CLS]", "unhappiness", "grows", "[SEP]"]
    plain = result.weights.astype(np.float64)
    expected = plain[:, :, 1:4][..., 1:4].mean(2).sum(-1)
    np.testing.assert_allclose(merged.weights[:, :, 1, 1], expected, atol=1e-6)
    np.testing.assert_allclose(merged.weights.sum(-1), 1, atol=1e-6)
    np.testing.assert_allclose(merged.contextual[1], result.contextual[1:4].mean(0), atol=1e-6)
    assert merged.hidden_states.shape == (3, 4, 4)
    assert merged.tokens[1] == Token("unhappiness", 0, 11, "unhappiness", "exact")
    assert merged.scores is None


def test_merging_words_that_are_whole_changes_nothing():
    """Without pieces the very same result comes back."""
    result = made([PIECES[0], PIECES[4], PIECES[5]])
    assert merge_pieces(result) is result


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.integers(0, 99))
def test_merging_keeps_the_mass_of_every_row(joins, seed):
    """Whatever is merged, every row sums to 1 and every text is kept in order."""
    pieces = [
        (f"t{at}", at, at + 1, f"t{at}", "piece" if join else "exact")
        for at, join in enumerate(joins)
    ]
    merged = merge_pieces(made(pieces, seed=seed))
    np.testing.assert_allclose(merged.weights.sum(-1), 1, atol=1e-5)
    assert len(merged.tokens) == 1 + sum(not join for join in joins[1:])


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["[CLS]", "play", "##ing", "##"], [False, False, True, False]),
        (["<s>", "New", "ĠYork", "based", "."], [False, False, False, True, False]),
        (["▁un", "happi", "ness", "▁day"], [False, True, True, False]),
    ],
)
def test_marks_of_other_tokenizers_tell_pieces(names, expected):
    """Tokens without a status of ours are grouped by ##, Ġ and ▁."""
    tokens = [Token(name, 0, 0, name, "given") for name in names]
    assert continues_word(tokens) == expected


def test_hiding_special_tokens_rescales_and_says_how_much_went_there():
    """Rows without [CLS] and [SEP] sum to 1, keep their proportions, and the share is said."""
    result = made()
    shown = hide_tokens(result, special=True)
    assert shown.words == ["un", "happi", "ness", "grows"]
    np.testing.assert_allclose(shown.weights.sum(-1), 1, atol=1e-6)
    inner = result.weights[:, :, 1:5, 1:5]
    np.testing.assert_allclose(shown.weights, inner / inner.sum(-1, keepdims=True), atol=1e-6)
    share = 1 - inner.sum() / result.weights[:, :, 1:5].sum()
    assert shown.selection["hidden_share"] == pytest.approx(share, abs=1e-5)
    assert shown.warnings[-1].code == "hidden-tokens"
    assert f"{share:.0%}" in shown.warnings[-1].message
    np.testing.assert_array_equal(shown.scores, result.scores[:, :, 1:5, 1:5])


def test_a_hidden_token_is_named_by_text_or_key():
    """A name hides the token whose text or vocabulary piece it is, and no other."""
    assert hide_tokens(made(), ["##ness"]).words == ["[CLS]", "un", "happi", "grows", "[SEP]"]
    assert hide_tokens(made(), ["absent"]).words == made().words


@given(st.integers(0, 99), st.sampled_from(["", "merge", "special", "head"]))
def test_hiding_the_first_token_hides_place_0_of_the_whole_text(seed, before):
    """It is the token that stood first in the text, whatever was done before; the rest is rescaled."""
    result = made(seed=seed)
    part = {
        "": Part(),
        "merge": Part(merge=True),
        "special": Part(hide=("special",)),
        "head": Part(heads=(1,)),
    }[before].of(result)
    shown = Part(hide=("first",)).of(part)
    if before == "special":
        assert shown is part  # [CLS] is gone, and "un" is not the first
        return
    assert shown.words == part.words[1:]
    for layer in range(part.weights.shape[0]):
        for head in range(part.weights.shape[1]):
            for i, row in enumerate(part.weights[layer, head].tolist()[1:]):
                rest = [weight / sum(row[1:]) for weight in row[1:]]
                np.testing.assert_allclose(shown.weights[layer, head, i], rest, atol=1e-6)
    gone = part.weights[:, :, 1:, 0].astype(np.float64).mean()
    assert shown.selection["hidden_share"] == pytest.approx(gone, abs=1e-5)
    assert shown.selection["places"][0] == 1
    assert "[CLS]" in shown.warnings[-1].message
    assert f"{gone:.0%}" in shown.warnings[-1].message
    assert Part(hide=("first",)).of(shown) is shown


@pytest.mark.parametrize("word", ["first", "special"])
def test_a_token_that_is_spelled_as_a_kind_is_named_in_quotes(word):
    """first and special say a kind of token; in double quotes they are the token's own text."""
    names = ["the", word, "grows", f'"{word}"']
    result = made([(name, 0, 0, name, "exact") for name in names])
    kind = [] if word == "special" else ["the"]
    assert hide_tokens(result, [word]).words == [name for name in names if name not in kind]
    assert hide_tokens(result, [f'"{word}"']).words == ["the", "grows"]


@given(st.integers(0, 99))
def test_words_merged_after_hiding_keep_their_places(seed):
    """Words stand where they would if they had been merged first and hidden then."""
    merged = merge_pieces(hide_tokens(made(seed=seed), ["grows"]))
    assert merged.words == ["[CLS]", "unhappiness", "[SEP]"]
    hidden = hide_tokens(merge_pieces(made(seed=seed)), ["grows"])
    assert merged.selection["places"] == hidden.selection["places"] == [0, 1, 3]
    assert hide_tokens(merged, ["first"]).selection["places"] == [1, 3]


def test_hiding_everything_is_an_error():
    """No token left is said, never an empty matrix."""
    with pytest.raises(EmptyError):
        hide_tokens(made(), [piece[0] for piece in PIECES])


def test_warnings_follow_their_tokens():
    """Positions in warnings are those of the tokens that are left."""
    warned = replace(made(), warnings=(ResultWarning("x", "y", (0, 3, 4)),))
    assert hide_tokens(warned, special=True).warnings[0].tokens == (2, 3)
    assert merge_pieces(warned).warnings[0].tokens == (0, 1, 2)


def test_a_selected_result_is_read_back_whole():
    """The record keeps what was selected, the pair and its segments."""
    part = hide_tokens(select_layers(made(), [1]), special=True)
    part = replace(part, pair="banks", segments=(0, 0, 0, 1))
    assert AttentionResult.from_dict(part.to_dict()) == part


def test_a_caption_says_what_is_shown():
    """Layers, pooling, merging and hiding are named in one line."""
    part = hide_tokens(merge_pieces(aggregate(select_layers(made(), [1]))), special=True)
    caption = "layer 1 · mean of heads 0–2 · pieces merged · hidden: [CLS] [SEP]"
    assert describe(part.selection) == caption
    assert describe(None) == ""


def test_a_merged_word_has_no_space_around_it():
    """Where the space before a word is a piece of its own, the word is without it."""
    pieces = [
        ("unhappiness", 0, 11, "unhappiness", "exact"),
        (" ", 11, 12, "Ġ", "exact"),
        ("grows", 12, 17, "grows", "piece"),
    ]
    assert merge_pieces(made(pieces)).tokens[1] == Token("grows", 12, 17, "Ġgrows", "exact")
