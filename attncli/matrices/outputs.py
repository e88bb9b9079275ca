"""What a model of Hugging Face returned, and the encoding it read → one result.

An output holds its attentions under one of four names, a tuple of one array (batch, heads, queries,
keys) a layer; `generate` gives such a tuple for each step. No library of theirs is imported: an
output is known by its names, an encoding by its tokens.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, get_args

import numpy as np

from attncli.arrays import BoolArray, FloatArray
from attncli.checks.arguments import array_of, choice_of, count_of, has, texts_of, unexpected
from attncli.errors import DataError, UsageError, field_name
from attncli.matrices.build import ATTENTIONS, LAYERS, TOKENS, crossed, from_layers, joined
from attncli.results.decoded import Which
from attncli.results.result import AttentionResult

_HELD: dict[Which, str] = {name: f"{name}_attentions" for name in get_args(Which)}
_SLOW = "one with tokens: a fast tokenizer gives it, convert_ids_to_tokens makes texts of ids"


class Words(NamedTuple):
    """The texts of tokens, None where they have no names, and which of them are no padding."""

    texts: list[str] | None
    kept: BoolArray | None


def result_from_outputs(
    attentions: Any,
    tokens: Any = None,
    *,
    scores: bool = False,
    which: Which | None = None,
    index: int | None = None,
    source_tokens: Any = None,
) -> AttentionResult:
    """The result of attention weights from elsewhere: arrays, or what a model returned.

    `index` is the sentence of a batch, 0 the first; tokens that an encoding calls padding are left
    out. Cross-attention has queries of one text and keys of another: see `crossed`.
    Raises: DataError, UsageError, ArgumentError.
    """
    which = None if which is None else choice_of(which, "which", get_args(Which))  # type: ignore[assignment]  # is one
    index = None if index is None else count_of(index, "index")
    is_output = not has(attentions, "shape") and any(
        _has_field(attentions, name) for name in ("attentions", *_HELD.values())
    )
    if is_output:
        attentions = _held(attentions, which)
    elif which in ("encoder", "decoder"):
        raise UsageError(
            f"found {which!r} beside arrays, expected it beside an output of a model",
            place="which",
        )
    if _are_steps(attentions):
        attentions, is_output = _of_steps(attentions), True
    array = _sentence(attentions, index, is_output=is_output)
    words = _words_of(tokens, "tokens", index)
    if which != "cross" and source_tokens is None:
        if array.ndim >= 2 and array.shape[-1] != array.shape[-2]:
            raise DataError(
                f"found {array.shape[-2]} queries and {array.shape[-1]} keys, expected as many keys",
                hints=("which='cross' or source_tokens=[…] reads them as cross-attention",),
            )
        kept = _cut(_cut(array, words.kept, -2), words.kept, -1)
        return from_layers(kept, words.texts, scores=scores)
    source = _words_of(source_tokens, "source_tokens", index)
    kept = _cut(_cut(array, words.kept, -2), source.kept, -1)
    return crossed(kept, words.texts, source.texts, scores=scores)


def _has_field(value: Any, name: str) -> bool:
    return has(value, name) or (isinstance(value, Mapping) and name in value)


def _field(value: Any, name: str) -> Any:
    held = getattr(value, name) if has(value, name) else None
    return value.get(name) if held is None and isinstance(value, Mapping) else held


def _held(output: Any, which: Which | None) -> Any:
    """The attentions that an output holds. Raises: UsageError, ArgumentError."""
    held = {name: field for name, at in _HELD.items() if (field := _field(output, at))}
    if which is not None:
        if which in held:
            return held[which]
        if _has_field(output, _HELD[which]):
            raise unexpected(_field(output, _HELD[which]), _HELD[which], LAYERS)
        raise UsageError(f"found an output without {_HELD[which]}", place="which")
    own = _field(output, "attentions")
    if own is not None or not held:
        if not own:
            raise unexpected(own, "attentions", LAYERS)
        return own
    if len(held) > 1:
        listed = ", ".join(map(repr, held))
        raise UsageError(
            f"found an output with several attentions, expected one of {listed}", place="which"
        )
    return next(iter(held.values()))


def _are_steps(value: Any) -> bool:
    """Whether these are steps of `generate`: a tuple for each of arrays of four axes, one a layer."""
    if not isinstance(value, list | tuple) or not value:
        return False
    return all(
        isinstance(step, list | tuple)
        and step
        and all(has(layer, "shape") and len(layer.shape) == 4 for layer in step)
        for step in value
    )


def _of_steps(steps: Sequence[Sequence[Any]]) -> list[FloatArray]:
    """One array a layer: the queries of all steps, keys of later ones as zeros."""
    layers = []
    for number in range(len(steps[0])):
        parts = [array_of(step[number], f"layer {number}", ATTENTIONS) for step in steps]
        n_keys = max(part.shape[-1] for part in parts)
        wide = [np.pad(p, [(0, 0)] * 3 + [(0, n_keys - p.shape[-1])]) for p in parts]
        layers.append(np.concatenate(wide, axis=-2))  # (batch, n_heads, n_q, n_k)
    return layers


def _sentence(attentions: Any, index: int | None, *, is_output: bool) -> FloatArray:
    """The weights of one sentence of a batch: (…, n_q, n_k) of 2 to 5 axes."""
    layers = list(attentions) if isinstance(attentions, list | tuple) else attentions
    if isinstance(layers, list) and (is_output or index is not None):
        layers = [
            _one(array_of(layer, f"layer {number}", ATTENTIONS), index, 0, 4)
            if layer is not None
            else None
            for number, layer in enumerate(layers)
        ]
        return joined(layers)
    array = joined(attentions)
    if index is None and array.ndim < 5:
        return array
    return _one(array, index, 1, 5)


def _one(array: FloatArray, index: int | None, axis: int, n_axes: int) -> FloatArray:
    """The sentence of a batch, whose axis stays. Raises: UsageError where there is none of it."""
    if array.ndim != n_axes:
        if index is None:
            return array
        raise UsageError(
            f"found weights of the shape {array.shape}, which are of no batch", place="index"
        )
    count = array.shape[axis]
    if count > 1 and index is None:
        raise UsageError(
            f"found a batch of {count} sentences, expected one of 0 to {count - 1}", place="index"
        )
    place = _placed(index or 0, count)
    return array.take([place], axis=axis)


def _placed(index: int, count: int) -> int:
    if index >= count:
        raise UsageError(f"found {index}, expected 0 to {count - 1}", place="index")
    return index


def _words_of(given: Any, name: str, index: int | None) -> Words:
    """The tokens of texts, of an encoding, or of one of several. Raises: ArgumentError, UsageError."""
    if given is None:
        return Words(None, None)
    encodings = [given] if _is_encoding(given) else given
    if has(given, "encodings"):
        encodings = given.encodings
        if not encodings:
            raise unexpected(given, name, _SLOW)
    if not (isinstance(encodings, list) and encodings and all(map(_is_encoding, encodings))):
        return Words(texts_of(given, name, TOKENS), None)
    if len(encodings) > 1 and index is None:
        last = len(encodings) - 1
        raise UsageError(f"found {last + 1} encodings, expected one of 0 to {last}", place="index")
    at = 0 if len(encodings) == 1 else _placed(index or 0, len(encodings))
    chosen = encodings[at]
    kept = np.array(chosen.attention_mask, dtype=np.bool_)  # (n_tokens,)
    texts = [text for text, stays in zip(chosen.tokens, kept.tolist(), strict=True) if stays]
    return Words(texts, kept)


def _is_encoding(value: Any) -> bool:
    """Whether this is an Encoding of the tokenizers library."""
    named = has(value, "tokens") and has(value, "attention_mask")
    return named and isinstance(value.tokens, list)


def _cut(array: FloatArray, kept: BoolArray | None, axis: int) -> FloatArray:
    """Without padding along an axis. Raises: UsageError for an encoding of another length."""
    if kept is None or kept.all():
        return array
    if len(kept) != array.shape[axis]:
        raise UsageError(
            f"found an encoding of {len(kept)} tokens, the weights have {array.shape[axis]}",
            place=field_name("tokens"),
        )
    return array.compress(kept, axis=axis)
