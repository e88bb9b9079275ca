"""A tokenizer.json by its content: built by the library, and refused where texts would grow."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

from attncli.errors import DataError, MissingExtraError
from attncli.errors.wording import quoted
from attncli.text.panics import quiet_panics
from attncli.text.sentencepiece_normalizing import expect_whole_table
from attncli.text.tokenizer_growth import check_growth

_TABLE = "precompiled_charsmap"
_PLAIN_TABLE = re.compile(rb'"precompiled_charsmap"\s*:\s*"([\w+/=]*)"', re.ASCII)
_SPELLED_OTHERWISE = re.compile(rb"\\u00[4-7]")  # an ASCII letter, which no writer spells so


def tokenizer_of(content: bytes, place: str) -> Any:
    """The tokenizers.Tokenizer of the content of a tokenizer.json.

    Raises: MissingExtraError without the library; DataError when it is damaged.
    """
    opened = tokenizers_library()
    try:
        _expect_whole_tables(content)
    except (ValueError, AttributeError, RecursionError) as fault:
        raise DataError(f"this is no tokenizer: {fault}", place=place) from None
    try:
        with quiet_panics():
            tokenizer = opened.Tokenizer.from_buffer(content)
    except Exception as fault:  # the library raises bare Exceptions for damage
        raise DataError(f"this is no tokenizer: {quoted(str(fault))}", place=place) from None
    check_growth(tokenizer, place)
    return tokenizer


def _expect_whole_tables(content: bytes) -> None:
    """Raises: ValueError for a table of characters that claims more than there is, before the library
    takes memory for it. A large file is only parsed for it where a table may be spelled otherwise.
    """
    tables: list[Any] = _PLAIN_TABLE.findall(content)
    if len(tables) < content.count(_TABLE.encode()) or _SPELLED_OTHERWISE.search(content):
        tables = list(_tables(json.loads(content).get("normalizer")))
    for table in tables:
        raw = base64.b64decode(table)
        if len(raw) >= 4:  # fewer are for the library to refuse
            expect_whole_table(raw)


def _tables(step: Any) -> Iterator[str]:
    """The tables of characters in a normalizer, which may be lists of steps."""
    parts = step.values() if isinstance(step, dict) else step if isinstance(step, list) else ()
    if isinstance(step, dict) and isinstance(step.get(_TABLE), str):
        yield step[_TABLE]
    for part in parts:
        yield from _tables(part)


def tokenizers_library() -> Any:
    """The library `tokenizers`. Raises: MissingExtraError without it."""
    try:
        import tokenizers
    except ImportError:
        raise MissingExtraError.of("tokenizers", "reading tokenizer.json") from None
    return tokenizers
