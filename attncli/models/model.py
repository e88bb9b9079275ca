"""A checkpoint opened for use: its configuration, its tensors, and the layers read so far."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from attncli.arrays import IntArray
from attncli.arrays.memory import keep_freed_memory
from attncli.attention.products import fill_buffers
from attncli.errors import DataError
from attncli.errors.wording import visible
from attncli.files.paths import is_file
from attncli.models.checkpoint import Checkpoint
from attncli.models.config import ModelConfig
from attncli.models.families.reading import decoder_of, read_config, tensors_of
from attncli.models.family import ModelTensors
from attncli.models.layers import Block
from attncli.models.word_head import WordHead

# Layers that are stored in 16 bits are widened when they are used, and kept while they fit in
# this many numbers; a mapped layer costs nothing and is always kept.
_KEPT_NUMBERS = 16 << 20
# How the names of a layer's attention matrices begin, by family.
_ATTENTIONS = ("self_attn.", "attention.", "attn.", "layer.0.SelfAttention.")


class TransformerModel:
    """A checkpoint folder or GGUF file, opened: all is checked, and no layer is read before its use.

    Raises: InputError, DataError, RefusedError, LimitError when the folder is not what it should
    be; the message says which file and which tensor.
    """

    def __init__(self, folder: Path, name: str | None = None) -> None:
        keep_freed_memory()
        fill_buffers()
        self.folder = folder
        self.name = name or folder.resolve().name
        self.place = visible(str(folder))
        self.config, self.checkpoint = _opened(folder)
        self.tensors: ModelTensors = tensors_of(self.checkpoint, self.config)
        self._blocks: dict[int, Block] = {}
        self._kept = 0
        self._quantizations: dict[tuple[int, ...] | None, str | None] = {}

    def block(self, layer: int) -> Block:
        """The matrices of a layer, counted from 0; read at the first use.

        Raises: DataError when a file of the checkpoint has changed its length.
        """
        self.checkpoint.expect_unchanged()
        if (known := self._blocks.get(layer)) is not None:
            return known
        block = self.tensors.block(layer)
        own = 0 if self.checkpoint.is_mapped else block.size
        if self.checkpoint.keeps_layers and self._kept + own <= _KEPT_NUMBERS:
            self._kept += own
            self._blocks[layer] = block
        return block

    def unpacked_bytes(self, layer: int) -> int:
        """The bytes of a layer that is unpacked at every use; 0 where it lies as it is, or is kept."""
        return self.checkpoint.unpacked_bytes(f"{self.tensors.prefix}{self.tensors.layers}{layer}.")

    def make_room(self, layer: int) -> None:
        """Takes the memory that the next use of a layer unpacks into."""
        self.checkpoint.make_room(f"{self.tensors.prefix}{self.tensors.layers}{layer}.")

    def quantization(self, layers: Sequence[int] | None) -> str | None:
        """How the attention matrices of layers (None: of all) are quantized, None where they are not."""
        chosen = None if layers is None else tuple(layers)
        if chosen not in self._quantizations:
            start = self.tensors.prefix + self.tensors.layers
            every = range(self.config.n_layers) if chosen is None else chosen
            starts = [f"{start}{layer}.{part}" for layer in every for part in _ATTENTIONS]
            self._quantizations[chosen] = self.checkpoint.quantization(starts)
        return self._quantizations[chosen]

    @cached_property
    def head(self) -> WordHead | None:
        """What scores the vocabulary, None where the checkpoint has none; read at the first use.

        Raises: DataError for a head that does not fit.
        """
        return self.tensors.head()

    @cached_property
    def decoder(self) -> ModelTensors | None:
        """The tensors of the decoder that follows an encoder, checked at the first use; or None.

        Raises: DataError when they do not fit what config.json says.
        """
        return decoder_of(self.checkpoint, self.config)

    def positions(self, ids: IntArray) -> IntArray:
        """The position of each token: 0, 1, …; RoBERTa counts from its padding id + 1, and gives
        padding itself the position of its id. Shapes: (n,) → (n,).
        """
        if self.config.family != "roberta":
            return np.arange(len(ids))
        pad = self.config.position_offset - 1
        real = ids != pad
        return np.where(real, np.cumsum(real) + pad, pad)

    def check_ids(self, ids: IntArray, types: IntArray) -> None:
        """Raises DataError when an id or a segment is outside the tables of the model."""
        top = int(ids.max(initial=0))
        if top >= self.config.n_vocab or int(ids.min(initial=0)) < 0:
            raise DataError(
                f"the tokenizer gives the id {top}, but the model has {self.config.n_vocab} words",
                place=self.place,
            )
        if self.config.n_types and int(types.max(initial=0)) >= self.config.n_types:
            raise DataError(
                f"the second sentence needs segment {int(types.max())}, but the model has "
                f"{self.config.n_types} of them",
                place=self.place,
            )


def _opened(path: Path) -> tuple[ModelConfig, Checkpoint]:
    """The configuration and the tensors of a folder, or of a GGUF file."""
    if is_file(path):
        from attncli.models.gguf.opening import open_gguf

        return open_gguf(path)
    return read_config(path / "config.json"), Checkpoint.of_folder(path)
