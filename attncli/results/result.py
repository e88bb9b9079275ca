"""What was found about one sentence, and nothing about how to show it.

`AttentionResult` is the one record that every mechanism makes and every view draws. Weights always
have four axes (n_layers, n_heads, n_tokens, n_keys): rows are queries, columns are keys, which are
the same tokens but in cross-attention. A result can be read back: `from_dict(r.to_dict()) == r`.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from attncli.arrays import Float32Array, read_only
from attncli.checks.arguments import array_of, names_of, number_of, one_of_kind, text_of
from attncli.checks.records import check_parts
from attncli.errors import DataError
from attncli.results import Offers
from attncli.results.facts import (
    AttentionSettings,
    EncoderStates,
    ModelInfo,
    ResultWarning,
    Token,
    VectorsInfo,
    plain_part,
)
from attncli.results.fields import (
    CROSS_SCHEMA,
    DEFAULT_FIELDS,
    OPTIONAL_ARRAYS,
    OPTIONAL_FIELDS,
    PART_FIELDS,
    PARTS,
    SAID_OF_TEXT,
    SCHEMA_VERSION,
    SHARED_FIELDS,
    UNRECORDED,
)
from attncli.results.predicted import NEXT
from attncli.settings.frozen import dataclass, default_of, replace


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
    `unknown` names the fields that a file did not hold, or that were not made because nobody reads
    them: what stands in them is plain, not found.
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
        count = None if self.is_cut else len(self.tokens)
        reads = decoder.reads or EncoderStates(count, self.text)
        for name, part in (("decoder", decoder), ("cross", cross)):
            if model is not None and part.model is not None:
                said = {field: getattr(part.model, field) for field in SAID_OF_TEXT}
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
        names = [name for name in default_of(type(self)) if name not in UNRECORDED]
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
            "tokens": [plain_part(token) for token in self.tokens],
            "attention": self._settings(),
            "weights": self.weights,
            "contextual": self.contextual,
            "vectors": plain_part(self.vectors),
            "model": None if self.model is None else self.model.told,
            "warnings": [plain_part(warning) for warning in self.warnings],
        }
        if self.pair is not None:
            record |= {"pair": self.pair, "segments": list(self.segments)}
        if self.keys is not None:
            record["keys"] = [plain_part(token) for token in self.keys]
        if self.selection is not None:
            record["selection"] = dict(self.selection)
        # Weights that were not made are left out of the record, which tells enough.
        if unknown := [name for name in self.unknown if name != "weights"]:
            record["unknown"] = unknown
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
        settings = plain_part(self.attention)
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
    once = values[tuple(slice(None) if step else slice(1) for step in values.strides)]
    if not np.isfinite(once).all():  # of a number that stands in many places, one
        raise DataError(f"{name} holds a number that is not finite")
    return read_only(values)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return one is not None and other is not None and bool(np.array_equal(one, other))
    return bool(one == other)
