"""Weights as CSV and TSV: one line a query, one column a key, exact float32 numbers.

Columns before them say which layer and head, where there is more than one or some were chosen. A
word that a spreadsheet would run as a formula gets an apostrophe before it, which reading takes off
again.
"""

from collections.abc import Iterator, Sequence

from attncli.files.safe_cells import cell, guarded
from attncli.results.names import axis_labels, is_named
from attncli.results.result import AttentionResult


def delimited(
    results: Sequence[AttentionResult], delimiter: str = ",", *, precision: int | None = None
) -> Iterator[str]:
    """A heading and a line for each query; sentences of other words follow under their own heading.

    Numbers have `precision` digits, or as many as float32 has.
    """
    for number, result in enumerate(results):
        if number:
            yield "\n"
        yield from _lines(result, delimiter, precision)


def _lines(result: AttentionResult, delimiter: str, precision: int | None) -> Iterator[str]:
    words, keys = ([cell(guarded(word)) for word in of] for of in (result.words, result.key_words))
    layers, heads = axis_labels(result, "layers"), axis_labels(result, "heads")
    named = is_named(result, "layers") or is_named(result, "heads")
    yield delimiter.join([*(("layer", "head") if named else ()), "query", *keys]) + "\n"
    for layer, layer_label in enumerate(layers):
        for head, head_label in enumerate(heads):
            place = (cell(layer_label), cell(head_label)) if named else ()
            for word, row in zip(words, result.weights[layer, head], strict=True):
                numbers = (str(w) if precision is None else f"{w:.{precision}f}" for w in row)
                yield delimiter.join([*place, word, *numbers]) + "\n"
