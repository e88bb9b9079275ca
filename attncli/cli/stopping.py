"""SIGTERM stops a run in the same way as Ctrl-C does, but with an exit code of its own."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


@contextmanager
def heeding_sigterm() -> Iterator[None]:
    """Inside, SIGTERM raises SystemExit(143), so that what is done can be kept."""
    before = signal.signal(signal.SIGTERM, _terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminated(number: int, frame: object) -> NoReturn:
    raise SystemExit(128 + number)
