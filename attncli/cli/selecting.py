"""Options that choose a part of a result: layers, heads, their mean, words instead of pieces."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from attncli.errors import AttnError, UsageError
from attncli.escape import quoted

if TYPE_CHECKING:
    from attncli.result import AttentionResult
    from attncli.text.sentences import Sentence

_PART = "Part"
_FEW_HEADS = 4  # more are shown as their mean, unless asked for
Layer: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="N", help="Layers: 0, 2,5, 0-3 or -1 (the last).", rich_help_panel=_PART),
]
Head: TypeAlias = Annotated[
    str | None, typer.Option(metavar="N", help="Heads, as --layer.", rich_help_panel=_PART)
]
Agg: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="HOW",
        help="mean or max over heads; over others: mean:layers, mean:heads,layers.",
        rich_help_panel=_PART,
    ),
]
Merge: TypeAlias = Annotated[
    bool, typer.Option("--merge", help="Merge word pieces into words.", rich_help_panel=_PART)
]
Hide: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TOKEN",
        help='Hide a token, such as "[CLS]"; "special" hides all special ones. May be repeated.',
        rich_help_panel=_PART,
        show_default=False,
    ),
]


def selected(
    result: "AttentionResult",
    *,
    layer: str | None = None,
    head: str | None = None,
    agg: str | None = None,
    merge: bool = False,
    hide: list[str] | None = None,
) -> "AttentionResult":
    """The part of a result that the options choose.

    Raises: UsageError for a layer or head that does not exist, or an option that cannot be read.
    """
    from attncli.insight.select import aggregate, select_heads, select_layers
    from attncli.insight.tokens import hide_tokens, merge_pieces

    if layer is not None:
        result = select_layers(result, _indices(layer, result.attention.n_layers, "--layer"))
    if head is not None:
        result = select_heads(result, _indices(head, result.attention.n_heads, "--head"))
    if merge:
        result = merge_pieces(result)
    if hide:
        names = [name for name in hide if name != "special"]
        result = hide_tokens(result, names, special="special" in hide)
    if agg is not None:
        how, _, over = agg.partition(":")
        axes = [axis.strip() for axis in (over or "heads").split(",")]
        if how not in ("mean", "max") or not set(axes) <= {"heads", "layers"}:
            raise UsageError(
                f"found {quoted(agg)}, expected mean or max, perhaps with :heads, :layers or "
                ":heads,layers",
                place="--agg",
            )
        result = aggregate(result, axes, how)  # type: ignore[arg-type]  # checked above
    return result


def of_outcomes(
    outcomes: "Iterable[tuple[Sentence, AttentionResult | AttnError]]",
    *,
    layer: str | None,
    head: str | None,
    agg: str | None,
) -> "Iterator[tuple[Sentence, AttentionResult | AttnError]]":
    """The outcomes, each result cut down to the part that the options choose.

    `agg` "many" stands for the mean of the heads where there are more than four.
    """
    for sentence, outcome in outcomes:
        if isinstance(outcome, AttnError):
            yield sentence, outcome
            continue
        how = agg
        if agg == "many":
            how = "mean" if outcome.attention.n_heads > _FEW_HEADS else None
        yield sentence, selected(outcome, layer=layer, head=head, agg=how)


def _indices(value: str, size: int, option: str) -> list[int]:
    """Numbers and ranges, as 0,2-4,-1."""
    indices: list[int] = []
    for part in value.split(","):
        first, dash, last = part.strip().rpartition("-")
        try:
            if dash and first:
                low, high = int(first), int(last)
                indices += range(low, high + 1)
                if high < low:
                    raise ValueError
            else:
                indices.append(int(part))
        except ValueError:
            raise UsageError(
                f"found {quoted(value)}, expected numbers such as 0, 2,5, 0-3 or -1", place=option
            ) from None
    if len(indices) > size:
        indices = list(dict.fromkeys(indices))
    return indices
