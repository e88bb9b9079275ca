"""The compiled part of the writers: optional, within its bounds, and without a byte of its own."""

import hashlib
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import attncli
from attncli.batches.journal import checksum
from attncli.batches.writers import compiled
from attncli.batches.writers.compiled import FreshBytes, Kernel, list_length, pure
from attncli.batches.writers.digits import json_matrices
from attncli.batches.writers.placing import Lists, Lot, laid_out
from tests.batch.conftest import corpus
from tests.batch.test_same_bytes import MODES

SOURCE = compiled.LIBRARY.with_suffix(".c")
COMPILER = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)


@pytest.fixture(scope="module", autouse=True)
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """That of the installed package; where it has none, one that is built here for these tests."""
    patch = pytest.MonkeyPatch()
    if compiled.kernel() is None:
        if COMPILER is None:
            pytest.skip("no kernel was built here, and no compiler can build one")
        library = tmp_path_factory.mktemp("kernel") / "kernel.so"
        flags = ["-std=c99", "-O2", "-ffp-contract=off", "-fPIC", "-shared"]
        subprocess.run([COMPILER, *flags, "-o", str(library), str(SOURCE)], check=True)
        patch.setattr(compiled, "LIBRARY", library)
        compiled._loaded.cache_clear()
    loaded = compiled.kernel()
    assert loaded is not None
    yield loaded
    patch.undo()
    compiled._loaded.cache_clear()


def halves(digits: int) -> st.SearchStrategy[float]:
    """Float32 numbers that lie between two printed ones, or near it."""
    between = st.integers(-2 * 10**7, 2 * 10**7).map(lambda n: (n + 0.5) / 10**digits)
    return between.map(lambda value: float(np.float32(value)))


odd = st.sampled_from(
    [
        *(0.0, -0.0, 1e-45, -1e-45, 1.1754942e-38, 9.9999995, -9.9999995, 10.0, -10.0, 3.4e38),
        *(float("inf"), float("-inf"), float("nan"), -5e-7, 5e-7, 0.5, 2.5, 1.5e-6),
    ]
)


@st.composite
def printed(draw: st.DrawFn) -> Lists:
    """Stacks of one layout and any numbers, digits, and whether signs are expected."""
    digits, signed = draw(st.integers(0, 9)), draw(st.booleans())
    low = -10 if signed else 0
    usual = st.floats(low, 10, width=32)
    numbers = st.one_of(usual, usual, halves(digits), odd) if draw(st.booleans()) else usual
    outer = draw(st.lists(st.integers(1, 3), max_size=2))
    stacks = []
    for _ in range(draw(st.integers(1, 3))):
        rows, columns = draw(st.integers(1, 4)), draw(st.sampled_from([1, 2, 3, 63, 64, 65, 130]))
        shape = (draw(st.integers(1, 3)), *outer, rows, columns)
        stacks.append(draw(hnp.arrays(np.float32, shape, elements=numbers)))
    return Lists(stacks, digits, signed)


def both_ways(lots: Sequence[Lot], count: int) -> tuple[bytes, bytes]:
    """The bytes with the kernel, and without it."""
    with_kernel = laid_out(lots, count)
    with pure():
        assert compiled.kernel() is None
        return with_kernel, laid_out(lots, count)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(lists=printed())
def test_numbers_are_printed_as_without_the_kernel(lists: Lists) -> None:
    """Every shape, number of digits, sign, and value: halves, no numbers, subnormal, huge."""
    count = sum(map(len, lists.stacks))
    one, other = both_ways([Lot(range(count), [lists])], count)
    assert one == other
    texts = [t for s in lists.stacks for t in json_matrices(s, lists.digits, signed=lists.signed)]
    assert one == b"".join(texts)


@given(digits=st.integers(1, 6), data=st.data())
def test_halves_are_rounded_to_even(digits: int, data: st.DataObject) -> None:
    """What the kernel prints is Python's own rounding of the exact float32 value."""
    limit = float(np.nextafter(np.float32(10 - 10.0**-digits), np.float32(0)))
    numbers = st.one_of(st.floats(-limit, limit, width=32), halves(digits))
    values = data.draw(st.lists(numbers.filter(lambda v: abs(v) < limit), min_size=1, max_size=70))
    text = laid_out([Lot([0], [Lists([np.array([[values]], dtype=np.float32)], digits)])], 1)
    plain = [f"% .{digits}f" % v for v in values]
    zero, minus = f"% .{digits}f" % 0.0, f"% .{digits}f" % -0.0
    assert text.decode() == f"[[{','.join(zero if t == minus else t for t in plain)}]]"


words = st.text(max_size=12)


@given(data=st.data(), count=st.integers(0, 12), n_lots=st.integers(1, 3))
def test_columns_of_any_kind_come_to_their_places(
    data: st.DataObject, count: int, n_lots: int
) -> None:
    """Constants, texts of any letters, bytes and numbers of several lots, in any order."""
    places = data.draw(st.permutations(range(count)))
    lots = []
    for some in (places[i::n_lots] for i in range(n_lots)):
        if some:
            alike = st.lists(words, min_size=len(some), max_size=len(some))
            stack = np.linspace(-1, 1, 2 * len(some), dtype=np.float32).reshape(-1, 1, 2)
            kinds = st.sampled_from([Lists([stack], 3), Lists([stack * 99], 2)])
            kinds = st.one_of(
                words, alike, alike.map(lambda texts: [t.encode() for t in texts]), kinds
            )
            lots.append(Lot(some, ["{", *data.draw(st.lists(kinds, max_size=6))]))
    one, other = both_ways(lots, count)
    assert one == other


@pytest.mark.parametrize("mode", MODES)
def test_a_job_has_the_same_bytes_without_the_kernel(folder: Path, mode: str) -> None:
    """Whole runs in every mode, in this process and in two workers of it."""
    (folder / "s.txt").write_bytes(corpus(60, seed=9))
    model, chosen = MODES[mode]

    def digest(**choices: Any) -> str:
        target = folder / "out.jsonl"
        attncli.batch(folder / "s.txt", target, model, force=True, **{**chosen, **choices})
        return hashlib.sha256(target.read_bytes()).hexdigest()

    compiled_one = digest(workers=1, chunk=11)
    with pure():
        assert digest(workers=1, chunk=11) == compiled_one
        assert digest(workers=2, chunk=20) == compiled_one


@pytest.mark.parametrize("digits", range(1, 7))
@pytest.mark.parametrize("signed", [True, False])
def test_nothing_is_written_beside_a_text(kernel: Kernel, digits: int, signed: bool) -> None:
    """What lies before and behind each list stays, whatever numbers come, even those out of range."""
    values = [0.25, 9.5, 1e9, float("nan"), float("-inf"), -3e38, 0.0]
    for columns in (1, 7, 64, 65, 200):
        stack = np.resize(np.array(values, dtype=np.float32), (2, 3, columns))
        length = list_length((3, columns), digits, signed=signed)
        target = FreshBytes(2 * length + 30)
        kernel.repeated(target, np.arange(target.size, dtype=np.int64), b"#")
        at = np.array([10, length + 20], dtype=np.int64)
        kernel.lists(target, at, stack, digits, signed=signed)
        text = target.done()
        assert text[:10] == text[10 + length : 20 + length] == text[-10:] == b"#" * 10
        assert text.count(b"#") == 30


@pytest.mark.parametrize("place", [-1, 1, 10**12, -(2**63), 2**63 - 1])
def test_a_text_that_does_not_fit_is_refused(kernel: Kernel, place: int) -> None:
    """Nothing is written outside of the target, wherever a text is to stand."""
    stack = np.full((1, 2, 2), 0.5, dtype=np.float32)
    at = np.array([place], dtype=np.int64)
    target = FreshBytes(list_length((2, 2), 4, signed=True))
    with pytest.raises(IndexError):
        kernel.lists(target, at, stack, 4, signed=True)
    with pytest.raises(IndexError):
        kernel.texts(target, at, [b"x" * target.size])
    with pytest.raises(IndexError):
        kernel.repeated(target, at, b"x" * target.size)
    for digits in (0, 7, -1):
        with pytest.raises(IndexError):
            kernel.lists(target, at * 0, stack, digits, signed=True)
    with pytest.raises(ValueError, match="1 texts have places"):
        kernel.texts(target, np.zeros(2, dtype=np.int64), [b"x"])
    kernel.lists(target, at * 0, stack, 4, signed=True)
    assert target.done() == b"[[ 0.5000, 0.5000],[ 0.5000, 0.5000]]"
    with pytest.raises(ValueError, match="given away"):
        target.done()


@given(data=st.binary(max_size=9000), times=st.integers(1, 40), cut=st.integers(0, 9))
def test_a_checksum_is_the_same_without_the_kernel(data: bytes, times: int, cut: int) -> None:
    """Of any length, and of bytes that begin between two words; it is the sum of plain numpy."""
    view = memoryview(data * times)[cut:]
    with_kernel = checksum(view)
    with pure():
        assert checksum(view) == with_kernel
    words = np.frombuffer(bytes(view), dtype=np.uint64, count=len(view) // 4096 * 512)
    pages = words.reshape(-1, 512)
    digest = hashlib.blake2b(pages.sum(axis=0).tobytes(), digest_size=8)
    digest.update(pages.sum(axis=1).tobytes())
    digest.update(view[words.nbytes :])
    digest.update(len(view).to_bytes(8, "little"))
    assert with_kernel == f"p{digest.hexdigest()}"


def test_threads_share_the_kernel() -> None:
    """Several threads print at once; none disturbs another."""
    rng = np.random.default_rng(3)
    stacks = [rng.normal(size=(5, 40, 70)).astype(np.float32) for _ in range(8)]
    lots = [[Lot(range(5), [Lists([stack], 6)])] for stack in stacks]
    alone = [laid_out(lot, 5) for lot in lots]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(laid_out, 4 * lots, [5] * 32)) == 4 * alone


@pytest.mark.parametrize("content", [None, b"", b"\x7fELF no library", b"#!/bin/sh\n"])
def test_what_cannot_be_loaded_leaves_the_pure_path(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file, or one that is no library of this machine: the same bytes, and not a word."""
    library = tmp_path / "kernel.so"
    if content is not None:
        library.write_bytes(content)
    lot = Lot([0], [Lists([np.array([[[0.5, -1.0]]], dtype=np.float32)], 2)])
    expected = laid_out([lot], 1)
    monkeypatch.setattr(compiled, "LIBRARY", library)
    compiled._loaded.cache_clear()
    try:
        assert compiled.kernel() is None
        assert laid_out([lot], 1) == expected == b"[[ 0.50,-1.00]]"
    finally:
        monkeypatch.undo()
        compiled._loaded.cache_clear()


@pytest.mark.skipif(COMPILER is None, reason="no kernel was built here: no compiler")
@pytest.mark.parametrize("change", ["return 2; }=return 99; }", "attn_kernel_texts=attn_other"])
def test_a_kernel_of_another_version_is_left_alone(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that says another version, or lacks a function, is not used."""
    source, library = tmp_path / "other.c", tmp_path / "kernel.so"
    old, new = change.split("=")
    text = SOURCE.read_text(encoding="utf-8")
    assert old in text
    source.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert COMPILER is not None
    subprocess.run([COMPILER, "-fPIC", "-shared", "-o", str(library), str(source)], check=True)
    monkeypatch.setattr(compiled, "LIBRARY", library)
    compiled._loaded.cache_clear()
    try:
        assert compiled.kernel() is None
    finally:
        monkeypatch.undo()
        compiled._loaded.cache_clear()
