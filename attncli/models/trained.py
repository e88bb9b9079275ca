"""A trained model as a safetensors file: its matrices, and as JSON what they mean.

The file is data and nothing else: reading it runs no code. Everything in it is checked before use:
sizes, shapes, names, finite numbers, and at use the vectors it was trained on.
"""

import hashlib
import json
import math
from dataclasses import dataclass, field, fields
from os import PathLike
from pathlib import Path
from typing import Any, get_args

import numpy as np

from attncli.attention.parameters import Architecture, PairTask, Parameters, Readout
from attncli.attention.positions import POSITIONS
from attncli.attention.products import product
from attncli.attention.projections import Projections
from attncli.errors import (
    ArgumentError,
    DataError,
    InputError,
    LimitError,
    command_line,
)
from attncli.errors.wording import counted_as, quoted, visible
from attncli.files.foreign import Foreign, foreign_file, foreign_of
from attncli.files.paths import exists, is_file
from attncli.files.stream import bytes_stream
from attncli.files.tensors import Tensor, read_tensor_header, tensor_array
from attncli.files.unpacked_stream import packing_of
from attncli.files.writing import reason, write_whole
from attncli.results.cards import Card, Cell, Facts, ShowsCard, some_of
from attncli.results.facts import VectorsInfo
from attncli.results.frames import Progress, progress_curves

FORMAT, PAIRS_FORMAT = 1, 2  # of models of one sentence, and of two
MAX_BYTES = 2**30
_MAX_IDENTITIES = 1 << 25  # numbers of the W_v of fitted weights, which no file holds
_SHOWN = 20  # labels, and words that are meant, in a notebook
_HELD_OUT = {
    f"held-out {name}": f"held_out_{name.lower()}" for name in ("accuracy", "Spearman", "MRR")
}
_READOUTS = {
    "target": "the new embedding of one word",
    "attention": "the new embeddings by a learned query",
    "mean": "the mean of the new embeddings",
}
_MAX_SIZE = 1_000_000  # of any one size: labels, heads, dimensions, positions


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TrainedModel(ShowsCard):
    """A model: its sizes, numbers, labels, and what it was trained on and how.

    vectors: the embeddings it belongs to. reading: how sentences became tokens (tokenizer, oov,
    seed). targets: the words that were targets, most frequent first. training: the settings and
    what came of them. name, sha256: of the file it was read from, empty before. progress: after
    each epoch, where this process trained the model; no file holds it. score_range: the
    scores that cosines of 0 and 1 stand for, of a model of similarity.
    """

    architecture: Architecture
    parameters: Parameters
    labels: tuple[str, ...]
    vectors: VectorsInfo
    reading: dict[str, Any] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    training: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    sha256: str = ""
    progress: tuple[Progress, ...] = ()
    score_range: tuple[float, float] | None = None

    def __repr__(self) -> str:
        parts = [repr(self.name)] if self.name else []
        parts += [self._kind, counted_as(self.architecture.all_heads, "head")]
        return f"TrainedModel({', '.join([*parts, f'vectors={self.vectors.name!r}'])})"

    @property
    def _kind(self) -> str:
        fits = self.architecture.readout == "weights"
        if not fits and not self.architecture.has_labels:
            return f"{self.architecture.pair} of pairs"
        return "given weights" if fits else counted_as(len(self.labels), "label")

    def card(self) -> Card:
        """What the model is, and how it was learned."""
        a, done = self.architecture, self.training
        facts: dict[str, Cell] = {
            "vectors": f"{self.vectors.name} ({self.vectors.dim} values a word)",
            "labels": some_of(self.labels, _SHOWN),
            "reads": "the weights alone" if a.readout == "weights" else _READOUTS[a.readout],
            "words meant": some_of(self.targets, _SHOWN),
            "sizes": f"{counted_as(a.all_heads, 'head')}, W_q and W_k {a.d_model} × {a.d_k}, "
            f"W_v {a.d_model} × {a.d_v}, {a.positions} positions",
            "learned from": _examples(done),
            "best epoch": done.get("best_epoch"),
            **{name: done.get(key) for name, key in _HELD_OUT.items()},
        }
        kept = {name: value for name, value in facts.items() if value not in (None, "")}
        title = f"Model {self.name}" if self.name else "A trained model"
        return Card(title, self._kind, [Facts(kept), *progress_curves(self.progress)])

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the model as a safetensors file, as `attncli.save` does.

        Raises: ArgumentError, OutputError.
        """
        if not isinstance(path, str | PathLike):
            found = f"found a value of the type {type(path).__name__}"
            raise ArgumentError(f"{found}, expected a path", place="path")
        save_model(self, Path(path))

    @property
    def projections(self) -> Projections:
        """The attention layer in float64; without W_v (fitted weights) V is X itself.

        With landmarks the mixing of their likeness is in W_v: [X F·M]·W_v = [X F]·W′_v.
        """
        numbers = {name: self.parameters[name].astype(np.float64) for name in self.parameters}
        fixed = {name: part.astype(np.float64) for name, part in self.parameters.fixed.items()}
        a = self.architecture
        if fixed:
            own, alike = np.split(numbers["W_v"], [a.d_model], axis=1)
            numbers["W_v"] = np.concatenate([own, product(fixed["mixing"], alike)], axis=1)
        W_v = numbers.get("W_v")
        if W_v is None:  # one matrix that all heads see
            W_v = np.broadcast_to(np.eye(a.d_model), (a.all_heads, a.d_model, a.d_model))
        return Projections(
            numbers["W_q"],
            numbers["W_k"],
            W_v,
            a.positions,
            numbers.get("position_table"),
            a.causal,
            a.window,
            fixed.get("landmarks"),
        )


def _examples(done: dict[str, Any]) -> str:
    """How many sentences a model was learned from, as far as it is known."""
    count, aside = done.get("examples"), done.get("held_out")
    if not isinstance(count, int):
        return ""

    return counted_as(count, "sentence") + (f", {aside:,} of them held out" if aside else "")


def model_bytes(model: TrainedModel) -> bytes:
    """The content of a model file; the same model gives the same bytes."""
    from safetensors.numpy import save

    # safetensors writes several metadata keys in no fixed order: all facts are one JSON text.
    facts = {
        "format": FORMAT if model.architecture.pair is None else PAIRS_FORMAT,
        "architecture": model.architecture.to_dict(),
        "labels": list(model.labels),
        "vectors": model.vectors._asdict(),
        "reading": model.reading,
        "targets": list(model.targets),
        "training": model.training,
    }
    if model.score_range is not None:
        facts["score_range"] = list(model.score_range)
    held = {name: model.parameters[name] for name in model.parameters} | model.parameters.fixed
    tensors = {name: np.ascontiguousarray(part) for name, part in held.items()}
    return save(tensors, {"attn": json.dumps(facts, ensure_ascii=False)})


def save_model(model: TrainedModel, path: Path) -> None:
    """Writes a model file, whole or not at all. Raises: OutputError."""
    write_whole(path, model_bytes(model))


def load_model(path: Path, name: str | None = None) -> TrainedModel:
    """The model of a file.

    Raises: InputError, LimitError (a file over 1 GiB), DataError when it is damaged, is no model
    of attn, or contradicts itself.
    """
    place = visible(str(path))
    try:
        if exists(path) and not is_file(path):  # a pipe blocks, a device never ends
            raise InputError("cannot open: this is no file", place=place[:200])
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise LimitError(f"the file has {size} bytes; the limit is {MAX_BYTES}", place=place)
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise LimitError(f"the file has more than {MAX_BYTES} bytes", place=place)
    except OSError as fault:
        raise InputError(f"cannot open {place[:200]}: {reason(fault)}") from None
    return parse_model(content, name or path.stem, place)


def parse_model(content: bytes, name: str, place: str) -> TrainedModel:
    """The model in the content of a file; `place` stands in messages. Raises: DataError, LimitError."""
    try:
        tensors, metadata = read_tensor_header(bytes_stream(content, place))
    except DataError:
        _refuse_foreign(content[:4096], place)
        raise
    facts = _facts(metadata, place)
    for tensor in tensors.values():
        if tensor.dtype != "F32":
            what = f"{quoted(tensor.name)} is of the type {tensor.dtype}"
            raise DataError(f"{what}, expected F32", place=place)
    try:
        architecture = _architecture(facts["architecture"])
        if (architecture.pair is None) != (facts["format"] == FORMAT):
            raise ValueError("the format and what is learned of pairs contradict each other")
        score_range = _range(facts.get("score_range"), architecture)
        labels = tuple(_text(label) for label in _list(facts["labels"]))
        if len(set(labels)) < len(labels):
            raise ValueError("a label is there twice")
        vectors = _vectors(facts["vectors"])
        reading, training = _dict(facts["reading"]), _dict(facts["training"])
        targets = tuple(_text(target) for target in _list(facts["targets"]))
    except (KeyError, TypeError, ValueError, OverflowError) as fault:
        raise DataError(
            f"the description of this model is damaged: {visible(str(fault))[:120]}", place=place
        ) from None
    if len(labels) != architecture.n_labels or vectors.dim != architecture.d_model:
        raise DataError("the labels or vectors contradict the sizes of this model", place=place)
    return TrainedModel(
        architecture,
        _parameters(content, tensors, architecture, place),
        labels,
        vectors,
        reading,
        targets,
        training,
        name,
        hashlib.sha256(content).hexdigest(),
        score_range=score_range,
    )


def _refuse_foreign(head: bytes, place: str) -> None:
    """Raises DataError when the first bytes say what this is instead of a safetensors file."""
    foreign = foreign_of(head)
    if packing_of(head[:6]) is not None:
        foreign = Foreign("a packed file", "unpack it first")
    if foreign is not None and head[8:9] != b"{":
        raise foreign_file(foreign, place, "a safetensors file")
    if len(head) > 8 and all(byte > 31 or byte in b"\t\n\r" for byte in head[:8]):
        raise DataError("found text, expected a safetensors file", place=place)


def _facts(metadata: dict[str, str], place: str) -> dict[str, Any]:
    """The JSON under the metadata key `attn`."""
    try:
        facts = json.loads(metadata.get("attn", "null"))
    except (ValueError, RecursionError):
        raise DataError("the header of this safetensors file is damaged", place=place) from None
    if not isinstance(facts, dict):
        raise DataError(
            "a safetensors file, but no model of attn: its metadata has no attn",
            place=place,
            hints=(command_line("train FILE", output="model.safetensors"),),
        )
    if facts.get("format") not in (FORMAT, PAIRS_FORMAT):
        raise DataError(
            f"a model of format {quoted(str(facts.get('format')))}, expected {FORMAT} or "
            f"{PAIRS_FORMAT}",
            place=place,
        )
    return facts


def _architecture(sizes: Any) -> Architecture:
    known = {part.name for part in fields(Architecture)}
    given = {name: value for name, value in _dict(sizes).items() if name in known}
    for name in ("d_model", "n_heads", "d_k", "d_v", "committee", "max_positions"):
        _size(given[name], name, 1)
    _size(given["n_labels"], "n_labels", 0)
    _size(given["reach"], "reach", 0)
    _size(given.setdefault("landmarks", 0), "landmarks", 0)
    if given["window"] is not None:
        _size(given["window"], "window", 0)
    if not isinstance(given["causal"], bool):
        raise TypeError("causal is neither true nor false")
    if given["readout"] not in get_args(Readout) or given["positions"] not in POSITIONS:
        raise ValueError("an unknown read-out or kind of positions")
    if given.get("pair") not in (None, *get_args(PairTask)):
        raise ValueError("an unknown task of pairs")
    if given.get("pair") is not None and given["readout"] not in ("attention", "mean"):
        raise ValueError("pairs of sentences are read whole")
    return Architecture(**given)


def _range(given: Any, architecture: Architecture) -> tuple[float, float] | None:
    """The range of the scores, which models of similarity have."""
    if architecture.pair != "similarity":
        return None
    low, high = _list(given)
    for end in (low, high):
        if isinstance(end, bool) or not isinstance(end, int | float) or not math.isfinite(end):
            raise ValueError(f"a score of the range is {end!r}")
    if not low < high:
        raise ValueError("the range of the scores is empty")
    return float(low), float(high)


def _size(value: Any, name: str, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _MAX_SIZE:
        raise ValueError(f"{name} is {value!r}")


def _vectors(told: Any) -> VectorsInfo:
    known = _dict(told)
    _size(known["dim"], "dim", 1)
    words, sha256 = known.get("words"), known.get("sha256")
    return VectorsInfo(
        _text(known["name"]),
        known["dim"],
        words if isinstance(words, int) else None,
        None if sha256 is None else _text(sha256),
    )


def _parameters(
    content: bytes, tensors: dict[str, Tensor], architecture: Architecture, place: str
) -> Parameters:
    learned, fixed = architecture.shapes(), architecture.fixed_shapes()
    shapes = learned | fixed
    for name, shape in shapes.items():
        if name not in tensors:
            raise DataError(f"the matrix {name} is missing", place=place)
        if tensors[name].shape != shape:
            raise DataError(
                f"{name} is of shape {tensors[name].shape}, expected {shape}", place=place
            )
    identities = 0 if "W_v" in learned else architecture.all_heads * architecture.d_model**2
    if sum(map(math.prod, shapes.values())) * 4 > MAX_BYTES or identities > _MAX_IDENTITIES:
        raise LimitError("the matrices of this model are too large", place=place)
    arrays = {name: tensor_array(content, tensors[name]) for name in shapes}
    parameters = Parameters(learned, np.float32, {name: arrays[name].copy() for name in fixed})
    for name in parameters:
        parameters[name][...] = arrays[name]
    numbers = (parameters.flat, *parameters.fixed.values())
    if not all(np.isfinite(part).all() for part in numbers):
        raise DataError("a matrix holds a number that is not finite", place=place)
    return parameters


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"found {value!r} where a text was expected")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("found no list where one was expected")
    return value


def _dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("found no object where one was expected")
    return value
