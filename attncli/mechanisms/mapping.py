"""The weights of a decoder that pass by: measured layer by layer, none kept."""

from typing import TYPE_CHECKING

import numpy as np

from attncli.arrays import Float32Array
from attncli.errors import NumericError
from attncli.errors.wording import quoted
from attncli.insight.chosen_part import Part, part_named
from attncli.insight.heads import MappedResult
from attncli.insight.streamed import HeadStream
from attncli.mechanisms.decoding import decoded_target, with_decoder
from attncli.mechanisms.transformer_reading import Target
from attncli.models.encoder_decoder import Decoded
from attncli.models.model import TransformerModel
from attncli.results.result import AttentionResult

if TYPE_CHECKING:
    from attncli.settings import Which


def mapped_part(part: Part) -> "Which":
    """Which attention of an encoder with a decoder is mapped: the one that views show."""
    return part.which or "cross"


def mapped_decoder(
    model: TransformerModel,
    result: AttentionResult,
    target: Target,
    source: Float32Array,
    part: Part,
    *,
    for_page: bool,
) -> MappedResult:
    """The heads of a decoder, or of its cross-attention, measured as it reads a target.

    `result` is that of the encoder without its weights; `source` (n_k, d_model) are its last rows.
    Raises: EmptyError where every token is hidden; UsageError; as `decoded_target`.
    """
    assert model.config.target is not None
    which, n_tokens = mapped_part(part), len(target.pieces.ids)
    scale = model.config.target.scale(0)
    none = np.zeros((n_tokens, 1), dtype=np.float32)
    weights = unseen(n_tokens, n_tokens), unseen(n_tokens, len(source))
    nothing = Decoded(none, none, *weights, none[None])
    bare = with_decoder(result, target, nothing, frozenset(), scale=scale)
    shape = (model.config.target.n_layers, model.config.target.n_heads)
    stream = HeadStream(part_named(bare, which), shape, part, for_page=for_page)

    def listen(layer: int, own: Float32Array, cross: Float32Array) -> None:
        stream.add(layer, own if which == "decoder" else cross)

    decoded = decoded_target(model, target, source, listen)
    if not stream.is_finite:
        raise NumericError(f"the hidden states of {quoted(target.text)} overflow float32")
    whole = with_decoder(result, target, decoded, frozenset({"embeddings"}), scale=scale)
    return stream.result(part_named(whole, which))


def unseen(n_tokens: int, n_keys: int) -> Float32Array:
    """Weights of one head that are not kept: zeros that take no memory."""
    return np.broadcast_to(np.float32(0), (1, 1, n_tokens, n_keys))
