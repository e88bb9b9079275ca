"""A tokenizer.json by its content: built by the library, and refused where texts would grow."""

from typing import Any

from attncli.errors import DataError, MissingExtraError
from attncli.errors.wording import quoted
from attncli.text.panics import quiet_panics
from attncli.text.tokenizer_growth import check_growth


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
    check_growth(tokenizer, place)
    return tokenizer


def tokenizers_library() -> Any:
    """The library `tokenizers`. Raises: MissingExtraError without it."""
    try:
        import tokenizers
    except ImportError:
        raise MissingExtraError.of("tokenizers", "reading tokenizer.json") from None
    return tokenizers
