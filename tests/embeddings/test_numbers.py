"""Decimal numbers in bytes become the float32 that Python's own conversion gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.embeddings.readers.text.numbers import PAD, parse_one, parse_tokens

FORMS = ("%.5g", "%.4f", "%r", "%.9g", "%f", "%.10f", "%.14f", "%.15f", "%.17g", "%e", "%+.3f")


def parsed(tokens: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """The tokens, read many at a time."""
    text = np.frombuffer(b"x" * PAD + b" ".join(tokens) + b" ", dtype=np.uint8)
    sizes = np.array([len(token) + 1 for token in tokens])
    ends = PAD + np.cumsum(sizes) - 1
    return parse_tokens(text, ends - sizes + 1, ends)


def written() -> st.SearchStrategy[bytes]:
    """Numbers in the forms that programs write."""
    values = st.floats(width=32, allow_nan=False, allow_infinity=False)
    return st.tuples(values, st.sampled_from(FORMS)).map(lambda pair: (pair[1] % pair[0]).encode())


@given(st.lists(written(), min_size=1, max_size=30))
def test_a_written_number_reads_as_the_float32_of_its_text(tokens: list[bytes]) -> None:
    """Each value has exactly the bits of float32(float(text)), whatever its form."""
    values, fine = parsed(tokens)
    with np.errstate(over="ignore"):
        expected = np.array([float(token) for token in tokens]).astype(np.float32)
    finite = np.isfinite(expected)
    assert fine.tolist() == finite.tolist()
    assert values[finite].tobytes() == expected[finite].tobytes()


@given(st.lists(st.text("0123456789.+-eE_ nafix１", max_size=20), min_size=1, max_size=20))
def test_many_tokens_at_once_agree_with_one_at_a_time(texts: list[str]) -> None:
    """The fast way accepts exactly what the strict grammar does, with the same values."""
    tokens = [text.replace(" ", "").encode() for text in texts]
    values, fine = parsed(tokens)
    for token, value, is_fine in zip(tokens, values.tolist(), fine.tolist(), strict=True):
        one = parse_one(token)
        assert is_fine == (one is not None), token
        assert one is None or one == value, token


@pytest.mark.parametrize(
    "token",
    [
        "nan",
        "inf",
        "-inf",
        "1e39",
        "1e999",
        "1_0",
        "１",
        "0x10",
        "0,1",
        "",
        "-",
        ".",
        "e5",
        "1e",
        "NaN",
    ],
)
def test_what_c_would_not_write_is_no_number(token: str) -> None:
    """No other digits, no separators, nothing that is not finite as float32."""
    assert parse_one(token.encode()) is None
    assert not parsed([token.encode()])[1].any()


@pytest.mark.parametrize(
    ("token", "value"), [("-0.0", -0.0), (".5", 0.5), ("1E-3", 1e-3), ("5.", 5.0), ("1e-45", 1e-45)]
)
def test_unusual_forms_are_numbers(token: str, value: float) -> None:
    """Signs, bare points, exponents and denormal values are kept exactly."""
    found, fine = parsed([token.encode()])
    assert fine.all()
    assert found.tobytes() == np.float32(value).tobytes()
