"""The new embeddings in the lecture's notation: money(new) = 0.78·money + 0.19·bank + 0.03·grows.

Coefficients are rounded so that those shown add up to exactly what the row adds up to (1): largest
remainders are rounded up, the others down. Long rows show their largest terms and the sum of the rest.
"""

from collections.abc import Callable, Sequence

import numpy as np
from rich.segment import Segment

from attncli.arrays import FloatArray
from attncli.views.ink import Ink, Line, word, wrapped

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


def equation(
    words: Sequence[str],
    query: int,
    row: FloatArray,
    *,
    digits: int = 2,
    max_terms: int = MAX_TERMS,
    shown: Callable[[str], str] = word,
) -> str:
    """One row as an equation; terms in the order of the sentence, each word as `shown` gives it."""
    name = f"{shown(words[query])}(new)"
    units = rounded_to_sum(row, digits)
    if not any(units):
        return f"{name} = 0 (nothing to attend to)"
    kept = range(len(units))
    if len(units) > max_terms:
        largest = sorted(range(len(units)), key=lambda i: (-row[i], i))[: max_terms - 1]
        kept = sorted(largest)  # type: ignore[assignment]  # any iterable of positions
    terms = [f"{_decimal(units[i], digits)}·{shown(words[i])}" for i in kept]
    rest = sum(units) - sum(units[i] for i in kept)
    if len(terms) < len(units):
        terms.append(f"{_decimal(rest, digits)}·(the other {len(units) - len(terms)})")
    return f"{name} = " + " + ".join(terms)


def equation_lines(
    words: Sequence[str],
    weights: FloatArray,
    ink: Ink,
    shown: Sequence[int],
    *,
    width: int = 80,
    digits: int = 2,
    max_terms: int = MAX_TERMS,
) -> list[Line]:
    """One equation for each shown row, broken at the width. Shapes: weights (n_tokens, n_tokens)."""
    lines: list[Line] = []
    for query in shown:
        text = "  " + equation(
            words, query, weights[query], digits=digits, max_terms=max_terms, shown=ink.word
        )
        lines += [[Segment(part)] for part in wrapped(ink.plain(text), width, 6)]
    return lines


def _decimal(units: int, digits: int) -> str:
    return f"{units / 10**digits:.{digits}f}"
