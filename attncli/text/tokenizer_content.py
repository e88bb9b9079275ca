"""A tokenizer.json by its content: built by the library, and refused where texts would grow."""

import json
import math
from typing import Any

from attncli.errors import DataError, MissingExtraError
from attncli.errors.wording import quoted
from attncli.text.panics import quiet_panics

_GROWTH = 1000  # times that a text may become longer


def tokenizer_of(content: bytes, place: str) -> Any:
    """The tokenizers.Tokenizer of the content of a tokenizer.json.

    Raises: MissingExtraError without the library; DataError when it is damaged.
    """
    opened = tokenizers_library()
    try:
        with quiet_panics():
            tokenizer = opened.Tokenizer.from_buffer(content)
    except Exception as fault:  # the library raises bare Exceptions for damage
        raise DataError(f"this is no tokenizer: {quoted(str(fault))}", place=place) from None
    _check_growth(tokenizer, place)
    return tokenizer


def growth(made: Any) -> float:
    """How many times longer the normalizer of a tokenizer may make a text."""
    if made.normalizer is None:
        return 1.0
    return _growth(json.loads(made.normalizer.__getstate__()))


def _check_growth(made: Any, place: str) -> None:
    """Raises: DataError for a normalizer under which a short text may become a huge one."""
    if growth(made) > _GROWTH:
        raise DataError(
            f"its normalizer may make a text more than {_GROWTH} times as long", place=place
        )


def _growth(step: dict[str, Any]) -> float:
    """How many times longer a text may be after a step."""
    if step.get("type") == "Sequence":
        return math.prod(map(_growth, step.get("normalizers", ())))
    content = len(step.get("content") or step.get("prepend") or "")
    pattern = step.get("pattern")
    replaced = len(pattern.get("String", "")) if isinstance(pattern, dict) else 1
    return max(1.0, content / max(1, replaced))


def tokenizers_library() -> Any:
    """The library `tokenizers`. Raises: MissingExtraError without it."""
    try:
        import tokenizers
    except ImportError:
        raise MissingExtraError.of("tokenizers", "reading tokenizer.json") from None
    return tokenizers
