"""Vectors written out by hand: `money=1,0;bank=.8,.6;grows=.1,.9`."""

import numpy as np

from attncli.embeddings.readers.numbers import parse_one
from attncli.embeddings.store import MemoryStore, content_hash
from attncli.errors import UsageError
from attncli.escape import quoted

_PLACE = "--inline"
_EXAMPLE = "--inline 'money=1,0;bank=.8,.6;grows=.1,.9'"


def inline_store(text: str) -> MemoryStore:
    """The store of words written as WORD=NUMBER,NUMBER… parted by semicolons.

    Raises: UsageError naming the word whose vector is wrong.

    >>> inline_store("money=1,0; bank=.8,.6").row("bank")
    1
    """
    words: list[str] = []
    rows: list[list[float]] = []
    for part in filter(None, map(str.strip, text.split(";"))):
        word, equals, numbers = part.rpartition("=")
        word = word.strip()
        if not equals or not word:
            raise _wrong(f"found {quoted(part)}, expected WORD=NUMBER,NUMBER")
        if word in words:
            raise _wrong(f"{quoted(word)} has two vectors, expected one")
        values = [_number(word, number) for number in numbers.replace(",", " ").split()]
        if not values or (rows and len(values) != len(rows[0])):
            expected = len(rows[0]) if rows else "at least 1"
            raise _wrong(f"{quoted(word)}: found {len(values)} values, expected {expected}")
        words.append(word)
        rows.append(values)
    if not words:
        raise _wrong("found no vectors")
    matrix = np.array(rows, dtype=np.float32)  # (n_words, dim)
    return MemoryStore("inline", words, matrix, sha256=content_hash(words, matrix))


def _number(word: str, text: str) -> float:
    value = parse_one(text.encode("utf-8", "surrogateescape"))
    if value is None:
        raise _wrong(f"{quoted(word)}: found {quoted(text)}, expected a finite number")
    return value


def _wrong(what: str) -> UsageError:
    return UsageError(what, place=_PLACE, hints=(_EXAMPLE,))
