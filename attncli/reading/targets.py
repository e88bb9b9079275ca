"""Which token of a sentence is its target: a number, a word, or a character of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from attncli.errors import DataError
from attncli.errors.wording import quoted
from attncli.results.result import Token
from attncli.text.forms import places_of_word


@dataclass(frozen=True, slots=True)
class Offset:
    """A target given by a character of it, counted from 0: the token that holds it is meant."""

    start: int


# A token's number, the word itself, or a character of it.
Target: TypeAlias = str | int | Offset


def target_place(tokens: Sequence[Token], target: Target | None, place: str) -> int:
    """The number of the target token: as given, where the word first stands, or by a character.

    A number that the sentence has no token for is the word, where it has one that is written so.
    Raises: DataError when there is no such token.
    """
    if target is None:
        raise DataError("found no target, expected a token number or a word", place=place)
    if isinstance(target, int):
        at = target if 0 <= target < len(tokens) else _word_place(tokens, str(target))
        missing = f"found the target {target}, expected a token from 0 to {len(tokens) - 1}"
    elif isinstance(target, Offset):
        holding = (i for i, t in enumerate(tokens) if t.start <= target.start < t.end)
        at = next(holding, None)
        missing = f"no token holds the character {target.start}"
    else:
        at = _word_place(tokens, target)
        missing = f"the target {quoted(target)} is no word of the sentence"
    if at is None:
        raise DataError(missing, place=place)
    return at


def is_ambiguous(tokens: Sequence[Token], target: Target | None, place: int) -> bool:
    """Whether a target that is a number is also a word of the sentence, at another place."""
    if not isinstance(target, int):
        return False
    word = _word_place(tokens, str(target))
    return word is not None and (word != place or word != target)


def _word_place(tokens: Sequence[Token], target: str) -> int | None:
    """Where the word first stands, as it is written or else in any form."""
    found = places_of_word(target, [t.text for t in tokens], [t.key for t in tokens])
    return next(iter(found), None)
