"""One line of a text file, read with care: the word and its numbers, or what is wrong with them."""

import re

import numpy as np

from attncli.arrays import Float32Array
from attncli.embeddings.readers.numbers import parse_not_finite, parse_one
from attncli.errors import DataError
from attncli.escape import quoted

SEPARATORS = re.compile(rb"[ \t]+")
_NUMBER_LIKE = re.compile(  # what somebody may have meant as a number
    rb"[+-]?(?:[0-9][0-9_.,]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+|nan|inf|infinity|0x[0-9a-f]+|#n/a|null|"
    rb"(?:\xef\xbc[\x90-\x99])+)",
    re.IGNORECASE,
)
GLOVE_HINT = "attn vectors import FILE --format glove"


def parse_line(
    line: bytes, dim: int, place: str, *, header: bool = False, finite: bool = True
) -> tuple[bytes, Float32Array]:
    """The word and the values of one line, trimmed of its end. Shapes: values (dim,).

    Raises: DataError saying which value is missing, too many, no number, or not finite.
    """
    parts = SEPARATORS.split(line)
    if len(parts) - 1 < dim:
        raise _wrong_count(count_values(line), dim, place, parts, header)
    fields = parts[-dim:]
    word = line[: _word_end(line, dim)]
    if len(parts) - 1 > dim and _NUMBER_LIKE.fullmatch(parts[-dim - 1]):
        raise _wrong_count(count_values(line), dim, place, parts, header)
    values = np.empty(dim, dtype=np.float32)
    for i, token in enumerate(fields):
        value = parse_one(token)
        if value is None and not finite:
            value = parse_not_finite(token)
        if value is None:
            raise _no_number(word, token, i + 1, place)
        values[i] = value
    return word, values


def _word_end(line: bytes, dim: int) -> int:
    """Where the word ends: before the last `dim` fields and the separators before each."""
    at = len(line)
    for _ in range(dim):
        while at and line[at - 1] not in b" \t":
            at -= 1
        while at and line[at - 1] in b" \t":
            at -= 1
    return at


def _wrong_count(found: int, dim: int, place: str, parts: list[bytes], header: bool) -> DataError:
    hints: tuple[str, ...] = ()
    if found == 0 and b"," in parts[0]:
        hints = ("values must be parted by spaces or tabs, not by commas",)
    elif header and place.endswith(":2"):
        hints = (GLOVE_HINT,)
    expected = f"the header says {dim}" if header else f"expected {dim}"
    return DataError(
        f"found {found} value{'' if found == 1 else 's'}, {expected}", place=place, hints=hints
    )


def _no_number(word: bytes, token: bytes, place_in_line: int, place: str) -> DataError:
    if parse_not_finite(token) is not None:
        return DataError(f"{shown(word)}: value {place_in_line} is not finite", place=place)
    comma = " (a decimal comma?)" if b"," in token else ""
    return DataError(f"{shown(token)} is no number{comma}", place=place)


def count_values(line: bytes) -> int:
    """How many fields at the end of the line look like numbers; the first field is the word."""
    parts = SEPARATORS.split(line)
    count = 0
    while count < len(parts) - 1 and _NUMBER_LIKE.fullmatch(parts[-1 - count]):
        count += 1
    return count


def looks_like_number(part: bytes) -> bool:
    """Whether somebody may have meant it as a number, right or wrong."""
    return _NUMBER_LIKE.fullmatch(part) is not None


def shown(data: bytes) -> str:
    """How a message names bytes of the file."""
    return quoted(data.decode("utf-8", "surrogateescape"))
