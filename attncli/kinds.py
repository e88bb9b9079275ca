"""What a record that was read must be made of: text, whole numbers, lists; said where it is not."""

from collections.abc import Mapping
from typing import Any

from attncli.errors import DataError
from attncli.escape import quoted

_KINDS: dict[Any, str] = {
    **{str: "text", int: "a whole number", float: "a number", bool: "true or false"},
    **{int | None: "a whole number or null", str | None: "text or null", list: "a list"},
}


def of_kind(value: Any, kind: Any, name: str) -> Any:
    """The value, when it is of this kind. Raises: DataError."""
    if not isinstance(value, int | float if kind is float else kind):
        raise DataError(f"{name} is {quoted(str(value))}, expected {_KINDS[kind]}")
    return value


def built(kind: Any, given: Mapping[str, Any]) -> Any:
    """A part of the record: unknown keys are ignored, the kinds of the others are checked."""
    kinds = kind.__annotations__
    known = {name: given[name] for name in kinds if name in given}
    for name, value in known.items():
        if kinds[name] in _KINDS:
            of_kind(value, kinds[name], name)
    return kind(**known)


def checked_selection(given: Any) -> Mapping[str, Any] | None:
    """What a selection says, of the kinds that views count on."""
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise DataError("the selection of the record is no object")
    for name, value in given.items():
        if name in ("layers", "heads", "hidden", "places"):
            kind = str if name == "hidden" else int
            for item in of_kind(value, list, name):
                of_kind(item, kind, name)
        elif name in ("layers_pooled", "heads_pooled"):
            of_kind(value, str, name)
    return given
