"""The strongest keys of each row, as `top` keeps them → whole rows, zeros elsewhere."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from attncli.arrays import AnyArray, Float32Array
from attncli.errors import DataError, LimitError
from attncli.matrices.shapes import check_size

_SMALL = 1 << 24  # weights: 64 MiB
_SPARSEST = 64  # beyond that, at least one of so many weights is given


def spread(keys: AnyArray, kept: AnyArray, n_keys: int | None = None) -> Float32Array:
    """Weights of the kept keys at their places: (…, n, k) twice → (…, n, n), or of `n_keys`.

    Raises: DataError when the keys are no places of the sentence, LimitError.
    """
    if keys.shape != kept.shape or keys.ndim != 4:
        raise DataError(f"top has keys of the shape {keys.shape}, weights of {kept.shape}")
    if keys.dtype.kind not in "iu" or kept.dtype.kind not in "fiu":
        raise DataError("the keys of top are no places, or its weights no numbers")
    n_tokens = keys.shape[-2] if n_keys is None else n_keys
    if keys.size and not (int(keys.min()) >= 0 and int(keys.max()) < n_tokens):
        raise DataError(f"a key of top is no place in a sentence of {n_tokens} tokens")
    weights = zeros((*kept.shape[:-1], n_tokens), given=kept.size)
    np.put_along_axis(weights, keys.astype(np.intp), kept.astype(np.float32), axis=-1)
    return weights


def zeros(shape: Sequence[int], *, given: int) -> Float32Array:
    """Weights that are zero but for `given` of them. Raises: LimitError for far too many."""
    check_size(shape)
    count = int(np.prod(shape))
    if count > max(_SMALL, _SPARSEST * given):
        raise LimitError(f"{given} numbers for {count} weights: too few for a matrix of that size")
    return np.zeros(shape, dtype=np.float32)


def with_weights(record: dict[str, Any]) -> dict[str, Any]:
    """A record whose strongest keys alone were kept ("top"), with weights; others as they are.

    Raises: DataError, LimitError.
    """
    columns = record.get("keys")
    record = _spread_top(record, len(columns) if isinstance(columns, list) else None)
    for part, of_rows in (("decoder", None), ("cross", "weights")):
        if isinstance(given := record.get(part), dict):
            n_keys = None if of_rows is None else _rows_of(record.get(of_rows))
            record = record | {part: _spread_top(given, n_keys)}
    return record


def _spread_top(record: dict[str, Any], n_keys: int | None) -> dict[str, Any]:
    """The record, or a part of one, with weights of so many keys; None: as many as rows."""
    if "weights" in record or not isinstance(record.get("top"), dict):
        return record
    try:
        keys, kept = (np.array(record["top"][name]) for name in ("keys", "weights"))
    except (KeyError, ValueError, TypeError, OverflowError):
        raise DataError("the record's top is not keys and weights of four axes") from None
    return record | {"weights": spread(keys, kept, n_keys)}


def _rows_of(weights: Any) -> int | None:
    """How many rows the weights of a record have, None where they are none of four axes."""
    shape = np.shape(weights) if isinstance(weights, np.ndarray) else ()
    return shape[-2] if len(shape) == 4 else None
