"""Every error raised on purpose, with the exit code it ends in; and how fields are named in them.

A message says what was found and what was expected; `place` says where (`file`, `file:line`,
`file: byte N`, a field), and `hints` are lines that work when typed. The command prints them as

    attn: error: PLACE: found, expected
      hint: …

Who called knows a field by a name of its own: Python `temperature`, the command its option. So
whatever is said of a field is made by `field_name`, `setting` or `command_line`, when it is said.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import local


class AttnError(Exception):
    """Base of all errors raised on purpose; a bare one is a bug (exit 1)."""

    exit_code = 1
    name = "internal"

    def __init__(
        self, message: str, *, place: str | None = None, hints: tuple[str, ...] | list[str] = ()
    ) -> None:
        if place is not None and "://" in place:
            from attncli.errors.wording import apart_from_secrets, without_secrets

            message, place = apart_from_secrets(message, place), without_secrets(place)
        super().__init__(message)
        self.message = message
        self.place = place
        self.hints = hints

    @property
    def hints(self) -> tuple[str, ...]:
        """At most two lines that say what to do; a traceback of Python shows them as notes."""
        return self._hints

    @hints.setter
    def hints(self, given: tuple[str, ...] | list[str]) -> None:
        self._hints = tuple(given)[:2]
        if self._hints or hasattr(self, "__notes__"):
            self.__notes__ = [f"hint: {hint}" for hint in self._hints]

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.place, self.hints)


def _rebuild(
    kind: type[AttnError], message: str, place: str | None, hints: tuple[str, ...]
) -> AttnError:
    return kind(message, place=place, hints=hints)


class ShapeError(AttnError, ValueError):
    """Arrays whose shapes do not fit; only a caller from Python can cause it."""

    name = "shape"


class UsageError(AttnError):
    """A wrong option, or a value out of its range."""

    exit_code = 2
    name = "usage"


class PartialError(AttnError):
    """Done, but some lines were set aside; each has its error record."""

    exit_code = 3
    name = "partial"


class EmptyError(AttnError):
    """Nothing to do: no sentence, or no word in it."""

    exit_code = 4
    name = "empty"


class DataError(AttnError):
    """A file is damaged, cut, of the wrong kind, or contradicts itself."""

    exit_code = 5
    name = "data"


class ArgumentError(DataError, TypeError):
    """A value of another kind than a function takes; only a caller from Python can cause it."""

    name = "argument"


class UnknownWordError(DataError):
    """A word has no vector, and the policy is to stop there."""

    name = "unknown-word"


class MissingWordError(UnknownWordError, KeyError):
    """A mapping of words and vectors has no such word; only a caller from Python can cause it."""


class InputError(AttnError):
    """A file cannot be opened or read."""

    exit_code = 6
    name = "no-input"


class RefusedError(AttnError):
    """Loading it could run code, write elsewhere or reach out."""

    exit_code = 7
    name = "refused"


class LimitError(AttnError):
    """A stated limit is passed: memory, line length, dimension, tokens, unpacked size."""

    exit_code = 8
    name = "limit"


class OutputError(AttnError):
    """The result cannot be written; what was there before is untouched."""

    exit_code = 9
    name = "output"


class LockedError(AttnError):
    """Another run works on this output."""

    exit_code = 10
    name = "locked"


class ResumeError(AttnError):
    """The checkpoint belongs to another input, other vectors or other options."""

    exit_code = 11
    name = "resume"


class ClusterError(AttnError):
    """Workers died more often than allowed; finished parts are kept."""

    exit_code = 12
    name = "cluster"


class NumericError(AttnError):
    """The result would not be finite, or a training diverged."""

    exit_code = 13
    name = "numeric"


class MissingExtraError(AttnError):
    """An optional package is missing; the hint is the line that installs it."""

    exit_code = 14
    name = "extra"

    @classmethod
    def of(cls, package: str, purpose: str) -> "MissingExtraError":
        """The error for `purpose`, which needs the library `package`."""
        return cls(
            f"{purpose} needs the package {package}, which is not installed",
            hints=(f"pip install {package}",),
        )


def error_of(name: str) -> type[AttnError]:
    """The class whose errors are called so in a record; DataError for a name of none."""
    kinds = [AttnError]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    return next((kind for kind in kinds[1:] if kind.name == name), DataError)


class Blank(str):
    """A value that the reader fills in, such as FILE."""

    __slots__ = ()


class Naming:
    """How fields are written; this is the way of Python."""

    def field_name(self, name: str) -> str:
        """A field alone."""
        return name

    def setting(self, **values: object) -> str:
        """Fields with their values."""
        return ", ".join(f"{name}={_value(value)}" for name, value in values.items())

    def command_line(self, words: str, **values: object) -> str:
        """What a shell is told, `words`, with the fields that it is told beside."""
        return f"attn {words} ({self.setting(**values)})"


class _Caller(local):
    """Who reads what this thread says: the place of a `Naming` in a module, loaded when needed."""

    naming = "attncli.errors:Naming"


_caller = _Caller()


def naming() -> str:
    """How fields are named here, for `names_as` in another thread or process."""
    return _caller.naming


@contextmanager
def names_as(naming: str) -> Iterator[None]:
    """Names fields in the way of a `Naming`, given as MODULE:CLASS."""
    before, _caller.naming = _caller.naming, naming
    try:
        yield
    finally:
        _caller.naming = before


def field_name(name: str) -> str:
    """A field as the caller writes it.

    >>> field_name("target_self")
    'target_self'
    """
    return _naming().field_name(name)


def setting(**values: object) -> str:
    """Fields with values as the caller writes them; a flag is True.

    >>> setting(oov="random", causal=True)
    "oov='random', causal=True"
    """
    return _naming().setting(**values)


def command_line(words: str, **values: object) -> str:
    """A line for the shell, whose options are these fields.

    >>> command_line("vectors import FILE", max_dim=300)
    'attn vectors import FILE (max_dim=300)'
    """
    return _naming().command_line(words, **values)


def _naming() -> Naming:
    from importlib import import_module

    module, _, name = _caller.naming.partition(":")
    return getattr(import_module(module), name)()  # type: ignore[no-any-return]  # as names_as says


def _value(value: object) -> str:
    return str(value) if isinstance(value, Blank) else repr(value)
