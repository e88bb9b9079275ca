"""The line on a terminal that says how far a batch is, and the one it leaves at its end."""

import sys
import time
from collections.abc import Callable

from attncli.cli.terminal import draw, message

_EVERY = 0.2  # seconds between two drawings
_CLEAR = "\r\x1b[K"


class SentenceProgress:
    """Sentences, their rate, and the time left; silent when stderr is no terminal.

    `share` tells how much of the input was read, 0 to 1, or None when that is not known.
    """

    def __init__(self, share: Callable[[], float | None], *, quiet: bool = False) -> None:
        self._share = share
        self._shown = not quiet and sys.stderr is not None and sys.stderr.isatty()
        self._begun = time.monotonic()
        self._drawn = 0.0

    def update(self, total: int, new: int) -> None:
        """Draws the line anew, a few times a second."""
        now = time.monotonic()
        if self._shown and now - self._drawn >= _EVERY:
            self._drawn = now
            self._shown = draw(_CLEAR + rate_text(total, new, now - self._begun, self._share()))

    def clear(self) -> None:
        """Removes the line."""
        if self._shown:
            draw(_CLEAR)


class Encoding(SentenceProgress):
    """How many sentences a transformer has encoded; the line is gone when the block is left."""

    def __init__(self, *, quiet: bool = False) -> None:
        super().__init__(lambda: self._done, quiet=quiet)
        self._quiet = quiet
        self._done: float | None = None

    def __enter__(self) -> "Encoding":
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def tick(self, done: int, total: int) -> None:
        """`done` of `total` sentences are encoded."""
        self._done = done / total
        self.update(done, done)

    def say(self, kind: str, text: str) -> None:
        """A line on stderr, in the place of the one that is drawn."""
        if not self._quiet:
            self.clear()
            message(kind, text)


def rate_text(total: int, new: int, seconds: float, share: float | None) -> str:
    """What the line says.

    >>> progress_text(120_000, 120_000, 4.0, 0.25)
    '120,000 sentences, 30,000/s, 25 %, 12 s left'
    """
    rate = new / seconds if seconds > 0 else 0.0
    text = f"{total:,} sentences, {rate:,.0f}/s"
    if share is None or not 0 < share <= 1 or not new:
        return text
    left = max(0.0, (total / share - total) / rate) if rate else 0.0
    return f"{text}, {share:.0%}, {duration(left)} left".replace("%", " %")


def duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> duration(75)
    '1 min 15 s'
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s" if seconds >= 10 or whole == seconds else f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
