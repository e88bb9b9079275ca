"""Weights as CSV and TSV: one line a query, one column a key, exact float32 numbers.

Columns before them say which sentence, layer and head, where there is more than one. A word that a
spreadsheet would run as a formula gets an apostrophe before it (CWE-1236).
"""

import csv
import io
from collections.abc import Sequence
from typing import Any

from attncli.escape import visible
from attncli.result import AttentionResult
from attncli.views.facts import head_numbers, layer_numbers

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def delimited(
    results: Sequence[AttentionResult], delimiter: str = ",", *, precision: int | None = None
) -> str:
    """A heading and a line for each query; sentences of other words follow under their own heading.

    Numbers have `precision` digits, or as many as float32 has.
    """
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    for number, result in enumerate(results):
        if number:
            out.write("\n")
        _write(writer, result, precision)
    return out.getvalue()


def inert(word: str) -> str:
    """A word that no spreadsheet runs.

    >>> inert("=1+1")
    "'=1+1"
    """
    shown = visible(word)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


def _write(writer: Any, result: AttentionResult, precision: int | None) -> None:
    words = [inert(word) for word in result.words]
    settings = result.attention
    several = settings.n_layers * settings.n_heads > 1
    writer.writerow([*(("layer", "head") if several else ()), "query", *words])
    for layer, layer_number in enumerate(layer_numbers(result)):
        for head, head_number in enumerate(head_numbers(result)):
            place = (layer_number, head_number) if several else ()
            for word, row in zip(words, result.weights[layer, head], strict=True):
                cells = (str(w) if precision is None else f"{w:.{precision}f}" for w in row)
                writer.writerow([*place, word, *cells])
