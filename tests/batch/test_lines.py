"""Lines put together from columns: compiled and by numpy, they are the same bytes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from ways import PURE, WAYS, taken

from attncli.arrays.compiled import Texts
from attncli.batches.writers.digits import json_matrices
from attncli.batches.writers.lines import joined_lines, separate_lines
from attncli.batches.writers.placed_lines import Column, Numbers
from attncli.results.layout import FULL

_OUTER = st.sampled_from([(), (1,), (3,), (1, 1), (2, 1), (1, 2), (2, 3), (2, 1, 2)])
_ODD = st.sampled_from(
    [9.9999995, 9.999999, 9.99, 10.0, -9.999999, -10.0, 1e30, np.inf, -np.inf, np.nan, -0.0, 5e-7]
)
_SOME = st.one_of(st.floats(-1, 1, width=32), st.floats(-12, 12, width=32), _ODD)
_texts = st.text(max_size=6) | st.sampled_from(["ﬁ", "a\u0301", "😀"])


@st.composite
def _numbers(draw: st.DrawFn, count: int, *, rare: bool) -> Numbers:
    """A column of numbers for so many lines, in stacks of different sizes."""
    outer, n_columns = draw(_OUTER), draw(st.integers(1, 5))
    sizes = []
    while sum(sizes) < count:
        sizes.append(draw(st.integers(1, count - sum(sizes))))
    elements = _SOME if rare else st.floats(0, 1, width=32)
    stacks = [
        draw(
            hnp.arrays(
                np.float32,
                (size, *outer, draw(st.integers(1, 3)), n_columns + draw(st.integers(0, 2))),
                elements=elements.map(np.float32),
            )
        )
        for size in sizes
    ]
    digits = draw(st.integers(1, 8) | st.just(FULL))
    return Numbers(stacks, digits, draw(st.booleans()) if rare else False)


@st.composite
def _columns(draw: st.DrawFn) -> tuple[list[Column], int]:
    """Columns of every kind, and how many lines they have."""
    count = draw(st.integers(1, 5))
    each = st.lists(_texts, min_size=count, max_size=count)
    kinds = (
        _texts,
        each,
        each.map(lambda texts: [text.encode() for text in texts]),
        _numbers(count, rare=True),
        _numbers(count, rare=False),
    )
    return draw(st.lists(st.one_of(*kinds), min_size=1, max_size=5)), count


def plainly(columns: list[Column], count: int) -> list[bytes]:
    """The lines, each piece printed and added by itself."""
    lines = [b""] * count
    for column in columns:
        if isinstance(column, Numbers):
            parts = [
                text
                for stack in column.stacks
                for i in range(len(stack))
                for text in json_matrices(stack[i : i + 1], column.digits, signed=column.signed)
            ]
        else:
            parts = [column] * count if isinstance(column, str) else column
            if isinstance(column, Texts):
                parts = column.listed()
        for i, part in enumerate(parts):
            lines[i] += part.encode() if isinstance(part, str) else part
    return lines


@pytest.mark.parametrize("way", WAYS)
@given(given=_columns(), seed=st.integers(0, 99))
def test_lines_are_their_columns_side_by_side(
    way: str, given: tuple[list[Column], int], seed: int
) -> None:
    """Texts, constants and numbers that the tables have and lack, in the order that is asked for."""
    columns, count = given
    lines = plainly(columns, count)
    order = np.random.default_rng(seed).permutation(count)
    with taken(way):
        assert separate_lines(columns, count) == lines
        coming = joined_lines(columns, order)
        assert (coming.length, coming.whole()) == (
            sum(map(len, lines)),
            b"".join(lines[i] for i in order),
        )


@pytest.mark.parametrize("way", WAYS)
def test_many_lines_come_piece_by_piece_and_none_is_lost(way: str) -> None:
    """Short lines and lines longer than a piece, in any order, with numbers that have no place."""
    rng = np.random.default_rng(3)
    sizes = rng.integers(0, 3000, 400)
    sizes[[7, 8, 200]] = 600_000
    numbers = rng.random((400, 3, 40), dtype=np.float32)
    numbers[5, 1, 1], numbers[399, 0, 0] = np.nan, 1e20
    columns: list[Column] = [
        "[",
        ["é" * size for size in sizes.tolist()],
        Numbers([numbers], 6, False),
    ]
    order = rng.permutation(400)
    with taken(way):
        coming = joined_lines(columns, order)
        pieces = [bytes(piece) for piece in coming.pieces]
        lines = separate_lines(columns, 400)
    assert lines == plainly(columns, 400)
    assert b"".join(pieces) == b"".join(lines[i] for i in order)
    assert coming.length == sum(map(len, lines))
    assert way == PURE or 3 < len(pieces) < 40


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("outer", [(), (1,), (2,), (1, 1), (2, 3)])
def test_a_long_line_comes_in_pieces(way: str, outer: tuple[int, ...]) -> None:
    """Between short ones, with numbers that have no place and texts of every kind beside its own."""
    rng = np.random.default_rng(5)
    small = rng.random((2, *outer, 3, 7), dtype=np.float32)
    large = rng.random((2, *outer, 700, 333), dtype=np.float32)
    odd = np.where(large > 0.999, np.float32(np.inf), large)
    texts = Texts(np.frombuffer(b"abbccc", dtype=np.uint8), np.array([1, 3, 6, 6]))
    columns: list[Column] = [
        "{",
        Numbers([small, large - np.float32(0.5)], 4, True),
        texts,
        ["é", "", "x", "y"],
        Numbers([large, small], 6, False),
        [b"1", b"", b"3", b"4"],
        Numbers([small, odd], 3, False),
        "}",
    ]
    order = np.array([2, 0, 3, 1])
    with taken(way):
        coming = joined_lines(columns, order)
        pieces = [bytes(piece) for piece in coming.pieces]
        lines = separate_lines(columns, 4)
    assert lines == plainly(columns, 4)
    assert b"".join(pieces) == b"".join(lines[i] for i in order)
    assert coming.length == sum(map(len, lines))
    assert way == PURE or len(pieces) > 12


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("digits", range(1, 7))
def test_every_number_of_few_digits_is_printed_exactly(way: str, digits: int) -> None:
    """A hundred thousand floats around the halves, where rounding is decided, as Python prints them."""
    halves = (np.arange(50_000) + 0.5) / 10.0**digits
    near = halves.astype(np.float32)
    values = np.concatenate([near, np.nextafter(near, np.float32(np.inf))])
    values = values[values < 10 - 10.0**-digits].reshape(1, -1, 1)
    signed = np.where(np.arange(values.shape[1])[None, :, None] % 2, values, -values)
    for numbers, sign in ((values, False), (signed, True)):
        form = f"%{' ' if sign else ''}.{digits}f"
        zero = form % 0.0
        rows = [form % value for value in numbers.ravel().tolist()]
        rows = [zero if row == form % -0.0 else row for row in rows]
        with taken(way):
            (line,) = separate_lines([Numbers([numbers], digits, sign)], 1)
        assert line.decode() == f"[{','.join(f'[{row}]' for row in rows)}]"


@pytest.mark.parametrize("way", WAYS)
def test_texts_behind_each_other_are_a_column(way: str) -> None:
    """Those that a loop has written already, also where one is empty."""
    texts = Texts(np.frombuffer("aéb".encode(), dtype=np.uint8), np.array([1, 1, 4]))
    with taken(way):
        assert separate_lines([texts, "|", ["", "x", "é"]], 3) == [b"a|", b"|x", "éb|é".encode()]


@pytest.mark.parametrize("way", WAYS)
def test_a_line_of_many_numbers_is_whole(way: str) -> None:
    """Rows of more numbers than are in work at once, and more text than is kept for the next lines."""
    wide = np.linspace(-9, 9, 3 * 5000, dtype=np.float32).reshape(1, 3, 5000)
    with taken(way):
        assert separate_lines([Numbers([wide], 6, True)], 1) == json_matrices(wide, 6)
        large = np.full((1, 2800, 2800), 0.5, dtype=np.float32)
        (line,) = separate_lines([Numbers([large], 6, True)], 1)
    assert len(line) == 2800 * (2800 * 10 + 2) + 1
    assert line.count(b" 0.500000") == large.size
