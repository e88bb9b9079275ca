"""Pairs of texts → how strongly their words point at each other: by cross-attention, or by vectors.

A word is what stands between spaces, unless another way of cutting is asked for. Pieces of a word,
and words of the vectors that are cut otherwise, belong to the words whose characters they share.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Literal, NamedTuple, Protocol, TypeAlias

import numpy as np

from attncli.arrays import BoolArray, Float32Array, FloatArray
from attncli.arrays.memory import available_memory
from attncli.attention import products
from attncli.errors import (
    AttnError,
    DataError,
    EmptyError,
    LimitError,
    NumericError,
    UsageError,
    field_name,
    setting,
)
from attncli.errors.wording import quoted, size_text
from attncli.insight.linking import linked
from attncli.mechanisms.transformer_reading import at_most
from attncli.models.encoder_decoder import decode
from attncli.models.family import ModelTensors
from attncli.models.forward import Inputs, Wanted, encode
from attncli.models.model import TransformerModel
from attncli.models.pieces import Piece, Pieces, PieceTokenizer
from attncli.reading.cutting import spans_of
from attncli.reading.reader import Reader
from attncli.results.alignment import Alignment
from attncli.results.facts import MEANINGLESS
from attncli.results.names import checked_numbers
from attncli.results.stack import TokenRun
from attncli.settings import MAX_TOKENS, OF_MODEL, AlignedWith, Symmetrization, TokenizerName

Pair: TypeAlias = tuple[str, str]
_Span: TypeAlias = tuple[str, int, int]  # a word and its place in its text

_DIGITS = 6  # of a cosine: equal words are equal wherever they stand
_BYTES_PER_WEIGHT = 12  # as computed, and as kept
_SURELY_FITS = 1 << 26  # bytes that are taken without asking


class Weighed(NamedTuple):
    """A pair as words, and how strongly each target word points at each source word.

    weights: of each head that may be chosen, or one alone. allowed: which words may be linked, None:
    all. unknown: the words without a vector.
    Shapes: weights (n_kept, n_target, n_source); allowed (n_target, n_source).
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    weights: FloatArray
    allowed: BoolArray | None = None
    unknown: tuple[str, ...] = ()


class Weighing(Protocol):
    """What weighs the words of pairs."""

    def __call__(self, pairs: Sequence[Pair]) -> Iterator[Weighed | AttnError]:
        """Each pair in order, or why it cannot be read."""


class Linking(NamedTuple):
    """How what was weighed becomes links; `threshold` is the least number of a link."""

    symmetrize: Symmetrization
    threshold: float | None = None

    def alignment(self, pair: Weighed, kept: int = 0) -> Alignment:
        """The links of a pair by one of its matrices."""
        matrix = pair.weights[kept]
        links = linked(matrix, self.symmetrize, threshold=self.threshold, allowed=pair.allowed)
        return Alignment(pair.source, pair.target, links, matrix, pair.unknown)


class HeadChoice(NamedTuple):
    """Which heads are read: the mean of all of these `layers` × `heads`, from 0.

    aligned_with: at which step of the decoder a target word is looked for: "input", the one that
    reads it, or "output", the one before, which is to foretell it.
    """

    layers: tuple[int, ...]
    heads: tuple[int, ...]
    aligned_with: AlignedWith = "input"


class CrossWeighing:
    """The cross-attention of a decoder that reads the target beside an encoder that reads the source.

    The shares of a source word's pieces are summed, those of a target word's pieces averaged; what
    special tokens get is left out. `choices` name the matrices of a pair.
    Raises: UsageError for a model without a decoder.
    """

    def __init__(
        self,
        model: TransformerModel,
        tokenizer: PieceTokenizer,
        choices: Sequence[HeadChoice],
        *,
        cut: TokenizerName = "whitespace",
        max_tokens: int = MAX_TOKENS,
    ) -> None:
        self._model, self._tokenizer, self.choices = model, tokenizer, tuple(choices)
        self._decoder, self._start = decoder_and_start(model)
        self._cut, self._max_tokens = cut, max_tokens

    def __call__(self, pairs: Sequence[Pair]) -> Iterator[Weighed | AttnError]:
        """Each pair in order; an empty side has no words."""
        for source, target in pairs:
            try:
                yield self._weighed(source, target)
            except AttnError as error:
                yield error

    def _weighed(self, source: str, target: str) -> Weighed:
        spans = spans_of(source, self._cut), spans_of(target, self._cut)
        names = [tuple(word for word, _, _ in side) for side in spans]
        if not all(names):
            empty = np.zeros((len(self.choices), len(names[1]), len(names[0])), dtype=np.float32)
            return Weighed(names[0], names[1], empty)
        read = self._tokenizer(source), self._tokenizer.target(target)
        cross = self._cross(*read)  # (n_layers, n_heads, n_q, n_k)
        sums = membership(spans[0], read[0])  # (n_source, n_k)
        shares = membership(spans[1], read[1])  # (n_target, n_pieces)
        shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1)
        pieces = (_of_pieces(cross, choice, shares.shape[1]) for choice in self.choices)
        matrices = [products.product(products.product(shares, of), sums.T) for of in pieces]
        return Weighed(names[0], names[1], np.stack(matrices))

    def _cross(self, source: Pieces, target: Pieces) -> Float32Array:
        """The weights of all heads, (n_layers, n_heads, n_q, n_k), n_q steps of the decoder.

        Raises: LimitError, NumericError, DataError.
        """
        config = self._model.config.target
        assert config is not None  # there is a decoder
        ids, types = np.array(source.ids), np.zeros(len(source.ids), dtype=np.intp)
        steps = np.array([self._start, *self._read_ids(target)])
        limit = min(config.max_tokens, self._max_tokens)
        for side, n in (("source", len(ids)), ("target", len(steps))):
            if n > limit:
                most = at_most(self._model, limit, config.max_tokens)
                raise LimitError(f"the {side} has {n} tokens, {most}")
        self._require_memory(len(ids), len(steps))
        self._model.check_ids(ids, types)
        if int(steps.max()) >= config.n_vocab:
            raise DataError(
                f"the tokenizer gives the id {int(steps.max())}, but the decoder has "
                f"{config.n_vocab} words",
                place=self._model.place,
            )
        (states,) = encode(self._model, [Inputs(ids, types)], Wanted(weights=False))
        cross = decode(self._decoder, config, steps, states.contextual).cross
        if not np.isfinite(cross).all():
            raise NumericError("the hidden states overflow float32")
        return cross

    def _read_ids(self, target: Pieces) -> Sequence[int]:
        """The ids that the decoder reads: all but the one that ends the text."""
        ends = bool(target.pieces) and target.pieces[-1].status == "special"
        return target.ids[:-1] if ends else target.ids

    def _require_memory(self, n_source: int, n_target: int) -> None:
        """Raises: LimitError when the weights of all heads would not fit in memory."""
        config = self._model.config.target
        assert config is not None  # there is a decoder
        cells = config.n_layers * config.n_heads * n_target * (n_source + n_target)
        kept = len(self.choices) * n_target * n_source  # at most: words are pieces, or several
        needed = _BYTES_PER_WEIGHT * (cells + kept)
        available = available_memory() if needed > _SURELY_FITS else None
        if available is not None and needed > available:
            raise LimitError(
                f"{n_source:,} and {n_target:,} tokens need {size_text(needed)} of memory, "
                f"{size_text(available)} is free"
            )


class _Side(NamedTuple):
    """The words of a text, their directions (n, d), and which have one (n,)."""

    words: tuple[str, ...]
    rows: FloatArray
    has: BoolArray

    @property
    def unknown(self) -> list[str]:
        """The words without a vector."""
        return [word for word, has in zip(self.words, self.has, strict=True) if not has]


class VectorWeighing:
    """The cosines of the words' vectors, which are of one space.

    A word that is cut into several by the vectors has their mean. A word without a vector may be
    linked to a word that is spelled just so, with the cosine 1, and to no other.
    """

    def __init__(self, source: Reader, target: Reader, cut: TokenizerName = "whitespace") -> None:
        if source.store.dim != target.store.dim:
            raise UsageError(
                f"found vectors of {target.store.dim} values, expected {source.store.dim} as those of "
                "the source: both are to be of one space",
                place=field_name("target_vectors"),
            )
        self._readers = (source, target)
        self._cut = cut

    def __call__(self, pairs: Sequence[Pair]) -> Iterator[Weighed | AttnError]:
        """Each pair in order; an empty side has no words."""
        sources = self._sides(self._readers[0], [text for text, _ in pairs])
        targets = self._sides(self._readers[1], [text for _, text in pairs])
        for source, target in zip(sources, targets, strict=True):
            if isinstance(source, AttnError):
                yield source
            else:
                yield target if isinstance(target, AttnError) else self._weighed(source, target)

    def _weighed(self, source: _Side, target: _Side) -> Weighed:
        known = target.has[:, None] & source.has  # (n_target, n_source)
        cosines = np.where(
            known, np.round(products.product(target.rows, source.rows.T), _DIGITS), 0.0
        )
        if known.all():
            return Weighed(source.words, target.words, cosines[None])
        same = [[one == other for one in source.words] for other in target.words]
        alike = np.array(same, dtype=bool).reshape(known.shape) & ~known
        weights = np.where(alike, 1.0, cosines)[None]
        unknown = dict.fromkeys((*source.unknown, *target.unknown))
        return Weighed(source.words, target.words, weights, known | alike, tuple(unknown))

    def _sides(self, reader: Reader, texts: Sequence[str]) -> list[_Side | AttnError]:
        """Each text, or why it cannot be read; what is read next may forget their words' rows."""
        reader.start(texts)
        return [
            self._side(reader, text, run)
            for text, run in zip(texts, reader.runs(texts), strict=True)
        ]

    def _side(self, reader: Reader, text: str, run: TokenRun | AttnError) -> _Side | AttnError:
        spans = spans_of(text, self._cut)
        words = tuple(word for word, _, _ in spans)
        sums = np.zeros((len(spans), reader.store.dim))
        if isinstance(run, AttnError):
            if not isinstance(run, EmptyError):
                return run
        else:
            tokens, vectors = run.tokens(), reader.vectors(run)
            known = np.array([token.status not in MEANINGLESS for token in tokens])
            shared = _overlaps(spans, [(token.start, token.end) for token in tokens])
            belongs = (shared & known).astype(np.float64)
            sums = products.product(belongs, vectors.astype(np.float64))
        lengths = np.sqrt((sums * sums).sum(axis=1, keepdims=True))  # (n, 1)
        return _Side(words, sums / np.where(lengths > 0, lengths, 1), lengths[:, 0] > 0)


def _of_pieces(cross: Float32Array, choice: HeadChoice, n_pieces: int) -> FloatArray:
    """The mean of some heads for each piece of the target.

    Shapes: cross (n_layers, n_heads, n_q, n_k), of a first step and one for each piece but perhaps
    the last, which ends the text and gets zeros → (n_pieces, n_k).
    """
    mean = cross[np.ix_(choice.layers, choice.heads)].mean(axis=(0, 1), dtype=np.float64)
    rows = mean[1:] if choice.aligned_with == "input" else mean
    pieces = np.zeros((n_pieces, cross.shape[3]))
    pieces[: len(rows)] = rows[:n_pieces]
    return pieces


def decoder_and_start(model: TransformerModel, given: str = "") -> tuple[ModelTensors, int]:
    """The decoder of a model, and the id that it begins with.

    `given` is what the model was opened by, for a hint. Raises: UsageError for one without a decoder.
    """
    if model.decoder is None or model.config.sides is None:
        raise UsageError(
            f"{quoted(model.name)} has no decoder that reads an encoder, expected a model such as "
            "T5, BART or Marian",
            place=field_name("model"),
            hints=(
                f"{setting(vectors=OF_MODEL + (given or model.name))} aligns by the vectors of its "
                "layers",
            ),
        )
    return model.decoder, model.config.sides.start


def usual_choice(
    model: TransformerModel,
    layers: Sequence[int] | None,
    heads: Sequence[int] | None,
    aligned_with: AlignedWith | None = None,
) -> HeadChoice:
    """The heads that are asked for; without that all heads of one layer.

    A word that was read is aligned best early, at a third of the layers (the second of six in
    Kobayashi et al. 2020, arXiv:2004.10102), a word that is foretold late, in the last layer but one
    (Garg et al. 2019, arXiv:1909.02074). Raises: UsageError for numbers out of range.
    """
    config = model.config.target
    assert config is not None  # there is a decoder
    aligned_with = aligned_with or "input"
    if layers is None:
        late = max(config.n_layers - 2, 0)
        layers = [(config.n_layers - 1) // 3 if aligned_with == "input" else late]
    return HeadChoice(
        _chosen(layers, config.n_layers, "layers"),
        _chosen(heads, config.n_heads, "heads"),
        aligned_with,
    )


def _chosen(
    numbers: Sequence[int] | None, count: int, axis: Literal["layers", "heads"]
) -> tuple[int, ...]:
    """Some of `count` layers or heads; None is all of them. Raises: UsageError."""
    if numbers is None:
        return tuple(range(count))
    try:
        return tuple(checked_numbers(numbers, range(count), axis))
    except UsageError as error:
        error.place = field_name(axis.removesuffix("s"))
        raise


def candidates(choice: HeadChoice, steps: Sequence[AlignedWith]) -> list[HeadChoice]:
    """The heads among which one is chosen, at each of the steps: the mean of each layer, each alone."""
    layers = [(layer,) for layer in choice.layers]
    heads = list(dict.fromkeys([choice.heads, *((head,) for head in choice.heads)]))
    return [HeadChoice(*one) for one in product(layers, heads, steps)]


def membership(words: Sequence[_Span], pieces: Pieces) -> FloatArray:
    """Which pieces are parts of which words, as 1 and 0. Shape: (n_words, n_pieces).

    A piece of nothing but the space before a word is a part of that word.
    """
    places = [_place(piece, words) for piece in pieces.pieces]
    return _overlaps(words, places).astype(np.float64)


def _place(piece: Piece, words: Sequence[_Span]) -> tuple[int, int]:
    """Where a piece stands; a blank one where the next word begins, a special one nowhere."""
    if piece.status == "special":
        return -1, -1
    if piece.text.strip():
        return piece.start, piece.end
    begin = next((start for _, start, end in words if end > piece.start), -1)
    return begin, begin + 1


def _overlaps(words: Sequence[_Span], places: Sequence[tuple[int, int]]) -> BoolArray:
    """Which places share a character with which words. Shape: (n_words, n_places)."""
    starts = np.array([start for _, start, _ in words], dtype=np.intp)[:, None]
    ends = np.array([end for _, _, end in words], dtype=np.intp)[:, None]
    first, last = np.array(places, dtype=np.intp).reshape(-1, 2).T
    shared: BoolArray = (first < ends) & (last > starts)
    return shared
