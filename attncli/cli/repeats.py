"""Options that are given more than once: lists are joined; of others the last counts, with a note."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

_LISTS = (
    "--include",
    "--exclude",
    "--show",
    "--layer",
    "--head",
)  # of names or numbers with commas


class GivenOption(NamedTuple):
    """An option as it stands on the command line.

    `name` is its long name, empty for what is no option with a value; `taken` is the number of
    arguments that it fills: 2 for "--width 80", 1 for "--width=80".
    """

    name: str
    value: str | None
    taken: int


def without_repeats(command: Any, arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The arguments with repeated lists joined into one, and the names of other repeated options.

    `command` is what typer made of the app; options that may be repeated stay as they are.
    """
    start, options = _options(command, arguments)
    kept, lists = list(arguments[:start]), dict[str, tuple[int, list[str]]]()
    counts: Counter[str] = Counter()
    for place, given in _walked(arguments, start, options):
        taken = list(arguments[place : place + given.taken])
        if given.name in _LISTS and given.value is not None:
            if given.name in lists:
                lists[given.name][1].append(given.value)
                continue
            lists[given.name] = (len(kept), [given.value])
            taken = [given.name, given.value]
        elif given.value is not None and not options[given.name].multiple:
            counts[given.name] += 1
        kept += taken
    for name, (place, values) in lists.items():
        kept[place : place + 2] = [name, ",".join(values)]
    return kept, [name for name, count in counts.items() if count > 1]


def _options(command: Any, arguments: Sequence[str]) -> tuple[int, dict[str, Any]]:
    """Where the options of the command begin, and its options by every name they have."""
    start = 0
    while start < len(arguments) and hasattr(command, "commands"):
        if arguments[start] not in command.commands:
            return len(arguments), {}
        command = command.commands[arguments[start]]
        start += 1
    names: dict[str, Any] = {}
    for option in getattr(command, "params", ()):
        for name in (*option.opts, *option.secondary_opts):
            if name.startswith("-"):
                names[name] = option
    return start, names


def _walked(
    arguments: Sequence[str], start: int, options: dict[str, Any]
) -> Iterator[tuple[int, GivenOption]]:
    """Each argument except the values of options, with the option that it names, if any."""
    place = start
    while place < len(arguments):
        given = _given(arguments, place, options)
        yield place, given
        place += given.taken


def _given(arguments: Sequence[str], place: int, options: dict[str, Any]) -> GivenOption:
    text = arguments[place]
    if text == "--":
        return GivenOption("", None, len(arguments) - place)
    name, equals, attached = text.partition("=")
    value: str | None = attached if equals else None
    if name not in options and text[:1] == "-" and text[:2] in options:  # -oFILE
        name, value = text[:2], text[2:]
    option = options.get(name)
    if option is None or option.is_flag:
        return GivenOption("", None, 1)
    name = max(option.opts, key=len)
    if value is not None:
        return GivenOption(name, value, 1)
    if place + 1 == len(arguments):
        return GivenOption("", None, 1)
    return GivenOption(name, arguments[place + 1], 2)
