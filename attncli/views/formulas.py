"""The formula of each stage: for words, or for one pair of them in the symbols of the lecture.

`names` are those of the words in the symbols, None without these; `followed` is the place of the
first word that is followed.
"""

import numpy as np

from attncli.insight.stages import Head
from attncli.insight.subscripts import Names
from attncli.results.result import AttentionResult
from attncli.views.ink import Ink
from attncli.views.notation import example_of

_ATTENDED = ("k", "v")  # the vectors of words that are attended to


def vector_name(
    letter: str, place: int, result: AttentionResult, ink: Ink, names: Names | None
) -> str:
    """What a vector of a word is called: x(money), in the symbols of the lecture e_m.

    Without a letter it is a new vector: money, or e_money. The word of k and v is one of those that
    are attended to.
    """
    if names is None:
        word = ink.word((result.key_words if letter in _ATTENDED else result.words)[place])
        return f"{letter}({word})" if letter else word
    if not letter:
        return f"e_{ink.word(names.left[place])}"
    if names.others and letter not in _ATTENDED:  # subscripts are those of the other text
        return f"{letter}_{ink.word(names.left[place])}"
    return f"{'e' if letter == 'x' else letter}_{ink.word(names.subscripts[place])}"


def _example(names: Names, followed: int) -> tuple[int, int]:
    """The pair of words that formulas are written for: the first that is followed, and another."""
    return example_of(names, followed)


def weight_formula(names: Names | None, followed: int) -> str:
    """The softmax."""
    if names is None:
        return "A = softmax(S): e^(s − max s) ÷ Σ e^(s − max s)"
    weight = names.weight(*_example(names, followed))
    return f"{weight} = softmax of {weight.replace('w', 's')}: e^(s − max s) ÷ Σ e^(s − max s)"


def score_formula(result: AttentionResult, ink: Ink, names: Names | None, followed: int) -> str:
    """The products of queries and keys."""
    is_plain = result.attention.compares_embeddings
    if names is not None:
        row, other = _example(names, followed)
        score = names.weight(row, other).replace("w", "s")
        query, key = ("x", "x") if is_plain else ("q", "k")
        left, right = (
            vector_name(query, row, result, ink, names),
            vector_name(key, other, result, ink, names),
        )
        return f"{'X·Xᵀ' if is_plain else 'Q·Kᵀ'}: {score} = {left}·{right}"
    if is_plain:
        return "X·Xᵀ: s(word, other) = x(word)·x(other)"
    return "Q·Kᵀ: s(word, other) = q(word)·k(other)"


def scale_formula(result: AttentionResult, head: Head) -> str:
    """What is done to the products before the softmax."""
    settings = result.attention
    width = head.query.shape[-1]
    if np.isclose(settings.scale, width**-0.5, rtol=1e-5):
        factor = f"÷ √{width}"
    else:
        factor = "× " + f"{settings.scale:.6g}"
    text = f"scaled scores S {factor}"
    if settings.temperature != 1:
        text += f" ÷ temperature {settings.temperature:.6g}"
    if head.bias is not None:
        text += " + b, a learned bias for each distance of other from word"
    elif not head.plain:
        text += ", and what this model adds to them"
    return text + (", masked ones −∞" if np.isneginf(head.scaled).any() else "")
