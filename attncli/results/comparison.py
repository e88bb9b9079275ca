"""What a comparison found: one word in several sentences, as data that views draw."""

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from attncli.arrays import FloatArray
from attncli.errors import DataError
from attncli.errors.wording import counted_as
from attncli.settings.frozen import dataclass

POINT_KINDS = {"static", "contextual", "sentence", "neighbor"}

Near: TypeAlias = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Pull:
    """One word that the compared word attends to, at `place` in the sentence, from 0.

    share: how much of the way from the old vector of the word to the new one it made; None where
    the values that were summed are not known.
    """

    word: str
    place: int
    weight: float
    share: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Occurrence:
    """The compared word in one sentence.

    sentence: the number of the sentence, and place: that of the word in it, both from 0. pulls: the
    words that it attends to, itself too, the strongest first. vector: its new embedding; own: the
    one without a context, None of weights that were given. moved: the cosine of both. nearest: the
    words whose vectors are nearest to the new one, each with its cosine. label: what a trained model
    says of the sentence. source: what the encoder read, where the sentence is that of its decoder.
    Shapes: vector (d,), own (d,).
    """

    sentence: int
    text: str
    place: int
    pulls: tuple[Pull, ...]
    vector: FloatArray
    own: FloatArray | None
    moved: float | None
    nearest: Near
    label: str | None = None
    source: str | None = None

    @property
    def title(self) -> str:
        """The sentence, and what the encoder of its decoder read."""
        return self.text if self.source is None else f"{self.text} (encoder: {self.source})"

    @property
    def name(self) -> str:
        """The number of its sentence, 1 the first."""
        return str(self.sentence + 1)


@dataclass(frozen=True, slots=True)
class Point:
    """A point of the map; `kind` is static, contextual, sentence (its words) or neighbor."""

    label: str
    kind: str
    x: float
    y: float
    sentence: int | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Comparison:
    """A word in several sentences, one of `occurrences` for each.

    before, after: cosines between the word's vectors in the n sentences, without a context and with
    it; `before` is None of weights that were given. nearest_static: the nearest words without a
    context, among the vectors called `neighbors_of`. points: the map, a plane that has the shares
    `explained` of the spread on its two axes.
    Shapes: before (n, n), after (n, n).

    >>> comparison = compare(["money bank grows", "river bank flows"], "bank")
    >>> comparison.after.round(2).tolist()
    [[1.0, 0.99], [0.99, 1.0]]
    >>> [word for word, cosine in comparison.occurrences[0].nearest[:2]]
    ['banks', 'investment']
    >>> comparison.occurrences[1].pulls[1].word
    'river'
    """

    word: str
    kind: str
    occurrences: tuple[Occurrence, ...]
    before: FloatArray | None
    after: FloatArray
    nearest_static: Near
    neighbors_of: str
    points: tuple[Point, ...]
    explained: tuple[float, float]
    weights_of: str = ""

    def __repr__(self) -> str:
        texts = ", ".join(repr(occurrence.text) for occurrence in self.occurrences[:3])
        more = ", …" if len(self.occurrences) > 3 else ""
        return f"Comparison({self.word!r} in {texts}{more})"

    @property
    def extent(self) -> str:
        """How often the word was met, in words: "in 2 sentences", or "3 times in 2 sentences"."""
        times, n = len(self.occurrences), len({each.sentence for each in self.occurrences})
        where = f"in {counted_as(n, 'sentence')}"
        return where if times == n else f"{counted_as(times, 'time')} {where}"

    def _repr_html_(self) -> str:
        """What a notebook shows: the word in each sentence, and the map."""
        from attncli.views.notebook import shown_comparison

        return shown_comparison(self)

    def _repr_latex_(self) -> str:
        """What a notebook that is printed shows."""
        from attncli.views.notebook import printed_comparison

        return printed_comparison(self)

    def to_record(self) -> dict[str, Any]:
        """The comparison as the JSON of `attn compare`: plain lists and numbers.

        `occurrences` are "sentences" there, with `pulls` as "row" ("pull" is the share), `place` as
        "token", `vector` as "contextual", `own` as "static"; `before` and `after` are in "cosine",
        `points` and `explained` in "map".
        """
        return {
            "type": "comparison",
            "schema": "1.0",
            "word": self.word,
            "kind": self.kind,
            "weights_of": self.weights_of,
            "sentences": [_plain(occurrence) for occurrence in self.occurrences],
            "cosine": {
                "before": None if self.before is None else self.before.tolist(),
                "after": self.after.tolist(),
            },
            "neighbors_of": self.neighbors_of,
            "nearest_static": _near(self.nearest_static),
            "map": {
                "explained": list(self.explained),
                "points": [
                    {"label": p.label, "kind": p.kind, "sentence": p.sentence, "x": p.x, "y": p.y}
                    for p in self.points
                ],
            },
        }


def comparison_from_record(record: Mapping[str, Any]) -> Comparison:
    """The comparison of `Comparison.to_record`, read back.

    Raises: DataError when a part is missing or of the wrong kind.
    """
    try:
        return _read(record)
    except KeyError as missing:
        raise DataError(f"the comparison has no {missing.args[0]!r}") from None
    except (TypeError, ValueError, AttributeError, IndexError) as fault:
        raise DataError(f"the comparison cannot be read: {fault}") from None


def _read(record: Mapping[str, Any]) -> Comparison:
    cosines, plane = record["cosine"], record["map"]
    before = cosines["before"]
    first, second = (_number(share) for share in plane["explained"])
    comparison = Comparison(
        word=_text(record["word"]),
        kind=_text(record["kind"]),
        occurrences=tuple(_occurrence(part) for part in record["sentences"]),
        before=None if before is None else _numbers(before, 2),
        after=_numbers(cosines["after"], 2),
        nearest_static=_near_of(record["nearest_static"]),
        neighbors_of=_text(record["neighbors_of"]),
        points=tuple(
            Point(_text(p["label"]), p["kind"], _number(p["x"]), _number(p["y"]), p["sentence"])
            for p in plane["points"]
        ),
        explained=(first, second),
        weights_of=_text(record.get("weights_of", "")),
    )
    sizes = {len(comparison.occurrences), *comparison.after.shape}
    sizes |= set() if comparison.before is None else set(comparison.before.shape)
    if len(sizes) != 1 or not comparison.occurrences or not comparison.points:
        raise DataError(f"the comparison holds parts of different sizes: {sorted(sizes)}")
    if not {point.kind for point in comparison.points} <= POINT_KINDS:
        raise DataError("the comparison holds a point of an unknown kind")
    return comparison


def _occurrence(part: Mapping[str, Any]) -> Occurrence:
    own, moved, label = part["static"], part["moved"], part["label"]
    pulls = tuple(
        Pull(
            _text(p["word"]),
            int(p["token"]),
            _number(p["weight"]),
            None if p["pull"] is None else _number(p["pull"]),
        )
        for p in part["row"]
    )
    if not pulls:
        raise DataError("the comparison holds a sentence without words")
    return Occurrence(
        sentence=int(part["sentence"]),
        text=_text(part["text"]),
        place=int(part["token"]),
        pulls=pulls,
        vector=_numbers(part["contextual"], 1),
        own=None if own is None else _numbers(own, 1),
        moved=None if moved is None else _number(moved),
        nearest=_near_of(part["nearest"]),
        label=None if label is None else _text(label),
    )


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise DataError("the comparison holds a number that is not finite")
    return number


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise DataError(f"the comparison holds {type(value).__name__}, expected a text")
    return value


def _numbers(value: Any, axes: int) -> FloatArray:
    array = np.asarray(value, dtype=np.float64)
    if array.ndim != axes or not np.isfinite(array).all():
        raise DataError(f"the comparison holds numbers of the shape {array.shape}")
    return array


def _near_of(near: Any) -> Near:
    return tuple((_text(hit["word"]), _number(hit["cosine"])) for hit in near)


def _plain(occurrence: Occurrence) -> dict[str, Any]:
    return {
        "sentence": occurrence.sentence,
        "text": occurrence.text,
        "token": occurrence.place,
        "label": occurrence.label,
        "row": [
            {"word": p.word, "token": p.place, "weight": p.weight, "pull": p.share}
            for p in occurrence.pulls
        ],
        "moved": occurrence.moved,
        "nearest": _near(occurrence.nearest),
        "contextual": occurrence.vector.tolist(),
        "static": None if occurrence.own is None else occurrence.own.tolist(),
    }


def _near(near: Near) -> list[dict[str, Any]]:
    return [{"word": word, "cosine": cosine} for word, cosine in near]
