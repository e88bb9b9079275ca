"""How a large file of vectors is opened, and who hears of it."""

from collections.abc import Callable
from typing import NamedTuple

from attncli.files.limits import Limits

Say = Callable[[str, str], None]
Tick = Callable[[int, int | None], None]


class Access(NamedTuple):
    """How vectors are opened.

    `whole`: the whole vocabulary is needed, so a large file is converted into the cache; without it
    the words of a text are searched for in the file. `say` is told ("warning" | "hint", text), `tick`
    the bytes done of a conversion and of how many. `limits` are those of the readers.
    """

    whole: bool = True
    cached: bool = True
    say: Say = lambda kind, text: None
    tick: Tick = lambda done, total: None
    limits: Limits = Limits()


DEFAULT_ACCESS = Access()
