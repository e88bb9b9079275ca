"""Options that choose a part of a result: layers, heads, their mean, words instead of pieces."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from attncli.cli.options import CHOOSING, option, switch
from attncli.errors import UsageError
from attncli.errors.wording import did_you_mean, quoted
from attncli.settings import Which

if TYPE_CHECKING:
    from attncli.insight.chosen_part import Part

_MOST = 100_000  # layers or heads in a range
# What chooses a part of a result, in groups by the names of their fields.
CHOOSING_OPTIONS: dict[str, Any] = {
    "layer": option(CHOOSING, "N", "Layers to show: 0, 2,5, 0-3 or -1 (the last)."),
    "head": option(CHOOSING, "N", "Heads to show, as --layer."),
    "agg": option(
        CHOOSING, "HOW", "Mean or max over heads, or over others: mean:layers, mean:heads,layers."
    ),
    "merge": switch(CHOOSING, "Merge word pieces into words.", "--merge"),
    "hide": option(
        CHOOSING,
        "TOKEN",
        'Hide a token, such as "[CLS]"; "special" hides all special ones, "first" the first, on '
        "which many heads rest. May be repeated.",
    ),
    "part": option(
        CHOOSING,
        "PART",
        "Of an encoder with a decoder that reads --pair: encoder, decoder or cross, which is shown "
        "unless another is chosen; JSON, .npz, Parquet and Arrow hold all.",
    ),
}


def part_of(
    *,
    layer: str | None = None,
    head: str | None = None,
    agg: str | None = None,
    merge: bool = False,
    hide: Sequence[str] | None = None,
    part: Which | None = None,
) -> "Part":
    """The part that the options choose. Raises: UsageError for one that cannot be read."""
    from attncli.insight.chosen_part import Part

    how, _, over = (agg or "").partition(":")
    axes = tuple(axis.strip() for axis in (over or "heads").split(","))
    if agg is not None and (how not in ("mean", "max") or not set(axes) <= {"heads", "layers"}):
        raise UsageError(
            f"found {quoted(agg)}, expected mean or max, perhaps with :heads, :layers or "
            ":heads,layers" + did_you_mean(how, ("mean", "max")),
            place="--agg",
        )
    return Part(
        layers=None if layer is None else _indices(layer, "--layer"),
        heads=None if head is None else _indices(head, "--head"),
        merge=merge,
        hide=tuple(hide or ()),
        over=() if agg is None else axes,  # type: ignore[arg-type]  # checked above
        how="max" if how == "max" else "mean",
        which=part,
    )


def part_of_options(options: object) -> "Part":
    """The part that a group of options chooses, as `part_of`."""
    return part_of(**{name: getattr(options, name) for name in CHOOSING_OPTIONS})


def _indices(value: str, place: str) -> tuple[int, ...]:
    """Numbers and ranges, as 0,2-4,-1."""
    indices: list[int] = []
    for one in value.split(","):
        first, dash, last = one.strip().rpartition("-")
        try:
            if dash and first:
                low, high = int(first), int(last)
                if not low <= high <= _MOST:
                    raise ValueError
                indices += range(low, high + 1)
            else:
                indices.append(int(one))
        except ValueError:
            raise UsageError(
                f"found {quoted(value)}, expected numbers such as 0, 2,5, 0-3 or -1", place=place
            ) from None
    return tuple(dict.fromkeys(indices))
