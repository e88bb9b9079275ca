"""What every family of models offers of a checkpoint: the way in, the layers, the way out."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from attncli.arrays import Float32Array, IntArray
from attncli.models.checkpoint import Checkpoint
from attncli.models.config import ModelConfig
from attncli.models.keys import ConfigKeys
from attncli.models.layers import Block
from attncli.models.word_head import WordHead


class ModelTensors(Protocol):
    """What a family offers: the way into its first layer, its layers, and the way out.

    Stored names are `prefix` and, for a layer, `layers` with its number. `norm` is what the norms of
    the layers are: a layer norm or an RMS norm.
    """

    prefix: str
    layers: str
    norm: str

    def embed(self, ids: IntArray, types: IntArray, positions: IntArray) -> Float32Array:
        """Shapes: each (n_rows,) → (n_rows, d_model)."""

    def words(self, ids: IntArray) -> Float32Array:
        """The words' own vectors, with nothing added. Shapes: (n_rows,) → (n_rows, d_model)."""

    def block(self, layer: int) -> Block:
        """The matrices of a layer, counted from 0."""

    def last(self, rows: Float32Array) -> Float32Array:
        """What follows the last layer. Shapes: (n_rows, d_model) → the same."""

    def head(self) -> WordHead | None:
        """The head over the vocabulary, None where there is none; read at the first use.

        Raises: DataError for one that does not fit.
        """


class Family(NamedTuple):
    """A family: each model_type with its name, how its keys are read, how its tensors are found.

    `tied` is what it takes where config.json has no tie_word_embeddings. Of an encoder with a decoder
    `tensors` finds those of the encoder, `decoder` those of the other. All three functions raise
    DataError for what is damaged or does not fit.
    """

    model_types: Mapping[str, str]
    read: Callable[[str, ConfigKeys], ModelConfig]
    tensors: Callable[[Checkpoint, ModelConfig], ModelTensors]
    tied: bool = False
    decoder: Callable[[Checkpoint, ModelConfig], ModelTensors] | None = None
