"""The matrix in plain sentences, for screen readers and for reading aloud."""

from collections.abc import Sequence

import numpy as np
from rich.segment import Segment

from attncli.arrays import BoolArray, FloatArray
from attncli.errors.wording import counted_as
from attncli.escape import harmless, quotes_apart
from attncli.insight.places import mask_of
from attncli.results.displayed import spoken_blank
from attncli.results.facts import AttentionSettings
from attncli.results.names import describe, matrix_name
from attncli.results.result import AttentionResult
from attncli.views.equations import rounded_to_sum
from attncli.views.facts import model_line
from attncli.views.ink import Ink
from attncli.views.predicted import (
    completion_sentence,
    predicted_sentences,
    sentence_of,
    written_places,
)
from attncli.views.strongest import strongest

_MOST = 8  # words named in a sentence, unless another number is asked for


def spoken_text(
    result: AttentionResult, ink: Ink, *, top: int | None = None, precision: int | None = None
) -> str:
    """One sentence a line, folded at the ink's width: how many words there are, then what each attends to, in percent.

    The percentages of a row add up to what the row adds up to. With `top` only that many words are
    named; what the others get together is said. `precision` are the digits of a weight, so that
    percentages have two fewer.
    """
    digits = max(2, precision or 2)
    n_tokens = len(result.tokens)
    lines = [f"Sentence: {ink.word(result.text, 2000)}", f"{n_tokens} words, {_kind(result, ink)}."]
    if result.is_cross and result.pair is not None:
        other = f"They attend to {len(result.key_tokens)} words of another text: "
        lines.append(other + ink.word(result.pair, 2000))
    lines += [
        f"Note: {quotes_apart(harmless(warning.message)) if ink.unicode else warning.message}."
        for warning in result.warnings
    ]
    if model_line(result):
        lines.append(f"Model says: {model_line(result, ink.label).removeprefix('label: ')}.")
    if said := completion_sentence(result, lambda text: ink.word(text, 2000)):
        lines.append(_sentence(said.replace(", marked with +", ""), ink))
        lines += _written_words(result)
    lines += [_sentence(said, ink) for said in predicted_sentences(result, ink.label)]
    names = spoken_names(result.words, ink)
    keys = spoken_names(result.key_words, ink) if result.is_cross else None
    for layer in range(result.attention.n_layers):
        for head in range(result.attention.n_heads):
            name = matrix_name(result, layer, head)
            lines += [f"{name.capitalize()}."] if name else []
            weights, seen = result.weights[layer, head], _seen(result, layer, head)
            lines += [
                spoken_row(
                    names, query, weights[query], top or _MOST, digits, keys, seen=seen[query]
                )
                for query in range(n_tokens)
            ]
    return ink.rendered([Segment(line)] for line in lines)


def spoken_names(words: Sequence[str], ink: Ink) -> list[str]:
    """The words, each that occurs twice followed by its place."""
    shown = [ink.word(spoken_blank(text)) for text in words]
    return [
        f"{name} (word {place})" if shown.count(name) > 1 else name
        for place, name in enumerate(shown, start=1)
    ]


def _seen(result: AttentionResult, layer: int, head: int) -> BoolArray:
    """What each word may attend to, (n_tokens, n_keys)."""
    mask = mask_of(result)
    if mask is None:
        return np.ones(result.weights.shape[-2:], dtype=np.bool_)
    return mask if mask.ndim == 2 else mask[layer, head]


def _sentence(text: str, ink: Ink) -> str:
    """A line as a sentence."""
    return ink.plain(f"{sentence_of(text)}.")


def _written_words(result: AttentionResult) -> list[str]:
    """Which words the model wrote, by their places from 1; these are the last ones of a text."""
    places = [at + 1 for at in written_places(result)]
    if not places:
        return []
    if len(places) == 1:
        return [f"It wrote word {places[0]}."]
    if places == list(range(places[0], places[-1] + 1)):
        return [f"It wrote the words {places[0]} to {places[-1]}."]
    return [f"It wrote the words {', '.join(map(str, places))}."]


def spoken_row(
    names: Sequence[str],
    query: int,
    row: FloatArray,
    top: int,
    digits: int = 2,
    keys: Sequence[str] | None = None,
    *,
    seen: BoolArray | None = None,
) -> str:
    """What one word attends to, strongest first: words, or the `keys` of another text.

    Of these only those that it could have `seen`, where that is given. Shapes: row, seen (n_keys,).
    """
    percents = rounded_to_sum(row, digits)
    if not any(percents):
        return f"{names[query]} attends to nothing."
    places = np.arange(len(row)) if seen is None else np.flatnonzero(seen | (row != 0))
    kept, rest = (places[list(part)].tolist() for part in strongest(row[places], top))
    said = [
        f"{_percent(percents[key], float(row[key]), digits)} to {'itself' if keys is None and key == query else (keys or names)[key]}"
        for key in kept
    ]
    if rest:
        others = sum(percents) - sum(percents[key] for key in kept)
        plural = "word" if len(rest) == 1 else "words"
        said.append(f"{_decimal(others, digits)} % to {len(rest)} other {plural}")
    listed = said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"
    return f"{names[query]} attends {listed}."


def _percent(units: int, weight: float, digits: int) -> str:
    if units == 0 and weight > 0:
        return f"under {_decimal(1, digits)} %"
    return f"{_decimal(units, digits)} %"


def _decimal(units: int, digits: int) -> str:
    """Units of 10^−digits, in percent."""
    return f"{units / 10 ** (digits - 2):.{digits - 2}f}"


def _kind(result: AttentionResult, ink: Ink) -> str:
    settings = result.attention
    kind = f"{result.title} from a file" if settings.is_foreign else result.title
    if result.model is not None and not result.model.is_of_file:
        kind += f", {result.model.title}"
    if settings.n_layers > 1:
        kind += f", {settings.n_layers} layers of {settings.n_heads} heads"
    elif settings.n_heads > 1:
        kind += f", {settings.n_heads} heads"
    kind += _limits(settings)
    chosen = describe(result.selection, ink.word)
    return f"{kind}, {chosen}" if chosen else kind


def _limits(settings: AttentionSettings) -> str:
    """What a word may attend to, where that is not every word."""
    said = []
    if settings.causal:
        said.append(f"a word sees {'itself and ' if settings.see_self else ''}earlier ones")
    elif not settings.see_self:
        said.append("no word sees itself")
    if settings.window is not None:
        said.append(f"none sees further than {counted_as(settings.window, 'word')}")
    return "".join(f", {limit}" for limit in said)
