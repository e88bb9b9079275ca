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
from attncli.results.pieces import continues_word, looks_special, unmarked
from attncli.results.result import AttentionResult, ModelInfo, ResultWarning, Token

HIDE_WORDS = ("first", "special")  # names that say a kind of token, not its text
_QUOTED = re.compile('"(first|special)"')
_BY_HEAD = ("query", "key", "value", "scores")
_BY_TOKEN = ("contextual", "embeddings", "before", "hidden_states", "query", "key", "value")


def merge_pieces(result: AttentionResult) -> AttentionResult:
    """The result with word pieces merged into words: queries averaged, keys summed.

    A row still sums to 1, because the weight that a word receives is the sum of what its pieces
    receive. Vectors of the pieces are averaged. Query, key, value and scores are left out when
    anything was merged.
    Source: Clark et al. 2019 (arXiv:1906.04341), section 4.1.
    """
    starts = [at for at, joins in enumerate(continues_word(result.tokens)) if not joins]
    if len(starts) == len(result.tokens):
        return result
    counts = np.diff([*starts, len(result.tokens)])  # (n_words,)
    summed = np.add.reduceat(result.weights, starts, axis=-1)  # (…, n_tokens, n_words)
    groups = [slice(at, at + n) for at, n in zip(starts, counts, strict=True)]
    changes: dict[str, Any] = dict.fromkeys(_BY_HEAD)
    for name in ("contextual", "embeddings", "before", "hidden_states"):
        if (array := getattr(result, name)) is not None:
            changes[name] = _averaged(array, starts, counts)  # (…, n_words, d)
    if result.segments:
        changes["segments"] = tuple(result.segments[at] for at in starts)
    selection = {**(result.selection or {}), "merged": True}
    if "places" in selection:
        selection["places"] = _places_of_words(selection["places"], starts)
    return replace(
        result,
        tokens=tuple(_joined(result, group) for group in groups),
        weights=_averaged(summed, starts, counts),  # (…, n_words, n_words)
        warnings=tuple(_moved(w, _word_of(counts)) for w in result.warnings),
        model=_of_places(result.model, _word_of(counts)),
        selection=selection,
        measures=None,
        **changes,
    )


def hide_tokens(
    result: AttentionResult, names: Iterable[str] = (), *, special: bool = False
) -> AttentionResult:
    """The result without these tokens, as queries and as keys; rows are rescaled to sum to 1.

    `names` are compared with the text and the key of each token, so "[CLS]" hides [CLS]. The name
    "special", or `special`, hides every special token; "first" hides the first token of the whole
    text, on which many heads rest when they have nothing to find (an attention sink: Xiao et al.
    2023, arXiv:2309.17453). A token that is spelled so is named in double quotes: '"first"'.
    How much weight went to what is hidden is said in a warning and in `selection`: it is often most
    of it. A row that saw nothing else is zeros.
    Raises: EmptyError when no token is left.
    """
    hidden = _hidden(result, set(names), special)  # (n_tokens,)
    if not hidden.any():
        return result
    keep = np.flatnonzero(~hidden)
    if len(keep) == 0:
        raise EmptyError("every token of the sentence is hidden, nothing is left to show")
    rows = result.weights[:, :, keep, :]  # (n_layers, n_heads, n_kept, n_tokens)
    kept = rows[:, :, :, keep]  # (n_layers, n_heads, n_kept, n_kept)
    total = kept.sum(axis=-1, keepdims=True)
    share = float(rows[..., hidden].sum() / max(float(rows.sum()), np.finfo(np.float32).tiny))
    gone = list(dict.fromkeys(t.text for t, h in zip(result.tokens, hidden, strict=True) if h))
    place = {int(old): new for new, old in enumerate(keep)}
    warning = ResultWarning("hidden-tokens", _hidden_message(gone, share))
    changes: dict[str, Any] = {
        name: np.take(array, keep, axis=-2)
        for name in _BY_TOKEN
        if (array := getattr(result, name)) is not None
    }
    if result.scores is not None:
        changes["scores"] = result.scores[:, :, keep][..., keep]
    if result.segments:
        changes["segments"] = tuple(result.segments[at] for at in keep)
    return replace(
        result,
        tokens=tuple(result.tokens[at] for at in keep),
        weights=np.asarray(kept / np.where(total == 0, 1, total), dtype=np.float32),
        warnings=(
            *(_moved(w, place) for w in result.warnings if w.code != "row-sums"),
            warning,
        ),
        model=_of_places(result.model, place),
        measures=measures_of_tokens(result, keep.tolist()),
        selection={
            **(result.selection or {}),
            "hidden": gone,
            "hidden_share": round(share, 6),
            "places": [place for at, place in enumerate(original_places(result)) if not hidden[at]],
        },
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


def _joined(result: AttentionResult, group: slice) -> Token:
    tokens = result.tokens[group]
    first, last = tokens[0], tokens[-1]
    if len(tokens) == 1:
        return first
    source = result.text
    if result.segments and result.segments[group.start] and result.pair is not None:
        source = result.pair
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


def _hidden(result: AttentionResult, names: set[str], special: bool) -> BoolArray:
    texts = {name[1:-1] if _QUOTED.fullmatch(name) else name for name in names - set(HIDE_WORDS)}
    texts |= names - set(HIDE_WORDS)  # a token may hold the quotes itself
    hidden = np.array(
        [not texts.isdisjoint((t.text, t.key)) for t in result.tokens], dtype=np.bool_
    )
    if special or "special" in names:
        hidden |= which_are_special(result.tokens)
    if "first" in names:
        hidden |= np.array(original_places(result)) == 0
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
