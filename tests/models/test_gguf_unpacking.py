"""Quantized blocks give the numbers that the gguf package gives, to the bit."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ways import WAYS, taken

from attncli.files.gguf import QUANTIZATIONS
from attncli.models.gguf.unpacking import dequantized, numbers_of_blocks

gguf = pytest.importorskip("gguf")

TYPES = {one.name: (number, one) for number, one in QUANTIZATIONS.items() if one.name != "F64"}
EDGES = (0x0000, 0x8000, 0x0001, 0x03FF, 0x0400, 0x3C00, 0x7BFF, 0x7C00, 0xFC00, 0x7E00, 0xFE01)
# Where the float16 of a block stand.
SCALES = {
    "Q4_0": (0,), "Q4_1": (0, 2), "Q5_0": (0,), "Q5_1": (0, 2), "Q8_0": (0,), "Q2_K": (80, 82),
    "Q3_K": (108,), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,), "IQ4_NL": (0,), "IQ4_XS": (0,),
    "F16": (0,), "BF16": (0,), "F32": (), "MXFP4": (),
}  # fmt: skip


@pytest.fixture(autouse=True, scope="module", params=WAYS)
def way(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every law both ways: by the compiled loops, and by numpy."""
    with taken(request.param):
        yield


def expect_same_bits(raw: np.ndarray, name: str) -> None:
    """Holds rows of blocks to the oracle, NaN to NaN."""
    number, quantization = TYPES[name]
    ours = dequantized(raw, quantization)
    with np.errstate(all="ignore"):
        theirs = gguf.quants.dequantize(raw, gguf.GGMLQuantizationType(number))
    assert ours.shape == theirs.shape
    assert ours.dtype == np.float32
    same = ours.view(np.uint32) == np.ascontiguousarray(theirs).view(np.uint32)
    assert (same | (np.isnan(ours) & np.isnan(theirs))).all()


@pytest.mark.parametrize("name", TYPES)
def test_random_blocks_give_the_same_bits(name):
    """Any bytes: 600 rows of 5 blocks, more than are dequantized at once."""
    rng = np.random.default_rng(7)
    expect_same_bits(rng.integers(0, 256, (600, 5 * TYPES[name][1].size), dtype=np.uint8), name)


@pytest.mark.parametrize("edge", EDGES, ids=hex)
@pytest.mark.parametrize("name", TYPES)
def test_scales_at_the_edges_give_the_same_bits(name, edge):
    """Zero, subnormal, largest, infinite and NaN scales."""
    size = TYPES[name][1].size
    raw = np.random.default_rng(edge).integers(0, 256, (40, 3 * size), dtype=np.uint8)
    for block in range(3):
        for at in SCALES[name]:
            raw[:, block * size + at : block * size + at + 2] = [edge & 255, edge >> 8]
    expect_same_bits(raw, name)


@pytest.mark.parametrize("largest", [0x7BFF, 0x7FFF], ids=["finite", "all"])
def test_every_half_is_the_float_it_stands_for(largest):
    """All 65,536 of them, subnormal, infinite and NaN with its payload, and the finite ones alone."""
    halves = np.arange(65536, dtype=np.uint16)
    halves = halves[(halves & 0x7FFF) <= largest].reshape(-1, 128)
    found = dequantized(halves.view(np.uint8), TYPES["F16"][1])
    with np.errstate(invalid="ignore"):  # some processors say so of a signaling NaN
        expected = halves.view(np.float16).astype(np.float32)
    assert found.shape == expected.shape
    assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("exponent", [0, 1, 2, 127, 254, 255])
def test_exponents_of_mxfp4_at_the_edges_give_the_same_bits(exponent):
    """The smallest exponents are subnormal halves; the largest overflow where the oracle's do."""
    raw = np.random.default_rng(exponent).integers(0, 256, (9, 17), dtype=np.uint8)
    raw[:, 0] = exponent
    expect_same_bits(raw, "MXFP4")


@pytest.mark.parametrize("edge", EDGES, ids=hex)
@pytest.mark.parametrize("name", TYPES)
def test_blocks_are_known_to_be_finite_where_their_scales_are(name, edge):
    """One scale among many that is finite, infinite or NaN; of types without one nothing is known."""
    size = TYPES[name][1].size
    raw = np.random.default_rng(edge).integers(0, 256, (40, 300 * size), dtype=np.uint8)
    scales = raw.reshape(-1, size)
    for at in SCALES[name]:
        scales[:, at + 1] &= 0xBF
        scales[-7, at : at + 2] = [edge & 255, edge >> 8]
    numbers, is_finite = numbers_of_blocks(raw, TYPES[name][1])
    has_half_scales = SCALES[name] and name != "BF16"
    assert is_finite == bool(has_half_scales and np.isfinite(numbers).all())


@given(st.data())
def test_a_block_alone_is_what_it_is_among_others(data):
    """What is dequantized of a row does not depend on the rows beside it."""
    name = data.draw(st.sampled_from(sorted(TYPES)))
    quantization = TYPES[name][1]
    raw = np.random.default_rng(data.draw(st.integers(0, 99))).integers(
        0, 256, (7, 2 * quantization.size), dtype=np.uint8
    )
    row = data.draw(st.integers(0, 6))
    alone, among = dequantized(raw[row : row + 1], quantization), dequantized(raw, quantization)
    assert alone.tobytes() == among[row].tobytes()


@pytest.mark.parametrize("name", ["Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "F16", "BF16"])
def test_what_the_oracle_quantizes_comes_back_near(name):
    """Numbers quantized by the gguf package are read within the step of their type."""
    numbers = np.random.default_rng(0).standard_normal((64, 96)).astype(np.float32)
    number, quantization = TYPES[name]
    raw = gguf.quants.quantize(numbers, gguf.GGMLQuantizationType(number))
    found = dequantized(np.ascontiguousarray(raw).view(np.uint8), quantization)
    assert np.abs(found - numbers).max() < {"F16": 2e-3, "BF16": 2e-2, "Q8_0": 0.03}.get(name, 0.6)


def test_the_table_of_types_is_that_of_the_package():
    """Numbers, names, block lengths and sizes of the types are those of ggml."""
    for number, one in QUANTIZATIONS.items():
        kind = gguf.GGMLQuantizationType(number)
        assert (kind.name, *gguf.GGML_QUANT_SIZES[kind]) == one
