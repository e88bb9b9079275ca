"""A text that goes on token by token: what each layer made of the earlier ones is kept.

Of a token nothing later changes in a causal model, so its keys and values are computed once and
every further token costs one row. That holds while positions turn as before: some ropes turn all of
them otherwise once a text is longer than the model was trained on, and then the text is read anew.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from attncli.arrays import Float32Array
from attncli.errors import NumericError
from attncli.models.kept import KeptBlocks, KeptReading, KeptRows, keep_head
from attncli.models.model import TransformerModel
from attncli.models.writing_rules import WritingRules


class Continued(NamedTuple):
    """The ids that a model wrote, and whether it ended its text by itself."""

    ids: tuple[int, ...]
    has_ended: bool


class KeptText:
    """A text as a causal model has read it so far.

    Raises: DataError for a tensor that holds a number that is not finite, or an id that is unknown.
    """

    def __init__(self, model: TransformerModel) -> None:
        self._model = model
        self._block = KeptBlocks(model.block)
        self.ids: list[int] = []
        self._layers: list[KeptRows] = []

    def read(self, ids: Sequence[int], weights: list[Float32Array] | None = None) -> Float32Array:
        """Reads on: the hidden states of these tokens after the last layer.

        Shape (m, d_model), where the text had to be read anew of all n tokens so far. `weights` is
        given those of each layer, (n_heads, m, n).
        """
        model = self._model
        if not self._turns_as_before(len(self.ids) + len(ids)):
            ids, self.ids = [*self.ids, *ids], []
        start = len(self.ids)
        if start == 0:
            self._layers = [KeptRows() for _ in range(model.config.n_layers)]
        self.ids += ids
        every = np.array(self.ids)
        types = np.zeros(len(ids), dtype=np.intp)
        model.check_ids(every[start:], types)
        with np.errstate(over="ignore", invalid="ignore"):
            positions = model.positions(every)[start:]
            rows = model.tensors.embed(every[start:], types, positions)  # (m, d_model)
            for layer in range(model.config.n_layers):
                block = self._block(layer)
                reading = KeptReading(block.attention, self._layers[layer], start)
                rows = block.attention_norms.added(rows, reading)
                rows = block.feed_norms.added(rows, block.feed)
                if weights is not None:
                    weights.append(reading.weights)
            return model.tensors.last(rows)  # (m, d_model)

    def _turns_as_before(self, n: int) -> bool:
        """Whether a text of n tokens turns the earlier ones as they were turned."""
        before, decoder = len(self.ids), self._model.config.decoder
        if before == 0 or decoder is None:
            return True
        ropes = {id(rope): rope for rope in decoder.ropes if rope is not None}
        return all(
            np.array_equal(long[before - 1], short[before - 1])
            for rope in ropes.values()
            for long, short in zip(rope.tables(n), rope.tables(before), strict=True)
        )


def continued(
    model: TransformerModel, ids: Sequence[int], count: int, rules: WritingRules
) -> Continued:
    """What the model writes after these ids: the likeliest token, time after time, `count` at most.

    Which may come next `rules` say. A token of their ends ends it and is not among them; of equally
    likely ones the first is taken.
    Raises: NumericError when logits overflow float32.
    """
    head = model.head
    assert head is not None
    keep_head(head, count)
    text, written = KeptText(model), list[int]()
    last = text.read(ids)
    while True:
        logits = head.logits(last[-1:])[0]  # (n_vocab,)
        if not np.isfinite(logits).all():
            raise NumericError("the logits of the vocabulary overflow float32")
        likeliest = rules.next_id(logits, [*ids, *written])
        if likeliest in rules.ends:
            return Continued(tuple(written), True)
        written.append(likeliest)
        if len(written) == count:
            return Continued(tuple(written), False)
        last = text.read([likeliest])
