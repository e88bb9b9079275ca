"""The metadata of a GGUF file, one by one, each checked; every fault names the key."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from attncli.errors import DataError
from attncli.errors.wording import quoted


class Metadata:
    """The values of metadata; `part` stands before their keys, as in "llama."."""

    def __init__(self, given: Mapping[str, Any], place: str, part: str = "") -> None:
        self._given, self.place, self.part = given, place, part

    def of_architecture(self) -> "Metadata":
        """The values of the architecture that the file names."""
        return Metadata(self._given, self.place, f"{self.text('general.architecture')}.")

    def whole(self, key: str, default: int | None = None) -> int:
        """A whole number. Raises: DataError for what is none, or missing where there is no default."""
        value = self._given.get(self.part + key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._unlike(key, value, "a whole number")
        return value

    def optional_whole(self, key: str) -> int | None:
        """A whole number, or None where there is none."""
        return self.whole(key) if self.part + key in self._given else None

    def number(self, key: str, default: float | None = None) -> float:
        """A number. Raises: DataError for what is none, or missing where there is no default."""
        value = self._given.get(self.part + key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._unlike(key, value, "a number")
        return float(value)

    def optional_number(self, key: str) -> float | None:
        """A number, or None where there is none."""
        return self.number(key) if self.part + key in self._given else None

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self._given.get(self.part + key, default)
        if not isinstance(value, bool):
            raise self._unlike(key, value, "true or false")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """A text. Raises: DataError for what is none, or missing where there is no default."""
        value = self._given.get(self.part + key, default)
        if not isinstance(value, str):
            raise self._unlike(key, value, "a text")
        return value

    def texts(self, key: str) -> list[str]:
        """An array of texts, empty where there is none."""
        value = self._given.get(self.part + key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value[:1]):
            raise self._unlike(key, value, "an array of texts")
        return value

    def numbers(self, key: str) -> np.ndarray[Any, Any] | None:
        """An array of numbers, or None where there is none."""
        value = self._given.get(self.part + key)
        if value is None:
            return None
        if not isinstance(value, np.ndarray):
            raise self._unlike(key, value, "an array of numbers")
        return value

    def same(self, key: str, default: int | None) -> int | None:
        """A whole number, given alone or for each layer. Raises: DataError where layers differ."""
        value = self._given.get(self.part + key)
        if isinstance(value, np.ndarray):
            if value.dtype.kind not in "iu" or not len(value) or (value != value[0]).any():
                raise self._unlike(key, value.tolist()[:4], "the same whole number in every layer")
            return int(value[0])
        return default if value is None else self.whole(key)

    def is_whole(self, key: str) -> bool:
        """Whether a value is a whole number, and no array of them."""
        return isinstance(self._given.get(self.part + key), int)

    def has(self, key: str) -> bool:
        """Whether the file has a value."""
        return self.part + key in self._given

    def fault(self, key: str, message: str) -> DataError:
        """What is wrong with a value, to be raised."""
        return DataError(f"{self.part}{key} {message}", place=self.place)

    def _unlike(self, key: str, value: Any, expected: str) -> DataError:
        if value is None:
            return self.fault(key, f"is missing, expected {expected}")
        shown = value if isinstance(value, str | int | float | Sequence) else type(value).__name__
        return self.fault(key, f"is {quoted(str(shown))}, expected {expected}")
