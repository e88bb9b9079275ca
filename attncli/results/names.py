"""What the layers, heads and matrices of a result are called.

A part of a larger result has positions, 0 and 1, and names, "layer 3" and "layer 5": its `selection`
keeps them. Whatever shows, writes, reads, compares or chooses matrices takes their names from here.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias

from attncli.errors import UsageError, field_name
from attncli.results.facts import AttentionSettings

Axis: TypeAlias = Literal["layers", "heads"]
AXES: tuple[Axis, Axis] = ("layers", "heads")
VECTORS_AFTER = "vectors_after"  # in a selection: the layer of the new vectors, which is not shown

_NUMBER = "[0-9]{1,9}"
_POOLED = (
    "(?P<how>mean|max) of (?P<axis>layers|heads) "
    "(?P<numbers>[0-9]{1,5}–[0-9]{1,5}|[0-9]{1,5}(?:, [0-9]{1,5})*)"
)


class Named(Protocol):
    """What has matrices with names: a result, or a stack of results."""

    @property
    def attention(self) -> AttentionSettings:
        """How many layers and heads there are."""

    @property
    def selection(self) -> Mapping[str, Any] | None:
        """Which layers and heads of a larger result these are."""


def axis_numbers(result: Named, axis: Axis) -> list[int]:
    """The number of each layer or head in the model it came from, counted from 0.

    What was drawn together from several has the number of its position.
    """
    size = getattr(result.attention, f"n_{axis}")
    chosen = (result.selection or {}).get(axis)
    if chosen is None or len(chosen) != size or pooling(result, axis):
        return list(range(size))
    return [int(number) for number in chosen]


def pooling(result: Named, axis: Axis) -> str:
    """How the layers or heads were drawn together, "mean" or "max"; empty where they were not."""
    return str((result.selection or {}).get(f"{axis}_pooled") or "")


def axis_labels(result: Named, axis: Axis) -> list[str]:
    """What a column of a table says of each layer or head: "3", or "mean of heads 0–11"."""
    how = pooling(result, axis)
    if how:
        return [f"{how} of {ranges(axis, (result.selection or {}).get(axis, ()))}"]
    return [str(number) for number in axis_numbers(result, axis)]


def axis_names(result: Named, axis: Axis) -> list[str]:
    """The name of each layer or head: "layer 3", or "mean of heads 0–11"."""
    labels = axis_labels(result, axis)
    return labels if pooling(result, axis) else [f"{axis[:-1]} {label}" for label in labels]


def is_named(result: Named, axis: Axis) -> bool:
    """Whether the layers or heads are several, or were chosen from several."""
    return getattr(result.attention, f"n_{axis}") > 1 or axis in (result.selection or {})


def matrix_name(result: Named, layer: int, head: int) -> str:
    """The name of one of several matrices, "layer 5, head 3"; empty when there is only one."""
    places = zip(AXES, (layer, head), strict=True)
    return ", ".join(
        axis_names(result, axis)[at]
        for axis, at in places
        if getattr(result.attention, f"n_{axis}") > 1
    )


def full_name(result: Named, layer: int, head: int) -> str:
    """The name of a matrix with all that was chosen, "layer 5, mean of heads 0–11".

    Empty for the one matrix of a result that has no other.
    """
    places = zip(AXES, (layer, head), strict=True)
    return ", ".join(axis_names(result, axis)[at] for axis, at in places if is_named(result, axis))


def positions(result: Named, axis: Axis, chosen: Sequence[int]) -> list[int]:
    """Where the layers or heads with these numbers are; −1 is that with the highest number.

    Raises: UsageError when one is not there, which says what is.
    """
    if how := pooling(result, axis):
        if set(chosen) == {-1}:
            return [0]
        listed = ranges(axis, (result.selection or {}).get(axis, ()))
        raise UsageError(
            f"found {', '.join(map(str, chosen))}, but only the {how} of {listed} is here",
            place=field_name(f"part.{axis}"),
        )
    numbers = axis_numbers(result, axis)
    return [numbers.index(number) for number in checked_numbers(chosen, numbers, axis)]


def mean_of_heads(result: Named) -> str:
    """What the mean of a layer's heads is called: "mean of 12 heads", "mean of heads 3, 1", "head 3".

    Empty where there is one head that nobody chose.
    """
    numbers = (result.selection or {}).get("heads")
    if numbers is None:
        count = result.attention.n_heads
        return f"mean of {count} heads" if count > 1 else ""
    how = pooling(result, "heads") or ("mean" if len(numbers) > 1 else "")
    return f"{how} of {ranges('heads', numbers)}" if how else ranges("heads", numbers)


def last_layer(result: Named) -> int:
    """The position of the layer with the highest number: the new vectors are what leaves it."""
    numbers = axis_numbers(result, "layers")
    return numbers.index(max(numbers))


def layer_of_vectors(result: Named) -> int:
    """The number, in the model, of the layer that the new vectors leave.

    It is the highest of the layers, pooled ones too, unless a choice left that layer out.
    """
    selection = result.selection or {}
    if VECTORS_AFTER in selection:
        return int(selection[VECTORS_AFTER])
    return max(selection.get("layers") or axis_numbers(result, "layers"))


def checked_numbers(chosen: Sequence[int], numbers: Sequence[int], axis: Axis) -> list[int]:
    """Those of the `numbers` that are chosen, each once; negative ones count from the highest.

    Raises: UsageError when one does not exist.
    """
    place, rising = field_name(f"part.{axis}"), sorted(set(numbers))
    plain = rising == list(range(len(rising)))
    there = f"0…{len(rising) - 1}" if plain else ranges(axis, list(numbers))
    if not chosen:
        raise UsageError(f"no {axis} chosen, expected some of {there}", place=place)
    for number in chosen:
        if number not in rising and not -len(rising) <= number < 0:
            last = f"−{len(rising)}…−1" if len(rising) > 1 else "−1"
            raise UsageError(
                f"found {number}, expected {there} (or {last} from the end)", place=place
            )
    return list(dict.fromkeys(rising[number] if number < 0 else number for number in chosen))


def describe(selection: Mapping[str, Any] | None, shown: Callable[[str], str] = str) -> str:
    """What a selection shows, for a caption: "layer 5 · mean of heads 0–11 · pieces merged".

    Hidden words are as `shown` gives them.

    >>> describe({"layers": [5], "heads": [0, 1, 2], "heads_pooled": "mean"})
    'layer 5 · mean of heads 0–2'
    """
    if not selection:
        return ""
    parts = []
    for axis in AXES:
        if axis in selection:
            named = ranges(axis, selection[axis])
            pooled = selection.get(f"{axis}_pooled")
            parts.append(f"{pooled} of {named}" if pooled else named)
    if selection.get("merged"):
        parts.append("pieces merged")
    if VECTORS_AFTER in selection:
        parts.append(f"new vectors after layer {selection[VECTORS_AFTER]}")
    if selection.get("hidden"):
        parts.append("hidden: " + " ".join(map(shown, selection["hidden"])))
    return " · ".join(parts)


def ranges(axis: Axis, numbers: Sequence[int]) -> str:
    """Layers or heads in words: "layer 5", "heads 0–11", "layers 3, 1"."""
    name = axis if len(numbers) != 1 else axis[:-1]
    whole = list(range(numbers[0], numbers[0] + len(numbers))) if numbers else []
    if len(numbers) > 2 and list(numbers) == whole:
        return f"{name} {numbers[0]}–{numbers[-1]}"
    return f"{name} " + ", ".join(str(number) for number in numbers)


def selection_of(layers: Sequence[str], heads: Sequence[str]) -> dict[str, Any]:
    """The selection that `axis_labels` were written from; empty where nothing was chosen.

    Labels of others, which are no numbers, say nothing.

    >>> selection_of(["3", "1"], ["mean of heads 0–2"])
    {'layers': [3, 1], 'heads': [0, 1, 2], 'heads_pooled': 'mean'}
    """
    selection: dict[str, Any] = {}
    for axis, labels in zip(AXES, (layers, heads), strict=True):
        pooled = re.fullmatch(_POOLED, labels[0]) if len(labels) == 1 else None
        if pooled is not None and pooled["axis"] == axis:
            selection[axis] = _listed(pooled["numbers"])
            selection[f"{axis}_pooled"] = pooled["how"]
        elif all(re.fullmatch(_NUMBER, label) for label in labels):
            numbers = [int(label) for label in labels]
            if numbers != list(range(len(numbers))):
                selection[axis] = numbers
    return selection


def _listed(text: str) -> list[int]:
    """The numbers of "0–11" or "3, 1"."""
    first, dash, last = text.partition("–")
    if dash:
        return list(range(int(first), int(last) + 1))
    return [int(number) for number in text.split(", ")]
