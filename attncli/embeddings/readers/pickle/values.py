"""What a pickle describes, when nothing of it is built: plain data, Names and Things."""

from dataclasses import dataclass, field
from typing import Any

from attncli.errors.wording import quoted


@dataclass(frozen=True, slots=True)
class Name:
    """A name that a pickle refers to; nothing was imported."""

    path: str


@dataclass(slots=True, eq=False)
class Thing:
    """An object that was not built: what would have been called, with what, and its state."""

    made_by: str
    args: tuple[Any, ...]
    state: list[Any] = field(default_factory=list)

    def attributes(self) -> dict[str, Any]:
        """The attributes its state would have set."""
        found: dict[str, Any] = {}
        for part in self.state:
            for piece in part if isinstance(part, tuple) else (part,):
                if isinstance(piece, dict):
                    found.update((key, value) for key, value in piece.items() if type(key) is str)
        return found


def shown_type(value: object) -> str:
    """How a message names what was found instead of what was expected; never its content."""
    if isinstance(value, Thing):
        return f"an object of {quoted(value.made_by, 80)}"
    return f"a value of type {type(value).__name__}"
