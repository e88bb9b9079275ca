"""Frozen dataclasses that compile nothing: the standard ones write and compile their methods anew for
each class, a millisecond each at every start.

`dataclass` here is for classes that a short command loads and that are made a few at a time; its
`__init__` takes a few microseconds more. What asks for the fields or the signature of a class
(`dataclasses.fields`, `replace` and `asdict`, `inspect.signature`, `help`) gets those of a standard
dataclass of the same fields, which is made when somebody asks.
"""

from collections.abc import Callable, Mapping
from functools import cache
from inspect import get_annotations
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar, get_origin

__all__ = ["dataclass", "default_of", "is_frozen_class", "replace"]

_Class = TypeVar("_Class", bound=type)
_REQUIRED = object()  # in the place of a default
_FIELDS = "_fields_and_defaults"  # of a class: each field by name with its default


class _Factory:
    """In the place of a default that is made anew for each instance."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


def default_of(group: type) -> Mapping[str, Any]:
    """The fields of a class of this module by name, each with its default."""
    fields: dict[str, Any] = getattr(group, _FIELDS)
    return fields


def is_frozen_class(group: object) -> bool:
    """Whether this is a class of this module."""
    return isinstance(group, type) and hasattr(group, _FIELDS)


if TYPE_CHECKING:
    from dataclasses import dataclass, replace
else:

    def replace(held: Any, /, **changes: Any) -> Any:
        """`dataclasses.replace`, which needs no standard dataclass for a class of this module."""
        if is_frozen_class(type(held)):
            return _replaced(held, **changes)
        from dataclasses import replace

        return replace(held, **changes)

    def dataclass(
        *,
        frozen: bool,
        slots: bool,
        eq: bool = True,
        repr: bool = True,  # noqa: A002
    ) -> Callable[[_Class], _Class]:
        """`dataclasses.dataclass` with these arguments; a `field` may have a `default_factory`, no more.

        A standard dataclass may not inherit from such a class. Raises: TypeError for a class that is
        not frozen with slots, and for a base that is a standard dataclass.
        """
        if not (frozen and slots):
            raise TypeError("found a class that is not frozen with slots, expected dataclasses")
        return lambda cls: _with_slots(cls, _methods(compares=eq, shows=repr))


def _with_slots(cls: type, methods: dict[str, Any]) -> type:
    """The class anew: its fields in slots, with these methods where it has none of its own."""
    fields: dict[str, Any] = {}
    held: set[str] = set()
    for base in reversed(cls.__mro__[1:]):
        if "__dataclass_fields__" in vars(base) and _FIELDS not in vars(base):
            raise TypeError(f"found a standard dataclass, {base.__name__}, below {cls.__name__}")
        fields |= vars(base).get(_FIELDS, {})
        held.update(vars(base).get("__slots__", ()))
    own = [name for name, hint in get_annotations(cls).items() if not _is_of_class(hint)]
    fields |= {name: _default(vars(cls).get(name, _REQUIRED)) for name in own}
    _expect_order(cls, fields)
    kept = {n: v for n, v in vars(cls).items() if n not in (*own, "__dict__", "__weakref__")}
    added = {
        "__slots__": tuple(name for name in fields if name not in held),
        "__match_args__": tuple(fields),
        "__qualname__": cls.__qualname__,
        _FIELDS: fields,
    }
    return type(cls)(cls.__name__, cls.__bases__, methods | kept | added)


def _default(given: Any) -> Any:
    """The default of a field; a `_Factory` for `field(default_factory=…)`."""
    if type(given).__module__ != "dataclasses":
        return given
    from dataclasses import field

    same = field(default_factory=given.default_factory)
    if str(given) != str(same):
        raise TypeError(f"found {given}, expected no more than default_factory")
    return _Factory(given.default_factory)


def _is_of_class(hint: object) -> bool:
    """Whether an annotation is that of an attribute of the class, not of a field."""
    if isinstance(hint, str):
        return hint.startswith(("ClassVar", "typing.ClassVar"))
    return hint is ClassVar or get_origin(hint) is ClassVar


def _expect_order(cls: type, fields: dict[str, Any]) -> None:
    has_default = False
    for name, default in fields.items():
        if has_default and default is _REQUIRED:
            raise TypeError(f"found {cls.__name__}.{name} without a default behind one that has it")
        has_default = default is not _REQUIRED


def _methods(*, compares: bool, shows: bool) -> dict[str, Any]:
    methods: dict[str, Any] = {
        "__init__": _init,
        "__setattr__": _set,
        "__delattr__": _delete,
        "__getstate__": _values,
        "__setstate__": _set_values,
        "__replace__": _replaced,
        "__signature__": _Asked(_signature_of),
        "__dataclass_fields__": _Asked(lambda cls: _standard(cls).__dataclass_fields__),
        "__dataclass_params__": _Asked(lambda cls: _standard(cls).__dataclass_params__),
    }
    if compares:
        methods |= {"__eq__": _equal, "__hash__": _hash}
    if shows:
        methods["__repr__"] = _written
    return methods


def _init(self: Any, /, *values: Any, **named: Any) -> None:
    fields = getattr(type(self), _FIELDS)
    if len(values) > len(fields) or not named.keys() <= fields.keys():
        _misfit(type(self), values, named)
    placed = dict(zip(fields, values, strict=False))
    if placed and not named.keys().isdisjoint(placed):
        _misfit(type(self), values, named)
    for name, value in (fields | placed | named).items():
        if value is _REQUIRED:
            _misfit(type(self), values, named)
        object.__setattr__(self, name, value.make() if type(value) is _Factory else value)
    if hasattr(self, "__post_init__"):
        self.__post_init__()


def _misfit(cls: type, values: tuple[Any, ...], named: dict[str, Any]) -> NoReturn:
    """Raises: TypeError, as Python words it for the standard dataclass."""
    _standard(cls)(*values, **named)
    raise TypeError(f"cannot make {cls.__name__} of these arguments")


def _set(self: Any, name: str, value: object) -> NoReturn:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delete(self: Any, name: str) -> NoReturn:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _values(self: Any) -> list[Any]:
    return [getattr(self, name) for name in getattr(type(self), _FIELDS)]


def _set_values(self: Any, state: list[Any]) -> None:
    for name, value in zip(getattr(type(self), _FIELDS), state, strict=True):
        object.__setattr__(self, name, value)


def _replaced(self: Any, /, **changes: Any) -> Any:
    held = dict(zip(getattr(type(self), _FIELDS), _values(self), strict=True))
    return type(self)(**held | changes)


def _equal(self: Any, other: object) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    return _values(self) == _values(other)


def _hash(self: Any) -> int:
    return hash(tuple(_values(self)))


@recursive_repr()
def _written(self: Any) -> str:
    fields = zip(getattr(type(self), _FIELDS), _values(self), strict=True)
    return f"{type(self).__qualname__}({', '.join(f'{name}={value!r}' for name, value in fields)})"


class _Asked:
    """An attribute of a class that is made when it is asked for."""

    def __init__(self, make: Callable[[type], Any]) -> None:
        self._make = make

    def __get__(self, instance: object, owner: type) -> Any:
        return self._make(owner)


@cache
def _standard(cls: type) -> type[Any]:
    """The standard dataclass of the same fields."""
    from dataclasses import make_dataclass

    hints: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        hints |= get_annotations(base) if _FIELDS in vars(base) else {}
    fields = [(name, hints[name], _standard_field(v)) for name, v in default_of(cls).items()]
    namespace = {"__doc__": cls.__doc__, "__module__": cls.__module__}
    return make_dataclass(cls.__qualname__, fields, namespace=namespace, frozen=True)


def _standard_field(default: Any) -> Any:
    from dataclasses import field

    if default is _REQUIRED:
        return field()
    return (
        field(default_factory=default.make) if type(default) is _Factory else field(default=default)
    )


@cache
def _signature_of(cls: type) -> Any:
    from inspect import signature

    return signature(_standard(cls))
