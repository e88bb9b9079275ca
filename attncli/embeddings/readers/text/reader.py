"""Vectors as text: GloVe (no header), word2vec text and fastText .vec (two counts on line 1).

A line is a word, then `dim` numbers. Only LF ends a line (a CR before it is dropped), only spaces
and tabs part the numbers, and the numbers are taken from the right: a word may hold spaces.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from attncli.arrays import BoolArray, Float32Array
from attncli.embeddings.readers.reading import OpenedVectors, VectorBlock
from attncli.embeddings.readers.text.fields import TextForm, parse_line, with_points
from attncli.embeddings.readers.text.form import check_claims, text_form
from attncli.embeddings.readers.text.lines import BOM, trimmed, whole_lines
from attncli.embeddings.readers.text.numbers import PAD, parse_tokens
from attncli.errors import DataError
from attncli.files.limits import Limits
from attncli.files.stream import ByteStream

_CHUNK = 1 << 18  # bytes parsed at once: small enough to stay in the processor's cache


@dataclass(slots=True)
class TextState:
    """Where a reader of text is, and what it has set aside."""

    place: str
    form: TextForm
    limits: Limits
    skip_bad: bool
    line: int = 0  # lines done
    words: int = 0
    blank: int = 0
    bad: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def dim(self) -> int:
        """How many values a line has."""
        return self.form.dim


def read_text(
    stream: ByteStream, limits: Limits, *, form: str | None = None, skip_bad: bool = False
) -> OpenedVectors:
    """Vectors as text. `form` "glove" or "word2vec" says whether line 1 is a header.

    With `skip_bad` a line that cannot be read is counted and left out.
    Raises: DataError with the line, LimitError; both also while the blocks are walked.
    """
    if stream.peek(3) == BOM:
        stream.read(3)
    text = text_form(stream, limits, form)
    state = TextState(stream.place, text, limits, skip_bad)
    check_claims(text, stream, limits)
    name = "word2vec text" if text.header else "glove text"
    blocks = _blocks(stream, text, state)
    return OpenedVectors(name, text.dim, blocks, state.warnings, text.claimed, left_out=state.bad)


def _blocks(stream: ByteStream, form: TextForm, state: TextState) -> Iterator[VectorBlock]:
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
        if trimmed(line):
            break
    return part


def _parts(chunk: bytes) -> Iterator[bytes]:
    """The chunk in pieces of about _CHUNK bytes that end at a line's end."""
    start = 0
    while start < len(chunk):
        cut = chunk.rfind(b"\n", start, start + _CHUNK) + 1
        if cut <= start:
            cut = chunk.find(b"\n", start) + 1 or len(chunk)
        yield chunk[start:cut]
        start = cut


def parse_block(chunk: bytes, state: TextState) -> VectorBlock | None:
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
    if state.form.comma:
        chunk = _pointed(chunk, state)
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
    return VectorBlock(words, values) if words else None


def _pointed(chunk: bytes, state: TextState) -> bytes:
    """Whole lines with decimal points for commas."""
    lines = chunk[:-1].split(b"\n")
    places = (f"{state.place}:{state.line + i}" for i in range(1, len(lines) + 1))
    pairs = zip(lines, places, strict=True)
    return b"".join(with_points(line, state.dim, place) + b"\n" for line, place in pairs)


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
        parsed = _odd_line(lines[number], first + number + 1, state)
        if parsed is not None:
            all_words.append(parsed[0])
            rows.append(parsed[1])
    stacked = np.stack(rows) if rows else np.zeros((0, state.dim), dtype=np.float32)
    return all_words, stacked


def _odd_line(raw: bytes, number: int, state: TextState) -> tuple[bytes, Float32Array] | None:
    """A line read with care. None when it is blank, or bad and to be left out."""
    line = trimmed(raw)
    if not line:
        state.blank += 1
        if state.blank > state.limits.blank_lines:
            raise DataError(
                f"more than {state.limits.blank_lines} blank lines", place=f"{state.place}:{number}"
            )
        return None
    try:
        return parse_line(line, state.form, f"{state.place}:{number}", finite=state.limits.finite)
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


def _finish(form: TextForm, state: TextState) -> None:
    """Adds the warnings that need the whole file. Raises: DataError when it holds no vectors."""
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
    n_lines = state.words + len(state.bad)
    if form.claimed is None or form.claimed == n_lines:
        return
    if form.claimed - n_lines > max(1, form.claimed // 1000):
        raise DataError(
            f"cut off: the header says {form.claimed} words, the file has {n_lines}", place=place
        )
    state.warnings.append(
        f"{place}: the header says {form.claimed} words, the file has {n_lines}; "
        f"all {state.words} are loaded"
    )
