"""What is known of the command that runs: its arguments, who hears it, who takes what it draws."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

_EARLY = 100  # messages that are kept for a listener that comes later


class Listener(Protocol):
    """Who hears what a command says on stderr."""

    def hear(self, kind: str, text: str, code: str) -> bool:
        """Told a message, a hint or a line of a traceback; whether stderr is to have it too."""

    def end(self, code: int) -> int:
        """Told the exit code; the one to end with."""


_listeners: list[Listener] = []  # none, or the one of the command that runs
_early: list[tuple[str, str, str]] = []  # what was said before there was one
_arguments: list[str] = []  # of the command that runs
_habits: dict[str, object] = {}  # that stand for options which were not typed
_takers: list[list[object]] = []  # none, or who takes what the command would draw


def remember_arguments(arguments: Iterable[str]) -> None:
    """Keeps the command line that runs now, for the footer of what it writes."""
    _arguments[:] = arguments
    _habits.clear()


def arguments_now() -> list[str]:
    """The command line that runs now; empty where no command runs."""
    return list(_arguments)


def remember_habit(name: str, value: object) -> None:
    """Keeps that a default of the user's own stands for an option of the command that runs."""
    _habits[name] = value


def habits_now() -> dict[str, object]:
    """The defaults of the user's own that act now, by the names of their options without dashes."""
    return dict(_habits)


def begin_run() -> None:
    """Forgets who heard the command before this one."""
    _listeners.clear()
    _early.clear()


def listen(listener: Listener) -> None:
    """Tells a listener all that the command says, and what it has said already."""
    for kind, text, code in _early:
        listener.hear(kind, text, code)
    _listeners[:] = [listener]


def is_unheard() -> bool:
    """Whether nobody listens to the command that runs."""
    return not _listeners


def is_shown(kind: str, text: str, code: str = "") -> bool:
    """Whether stderr is to have a text that a listener hears."""
    if _listeners:
        return _listeners[0].hear(kind, text, code)
    if len(_early) < _EARLY:
        _early.append((kind, text, code))
    return True


def end_run(code: int) -> int:
    """Tells who listens the exit code; the one to end with."""
    return _listeners[0].end(code) if _listeners else code


@contextmanager
def taking() -> Iterator[list[object]]:
    """Takes what commands would draw as tables on standard output, and gives it as it is."""
    given: list[object] = []
    _takers.append(given)
    try:
        yield given
    finally:
        _takers.remove(given)


def is_taken() -> bool:
    """Whether somebody takes what the command would draw."""
    return bool(_takers)


def hand_over(drawn: object) -> bool:
    """Gives what would be drawn to who takes it; whether there is one."""
    if _takers:
        _takers[-1].append(drawn)
    return is_taken()
