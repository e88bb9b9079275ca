"""The form of a text file from its first lines: a header or none, and how many values a line."""

import re
from collections import Counter

from attncli.embeddings.readers.text.fields import (
    SEPARATORS,
    TextForm,
    are_whole,
    count_values,
    glove_hint,
    has_decimal_commas,
    shown,
)
from attncli.embeddings.readers.text.lines import too_long, trimmed
from attncli.errors import DataError
from attncli.errors.wording import size_text
from attncli.files.limits import Limits, check_dim
from attncli.files.stream import ByteStream

_TWO_COUNTS = re.compile(rb"[ \t]*[0-9]+[ \t]+[0-9]+[ \t]*")


def text_form(stream: ByteStream, limits: Limits, form: str | None = None) -> TextForm:
    """The form of a text file, from its first lines. Raises: DataError, LimitError."""
    lines = _first_lines(stream, limits)
    if not lines:
        raise DataError("no vectors found", place=stream.place)
    if form == "glove" or (form is None and not _looks_like_header(lines)):
        dim = _values_beside_phrases(lines) or _usual_values(lines)
        if dim == 0:
            raise _no_numbers(lines[0], stream.place)
        check_dim(dim, limits, f"{stream.place}:1")
        values = [part for line in lines for part in SEPARATORS.split(line)[-dim:]]
        comma = _has_commas(lines, dim, stream.place)
        return TextForm(False, dim, whole=are_whole(values), comma=comma)
    claimed, dim = _header_counts(lines[0], f"{stream.place}:1")
    if len(lines) == 1 and len(stream.peek(1 << 16)) < 1 << 16:
        raise DataError("no vectors after the header", place=stream.place)
    # where some line has just the values that the header says, it does not lie of the others
    phrases = any(count_values(line) == dim for line in lines[1:])
    comma = _has_commas(lines[1:], dim, stream.place)
    return TextForm(True, dim, claimed, phrases=phrases, comma=comma)


def _has_commas(lines: list[bytes], dim: int, place: str) -> bool:
    """Whether the numbers have decimal commas. Raises: DataError when they can be read both ways."""
    fitting = [line for line in lines if count_values(line) >= dim]
    comma = has_decimal_commas(fitting, dim)
    if comma is None:
        raise DataError(
            f"cannot tell whether commas are decimal or part thousands in {shown(fitting[0])}",
            place=place,
            hints=("write the numbers with decimal points",),
        )
    return comma


def _first_lines(stream: ByteStream, limits: Limits) -> list[bytes]:
    """Up to 20 whole lines of the head that are not blank (at least one, however long)."""
    head = stream.peek(1 << 16)
    if b"\n" not in head:
        head = stream.peek(limits.line + 1)
        if b"\n" not in head and len(head) > limits.line:
            raise too_long(f"{stream.place}:1", limits)
    if b"\n" not in head and head.count(b"\r") > 1:
        raise DataError(
            "looks like old Mac line ends (CR only), expected LF; convert it: tr '\\r' '\\n'",
            place=stream.place,
        )
    lines = head.split(b"\n")
    if len(lines) > 1 and len(head) >= 1 << 16:
        lines.pop()  # it may be cut
    full_lines = [line for line in (trimmed(line) for line in lines[:21]) if line][:20]
    for line in full_lines:
        fields = line.count(b" ") + line.count(b"\t")
        check_dim(fields // 2 if fields < 4 * limits.dim else fields, limits, stream.place)
    return full_lines


def _looks_like_header(lines: list[bytes]) -> bool:
    """Whether line 1 is meant as a header: two counts, or far from what the other lines are."""
    if _TWO_COUNTS.fullmatch(lines[0]):
        return True
    usual = _usual_values(lines[1:]) if len(lines) > 1 else 0
    parts = SEPARATORS.split(lines[0])
    short = len(parts) <= 3 and count_values(lines[0]) < usual
    return usual >= 2 and short and b"." not in lines[0]


def _values_beside_phrases(lines: list[bytes]) -> int:
    """How many values a line has if all longer lines are of phrases that end in a number; else 0."""
    counts = [count_values(line) for line in lines]
    fewest = min(counts)
    longer = [SEPARATORS.split(line) for line, n in zip(lines, counts, strict=True) if n > fewest]
    if fewest == 0 or not all(
        parts[-fewest - 1].isdigit() and not are_whole(parts[-fewest:]) for parts in longer
    ):
        return 0
    return fewest


def _usual_values(lines: list[bytes]) -> int:
    counts = Counter(count_values(line) for line in lines)
    return max(counts, key=lambda count: (counts[count], count)) if counts else 0


def _header_counts(line: bytes, place: str) -> tuple[int, int]:
    if len(line) > 100:
        raise DataError(f"no header: a line of {len(line)} characters", place=place)
    if not _TWO_COUNTS.fullmatch(line):
        raise DataError(
            f"the header must be two counts, found {shown(line)}",
            place=place,
            hints=(glove_hint(),),
        )
    words, dim = (int(part) for part in line.split())
    if words == 0 or dim == 0:
        raise DataError(
            f"the header claims {words} words of {dim} values, expected at least one of each",
            place=place,
        )
    return words, dim


def _no_numbers(line: bytes, place: str) -> DataError:
    comma = " (values must be parted by spaces or tabs)" if line.count(b",") > 1 else ""
    return DataError(
        f"cannot tell the format: no numbers after the word in {shown(line)}{comma}",
        place=f"{place}:1",
    )


def check_claims(form: TextForm, stream: ByteStream, limits: Limits) -> None:
    """Raises: DataError for a header that claims what is not there, LimitError for a wide one."""
    if form.claimed is None:
        return
    left = stream.left()
    # a value takes at least two bytes; twice as many words as fit are a lie, fewer may be a slip
    if left is not None and form.claimed * form.dim > left:
        size = size_text(form.claimed * form.dim * 4)
        raise DataError(
            f"the header claims {form.claimed} words of {form.dim} values ({size}); "
            f"the file has {left + stream.position} bytes",
            place=f"{stream.place}:1",
            hints=(glove_hint(),),
        )
    check_dim(form.dim, limits, f"{stream.place}:1")
