"""What was found about one sentence, and nothing about how to show it.

`AttentionResult` is the one record that every mechanism makes and every view draws. Weights always
have four axes (n_layers, n_heads, n_tokens, n_keys): rows are queries, columns are keys, which are
the same tokens but in cross-attention. A result can be read back: `from_dict(r.to_dict()) == r`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import numpy as np

from attncli.arrays import Float32Array, read_only
from attncli.checks.arguments import array_of, names_of, number_of, one_of_kind, text_of
from attncli.checks.records import check_parts
from attncli.errors import DataError
from attncli.results import Offers
from attncli.results.predicted import NEXT, PREDICTED, Candidate, MaskedPlace
from attncli.settings import TEMPERATURE

SCHEMA_VERSION = "1.0"
CROSS_SCHEMA = "1.1"  # of a record with keys of another text, or with the parts of a decoder

# Optional arrays of the record and their number of axes; they appear only when asked for.
OPTIONAL_ARRAYS = {
    "embeddings": 2,
    "query": 4,
    "key": 4,
    "value": 4,
    "scores": 4,
    "hidden_states": 3,
}
# What the stages of attention are made of, from the embeddings to the weights.
STAGE_FIELDS = ("embeddings", "query", "key", "value", "scores")
DEFAULT_FIELDS = ("weights", "contextual")
OPTIONAL_FIELDS = (*OPTIONAL_ARRAYS, "measures")
ON_REQUEST = (*OPTIONAL_FIELDS, NEXT)  # what a language model says stands in `model`
INCLUDED_FIELDS = (*ON_REQUEST, *DEFAULT_FIELDS)  # that a record can be asked to have
EXCLUDED_FIELDS = (  # that it can be asked to leave out
    *INCLUDED_FIELDS,
    *("index", "line", "text", "tokens", "attention", "vectors", "model", "warnings"),
)
NOT_GIVEN = "not given"  # the vectors of a record that names none
# What a record holds unless it is left out, beside the weights.
USUAL_FIELDS = (
    *("index", "line", "text", "tokens", "attention", "contextual", "vectors", "model", "warnings"),
)
# What only some models have; a record holds them where they are known.
RARE_OF_MODELS = ("quantization", *PREDICTED)
# Results that an encoder's result may hold beside its own, and the fields that records have of them.
_OF_CROSS = (
    *("attention", "weights", "scores", "measures", "selection", "warnings"),
    *("query", "key", "value"),
)
_OF_DECODER = ("text", "tokens", *_OF_CROSS, "contextual", "embeddings", "hidden_states", "model")
_SAID = ("next", "next_entropy", "log_probabilities")  # what a decoder says of its text
PART_FIELDS = {"decoder": _OF_DECODER, "cross": _OF_CROSS}
PARTS = tuple(PART_FIELDS)
SHARED_FIELDS = ("index", "line", "vectors")  # which these take from it
# What a result holds besides, which is no part of its record.
UNRECORDED = ("before", "reads")

_TITLES = {
    "task": "task-specific attention",
    "matrix": "attention weights",
}  # but for "… attention"
_OLD_FIELDS = {"general": "embeddings", "task": "value", "transformer": "embeddings"}
_UNTRAINED = "untrained, seed "
_GIVEN = "given "

# The statuses of words whose vector says nothing of their meaning.
MEANINGLESS = frozenset({"random", "zero", "mean"})


class Token(NamedTuple):
    """One token: `text[start:end]` of the sentence in code points, and how its vector was found.

    `key` is the form that was looked up; `status` says how: exact, lower, random, zero, mean, …
    """

    text: str
    start: int
    end: int
    key: str
    status: str


class AttentionSettings(NamedTuple):
    """How the weights were computed."""

    kind: str = "general"
    score: str = "scaled"
    scale: float = 1.0
    temperature: float = TEMPERATURE
    causal: bool = False
    n_layers: int = 1
    n_heads: int = 1
    window: int | None = None
    see_self: bool = True
    positions: str = "none"

    # What is asked of a mechanism; a new one answers here.

    @property
    def title(self) -> str:
        """The mechanism in words."""
        return _TITLES.get(self.kind, f"{self.kind} attention")

    @property
    def is_foreign(self) -> bool:
        """Whether the weights are those of another tool, made nobody knows how."""
        return self.kind == "matrix"

    @property
    def is_of_words(self) -> bool:
        """Whether one layer reads the vectors of words."""
        return self.kind in ("general", "task")

    @property
    def has_layers(self) -> bool:
        """Whether layers follow each other, in each of which much comes after the sums of a head."""
        return self.kind == "transformer"

    @property
    def masks_by_layer(self) -> bool:
        """Whether a layer may see less than another, so that only the weights tell what was seen."""
        return self.has_layers and self.positions == "rope"

    @property
    def sums_embeddings(self) -> bool:
        """Whether new embeddings are sums of the old ones: no matrix makes values of them."""
        return self.kind == "general"

    @property
    def compares_embeddings(self) -> bool:
        """Whether scores are products of the embeddings as they are."""
        return self.sums_embeddings and self.score != "cosine"

    @property
    def old_field(self) -> str | None:
        """The field that new embeddings are compared with, None where that is not known."""
        return _OLD_FIELDS.get(self.kind)


class VectorsInfo(NamedTuple):
    """Which embeddings were used; `words` and `sha256` are None when a file was only scanned."""

    name: str
    dim: int
    words: int | None = None
    sha256: str | None = None


class ModelInfo(NamedTuple):
    """Which learned model was used, and what it says of the sentence, or of the token `target`.

    Of a language model: `next` is what may follow the text, likeliest first, and `next_entropy` how
    open that is, in nats; `log_probabilities` has for each token the natural logarithm of its
    probability after those before it (None for the first, and for what was not predicted); `masks`
    is what may stand at each masked place; `completion` the text that the model itself wrote, and
    `written` the tokens that are of it, None where a decoder wrote all of its text.
    Matrices drawn at random, in which nothing was learned, are named so: "untrained, seed 0". Those
    that somebody wrote down are named one by one: "given W_q, W_v; W_k the identity".
    `quantization` names how a file stores the matrices of the attention that is shown, "Q4_1"; None
    where their numbers are floats.
    """

    name: str
    sha256: str | None = None
    label: str | None = None
    probabilities: Mapping[str, float] = {}
    target: int | None = None
    quantization: str | None = None
    next: tuple[Candidate, ...] | None = None
    next_entropy: float | None = None
    log_probabilities: tuple[float | None, ...] | None = None
    masks: tuple[MaskedPlace, ...] | None = None
    completion: str | None = None
    written: tuple[int, ...] | None = None

    @property
    def told(self) -> dict[str, Any]:
        """What a record says of it: how it is stored and what it predicts only where that is known."""
        named = _plain(self).items()
        return {n: v for n, v in named if v is not None or n not in RARE_OF_MODELS}

    def silent(self) -> "ModelInfo":
        """The model without what it says of words."""
        nothing: dict[str, Any] = dict.fromkeys(PREDICTED)
        return self._replace(**nothing)

    @property
    def predicts(self) -> bool:
        """Whether it says what comes next, or what stands at a masked place."""
        return self.next is not None or self.masks is not None

    @classmethod
    def untrained(cls, seed: int) -> "ModelInfo":
        """Matrices drawn at random with this seed."""
        return cls(f"{_UNTRAINED}{seed}")

    @classmethod
    def given(cls, names: Sequence[str]) -> "ModelInfo":
        """Matrices that somebody wrote down; W_q, W_k and W_v that are not named are identities."""
        others = [name for name in ("W_q", "W_k", "W_v") if name not in names]
        rest = f"; {', '.join(others)} the identity" if others else ""
        return cls(f"{_GIVEN}{', '.join(names)}{rest}")

    @property
    def title(self) -> str:
        """The model in a heading: "model idioms", or "untrained, seed 0"."""
        return f"model {self.name}" if self.is_of_file else self.name

    @property
    def is_of_file(self) -> bool:
        """Whether there is a model, rather than matrices drawn at random or written down."""
        return not (self.is_untrained or self.is_given)

    @property
    def is_given(self) -> bool:
        """Whether somebody wrote the matrices down."""
        return self.sha256 is None and self.name.startswith(_GIVEN)

    @property
    def has_output(self) -> bool:
        """Whether the matrices written down hold W_o, which turns the heads side by side."""
        return self.is_given and "W_o" in self.name.partition(";")[0]

    @property
    def is_untrained(self) -> bool:
        """Whether nothing was learned."""
        return self.sha256 is None and self.name.startswith(_UNTRAINED)


class ResultWarning(NamedTuple):
    """Something a reader should know; `tokens` are positions in the token list."""

    code: str
    message: str
    tokens: tuple[int, ...] = ()


class EncoderStates(NamedTuple):
    """The last hidden states of an encoder, which each layer of its decoder reads by cross-attention.

    `n_tokens` counts them, None where nobody knows: tokens of the encoder were hidden or merged.
    """

    n_tokens: int | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AttentionResult(Offers):
    """The attention of one sentence.

    Shapes: weights (n_layers, n_heads, n_tokens, n_keys), rows sum to 1 (a row with every key
    masked is zeros); contextual (n_tokens, d_v); embeddings (n_tokens, d_model); query
    (n_layers, n_heads, n_tokens, d_k); key (n_layers, n_heads, n_keys, d_k); value (n_layers,
    n_heads, n_keys, d_v); scores like weights; hidden_states (n_layers + 1, n_tokens, d_model).
    Arrays are float32 and read-only.
    `keys` are the tokens of the columns where they are those of another text, `pair`, which the
    tokens read: cross-attention. Without them the columns are the `tokens` again.
    An encoder's result may have its `decoder` beside it, that of the text that the decoder read,
    and the `cross`-attention of that text to this one: each a result of its own.
    Of a sentence pair, `pair` is the second sentence and `segments` says for each token whether
    its offsets count in `text` (0) or in `pair` (1). `selection` says which layers, heads and
    tokens of a larger result these are (attncli.insight.select); None when nothing was left out.
    `unknown` names the fields that a file did not hold: what stands in them is plain, not found.
    `before` are the old vectors in the space of the new ones, (n_tokens, d_v), where these are not
    the embeddings; it serves the measures and is no part of the record. Nor is `reads`: what the
    layers of a decoder read beside its own tokens, which the result of its encoder tells it.
    Raises: DataError when the parts contradict each other or a number is not finite.
    """

    text: str
    tokens: tuple[Token, ...]
    attention: AttentionSettings
    weights: Float32Array
    contextual: Float32Array
    vectors: VectorsInfo
    index: int = 0
    line: int | None = None
    model: ModelInfo | None = None
    warnings: tuple[ResultWarning, ...] = ()
    embeddings: Float32Array | None = None
    query: Float32Array | None = None
    key: Float32Array | None = None
    value: Float32Array | None = None
    scores: Float32Array | None = None
    hidden_states: Float32Array | None = None
    measures: Mapping[str, Any] | None = None
    pair: str | None = None
    segments: tuple[int, ...] = ()
    selection: Mapping[str, Any] | None = None
    unknown: tuple[str, ...] = ()
    before: Float32Array | None = None
    reads: EncoderStates | None = None
    keys: tuple[Token, ...] | None = None
    decoder: "AttentionResult | None" = None
    cross: "AttentionResult | None" = None

    def __post_init__(self) -> None:
        self._check_kinds()
        sizes = (len(self.tokens), len(self.key_tokens))
        for name, axes in {"weights": 4, "contextual": 2, **OPTIONAL_ARRAYS, "before": 2}.items():
            array = getattr(self, name)
            if array is not None or name in DEFAULT_FIELDS:
                object.__setattr__(self, name, _checked(name, array, axes, sizes))
        expected = (self.attention.n_layers, self.attention.n_heads)
        if self.weights.shape[:2] != expected:
            raise DataError(
                f"weights have {self.weights.shape[:2]} layers and heads, expected {expected}"
            )
        for name in ("query", "key", "scores"):
            array = getattr(self, name)
            if array is not None and array.shape[:2] != expected:
                raise DataError(
                    f"{name} has {array.shape[:2]} layers and heads, expected {expected}"
                )
        widths = {array.shape[-1] for array in (self.query, self.key) if array is not None}
        if len(widths) > 1:
            raise DataError(f"query and key have unequal sizes: {sorted(widths)}")
        if self.segments and len(self.segments) != len(self.tokens):
            raise DataError(
                f"segments name {len(self.segments)} tokens, but there are {len(self.tokens)}"
            )
        if self.decoder is not None or self.cross is not None:
            self._adopt_parts()

    def _adopt_parts(self) -> None:
        """Gives the parts what they share with the whole. Raises: DataError where they do not fit."""
        decoder, cross = self.decoder, self.cross
        if decoder is None or cross is None:
            raise DataError("found one of decoder and cross, expected both or neither")
        if (cross.tokens, cross.keys) != (decoder.tokens, self.tokens):
            raise DataError(
                "the rows of cross are not the tokens of the decoder, or its columns not those of "
                "the encoder"
            )
        shared: dict[str, Any] = {name: getattr(self, name) for name in SHARED_FIELDS}
        if (model := self.model) is not None:
            model = model.silent()._replace(completion=model.completion)
        shared["model"] = model
        reads = decoder.reads or EncoderStates(None if self.is_cut else len(self.tokens))
        for name, part in (("decoder", decoder), ("cross", cross)):
            if model is not None and part.model is not None:
                said = {field: getattr(part.model, field) for field in _SAID}
                shared["model"] = model._replace(**said)
            shared["reads"] = reads if part is decoder else None
            object.__setattr__(self, name, replace(part, **shared))

    def _check_kinds(self) -> None:
        """Raises: ArgumentError where a caller from Python gave something else."""
        text_of(self.text, "text")
        one_of_kind(self.attention, "attention", AttentionSettings, "AttentionSettings(…)")
        one_of_kind(self.vectors, "vectors", VectorsInfo, "VectorsInfo(…)")
        for name, kind in (("tokens", Token), ("warnings", ResultWarning)):
            expected = f"a tuple of {kind.__name__}(…)"
            for part in one_of_kind(getattr(self, name), name, tuple, expected):
                one_of_kind(part, name, kind, expected)
        expected = "a tuple of Token(…), or None"
        keys = one_of_kind(self.keys, "keys", (tuple, type(None)), expected)
        for token in keys or ():
            one_of_kind(token, "keys", Token, expected)
        whole = "a whole number"
        for name, kinds, expected in (
            ("index", int, whole),
            ("line", (int, type(None)), whole + ", or None"),
            ("model", (ModelInfo, type(None)), "ModelInfo(…), or None"),
            ("pair", (str, type(None)), "a text, or None"),
            ("measures", (Mapping, type(None)), "a mapping, or None"),
            ("selection", (Mapping, type(None)), "a mapping, or None"),
            ("segments", tuple, "a tuple of 0 and 1"),
            ("unknown", tuple, "a tuple of names"),
            ("reads", (EncoderStates, type(None)), "EncoderStates(…), or None"),
            ("decoder", (AttentionResult, type(None)), "an AttentionResult, or None"),
            ("cross", (AttentionResult, type(None)), "an AttentionResult, or None"),
        ):
            one_of_kind(getattr(self, name), name, kinds, expected)
        check_parts(self)
        scale = number_of(self.attention.scale, "scale", finite=False)
        temperature = number_of(self.attention.temperature, "temperature", finite=False)
        if not math.isfinite(scale):
            raise DataError(f"the scale is {scale}, expected a finite number")
        if not 0 < temperature < math.inf:
            raise DataError(f"the temperature is {temperature}, expected a finite number above 0")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AttentionResult):
            return NotImplemented
        names = [field.name for field in fields(self) if field.name not in UNRECORDED]
        return all(_same(getattr(self, name), getattr(other, name)) for name in names)

    __hash__ = None  # type: ignore[assignment]  # holds arrays

    @property
    def words(self) -> list[str]:
        """The texts of the tokens, in order."""
        return [token.text for token in self.tokens]

    @property
    def key_tokens(self) -> tuple[Token, ...]:
        """The tokens of the columns: the tokens, but in cross-attention those of another text."""
        return self.tokens if self.keys is None else self.keys

    @property
    def key_words(self) -> list[str]:
        """The texts of the tokens of the columns, in order."""
        return [token.text for token in self.key_tokens]

    @property
    def is_cross(self) -> bool:
        """Whether the columns are tokens of another text than the rows."""
        return self.keys is not None

    @property
    def is_cut(self) -> bool:
        """Whether tokens of the text are hidden, or its pieces merged."""
        selection = self.selection or {}
        return bool(selection.get("hidden") or selection.get("merged"))

    @property
    def shown(self) -> "AttentionResult":
        """What views draw where nobody chooses a part: the cross-attention, where there is one."""
        return self if self.cross is None else self.cross

    @property
    def title(self) -> str:
        """What was computed, in words."""
        if self.is_cross:
            return "cross-attention weights" if self.attention.is_foreign else "cross-attention"
        if self.reads is not None:
            return "decoder self-attention"
        return self.attention.title

    def holds(self, name: str) -> bool:
        """Whether there is something in a field that is there on request."""
        if name == NEXT:
            models = (self.model, None if self.decoder is None else self.decoder.model)
            return any(model is not None and model.predicts for model in models)
        return getattr(self, name) is not None

    def to_record(self, include: Iterable[str] = (), exclude: Iterable[str] = ()) -> dict[str, Any]:
        """The record as a dictionary whose matrices are still float32 arrays.

        `include` adds optional fields (those the result holds), `exclude` leaves out any field
        but `type` and `schema`.
        """
        included, excluded = names_of(include, "include"), names_of(exclude, "exclude")
        record: dict[str, Any] = {
            "type": "result",
            "schema": CROSS_SCHEMA if self.is_cross or self.cross is not None else SCHEMA_VERSION,
            "index": self.index,
            "line": self.line,
            "text": self.text,
            "tokens": [_plain(token) for token in self.tokens],
            "attention": self._settings(),
            "weights": self.weights,
            "contextual": self.contextual,
            "vectors": _plain(self.vectors),
            "model": None if self.model is None else self.model.told,
            "warnings": [_plain(warning) for warning in self.warnings],
        }
        if self.pair is not None:
            record |= {"pair": self.pair, "segments": list(self.segments)}
        if self.keys is not None:
            record["keys"] = [_plain(token) for token in self.keys]
        if self.selection is not None:
            record["selection"] = dict(self.selection)
        if self.unknown:
            record["unknown"] = list(self.unknown)
        for name in OPTIONAL_FIELDS:
            if name in included and getattr(self, name) is not None:
                field = getattr(self, name)
                record[name] = dict(field) if isinstance(field, Mapping) else field
        if self.decoder is not None and self.cross is not None:
            record |= self.part_records(included, excluded)
        if NEXT in excluded and self.model is not None:
            record["model"] = self.model.silent().told
        for name in excluded - {"type", "schema"}:
            record.pop(name, None)
        return record

    def part_records(self, include: Iterable[str], exclude: Iterable[str]) -> dict[str, Any]:
        """What the record says of its parts, as `to_record`; nothing where there are none.

        `cross` says its weights alone: its rows are the tokens of the decoder, its columns those of
        the record, its new vectors those of the decoder.
        """
        records = {}
        for name, fields_of in PART_FIELDS.items():
            part: AttentionResult | None = getattr(self, name)
            if part is not None:
                whole = part.to_record(include, set(exclude) - {"text", "tokens"})
                says = NEXT not in exclude and part.holds(NEXT)
                needless = {"warnings": not part.warnings, "model": not says}
                whole = {k: v for k, v in whole.items() if not needless.get(k)}
                records[name] = {field: whole[field] for field in fields_of if field in whole}
        return records

    def _settings(self) -> dict[str, Any]:
        """The settings of the record; where they are not known, only what the weights say."""
        settings = _plain(self.attention)
        if "attention" not in self.unknown:
            return settings
        return {name: settings[name] for name in ("kind", "score", "n_layers", "n_heads")}

    def to_dict(self) -> dict[str, Any]:
        """Everything the result holds, as plain lists and numbers; `from_dict` reads it back."""
        return _listed(self.to_record(include=OPTIONAL_FIELDS))

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> "AttentionResult":
        """The result of a record; unknown keys are ignored.

        Raises: DataError when a field is missing, of the wrong kind, or contradicts another.
        """
        from attncli.results.parsing import parsed

        one_of_kind(record, "record", Mapping, "a record, as to_dict gives it")
        try:
            result = cls(**parsed(record))
        except KeyError as missing:
            raise DataError(f"the record has no {missing.args[0]!r}") from None
        except (TypeError, ValueError, AttributeError) as fault:
            raise DataError(f"the record cannot be read: {fault}") from None
        needed = result.weights.shape[:2]
        if result.value is not None and any(np.array(result.value.shape[:2]) < needed):
            raise DataError(
                f"value has {result.value.shape[:2]} layers and heads, the weights {needed}"
            )
        return result


def _listed(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with lists for arrays, in its parts too."""
    return {
        name: value.tolist()
        if isinstance(value, np.ndarray)
        else _listed(value)
        if name in PARTS
        else value
        for name, value in record.items()
    }


def _checked(name: str, array: Any, axes: int, sizes: tuple[int, int]) -> Float32Array:
    """An array of a result of so many tokens and keys. Raises: DataError."""
    with np.errstate(over="ignore"):  # said below
        values = array_of(array, name).astype(np.float32, copy=False)
    if values.ndim != axes:
        raise DataError(f"{name} needs {axes} axes, got the shape {values.shape}")
    n_tokens, n_keys = sizes
    first = n_keys if name in ("key", "value") else n_tokens
    expected = (first, n_keys) if name in ("weights", "scores") else (first,)
    if values.shape[-2:][: len(expected)] != expected:
        beside = "" if n_keys == n_tokens else f" and {n_keys} keys"
        raise DataError(
            f"{name} has the shape {values.shape}, but there are {n_tokens} tokens{beside}"
        )
    if not np.isfinite(values).all():
        raise DataError(f"{name} holds a number that is not finite")
    return read_only(values)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return one is not None and other is not None and bool(np.array_equal(one, other))
    return bool(one == other)


def _plain(part: Any) -> dict[str, Any]:
    return {name: nested_plain(value) for name, value in part._asdict().items()}


def nested_plain(value: Any) -> Any:
    """The value with lists for tuples, and objects for parts that have names."""
    if isinstance(value, tuple):
        return _plain(value) if hasattr(value, "_asdict") else [nested_plain(v) for v in value]
    return dict(value) if isinstance(value, Mapping) else value
