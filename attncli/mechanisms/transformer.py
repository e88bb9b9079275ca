"""The Analyser of a transformer: sentences or pairs → results with every layer and head.

It packs many sentences into one pass of the model (see `attncli.models.forward`) and builds the
same record as every other mechanism: weights of four axes, and as contextual vectors the hidden
states after the last layer asked for.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from attncli.arrays import Float32Array, FloatArray
from attncli.attention.core import attention_scores
from attncli.errors import (
    AttnError,
    EmptyError,
    LimitError,
    NumericError,
    field_name,
    setting,
)
from attncli.errors.wording import quoted
from attncli.insight.measures import with_measures
from attncli.mechanisms.analyser import Analyser
from attncli.mechanisms.transformer_memory import Held, require_memory
from attncli.mechanisms.transformer_reading import (
    Target,
    TextRead,
    at_most,
    cut_short,
    inputs_of,
    no_rows,
    notes_on,
    segmented,
    tokens_read,
)
from attncli.models.forward import States, Wanted, encode
from attncli.models.model import TransformerModel
from attncli.models.packing import filled
from attncli.models.pieces import PieceTokenizer
from attncli.results.facts import AttentionSettings, ModelInfo, ResultWarning, VectorsInfo
from attncli.results.names import checked_numbers
from attncli.results.predicted import NEXT
from attncli.results.result import AttentionResult
from attncli.results.stack import Failure, Stack, stacks_of
from attncli.settings import Keeps

if TYPE_CHECKING:
    from attncli.insight.chosen_part import Part
    from attncli.insight.streamed import HeadStream

_WINDOW_WEIGHTS = 1 << 24  # numbers of the weights held at once
_WINDOW_ROWS = 1 << 14  # rows of tokens held at once
_OF_TOKENS = {"embeddings", "hidden_states"}
_STAGES = {"query", "key", "value", "scores"}
_FROM_STATES = {*_OF_TOKENS, "query", "key", "value"}


@dataclass(frozen=True, slots=True)
class TransformerAnalyser(Analyser):
    """The attention of a transformer.

    `layers` are counted from 0 (−1 is the last; None: all), and nothing beyond them is computed; of
    other `heads` than those, counted likewise, nothing is kept.
    `include` names optional fields of the results to fill: embeddings (before the first layer),
    hidden_states (before it and after every layer), query, key, value, scores, measures, next. With
    `foresees` a language model says what follows the text or fills its masks, with "next" included
    also how probable each token was; both need the whole model.
    `pair` is a second sentence that every text is read with: by an encoder together with it, by a
    decoder that follows the encoder as what it wrote so far, which gives the results the parts of that
    decoder. With `truncate` a sentence too long for the model is cut, which a warning says; else it is
    a LimitError. With `complete` the model goes on by so many tokens, and the result is that of the
    whole text; a decoder that follows an encoder writes the second text itself. Where it `keeps` a
    "map", nothing is kept of the weights but the numbers of each head, and results are MappedResults;
    for a "page" that holds of a text with many weights. Then the results are those of the `part`.
    `paired`: texts come with a second one each, and no other is read.
    Raises: UsageError where it is to write and cannot, LimitError where it would be too much.
    """

    model: TransformerModel
    tokenizer: PieceTokenizer
    layers: tuple[int, ...] | None = None
    heads: tuple[int, ...] | None = None
    include: frozenset[str] = frozenset()
    pair: str | None = None
    truncate: bool = False
    max_tokens: int = 4096
    complete: int | None = None
    foresees: bool = False
    keeps: Keeps = "all"
    part: "Part | None" = None
    paired: bool = False

    def __post_init__(self) -> None:
        if self.complete is not None:
            from attncli.mechanisms.completing import expect_a_writer

            expect_a_writer(self.model, self.complete, self.pair)

    def outcomes(self, texts: Sequence[str]) -> Iterator[AttentionResult | AttnError]:
        """Like a call, but a sentence that fails gives its error and the others go on."""
        return self.pairs([(text, self.pair) for text in texts])

    def stacks(self, texts: Sequence[str]) -> Iterator[Stack | Failure]:
        """Every text once, in a Stack of its own or as a Failure."""
        return stacks_of(self.outcomes(texts))

    @property
    def facts(self) -> dict[str, Any]:
        """A model without a digest: its files stand in the journal."""
        return {"model": None}

    def pairs(
        self, pairs: Sequence[tuple[str, str | None]]
    ) -> Iterator[AttentionResult | AttnError]:
        """The outcome of each sentence, or of each pair whose second is not None, in order."""
        reads = self.complete is not None or any(pair is not None for _, pair in pairs)
        decodes = self._decodes and reads
        for start, window in self._windows(pairs):
            outcomes: dict[int, AttentionResult | AttnError] = {
                at: reading for at, reading in enumerate(window) if isinstance(reading, AttnError)
            }
            good = {at: r for at, r in enumerate(window) if not isinstance(r, AttnError)}
            wanted = self._wanted()._replace(last=True) if decodes else self._wanted()
            streams: dict[int, HeadStream] = {}
            passes = any(map(self._passes, good.values()))
            if passes and self._maps_encoder(decodes):
                streams = dict(self._streams(good, outcomes))
                good = {at: good[at] for at in streams}
                of_each = [*streams.values()]
                wanted = wanted._replace(listener=lambda at, *layer, of=of_each: of[at].add(*layer))
            elif passes:
                wanted = wanted._replace(weights=False)
            states = encode(self.model, [inputs_of(reading) for reading in good.values()], wanted)
            for (at, reading), state in zip(good.items(), states, strict=True):
                outcome = self._outcome(reading, state, start + at, passes, streams.get(at))
                outcomes[at] = outcome
            yield from (outcomes[at] for at in range(len(window)))

    def _passes(self, reading: TextRead) -> bool:
        """Whether the weights of a text are not kept; one with many stands alone in its window."""
        return self._are_too_many(len(reading.pieces.ids), self._n_target(reading.target))

    def _are_too_many(self, n: int, n_target: int) -> bool:
        """Whether the weights of n tokens, and of those of a decoder, are not kept."""
        n_layers, n_heads = self._kept()
        large = self._n_weights(n, n_target, n_layers * n_heads) > _WINDOW_WEIGHTS
        return self.keeps == "map" or (self.keeps == "page" and large)

    def _maps_encoder(self, decodes: bool) -> bool:
        """Whether a map is of the encoder, and not of a decoder that follows it."""
        return not decodes or (self.part is not None and self.part.which == "encoder")

    def _streams(
        self, readings: Mapping[int, TextRead], outcomes: dict[int, AttentionResult | AttnError]
    ) -> "Iterator[tuple[int, HeadStream]]":
        """What measures each text; one of which nothing is left is an outcome already."""
        from attncli.insight.chosen_part import Part, part_named
        from attncli.insight.streamed import HeadStream

        layers = self._wanted().layers
        n_layers = self.model.config.n_layers if layers is None else len(layers)
        part, for_page = Part() if self.part is None else self.part, self.keeps == "page"
        for at, reading in readings.items():
            text = self._result(reading, None, 0, no_rows(reading), {})
            if part.which is not None and not self.has_parts:
                part_named(text, part.which)  # which says that there are none
            try:
                yield at, HeadStream(text, (n_layers, self._kept()[1]), part, for_page=for_page)
            except EmptyError as error:
                outcomes[at] = error

    def _windows(
        self, pairs: Sequence[tuple[str, str | None]]
    ) -> Iterator[tuple[int, list[TextRead | AttnError]]]:
        """Consecutive sentences, as many as one may hold the weights and the rows of."""
        window: list[TextRead | AttnError] = []
        start, held, rows = 0, 0, 0
        n_layers, n_heads = self._kept()
        heads = n_heads if self.keeps == "map" else n_layers * n_heads
        for text, pair in pairs:
            reading = self._read(text, pair)
            of_weights, n = 0, 0
            if not isinstance(reading, AttnError):
                of_weights, n = self._weights_of(reading, heads), len(reading.pieces.ids)
            held, rows = held + of_weights, rows + filled(n)
            if window and (held > _WINDOW_WEIGHTS or rows > _WINDOW_ROWS):
                yield start, window
                start, window = start + len(window), []
                held, rows = of_weights, filled(n)
            window.append(reading)
        if window:
            yield start, window

    def _read(self, text: str, pair: str | None) -> TextRead | AttnError:
        limit = min(self.model.config.max_tokens, self.max_tokens)
        warnings: list[ResultWarning] = []
        try:
            beside = None if self._decodes else pair  # what the encoder reads too
            pieces = self.tokenizer(text, beside)
            if not (pieces.has_words_of(0) or (self.complete and pieces.ids)):
                what = "the sentence is empty" if not text.strip() else f"no word in {quoted(text)}"
                return EmptyError(f"{what}, expected at least one word")
            if beside is not None and not pieces.has_words_of(1):
                return EmptyError(f"no word in {quoted(beside)}", place=field_name("pair"))
            if (n := len(pieces.ids)) > limit:
                if not self.truncate:
                    return LimitError(
                        f"{n} tokens, {at_most(self.model, limit)}",
                        hints=(f"{setting(truncate=True)} cuts a sentence that is too long",),
                    )
                pieces = self.tokenizer(text, beside, limit)
                warnings.append(cut_short(self.model, n, len(pieces.ids), limit))
            target = self._target(pair)
            written = 0 if self.complete is None or self._decodes else self.complete
            n, n_target = len(pieces.ids) + written, self._n_target(target)
            has_scores = "scores" in self.include
            by_layer = self._are_too_many(n, n_target)
            drawn = by_layer and self.part is not None and "layers" in self.part.over
            require_memory(
                self.model.config,
                n,
                n_target,
                Held(*self._kept(), has_scores, by_layer, drawn, self.keeps == "page"),
            )
            pieces, without = segmented(self.model, self.tokenizer, pieces)
            warnings += without
            self.model.check_ids(np.array(pieces.ids), np.array(pieces.types))
            given, completion, n_given = text, None, len(pieces.ids)
            if self.complete is not None and not self._decodes:
                from attncli.mechanisms.completing import with_completion

                text, pieces, ended = with_completion(
                    self.model, self.tokenizer, text, pieces, self.complete, limit
                )
                completion = text[len(given) :]
                warnings += ended
        except AttnError as error:
            return error
        warnings += notes_on(self.model, self.tokenizer, pieces)
        return TextRead(text, beside, pieces, tuple(warnings), completion, n_given, target)

    @property
    def has_parts(self) -> bool:
        """Whether its results have those of a decoder beside them."""
        reads = self.paired or self.pair is not None or self.complete is not None
        return self._decodes and reads

    @property
    def idle_decoder(self) -> str:
        """The name of a model with a decoder that is given no text."""
        return self.model.name if self._decodes and not self.has_parts else ""

    @property
    def _decodes(self) -> bool:
        """Whether a decoder follows the encoder."""
        return self.model.config.target is not None

    def _target(self, pair: str | None) -> Target | None:
        """The second text, where a decoder reads it. Raises: as `read_target`."""
        if pair is None or not self._decodes or self.model.decoder is None:
            return None
        from attncli.mechanisms.decoding import read_target

        most = min(self.model.config.max_tokens, self.max_tokens)
        return read_target(self.model, self.tokenizer, pair, most, truncate=self.truncate)

    def _n_target(self, target: Target | None) -> int:
        """How many tokens the decoder reads at most, 0 where it reads none."""
        if target is not None:
            return len(target.pieces.ids)
        return 0 if self.complete is None or not self._decodes else self.complete + 1

    def _weights_of(self, reading: TextRead, heads: int) -> int:
        """How many numbers the weights of a sentence are, with those of its decoder."""
        n, n_target = len(reading.pieces.ids), self._n_target(reading.target)
        return self._n_weights(n, n_target, heads)

    def _n_weights(self, n: int, n_target: int, heads: int) -> int:
        """The same of n tokens, beside those of its decoder."""
        target = self.model.config.target
        of_decoder = 0 if target is None else target.n_layers * target.n_heads
        return heads * n * n + of_decoder * n_target * (n_target + n)

    def _wanted(self) -> Wanted:
        config, layers = self.model.config, self.layers
        if layers is not None:
            layers = tuple(checked_numbers(layers, range(config.n_layers), "layers"))
        projections = bool(self.include & _STAGES)
        heads = self.heads
        if heads is not None:
            heads = tuple(checked_numbers(heads, range(config.n_heads), "heads"))
        last = self._predicts and self.model.head is not None
        return Wanted(layers, heads, "hidden_states" in self.include, projections, last=last)

    @property
    def _predicts(self) -> bool:
        """Whether it is asked what the model says of words."""
        return self.foresees or NEXT in self.include

    def _kept(self) -> tuple[int, int]:
        """Of how many layers, and of how many heads of each, something is kept."""
        config = self.model.config
        return (
            config.n_layers if self.layers is None else len(self.layers),
            config.n_heads if self.heads is None else len(self.heads),
        )

    def _outcome(
        self,
        reading: TextRead,
        states: States,
        index: int,
        passes: bool = False,
        stream: "HeadStream | None" = None,
    ) -> AttentionResult | AttnError:
        """What a sentence became; where its weights `passes` by, a stream may have measured them."""
        held = [states.contextual] if passes else [states.contextual, states.weights]
        is_measured = stream is None or stream.is_finite
        if not (is_measured and all(np.isfinite(array).all() for array in held)):
            return NumericError(f"the hidden states of {quoted(reading.text)} overflow float32")
        try:
            said = self._said(reading, states)
        except NumericError as error:
            return error
        weights = None if passes else states.weights
        result = self._result(reading, weights, index, states.contextual, said)
        added = self._added(states, passes)
        result = replace(result, **added) if added else result
        if "measures" in self.include and not passes:
            result = with_measures(replace(result, before=states.embeddings))
        if reading.target is None and (self.complete is None or not self._decodes):
            return self._part_of(result) if stream is None else stream.result(result)
        return self._with_decoder(result, reading.target, states, passes, stream)

    def _part_of(self, result: AttentionResult) -> AttentionResult | AttnError:
        """The part of a result, where that is chosen here."""
        if self.part is None:
            return result
        try:
            return self.part.of(result)
        except EmptyError as error:
            return error

    def _added(self, states: States, passes: bool) -> dict[str, Any]:
        """The optional fields that a result holds; of weights that pass by, those of tokens alone."""
        names = self.include & (_OF_TOKENS if passes else _FROM_STATES)
        added: dict[str, Any] = {name: getattr(states, name) for name in names}
        if passes or "scores" not in self.include or states.query is None or states.key is None:
            return added
        layers, heads, *_ = self._wanted()
        chosen = range(self.model.config.n_layers) if layers is None else layers
        added["scores"] = np.stack(
            [
                self._scores(query, key, layer, heads)
                for query, key, layer in zip(states.query, states.key, chosen, strict=True)
            ]
        )  # (n_layers, n_heads, n_tokens, n_tokens)
        return added

    def _result(
        self,
        reading: TextRead,
        weights: Float32Array | None,
        index: int,
        contextual: Float32Array,
        said: Mapping[str, Any],
    ) -> AttentionResult:
        """The record of a sentence; without weights it has zeros of one layer and one head."""
        config = self.model.config
        layers, heads, *_ = self._wanted()
        if weights is None:
            from attncli.mechanisms.mapping import unseen

            weights = unseen(len(reading.pieces.ids), len(reading.pieces.ids))
        return AttentionResult(
            text=reading.text,
            tokens=tokens_read(reading),
            attention=self._settings(weights.shape, layers),
            weights=weights,
            contextual=contextual,
            vectors=VectorsInfo(self.model.name, config.d_model, config.n_vocab),
            index=index,
            model=ModelInfo(self.model.name, quantization=self.model.quantization(layers), **said),
            warnings=reading.warnings,
            pair=reading.pair,
            segments=()
            if reading.pair is None
            else tuple(piece.segment for piece in reading.pieces.pieces),
            selection=_selection(layers, heads),
        )

    def _with_decoder(
        self,
        result: AttentionResult,
        target: Target | None,
        states: States,
        passes: bool,
        stream: "HeadStream | None",
    ) -> AttentionResult | AttnError:
        """The result with what the decoder made of the second text, which it writes where there is none."""
        from attncli.mechanisms.decoding import (
            decoded_target,
            foreseen,
            result_of_target,
            with_decoder,
            written_target,
        )

        assert states.last is not None
        assert self.model.config.target is not None
        scale = self.model.config.target.scale(0)
        try:
            if target is None:
                target = written_target(self.model, self.tokenizer, states.last, self.complete or 0)
            if stream is not None:
                return stream.result(result_of_target(result, target))
            if passes and self.part is not None:
                from attncli.mechanisms.mapping import mapped_decoder

                for_page = self.keeps == "page"
                return mapped_decoder(
                    self.model, result, target, states.last, self.part, for_page=for_page
                )
            stages = bool(self.include & _STAGES)
            decoded = decoded_target(self.model, target, states.last, stages=stages)
            says = NEXT in self.include
            said = foreseen(self.model, self.tokenizer, target, decoded) if says else {}
        except AttnError as error:
            return error
        whole = with_decoder(result, target, decoded, self.include, said, scale=scale)
        return self._part_of(whole)

    def _scores(
        self, query: Float32Array, key: Float32Array, layer: int, heads: tuple[int, ...] | None
    ) -> FloatArray:
        """The scores of some heads of a layer. Shapes: each (n_heads, n, d_k) → (n_heads, n, n)."""
        config, n = self.model.config, query.shape[-2]
        scores = attention_scores(
            query, key, scale=config.scale(layer), softcap=config.softcap
        )  # (n_heads, n, n)
        if config.positions == "relative" and (bias := self.model.block(layer).attention.bias):
            of_heads = bias(n, n)
            scores += of_heads if heads is None else of_heads[list(heads)]
        return scores

    def _said(self, reading: TextRead, states: States) -> dict[str, Any]:
        """What the model says of the words. Raises: NumericError when it overflows."""
        if reading.completion is not None:
            places = range(reading.n_given, len(reading.pieces.ids))
            more = {"completion": reading.completion, "written": tuple(places)}
        else:
            more = {}
        if states.last is None or self.model.head is None:
            return more
        from attncli.mechanisms.foreseeing import predictions

        each = NEXT in self.include
        ids, last = reading.pieces.ids, states.last
        return more | predictions(self.model, self.tokenizer, ids, last, of_each=each)

    def _settings(
        self, shape: tuple[int, ...], layers: tuple[int, ...] | None
    ) -> AttentionSettings:
        config = self.model.config
        windows = {config.window(layer) for layer in layers or range(config.n_layers)}
        return AttentionSettings(
            window=windows.pop() if len(windows) == 1 else None,
            kind="transformer",
            score="scaled" if config.is_scaled else "dot",
            scale=config.scale(layers[0] if layers else 0),
            causal=config.causal,
            n_layers=shape[0],
            n_heads=shape[1],
            positions=config.positions,
        )


def open_transformer(folder: Path, name: str | None = None, **options: Any) -> TransformerAnalyser:
    """The Analyser of a checkpoint folder; `options` are fields of TransformerAnalyser.

    Raises: what `TransformerModel` and `PieceTokenizer` raise.
    """
    model = TransformerModel(folder, name)
    return TransformerAnalyser(model, PieceTokenizer(folder), **options)


def _selection(
    layers: tuple[int, ...] | None, heads: tuple[int, ...] | None
) -> dict[str, list[int]] | None:
    """What a result says of the layers and heads that were chosen."""
    chosen = {"layers": layers, "heads": heads}
    return {axis: list(n) for axis, n in chosen.items() if n is not None} or None
