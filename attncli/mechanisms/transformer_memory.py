"""Whether the weights of a text fit in memory, asked before a transformer makes them."""

from attncli.arrays.memory import available_memory
from attncli.errors import LimitError, field_name
from attncli.errors.wording import counted_as, size_text
from attncli.models.config import ModelConfig

_BYTES_PER_WEIGHT = 8  # the weights, and one copy of them while they are checked or written
_BYTES_IN_WORK = 32  # for each weight of the one head in work: scores, masks and what softmax needs
_SURELY_FITS = 1 << 28  # bytes that are taken without asking


def require_memory(
    config: ModelConfig, n: int, n_target: int, kept: tuple[int, int], has_scores: bool
) -> None:
    """Raises: LimitError when the weights of n tokens would not fit in memory.

    `kept` is of how many layers, and of how many heads of each, they are kept; `has_scores`: their
    scores too. `n_target` are the tokens of a decoder beside them, 0 where there is none.
    """
    n_layers, n_heads = kept
    of_encoder = _BYTES_PER_WEIGHT * n_layers * n_heads * (2 if has_scores else 1)
    needed = (of_encoder + _BYTES_IN_WORK) * n * n
    if (target := config.target) is not None:
        of_decoder = _BYTES_PER_WEIGHT * target.n_layers * target.n_heads
        needed += (of_decoder + _BYTES_IN_WORK) * n_target * (n_target + n)
    if needed <= _SURELY_FITS:
        return
    available = available_memory()
    if available is not None and needed > available:
        raise LimitError(
            f"the weights of {n:,} tokens in {counted_as(n_layers, 'layer')} of "
            f"{counted_as(n_heads, 'head')} need {size_text(needed)} of memory, "
            f"{size_text(available)} are available",
            hints=_of_fewer(n_layers, n_heads),
        )


def _of_fewer(n_layers: int, n_heads: int) -> tuple[str, ...]:
    """Which choices need less memory."""
    layer, head = f"{field_name('part.layers')} -1", f"{field_name('part.heads')} 0"
    hints = [f"{layer} keeps those of one layer"] if n_layers > 1 else []
    hints += [f"{layer} {head} keeps those of one head"] if n_heads > 1 else []
    return tuple(hints)
