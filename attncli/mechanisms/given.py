"""Matrices that the user wrote down → the projections of task-specific attention.

W_q and W_k are d × d_k, W_v is d × d_v, for d values of a vector; W_o is heads·d_v × any number.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from attncli.arrays import FloatArray
from attncli.attention.projections import Projections
from attncli.embeddings.typed import Origin, shape_text, text_of_file, typed_matrix
from attncli.errors import AttnError, DataError, LimitError, UsageError, field_name
from attncli.errors.wording import quoted
from attncli.mechanisms.exercise import NAMES, read_exercise
from attncli.settings import MechanismSettings

if TYPE_CHECKING:
    from attncli.embeddings.protocols import EmbeddingStore
    from attncli.embeddings.store import MemoryStore

MOST_HEADS, MOST_COLUMNS = 256, 4096
_WITHOUT_TABLE = ("none", "sinusoidal", "rope")


class Given(NamedTuple):
    """Matrices by the names of their settings, where each was written, and what stood beside them.

    The settings are those that were asked for, or else those of the file.
    """

    settings: MechanismSettings
    matrices: Mapping[str, FloatArray]
    origins: Mapping[str, Origin]
    store: "MemoryStore | None" = None


def open_given(settings: MechanismSettings) -> Given:
    """What the settings give. Raises: UsageError, DataError, InputError, LimitError."""
    texts = {name: getattr(settings, name) for name in NAMES}
    texts = {name: text for name, text in texts.items() if text is not None}
    if settings.matrices is None:
        read = {name: _read(text, name) for name, text in texts.items()}
        return Given(
            settings,
            {name: matrix for name, (matrix, _) in read.items()},
            {name: origin for name, (_, origin) in read.items()},
        )
    for name in texts:
        raise UsageError(
            "found a file of matrices too, expected one of them", place=field_name(name)
        )
    exercise = read_exercise(settings.matrices)
    if not exercise.matrices:
        raise DataError(
            "found no matrices, expected W_q, W_k, W_v or W_o in [matrices]", place=exercise.place
        )
    if exercise.store is not None and (settings.inline is not None or settings.vectors != "glove"):
        place = field_name("vectors" if settings.inline is None else "inline")
        raise UsageError("found vectors in the file of matrices too, expected one", place=place)
    origins = {name: Origin(exercise.place, DataError) for name in NAMES}
    plain = MechanismSettings()
    chosen = {
        name: value
        for name, value in exercise.choices.items()
        if getattr(settings, name) == getattr(plain, name)
    }
    return Given(replace(settings, **chosen), exercise.matrices, origins, exercise.store)


def given_projections(given: Given, store: "EmbeddingStore", temperature: float) -> Projections:
    """The projections of the matrices; of W_q, W_k and W_v those not given are identities.

    Raises: UsageError or DataError that gives both shapes where two do not fit.
    """
    settings = given.settings
    if settings.score == "cosine":
        raise UsageError(
            "found cosine, expected scaled or dot for own matrices", place=field_name("score")
        )
    if settings.positions not in _WITHOUT_TABLE:
        expected = f"expected {', '.join(_WITHOUT_TABLE)}: the others have a table of their own"
        raise UsageError(f"found {settings.positions}, {expected}", place=field_name("positions"))
    heads, d_model = _heads(given), store.dim
    three: dict[str, FloatArray] = {}
    for name in ("w_q", "w_k", "w_v"):
        matrix = given.matrices.get(name)
        if matrix is None:
            three[name] = np.broadcast_to(np.eye(d_model), (heads, d_model, d_model))
            continue
        if matrix.shape[1] != d_model:
            raise _unfit(
                given,
                name,
                f"{NAMES[name]} is {shape_text(matrix)}, the vectors of {quoted(store.name)} have "
                f"{d_model} values: expected {d_model} × {'d_v' if name == 'w_v' else 'd_k'}",
            )
        three[name] = matrix
    _expect_one_size(given, three)
    return Projections(
        three["w_q"],
        three["w_k"],
        three["w_v"],
        positions=settings.positions,
        causal=settings.causal,
        window=settings.window,
        W_o=_output(given, heads, three["w_v"].shape[2]),
        given=tuple(NAMES[name] for name in NAMES if name in given.matrices),
        score=settings.score,
        temperature=temperature,
    )


def matrices_digest(projections: Projections) -> str:
    """The SHA-256 of given matrices: of their names, shapes and numbers, and of how they are used.

    Two sets of matrices that can give other results have other digests.
    """
    import hashlib

    p = projections
    acting = (p.positions, p.causal, p.window, p.score, p.temperature)
    digest = hashlib.sha256(repr(acting).encode())
    for name in projections.given:
        matrix = np.ascontiguousarray(getattr(projections, name), dtype="<f8")
        digest.update(f"{name} {matrix.shape}\n".encode() + matrix.tobytes())
    return digest.hexdigest()


def _read(text: str, name: str) -> tuple[FloatArray, Origin]:
    if not text.startswith("@"):
        origin = Origin(field_name(name))
        return typed_matrix(text, origin), origin
    written, place = text_of_file(text[1:])
    return typed_matrix(written, Origin(place, DataError, lines=True)), Origin(place, DataError)


def _heads(given: Given) -> int:
    """How many heads there are. Raises: the error of what differs, or LimitError."""
    counts = {name: len(m) for name, m in given.matrices.items() if name != "w_o"}
    first, heads = next(iter(counts.items()), ("w_o", 1))
    for name, count in counts.items():
        if count != heads:
            message = f"{NAMES[name]} has {_headed(count)}, {NAMES[first]} has {_headed(heads)}"
            raise _unfit(given, name, f"{message}: expected as many")
        _expect_at_most(given, name, count, MOST_HEADS, "heads")
    for name, matrix in given.matrices.items():
        _expect_at_most(given, name, matrix.shape[2], MOST_COLUMNS, "columns")
    return heads


def _headed(count: int) -> str:
    return "1 head" if count == 1 else f"{count} heads"


def _expect_at_most(given: Given, name: str, count: int, most: int, what: str) -> None:
    if count > most:
        place = given.origins[name].place
        message = f"{NAMES[name]} has {count:,} {what}, expected at most {most:,}"
        raise LimitError(message, place=place)


def _expect_one_size(given: Given, three: Mapping[str, FloatArray]) -> None:
    """Raises: the error of W_k, or W_q, where d_k differs."""
    W_q, W_k = three["w_q"], three["w_k"]
    if W_q.shape == W_k.shape:
        return
    if "w_k" not in given.matrices:
        message = f"W_q is {shape_text(W_q)}, W_k was not given and is the identity"
        raise _unfit(given, "w_q", f"{message}, {shape_text(W_k)}: expected a W_k of this size too")
    if "w_q" not in given.matrices:
        message = f"W_k is {shape_text(W_k)}, W_q was not given and is the identity"
        raise _unfit(given, "w_k", f"{message}, {shape_text(W_q)}: expected a W_q of this size too")
    message = f"W_k is {shape_text(W_k)}, W_q is {shape_text(W_q)}"
    raise _unfit(given, "w_k", f"{message}: expected as many columns (d_k)")


def _output(given: Given, heads: int, d_v: int) -> FloatArray | None:
    """W_o, (n_heads·d_v, d); parts written for each head stand below one another."""
    if "w_o" not in given.matrices:
        return None
    parts = given.matrices["w_o"]
    W_o = parts.reshape(-1, parts.shape[2])  # (n_heads·d_v, d)
    if len(W_o) != heads * d_v:
        values = f"{d_v} values" if heads == 1 else f"{heads} · {d_v} = {heads * d_v} values"
        raise _unfit(
            given,
            "w_o",
            f"W_o is {shape_text(W_o)}, the {'head gives' if heads == 1 else 'heads give'} "
            f"{values}: expected {heads * d_v} × d",
        )
    return W_o


def _unfit(given: Given, name: str, message: str) -> AttnError:
    return given.origins[name].wrong(message)
