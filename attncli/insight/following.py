"""The words of a sentence that are followed, as a reader names them: "bank", "2", "money,bank"."""

from collections.abc import Sequence

from attncli.errors import UsageError, field_name
from attncli.errors.wording import did_you_mean, quoted
from attncli.results.displayed import visible_blank
from attncli.text.forms import places_of_word

_MOST_DIGITS = 9  # of the number of a token


def places_of_rows(
    words: Sequence[str], asked: Sequence[str], others: Sequence[str] = ()
) -> tuple[int, ...] | None:
    """The places of the words that are asked for, None when none was.

    `others` are the words of another text, which these attend to: a row is none of them.
    Raises: UsageError when a word is not in the sentence.
    """
    if not asked:
        return None
    rows: list[int] = []
    seen = [name if name in words else visible_blank(name) for name in asked if name]
    for name in [part for given in seen for part in _separate(given, words)]:
        places = places_of_word(name, words)
        is_place = name.isdecimal() and len(name) <= _MOST_DIGITS
        if not places and is_place and int(name) < len(words):
            places = [int(name)]
        if not places:
            meant = did_you_mean(name, words)
            if places_of_word(name, others):
                meant = ", the text that attends; it is of the text that is attended to"
            given = " ".join(words[:8])
            raise UsageError(
                f"{quoted(name)} is not in {quoted(given)}{meant}", place=field_name("row")
            )
        rows += places
    return tuple(dict.fromkeys(rows))


def _separate(name: str, words: Sequence[str]) -> list[str]:
    """The words of a list with commas, unless the whole is a word of the sentence."""
    return [name] if name in words else [part.strip() for part in name.split(",") if part.strip()]
