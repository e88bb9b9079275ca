"""A record that was read → the parts of a result."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from attncli.checks.records import built, checked_selection, of_kind
from attncli.errors import DataError
from attncli.results.facts import AttentionSettings, ModelInfo, ResultWarning, Token, VectorsInfo
from attncli.results.fields import OPTIONAL_FIELDS, PART_FIELDS, SCHEMA_VERSION
from attncli.results.predicted import predicted_of
from attncli.results.result import AttentionResult


def _warning(given: Mapping[str, Any], n_tokens: int) -> ResultWarning:
    tokens = tuple(of_kind(i, int, "tokens of a warning") for i in given.get("tokens", ()))
    if any(not 0 <= i < n_tokens for i in tokens):
        raise DataError(f"a warning names token {max(tokens)}, but there are {n_tokens} tokens")
    code, message = (
        of_kind(given[name], str, f"{name} of a warning") for name in ("code", "message")
    )
    return ResultWarning(code, message, tokens)


def _model(given: Mapping[str, Any]) -> ModelInfo:
    model: ModelInfo = built(ModelInfo, given)
    return model._replace(**predicted_of(given))


def parsed(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a result is made of, each part checked. Raises: DataError, KeyError for a part missing."""
    if record.get("type") != "result":
        raise DataError(f"expected a record of type 'result', found {record.get('type')!r}")
    if str(record.get("schema", "")).partition(".")[0] != SCHEMA_VERSION.partition(".")[0]:
        raise DataError(
            f"schema {record.get('schema')!r} cannot be read, expected {SCHEMA_VERSION}"
        )
    model = record.get("model")
    tokens = tuple(built(Token, token) for token in record["tokens"])
    parts: dict[str, Any] = {
        "index": of_kind(record.get("index", 0), int, "index"),
        "line": of_kind(record.get("line"), int | None, "line"),
        "text": of_kind(record["text"], str, "text"),
        "tokens": tokens,
        "attention": built(AttentionSettings, record["attention"]),
        "weights": record["weights"],
        "contextual": record["contextual"],
        "vectors": built(VectorsInfo, record["vectors"]),
        "model": None if model is None else _model(model),
        "warnings": tuple(_warning(given, len(tokens)) for given in record.get("warnings", ())),
        "pair": of_kind(record.get("pair"), str | None, "pair"),
        "segments": tuple(of_kind(i, int, "segments") for i in record.get("segments", ())),
        "selection": checked_selection(record.get("selection")),
        "unknown": tuple(of_kind(name, str, "unknown") for name in record.get("unknown", ())),
    }
    if record.get("keys") is not None:
        parts["keys"] = tuple(built(Token, token) for token in record["keys"])
    parts |= _parts_of(record)
    parts.update({name: record[name] for name in OPTIONAL_FIELDS if name in record})
    if not isinstance(parts.get("measures"), Mapping | None):
        raise DataError("the measures of the record are no object")
    return parts


def _parts_of(record: Mapping[str, Any]) -> dict[str, AttentionResult]:
    """The parts that a record holds, by their names; none where it holds none.

    Raises: DataError, KeyError for what is missing.
    """
    if record.get("decoder") is None and record.get("cross") is None:
        return {}
    decoder, cross = (_object(record, name) for name in ("decoder", "cross"))
    shared = {name: record[name] for name in ("type", "schema", "vectors")}
    rows = {name: decoder[name] for name in ("text", "tokens")}
    rows["contextual"] = decoder.get("contextual", np.zeros((len(decoder["tokens"]), 0)))
    columns = {"keys": record["tokens"], "pair": record["text"]}
    said = {"model": decoder.get("model")}  # of its text, which the rows of both are
    own = {name: value for name, value in decoder.items() if name in PART_FIELDS["decoder"]}
    other = {name: value for name, value in cross.items() if name in PART_FIELDS["cross"]}
    return {
        "decoder": AttentionResult.from_dict({**shared, **rows, **own}),
        "cross": AttentionResult.from_dict({**shared, **rows, **columns, **said, **other}),
    }


def _object(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = record.get(name)
    if not isinstance(part, Mapping):
        raise DataError(f"{name} of the record is no object, expected one beside the other part")
    return part
