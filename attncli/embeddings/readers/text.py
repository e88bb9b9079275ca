"""Vectors as text: GloVe (no header), word2vec text and fastText .vec (two counts on line 1).

A line is a word, then `dim` numbers. Only LF ends a line (a CR before it is dropped), only spaces
and tabs part the numbers, and the numbers are taken from the right: a word may hold spaces.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from attncli.arrays import BoolArray, Float32Array
from attncli.embeddings.readers.limits import Limits, check_dim
from attncli.embeddings.readers.numbers import PAD, parse_not_finite, parse_one, parse_tokens
from attncli.embeddings.readers.reading import Block, Reading
from attncli.embeddings.readers.stream import ByteStream
from attncli.errors import AttnError, DataError, LimitError
from attncli.escape import quoted
from attncli.memory import size_text

_CHUNK = 1 << 18  # bytes parsed at once: small enough to stay in the processor's cache
_SEPARATORS = re.compile(rb"[ \t]+")
_NUMBER_LIKE = re.compile(  # what somebody may have meant as a number
    rb"[+-]?(?:[0-9][0-9_.,]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+|nan|inf|infinity|0x[0-9a-f]+|#n/a|null|"
    rb"(?:\xef\xbc[\x90-\x99])+)",
    re.IGNORECASE,
)
_TWO_COUNTS = re.compile(rb"[ \t]*[0-9]+[ \t]+[0-9]+[ \t]*")
_GLOVE_HINT = "attn vectors import FILE --format glove reads line 1 as a word"
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class TextForm:
    """What the first lines say: is there a header, what does it claim, how many values a line."""

    header: bool
    dim: int
    claimed: int | None = None


@dataclass(slots=True)
class TextState:
    """Where a reader of text is, and what it has set aside."""

    place: str
    dim: int
    limits: Limits
    skip_bad: bool
    header: bool
    line: int = 0  # lines done
    words: int = 0
    blank: int = 0
    bad: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read_text(
    stream: ByteStream, limits: Limits, *, form: str | None = None, skip_bad: bool = False
) -> Reading:
    """Vectors as text. `form` "glove" or "word2vec" says whether line 1 is a header.

    With `skip_bad` a line that cannot be read is counted and left out.
    Raises: DataError with the line, LimitError; both also while the blocks are walked.
    """
    if stream.peek(3) == BOM:
        stream.read(3)
    found = text_form(stream, limits, form)
    state = TextState(stream.place, found.dim, limits, skip_bad, found.header)
    check_claims(found, stream, limits)
    name = "word2vec text" if found.header else "glove text"
    blocks = _blocks(stream, found, state)
    return Reading(name, found.dim, blocks, state.warnings, found.claimed, left_out=state.bad)


def text_form(stream: ByteStream, limits: Limits, form: str | None = None) -> TextForm:
    """The form of a text file, from its first lines. Raises: DataError, LimitError."""
    lines = _first_lines(stream, limits)
    if not lines:
        raise DataError("no vectors found", place=stream.place)
    if form == "glove" or (form is None and not _looks_like_header(lines)):
        dim = _usual_values(lines)
        if dim == 0:
            raise _no_numbers(lines[0], stream.place)
        check_dim(dim, limits, f"{stream.place}:1")
        return TextForm(False, dim)
    claimed, dim = _header_counts(lines[0], f"{stream.place}:1")
    if len(lines) == 1 and len(stream.peek(1 << 16)) < 1 << 16:
        raise DataError("no vectors after the header", place=stream.place)
    return TextForm(True, dim, claimed)


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
    found = [line for line in (_trimmed(line) for line in lines[:21]) if line][:20]
    for line in found:
        fields = line.count(b" ") + line.count(b"\t")
        check_dim(fields // 2 if fields < 4 * limits.dim else fields, limits, stream.place)
    return found


def _trimmed(line: bytes) -> bytes:
    return line.removesuffix(b"\r").rstrip(b" \t")


def _looks_like_header(lines: list[bytes]) -> bool:
    """Whether line 1 is meant as a header: two counts, or far from what the other lines are."""
    if _TWO_COUNTS.fullmatch(lines[0]):
        return True
    usual = _usual_values(lines[1:]) if len(lines) > 1 else 0
    parts = _SEPARATORS.split(lines[0])
    short = len(parts) <= 3 and _values(lines[0]) < usual
    return usual >= 2 and short and b"." not in lines[0]


def looks_like_number(part: bytes) -> bool:
    """Whether somebody may have meant it as a number, right or wrong."""
    return _NUMBER_LIKE.fullmatch(part) is not None


def _values(line: bytes) -> int:
    """How many fields at the end of the line look like numbers; the first field is the word."""
    parts = _SEPARATORS.split(line)
    count = 0
    while count < len(parts) - 1 and _NUMBER_LIKE.fullmatch(parts[-1 - count]):
        count += 1
    return count


def _usual_values(lines: list[bytes]) -> int:
    counts = Counter(_values(line) for line in lines)
    return max(counts, key=lambda count: (counts[count], count)) if counts else 0


def _header_counts(line: bytes, place: str) -> tuple[int, int]:
    if len(line) > 100:
        raise DataError(f"no header: a line of {len(line)} characters", place=place)
    if not _TWO_COUNTS.fullmatch(line):
        raise DataError(
            f"the header must be two counts, found {_shown(line)}",
            place=place,
            hints=(_GLOVE_HINT,),
        )
    words, dim = (int(part) for part in line.split())
    if words == 0 or dim == 0:
        raise DataError(
            f"the header claims {words} words of {dim} values, expected at least one of each",
            place=place,
        )
    return words, dim


def check_claims(found: TextForm, stream: ByteStream, limits: Limits) -> None:
    """Raises: DataError for a header that claims what is not there, LimitError for a wide one."""
    if found.claimed is None:
        return
    left = stream.left()
    # a value takes at least two bytes; twice as many words as fit are a lie, fewer may be a slip
    if left is not None and found.claimed * found.dim > left:
        size = size_text(found.claimed * found.dim * 4)
        raise DataError(
            f"the header claims {found.claimed} words of {found.dim} values ({size}); "
            f"the file has {left + stream.position} bytes",
            place=f"{stream.place}:1",
            hints=(_GLOVE_HINT,),
        )
    check_dim(found.dim, limits, f"{stream.place}:1")


def _blocks(stream: ByteStream, form: TextForm, state: TextState) -> Iterator[Block]:
    pending_header = form.header
    for chunk in whole_lines(stream, state.limits, lambda: state.line):
        for part in _parts(chunk):
            if pending_header:
                part = without_header(part, state)
                pending_header = False
            block = parse_block(part, state) if part else None
            if block is not None:
                state.words += len(block.words)
                yield block
    _finish(form, state)


def without_header(part: bytes, state: TextState) -> bytes:
    """The part without its first line that is not blank."""
    while part:
        line, _, part = part.partition(b"\n")
        state.line += 1
        if _trimmed(line):
            break
    return part


def whole_lines(
    stream: ByteStream, limits: Limits, line: Callable[[], int] = lambda: 0
) -> Iterator[bytes]:
    """The bytes of the stream in pieces that end at a line's end (but for the very last).

    `line` tells how many lines the caller has done. Raises: LimitError for a line that is longer
    than the limit.
    """
    carry, place = b"", stream.place
    while piece := stream.take():
        cut = piece.rfind(b"\n") + 1
        if not cut:
            carry += piece
            if len(carry) > limits.line:
                raise too_long(f"{place}:{line() + 1}", limits)
            continue
        chunk, carry = carry + piece[:cut], piece[cut:]
        _check_lines(chunk, place, line, limits)
        yield chunk
    if carry:
        _check_lines(carry, place, line, limits)
        yield carry


def _check_lines(chunk: bytes, place: str, line: Callable[[], int], limits: Limits) -> None:
    """Raises: LimitError when a line of the chunk is longer than the limit."""
    if len(chunk) <= limits.line:
        return
    ends = np.flatnonzero(np.frombuffer(chunk, dtype=np.uint8) == 10)
    widths = np.diff(ends, prepend=-1, append=len(chunk))  # (lines + 1,) with the LF
    if widths.max() - 1 > limits.line:
        raise too_long(f"{place}:{line() + int(widths.argmax()) + 1}", limits)


def too_long(place: str, limits: Limits) -> LimitError:
    """The error for a line that is longer than the limit."""
    return LimitError(
        f"a line of more than {size_text(limits.line)}",
        place=place,
        hints=("attn vectors import FILE --max-line SIZE",),
    )


def _parts(chunk: bytes) -> Iterator[bytes]:
    """The chunk in pieces of about _CHUNK bytes that end at a line's end."""
    start = 0
    while start < len(chunk):
        cut = chunk.rfind(b"\n", start, start + _CHUNK) + 1
        if cut <= start:
            cut = chunk.find(b"\n", start) + 1 or len(chunk)
        yield chunk[start:cut]
        start = cut


def parse_block(chunk: bytes, state: TextState) -> Block | None:
    """The words and values of some whole lines; the lines that are unusual go one by one."""
    whole = chunk.endswith(b"\n")
    if not whole:
        chunk += b"\n"
    first = state.line
    # trailing spaces and CR LF are harmless and common: fastText's own .vec files have them
    if b"\r\n" in chunk:
        chunk = chunk.replace(b"\r\n", b"\n")
    if b" \n" in chunk:
        chunk = chunk.replace(b" \n", b"\n")
    text = np.frombuffer(b"." * PAD + chunk, dtype=np.uint8)
    marks = np.flatnonzero(text <= 32)  # separators, and control characters seldom
    kinds = text.take(marks)
    parting = (kinds == 32) | (kinds == 10) | (kinds == 9)
    if not parting.all():
        marks, kinds = marks[parting], kinds[parting]
    ends = np.flatnonzero(kinds == 10)  # (lines,) places in marks
    state.line += len(ends)
    before = np.concatenate([[-1], ends[:-1]])  # (lines,)
    usual = ends - before == state.dim + 1  # (lines,) a separator a value, and the LF
    words, values, fine = _usual_lines(text, marks, ends[usual], before[usual], state.dim)
    if not usual.all() or not fine.all():
        odd = np.ones(len(ends), dtype=bool)
        odd[np.flatnonzero(usual)[fine]] = False
        words, values = _with_odd_lines(
            chunk,
            first,
            odd,
            [w for w, f in zip(words, fine, strict=True) if f],
            values[fine],
            state,
        )
    if not whole:
        state.warnings.append(
            f"{state.place}:{state.line}: the last line has no line end; is the file whole?"
        )
    return Block(words, values) if words else None


def _usual_lines(
    text: npt.NDArray[np.uint8],
    marks: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    before: npt.NDArray[np.int64],
    dim: int,
) -> tuple[list[bytes], Float32Array, BoolArray]:
    """Lines of a word and `dim` values with one separator before each; which of them are fine.

    Shapes: ends and before (n,), places in marks of a line's LF and of the LF before it →
    n words, values (n, dim), fine (n,).
    """
    if len(ends) == 0:
        return [], np.zeros((0, dim), dtype=np.float32), np.zeros(0, dtype=bool)
    if len(ends) * (dim + 1) == len(marks):
        table = marks.reshape(len(ends), dim + 1)  # (n, dim + 1)
    else:
        table = marks[ends[:, None] + np.arange(-dim, 1)]  # (n, dim + 1)
    values, good = parse_tokens(text, (table[:, :-1] + 1).ravel(), table[:, 1:].ravel())
    starts = np.where(before < 0, PAD, marks[before] + 1)  # (n,)
    data = text.tobytes()
    words = [data[a:b] for a, b in zip(starts.tolist(), table[:, 0].tolist())]  # noqa: B905
    fine = np.logical_and.reduce(good.reshape(-1, dim), axis=1)  # (n,)
    return words, values.reshape(-1, dim), fine


def _with_odd_lines(
    chunk: bytes,
    first: int,
    odd: BoolArray,
    words: list[bytes],
    values: Float32Array,
    state: TextState,
) -> tuple[list[bytes], Float32Array]:
    """All lines in file order: the odd ones read one by one between those that are done."""
    lines = chunk.split(b"\n")
    all_words: list[bytes] = []
    rows: list[Float32Array] = []
    done = 0
    for number, is_odd in enumerate(odd.tolist()):
        if not is_odd:
            all_words.append(words[done])
            rows.append(values[done])
            done += 1
            continue
        found = _odd_line(lines[number], first + number + 1, state)
        if found is not None:
            all_words.append(found[0])
            rows.append(found[1])
    stacked = np.stack(rows) if rows else np.zeros((0, state.dim), dtype=np.float32)
    return all_words, stacked


def _odd_line(raw: bytes, number: int, state: TextState) -> tuple[bytes, Float32Array] | None:
    """A line read with care. None when it is blank, or bad and to be left out."""
    line = _trimmed(raw)
    if not line:
        state.blank += 1
        if state.blank > state.limits.blank_lines:
            raise DataError(
                f"more than {state.limits.blank_lines} blank lines", place=f"{state.place}:{number}"
            )
        return None
    try:
        return parse_line(
            line,
            state.dim,
            f"{state.place}:{number}",
            header=state.header,
            finite=state.limits.finite,
        )
    except DataError as fault:
        if not state.skip_bad:
            raise
        state.bad.append(str(fault))
        if len(state.bad) > max(state.limits.bad_lines, number // 100):
            raise DataError(
                f"more than {len(state.bad) - 1} lines cannot be read, the first: {state.bad[0]}",
                place=state.place,
            ) from None
        return None


def parse_line(
    line: bytes, dim: int, place: str, *, header: bool = False, finite: bool = True
) -> tuple[bytes, Float32Array]:
    """The word and the values of one line, trimmed of its end. Shapes: values (dim,).

    Raises: DataError saying which value is missing, too many, no number, or not finite.
    """
    parts = _SEPARATORS.split(line)
    if len(parts) - 1 < dim:
        raise _wrong_count(_values(line), dim, place, parts, header)
    fields = parts[-dim:]
    word = line[: _word_end(line, dim)]
    if len(parts) - 1 > dim and _NUMBER_LIKE.fullmatch(parts[-dim - 1]):
        raise _wrong_count(_values(line), dim, place, parts, header)
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
        hints = (_GLOVE_HINT,)
    expected = f"the header says {dim}" if header else f"expected {dim}"
    return DataError(
        f"found {found} value{'' if found == 1 else 's'}, {expected}", place=place, hints=hints
    )


def _no_number(word: bytes, token: bytes, place_in_line: int, place: str) -> AttnError:
    if parse_not_finite(token) is not None:
        return DataError(f"{_shown(word)}: value {place_in_line} is not finite", place=place)
    comma = " (a decimal comma?)" if b"," in token else ""
    return DataError(f"{_shown(token)} is no number{comma}", place=place)


def _no_numbers(line: bytes, place: str) -> DataError:
    comma = " (values must be parted by spaces or tabs)" if line.count(b",") > 1 else ""
    return DataError(
        f"cannot tell the format: no numbers after the word in {_shown(line)}{comma}",
        place=f"{place}:1",
    )


def _shown(data: bytes) -> str:
    return quoted(data.decode("utf-8", "surrogateescape"))


def _finish(form: TextForm, state: TextState) -> None:
    """What is to be said when the file has ended. Raises: DataError when nothing was found."""
    place = state.place
    if state.words == 0:
        what = "no vectors after the header" if form.header else "no vectors found"
        raise DataError(what, place=place)
    if state.bad:
        more = f" and {len(state.bad) - 1} more" if len(state.bad) > 1 else ""
        state.warnings.append(f"left out: {state.bad[0]}{more}")
    if state.blank:
        lines = "1 blank line" if state.blank == 1 else f"{state.blank} blank lines"
        state.warnings.append(f"{place}: {lines} skipped")
    found = state.words + len(state.bad)
    if form.claimed is None or form.claimed == found:
        return
    if form.claimed - found > max(1, form.claimed // 1000):
        raise DataError(
            f"cut off: the header says {form.claimed} words, the file has {found}", place=place
        )
    state.warnings.append(
        f"{place}: the header says {form.claimed} words, the file has {found}; "
        f"all {state.words} are loaded"
    )
