"""Tokens as views draw them: one that is blank has a visible sign, one that the model wrote a mark.

Records, tables of data and what Python is given keep the texts as they are.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from attncli.settings.frozen import replace

if TYPE_CHECKING:
    from attncli.results.comparison import Comparison, Near, Occurrence
    from attncli.results.facts import Token
    from attncli.results.result import AttentionResult

WRITTEN = "+"  # before a token that the model itself wrote
_SIGNS = {" ": "␣", "\n": "⏎", "\t": "⇥"}
_BLANK, _MARK = "␣", "▁"  # the second one is that of SentencePiece for a space
_SPOKEN = {"␣": "space", "⏎": "line break", "⇥": "tab"}
_NUMBERED = re.compile(r"(\s+)( \(?\d+.*)", re.DOTALL)  # a blank of one of several sentences


def displayed(result: "AttentionResult", *, marks_written: bool = True) -> "AttentionResult":
    """The result with tokens that are seen: blanks as signs, with + before what the model wrote.

    The result itself where there is nothing to mark; of several parts, only the one given is marked.
    """
    written = result.model.written if marks_written and result.model is not None else None
    tokens = _marked(result.tokens, frozenset(written or ()))
    keys = None if result.keys is None else _marked(result.keys)
    selection = result.selection
    gone = (selection or {}).get("hidden") or []
    hidden = [visible_blank(text) for text in gone]
    if hidden != gone:
        selection = {**(selection or {}), "hidden": hidden}
    elif tokens is result.tokens and keys is result.keys:
        return result
    return replace(result, tokens=tokens, keys=keys, selection=selection, decoder=None, cross=None)


def displayed_comparison(
    comparison: "Comparison", results: "Sequence[AttentionResult]" = ()
) -> "Comparison":
    """The comparison with words that are seen: blanks as signs.

    `results` are those that were compared, where they are at hand.
    """
    words = [displayed(result, marks_written=False).words for result in results]

    def seen(occurrence: "Occurrence") -> "Occurrence":
        own = words[occurrence.sentence] if words else None
        pulls = tuple(
            replace(pull, word=visible_blank(pull.word) if own is None else own[pull.place])
            for pull in occurrence.pulls
        )
        return replace(occurrence, pulls=pulls, nearest=_seen_names(occurrence.nearest))

    return replace(
        comparison,
        word=visible_blank(comparison.word),
        occurrences=tuple(map(seen, comparison.occurrences)),
        nearest_static=_seen_names(comparison.nearest_static),
        points=tuple(replace(point, label=_seen_name(point.label)) for point in comparison.points),
    )


def visible_blank(text: str, key: str = "") -> str:
    """A text of blanks as signs, one of no text as its entry of the vocabulary; others as they are.

    >>> visible_blank(" "), visible_blank("  \\n"), visible_blank("a b")
    ('␣', '␣␣⏎', 'a b')
    """
    if text.strip() and key and not key.strip(_MARK):
        return key  # a space put before the text has the place of its first letter
    if not text:
        return key.strip() or _BLANK
    return "".join(_SIGNS.get(char, _BLANK) for char in text) if text.isspace() else text


def spoken_blank(text: str) -> str:
    """A text of blanks in words, "2 spaces, line break"; others as they are.

    >>> spoken_blank("␣␣⏎"), spoken_blank("bank")
    ('2 spaces, line break', 'bank')
    """
    if not text or not set(text) <= set(_SPOKEN):
        return text
    runs: list[tuple[str, int]] = []
    for sign in text:
        same = bool(runs) and runs[-1][0] == sign
        runs = [*runs[:-1], (sign, runs[-1][1] + 1)] if same else [*runs, (sign, 1)]
    return ", ".join(
        _SPOKEN[sign] if count == 1 else f"{count} {_SPOKEN[sign]}s" for sign, count in runs
    )


def _seen_names(near: "Near") -> "Near":
    return tuple((_seen_name(name), cosine) for name, cosine in near)


def _seen_name(name: str) -> str:
    """A word, or one of several sentences with the number of its own: "day (2)", "day 2"."""
    numbered = _NUMBERED.fullmatch(name)
    return visible_blank(name) if numbered is None else visible_blank(numbered[1]) + numbered[2]


def _marked(
    tokens: "tuple[Token, ...]", written: frozenset[int] = frozenset()
) -> "tuple[Token, ...]":
    texts = [
        (WRITTEN if at in written else "") + visible_blank(token.text, token.key)
        for at, token in enumerate(tokens)
    ]
    if all(text == token.text for text, token in zip(texts, tokens, strict=True)):
        return tokens
    return tuple(token._replace(text=text) for text, token in zip(texts, tokens, strict=True))
