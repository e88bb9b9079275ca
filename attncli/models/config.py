"""What the forward pass needs to know of a transformer: its family, its sizes, its choices."""

import math
from typing import NamedTuple

from attncli.models.rope import Rope

_NO_TABLE = 1 << 20  # tokens


class DecoderConfig(NamedTuple):
    """What models with rotary positions differ in; a tuple has a value for each layer.

    `windows` None: a layer sees all tokens, or all earlier ones. `ropes` None: its queries are not turned.
    `norms` is before, after or around a part; `query_norm` is none, head (each head alone) or all.
    `softcap` is that of scores, `final_softcap` that of logits; `head_activation` is of a masked head, and
    `head_unused` names the stored vectors of it that config.json switches off.
    `norm_offset` is added to the weights of norms. `embed_scale` is the factor on the words' vectors.
    """

    windows: tuple[int | None, ...]
    ropes: tuple[Rope | None, ...]
    norms: str = "before"
    query_norm: str = "none"
    norm_offset: float = 0.0
    embed_scale: float = 1.0
    attention_bias: bool = False
    output_bias: bool = False
    feed_bias: bool = False
    norm_bias: bool = False
    joined: bool = False
    softcap: float | None = None
    final_softcap: float | None = None
    head_activation: str = "gelu"
    head_unused: tuple[str, ...] = ()


class SidesConfig(NamedTuple):
    """What an encoder with a decoder has besides: the decoder's sizes, and the choices of both.

    `n_layers` 0: the encoder was saved without its decoder.
    `start` is the id that the decoder begins with. `embed_scale` is the factor on the words' vectors.
    `gated` says that a gate is before the activation; `n_buckets` of distances end at `max_distance`.
    `head_scale` is the factor on what the head over the vocabulary reads.
    """

    n_layers: int
    n_heads: int
    d_inner: int
    n_vocab: int
    start: int
    embed_scale: float = 1.0
    gated: bool = False
    n_buckets: int = 0
    max_distance: int = 0
    head_scale: float = 1.0


class ModelConfig(NamedTuple):
    """What the forward pass needs to know.

    `n_positions` is the longest input that the model was made for, special tokens included, less
    `position_offset`, the position of the first token. `positions` says how a token's place is
    known: learned, sinusoidal, rope or relative. `score_scale` None is 1/√d_k. `head_size` None is
    d_model / n_heads; `n_kv_heads` 0 is n_heads. `norms` is before or after a part. Of an encoder with
    a decoder (`sides`) this is the encoder, and `target` the decoder.
    `tied`: the matrix of a head over the vocabulary is that of the words' vectors. `architectures` are
    the classes of transformers that the checkpoint was saved from; `ends` the ids that end a text.
    """

    model_type: str
    family: str
    n_layers: int
    n_heads: int
    d_model: int
    d_inner: int
    n_vocab: int
    n_positions: int
    n_types: int
    activation: str
    epsilon: float
    causal: bool
    position_offset: int = 0
    score_scale: float | None = None
    scaled_by_layer: bool = False
    norms: str = "after"
    head_size: int | None = None
    n_kv_heads: int = 0
    decoder: DecoderConfig | None = None
    tied: bool = False
    architectures: tuple[str, ...] = ()
    ends: tuple[int, ...] = ()
    positions: str = "learned"
    sides: SidesConfig | None = None

    @property
    def target(self) -> "ModelConfig | None":
        """The decoder that follows the encoder, None where there is none."""
        if (sides := self.sides) is None or not sides.n_layers:
            return None
        return self._replace(
            n_layers=sides.n_layers,
            n_heads=sides.n_heads,
            d_inner=sides.d_inner,
            n_vocab=sides.n_vocab,
            causal=True,
        )

    @property
    def d_k(self) -> int:
        """The width of a head's queries, keys and values."""
        return self.d_model // self.n_heads if self.head_size is None else self.head_size

    @property
    def shares_words(self) -> bool:
        """Whether the vectors of the words are the matrix of a head too: not in a model saved without one."""
        ends = ("LMHeadModel", "LM", "PreTraining", "DoubleHeadsModel", "ConditionalGeneration")
        named = self.architectures
        return self.tied and (not named or any(name.endswith(ends) for name in named))

    @property
    def max_tokens(self) -> int:
        """The longest input in tokens, special tokens included.

        Positions that turn or are relative have no table that ends: such a model reads texts longer
        than n_positions, of which it learned nothing.
        """
        has_table = self.positions in ("learned", "sinusoidal")
        return self.n_positions - self.position_offset if has_table else _NO_TABLE

    @property
    def is_scaled(self) -> bool:
        """Whether the scores are divided by a root of their width, and not left as they are."""
        return self.score_scale != 1.0

    @property
    def softcap(self) -> float | None:
        """The cap on the scores, cap·tanh(score / cap), or None."""
        return None if self.decoder is None else self.decoder.softcap

    def window(self, layer: int) -> int | None:
        """How many tokens before a token a layer sees, counted from 0; None for all."""
        window = None if self.decoder is None else self.decoder.windows[layer]
        return None if window is None else window - 1

    def scale(self, layer: int) -> float:
        """The factor on the scores of a layer, counted from 0: 1/√d_k unless config.json differs."""
        scale = 1.0 / math.sqrt(self.d_k) if self.score_scale is None else self.score_scale
        return scale / (layer + 1) if self.scaled_by_layer else scale
