"""Results as tables and arrays of other libraries: pandas, polars, Arrow, xarray.

A table has a row for each weight, by the columns of long CSV as `attn batch` writes it. Each library
is imported when its table is asked for.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from attncli.arrays import AnyArray, Float32Array
from attncli.checks.arguments import count_of
from attncli.errors import MissingExtraError, UsageError
from attncli.errors.wording import counted_as
from attncli.results.names import AXES, axis_labels, last_layer, positions
from attncli.results.result import AttentionResult

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow
    import xarray

_LONGEST = 60  # characters of a text in one line


def one_line(result: AttentionResult) -> str:
    """A result in one line: its text, sizes, mechanism and vectors."""
    cut = result.text if len(result.text) <= _LONGEST else result.text[: _LONGEST - 1] + "…"
    parts = [
        repr(cut),
        counted_as(len(result.tokens), "token"),
        *((counted_as(len(result.keys), "key"),) if result.keys is not None else ()),
        counted_as(result.attention.n_layers, "layer"),
        counted_as(result.attention.n_heads, "head"),
        result.attention.kind,
        f"model={result.model.name!r}" if result.model else f"vectors={result.vectors.name!r}",
    ]
    return f"AttentionResult({', '.join(parts)})"


def matrix_of(result: AttentionResult, layer: int | None, head: int | None) -> Float32Array:
    """The weights of a head, or the mean of the heads of a layer, (n_tokens, n_keys)."""
    at = last_layer(result) if layer is None else _place(result, 0, layer)
    if head is None:
        return np.asarray(result.weights[at].mean(axis=0))
    chosen: Float32Array = result.weights[at, _place(result, 1, head)]
    return chosen


def pandas_table(results: Sequence[AttentionResult]) -> "pandas.DataFrame":
    """A DataFrame of pandas. Raises: MissingExtraError."""
    return pandas_of(_columns(results))


def pandas_of(columns: dict[str, Any]) -> "pandas.DataFrame":
    """Columns as a DataFrame of pandas. Raises: MissingExtraError."""
    table: pandas.DataFrame = _library("pandas").DataFrame(columns)
    return table


def polars_table(results: Sequence[AttentionResult]) -> "polars.DataFrame":
    """A DataFrame of polars. Raises: MissingExtraError."""
    table: polars.DataFrame = _library("polars").DataFrame(_columns(results))
    return table


def arrow_table(results: Sequence[AttentionResult]) -> "pyarrow.Table":
    """A table of Arrow. Raises: MissingExtraError."""
    table: pyarrow.Table = _library("pyarrow").table(_columns(results))
    return table


def named_array(result: AttentionResult) -> "xarray.DataArray":
    """The weights with named axes. Raises: MissingExtraError."""
    axes = {axis[:-1]: _labels([axis_labels(result, axis)])[0] for axis in AXES}
    array: xarray.DataArray = _library("xarray").DataArray(
        np.array(result.weights),
        dims=("layer", "head", "query", "key"),
        coords={**axes, "query": result.words, "key": result.key_words},
        name="weights",
        attrs={"text": result.text, "attention": result.attention.kind},
    )
    return array


def _columns(results: Sequence[AttentionResult]) -> dict[str, Any]:
    """The columns of a table, each of all results one after the other."""
    numbers = [r.index for r in results] if len(results) == 1 else range(len(results))
    shapes = [result.weights.shape for result in results]
    sizes = [int(np.prod(shape)) for shape in shapes]
    columns: dict[str, Any] = {"index": np.repeat(np.array(numbers, dtype=np.int64), sizes)}
    for axis, name in enumerate(("layer", "head")):
        labels = _labels([axis_labels(result, AXES[axis]) for result in results])
        columns[name] = _spread(labels, shapes, axis)
    for axis, name in ((2, "query"), (3, "key")):
        columns[name] = _spread([np.arange(shape[axis]) for shape in shapes], shapes, axis)
    for axis, name in ((2, "query_word"), (3, "key_word")):
        texts = [result.words if axis == 2 else result.key_words for result in results]
        words = [np.array(text, dtype=object) for text in texts]
        columns[name] = _spread(words, shapes, axis)
    columns["weight"] = np.concatenate(
        [np.zeros(0, dtype=np.float32), *(result.weights.ravel() for result in results)]
    )
    return columns


def _spread(
    labels: Sequence[AnyArray], shapes: Sequence[tuple[int, ...]], axis: int
) -> AnyArray | list[str]:
    """The label of each weight along an axis; texts as a list, which every library takes."""
    parts = [
        np.broadcast_to(np.expand_dims(of, tuple(range(1, 4 - axis))), shape).ravel()
        for of, shape in zip(labels, shapes, strict=True)
    ]
    if not parts:
        return []
    whole = np.concatenate(parts)
    return whole.tolist() if whole.dtype == object else whole


def _labels(named: Sequence[Sequence[str]]) -> list[AnyArray]:
    """What layers or heads are called: numbers, or texts where one was drawn from several."""
    if all(name.isdecimal() for names in named for name in names):
        return [np.array(names, dtype=np.int64) for names in named]
    return [np.array(names, dtype=object) for names in named]


def _place(result: AttentionResult, axis: int, number: object) -> int:
    """Where a layer or head of this number is. Raises: UsageError, ArgumentError."""
    name = AXES[axis][:-1]
    try:
        return positions(result, AXES[axis], [count_of(number, name, None)])[0]
    except UsageError as error:
        error.place = name
        raise


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise MissingExtraError.of(name, f"a table of {name}") from None
