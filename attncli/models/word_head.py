"""The head of a language model: hidden states in, a logit for each entry of the vocabulary out.

A masked model turns the states first (dense map, activation, norm). The matrix has a row an entry,
and in many models it is that of the words' own vectors. It is read some rows at a time: a model of
256,000 entries that is stored in 16 bits would else take a gigabyte for one text.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from attncli.arrays import Float32Array
from attncli.attention.products import product
from attncli.models.activations import activate
from attncli.models.checkpoint import Checkpoint
from attncli.models.config import ModelConfig
from attncli.models.layers import Linear, Norm

_PIECE = 1 << 22  # numbers of the matrix that are widened at once
_KEPT = 1 << 25  # widened numbers that are kept once a second text has needed them
_LINEAR = "lm_head.weight"
_LOGITS_BIAS = "final_logits_bias"


class Turn(NamedTuple):
    """What a masked model does before it compares a state with its vocabulary."""

    dense: Linear
    activation: str
    norm: Norm

    def __call__(self, rows: Float32Array) -> Float32Array:
        """Shapes: (n_rows, d_model) → the same."""
        return self.norm(activate(self.dense(rows), self.activation))


class MaskedNames(NamedTuple):
    """How a family of masked models names the parts of its head; of a part, the name that is used first."""

    dense: str
    norm: str
    matrix: str
    biases: tuple[str, ...]


class WordHead:
    """The logits of every entry: softcap(turn(x)·matrixᵀ + bias); `scale` is a factor on x.

    Raises: DataError for tensors that are not what config.json says.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        config: ModelConfig,
        matrix: str,
        *,
        turn: Turn | None = None,
        bias: Float32Array | None = None,
        scale: float = 1.0,
    ) -> None:
        checkpoint.require("", [(matrix, (config.n_vocab, config.d_model))])
        self._checkpoint, self._matrix, self._turn, self._bias = checkpoint, matrix, turn, bias
        self._scale = np.float32(scale)
        self.size = config.n_vocab
        self._width = config.d_model
        self._softcap = None if config.decoder is None else config.decoder.final_softcap
        self._pieces: dict[int, Float32Array] = {}
        self._is_read_again = False
        self._most = self.size * self._width if checkpoint.lies_as_float32(matrix) else _KEPT

    def keep(self, most: int) -> None:
        """Keeps up to so many widened numbers from now on, for a text that goes on token by token."""
        self._most, self._is_read_again = max(self._most, most), True

    @property
    def numbers(self) -> int:
        """How many numbers the matrix has."""
        return self.size * self._width

    def logits(self, rows: Float32Array) -> Float32Array:
        """The logits after each hidden state. Shapes: (n, d_model) → (n, n_vocab).

        Numbers that overflow float32 become inf or NaN.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            rows = rows if self._turn is None else self._turn(rows)
            rows = rows if self._scale == 1 else rows * self._scale
            out = np.empty((len(rows), self.size), dtype=np.float32)
            for start, piece in self._read():
                out[:, start : start + len(piece)] = product(rows, piece.T)
            if self._bias is not None:
                out += self._bias
            if self._softcap is not None:
                cap = np.float32(self._softcap)
                out = np.tanh(out / cap) * cap
        return out  # (n, n_vocab)

    def _read(self) -> Iterator[tuple[int, Float32Array]]:
        """The matrix some rows at a time, each with the number of its first entry."""
        step = max(1, _PIECE // self._width)
        for start in range(0, self.size, step):
            piece = self._pieces.get(start)
            if piece is None:
                rows = slice(start, min(start + step, self.size))
                piece = self._checkpoint.tensor(self._matrix, rows)  # (≤ step, d_model)
                held = sum(kept.size for kept in self._pieces.values())
                if self._is_read_again and held + piece.size <= self._most:
                    self._pieces[start] = piece
            yield start, piece
        self._is_read_again = True


def linear_head(checkpoint: Checkpoint, config: ModelConfig, words: str) -> WordHead | None:
    """The head of a causal model: lm_head.weight, or the vectors of its words where both are one.

    None where the checkpoint has none, as when the base of a model was saved alone.
    Raises: DataError.
    """
    matrix = checkpoint.find(_LINEAR) or (words if config.shares_words else None)
    return None if matrix is None else WordHead(checkpoint, config, matrix)


def decoder_head(
    checkpoint: Checkpoint, config: ModelConfig, words: str, scale: float = 1.0
) -> WordHead:
    """The head of a decoder that follows an encoder: its own matrix, else the words' vectors.

    Raises: DataError.
    """
    matrix = checkpoint.find(_LINEAR) or words
    bias = _optional(checkpoint, _LOGITS_BIAS, (1, config.n_vocab))
    own = None if bias is None else bias[0]
    return WordHead(checkpoint, config, matrix, bias=own, scale=scale)


def masked_head(
    checkpoint: Checkpoint,
    config: ModelConfig,
    words: str,
    names: MaskedNames,
    activation: str,
    unused: Collection[str] = (),
) -> WordHead | None:
    """The head of a masked model, None where the checkpoint has none.

    `unused` names biases that are left out though they may be stored. Raises: DataError.
    """
    dense = checkpoint.find(f"{names.dense}.weight")
    matrix = checkpoint.find(names.matrix) or (words if config.shares_words else None)
    if dense is None or matrix is None:
        return None
    prefix = dense.removesuffix(f"{names.dense}.weight")
    d = config.d_model

    def bias_of(*options: str, size: int = d) -> Float32Array | None:
        used = [prefix + name for name in options if name not in unused]
        return _first(checkpoint, used, (size,))

    turned = Linear(
        np.swapaxes(_tensor(checkpoint, dense, (d, d)), 0, 1), bias_of(f"{names.dense}.bias")
    )
    weight = _tensor(checkpoint, f"{prefix}{names.norm}.weight", (d,))
    norm = Norm(weight, bias_of(f"{names.norm}.bias"), config.epsilon)
    bias = bias_of(*names.biases, size=config.n_vocab)
    return WordHead(checkpoint, config, matrix, turn=Turn(turned, activation, norm), bias=bias)


def _first(
    checkpoint: Checkpoint, names: Iterable[str], shape: tuple[int, ...]
) -> Float32Array | None:
    """The first of these tensors that is stored."""
    found = (_optional(checkpoint, name, shape) for name in names)
    return next((tensor for tensor in found if tensor is not None), None)


def _optional(checkpoint: Checkpoint, name: str, shape: tuple[int, ...]) -> Float32Array | None:
    return _tensor(checkpoint, name, shape) if checkpoint.has(name) else None


def _tensor(checkpoint: Checkpoint, name: str, shape: tuple[int, ...]) -> Float32Array:
    checkpoint.require("", [(name, shape)])
    return checkpoint.tensor(name)
