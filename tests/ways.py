"""The two ways of the inner loops: compiled, and by Python and numpy."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from attncli.arrays.compiled import SWITCH, compiled

PURE = "pure"
WAYS = [
    pytest.param(
        "compiled",
        marks=pytest.mark.skipif(compiled() is None, reason="kernel.c was not compiled here"),
    ),
    PURE,
]


@contextmanager
def taken(way: str) -> Iterator[None]:
    """Within, one of the ways is taken."""
    before = os.environ.pop(SWITCH, None)
    if way == PURE:
        os.environ[SWITCH] = "1"
    compiled.cache_clear()
    try:
        yield
    finally:
        os.environ.pop(SWITCH, None)
        if before is not None:
            os.environ[SWITCH] = before
        compiled.cache_clear()
