"""What an encoder–decoder writes of a text: the likeliest token, time after time.

Of a token nothing later changes, so the decoder's own keys and values are computed once, and those
of the encoder's tokens once for all.
"""

from collections.abc import Sequence

import numpy as np

from attncli.arrays import Float32Array
from attncli.errors import DataError, NumericError, ShapeError
from attncli.models.config import ModelConfig
from attncli.models.continuing import Continued
from attncli.models.family import ModelTensors
from attncli.models.kept import KeptBlocks, KeptReading, KeptRows, OtherReading, keep_head
from attncli.models.model import TransformerModel
from attncli.models.writing_rules import read_writing_rules


class KeptTarget:
    """A target as a decoder has read it so far, beside `source` (n_k, d_model) of its encoder.

    After each reading `weights` has the decoder's own of each layer, (n_heads, m, n), and `cross`
    those of the encoder's tokens, (n_heads, m, n_k). Raises: DataError for a tensor that holds a
    number that is not finite.
    """

    def __init__(self, tensors: ModelTensors, config: ModelConfig, source: Float32Array) -> None:
        self._tensors, self._config, self._source = tensors, config, source
        self._block = KeptBlocks(tensors.block)
        self._others: dict[int, OtherReading] = {}
        self._layers = [KeptRows() for _ in range(config.n_layers)]
        self.ids: list[int] = []
        self.weights: list[Float32Array] = []
        self.cross: list[Float32Array] = []

    def read(self, ids: Sequence[int]) -> Float32Array:
        """Reads on: the hidden states of these tokens after the last layer. Shape (m, d_model).

        Raises: ShapeError for a target longer than the model reads.
        """
        start, end = len(self.ids), len(self.ids) + len(ids)
        if end > self._config.max_tokens:
            raise ShapeError(f"a target of {end} tokens, expected 1 to {self._config.max_tokens}")
        self.ids += ids
        self.weights, self.cross = [], []
        types = np.zeros(len(ids), dtype=np.intp)
        with np.errstate(over="ignore", invalid="ignore"):
            rows = self._tensors.embed(np.array(ids), types, np.arange(start, end))  # (m, d_model)
            for layer, kept in enumerate(self._layers):
                block = self._block(layer)
                assert block.cross is not None
                own = KeptReading(block.attention, kept, start)
                rows = block.attention_norms.added(rows, own)
                if layer not in self._others:
                    self._others[layer] = OtherReading(block.cross.attention, self._source)
                rows = block.cross.norms.added(rows, self._others[layer])
                rows = block.feed_norms.added(rows, block.feed)
                self.weights.append(own.weights)
                self.cross.append(self._others[layer].weights)
            return self._tensors.last(rows)  # (m, d_model)


def translate(model: TransformerModel, source: Float32Array, count: int) -> Continued:
    """What the model writes of a text: `count` tokens at most, those of `generate` with one beam.

    `source` (n_k, d_model) is the last hidden state of the encoder. The ids begin after the one that
    the decoder starts with, and the one that ends a text is not among them. As its files ask it to
    (`attncli.models.writing_rules`), the model begins with a token or leaves some out; an end is not
    forced after `count` tokens. Raises: NumericError when logits overflow float32; ShapeError for a
    count beyond what the model reads; DataError, InputError, LimitError for a damaged file.
    """
    tensors, config = model.decoder, model.config.target
    assert tensors is not None
    assert config is not None
    head = tensors.head()
    assert head is not None
    rules = read_writing_rules(model.folder, model.config)
    if max(rules.start, rules.first or 0) >= config.n_vocab:
        raise DataError(
            f"the decoder starts with the ids {rules.start} and {rules.first}, but it has "
            f"{config.n_vocab} words",
            place=model.place,
        )
    if count > config.max_tokens:
        raise ShapeError(f"a target of {count} tokens, expected 1 to {config.max_tokens}")
    keep_head(head, count)
    target, ids = KeptTarget(tensors, config, source), [rules.start]
    while len(ids) <= count:
        logits = head.logits(target.read(ids[-1:]))[0]  # (n_vocab,)
        if np.isnan(logits).any() or (logits == np.inf).any():
            raise NumericError("the logits of the vocabulary overflow float32")
        likeliest = rules.next_id(logits, ids)
        if likeliest in rules.ends:
            return Continued(tuple(ids[1:]), True)
        ids.append(likeliest)
    return Continued(tuple(ids[1:]), False)
