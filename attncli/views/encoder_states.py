"""What a decoder reads beside its own tokens, in words: where cross-attention stands in its layers."""

from attncli.errors import field_name
from attncli.errors.wording import counted_as
from attncli.results.result import AttentionResult

_ENCODED = "the encoder's last hidden states"


def cross_stage(result: AttentionResult) -> str:
    """The stage of a decoder's layer after self-attention, empty where no encoder is read.

    Its weights are those of another part, so that no number of it but the tokens is said.
    """
    if result.reads is None:
        return ""
    shows = f"{field_name('part.which')} cross shows its weights"
    read = _counted(_ENCODED, result.reads.n_tokens)
    return f"cross-attention: {_layer(result)} reads {read}; {shows}"


def sides_of_cross(result: AttentionResult) -> tuple[str, str]:
    """Where the queries of cross-attention come from, and where its keys and values do."""
    after = f", after {_layer(result)}'s self-attention"
    if result.is_cut:
        return f"the decoder's tokens{after}", _ENCODED
    rows = f"the decoder's {counted_as(len(result.tokens), 'token')}{after}"
    return rows, _counted(_ENCODED, len(result.key_tokens))


def after_heads(result: AttentionResult) -> str:
    """What follows the heads in a layer of a transformer, listed."""
    across = "" if result.reads is None else "cross-attention, "
    return f"W_o, residual, layer norm, {across}feed-forward net"


def taken_line(result: AttentionResult) -> str:
    """What the sums of a transformer's head are, and what follows them."""
    whose = "encoder's " if result.is_cross else ""
    across = "" if result.reads is None else ", cross-attention"
    return (
        f"what each token takes of the {whose}values; W_o, the residual{across} and the "
        "feed-forward net follow"
    )


def _layer(result: AttentionResult) -> str:
    return "the layer" if result.attention.n_layers == 1 else "each layer"


def _counted(name: str, count: int | None) -> str:
    return name if count is None else f"{name}, {counted_as(count, 'token')}"
