"""Values that no Python caller should give, each of a kind."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import attncli
from attncli.results.facts import AttentionSettings


class Hostile:
    """An object whose every conversion fails."""

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        raise RuntimeError("no array")

    def __iter__(self) -> Any:
        raise RuntimeError("no items")

    def __len__(self) -> int:
        raise RuntimeError("no length")

    def __fspath__(self) -> str:
        raise RuntimeError("no path")


def refuses(*_: object, **__: object) -> Any:
    """What a method does that always fails."""
    raise RuntimeError("not shown")


def unshown(kind: type, *of: Any) -> Any:
    """A value of a kind, whose every way to be shown fails."""
    ways = dict.fromkeys(("__repr__", "__str__", "__format__"), refuses)
    return type(f"Unshown{kind.__name__.title()}", (kind,), ways)(*of)


class Closed:
    """An object that gives no attribute and is not shown."""

    __repr__ = __str__ = refuses

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("no attribute")


class Shapeless:
    """An object whose shape is no shape."""

    shape = property(refuses)
    __repr__ = refuses


class Output(dict[str, Any]):
    """As ModelOutput of transformers: a dictionary with attributes."""

    attentions = (np.full((1, 2, 2, 2), 0.5),)


WRONG: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "number": lambda: 7,
    "negative": lambda: -1,
    "huge": lambda: 10**5000,
    "float": lambda: 1.5,
    "nan": lambda: math.nan,
    "inf": lambda: math.inf,
    "complex": lambda: 1j,
    "text": lambda: "x",
    "empty text": lambda: "",
    "NUL": lambda: "a\0b",
    "surrogate": lambda: "\ud800",
    "bytes": lambda: b"money",
    "list": lambda: [1, 2],
    "texts": lambda: ["money", "bank"],
    "empty list": lambda: [],
    "empty tuple": tuple,
    "nones": lambda: (None, None),
    "ragged": lambda: [[1.0], [1.0, 2.0]],
    "nested": lambda: [[["a"]]],
    "mixed": lambda: [1, "a", None],
    "unhashable": lambda: [[]],
    "dict": lambda: {"a": 1},
    "set": lambda: {1, 2},
    "object": object,
    "class": lambda: AttentionSettings,
    "function": lambda: len,
    "generator": lambda: (i for i in range(2)),
    "hostile": Hostile,
    "model output": Output,
    "objects": lambda: np.array([None, {}], dtype=object),
    "NaNs": lambda: np.full((2, 2), np.nan),
    "vector": lambda: np.zeros(2),
    "no numbers": lambda: np.zeros((0, 0)),
    "square": lambda: np.eye(2),
    "five axes": lambda: np.zeros((1, 1, 1, 2, 2)),
    "strings": lambda: np.array(["a", "b"]),
    "dates": lambda: np.array(["2020-01-01"], dtype="datetime64[D]"),
    "records": lambda: np.zeros(2, dtype=[("a", "i4")]),
    "ints": lambda: np.array([101, 102]),
    "zero axes": lambda: np.array(5),
    "path": lambda: Path("nowhere"),
}
UNSHOWN: dict[str, Callable[[], Any]] = {  # what cannot even be said
    "closed": Closed,
    "shapeless": Shapeless,
    "unshown": lambda: unshown(object),
    "unshown text": lambda: unshown(str, "money"),
    "unshown number": lambda: unshown(int, 3),
    "unshown float": lambda: unshown(float, 1.5),
    "unshown list": lambda: unshown(list, [1]),
    "unshown dict": lambda: unshown(dict, {"a": 1}),
    "unshown in a list": lambda: [unshown(object)],
    "unshown in a dict": lambda: {unshown(object): unshown(object)},
}


def result() -> attncli.AttentionResult:
    """A small result."""
    return attncli.from_attentions(np.eye(2), ["money", "bank"])
