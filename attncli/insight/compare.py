"""One word in several sentences: what it attends to, where it went, and who pulled it there.

The new vector of a word is its own value plus the sum of pulls, weight·(value of the other − own
value), because its weights sum to 1. The share of a pull is how much of the way it accounts for; the
shares of a row sum to 1. Values of several heads stand side by side. In a transformer many layers
lie between, so there only the weights are told.
"""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from attncli.arrays import FloatArray
from attncli.attention.general import unit_rows
from attncli.attention.products import product
from attncli.errors import Blank, UsageError, field_name, setting
from attncli.errors.wording import quoted
from attncli.insight.measures import row_cosines
from attncli.insight.old_vectors import old_vectors
from attncli.insight.plane import principal_plane
from attncli.insight.space import Space, SpokenWords, is_known, names_of_token
from attncli.insight.sums import sums_of
from attncli.results.comparison import Comparison, Near, Occurrence, Point, Pull
from attncli.results.names import axis_names, describe, last_layer, mean_of_heads, ranges
from attncli.results.result import AttentionResult
from attncli.text.forms import folded_word, places_of_word


def shared_word(results: Sequence[AttentionResult]) -> str:
    """The one word that all sentences share. Raises: UsageError when they share none or several."""
    named = [[token.text for token in r.tokens if token.status != "special"] for r in results]
    first = dict.fromkeys(word for word in named[0] if any(char.isalnum() for char in word))
    held = [{folded_word(word) for word in words} for words in named]
    common = list(
        {
            folded_word(word): word
            for word in first
            if all(folded_word(word) in words for words in held)
        }.values()
    )
    if len(common) == 1:
        return common[0]
    if not common:
        expected = f"expected {setting(word=Blank('WORD'))}"
        raise UsageError(f"the sentences share no word, {expected}", place=field_name("word"))
    listed = ", ".join(quoted(word) for word in common[:8])
    raise UsageError(
        f"the sentences share {listed}, expected {field_name('word')} with one of them",
        place=field_name("word"),
        hints=(setting(word=max(common, key=len)),),
    )


def compare(
    results: Sequence[AttentionResult],
    word: str,
    space: Space | None = None,
    *,
    neighbors: int,
) -> Comparison:
    """The word in each sentence, every time it stands there.

    The results should hold their embeddings, and for general and task-specific attention their
    values. `space` finds the nearest vocabulary words, `neighbors` of them; without one they are
    words of the compared sentences.
    Raises: UsageError when a sentence does not hold the word.
    """
    placed = [
        (number, place)
        for number, result in enumerate(results)
        for place in _places(result, word, number)
    ]
    space = space or SpokenWords(results)
    vectors = np.stack([_vector(results[n], place) for n, place in placed])  # (k, d)
    owns = [_own(results[n], place) for n, place in placed]
    static = owns[0]
    whole = None if static is None or any(own is None for own in owns) else np.stack(owns)  # type: ignore[arg-type]  # none is None here
    names = [names_of_token(results[n].tokens[place]) for n, place in placed]
    nearest = space.nearest(vectors, neighbors, names)
    cosines = None if whole is None else row_cosines(whole, vectors)
    occurrences = tuple(
        Occurrence(
            sentence=n,
            text=results[n].text,
            place=place,
            pulls=_pulls(results[n], place),
            vector=vectors[i],
            own=owns[i],
            moved=None if cosines is None else float(cosines[i]),
            nearest=tuple(nearest[i]),
            label=_label(results[n]),
            source=_source(results[n]),
        )
        for i, (n, place) in enumerate(placed)
    )
    near_static: Near = ()
    first, at = placed[0]
    if whole is not None and space.has_static and is_known(results[first].tokens[at]):
        near_static = tuple(space.nearest(whole[:1], neighbors, names[:1])[0])
    points, explained = _map(results, occurrences, whole, near_static, space)
    return Comparison(
        word=word,
        kind=results[0].attention.kind,
        occurrences=occurrences,
        before=None if whole is None else _cosines(whole),
        after=_cosines(vectors),
        nearest_static=near_static,
        neighbors_of=space.name,
        weights_of=weights_of(results[0]),
        points=points,
        explained=explained,
    )


def _places(result: AttentionResult, word: str, number: int) -> list[int]:
    places = places_of_word(word, result.words, [token.key for token in result.tokens])
    if not places:
        raise UsageError(
            f"{quoted(word)} is not in sentence {number + 1}, {quoted(result.text)}",
            place=field_name("word"),
        )
    return places


def _vector(result: AttentionResult, place: int) -> FloatArray:
    return np.asarray(result.contextual[place], dtype=np.float64)


def _values(result: AttentionResult) -> FloatArray | None:
    """The values of all tokens by head, where new vectors are their sums by all the weights.

    Shape (n_tokens, n_heads, d_v).
    """
    whole = old_vectors(result)
    if whole is None or sums_of(result).terms is None or result.attention.has_layers:
        return None
    if result.value is None or (result.selection or {}).get("heads") is not None:
        return None
    n_heads = result.attention.n_heads
    if n_heads > 1 and result.model is not None and result.model.has_output:
        return None
    return np.asarray(whole.reshape(len(whole), n_heads, -1), dtype=np.float64)


def _own(result: AttentionResult, place: int) -> FloatArray | None:
    whole = old_vectors(result)
    return None if whole is None else np.asarray(whole[place], dtype=np.float64)


def _pulls(result: AttentionResult, place: int) -> tuple[Pull, ...]:
    """What the word attends to, strongest first; weights are means over heads of the last layer."""
    layer = last_layer(result)
    row = result.weights[layer, :, place].mean(axis=0, dtype=np.float64)  # (n_tokens,)
    shares = _shares(result, place)
    order = np.argsort(-row, kind="stable").tolist()
    return tuple(
        Pull(
            result.words[at],
            at,
            float(row[at]),
            None if shares is None else float(shares[at]),
        )
        for at in order
    )


def weights_of(result: AttentionResult, shown: Callable[[str], str] = str) -> str:
    """Which weights a row tells, where there are several: "mean of heads 3, 1, layer 5, the last".

    Matrices in which nothing was learned are named; hidden words are as `shown` gives them.
    """
    chosen = dict(result.selection or {})
    model = result.model
    parts = [] if model is None or model.is_of_file else [model.title]
    if result.attention.n_heads > 1:
        parts.append(mean_of_heads(result))
        chosen.pop("heads", None)
    if result.attention.n_layers > 1:
        layers = chosen.pop("layers", None)
        of = "" if layers is None else f" of {ranges('layers', layers)}"
        parts.append(f"{axis_names(result, 'layers')[last_layer(result)]}, the last{of}")
    return ", ".join(filter(None, [*parts, describe(chosen, shown)]))


def _shares(result: AttentionResult, place: int) -> FloatArray | None:
    """The share of the way that each word accounts for. Shape (n_tokens,)."""
    values = _values(result)
    if values is None:
        return None
    weights = result.weights[0, :, place].astype(np.float64)  # (n_heads, n_tokens)
    steps = weights.T[:, :, None] * (values - values[place])  # (n_tokens, n_heads, d_v)
    way = steps.sum(axis=0)  # (n_heads, d_v)
    length = float((way * way).sum())
    if length == 0:
        return np.zeros(len(values))
    return np.asarray((steps * way).sum(axis=(1, 2)) / length)


def _cosines(vectors: FloatArray) -> FloatArray:
    units = unit_rows(vectors.astype(np.float64))
    cosines: FloatArray = product(units, units.T)  # (n, n)
    return np.clip(cosines, -1, 1)


def _source(result: AttentionResult) -> str | None:
    """What the encoder read, of a sentence that its decoder read."""
    return None if result.reads is None else result.reads.text


def _label(result: AttentionResult) -> str | None:
    return None if result.model is None else result.model.label


def _map(
    results: Sequence[AttentionResult],
    occurrences: Sequence[Occurrence],
    whole: FloatArray | None,
    near_static: Near,
    space: Space,
) -> tuple[tuple[Point, ...], tuple[float, float]]:
    rows: list[FloatArray] = []
    names: list[tuple[str, str, int | None]] = []
    word = results[occurrences[0].sentence].words[occurrences[0].place]
    if whole is not None and np.allclose(whole, whole[0]):
        rows.append(whole[0])
        names.append((word, "static", None))
    repeats = Counter(occurrence.sentence for occurrence in occurrences)
    for occurrence in occurrences:
        place = f", word {occurrence.place + 1}" if repeats[occurrence.sentence] > 1 else ""
        rows.append(occurrence.vector)
        names.append((f"{word} {occurrence.name}{place}", "contextual", occurrence.sentence))
    added = {name for name, _, _ in names} | {word}
    for occurrence in occurrences:
        for other, vector in _others(results[occurrence.sentence], occurrence):
            if other not in added:
                added.add(other)
                rows.append(vector)
                names.append((other, "sentence", occurrence.sentence))
    near = [name for hits in (near_static, *(o.nearest for o in occurrences)) for name, _ in hits]
    wanted = [name for name in dict.fromkeys(near) if name not in added]
    if wanted:
        rows += list(space.vectors(wanted))
        names += [(name, "neighbor", None) for name in wanted]
    plane, explained = principal_plane(np.stack(rows))
    points = tuple(
        Point(label, kind, float(x), float(y), sentence)
        for (label, kind, sentence), (x, y) in zip(names, plane, strict=True)
    )
    return points, explained


def _others(result: AttentionResult, occurrence: Occurrence) -> list[tuple[str, FloatArray]]:
    """The other words of a sentence with their values, where these are in the space of the map."""
    whole = None if result.attention.has_layers else old_vectors(result)
    if whole is None:
        return []
    return [
        (text, np.asarray(whole[at], dtype=np.float64))
        for at, text in enumerate(result.words)
        if at != occurrence.place
    ]
