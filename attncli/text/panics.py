"""Panics of a library in Rust: errors for the caller, and not a word on the terminal."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_ONE_AT_A_TIME = threading.RLock()  # two that turn away file 2 would keep each other's nothing


class PanicError(Exception):
    """What a library in Rust panicked about."""


@contextmanager
def quiet_panics() -> Iterator[None]:
    """Raises PanicError for a panic inside, which pyo3 raises past every `except Exception`.

    Rust writes of a panic to file 2 before Python hears of it, so that file is turned away
    meanwhile: two calls of the system, a microsecond.
    """
    with _ONE_AT_A_TIME, _turned_away(2):
        try:
            yield
        except BaseException as fault:
            if isinstance(fault, Exception) or type(fault).__name__ != "PanicException":
                raise
            raise PanicError(str(fault)) from None


@contextmanager
def _turned_away(number: int) -> Iterator[None]:
    """What is written to this file meanwhile goes nowhere; nothing changes where it is closed."""
    try:
        kept = os.dup(number)
    except OSError:
        yield
        return
    try:
        with suppress(OSError):  # no descriptor left: then it is not turned away
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, number)
            os.close(nowhere)
        yield
    finally:
        os.dup2(kept, number)
        os.close(kept)
