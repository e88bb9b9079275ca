"""What the families have in common: the tensors of a checkpoint, checked and read by their names."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np

from attncli.arrays import Float32Array, IntArray
from attncli.models.checkpoint import Checkpoint
from attncli.models.config import ModelConfig
from attncli.models.family import ModelTensors
from attncli.models.layers import Linear, Norm
from attncli.models.word_head import WordHead, decoder_head


class StoredTensors(ModelTensors, ABC):
    """The tensors of a checkpoint, checked against its configuration; names are without `prefix`.

    `landmark` is the tensor that tells the prefix, `words` the one of the words, if it is another.
    Raises: DataError when one is missing or has another shape, or there are more layers than
    config.json says.
    """

    norm = "layer norm"

    def __init__(
        self,
        checkpoint: Checkpoint,
        config: ModelConfig,
        *,
        landmark: str,
        layers: str,
        words: str | tuple[str, ...] = (),
    ) -> None:
        self._checkpoint, self._config = checkpoint, config
        self.prefix, self.layers = checkpoint.prefix(landmark), layers
        self._words = checkpoint.first(self.prefix, *words) if words else landmark
        checkpoint.require(self.prefix, self._expected())
        checkpoint.no_layer_beyond(self.prefix + self.layers, config.n_layers)

    def words(self, ids: IntArray) -> Float32Array:
        """The vectors of the words alone. Shape (n_rows, d_model)."""
        return self._read(self._words, ids)

    def last(self, rows: Float32Array) -> Float32Array:
        """Nothing comes after the last layer, where a family does not say what."""
        return rows

    def _read(self, name: str, rows: IntArray | None = None) -> Float32Array:
        return self._checkpoint.tensor(self.prefix + name, rows)

    def _linear(self, name: str, bias: bool = True) -> Linear:
        weight = np.swapaxes(self._read(f"{name}.weight"), 0, 1)  # stored as (d_out, d_in)
        return Linear(weight, self._read(f"{name}.bias") if bias else None)

    def _norm(self, name: str, bias: bool = True) -> Norm:
        own = self._read(f"{name}.bias") if bias else None
        return Norm(self._read(f"{name}.weight"), own, self._config.epsilon)

    @abstractmethod
    def _expected(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """The name and shape of every tensor; made one by one, however many layers are claimed."""


class StoredSide(StoredTensors):
    """One side of an encoder with a decoder, by its name; the decoder `_reads_other`."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        config: ModelConfig,
        name: str,
        *,
        landmark: str,
        layers: str,
        words: tuple[str, ...],
    ) -> None:
        self._side, self._reads_other = f"{name}.", name == "decoder"
        own = config.target if self._reads_other else config
        assert own is not None
        assert own.sides is not None
        self._sides = own.sides
        super().__init__(checkpoint, own, landmark=landmark, layers=layers, words=words)

    def head(self) -> WordHead | None:
        """The head over the vocabulary, which the decoder has. Raises: DataError."""
        if not self._reads_other:
            return None
        words, scale = self.prefix + self._words, self._sides.head_scale
        return decoder_head(self._checkpoint, self._config, words, scale)
