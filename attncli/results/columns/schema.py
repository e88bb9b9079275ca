"""The columns of Parquet and Arrow, derived from the types of the record.

What a later version adds to a record is kept without a line here. Fields whose shape is free
(selection, measures) are JSON text.
"""

from collections.abc import Mapping, Sequence
from types import UnionType
from typing import Any, get_args, get_origin

from attncli.results.facts import AttentionSettings, ModelInfo, ResultWarning, Token, VectorsInfo
from attncli.results.fields import (
    CROSS_SCHEMA,
    OPTIONAL_ARRAYS,
    PART_FIELDS,
    PARTS,
    RARE_OF_MODELS,
    SCHEMA_VERSION,
)
from attncli.results.layout import RecordLayout
from attncli.results.predicted import PREDICTED
from attncli.results.result import AttentionResult
from attncli.results.stack import RARE_FIELDS

AXES_OF = {"weights": 4, "contextual": 2, **OPTIONAL_ARRAYS}
# The rare fields that have a type of their own; the others are JSON text.
RARE_TYPES = {
    name: kind
    for name in RARE_FIELDS
    if not str(kind := AttentionResult.__annotations__[name]).count("Mapping")
}


def schema_of(pa: Any, layout: RecordLayout) -> Any:
    """The columns of a layout; the metadata says which schema, which vectors, which options."""
    text, i64 = pa.string(), pa.int64()
    kinds = {
        **dict.fromkeys(("index", "line"), i64),
        **{"tokens": pa.list_(_struct(pa, Token)), "attention": _struct(pa, AttentionSettings)},
        **{"vectors": _struct(pa, VectorsInfo), "model": _model(pa, layout)},
        **{"warnings": pa.list_(_struct(pa, ResultWarning)), "top": _top(pa)},
        **{name: _lists(pa, pa.float32(), axes) for name, axes in AXES_OF.items()},
        **{name: _type(pa, name, kind) for name, kind in RARE_TYPES.items()},
    }
    names = ["type", "index", "line"]
    names += ["file"] if layout.with_file else []
    names += ["id"] if layout.with_id else []
    names += ["text", "tokens", "attention"]
    names += ["top" if n == "weights" and layout.top is not None else n for n in layout.arrays]
    names += ["vectors", "model", "warnings", *filter(layout.wants, RARE_FIELDS)]
    if layout.parts:
        kinds["keys"] = kinds["tokens"]
        kinds |= {name: _part_struct(pa, kinds, layout, name) for name in PARTS}
    names += [*layout.parts, "code", "message"]
    columns = [(name, kinds.get(name, text)) for name in names if layout.has(name)]
    schema = CROSS_SCHEMA if layout.parts else SCHEMA_VERSION
    return pa.schema(columns, metadata={"attn.schema": schema, **dict(layout.facts)})


def _part_struct(pa: Any, kinds: Mapping[str, Any], layout: RecordLayout, part: str) -> Any:
    """The struct of what results hold of a decoder, `part`; its text and its tokens are always there."""
    always = ("text", "tokens")
    wanted = [name for name in PART_FIELDS[part] if name in always or layout.wants(name)]
    wanted = [name for name in wanted if name != "model" or layout.wants_next]
    names = ["top" if n == "weights" and layout.top is not None else n for n in wanted]
    return pa.struct([(name, kinds.get(name, pa.string())) for name in names])


def _struct(pa: Any, kind: Any, without: Sequence[str] = ()) -> Any:
    """The struct of a part of the record, by the annotations of its NamedTuple."""
    kinds = kind.__annotations__.items()
    return pa.struct([(name, _type(pa, name, of)) for name, of in kinds if name not in without])


def _model(pa: Any, layout: RecordLayout) -> Any:
    """The struct of a model; of the fields that few models have those that may be there."""
    wanted = {*layout.of_models, *(PREDICTED if layout.wants_next else ())}
    return _struct(pa, ModelInfo, [name for name in RARE_OF_MODELS if name not in wanted])


def _type(pa: Any, name: str, kind: Any) -> Any:
    """The type of a field; whole numbers have 32 bits, counts of a vocabulary 64."""
    whole = pa.int64() if name == "words" else pa.int32()
    plain = {bool: pa.bool_(), int: whole, float: pa.float64(), str: pa.string()}
    inner = [part for part in get_args(kind) if part not in (type(None), ...)]
    if kind in plain:
        return plain[kind]
    if hasattr(kind, "_fields"):  # a part with fields of its own
        return _struct(pa, kind)
    if get_origin(kind) is UnionType and len(inner) == 1:  # it, or null
        return _type(pa, name, inner[0])
    if get_origin(kind) is tuple:
        return pa.list_(_type(pa, name, inner[0]))
    if get_origin(kind) is Mapping and inner[1] in plain:
        return pa.map_(plain[inner[0]], plain[inner[1]])
    return pa.string()


def _top(pa: Any) -> Any:
    return pa.struct(
        [("keys", _lists(pa, pa.int32(), 4)), ("weights", _lists(pa, pa.float32(), 4))]
    )


def _lists(pa: Any, inner: Any, depth: int) -> Any:
    for _ in range(depth):
        inner = pa.list_(inner)
    return inner
