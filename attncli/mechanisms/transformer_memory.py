"""Whether the weights of a text fit in memory, asked before a transformer makes them."""

from typing import NamedTuple

from attncli.arrays.memory import available_memory
from attncli.errors import LimitError, field_name
from attncli.errors.wording import counted_as, size_text
from attncli.models.config import ModelConfig

_BYTES_PER_WEIGHT = 8  # the weights, and one copy of them while they are checked or written
_BYTES_PASSING = 4  # the weights of a layer whose heads are measured one by one
_BYTES_IN_WORK = 32  # for each weight of the one head in work: scores, masks and what softmax needs
_BYTES_ON_A_PAGE = 96  # for each weight of the one head that the page of a long text holds
_SURELY_FITS = 1 << 28  # bytes that are taken without asking


class Held(NamedTuple):
    """What is held of the weights: of how many layers, and of how many heads of each.

    `scores`: their scores too. `by_layer`: one layer at a time, which are `drawn` together or not;
    with `page` a page holds some of them.
    """

    n_layers: int
    n_heads: int
    scores: bool = False
    by_layer: bool = False
    drawn: bool = False
    page: bool = False

    def bytes_each(self, n_layers: int, n_heads: int) -> int:
        """Bytes for each pair of a query and a key, with those of the head in work."""
        if not self.by_layer:
            return (
                _BYTES_PER_WEIGHT * n_layers * n_heads * (2 if self.scores else 1) + _BYTES_IN_WORK
            )
        of_page = _BYTES_ON_A_PAGE if self.page else 0
        return _BYTES_PASSING * n_heads * (2 if self.drawn else 1) + _BYTES_IN_WORK + of_page


def require_memory(config: ModelConfig, n: int, n_target: int, held: Held) -> None:
    """Raises: LimitError when what is held of the weights of n tokens would not fit in memory.

    `n_target` are the tokens of a decoder beside them, 0 where there is none.
    """
    n_layers, n_heads = (1 if held.by_layer else held.n_layers), held.n_heads
    needed = held.bytes_each(n_layers, n_heads) * n * n
    if (target := config.target) is not None:
        needed += held.bytes_each(target.n_layers, target.n_heads) * n_target * (n_target + n)
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
