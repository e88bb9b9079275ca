"""Opens the vectors that the options name; stderr has a bar while they are converted, and notes."""

from collections.abc import Iterator
from contextlib import contextmanager

from attncli.cli.conversion_bar import ConversionBar
from attncli.cli.terminal import hint, message
from attncli.errors.wording import visible
from attncli.files.access import DEFAULT_ACCESS, Access
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
    limits: Limits = DEFAULT_ACCESS.limits,
) -> Iterator[Access]:
    """How vectors are opened at the terminal: the bar, warnings and notes go to stderr."""
    with ConversionBar(f"converting {visible(name)[-40:]}", quiet=quiet) as bar:
        yield Access(whole, cached, Saying(quiet=quiet), bar.tick, limits)
