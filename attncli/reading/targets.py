"""Which token of a sentence is its target: a number, a word, or a character of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from attncli.arrays import BoolArray, IntArray
from attncli.errors import DataError
from attncli.errors.wording import quoted
from attncli.results.facts import Token
from attncli.results.stack import Fragment, TokenRuns
from attncli.text.forms import places_of_word


@dataclass(frozen=True, slots=True)
class Offset:
    """A target given by a character of it, counted from 0: the token that holds it is meant."""

    start: int


# A token's number, the word itself, or a character of it.
Target: TypeAlias = str | int | Offset


class FirstTargets:
    """Finds in each of many sentences the first word that was a target in training."""

    def __init__(self, targets: Iterable[str]) -> None:
        self._targets = frozenset(targets)
        self._fragments: Sequence[Fragment] = ()
        self._are: BoolArray = np.zeros(0, dtype=np.bool_)  # of each fragment so far

    def places(self, runs: TokenRuns) -> IntArray:
        """The number of its token in each sentence, −1 where there is none. Shape (B,)."""
        if self._fragments is not runs.fragments:
            self._fragments, self._are = runs.fragments, self._are[:0]
        fresh = self._fragments[len(self._are) :]
        if fresh:
            are = np.array([part.key in self._targets for part in fresh], dtype=np.bool_)
            self._are = np.concatenate([self._are, are])
        hits = self._are[runs.which]  # (B, n_tokens)
        return np.where(hits.any(axis=1), hits.argmax(axis=1), -1)


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
