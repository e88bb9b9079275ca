"""Weights of someone else → results that every view draws."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from attncli.arrays import Float32Array, FloatArray
from attncli.checks.arguments import array_of, has, texts_of, unexpected
from attncli.errors import DataError, field_name
from attncli.matrices.shapes import checked_weights, four_axes, joined_layers, row_remark
from attncli.results.facts import AttentionSettings, ResultWarning, Token, VectorsInfo
from attncli.results.fields import NOT_GIVEN, PARTS, USUAL_FIELDS
from attncli.results.pieces import continues_word, unmarked
from attncli.results.result import AttentionResult

ATTENTIONS = "an array of weights of 2 to 5 axes, or one array a layer"
LAYERS = (
    'one array a layer: load the model with attn_implementation="eager" (others give no weights) '
    "and call it with output_attentions=True"
)
TOKENS = "a list of texts, one a token (tokenizer.convert_ids_to_tokens gives them for ids)"


def result_from_arrays(
    attentions: Any,
    tokens: Sequence[str] | None = None,
    keys: Sequence[str] | None = None,
    *,
    scores: bool = False,
    name: str = "given weights",
) -> AttentionResult:
    """The result of attention weights from elsewhere.

    `attentions` is an array of 2 to 5 axes, or a sequence of one array a layer, as
    `output_attentions=True` of Hugging Face gives it; PyTorch tensors are taken as they are. With
    `scores` the numbers are scores before the softmax, −∞ where a key may not be seen. `keys` are the
    tokens of the columns where they are those of another text.
    Raises: DataError when they are no weights, or the tokens are of another number.

    >>> result_from_arrays([[0.9, 0.1], [0.2, 0.8]], ["money", "bank"]).weights.shape
    (1, 1, 2, 2)
    """
    return from_layers(joined(attentions), tokens, keys, scores=scores, name=name)


def from_layers(
    array: FloatArray,
    tokens: Sequence[str] | None,
    keys: Sequence[str] | None = None,
    *,
    scores: bool = False,
    name: str = "given weights",
) -> AttentionResult:
    """The result of weights in one array of 2 to 5 axes.

    Where there are `keys`, or as many columns as rows are not, the columns are the tokens of another
    text. Raises: as `result_from_arrays`.
    """
    if tokens is not None:
        tokens = texts_of(tokens, "tokens", TOKENS)
    values = four_axes(array, masked=scores, square=False)
    weights, remark = checked_weights(values, scores=scores)
    n_tokens, n_keys = weights.shape[-2:]
    if keys is None and n_tokens == n_keys:
        return _result(weights, tokens, remark, name)
    return _crossed(weights, tokens, keys, remark, name)


def crossed(
    array: FloatArray,
    tokens: Sequence[str] | None,
    source_tokens: Sequence[str] | None,
    *,
    scores: bool = False,
) -> AttentionResult:
    """The result of cross-attention, (…, n_q, n_k): the tokens attend to those of another text.

    Without names they are numbered. Raises: DataError.
    """
    values = four_axes(array, masked=scores, square=False)
    weights, remark = checked_weights(values, scores=scores)  # (n_layers, n_heads, n_q, n_k)
    return _crossed(weights, tokens, source_tokens, remark, "given weights", "source_tokens")


def _crossed(
    weights: Float32Array,
    tokens: Sequence[str] | None,
    keys: Sequence[str] | None,
    remark: str,
    name: str,
    of_keys: str = "pair",
) -> AttentionResult:
    """The result of weights whose columns are the tokens of another text; `of_keys` is their field."""
    shape = weights.shape[-2:]
    for field, texts, count in (("tokens", tokens, shape[0]), (of_keys, keys, shape[1])):
        if texts is not None and len(texts) != count:
            what = "queries" if field == "tokens" else "keys"
            raise DataError(
                f"found {len(texts)} tokens, expected {count}: the weights are {shape[0]} × "
                f"{shape[1]}, so many {what}",
                place=field_name(field),
            )
    columns = _tokens(keys, shape[1])
    of_rows = _result(np.zeros((1, 1, shape[0], shape[0]), np.float32), tokens, remark, name)
    n_layers, n_heads = weights.shape[:2]
    return replace(
        of_rows,
        weights=weights,
        attention=of_rows.attention._replace(n_layers=n_layers, n_heads=n_heads),
        keys=columns,
        pair=_text(columns),
    )


def result_from_record(record: Mapping[str, Any]) -> AttentionResult:
    """The result of one of our records, also of one from which fields were left out.

    Raises: DataError when weights or tokens are missing, or a part contradicts another.
    """
    if "weights" not in record:
        raise DataError("the record has no 'weights', so there is nothing to draw")
    try:
        with np.errstate(over="ignore"):  # what is too large for float32 is told as not finite
            result = AttentionResult.from_dict(_filled(record))
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as fault:
        raise DataError(f"the record cannot be read: {fault}") from None
    remark = row_remark(result.weights)
    if not remark or any(warning.code == "row-sums" for warning in result.warnings):
        return result
    return replace(result, warnings=(*result.warnings, ResultWarning("row-sums", remark)))


def renamed(
    result: AttentionResult, names: Sequence[str], keys: Sequence[str] | None = None
) -> AttentionResult:
    """The result with other names of its tokens, and of the keys of cross-attention.

    Of a result with several parts it is that of the cross-attention.
    Raises: DataError when their number differs.
    """
    unknown = tuple(dict.fromkeys(("text", *(n for n in result.unknown if n != "tokens"))))
    if (result := result.shown).keys is not None:
        crossed = _crossed(result.weights, names, keys or result.key_words, "", "")
        changed = ("tokens", "text", "keys", "pair")
        named: dict[str, Any] = {name: getattr(crossed, name) for name in changed}
        return replace(result, **named, unknown=unknown)
    names = [*names, *(keys or ())]
    _expect_as_many(names, len(result.tokens))
    tokens = _tokens(names, len(names))
    return replace(
        result, tokens=tokens, text=_text(tokens), pair=None, segments=(), unknown=unknown
    )


def _filled(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with plain values for what was left out."""
    weights = _four_axes_of(record["weights"])
    n_tokens = weights.shape[2]
    tokens = record.get("tokens")
    _expect_objects("keys", record.get("keys"))
    _expect_objects("tokens", tokens)
    _expect_objects("warnings", record.get("warnings"))
    if tokens is None:
        tokens = [_plain_token(token) for token in _tokens(None, n_tokens)]
    text = record.get("text")
    absent = [name for name in USUAL_FIELDS if name not in record]
    return {
        "attention": _given_attention(weights),
        "contextual": np.zeros((len(tokens), 0), dtype=np.float32),
        "vectors": {"name": NOT_GIVEN, "dim": 0},
        **record,
        "weights": weights,
        "text": " ".join(token["text"] for token in tokens) if text is None else text,
        "tokens": tokens,
        "unknown": list(dict.fromkeys((*record.get("unknown", ()), *absent))),
        **{part: _filled_part(record[part]) for part in PARTS if part in record},
    }


def _filled_part(given: Any) -> Any:
    """A part of a record with plain values for what was left out; what is no part as it is."""
    if not isinstance(given, Mapping) or "weights" not in given:
        return given
    weights = _four_axes_of(given["weights"])
    _expect_objects("tokens", given.get("tokens"))
    _expect_objects("warnings", given.get("warnings"))
    return {"attention": _given_attention(weights), **given, "weights": weights}


def _given_attention(weights: Float32Array) -> dict[str, Any]:
    """The settings of weights that nothing is known of."""
    n_layers, n_heads = weights.shape[:2]
    return {"kind": "matrix", "score": "given", "n_layers": n_layers, "n_heads": n_heads}


def _four_axes_of(given: Any) -> Float32Array:
    """The weights of a record. Raises: DataError when they are no array of four axes."""
    expected = "expected numbers of four axes (layers, heads, queries, keys)"
    try:
        weights = np.asarray(given, dtype=np.float32)
    except (TypeError, ValueError):
        raise DataError(f"the weights of the record are no numbers, {expected}") from None
    if weights.ndim != 4:
        raise DataError(f"the weights of the record have the shape {weights.shape}, {expected}")
    return weights


def _expect_objects(name: str, given: Any) -> None:
    if given is None:
        return
    needed = set(Token._fields) if name in ("tokens", "keys") else {"code", "message"}
    if not isinstance(given, list) or not all(
        isinstance(item, Mapping) and needed <= set(item) for item in given
    ):
        listed = ", ".join(sorted(needed))
        raise DataError(f"the {name} of the record are not as expected: objects with {listed}")


def joined(attentions: Any) -> FloatArray:
    """The weights of all layers as one array. Raises: DataError."""
    if not isinstance(attentions, list | tuple):
        if attentions is None:
            raise unexpected(attentions, "", LAYERS)
        return array_of(attentions, "", ATTENTIONS)
    if not attentions or any(layer is None for layer in attentions):
        missing = next((i for i, layer in enumerate(attentions) if layer is None), None)
        name = "" if missing is None else f"layer {missing}"
        raise unexpected(None if attentions else attentions, name, LAYERS)
    if all(map(_is_array, attentions)):
        names = {str(i): f"layer {i}" for i in range(len(attentions))}
        return joined_layers(
            {i: array_of(attentions[int(i)], name, ATTENTIONS) for i, name in names.items()}
        )
    return array_of(attentions, "", ATTENTIONS)


def _is_array(value: Any) -> bool:
    return any(has(value, name) for name in ("shape", "__array__", "__dlpack__"))


def _result(
    weights: Float32Array, tokens: Sequence[str] | None, remark: str, name: str
) -> AttentionResult:
    n_layers, n_heads, n_tokens = weights.shape[:3]
    if tokens is not None:
        _expect_as_many(tokens, n_tokens)
    named = _tokens(tokens, n_tokens)
    return AttentionResult(
        text=_text(named),
        tokens=named,
        attention=AttentionSettings(
            kind="matrix", score="given", n_layers=n_layers, n_heads=n_heads
        ),
        weights=weights,
        contextual=np.zeros((n_tokens, 0), dtype=np.float32),
        vectors=VectorsInfo(name, 0),
        warnings=(ResultWarning("row-sums", remark),) if remark else (),
        unknown=tuple(n for n in USUAL_FIELDS if n != "tokens" or tokens is None),
    )


def _expect_as_many(tokens: Sequence[str], n_tokens: int) -> None:
    if len(tokens) != n_tokens:
        raise DataError(
            f"found {len(tokens)} tokens, expected {n_tokens}: the weights are "
            f"{n_tokens} × {n_tokens}",
            place=field_name("tokens"),
        )


def _tokens(texts: Sequence[str] | None, n_tokens: int) -> tuple[Token, ...]:
    names = [str(i) for i in range(n_tokens)] if texts is None else list(texts)
    bare = [Token(name, 0, 0, name, "given") for name in names]
    tokens: list[Token] = []
    end = 0
    for token, joins in zip(bare, continues_word(bare), strict=True):
        start = end if joins or not tokens else end + 1
        end = start + len(unmarked(token.text))
        tokens.append(token._replace(start=start, end=end))
    return tuple(tokens)


def _text(tokens: Sequence[Token]) -> str:
    """The sentence of these tokens, pieces joined to the words they belong to."""
    parts = [
        " " * (token.start - (tokens[i - 1].end if i else 0)) + unmarked(token.text)
        for i, token in enumerate(tokens)
    ]
    return "".join(parts)


def _plain_token(token: Token) -> dict[str, Any]:
    return {
        "text": token.text,
        "start": token.start,
        "end": token.end,
        "key": token.key,
        "status": token.status,
    }
