"""Independent answers: attention by three plain loops, words by UAX #29, cosines by hand.

Nothing here imports attncli, and nothing shares its methods: no matrix product, no broadcasting.
"""

import functools
import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import regex

Rows = Sequence[Sequence[float]]


def attention_by_loops(
    query: Rows,
    key: Rows,
    value: Rows,
    *,
    scale: float,
    allowed: Callable[[int, int], bool] = lambda i, j: True,
    softcap: float | None = None,
) -> tuple[list[list[float]], list[list[float]]]:
    """(contextual, weights) of one head in float64."""
    weights = [[0.0] * len(key) for _ in query]
    contextual = [[0.0] * len(value[0]) for _ in query]
    for i, q in enumerate(query):
        scores: dict[int, float] = {}
        for j, k in enumerate(key):
            if allowed(i, j):
                score = scale * math.fsum(float(a) * float(b) for a, b in zip(q, k, strict=True))
                scores[j] = score if softcap is None else softcap * math.tanh(score / softcap)
        peak = max(scores.values(), default=0.0)
        total = math.fsum(math.exp(score - peak) for score in scores.values())
        for j, score in scores.items():
            weights[i][j] = math.exp(score - peak) / total
        for d in range(len(value[0])):
            contextual[i][d] = math.fsum(weights[i][j] * float(value[j][d]) for j in scores)
    return contextual, weights


def cosine_by_loops(one: Sequence[float], other: Sequence[float]) -> float:
    """The cosine of two vectors; 0 when one of them is zeros."""
    product = math.fsum(float(a) * float(b) for a, b in zip(one, other, strict=True))
    lengths = math.hypot(*map(float, one)) * math.hypot(*map(float, other))
    return product / lengths if lengths else 0.0


def score_rows(embeddings: np.ndarray, score: str) -> tuple[list[list[float]], float]:
    """The rows whose products are the scores, and the scale: scaled, dot or cosine."""
    rows = [[float(x) for x in row] for row in embeddings]
    if score == "cosine":
        rows = [[x / (math.hypot(*row) or 1.0) for x in row] for row in rows]
    return rows, 1 / math.sqrt(len(rows[0])) if score == "scaled" else 1.0


_CLASSES = (
    *("CR", "LF", "Newline", "Extend", "ZWJ", "Format", "Katakana", "Hebrew_Letter", "ALetter"),
    *("Single_Quote", "Double_Quote", "MidNumLet", "MidLetter", "MidNum", "Numeric"),
    *("ExtendNumLet", "Regional_Indicator", "WSegSpace"),
)
_IGNORED = {"Extend", "Format", "ZWJ"}
_LINE_ENDS = {"CR", "LF", "Newline"}
_LETTERS = {"ALetter", "Hebrew_Letter"}


@functools.cache
def _word_class(char: str) -> str:
    return next((c for c in _CLASSES if regex.match(rf"\p{{WB={c}}}", char)), "Other")


def _is_edge(text: str, at: int) -> bool:
    """Whether there is a word boundary before text[at], by the rules of UAX #29, one by one."""
    classes = [_word_class(char) for char in text]
    before, after = classes[at - 1], classes[at]
    if (before, after) == ("CR", "LF"):  # WB3
        return False
    if before in _LINE_ENDS or after in _LINE_ENDS:  # WB3a, WB3b
        return True
    if before == "ZWJ" and regex.match(r"\p{Extended_Pictographic}", text[at]):  # WB3c
        return False
    if before == after == "WSegSpace":  # WB3d
        return False
    if after in _IGNORED:  # WB4
        return False
    left = _significant(classes[:at])
    right = [c for c in classes[at:] if c not in _IGNORED]
    l1, l2 = left[-1], left[-2] if len(left) > 1 else ""
    r1, r2 = right[0], right[1] if len(right) > 1 else ""
    inner_letter = {"MidLetter", "MidNumLet", "Single_Quote"}
    inner_digit = {"MidNum", "MidNumLet", "Single_Quote"}
    joined = (
        (l1 in _LETTERS and r1 in _LETTERS),  # WB5
        (l1 in _LETTERS and r1 in inner_letter and r2 in _LETTERS),  # WB6
        (l2 in _LETTERS and l1 in inner_letter and r1 in _LETTERS),  # WB7
        (l1 == "Hebrew_Letter" and r1 == "Single_Quote"),  # WB7a
        (l1 == "Hebrew_Letter" and r1 == "Double_Quote" and r2 == "Hebrew_Letter"),  # WB7b
        (l2 == "Hebrew_Letter" and l1 == "Double_Quote" and r1 == "Hebrew_Letter"),  # WB7c
        (l1 in {*_LETTERS, "Numeric"} and r1 == "Numeric"),  # WB8, WB9
        (l1 == "Numeric" and r1 in _LETTERS),  # WB10
        (l2 == "Numeric" and l1 in inner_digit and r1 == "Numeric"),  # WB11
        (l1 == "Numeric" and r1 in inner_digit and r2 == "Numeric"),  # WB12
        (l1 == r1 == "Katakana"),  # WB13
        (
            l1 in {*_LETTERS, "Numeric", "Katakana", "ExtendNumLet"} and r1 == "ExtendNumLet"
        ),  # WB13a
        (l1 == "ExtendNumLet" and r1 in {*_LETTERS, "Numeric", "Katakana"}),  # WB13b
    )
    if any(joined):
        return False
    flags = len(left) - len(
        "".join("x" if c == "Regional_Indicator" else " " for c in left).rstrip("x")
    )
    return not (r1 == "Regional_Indicator" and flags % 2 == 1)  # WB15, WB16, WB999


def _significant(classes: list[str]) -> list[str]:
    """The classes without those that WB4 makes part of the character before them."""
    kept: list[str] = []
    for c in classes:
        if c in _IGNORED and kept and kept[-1] not in _LINE_ENDS:
            continue
        kept.append("Other" if c in _IGNORED else c)
    return kept


def uax29_words(text: str) -> list[tuple[str, int, int]]:
    """The segments between default word boundaries that hold a letter or a digit."""
    edges = [0, *(at for at in range(1, len(text)) if _is_edge(text, at)), len(text)]
    segments = [(text[a:b], a, b) for a, b in itertools.pairwise(edges)]
    return [segment for segment in segments if any(char.isalnum() for char in segment[0])]
