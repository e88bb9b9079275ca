"""What a language model says of words: what may come next, what may stand at a masked place."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from attncli.checks.records import of_kind
from attncli.errors import DataError

# The fields of a model's part of the record that only language models have.
COMPLETED = ("completion", "written")  # what it went on with
PREDICTED = ("next", "next_entropy", "log_probabilities", "masks", *COMPLETED)
NEXT = "next"  # what --include calls them


class Candidate(NamedTuple):
    """An entry of the vocabulary, the text that it would add, and how probable it is."""

    token: str
    text: str
    id: int
    probability: float


class MaskedPlace(NamedTuple):
    """What may stand at a masked place, the token counted from 0; the entropy is in nats."""

    token: int
    candidates: tuple[Candidate, ...]
    entropy: float


def predicted_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """These fields of a model that was read. Raises: DataError for one that is not of its kind."""
    parts: dict[str, Any] = {}
    if (listed := given.get("next")) is not None:
        parts["next"] = _candidates(listed)
    if (logs := given.get("log_probabilities")) is not None:
        parts["log_probabilities"] = tuple(
            None if log is None else float(of_kind(log, float, "a log-probability"))
            for log in _listed(logs, "log_probabilities")
        )
    if (masks := given.get("masks")) is not None:
        parts["masks"] = tuple(_masked_place(one) for one in _listed(masks, "masks"))
    if (places := given.get("written")) is not None:
        parts["written"] = tuple(
            of_kind(place, int, "a place of written") for place in _listed(places, "written")
        )
    for name, kind in (("next_entropy", float), ("completion", str)):
        if given.get(name) is not None:
            parts[name] = of_kind(given[name], kind, name)
    return parts


def _masked_place(given: Any) -> MaskedPlace:
    fields = _object(given, "masks")
    return MaskedPlace(
        of_kind(fields.get("token"), int, "token of masks"),
        _candidates(fields.get("candidates")),
        float(of_kind(fields.get("entropy"), float, "entropy of masks")),
    )


def _candidates(given: Any) -> tuple[Candidate, ...]:
    kinds = Candidate.__annotations__
    return tuple(
        Candidate(
            **{n: of_kind(_object(one, "next").get(n), k, f"{n} of next") for n, k in kinds.items()}
        )
        for one in _listed(given, "next")
    )


def _listed(given: Any, name: str) -> list[Any]:
    return list(given) if isinstance(given, tuple) else list(of_kind(given, list, name))


def _object(given: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise DataError(f"{name} of the record holds no objects")
    return given
