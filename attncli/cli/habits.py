"""Defaults of one's own: what `attn config` keeps in a file, and ATTN_* variables.

A habit stands for an option that is not typed. It gives way where it would contradict what is typed,
and is never said to have no effect.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

from attncli import settings
from attncli.cli.config_path import config_file
from attncli.cli.running import remember_habit
from attncli.errors import DataError, UsageError
from attncli.errors.wording import did_you_mean, quoted, visible
from attncli.files.paths import exists


class Kind(NamedTuple):
    """What a habit may be: one of `choices`, or a number from `least` to `most`, a text, a switch."""

    meaning: str
    type: type = str
    choices: tuple[str, ...] = ()
    least: int | float = 0
    most: int | float = 0

    def read(self, value: object, place: str) -> Any:
        """The value, checked. Raises: DataError."""
        right = isinstance(value, self.type) and (self.type is bool or not isinstance(value, bool))
        if self.type is float and isinstance(value, int) and not isinstance(value, bool):
            value, right = float(value), True
        if right and self.choices:
            right = value in self.choices
        if right and self.most:
            right = self.least <= value <= self.most  # type: ignore[operator]  # a number
        if not right or value == "":
            raise DataError(f"found {quoted(str(value))}, expected {self.expected}", place=place)
        return value

    def parsed(self, text: str) -> object:
        """What a text from the command line or a variable says; the text where it says no such thing."""
        if self.type is bool:
            words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
            return words.get(text.strip().lower(), text)
        try:
            return self.type(text)
        except ValueError:
            return text

    @property
    def expected(self) -> str:
        """What may stand there, for messages."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        if self.type is bool:
            return "true or false"
        if self.most:
            number = "a whole number" if self.type is int else "a number"
            return f"{number} from {self.least} to {self.most}"
        return "a text"


HABITS = {
    "vectors": Kind("where words get their vectors"),
    "oov": Kind("unknown words", choices=get_args(settings.OovPolicy)),
    "tokenizer": Kind("how a sentence is cut", choices=get_args(settings.TokenizerName)),
    "seed": Kind("seed of what is random", int, least=0, most=2**32 - 1),
    "no-cache": Kind("neither read nor write converted vectors", bool),
    "score": Kind("how scores are made", choices=get_args(settings.Score)),
    "temperature": Kind("divides the scores", float, least=0.001, most=1000.0),
    "color": Kind("when there is color", choices=("auto", "always", "never")),
    "width": Kind("columns to use", int, least=1, most=10_000),
    "precision": Kind("digits after the point", int, least=1, most=9),
    "ascii": Kind("ASCII characters only", bool),
    "notation": Kind("symbols of equations", choices=get_args(settings.Notation)),
    "no-footer": Kind("no command below a file", bool),
    "quiet": Kind("no warnings", bool),
    "workers": Kind("processes of a batch", int, least=1, most=1024),
}
# Options that bring choices of their own, and beside which a habit would contradict what is typed.
_OWN = ("--model", "-m", "--preset", "--matrices")
_TASK = ("--attention", "--random-matrices", "--w-q", "--w-k", "--w-v", "--w-o", *_OWN)
_GIVES_WAY = {
    "vectors": ("--inline", *_OWN),
    "oov": _OWN,
    "tokenizer": _OWN,
    "seed": _OWN,
    "no-cache": ("--model", "-m"),
    "score": _TASK,
    "temperature": ("--target-self", *_TASK),
    "precision": ("--json", "--output", "-o"),  # what other programs read keeps its digits
}
# What each command takes from its user; others keep their own defaults. Digits of a batch, which
# other programs read, are not among them, nor the seed of a training, which is not that of words.
_WORDS = ("vectors", "oov", "tokenizer", "no-cache")
_GENERAL = (*_WORDS, "seed", "score", "temperature")
_LOOKS = ("color", "width", "ascii", "quiet")
_SHOWN = (*_LOOKS, "precision", "notation", "no-footer")
KEYS = {
    "explain": (*_GENERAL, *_SHOWN),
    "compare": (*_GENERAL, *_SHOWN),
    "view": _SHOWN,
    "diff": _LOOKS,
    "train": (*_WORDS, "no-footer", "quiet"),
    "batch": (*_GENERAL, "workers", "quiet"),
}
_PARAMETERS = {"ascii_only": "ascii"}


class Habits:
    """The habits as typer asks for defaults: by command, then by parameter."""

    def __init__(
        self, values: Mapping[str, Any], arguments: Sequence[str], command: str = ""
    ) -> None:
        self._values, self._command = values, command
        self._arguments = arguments

    def get(self, name: str) -> Any:
        """The habits of a command, or the habit of a parameter; None where there is none."""
        if not self._command:
            return Habits(self._values, self._arguments, name) if name in KEYS else None
        key = _PARAMETERS.get(name, name.replace("_", "-"))
        own = self._values.get(self._command, {})
        value = own.get(key, self._values.get(key))
        typed = {a.partition("=")[0] if a.startswith("--") else a[:2] for a in self._arguments}
        gives_way = not typed.isdisjoint(_GIVES_WAY.get(key, ()))
        if value is None or key not in KEYS[self._command] or gives_way:
            return None
        remember_habit(key, value)
        return value


def habits_for(arguments: Sequence[str]) -> Habits | None:
    """The habits of a command line; None where there are none. Raises: DataError."""
    values: dict[str, Any] = {}
    if (path := config_file()) is not None and exists(path):
        values |= read_habits(path)
    variables = of_environment()
    for table in (v for v in values.values() if isinstance(v, dict)):
        for key in variables:  # counts more than the table of a command
            table.pop(key, None)
    values |= variables
    return Habits(values, arguments) if values else None


def of_environment() -> dict[str, Any]:
    """The habits that variables say, ATTN_WIDTH and others; an empty one says none. Raises: DataError."""
    keys = {variable_of(key): key for key in HABITS}
    return {
        keys[name]: HABITS[keys[name]].read(HABITS[keys[name]].parsed(text), name)
        for name, text in os.environ.items()
        if name in keys and text
    }


def variable_of(key: str) -> str:
    """The variable of a habit.

    >>> variable_of("no-footer")
    'ATTN_NO_FOOTER'
    """
    return "ATTN_" + key.upper().replace("-", "_")


def read_habits(path: Path) -> dict[str, Any]:
    """What a file keeps, checked: habits of all commands, and a table for each command.

    Raises: DataError with the file and the key.
    """
    import tomllib

    place = visible(str(path))
    try:
        with path.open("rb") as file:
            document = tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise DataError(
            f"this is no TOML: {fault}", place=place, hints=("attn --no-config …",)
        ) from None
    except OSError as fault:
        raise DataError(f"cannot be read: {(fault.strerror or '').lower()}", place=place) from None
    values: dict[str, Any] = {}
    for key, value in document.items():
        if isinstance(value, dict):
            _expect_name(key, tuple(KEYS), f"{place}: [{visible(key)}]")
            values[key] = {
                k: _checked(k, v, f"{place}: {key}.{k}", KEYS[key]) for k, v in value.items()
            }
        else:
            values[key] = _checked(key, value, f"{place}: {key}", tuple(HABITS))
    return values


def _checked(key: str, value: object, place: str, keys: tuple[str, ...]) -> Any:
    _expect_name(key, keys, visible(place))
    return HABITS[key].read(value, visible(place))


def _expect_name(key: str, names: tuple[str, ...], place: str) -> None:
    if key not in names:
        raise DataError(
            f"found {quoted(key)}, expected one of {', '.join(names)}{did_you_mean(key, names)}",
            place=place,
        )


def habit_named(name: str) -> tuple[str, str]:
    """The command, or none, and the key of a name such as "width" or "explain.width". Raises: UsageError."""
    command, dot, key = name.rpartition(".")
    keys = KEYS.get(command, ()) if dot else tuple(HABITS)
    if key not in keys:
        expected = ", ".join(keys) if keys else f"{', '.join(KEYS)} before the dot"
        raise UsageError(
            f"found {quoted(name)}, expected one of {expected}{did_you_mean(key, keys)}",
            place="KEY",
        )
    return command, key
