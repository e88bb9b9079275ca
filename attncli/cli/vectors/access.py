"""Opens the vectors that the options name; stderr has a bar while they are converted, and notes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attncli.cli.conversion_bar import ConversionBar
from attncli.cli.terminal import hint, message
from attncli.errors.wording import visible

if TYPE_CHECKING:
    from attncli.api.word_vectors import Access
    from attncli.files.limits import Limits

_MOST_SAID = 8


class Saying:
    """What opening vectors has to say, on stderr; the same thing once."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._said: set[str] = set()

    def __call__(self, kind: str, text: str) -> None:
        if self._quiet or text in self._said or len(self._said) >= _MOST_SAID:
            return
        self._said.add(text)
        if kind == "hint":
            hint(text)
        else:
            message(kind, text)


@contextmanager
def access_to(
    name: str,
    *,
    whole: bool = True,
    cached: bool = True,
    quiet: bool = False,
    limits: "Limits | None" = None,
) -> "Iterator[Access]":
    """How vectors are opened at the terminal: the bar, warnings and notes go to stderr."""
    from attncli.api.word_vectors import Access

    bar = ConversionBar(f"converting {visible(name)[-40:]}", quiet=quiet)
    access = Access(whole=whole, cached=cached, say=Saying(quiet=quiet), tick=bar.tick)
    try:
        yield access if limits is None else access._replace(limits=limits)
    finally:
        bar.end()
