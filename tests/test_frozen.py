"""Frozen classes that compile nothing are what the standard dataclasses of the same fields are."""

import copy
import dataclasses
import importlib
import inspect
import pickle
import pkgutil
import pydoc
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

import attncli
from attncli.settings import frozen
from attncli.settings.frozen import default_of, is_frozen_class


def both(name: str) -> tuple[type[Any], type[Any]]:
    """A class of this name, made by `frozen` and by the standard library."""
    return globals()[f"{name}Ours"], globals()[f"{name}Theirs"]


def twice(cls: type[Any]) -> type[Any]:
    """Makes the class of the standard library beside ours, under the same name."""
    name = cls.__name__
    theirs = type(name, cls.__bases__, {n: v for n, v in vars(cls).items() if n != "__dict__"})
    for suffix, made in (
        ("Ours", frozen.dataclass(frozen=True, slots=True)(cls)),
        ("Theirs", dataclasses.dataclass(frozen=True, slots=True)(theirs)),
    ):
        made.__qualname__ = made.__name__ = name
        globals()[f"{name}{suffix}"] = made
    return cls


@twice
class Small:
    """Two numbers, and what is made of them."""

    kind: ClassVar[str] = "small"
    first: int
    second: float = 0.5
    words: "tuple[str, ...]" = ()
    counts: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "first", int(self.first))

    @property
    def double(self) -> int:
        """Twice the first."""
        return 2 * self.first


VALUES = st.lists(st.integers(0, 3), max_size=5)
NAMED = st.dictionaries(st.sampled_from(["first", "second", "words", "counts", "x"]), VALUES)


def outcome(call: Any) -> tuple[str, object]:
    """What a call gives or raises, in words."""
    try:
        return "given", call()
    except Exception as fault:
        return type(fault).__name__, str(fault)


@given(
    VALUES, st.dictionaries(st.sampled_from(["first", "second", "words", "x"]), st.integers(0, 3))
)
def test_arguments_are_taken_alike(values: list[int], named: dict[str, int]) -> None:
    """Whatever is given by place and by name: the same fields, or the same error in the same words."""
    ours, theirs = (outcome(lambda cls=cls: repr(cls(*values, **named))) for cls in both("Small"))
    assert ours == theirs


@given(st.integers(0, 2), st.floats(0, 1), st.integers(0, 2), st.floats(0, 1))
def test_values_are_compared_alike(a: int, b: float, c: int, d: float) -> None:
    """Equal, and of one hash, where every field is equal."""
    ours, theirs = ((cls(a, b, ("x",), 1), cls(c, d, ("x",), 1)) for cls in both("Small"))
    assert (ours[0] == ours[1]) is (theirs[0] == theirs[1])
    assert (hash(ours[0]) == hash(ours[1])) is (hash(theirs[0]) == hash(theirs[1]))
    assert hash(ours[0]) == hash(theirs[0])
    assert ours[0] != theirs[0]
    assert ours[0] != (a, b, ("x",), 1)


def test_what_others_ask_of_a_dataclass_is_the_same() -> None:
    """Fields, signature, replacing, copies, patterns, help: what the standard library offers."""
    ours, theirs = both("Small")
    assert dataclasses.is_dataclass(ours)
    told = [
        [(f.name, f.type, f.default, f.default_factory, f.init) for f in dataclasses.fields(cls)]
        for cls in (ours, theirs)
    ]
    assert told[0] == told[1]
    assert str(inspect.signature(ours)) == str(inspect.signature(theirs))
    assert ours.__match_args__ == theirs.__match_args__
    assert ours.__slots__ == theirs.__slots__
    assert (
        repr(ours.__dataclass_params__)
        == repr(dataclasses.dataclass(frozen=True)(type("X", (), {})).__dataclass_params__)
        or ours.__dataclass_params__.frozen
    )
    one, other = ours(1, 0.25, ("a",)), theirs(1, 0.25, ("a",))
    assert dataclasses.asdict(one) == dataclasses.asdict(other)
    assert dataclasses.astuple(one) == dataclasses.astuple(other)
    assert repr(dataclasses.replace(one, first=7)) == repr(dataclasses.replace(other, first=7))
    assert repr(frozen.replace(one, first=7)) == repr(frozen.replace(other, first=7))
    if sys.version_info >= (3, 13):
        assert copy.replace(one, first=7) == ours(7, 0.25, ("a",))
    assert copy.copy(one) == copy.deepcopy(one) == one
    assert one.double == 2
    assert ours.kind == "small"
    assert "Twice the first" in pydoc.render_doc(ours)


def test_each_has_what_is_made_anew() -> None:
    """A factory makes a value for each instance."""
    ours, _ = both("Small")
    assert ours(1).counts == {}
    assert ours(1).counts is not ours(1).counts


@pytest.mark.parametrize("name", ["first", "words", "other"])
def test_nothing_is_changed(name: str) -> None:
    """Neither a field nor anything else, with the error of the standard library."""
    for change in (lambda one: setattr(one, name, 2), lambda one: delattr(one, name)):
        ours, theirs = (
            outcome(lambda cls=cls, change=change: change(cls(1))) for cls in both("Small")
        )
        assert ours[0] == "FrozenInstanceError"
        if name != "other":
            assert ours == theirs
    assert issubclass(dataclasses.FrozenInstanceError, AttributeError)


def test_a_class_inherits_fields() -> None:
    """Those of its bases come first, as in the standard library; a default may change."""
    ours, _ = both("Small")

    @frozen.dataclass(frozen=True, slots=True)
    class More(ours):  # type: ignore[valid-type, misc]
        second: float = 2.0
        third: int = 3

    assert [f.name for f in dataclasses.fields(More)] == [
        "first",
        "second",
        "words",
        "counts",
        "third",
    ]
    assert More(1).second == 2.0
    assert More.__slots__ == ("third",)
    assert More(1, third=4) != More(1)
    assert More(1) != ours(1, 2.0)


def test_what_cannot_be_so_is_refused() -> None:
    """Each before the class is there."""
    with pytest.raises(TypeError, match="not frozen"):
        frozen.dataclass(frozen=False, slots=True)(Small)

    @dataclasses.dataclass(frozen=True)
    class Standard:
        first: int = 1

    with pytest.raises(TypeError, match="standard dataclass, Standard"):
        frozen.dataclass(frozen=True, slots=True)(type("Below", (Standard,), {}))
    behind = {"__annotations__": {"a": int, "b": int}, "a": 1}
    with pytest.raises(TypeError, match="without a default"):
        frozen.dataclass(frozen=True, slots=True)(type("Behind", (), behind))
    hidden = {"__annotations__": {"a": int}, "a": dataclasses.field(default=1, repr=False)}
    with pytest.raises(TypeError, match="default_factory"):
        frozen.dataclass(frozen=True, slots=True)(type("Hidden", (), hidden))


def classes() -> list[type]:
    """Every class of the package whose modules can be imported here."""
    each: dict[str, type] = {}
    for module in pkgutil.walk_packages(attncli.__path__, "attncli."):
        if not module.name.endswith(("__main__", ".private_cluster")):
            with suppress(ImportError):
                each |= {
                    f"{cls.__module__}.{cls.__qualname__}": cls
                    for cls in vars(importlib.import_module(module.name)).values()
                    if isinstance(cls, type) and cls.__module__ == module.name
                }
    return list(each.values())


CLASSES = classes()
FROZEN = [cls for cls in CLASSES if is_frozen_class(cls)]


def test_no_standard_dataclass_inherits_from_a_frozen_class() -> None:
    """Its fields would not be those of `default_of`."""
    assert len(FROZEN) > 20
    for cls in FROZEN:
        assert {f.name for f in dataclasses.fields(cls)} == set(default_of(cls)), cls


@pytest.mark.parametrize("cls", FROZEN, ids=lambda cls: cls.__qualname__)
def test_every_frozen_class_has_a_clear_signature(cls: type) -> None:
    """Its fields by name with their types, those that are required first."""
    parameters = inspect.signature(cls).parameters
    assert list(parameters) == list(default_of(cls))
    assert all(p.annotation is not inspect.Parameter.empty for p in parameters.values())
    required = sum(p.default is inspect.Parameter.empty for p in parameters.values())
    with pytest.raises(
        TypeError, match=re.escape(f"{cls.__qualname__}.__init__() got an unexpected")
    ):
        cls(*[None] * required, no_such_field=1)


def test_settings_are_sent_to_processes() -> None:
    """Pickled and back, with their values."""
    from attncli.settings import MechanismSettings

    settings = MechanismSettings(seed=3, score="dot")
    assert pickle.loads(pickle.dumps(settings)) == settings
    assert pickle.loads(pickle.dumps(settings)).score == "dot"
