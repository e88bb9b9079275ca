"""A few words out of a large text file, in one pass, without parsing the numbers of the others.

The first eight bytes of many lines are compared with those of the wanted words, all at once. A window
that is not plainly so many lines of so many fields is parsed as the text reader does.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from attncli.arrays import Float32Array
from attncli.embeddings.readers.text.fields import TextForm, parse_line, with_points, word_end
from attncli.embeddings.readers.text.form import check_claims, text_form
from attncli.embeddings.readers.text.lines import BOM, too_long
from attncli.embeddings.readers.text.reader import TextState, parse_block, without_header
from attncli.embeddings.readers.text.windows import LineWindow, line_windows
from attncli.errors import DataError
from attncli.files.limits import Limits
from attncli.files.stream import ByteStream

_TAIL = 1 << 20


def find_in_text(
    stream: ByteStream,
    limits: Limits,
    wanted: frozenset[bytes],
    done: Callable[[dict[bytes, Float32Array]], bool],
) -> tuple[int, dict[bytes, Float32Array], list[str]]:
    """The dimension, the vectors of those wanted words that the file holds, and the warnings.

    Ends early when `done` says so of what was found; then the end of the file is looked at too.
    Raises: DataError, LimitError for what is wrong with the lines that are looked at.
    """
    if stream.peek(3) == BOM:
        stream.read(3)
    form = text_form(stream, limits)
    check_claims(form, stream, limits)
    state = TextState(stream.place, form, limits, False)
    vectors: dict[bytes, Float32Array] = {}
    keys = _Keys(wanted)
    pending_header = form.header
    for lines in line_windows(stream, limits, lambda: state.line):
        if pending_header:
            lines = LineWindow.of(without_header(lines.text.tobytes(), state))
            pending_header = False
        if len(lines.text):
            _look(lines, keys, state, vectors)
        if done(vectors):
            if stream.file is not None:
                _check_tail(stream.file, form, state, limits)
            break
    if state.words == 0:
        raise DataError("no vectors found", place=stream.place)
    return form.dim, vectors, state.warnings


class _Keys:
    """The first bytes of `word + space`, as integers: a line can only be of a word with these."""

    def __init__(self, words: frozenset[bytes]) -> None:
        self.words = words
        by_size: dict[int, set[int]] = {}
        for word in words:
            for separator in (b" ", b"\t"):
                head = (word + separator)[:8]
                by_size.setdefault(len(head), set()).add(int.from_bytes(head, "little"))
        self.masks = [
            (np.uint64((1 << 8 * size) - 1), np.array(sorted(keys), dtype=np.uint64))
            for size, keys in by_size.items()
        ]

    def candidates(self, heads: npt.NDArray[np.uint64]) -> list[int]:
        """Which of the lines' first eight bytes may be those of a wanted word."""
        hits = np.zeros(len(heads), dtype=np.bool_)
        for mask, keys in self.masks:
            part = heads & mask
            hits |= keys.take(keys.searchsorted(part), mode="clip") == part
        return [int(i) for i in np.flatnonzero(hits)]


def _look(
    lines: LineWindow, keys: _Keys, state: TextState, vectors: dict[bytes, Float32Array]
) -> None:
    """Adds the vectors of the wanted words in some whole lines."""
    text, ends = lines.text, lines.ends
    if state.form.comma or not _is_plain(lines, state.dim):
        _parse(text.tobytes(), keys, state, vectors)
        return
    starts = np.concatenate([[0], ends[:-1] + 1])  # (lines,)
    for i in keys.candidates(_heads(text, starts)):
        line = text[starts[i] : ends[i]].tobytes().rstrip(b"\r \t")
        place = f"{state.place}:{state.line + i + 1}"
        if line and _word_of(line, state.dim) in keys.words:
            word, values = parse_line(line, state.form, place)
            vectors.setdefault(word, values)
    state.line += len(ends)
    state.words += len(ends)


def _heads(text: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """The eight bytes from each start on, zeros behind the end. Shapes: text (n,), starts (lines,)."""
    whole = len(text) // 8 * 8
    words = text[:whole].view("<u8")
    # From `split` on a head may pass the last whole word.
    split = int(np.searchsorted(starts, max(whole - 15, 0)))
    at, inside = starts[:split] >> 3, ((starts[:split] & 7) << 3).astype(np.uint64)
    heads = (words.take(at) >> inside) | (words.take(at + 1) << (np.uint64(64) - inside))
    last = [text[start : start + 8].tobytes() for start in starts[split:].tolist()]
    return np.append(heads, np.array([int.from_bytes(one, "little") for one in last], np.uint64))


def _word_of(line: bytes, dim: int) -> bytes:
    return line[: word_end(line, dim)]


def _is_plain(lines: LineWindow, dim: int) -> bool:
    """Whether these are whole lines with `dim` spaces each, and no letter begins a value."""
    text, ends = lines.text, lines.ends
    if not len(ends) or ends[-1] + 1 != len(text) or lines.spaces != len(ends) * dim:
        return False
    return not lines.letters or not np.any((text[:-1] == 32) & (text[1:] > 57))


def _parse(chunk: bytes, keys: _Keys, state: TextState, found: dict[bytes, Float32Array]) -> None:
    block = parse_block(chunk, state)
    if block is None:
        return
    state.words += len(block.words)
    for i, word in enumerate(block.words):
        if word in keys.words:
            found.setdefault(word, np.array(block.values[i]))


def _check_tail(path: Path, form: TextForm, state: TextState, limits: Limits) -> None:
    """Looks at the last line of a file that was not read to its end. Raises: DataError."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        tail = b""
        for length in (_TAIL, limits.line + 2):  # a line may be longer than the first look
            if b"\n" not in tail[:-1]:
                file.seek(max(size - length, 0))
                tail = file.read(length)
    if len(tail) > limits.line and b"\n" not in tail[:-1]:
        raise too_long(f"{state.place}: last line", limits)
    lines = tail.rstrip(b"\r\n \t").rsplit(b"\n", 1)
    if len(lines) == 2:
        last, place = lines[1].rstrip(b"\r \t"), f"{state.place}: last line"
        parse_line(with_points(last, form.dim, place) if form.comma else last, form, place)
    if not tail.endswith(b"\n"):
        state.warnings.append(f"{state.place}: the last line has no line end; is the file whole?")
