"""The map of all heads on a terminal: a cell a head, layers below one another, the strongest listed.

A cell is two columns wide and says the number without color too; where that is too wide it is one,
and a map that is still too wide is folded into blocks of heads.
"""

from collections.abc import Callable, Sequence

import numpy as np
from rich.segment import Segment

from attncli.arrays import FloatArray
from attncli.errors import field_name
from attncli.escape import isolated
from attncli.insight.heads import (
    HABITS,
    MOST,
    NO_HABIT,
    Habit,
    HeadMap,
    head_map,
    sink_share,
)
from attncli.results.names import axis_labels, full_name, is_named, pooling
from attncli.results.result import AttentionResult
from attncli.settings import HeadMeasure
from attncli.views.ink import Ink, Line, left, right, width_of, word, wrapped

LETTERS = {
    "first": "F",
    "previous": "P",
    "self": "S",
    "next": "N",
    "separators": "X",
    NO_HABIT: "-",
}
IN_WORDS: dict[HeadMeasure, str] = {
    "first": "the first token",
    "previous": "the token before",
    "self": "the token itself",
    "next": "the token after",
    "separators": "separators",
    "entropy": "entropy",
}
# Why no head has a number.
_WITHOUT: dict[HeadMeasure, str] = {
    "first": "the first token is hidden, or no other looks at it",
    "previous": "no token has the one before it among its keys",
    "self": "no token has itself among its keys",
    "next": "no token has the one after it among its keys",
    "separators": "there are no special tokens and no punctuation, or they are hidden",
}
_WITHOUT_ANY = "the first token and separators are hidden, or there are none"
_LABEL = 24  # columns of what a layer is called at most
_GAP = 1  # columns between cells
_EACH = 3  # heads that are listed of each measure
_ALONE = 8  # where there is one measure
_LEAST = 0.005  # what is less is not listed
_NAME = 17  # columns of the name of a measure in the list


def head_map_lines(
    result: AttentionResult, ink: Ink, *, width: int = 80, measure: HeadMeasure | None = None
) -> list[Line]:
    """The map of one measure, or of what each head does most; below it the strongest heads."""
    heads = head_map(result)
    lines = [[ink.bold(part)] for part in wrapped(ink.plain(map_title(measure)), width, 0)]
    size = _size(heads, width)
    lines += _grid(heads, measure, ink, width, size)
    legend = f"  {map_legend(heads, measure, size)}"
    lines += [[ink.dim(part)] for part in wrapped(ink.plain(legend), width, 2)]
    listed = strongest_lines_of(result, heads, measure, width)
    lines += [[], [ink.bold("the strongest heads")]] if listed else []
    for text in listed:
        lines += [[Segment(part)] for part in wrapped(ink.plain(text), width, 4)]
    if sink := sink_line(result, ink.word):
        lines += [[], *([Segment(part)] for part in wrapped(ink.plain(sink), width, 2))]
    return lines


def map_title(measure: HeadMeasure | None) -> str:
    """What the map shows, in a line."""
    if measure is None:
        return "heads: what each looks at most, and tenths of its weight there"
    if measure == "entropy":
        return "heads: entropy of the rows of each, in nats"
    return f"heads: the weight of each on {IN_WORDS[measure]}"


def map_legend(heads: HeadMap, measure: HeadMeasure | None, size: int = 2) -> str:
    """What the signs in the cells mean, which have one or two columns."""
    if measure is None:
        if all(np.isnan(heads.values[name]).all() for name in HABITS):
            return f"no head has a number here: {_WITHOUT_ANY}"
        named = ", ".join(f"{LETTERS[name]} {IN_WORDS[name]}" for name in habits_of(heads))
        tenths = "; F9 is 90 % or more" if size == 2 else ""
        return f"{named}; capitals from half of the weight on{tenths}"
    if np.isnan(heads.values[measure]).all():
        return f"no head has this number: {_WITHOUT.get(measure, 'every key is masked')}"
    if measure == "entropy":
        most = (
            f"at most ln {heads.n_keys} = {np.log(heads.n_keys):.2f}, where all weights are alike"
        )
        return f"tenths of a nat: 15 is 1.5 to 1.6; {most}" if size == 2 else f"whole nats; {most}"
    if size == 2:
        return "hundredths of the weight: 71 is 71 % to 72 %, 99 is 99 % or more"
    return "tenths of the weight: 7 is 70 % to 80 %, 9 is 90 % or more"


def habits_of(heads: HeadMap) -> tuple[Habit, ...]:
    """What a head can do: no token of a text has itself or a neighbor among the keys of another."""
    if not np.isnan(heads.values["self"]).all():
        return HABITS
    known = tuple(name for name in HABITS if not np.isnan(heads.values[name]).all())
    return known or HABITS


def short_word(text: str) -> str:
    """A word in a line of a file: its controls visible, cut where it is long, of its own direction."""
    return isolated(word(text))


def sink_line(result: AttentionResult, shown: Callable[[str], str]) -> str:
    """That the first token takes most of the weight, and what shows the rest; else nothing."""
    share = sink_share(result)
    if share <= MOST:
        return ""
    return (
        f'the first token "{shown(result.words[0])}" takes {share:.0%} of the weight (a sink); '
        f"{field_name('part.hide')} first shows the rest"
    )


def labels_of(heads: HeadMap) -> tuple[list[str], list[str]]:
    """What stands before the rows and above the columns: layers and heads."""
    return [_of_layer(label) for label in heads.layers], list(heads.heads)


def cells_of(heads: HeadMap, measure: HeadMeasure | None) -> tuple[list[list[str]], FloatArray]:
    """What stands in the cell of each head, two characters, and its share of the colors, 0 to 1.

    Shapes: both (n_layers, n_heads).
    """
    if measure is None:
        names, shares = heads.habits()
        texts = [
            [_habit(name, share) for name, share in zip(*row, strict=True)]
            for row in zip(names, shares.tolist(), strict=True)
        ]
        return texts, shares
    values, shares = heads.values[measure], np.nan_to_num(heads.shares(measure))
    times = 10 if measure == "entropy" else 100
    texts = [
        [".." if np.isnan(value) else f"{min(int(value * times + 1e-6), 99):2d}" for value in row]
        for row in values.tolist()
    ]
    return texts, shares


def _habit(name: str, share: float) -> str:
    letter = LETTERS[name]
    letter = letter if share >= MOST else letter.lower()
    return f"{letter}{min(int(share * 10 + 1e-6), 9)}" if name else ".."


def _label_width(heads: HeadMap, width: int) -> int:
    """Columns of the names of layers."""
    longest = max(width_of(_of_layer(label)) for label in heads.layers)
    return min(longest, max(8, min(_LABEL, width // 3)))


def _of_layer(label: str) -> str:
    return f"layer {label}" if label.isdecimal() else label


def _size(heads: HeadMap, width: int) -> int:
    """Columns of a cell: two where all heads stand beside one another so, else one."""
    room = width - _label_width(heads, width) - 3
    return 2 if len(heads.heads) * (2 + _GAP) <= room + _GAP else 1


def _grid(
    heads: HeadMap, measure: HeadMeasure | None, ink: Ink, width: int, size: int
) -> list[Line]:
    texts, shares = cells_of(heads, measure)
    indent = _label_width(heads, width)
    labels = [right(ink.word(_of_layer(label), indent), indent) for label in heads.layers]
    per_block = max((width - indent - 3 + _GAP) // (size + _GAP), 1)
    lines: list[Line] = []
    for start in range(0, len(heads.heads), per_block):
        places = range(start, min(start + per_block, len(heads.heads)))
        lines += [[]] if lines else []
        numbers = ink.word(_numbers(heads.heads, places, size), max(width - indent - 3, 4))
        lines.append([ink.dim(f"  {right('head', indent)} {numbers}")])
        for layer, label in enumerate(labels):
            cells = [
                ink.weight(_cut(texts[layer][head], size), float(shares[layer, head]))
                for head in places
            ]
            spaced = [part for cell in cells for part in (cell, Segment(" " * _GAP))][:-1]
            lines.append([Segment(f"  {label} "), *spaced])
    return lines


def _cut(text: str, size: int) -> str:
    """A cell of one column: the letter, or the first of the two digits."""
    return text if size == 2 else text[0].replace(" ", "0")


def _numbers(heads: Sequence[str], places: Sequence[int], size: int) -> str:
    """The numbers of these heads above their columns, as many as there is room for."""
    if len(heads) == 1:
        return heads[0]
    step = 1 if size == 2 and max(map(len, heads)) <= 2 else 4
    return "".join(
        left(right(heads[head], size), (size + _GAP) * step) for head in places[::step]
    ).rstrip()


def strongest_lines_of(
    result: AttentionResult, heads: HeadMap, measure: HeadMeasure | None, width: int
) -> list[str]:
    """The heads that do most of a measure, a line each; without one a line for each habit."""
    return [
        line
        for name in (HABITS if measure is None else (measure,))
        for line in _strongest(result, heads, name, width, alone=measure is not None)
    ]


def _strongest(
    result: AttentionResult, heads: HeadMap, measure: HeadMeasure, width: int, *, alone: bool
) -> list[str]:
    """The heads that do most of one thing, and how to go to each: a line, or a line each."""
    listed = [
        f"{amount(measure, float(heads.values[measure][at]))}  {way_to(result, *at)}"
        for at in heads.strongest(measure, _ALONE if alone else _EACH)
        if heads.values[measure][at] >= _LEAST
    ]
    if alone or not listed:
        return [f"  {text}" for text in listed]
    line = f"  {left(IN_WORDS[measure], _NAME)}{listed[0]}"
    for text in listed[1:]:
        if width_of(line) + width_of(text) + 3 > width:
            break  # the others are in the map
        line += f"   {text}"
    return [line]


def amount(measure: HeadMeasure, value: float) -> str:
    """A number of a head as it is read: a percentage, or nats."""
    return f"{value:.2f} nats" if measure == "entropy" else f"{value:4.0%}"


def way_to(result: AttentionResult, layer: int, head: int) -> str:
    """The options that lead to one head; its name where there is nothing to choose."""
    parts = []
    if not pooling(result, "layers") and is_named(result, "layers"):
        parts.append(("part.layers", axis_labels(result, "layers")[layer]))
    if not pooling(result, "heads") and is_named(result, "heads"):
        parts.append(("part.heads", axis_labels(result, "heads")[head]))
    way = " ".join(f"{field_name(name)} {number}" for name, number in parts)
    return way or full_name(result, layer, head)
