"""Tokens of a result: word pieces merged into words, special tokens hidden.

Pure functions, result → result, also for matrices of other tools; what was done is kept in
`result.selection`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from attncli.arrays import BoolArray, Float32Array
from attncli.errors import EmptyError
from attncli.errors.wording import quoted
from attncli.insight.measures import measures_of_tokens
from attncli.results.decoded import on_each_part
from attncli.results.facts import ModelInfo, ResultWarning, Token
from attncli.results.pieces import continues_word, looks_special, unmarked
from attncli.results.result import AttentionResult

HIDE_WORDS = ("first", "special")  # names that say a kind of token, not its text
_QUOTED = re.compile('"(first|special)"')
_BY_HEAD = ("query", "key", "value", "scores")
_BY_TOKEN = ("contextual", "embeddings", "before", "hidden_states", "query")
_BY_KEY = ("key", "value")


def merge_pieces(result: AttentionResult) -> AttentionResult:
    """The result with word pieces merged into words: queries averaged, keys summed.

    A row still sums to 1, because the weight that a word receives is the sum of what its pieces
    receive. Vectors of the pieces are averaged. Query, key, value and scores are left out when
    anything was merged. Of several parts each is merged.
    Source: Clark et al. 2019 (arXiv:1906.04341), section 4.1.
    """
    return on_each_part(result, _merged)


def _merged(result: AttentionResult) -> AttentionResult:
    starts, key_starts = word_starts(result.tokens), word_starts(result.key_tokens)
    if len(starts) == len(result.tokens) and len(key_starts) == len(result.key_tokens):
        return result
    counts = np.diff([*starts, len(result.tokens)])  # (n_words,)
    changes: dict[str, Any] = dict.fromkeys(_BY_HEAD)
    if result.keys is not None:
        changes["keys"] = _joined_words(result.keys, key_starts, [result.pair or ""])
    for name in ("contextual", "embeddings", "before", "hidden_states"):
        if (array := getattr(result, name)) is not None:
            changes[name] = _averaged(array, starts, counts)  # (…, n_words, d)
    if result.segments:
        changes["segments"] = tuple(result.segments[at] for at in starts)
    selection = {**(result.selection or {}), "merged": True}
    for name, of in (("places", starts), ("key_places", key_starts)):
        if name in selection:
            selection[name] = _places_of_words(selection[name], of)
    texts = [result.text] if not result.segments else [result.text, result.pair or result.text]
    return replace(
        result,
        tokens=_joined_words(result.tokens, starts, texts, result.segments),
        weights=weights_of_words(result.weights, starts, key_starts),
        warnings=tuple(_moved(w, _word_of(counts)) for w in result.warnings),
        model=_of_places(result.model, _word_of(counts)),
        selection=selection,
        measures=None,
        **changes,
    )


def weights_of_words(
    weights: Float32Array, starts: Sequence[int], key_starts: Sequence[int]
) -> Float32Array:
    """Weights of pieces → of the words that begin there: queries averaged, keys summed.

    Shapes: (…, n_tokens, n_keys) → (…, n_words, n_key_words).
    """
    summed = np.add.reduceat(weights, key_starts, axis=-1)  # (…, n_tokens, n_key_words)
    return _averaged(summed, starts, np.diff([*starts, weights.shape[-2]]))


def hide_tokens(
    result: AttentionResult,
    names: Iterable[str] = (),
    *,
    special: bool = False,
    share: float | None = None,
) -> AttentionResult:
    """The result without these tokens, as queries and as keys; rows are rescaled to sum to 1.

    `names` are compared with the text and the key of each token, so "[CLS]" hides [CLS]. The name
    "special", or `special`, hides every special token; "first" hides the first token of the whole
    text, on which many heads rest when they have nothing to find (an attention sink: Xiao et al.
    2023, arXiv:2309.17453). A token that is spelled so is named in double quotes: '"first"'.
    How much weight went to what is hidden is said in a warning and in `selection`: it is often most
    of it; it is `share` where the weights are not at hand. A row that saw nothing else is zeros. Of
    several parts, and of both texts of cross-attention, each loses its own.
    Raises: EmptyError when no token is left.
    """
    wanted = set(names)
    return on_each_part(result, lambda part: _without(part, wanted, special, share))


def rescaled(kept: Float32Array) -> Float32Array:
    """Rows of weights of which keys were left out, so that each sums to 1; one without any is zeros.

    Shapes: (…, n_tokens, n_keys) → the same.
    """
    total = kept.sum(axis=-1, keepdims=True)
    return np.asarray(kept / np.where(total == 0, 1, total), dtype=np.float32)


def _without(
    result: AttentionResult, names: set[str], special: bool, share: float | None
) -> AttentionResult:
    """Raises: EmptyError."""
    hidden = _hidden(result.tokens, original_places(result), names, special)  # (n_tokens,)
    of_keys = hidden
    if result.keys is not None:
        of_keys = _hidden(result.keys, original_key_places(result), names, special)  # (n_keys,)
    if not (hidden.any() or of_keys.any()):
        return result
    keep, keys = np.flatnonzero(~hidden), np.flatnonzero(~of_keys)
    if len(keep) == 0 or len(keys) == 0:
        raise EmptyError("every token of the sentence is hidden, nothing is left to show")
    rows = result.weights[:, :, keep, :]  # (n_layers, n_heads, n_kept, n_keys)
    kept = rows[:, :, :, keys]  # (n_layers, n_heads, n_kept, n_kept_keys)
    if share is None:
        least = np.finfo(np.float32).tiny
        share = float(rows[..., of_keys].sum() / max(float(rows.sum()), least))
    every = [*zip(result.tokens, hidden, strict=True)]
    every += zip(result.key_tokens, of_keys, strict=True)
    gone = list(dict.fromkeys(token.text for token, is_hidden in every if is_hidden))
    place = {int(old): new for new, old in enumerate(keep)}
    warning = ResultWarning("hidden-tokens", _hidden_message(gone, share))
    changes: dict[str, Any] = {
        name: np.take(array, keep, axis=-2)
        for name in _BY_TOKEN
        if (array := getattr(result, name)) is not None
    }
    for name in _BY_KEY:
        if (array := getattr(result, name)) is not None:
            changes[name] = np.take(array, keys, axis=-2)
    if result.scores is not None:
        changes["scores"] = result.scores[:, :, keep][..., keys]
    selection = {
        **(result.selection or {}),
        "hidden": gone,
        "hidden_share": round(share, 6),
        "places": [int(original_places(result)[at]) for at in keep],
    }
    if result.keys is not None:
        changes["keys"] = tuple(result.keys[at] for at in keys)
        selection["key_places"] = [original_key_places(result)[at] for at in keys]
    if result.segments:
        changes["segments"] = tuple(result.segments[at] for at in keep)
    return replace(
        result,
        tokens=tuple(result.tokens[at] for at in keep),
        weights=rescaled(kept),
        warnings=(
            *(_moved(w, place) for w in result.warnings if w.code != "row-sums"),
            warning,
        ),
        model=_of_places(result.model, place),
        measures=measures_of_tokens(result, keep.tolist()),
        selection=selection,
        **changes,
    )


def _places_of_words(places: Sequence[int], starts: Sequence[int]) -> list[int]:
    """The places of words, as if nothing had been hidden before their pieces were merged."""
    of_words = [places[start] for start in starts[:1]]
    for start in starts[1:]:
        of_words.append(of_words[-1] + places[start] - places[start - 1])
    return of_words


def _averaged(array: Float32Array, starts: Sequence[int], counts: Any) -> Float32Array:
    """The mean of each group of rows. Shapes: (…, n_tokens, d) → (…, n_words, d)."""
    sums = np.add.reduceat(array, starts, axis=-2)  # (…, n_words, d)
    return np.asarray(sums / counts[:, None].astype(np.float32))


def word_starts(tokens: Sequence[Token]) -> list[int]:
    """The places of the pieces that begin a word."""
    return [at for at, joins in enumerate(continues_word(tokens)) if not joins]


def _joined_words(
    tokens: Sequence[Token],
    starts: Sequence[int],
    texts: Sequence[str],
    segments: Sequence[int] = (),
) -> tuple[Token, ...]:
    """The words whose pieces begin at the starts; `segments` says which of the texts each is of."""
    ends = [*starts[1:], len(tokens)]
    return tuple(
        _joined(tokens[start:end], texts[min(segments[start], 1)] if segments else texts[0])
        for start, end in zip(starts, ends, strict=True)
    )


def _joined(tokens: Sequence[Token], source: str) -> Token:
    """Pieces as one word of their text."""
    first, last = tokens[0], tokens[-1]
    if len(tokens) == 1:
        return first
    key = "".join(unmarked(token.key) for token in tokens)
    whole = source[first.start : last.end]
    if not whole:
        text = "".join(unmarked(token.text) for token in tokens)
        return Token(text, first.start, last.end, key, first.status)
    text = whole.strip() or whole  # a piece of its own may be the space before the word
    start = first.start + whole.index(text)
    return Token(text, start, start + len(text), key, first.status)


def which_are_special(tokens: Sequence[Token]) -> BoolArray:
    """Which tokens are none of the text, such as [CLS] and </s>. Shape: (n_tokens,)."""
    if any(token.status == "special" for token in tokens):
        return np.array([token.status == "special" for token in tokens], dtype=np.bool_)
    return np.array([looks_special(token.text) for token in tokens], dtype=np.bool_)


def original_places(result: AttentionResult) -> list[int]:
    """The place of each token before anything was hidden."""
    before = (result.selection or {}).get("places")
    return list(range(len(result.tokens))) if before is None else list(before)


def original_key_places(result: AttentionResult) -> list[int]:
    """The place of each key before anything was hidden."""
    if result.keys is None:
        return original_places(result)
    before = (result.selection or {}).get("key_places")
    return list(range(len(result.keys))) if before is None else list(before)


def _hidden(
    tokens: Sequence[Token], places: Sequence[int], names: set[str], special: bool
) -> BoolArray:
    """Which tokens are hidden, of those that stood at these places. Shape: (n_tokens,)."""
    texts = {name[1:-1] if _QUOTED.fullmatch(name) else name for name in names - set(HIDE_WORDS)}
    texts |= names - set(HIDE_WORDS)  # a token may hold the quotes itself
    hidden = np.array([not texts.isdisjoint((t.text, t.key)) for t in tokens], dtype=np.bool_)
    if special or "special" in names:
        hidden |= which_are_special(tokens)
    if "first" in names:
        hidden |= np.array(places) == 0
    return hidden


def _hidden_message(gone: Sequence[str], share: float) -> str:
    named = ", ".join(quoted(text) for text in gone[:4]) + (" …" if len(gone) > 4 else "")
    return f"{named} hidden: {share:.0%} of the weight went there; rows are rescaled to sum to 1"


def _word_of(counts: Any) -> dict[int, int]:
    return dict(enumerate(np.repeat(np.arange(len(counts)), counts).tolist()))


def _moved(warning: ResultWarning, place: Mapping[int, int]) -> ResultWarning:
    tokens = dict.fromkeys(int(place[at]) for at in warning.tokens if at in place)
    return warning._replace(tokens=tuple(tokens))


def _of_places(model: ModelInfo | None, place: Mapping[int, int]) -> ModelInfo | None:
    """What the model says, of the tokens that are left: a word is as probable as all its pieces."""
    if model is None:
        return None
    masks = model.masks and tuple(
        masked._replace(token=place[masked.token])
        for masked in model.masks
        if masked.token in place
    )
    return model._replace(
        target=None if model.target is None else place.get(model.target),
        masks=masks,
        written=model.written
        and tuple(dict.fromkeys(place[at] for at in model.written if at in place)),
        log_probabilities=model.log_probabilities and _summed(model.log_probabilities, place),
    )


def _summed(logs: Sequence[float | None], place: Mapping[int, int]) -> tuple[float | None, ...]:
    """Log-probabilities of tokens → of those that they became; None where a part has none."""
    parts: list[list[float | None]] = [[] for _ in range(max(place.values(), default=-1) + 1)]
    for at, log in enumerate(logs):
        if at in place:
            parts[place[at]].append(log)
    return tuple(_sum(logs) for logs in parts)


def _sum(logs: Sequence[float | None]) -> float | None:
    known = [log for log in logs if log is not None]
    return sum(known) if len(known) == len(logs) else None
