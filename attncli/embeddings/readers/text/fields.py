"""One line of a text file, read with care: the word and its numbers, or what is wrong with them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attncli.arrays import Float32Array
from attncli.embeddings.readers.text.numbers import parse_not_finite, parse_one
from attncli.errors import DataError, command_line
from attncli.errors.wording import quoted

SEPARATORS = re.compile(rb"[ \t]+")
_NUMBER_LIKE = re.compile(  # what somebody may have meant as a number
    rb"[+-]?(?:[0-9][0-9_.,]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+|nan|inf|infinity|0x[0-9a-f]+|#n/a|null|"
    rb"(?:\xef\xbc[\x90-\x99])+)",
    re.IGNORECASE,
)
_WORD_AND_NUMBERS = re.compile(rb"[^ \t]*(?:[ \t]+(?:%b))*+" % _NUMBER_LIKE.pattern, re.IGNORECASE)
_DECIMAL_COMMA = re.compile(rb"[+-]?(?:[0-9]+,?[0-9]*|,[0-9]+)(?:[eE][+-]?[0-9]+)?")


def glove_hint() -> str:
    """A way to read a file whose form is in doubt."""
    return command_line("vectors import FILE", format="glove")


@dataclass(frozen=True, slots=True)
class TextForm:
    """What the first lines say: is there a header, what does it claim, how many values a line.

    `phrases`: a line with more numbers is a phrase that ends in one ("windows 10"), as some line has
    just the values that the header says. Without a header only a whole number may end a phrase, where
    it cannot be a value: among values with points, or when `whole`, all values being whole numbers.
    `comma`: the numbers have decimal commas.
    """

    header: bool
    dim: int
    claimed: int | None = None
    phrases: bool = False
    whole: bool = False
    comma: bool = False


def parse_line(
    line: bytes, form: TextForm, place: str, *, finite: bool = True
) -> tuple[bytes, Float32Array]:
    """The word and the values of one line, trimmed of its end. Shapes: values (dim,).

    Raises: DataError saying which value is missing, too many, no number, or not finite.
    """
    dim, header = form.dim, form.header
    parts = SEPARATORS.split(line)
    if len(parts) - 1 < dim:
        raise _wrong_count(count_values(line), dim, place, parts, header)
    fields = parts[-dim:]
    word = line[: word_end(line, dim)]
    if len(parts) - 1 > dim and not _may_end_a_phrase(parts[-dim - 1], fields, form):
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


def _may_end_a_phrase(part: bytes, values: Sequence[bytes], form: TextForm) -> bool:
    """Whether this may be the end of a word, rather than one value too many."""
    if form.phrases or not looks_like_number(part):
        return True
    return not form.header and part.isdigit() and (form.whole or not are_whole(values))


def are_whole(values: Sequence[bytes]) -> bool:
    """Whether all of these are whole numbers."""
    return all(value.lstrip(b"+-").isdigit() for value in values)


def with_points(line: bytes, dim: int, place: str) -> bytes:
    """A line whose values have decimal commas, with points instead.

    Raises: DataError when it has decimal points too.
    """
    at = word_end(line, dim)
    values = line[at:]
    if b"." in values:
        raise DataError("found decimal commas and decimal points", place=place)
    return line[:at] + values.replace(b",", b".")


def has_decimal_commas(lines: Sequence[bytes], dim: int) -> bool | None:
    """Whether the numbers of these lines have decimal commas; None when they can be read both ways.

    >>> has_decimal_commas([b"bank 0,5 1,2"], 2), has_decimal_commas([b"bank 1,500 2,250"], 2)
    (True, None)
    """
    fields = [part for line in lines for part in SEPARATORS.split(line)[-dim:]]
    with_comma = [part for part in fields if b"," in part]
    if not with_comma or any(_DECIMAL_COMMA.fullmatch(part) is None for part in fields):
        return False
    return True if any(_surely_decimal(part) for part in with_comma) else None


def _surely_decimal(part: bytes) -> bool:
    """Whether the comma cannot part thousands: not three digits after one to three others."""
    whole, _, after = part.lstrip(b"+-").partition(b",")
    return len(after) != 3 or not after.isdigit() or whole in (b"", b"0") or len(whole) > 3


def word_end(line: bytes, dim: int) -> int:
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
        hints = (glove_hint(),)
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
    if _WORD_AND_NUMBERS.fullmatch(line):  # most lines, seen at once
        return len(parts) - 1
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
