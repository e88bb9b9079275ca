"""What a record that was read must be made of: text, whole numbers, lists; said where it is not."""

import json
import math
from collections.abc import Mapping
from typing import Any

from attncli.errors import DataError
from attncli.errors.wording import quoted

_BITS = 10_000  # of a whole number that Python writes as text
_FAR = 1 << 32  # beyond the end of every text
_KINDS: dict[Any, str] = {
    **{str: "text", int: "a whole number", float: "a number", bool: "true or false"},
    **{int | None: "a whole number or null", str | None: "text or null", list: "a list"},
}


def json_of(text: str) -> Any:
    """The value that is written so; every number of it is finite, as a record has to be.

    Raises: ValueError, for 1e999, NaN and nesting without end too.
    """
    try:
        return json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _no_constant(name: str) -> float:
    raise ValueError(f"found {name}, expected a finite number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"found {quoted(text)}, expected a finite number")
    return number


def of_kind(value: Any, kind: Any, name: str) -> Any:
    """The value, when it is of this kind. Raises: DataError."""
    if not isinstance(value, int | float if kind is float else kind):
        raise DataError(f"{name} is {_text(value)}, expected {_KINDS[kind]}")
    if isinstance(value, int) and value.bit_length() > _BITS:
        raise DataError(
            f"{name} is a number of {value.bit_length():,} bits, expected at most {_BITS:,}"
        )
    return value


def _text(value: Any) -> str:
    """A value in a message; Python writes no whole number of thousands of digits."""
    try:
        return quoted(str(value))
    except Exception:  # an object of somebody else's making
        return f"of the type {type(value).__name__}"


def built(kind: Any, given: Mapping[str, Any]) -> Any:
    """The part of a record that a mapping describes. Unknown keys are left out.

    Raises: DataError when it is no mapping, or a field is not of its kind.
    """
    if not isinstance(given, Mapping):
        raise DataError(f"found no object for {kind.__name__}, expected one")
    kinds = kind.__annotations__
    return checked_part(kind(**{name: given[name] for name in kinds if name in given}))


def checked_part(part: Any) -> Any:
    """A part of a result, when its fields are of their kinds. Raises: DataError."""
    kinds = type(part).__annotations__
    for name, value in part._asdict().items():
        if kinds[name] in _KINDS:
            of_kind(value, kinds[name], name)
    return part


def check_parts(result: Any) -> None:
    """Looks at the fields of all parts of a result. Raises: DataError for one of another kind."""
    for token in (*result.tokens, *(result.keys or ())):
        text, start, end, key, status = token
        plain = type(text) is type(key) is type(status) is str and type(start) is type(end) is int
        if not plain or not 0 <= start <= end < _FAR:
            checked_part(token)
    for part in (result.attention, result.vectors, *result.warnings):
        checked_part(part)
    for warning in result.warnings:
        _expect_each(warning.tokens, int, "tokens of a warning")
    _expect_each(result.segments, int, "segments")
    _expect_each(result.unknown, str, "unknown")
    checked_selection(result.selection)
    for name, value in (result.measures or {}).items():
        if not isinstance(name, str):
            raise DataError("a name of the measures is no text")
        if isinstance(value, float) and not math.isfinite(value):
            raise DataError(f"{name} of the measures is {value}, expected a finite number")
        if not isinstance(value, str | float | list | tuple | Mapping | None):
            of_kind(value, int, f"{name} of the measures")
    if result.model is not None:
        _check_model(result.model, len(result.tokens))


def _check_model(model: Any, n_tokens: int) -> None:
    checked_part(model)
    logs = model.log_probabilities
    if logs is not None and len(logs) != n_tokens:
        raise DataError(f"log_probabilities has {len(logs)} numbers, there are {n_tokens} tokens")
    shares = [c.probability for c in model.next or ()]
    shares += [c.probability for place in model.masks or () for c in place.candidates]
    for number in (*shares, *(log for log in logs or () if log is not None)):
        if not math.isfinite(of_kind(number, float, "a number of the model")):
            raise DataError("a number that the model says is not finite")
    places = [*(place.token for place in model.masks or ()), *(model.written or ())]
    if any(not 0 <= place < n_tokens for place in places):
        raise DataError(f"masks or written name a token beyond the {n_tokens} that there are")
    if not isinstance(model.probabilities, Mapping):
        raise DataError("the probabilities of the record are no object")
    for share in model.probabilities.values():
        if not math.isfinite(of_kind(share, float, "a probability")):
            raise DataError("a probability of the record is not finite")


def _expect_each(values: Any, kind: type, name: str) -> None:
    if not isinstance(values, tuple):
        raise DataError(f"{name} is {_text(values)}, expected a tuple")
    for value in values:
        of_kind(value, kind, name)


def checked_selection(given: Any) -> Mapping[str, Any] | None:
    """A selection whose fields are of the kinds that views expect; None stays None.

    Raises: DataError when it is no mapping, or a field is of another kind.
    """
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise DataError("the selection of the record is no object")
    for name, value in given.items():
        if name in ("layers", "heads", "hidden", "places", "key_places"):
            kind = str if name == "hidden" else int
            for item in of_kind(value, list, name):
                of_kind(item, kind, name)
        elif name in ("layers_pooled", "heads_pooled"):
            of_kind(value, str, name)
        elif name == "vectors_after":
            of_kind(value, int, name)
    return given
