"""The Analyser of a batch that asks a model for labels and for no attention."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from attncli.arrays import BoolArray, FloatArray, IntArray
from attncli.attention.float32 import sentence_blocks
from attncli.attention.products import room_for_rows
from attncli.attention.projections import Projections
from attncli.attention.target_rows import TargetRows
from attncli.errors import AttnError
from attncli.insight.target_labels import TargetLabels
from attncli.mechanisms.analyser import Analyser
from attncli.models.trained import TrainedModel
from attncli.reading.reader import Group, Reader
from attncli.results.fields import DEFAULT_FIELDS
from attncli.results.result import AttentionResult
from attncli.results.stack import Failure, Stack


def reads_labels_alone(model: TrainedModel, unread: frozenset[str]) -> bool:
    """Whether of attention only the row of one token is read, for its label."""
    a = model.architecture
    return (
        a.labels_sentences
        and a.readout == "target"
        and a.positions != "rope"
        and {*DEFAULT_FIELDS} <= unread
        and "model" not in unread
    )


class Labeler(Protocol):
    """What finds targets and makes stacks of labels, and whole results where that is not enough."""

    @property
    def reader(self) -> Reader: ...
    def fits_float32(self, rows: IntArray) -> BoolArray: ...
    def stacked(self, texts: Sequence[str], group: Group) -> Iterator[Stack | Failure]: ...
    def targets(self, texts: Sequence[str], group: Group) -> list[int | Failure | None]: ...
    def labeled(
        self,
        model: TrainedModel,
        texts: Sequence[str],
        group: Group,
        targets: IntArray,
        likely: FloatArray,
    ) -> Stack: ...
    def outcomes(self, texts: Sequence[str]) -> Iterator[AttentionResult | AttnError]: ...


@dataclass(frozen=True, slots=True)
class LabelAnalyser(Analyser):
    """Labels as `analyser` reads them, from the row of the target token alone.

    Sentences whose scores may be large are left to `analyser`, which tells what is not finite.
    """

    analyser: Labeler
    model: TrainedModel
    projections: Projections
    _rows: TargetRows = field(init=False, repr=False, compare=False)
    _labels: TargetLabels = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        layer, model = self.projections, self.model
        labels = TargetLabels(layer, model.parameters, model.architecture)
        object.__setattr__(self, "_rows", TargetRows(layer))
        object.__setattr__(self, "_labels", labels)

    def outcomes(self, texts: Sequence[str]) -> Iterator[AttentionResult | AttnError]:
        """Like a call, but a sentence that fails gives its error and the others go on."""
        return self.analyser.outcomes(texts)

    def stacks(self, texts: Sequence[str]) -> Iterator[Stack | Failure]:
        """Every text once, in a Stack without arrays or as a Failure, in any order."""
        failures, groups = self.analyser.reader.by_length(texts)
        yield from failures
        moderate: list[tuple[Group, IntArray]] = []
        for group in groups:
            fits = self.analyser.fits_float32(group.rows)
            if not fits.all():
                yield from self.analyser.stacked(texts, group.pick(np.flatnonzero(~fits)))
                group = group.pick(np.flatnonzero(fits))
            targets = self.analyser.targets(texts, group)
            yield from (item for item in targets if isinstance(item, Failure))
            kept = [i for i, item in enumerate(targets) if not isinstance(item, Failure)]
            known = [-1 if at is None else at for at in targets if not isinstance(at, Failure)]
            if kept:
                moderate.append((group.pick(np.array(kept)), np.array(known)))
        probabilities = self._probabilities(moderate)
        begin = 0
        for group, places in moderate:
            likely = np.zeros((len(places), len(self.model.labels)))
            end = begin + int((places >= 0).sum())
            likely[places >= 0] = probabilities[begin:end]
            begin = end
            yield self.analyser.labeled(self.model, texts, group, places, likely)

    def _probabilities(self, groups: Sequence[tuple[Group, IntArray]]) -> FloatArray:
        """Of each label of each sentence that has a target, (B, n_labels)."""
        chosen = [
            (group.rows[places >= 0], places[places >= 0])
            for group, places in groups
            if (places >= 0).any()
        ]
        if not chosen:
            return np.zeros((0, len(self.model.labels)))
        vectors = self.analyser.reader.lexicon.vectors()
        asked, where = self._asked(chosen)
        count, begin = len(where), 0
        sums = np.empty((room_for_rows(count), *asked.shape[1:-1], self._rows.width))
        sums[count:] = 0.0
        for rows, places in chosen:
            for block in sentence_blocks(rows, 16 * vectors.shape[1]):
                embeddings = vectors.take(rows[block], axis=0)  # (B, n_tokens, d_model)
                end = begin + len(embeddings)
                queries = asked.take(where[begin:end], axis=0)  # (B, n_heads, d_model)
                self._rows.sums(queries, embeddings, places[block], out=sums[begin:end])
                begin = end
        return self._labels.probabilities(sums)[:count]

    def _asked(self, chosen: Sequence[tuple[IntArray, IntArray]]) -> tuple[FloatArray, IntArray]:
        """What each distinct target looks for, and which of them each sentence has."""
        vectors = self.analyser.reader.lexicon.vectors()
        targets = np.concatenate([rows[np.arange(len(rows)), places] for rows, places in chosen])
        if self._rows.adds_positions:
            targets += len(vectors) * np.concatenate([places for _, places in chosen])
        distinct, where = np.unique(targets, return_inverse=True)
        places, rows = np.divmod(distinct, len(vectors))
        return self._rows.asked(vectors.take(rows, axis=0), places), where.reshape(-1)
