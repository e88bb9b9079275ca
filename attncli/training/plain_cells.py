"""Values of any table as texts of cells, and as values that JSON has."""

import json
import re
from typing import Any

from attncli.files.safe_cells import guarded

_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?")


def kept_cell(value: Any) -> str:
    """The text of a cell that was read; a number stays as it is, because none is run."""
    text = text_or_none(value) or ""
    return text if _NUMBER.fullmatch(text) else guarded(text)


def text_or_none(value: Any) -> str | None:
    """The text of a value; of what is no text its JSON."""
    plain = plain_value(value)
    return (
        plain if plain is None or isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)
    )


def plain_value(value: Any) -> Any:
    """A value that JSON has; a date, or what else Parquet holds, is its text."""
    if isinstance(value, str):
        return well_formed_text(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, dict):
        return {str(name): plain_value(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(part) for part in value]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def well_formed_text(text: str) -> str:
    """The text with a question mark for each half of a character."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
