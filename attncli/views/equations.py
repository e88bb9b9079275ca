"""The new embeddings in the lecture's notation: money(new) = 0.78·money + 0.19·bank + 0.03·grows.

Every coefficient is its weight correctly rounded, so that equal weights look equal and every digit is
true. Where those shown would not add up to what the row adds up to (1) they get more digits, up to
those of the matrix beside them, and then are its numbers. Long rows show their largest terms and
the sum of the rest.
Where the weights are no coefficients (`attncli.insight.sums`) a row is a list: money: 0.78 money; …
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.segment import Segment

from attncli.arrays import FloatArray
from attncli.insight.sums import PLAIN, Sums, Terms, sums_of
from attncli.results.result import AttentionResult
from attncli.views.encoder_states import taken_line
from attncli.views.ink import Ink, Line, width_of, word, wrapped

if TYPE_CHECKING:
    from attncli.insight.subscripts import Names
    from attncli.views.notation import Signs

MAX_TERMS = 8


def rounded_to_sum(row: FloatArray, digits: int) -> list[int]:
    """The row in units of 10^−digits, rounded so that the units add up to the rounded sum.

    Shapes: row (n,) of numbers ≥ 0. Each is less than one unit from its exact value.

    >>> rounded_to_sum(np.array([1 / 3, 1 / 3, 1 / 3]), 2)
    [34, 33, 33]
    """
    exact = np.asarray(row, dtype=np.float64) * 10**digits
    units = np.floor(exact)
    missing = round(float(exact.sum())) - int(units.sum())
    order = np.argsort(-(exact - units), kind="stable")
    units[order[: max(missing, 0)]] += 1
    return [int(unit) for unit in units]


def terms(
    row: FloatArray, *, digits: int = 2, beside: int | None = None, max_terms: int = MAX_TERMS
) -> Terms:
    """The terms of a row, in the order of the sentence; none for a row of zeros.

    Each is correctly rounded to the fewest digits, from `digits` to those `beside` (of the matrix
    that stands next to them), with which they add up to what the row adds up to; where none does,
    to the most, as the matrix prints them.

    >>> terms(np.array([1 / 3, 1 / 3, 1 / 3]), beside=2)
    Terms(coefficients=('0.33', '0.33', '0.33'), places=(0, 1, 2), others=0)
    """
    exact = np.asarray(row, dtype=np.float64)  # (n,)
    places = np.arange(len(exact))
    if len(exact) > max_terms:
        places = np.sort(np.argsort(-exact, kind="stable")[: max_terms - 1])
    others = len(exact) - len(places)
    shown = exact[places]
    if others:
        shown = np.append(shown, max(float(exact.sum() - shown.sum()), 0.0))
    total = float(shown.sum())
    if round(total * 10**digits) == 0:
        return Terms((), (), 0)
    most = max(digits, beside or 0)
    while digits < most and not _adds_up(rounded(shown, digits), total, digits):
        digits += 1
    return Terms(rounded(shown, digits), tuple(places.tolist()), others)


def rounded(row: FloatArray, digits: int) -> tuple[str, ...]:
    """Each number of a row with `digits`, as a matrix prints it. Shapes: row (n,)."""
    return tuple(f"{value:.{digits}f}" for value in np.asarray(row, dtype=np.float64).tolist())


def _adds_up(coefficients: Sequence[str], total: float, digits: int) -> bool:
    """Whether the coefficients add up to the rounded total."""
    whole = 10.0**digits
    return sum(round(float(part) * whole) for part in coefficients) == round(total * whole)


def equation(
    words: Sequence[str],
    query: int,
    row: FloatArray,
    *,
    digits: int = 2,
    beside: int | None = None,
    max_terms: int = MAX_TERMS,
    shown: Callable[[str], str] = word,
    sums: Sums = PLAIN,
    left: str = "",
    names: "Names | None" = None,
    signs: "Signs | None" = None,
    keys: Sequence[str] | None = None,
) -> str:
    """One row as an equation, or as a list of weights where there is none.

    Terms are in the order of the sentence, each word as `shown` gives it; they are the `keys` where
    these are other words. `left` names the head
    whose sum it is, where a sum is not the new embedding. With `names` it is written in symbols,
    as the `signs` give them, and then in numbers.
    """
    summed = terms(row, digits=digits, beside=beside, max_terms=max_terms)
    if names is not None:
        from attncli.views.notation import lecture_equation, text_signs

        both = lecture_equation(names, query, summed, sums, left, signs or text_signs(shown))
        return " ".join(filter(None, both))
    name, others = shown(words[query]), words if keys is None else keys
    if sums.terms is None:
        listed = summed.said(" ", lambda at: shown(others[at]), "the other %d")
        return f"{name}: " + ("; ".join(listed) or "nothing to attend to")
    name += f"({left or sums.left})"
    if not summed.coefficients:
        return f"{name} = 0 (nothing to attend to)"

    def term(place: int) -> str:
        text = shown(others[place])
        return f"v({text})" if sums.terms == "values" else text

    return f"{name} = " + " + ".join(summed.said("·", term, "(the other %d)"))


def equation_lines(
    words: Sequence[str],
    weights: FloatArray,
    ink: Ink,
    shown: Sequence[int],
    *,
    width: int = 80,
    digits: int = 2,
    beside: int | None = None,
    max_terms: int = MAX_TERMS,
    sums: Sums = PLAIN,
    left: str = "",
    names: "Names | None" = None,
    keys: Sequence[str] | None = None,
) -> list[Line]:
    """One equation for each shown row, broken at the width. Shapes: weights (n_tokens, n_keys).

    With `names` the numbers stand below the symbols.
    """

    def name(text: str) -> str:
        return ink.word(text, min(40, max(8, width - 14)))

    lines: list[Line] = []
    for query in shown:
        row = weights[query]
        if names is None:
            text = equation(
                words,
                query,
                row,
                digits=digits,
                beside=beside,
                max_terms=max_terms,
                shown=name,
                sums=sums,
                left=left,
                keys=keys,
            )
            parts = [text]
        else:
            from attncli.views.notation import lecture_equation, text_signs

            summed = terms(row, digits=digits, beside=beside, max_terms=max_terms)
            both = lecture_equation(names, query, summed, sums, left, text_signs(name))
            parts = one_below_the_other(ink.plain(both[0]), ink.plain(both[1]), width)
        lines += [
            [Segment(line)] for part in parts for line in wrapped("  " + ink.plain(part), width, 6)
        ]
    return lines


def one_below_the_other(symbols: str, numbers: str, width: int) -> list[str]:
    """Symbols and numbers, = below = where there is room."""
    if not numbers:
        return [symbols]
    indent = width_of(symbols.partition(" = ")[0]) + 1
    indent = indent if indent + width_of(numbers) + 2 <= width else 2
    return [symbols, " " * indent + numbers]


def sums_line(result: AttentionResult) -> str:
    """What the rows of a result say, for a heading."""
    sums = sums_of(result)
    if sums.terms is None:
        return f"the weights of each row; no equations: {sums.why}"
    if sums.terms == "embeddings":
        return "new embeddings as weighted sums of the old ones"
    if sums.whole:
        return "new embeddings as weighted sums of the values"
    if result.attention.has_layers:
        return taken_line(result)
    return "each head's part of the new embeddings as weighted sums of its values"
