"""The symbols of the lecture's notes: e_money(new) = w₁₁·e_m + w₁₂·e_b + w₁₃·e_g.

A word's embedding is e with as much of the word as tells it from the others; w₁₂ is how much the
first word attends to the second. Below stand the numbers: = 0.78·e_m + 0.19·e_b + 0.03·e_g.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from attncli.insight.subscripts import Names, symbol_names
from attncli.insight.sums import Sums, Terms
from attncli.results.result import AttentionResult


class Signs(NamedTuple):
    """How a view writes a symbol with the name of a word, a word, a weight, a product, plain text."""

    symbol: Callable[[str, str], str]
    name: Callable[[str], str]
    weight: Callable[[Names, int, int], str] = Names.weight
    times: str = "·"
    text: Callable[[str], str] = str


def names_of_result(result: AttentionResult) -> Names:
    """The names of the words of a result, and of those that they attend to."""
    return symbol_names(result.words, result.key_words if result.is_cross else None)


def text_signs(shown: Callable[[str], str] = str) -> Signs:
    """Signs of plain text, words as `shown` gives them: e_m."""
    return Signs(lambda letter, name: f"{letter}_{shown(name)}", shown)


def lecture_equation(
    names: Names, query: int, rounded: Terms, sums: Sums, left: str, signs: Signs
) -> tuple[str, str]:
    """A row in symbols, and the same with its numbers; the second is empty where there is none.

    Where the weights are no coefficients it is a list of them.
    """
    weights = [signs.weight(names, query, key) for key in rounded.places]
    others = signs.text(f"the other {rounded.others}")
    if sums.terms is None:
        listed = [f"{w} = {c}" for w, c in zip(weights, rounded.coefficients, strict=False)]
        listed += [f"{others}: {rounded.coefficients[-1]}"] if rounded.others else []
        return (
            f"{signs.name(names.words[query])}: {'; '.join(listed or [signs.text(_NOTHING)])}",
            "",
        )
    new = f"{signs.symbol('e', names.left[query])}({signs.text(left or sums.left)})"
    if not rounded.coefficients:
        return f"{new} = 0 ({signs.text(_NOTHING)})", ""
    letter = "v" if sums.terms == "values" else "e"
    vectors = [signs.symbol(letter, names.subscripts[key]) for key in rounded.places]
    symbols = [f"{w}{signs.times}{v}" for w, v in zip(weights, vectors, strict=True)]
    rest = [f"({others})"] if rounded.others else []
    numbers = [
        f"{coefficient}{signs.times}{vector}"
        for coefficient, vector in zip(rounded.coefficients, [*vectors, *rest], strict=True)
    ]
    return f"{new} = {' + '.join([*symbols, *rest])}", f"= {' + '.join(numbers)}"


def weights_title(names: Names, signs: Signs) -> str:
    """What a matrix of weights holds, said of one of them."""
    query, key = example_of(names)
    is_own = key == query and not names.others
    other = "itself" if is_own else signs.name(names.keys[key])
    weight = signs.weight(names, query, key)
    return f"{weight} is how much {signs.name(names.left[query])} attends to {other}"


def example_of(names: Names, query: int = 0) -> tuple[int, int]:
    """A word and another that stand for all pairs: w₁₂, or w₂₁; w₁₁ where there is one word."""
    return query, 0 if query else min(1, len(names.keys) - 1)


def symbols_line(names: Names, shown: Sequence[int], letter: str, signs: Signs) -> str:
    """Which word each symbol stands for."""
    pairs = (
        f"{signs.symbol(letter, names.subscripts[at])} {signs.name(names.keys[at])}" for at in shown
    )
    return ", ".join(pairs)


_NOTHING = "nothing to attend to"
