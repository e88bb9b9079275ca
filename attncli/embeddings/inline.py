"""Vectors written out by hand: `money=1,0;bank=.8,.6;grows=.1,.9`."""

import numpy as np

from attncli.embeddings.readers.text.fields import has_decimal_commas
from attncli.embeddings.readers.text.numbers import parse_one
from attncli.embeddings.store import MemoryStore, content_hash
from attncli.errors import UsageError, field_name
from attncli.errors.wording import quoted

_EXAMPLE = "'money=1,0;bank=.8,.6;grows=.1,.9'"


def inline_store(text: str) -> MemoryStore:
    """The store of words written as WORD=NUMBER,NUMBER… parted by semicolons.

    Numbers parted by spaces may have decimal commas (money=0,5 1,2).
    Raises: UsageError naming the word whose vector is wrong.

    >>> inline_store("money=1,0; bank=.8,.6").row("bank")
    1
    """
    words: list[str] = []
    rows: list[list[float]] = []
    comma = _has_decimal_commas(text)
    for part in filter(None, map(str.strip, text.split(";"))):
        word, equals, numbers = part.rpartition("=")
        word = word.strip()
        if not equals or not word:
            raise _wrong(f"found {quoted(part)}, expected WORD=NUMBER,NUMBER")
        if word in words:
            raise _wrong(f"{quoted(word)} has two vectors, expected one")
        values = [_number(word, number) for number in _separate(word, numbers, comma=comma)]
        if not values or (rows and len(values) != len(rows[0])):
            expected = len(rows[0]) if rows else "at least 1"
            values_found = f"{len(values)} value{'' if len(values) == 1 else 's'}"
            raise _wrong(f"{quoted(word)}: found {values_found}, expected {expected}")
        words.append(word)
        rows.append(values)
    if not words:
        raise _wrong("found no vectors")
    matrix = np.array(rows, dtype=np.float32)  # (n_words, dim)
    return MemoryStore("inline", words, matrix, sha256=content_hash(words, matrix))


def _has_decimal_commas(text: str) -> bool:
    """Whether commas are decimal: numbers parted by spaces that hold one comma each at most, no points.

    Raises: UsageError when nobody can tell.
    """
    numbers = [part.rpartition("=")[2] for part in text.split(";")]
    fields = [field for part in numbers for field in part.split()]
    parted = any(len(part.split()) > 1 and "," in part for part in numbers)
    if not parted or any(field.startswith(",") or field.endswith(",") for field in fields):
        return False
    comma = has_decimal_commas([field.encode("utf-8", "surrogateescape") for field in fields], 1)
    if comma is None:
        raise _wrong("cannot tell whether commas are decimal or part thousands")
    return comma


def _separate(word: str, numbers: str, *, comma: bool) -> list[str]:
    """The numbers of a word. Raises: UsageError for commas that may mean both."""
    if not comma:
        return numbers.replace(",", " ").split()
    fields = numbers.split()
    if len(fields) == 1 and "," in fields[0]:
        raise _wrong(
            f"{quoted(word)}: the comma in {quoted(fields[0])} is decimal, or parts two numbers"
        )
    return [field.replace(",", ".") for field in fields]


def _number(word: str, text: str) -> float:
    value = parse_one(text.encode("utf-8", "surrogateescape"))
    if value is None:
        raise _wrong(f"{quoted(word)}: found {quoted(text)}, expected a finite number")
    return value


def _wrong(what: str) -> UsageError:
    return UsageError(
        what, place=field_name("inline"), hints=(f"{field_name('inline')} {_EXAMPLE}",)
    )
