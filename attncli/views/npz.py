"""Results as the bytes of a .npz file: plain arrays, no pickles."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from attncli.results.fields import OPTIONAL_ARRAYS
from attncli.results.json import record_json
from attncli.results.result import AttentionResult

_REST = ("measures",)  # what is there on request and no array


def npz(results: Sequence[AttentionResult]) -> bytes:
    """The arrays of one result: weights, contextual, those optional ones it holds, tokens, text.

    Those of its parts are called decoder.weights, cross.weights and so on. `record` is the JSON of
    all the rest. Of several results the names end in _0, _1, …
    """
    arrays: dict[str, Any] = {}
    for number, result in enumerate(results):
        end = f"_{number}" if len(results) > 1 else ""
        arrays |= {f"{name}{end}": array for name, array in _arrays(result).items()}
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=False, **arrays)
    return out.getvalue()


def _arrays(result: AttentionResult) -> dict[str, Any]:
    held = {name: getattr(result, name) for name in ("weights", "contextual", *OPTIONAL_ARRAYS)}
    of_parts: dict[str, Any] = {}
    for part, fields in result.part_records(tuple(OPTIONAL_ARRAYS), ()).items():
        of_parts |= {f"{part}.{name}": array for name, array in fields.items() if name in held}
    return {
        **{name: array for name, array in held.items() if array is not None},
        **of_parts,
        **({} if result.keys is None else {"keys": np.array(result.key_words, dtype=np.str_)}),
        "tokens": np.array(result.words, dtype=np.str_),
        "text": np.array(result.text, dtype=np.str_),
        "record": np.array(record_json(result.to_record(include=_REST, exclude=tuple(held)))),
    }
