"""numpy arrays and plain values → arrays of Arrow, by their buffers.

`pa.array` would look whether values are of pandas, and import it to know: a third of a second.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from attncli.arrays import AnyArray, BoolArray


def plain_array(pa: Any, values: Sequence[Any], kind: Any) -> Any:
    """Values of a record, or None: texts, numbers, sequences, mappings; a struct is a NamedTuple.

    Raises: OverflowError for a whole number that has more bits than its kind.
    """
    present = np.fromiter((value is not None for value in values), np.bool_, len(values))
    held = values if present.all() else [value for value in values if value is not None]
    if pa.types.is_string(kind):
        return text_array(pa, values, kind)
    if pa.types.is_struct(kind):
        columns = [
            plain_array(pa, [None if v is None else getattr(v, of.name) for v in values], of.type)
            for of in kind
        ]
        return struct_array(pa, len(values), columns, kind, present)
    if pa.types.is_map(kind) or pa.types.is_list(kind):
        lengths = np.zeros(len(values), dtype=np.int32)
        lengths[present] = list(map(len, held))
        if pa.types.is_map(kind):
            inner = _items(pa, [pair for value in held for pair in value.items()], kind)
        else:
            inner = plain_array(pa, list(chain.from_iterable(held)), kind.value_type)
        return list_array(pa, lengths, inner, kind, present)
    is_float, is_flag = pa.types.is_floating(kind), pa.types.is_boolean(kind)
    width = "f8" if is_float else "?" if is_flag else f"i{kind.bit_width // 8}"
    numbers = np.zeros(len(values), dtype=width)
    numbers[present] = np.array(held, dtype=width)
    if is_flag:
        bits, nulls = _validity(pa, present)
        packed = pa.py_buffer(np.packbits(numbers, bitorder="little"))
        return pa.Array.from_buffers(kind, len(values), [bits, packed], nulls)
    return number_array(pa, numbers, kind, present)


def _items(pa: Any, pairs: Sequence[tuple[Any, Any]], kind: Any) -> Any:
    """The items of maps as structs."""
    struct = pa.struct([kind.key_field, kind.item_field])
    columns = [
        plain_array(pa, [pair[at] for pair in pairs], of.type) for at, of in enumerate(struct)
    ]
    return struct_array(pa, len(pairs), columns, struct)


def text_array(pa: Any, texts: Sequence[str | None], kind: Any) -> Any:
    """Texts, or None."""
    present = None
    held: Sequence[Any] = texts
    if None in texts:
        present = np.array([text is not None for text in texts], dtype=np.bool_)
        held = [text or "" for text in texts]
    together = "".join(held)
    whole = together.encode()
    if len(whole) > len(together):  # a character of another kind is several bytes
        held = [text.encode() for text in held]
    offsets = _offsets(np.fromiter(map(len, held), np.int32, len(held)))
    bits, nulls = _validity(pa, present)
    buffers = [bits, pa.py_buffer(offsets), pa.py_buffer(whole)]
    return pa.Array.from_buffers(kind, len(texts), buffers, nulls)


def number_array(pa: Any, values: AnyArray, kind: Any, present: BoolArray | None = None) -> Any:
    """Numbers (n,) in the width of `kind`; null where not `present` (n,)."""
    bits, nulls = _validity(pa, present)
    of_kind = values.astype(f"{values.dtype.kind}{kind.bit_width // 8}", copy=False)
    buffers = [bits, pa.py_buffer(np.ascontiguousarray(of_kind))]
    return pa.Array.from_buffers(kind, len(values), buffers, nulls)


def list_array(
    pa: Any, lengths: AnyArray, inner: Any, kind: Any, present: BoolArray | None = None
) -> Any:
    """Lists of `lengths` (n,) whose items stand behind each other in `inner`; also maps."""
    bits, nulls = _validity(pa, present)
    buffers = [bits, pa.py_buffer(_offsets(lengths))]
    return pa.Array.from_buffers(kind, len(lengths), buffers, nulls, children=[inner])


def struct_array(
    pa: Any, length: int, columns: list[Any], kind: Any, present: BoolArray | None = None
) -> Any:
    """Structs of `columns`, each of the length n."""
    bits, nulls = _validity(pa, present)
    return pa.Array.from_buffers(kind, length, [bits], nulls, children=columns)


def nested_array(
    pa: Any, shapes: AnyArray, values: AnyArray, kind: Any, present: BoolArray | None = None
) -> Any:
    """Nested lists of `shapes` (n, depth), whose numbers stand behind each other in `values`."""
    kinds = [kind]
    for _ in range(shapes.shape[1]):
        kinds.append(kinds[-1].value_type)
    column = number_array(pa, values, kinds[-1])
    for level in range(shapes.shape[1] - 1, 0, -1):
        lengths = np.repeat(shapes[:, level], shapes[:, :level].prod(axis=1))
        column = list_array(pa, lengths, column, kinds[level])
    return list_array(pa, shapes[:, 0], column, kind, present)


def _offsets(lengths: AnyArray) -> AnyArray:
    offsets = np.zeros(len(lengths) + 1, dtype=np.int32)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def _validity(pa: Any, present: BoolArray | None) -> tuple[Any, int]:
    """The bits that say what is there, None where everything is; and how much is not."""
    if present is None or present.all():
        return None, 0
    nulls = len(present) - int(np.count_nonzero(present))
    return pa.py_buffer(np.packbits(present, bitorder="little")), nulls
