"""The keys of a config.json, one by one, each checked; every fault names the key."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from attncli.errors import DataError
from attncli.errors.wording import quoted
from attncli.models.activations import ACTIVATIONS

_MAX_SIZE = 1 << 24
_MAX_NUMBER = 1e12


class ConfigKeys:
    """The values of a configuration, or of a part of it; `place` is its file.

    Of several names for one value any may be there, all with the same; null is as good as missing.
    """

    def __init__(self, given: Mapping[str, Any], place: str, part: str = "") -> None:
        self.given = given
        self.place = place
        self.part = part

    def within(self, name: str) -> "ConfigKeys | None":
        """The keys of an object inside this one. Raises: DataError when it is no object."""
        value = self.given.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.fault(f"{name} is {quoted(str(value))}, expected an object")
        return ConfigKeys(value, self.place, f"{self.part}{name}.")

    def size(self, *names: str, default: int, least: int = 1) -> int:
        """A whole number. Raises: DataError for what is none, or is out of range."""
        name, value = self._value(names)
        if value is None:
            return default
        if not _is_whole(value) or not least <= value <= _MAX_SIZE:
            raise self.fault(
                f"{name} is {quoted(str(value))}, expected a whole number from {least} to "
                f"{_MAX_SIZE}"
            )
        return int(value)

    def optional_size(self, *names: str) -> int | None:
        """A whole number from 1, or None where there is none."""
        return None if self._value(names)[1] is None else self.size(*names, default=1)

    def number(self, *names: str, default: float, least: float = 0.0) -> float:
        """A number above `least`. Raises: DataError for what is none, or is out of range."""
        name, value = self._value(names)
        if value is None:
            return default
        if not _is_number(value) or not least < value <= _MAX_NUMBER:
            raise self.fault(
                f"{name} is {quoted(str(value))}, expected a number above {least:g} and up to "
                f"{_MAX_NUMBER:g}"
            )
        return float(value)

    def optional_number(self, *names: str) -> float | None:
        """A number above 0, or None where there is none."""
        return None if self._value(names)[1] is None else self.number(*names, default=1.0)

    def epsilon(self, name: str, default: float) -> float:
        """What a norm adds to the variance, from 0 to 1."""
        value = self.given.get(name, default)
        if not _is_number(value) or not 0 <= value < 1:
            raise self.fault(f"{name} is {quoted(str(value))}, expected a number from 0 to 1")
        return float(value)

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false."""
        value = self.given.get(name, default)
        if not isinstance(value, bool):
            raise self.fault(f"{name} is {quoted(str(value))}, expected true or false")
        return value

    def activation(self, name: str, default: str) -> str:
        """The name of an activation that is known."""
        return self.choice(name, default, ACTIVATIONS)

    def choice(self, name: str, default: str, known: Mapping[str, object] | Sequence[str]) -> str:
        """One of the known names."""
        value = self.given.get(name, default)
        if not isinstance(value, str) or value not in known:
            raise self.fault(f"{name} is {quoted(str(value))}, expected one of {', '.join(known)}")
        return value

    def listed(self, name: str, count: int) -> list[Any] | None:
        """A list with a value for each of `count` layers or more, None where there is none."""
        value = self.given.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not count <= len(value) <= _MAX_SIZE:
            raise self.fault(f"{name} is {quoted(str(value))}, expected a list of {count} values")
        return value

    def numbers(self, name: str, count: int) -> list[float]:
        """A list of `count` numbers above 0. Raises: DataError when it is none, or missing."""
        value = self.given.get(name)
        is_list = isinstance(value, list) and len(value) == count
        if not is_list or not all(_is_number(one) and 0 < one < _MAX_NUMBER for one in value or ()):
            raise self.fault(f"{name} is {quoted(str(value))}, expected a list of {count} numbers")
        return [float(one) for one in value or ()]

    def fault(self, message: str) -> DataError:
        """What is wrong with these keys, to be raised."""
        return DataError(self.part + message, place=self.place)

    def _value(self, names: tuple[str, ...]) -> tuple[str, Any]:
        given = [name for name in names if self.given.get(name) is not None]
        if not given:
            return names[0], None
        first = self.given[given[0]]
        for other in given[1:]:
            if self.given[other] != first:
                raise self.fault(
                    f"{given[0]} is {quoted(str(first))} and {other}, another name for it, "
                    f"{quoted(str(self.given[other]))}, expected the same"
                )
        return given[0], first


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    return abs(value) < math.inf
