"""Vectors of words out of the pieces that a tokenizer.json cuts them into, as model2vec makes them.

The `tokenizers` library does the work (extra `attncli[transformers]`), so that lower case, accents and
normal forms are those of the folder's own tokenizer.
"""

import json
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from attncli.arrays import Float32Array
from attncli.embeddings.marks import Marks, marks_of_tokenizer
from attncli.errors import DataError
from attncli.errors.wording import quoted
from attncli.text.tokenizer_content import tokenizer_of
from attncli.text.tokenizer_growth import Growth


def settings_of(content: bytes, place: str) -> dict[str, Any]:
    """The settings in a tokenizer.json. Raises: DataError."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise DataError("no tokenizer: this is no JSON", place=place) from None
    if not isinstance(found, dict) or not isinstance(found.get("model"), dict):
        raise DataError('no tokenizer: expected an object with "model"', place=place)
    return found


def tokens_by_number(settings: dict[str, Any], place: str) -> list[str]:
    """The tokens by their number. Raises: DataError when the numbers leave holes."""
    vocabulary = settings["model"].get("vocab")
    numbers: dict[int, str] = {}
    if isinstance(vocabulary, list):  # unigram: [token, score], numbered in order
        for i, entry in enumerate(vocabulary):
            if isinstance(entry, list) and entry and isinstance(entry[0], str):
                numbers[i] = entry[0]
    elif isinstance(vocabulary, dict):
        for token, number in vocabulary.items():
            if type(number) is int:
                numbers.setdefault(number, token)
    added = settings.get("added_tokens")
    for entry in added if isinstance(added, list) else []:
        if isinstance(entry, dict) and type(entry.get("id")) is int:
            numbers.setdefault(entry["id"], str(entry.get("content")))
    if not numbers or sorted(numbers) != list(range(len(numbers))):
        raise DataError("the vocabulary must number its tokens 0, 1, 2, …", place=place)
    return [numbers[i] for i in range(len(numbers))]


class TokenizerSubwords:
    """Vectors of words as the mean of the rows of their pieces, without those of the unknown token.

    `row` gives the row of a word or piece by its name in the store, `vectors` the rows themselves.
    """

    kind = "word pieces"

    def __init__(
        self,
        content: bytes,
        place: str,
        row: Callable[[str], int | None],
        vectors: Callable[[list[int]], Float32Array],
    ) -> None:
        self.content, self._place = content, place
        self._row, self._vectors = row, vectors

    def vector(self, word: str) -> Float32Array | None:
        """The mean of the vectors of the pieces, shape (dim,); None when no piece is known.

        Raises: MissingExtraError without the `tokenizers` library, DataError when it fails.
        """
        rows = [row for piece in self.pieces(word) if (row := self._row(piece)) is not None]
        if not rows:
            return None
        return np.asarray(self._vectors(rows).mean(axis=0, dtype=np.float32))

    def pieces(self, word: str) -> list[str]:
        """The names of the pieces of a word, without the unknown token."""
        tokenizer = self._tokenizer
        self._growth.check(_text(word))
        try:
            encoding = tokenizer.encode(_text(word), add_special_tokens=False)
        except BaseException as fault:  # the library raises bare Exceptions, and Rust its panics
            if not isinstance(fault, Exception) and type(fault).__name__ != "PanicException":
                raise
            raise DataError(
                f"the tokenizer failed: {quoted(str(fault))}", place=self._place
            ) from None
        return [self._named(token) for token in encoding.tokens if token not in self._unknown]

    def _named(self, token: str) -> str:
        if self._marks is None:
            return token
        return self._marks.name(token.encode("utf-8", "surrogatepass")).decode("utf-8")

    @cached_property
    def _tokenizer(self) -> Any:
        made = tokenizer_of(self.content, self._place)
        made.no_truncation()
        made.no_padding()
        return made

    @cached_property
    def _growth(self) -> Growth:
        return Growth(self._tokenizer, self._place)

    @cached_property
    def _settings(self) -> dict[str, Any]:
        return settings_of(self.content, self._place)

    @cached_property
    def _marks(self) -> Marks | None:
        return marks_of_tokenizer(self._settings, tokens_by_number(self._settings, self._place))

    @cached_property
    def _unknown(self) -> frozenset[str]:
        """The token for what is in no piece: by its name, or its number in a Unigram model."""
        model = self._settings["model"]
        name, number = model.get("unk_token"), model.get("unk_id")
        if isinstance(number, int) and isinstance(model.get("vocab"), list):
            name = tokens_by_number(self._settings, self._place)[number]
        return frozenset([name] if isinstance(name, str) else [])


def _text(word: str) -> str:
    """`word` with lone surrogates, which no tokenizer takes, as U+FFFD."""
    return word.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
