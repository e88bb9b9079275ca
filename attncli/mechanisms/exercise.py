"""A whole exercise in one file that somebody wrote: sentences, vectors of words, and matrices.

The file is TOML or JSON, which its first sign says. Every key is optional but `matrices`.
"""

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from attncli.arrays import FloatArray
from attncli.embeddings.typed import Origin, nested_matrix, text_of_file, typed_matrix
from attncli.errors import AttnError, DataError
from attncli.errors.wording import did_you_mean, quoted

if TYPE_CHECKING:
    from attncli.embeddings.store import MemoryStore

NAMES = {"w_q": "W_q", "w_k": "W_k", "w_v": "W_v", "w_o": "W_o"}
_CHOICES = ("causal", "window", "positions", "score", "temperature")
_KEYS = ("sentence", "sentences", "vectors", "matrices", *_CHOICES)
_AT_LINE = re.compile(r"at line (\d+)")


class Exercise(NamedTuple):
    """What the file holds: matrices by the names of their settings, (n_heads, n_rows, n_columns).

    `choices` are those of `MechanismSettings` that it makes.
    """

    place: str
    sentences: tuple[str, ...]
    store: "MemoryStore | None"
    matrices: Mapping[str, FloatArray]
    choices: Mapping[str, Any]


def read_exercise(path: str) -> Exercise:
    """The exercise of a file. Raises: InputError, LimitError, DataError that names what is wrong."""
    text, place = text_of_file(path)
    parsed = _parsed(text, place)
    for name in parsed:
        if name not in _KEYS:
            expected = f"expected {', '.join(_KEYS)}{did_you_mean(name, _KEYS)}"
            raise DataError(f"found {quoted(name)}, {expected}", place=place)
    vectors = parsed.get("vectors")
    return Exercise(
        place,
        _sentences(parsed, place),
        None if vectors is None else _store(vectors, Path(path).name, place),
        _matrices(parsed.get("matrices", {}), place),
        _choices(parsed, place),
    )


def _choices(parsed: Mapping[str, Any], place: str) -> dict[str, Any]:
    from attncli.checks.choices import checked_choices
    from attncli.settings import MechanismSettings

    try:
        chosen = {name: parsed[name] for name in _CHOICES if name in parsed}
        return checked_choices(chosen, MechanismSettings)
    except AttnError as error:
        raise DataError(f"{error.place}: {error.message}", place=place) from None


def _parsed(text: str, place: str) -> dict[str, Any]:
    read: Callable[[str], Any] = _json if text.lstrip()[:1] == "{" else tomllib.loads
    try:
        parsed = read(text)
    except (ValueError, RecursionError) as fault:
        line = getattr(fault, "lineno", None)
        if line is None and (at := _AT_LINE.search(str(fault))) is not None:
            line = at.group(1)
        kind = "JSON" if read is _json else "TOML"
        reason = "it is nested too deeply" if isinstance(fault, RecursionError) else str(fault)
        where = place if line is None else f"{place}:{line}"
        raise DataError(f"no {kind} that can be read: {quoted(reason, 100)}", place=where) from None
    return dict(parsed)


def _json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for name, value in pairs:
        if name in table:
            raise ValueError(f"{name} stands there twice")
        table[name] = value
    return table


def _sentences(parsed: Mapping[str, Any], place: str) -> tuple[str, ...]:
    given: list[Any] = []
    for name in ("sentence", "sentences"):
        value = parsed.get(name, [])
        given += value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in given):
        raise DataError("a sentence is no text, expected one text or a list of texts", place=place)
    return tuple(given)


def _store(vectors: Any, name: str, place: str) -> "MemoryStore":
    import numpy as np

    from attncli.embeddings.store import MemoryStore, content_hash

    if not isinstance(vectors, dict) or not vectors:
        raise DataError("vectors: found no words, expected each with its numbers", place=place)
    rows: list[FloatArray] = []
    for word, value in vectors.items():
        origin = Origin(place, DataError, f"vectors, {quoted(word)}")
        row = typed_matrix(value, origin) if isinstance(value, str) else _row(value, origin)
        if row.shape[:2] != (1, 1):
            raise origin.wrong("found several rows, expected one")
        if rows and row.size != rows[0].size:
            raise origin.wrong(f"found {row.size} numbers, the first word has {rows[0].size}")
        rows.append(row[0, 0])
    matrix = np.array(rows, dtype=np.float32)  # (n_words, d)
    return MemoryStore(name, vectors, matrix, sha256=content_hash(vectors, matrix))


def _row(value: Any, origin: Origin) -> FloatArray:
    return nested_matrix([value], origin)


def _matrices(given: Any, place: str) -> dict[str, FloatArray]:
    if not isinstance(given, dict):
        raise DataError("matrices: found no table, expected W_q, W_k, W_v or W_o", place=place)
    matrices: dict[str, FloatArray] = {}
    for written, value in given.items():
        name = written.lower()
        if name not in NAMES:
            expected = f"expected W_q, W_k, W_v or W_o{did_you_mean(written, NAMES.values())}"
            raise DataError(f"matrices: found {quoted(written)}, {expected}", place=place)
        if name in matrices:
            raise DataError(f"matrices: {NAMES[name]} stands there twice", place=place)
        origin = Origin(place, DataError, NAMES[name])
        read = typed_matrix if isinstance(value, str) else nested_matrix
        matrices[name] = read(value, origin)
    return matrices
