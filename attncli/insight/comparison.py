"""What a comparison found: one word in several sentences, as data that views draw."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from attncli.arrays import FloatArray

Near: TypeAlias = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Pull:
    """One word that the compared word attends to; `share` None where values are not known."""

    word: str
    place: int
    weight: float
    share: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Occurrence:
    """The compared word in one sentence. Shapes: vector (d,), own (d,)."""

    sentence: int
    text: str
    place: int
    pulls: tuple[Pull, ...]
    vector: FloatArray
    own: FloatArray | None
    moved: float | None
    nearest: Near
    label: str | None = None

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


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """A word in several sentences. Shapes: before (n, n) or None, after (n, n): cosines."""

    word: str
    kind: str
    occurrences: tuple[Occurrence, ...]
    before: FloatArray | None
    after: FloatArray
    nearest_static: Near
    neighbors_of: str
    points: tuple[Point, ...]
    explained: tuple[float, float]

    def to_record(self) -> dict[str, Any]:
        """The comparison as a JSON object: plain lists and numbers."""
        return {
            "type": "comparison",
            "schema": "1.0",
            "word": self.word,
            "kind": self.kind,
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
