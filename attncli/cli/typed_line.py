"""A command line that is plainly right, read without typer.

To import typer and to make the options of a command for it takes longer than a short command runs.
So a line of known options, each once and with a value that can only mean one thing, is read here,
and gives the values that typer would give. Every other line is typer's, which knows habits, help
and completion, and says what is wrong.
"""

from collections.abc import Collection, Iterator, Sequence
from inspect import Parameter
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from attncli.cli.parameters import CommandParameter

_DIGITS = 15  # that a float64 holds exactly
_LIMITS = {"min", "max"}
_SAID = {"metavar", "help", "rich_help_panel", "show_default", "hidden"}  # in help alone


class _UnclearError(Exception):
    """Raised where typer has to read the line."""


class _Source(NamedTuple):
    name: str


_TYPED, _DEFAULT = _Source("COMMANDLINE"), _Source("DEFAULT")


class TypedNames:
    """Which parameters a line gives: what a command asks typer's context for."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names

    def get_parameter_source(self, name: str) -> _Source:
        """Where the value of a parameter comes from."""
        return _TYPED if name in self._names else _DEFAULT


def values_of_line(
    parameters: Sequence[Parameter], words: Sequence[str]
) -> tuple[dict[str, Any], TypedNames] | None:
    """The value of each parameter of a command, and which were typed; None where typer has to read.

    `words` are those behind the name of the command.
    """
    try:
        typed = _typed(parameters, words)
    except _UnclearError:
        return None
    values = {p.name: typed.get(p.name, p.default) for p in parameters}
    if Parameter.empty in values.values():
        return None
    return values, TypedNames(typed)


def _typed(parameters: Sequence[Parameter], words: Sequence[str]) -> dict[str, Any]:
    """The values that stand on the line. Raises: _UnclearError."""
    options = {name: (p, side) for p in parameters for name, side in _names(p)}
    typed: dict[str, Any] = {}
    free: list[str] = []
    rest = iter(words)
    for word in rest:
        if word[:1] != "-" or word == "-":
            free.append(word)
            continue
        name, equals, attached = word.partition("=") if word[:2] == "--" else (word, "", "")
        parameter, side = options.get(name, (None, None))
        if parameter is None or parameter.name in typed:
            raise _UnclearError
        if side is not None:
            if equals:
                raise _UnclearError
            typed[parameter.name] = side
        else:
            value = attached if equals else next(rest, "")
            if value[:1] in ("", "-") and not _is_decimal(value):
                raise _UnclearError
            typed[parameter.name] = _value(parameter, value)
    return typed | _arguments(parameters, free)


def _names(parameter: Parameter) -> Iterator[tuple[str, bool | None]]:
    """The names of an option, each with what it says of a switch; None where a value follows."""
    own = _own(parameter)
    if own.is_argument:
        return
    is_switch = _kind(parameter) is bool
    for names in own.names or (f"--{parameter.name.replace('_', '-')}",):
        yes, slash, no = names.partition("/")
        yield yes, True if is_switch else None
        if slash:
            yield no, False


def _own(parameter: Parameter) -> CommandParameter:
    own = parameter.annotation.__metadata__[0]
    assert isinstance(own, CommandParameter)
    return own


def _kind(parameter: Parameter) -> Any:
    """The type of a parameter, without the None that its default may be."""
    annotation = parameter.annotation
    hint = annotation.__origin__ if get_origin(annotation) is Annotated else annotation
    if get_origin(hint) not in (Union, UnionType):
        return hint
    kinds = [kind for kind in get_args(hint) if kind is not NoneType]
    return kinds[0] if len(kinds) == 1 else hint


def _arguments(parameters: Sequence[Parameter], free: Sequence[str]) -> dict[str, Any]:
    """The arguments in their order; a list takes all that are left. Raises: _UnclearError."""
    typed: dict[str, Any] = {}
    left = list(free)
    for parameter in parameters:
        if not left or not _own(parameter).is_argument:
            continue
        if _kind(parameter) == list[str]:
            typed[parameter.name], left = left, []
        else:
            typed[parameter.name] = _value(parameter, left.pop(0))
    if left:
        raise _UnclearError
    return typed


def _value(parameter: Parameter, text: str) -> Any:
    """The value that a text is for a parameter. Raises: _UnclearError."""
    kind, wording = _kind(parameter), _own(parameter).wording
    if not wording.keys() <= _SAID | _LIMITS:
        raise _UnclearError
    if kind is str:
        return text
    if kind == list[str]:
        return [text]
    if get_origin(kind) is Literal and text in get_args(kind):
        return text
    if kind is int and _is_decimal(text) and "." not in text:
        return _within(int(text), wording)
    if kind is float and _is_decimal(text):
        return _within(float(text), wording)
    raise _UnclearError


def _is_decimal(text: str) -> bool:
    """Whether a text is a number as people write it: -1, 0.25."""
    parts = text.removeprefix("-").split(".", 1)
    return all(p.isascii() and p.isdecimal() and len(p) <= _DIGITS for p in parts)


def _within(number: float, wording: dict[str, Any]) -> float:
    low, high = wording.get("min"), wording.get("max")
    if (low is not None and number < low) or (high is not None and number > high):
        raise _UnclearError
    return number
