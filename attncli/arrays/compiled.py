"""The loops of kernel.c, where they were compiled when the package was installed; else nothing.

Each gives what the code of Python and numpy beside its caller gives, to the last byte; that code is
taken where `compiled` says None. Arrays are looked at here before the loops get their addresses.
"""

import ctypes
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from attncli.arrays import AnyArray, BoolArray, Float32Array, IntArray
from attncli.arrays.compiling import library_path

SWITCH = "ATTN_PURE"  # a variable: set, nothing compiled is loaded
MOST_KEPT = 32  # what attn_strongest has room for
_OVERWRITTEN = 8  # characters behind the last one
_MOST_ROOM = 64 << 20  # bytes that are kept for the next lines
_WIDEST = 20  # characters of a number of 64 bits

_INT, _LONG, _WORD, _ARRAY = ctypes.c_int32, ctypes.c_int64, ctypes.c_uint64, ctypes.c_void_p
_TABLE = (
    _ARRAY,
    _ARRAY,
    _WORD,
    _ARRAY,
    _LONG,
)  # words, their ends, the secret, the table, its mask
_PROTOTYPES: dict[str, tuple[Any, ...]] = {  # what each function gives, and what it takes
    "attn_write_lines": (None, _ARRAY, _LONG, _ARRAY, _LONG, _ARRAY, _ARRAY),
    "attn_numbers_fit": (None, _ARRAY, _LONG, _LONG, _INT, _INT, _ARRAY),
    "attn_remember_words": (None, _LONG, _LONG, *_TABLE),
    "attn_find_words": (_LONG, _ARRAY, _LONG, *_TABLE, _LONG, _ARRAY, _ARRAY),
    "attn_token_lists": (None, *[_ARRAY] * 3, _LONG, *[_ARRAY] * 8),
    "attn_spell_numbers": (None, _ARRAY, _LONG, _ARRAY, _ARRAY),
    "attn_strongest": (_INT, _ARRAY, *[_LONG] * 3, _ARRAY, _ARRAY),
    "attn_print_keys": (None, _ARRAY, *[_LONG] * 5, _ARRAY, _ARRAY),
    "attn_sum_pages": (None, _ARRAY, _LONG, _ARRAY, _ARRAY),
    "attn_shift_rows": (None, _ARRAY, _LONG, _LONG, _ARRAY, _LONG),
    "attn_shift_floats": (None, _ARRAY, _LONG, _LONG),
    "attn_shift_doubles": (None, _ARRAY, _LONG, _LONG),
    "attn_widen_halves": (_INT, _ARRAY, _LONG, _ARRAY),
    "attn_widen_uppers": (None, _ARRAY, _LONG, _ARRAY),
    "attn_unpack": (_INT, _INT, _ARRAY, _LONG, *[_ARRAY] * 3),
}


class Texts(NamedTuple):
    """Texts behind each other, and where each ends. Shapes: (n_bytes,), (n,)."""

    text: AnyArray
    ends: IntArray

    @classmethod
    def joined(cls, several: "Sequence[Texts]") -> "Texts":
        """Those of all, one after the other."""
        sizes = np.cumsum([0, *(len(texts.text) for texts in several)])
        ends = [texts.ends + begin for texts, begin in zip(several, sizes.tolist(), strict=False)]
        return cls(np.concatenate([texts.text for texts in several]), np.concatenate(ends))

    def listed(self) -> list[bytes]:
        """Each text for itself."""
        data = self.text.tobytes()
        return [data[begin:end] for begin, end in pairwise([0, *self.ends.tolist()])]


class LineColumn(ctypes.Structure):
    """What lines have in one place, as kernel.c has it: their texts, or arrays of numbers."""

    _fields_ = (
        ("text", _ARRAY),
        ("ends", _ARRAY),
        ("size", _LONG),
        ("arrays", _ARRAY),
        ("n_rows", _ARRAY),
        ("n_columns", _ARRAY),
        ("n_matrices", _LONG),
        ("n_lists", _LONG),
        ("depth", _INT),
        ("n_digits", _INT),
        ("is_signed", _INT),
    )


class Kernel:
    """The loops as functions of arrays; `library` is what they were compiled to."""

    def __init__(self, library: Any) -> None:
        self.library = library
        for name, (answer, *arguments) in _PROTOTYPES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = answer, arguments

    def fit(self, numbers: Float32Array, digits: int, *, signed: bool) -> BoolArray:
        """Whether all numbers of an array can be printed with 1 to 6 digits, (B, …) → (B,)."""
        fit = np.empty(len(numbers), dtype=np.uint8)
        size = numbers.size // max(len(numbers), 1)
        self.library.attn_numbers_fit(
            address(numbers), len(numbers), size, digits, signed, address(fit)
        )
        return fit.astype(np.bool_)

    def write_lines(
        self, columns: Sequence[LineColumn], order: IntArray, bounds: Iterable[tuple[int, int, int]]
    ) -> Iterator[tuple[memoryview, IntArray]]:
        """Lines, (n,) of the columns in an order, some at a time, and where each of these ends.

        `bounds` say which of the order: their begin, their end, and how many bytes they are.
        The bytes are those of this thread until it asks for the next lines.
        """
        listed = (LineColumn * len(columns))(*columns)
        numbers = _whole(order)
        ends = np.empty(len(order), dtype=np.int64)
        given, to = address(numbers), address(ends)
        for begin, end, size in bounds:
            text = _room(size + _OVERWRITTEN)
            some = 8 * begin
            self.library.attn_write_lines(
                *(ctypes.addressof(listed), len(columns), given + some, end - begin),
                *(address(text), to + some),
            )
            if ends[end - 1] != size:
                raise RuntimeError(f"lines of {size} bytes have {ends[end - 1]}")
            yield text[:size].data, ends[begin:end]

    def sum_pages(self, words: AnyArray, by_place: AnyArray, by_page: AnyArray) -> None:
        """Adds the words of pages to the sums by place, and puts those of each page into `by_page`.

        Shapes: words (n, 512), by_place (512,), by_page (n,); 64 bits each, modulo 2⁶⁴, all whole.
        """
        self.library.attn_sum_pages(address(words), len(words), address(by_place), address(by_page))

    def token_lists(
        self,
        which: IntArray,
        places: IntArray,
        counts: IntArray,
        columns: Sequence[AnyArray],
    ) -> Texts:
        """The JSON list of each sentence's tokens.

        `columns` are, of the fragments, the text before the offsets and the sizes of these texts, the
        same of the text behind them, their first characters and their lengths. Shapes: which, places
        (n_tokens,), counts (n_sentences,), the columns (n_bytes,) or (n_fragments,).
        """
        before, before_sizes, after, after_sizes, starts, lengths = columns
        sizes = before_sizes + after_sizes + (2 * _WIDEST + len(',"end":'))
        text = np.empty(int(sizes[which].sum()) + 2 * len(counts), dtype=np.uint8)
        ends = np.empty(len(counts), dtype=np.int64)
        arrays = (
            *(before, _whole(np.cumsum(before_sizes)), after, _whole(np.cumsum(after_sizes))),
            *(_whole(starts), _whole(lengths)),
        )
        numbers = [_whole(array) for array in (which, places, counts)]
        self.library.attn_token_lists(
            *map(address, numbers), len(counts), *map(address, arrays), address(text), address(ends)
        )
        return Texts(text[: ends[-1] if len(ends) else 0], ends)

    def spelled(self, text: bytes, count: int) -> Texts:
        """Numbers from 0 to 1, that orjson wrote with commas between, as Python spells them; with a comma each."""
        given = np.frombuffer(text, dtype=np.uint8)
        room = np.empty(len(given) + 2 * count, dtype=np.uint8)
        ends = np.empty(count, dtype=np.int64)
        self.library.attn_spell_numbers(address(given), len(given), address(room), address(ends))
        return Texts(room[: ends[-1] if count else 0], ends)

    def strongest(self, weights: Float32Array, kept: int) -> tuple[IntArray, Float32Array] | None:
        """The `kept` largest of each row and where they are; None where a number is negative or none.

        Shapes: (…, n_columns) → twice (…, kept).
        """
        if weights.dtype != np.float32 or not 1 <= kept <= min(MOST_KEPT, weights.shape[-1]):
            return None
        given = np.ascontiguousarray(weights)
        shape = (*weights.shape[:-1], kept)
        keys, values = np.empty(shape, dtype=np.int64), np.empty(shape, dtype=np.float32)
        n_columns = weights.shape[-1]
        known = self.library.attn_strongest(
            address(given), given.size // n_columns, n_columns, kept, address(keys), address(values)
        )
        return (keys, values) if known else None

    def print_keys(self, keys: IntArray) -> Texts:
        """The nested JSON list of each sentence's keys, none negative.

        Shapes: (B, n_layers, n_heads, n_tokens, n_kept), none 0.
        """
        given = _whole(keys)
        brackets = 2 * (1 + keys.shape[1] * (1 + keys.shape[2] * (1 + keys.shape[3])))
        width = len(str(int(keys.max()))) + 1
        text = np.empty(len(keys) * (brackets + width * keys[0].size), dtype=np.uint8)
        ends = np.empty(len(keys), dtype=np.int64)
        self.library.attn_print_keys(address(given), *given.shape, address(text), address(ends))
        return Texts(text[: ends[-1] if len(ends) else 0], ends)

    def shift_all(self, scores: AnyArray) -> bool:
        """Takes the largest score of each row from it, in place; whether it could.

        Shapes: scores (…, n_columns), whole, none 0.
        """
        loops = {
            np.dtype(np.float32): self.library.attn_shift_floats,
            np.dtype(np.float64): self.library.attn_shift_doubles,
        }
        loop, n_columns = loops.get(scores.dtype), scores.shape[-1]
        if loop is None or not scores.flags.c_contiguous:
            return False
        loop(address(scores), scores.size // n_columns, n_columns)
        return True

    def shift_rows(self, scores: AnyArray, mask: AnyArray) -> bool:
        """Masks scores and takes the largest of each row from it, in place; whether it could.

        Shapes: scores (…, n_q, n_k), whole and float32; mask the same but for axes at the front.
        """
        shape = mask.shape[next((i for i, size in enumerate(mask.shape) if size > 1), mask.ndim) :]
        if not (
            scores.dtype == np.float32
            and scores.flags.c_contiguous
            and mask.dtype == np.bool_
            and len(shape) > 1
            and scores.shape[-len(shape) :] == shape
        ):
            return False
        allowed, n_columns = np.ascontiguousarray(mask), shape[-1]
        self.library.attn_shift_rows(
            *(address(scores), scores.size // n_columns, n_columns),
            *(address(allowed), allowed.size // n_columns),
        )
        return True

    def widen_halves(self, halves: AnyArray, out: Float32Array) -> bool:
        """Float16 as uint16 → float32, (n,) each, whole; whether all are finite, else nothing of worth."""
        return bool(self.library.attn_widen_halves(address(halves), len(out), address(out)))

    def widen_uppers(self, uppers: AnyArray, out: AnyArray) -> None:
        """Bfloat16 as uint16 → float32 as uint32, (n,) each, whole."""
        self.library.attn_widen_uppers(address(uppers), len(out), address(out))

    def unpack(
        self,
        number: int,
        blocks: AnyArray,
        scale: Float32Array,
        least: Float32Array | None,
        out: Float32Array,
    ) -> bool:
        """Blocks of the type that has this number in ggml → float32; whether the loops know how.

        Shapes: blocks (n, bytes), scale and least (n, runs), out (n, numbers); all but these two whole.
        """
        if not (blocks.flags.c_contiguous and out.flags.c_contiguous):
            return False
        factors = [
            None if array is None else np.ascontiguousarray(array) for array in (scale, least)
        ]
        places = (None if array is None else address(array) for array in factors)
        return bool(
            self.library.attn_unpack(number, address(blocks), len(blocks), *places, address(out))
        )


@cache
def compiled() -> Kernel | None:
    """The loops of this machine; None where they were not compiled, or the user wants none."""
    if os.environ.get(SWITCH):
        return None
    try:
        path = library_path(Path(__file__).parent)
        return None if path is None else Kernel(ctypes.CDLL(str(path)))
    except (OSError, AttributeError):
        return None


def address(array: AnyArray) -> int:
    """The address of an array's first number."""
    place: int = array.__array_interface__["data"][0]
    return place


def _whole(array: AnyArray) -> IntArray:
    """Whole numbers as the loops take them."""
    return np.ascontiguousarray(array, dtype=np.int64)


_kept = threading.local()


def _room(size: int) -> AnyArray:
    """Room for a text, the same in every call of a thread: fresh pages cost more than what is written."""
    room: AnyArray | None = getattr(_kept, "room", None)
    if room is None or len(room) < size:
        room = np.empty(size, dtype=np.uint8)
        _kept.room = room if size <= _MOST_ROOM else None
    return room
