"""The help of a command: a short one for -h, the whole for --help.

Both are made of the options themselves, which carry the title of their group. What standard output
cannot hold is spelled before lines are folded, so that no line grows afterwards.
"""

import inspect
import re
from collections.abc import Iterable, Sequence
from typing import Any

from attncli.cli.about import ENVIRONMENT, EXIT_CODES, MOST_USED, PAGES, USED
from attncli.cli.options import OTHER, TITLES
from attncli.cli.terminal import encodable

_NARROW = 60  # columns; below, what a name means stands under it
_LONGEST = 24  # characters of an option that has its meaning beside it
_SHORT = 55  # characters of a meaning that keep to one line of 80 columns
_EXAMPLES = 2  # of a short help
_HELP = (("-h", "Show the short help and exit."), ("--help", "Show the whole help and exit."))
Rows = Sequence[tuple[str, str]]


def short_help(command: Any, context: Any) -> str:
    """Usage, what the command does, its commands or most used options, two examples."""
    page = context.make_formatter()
    _usage(command, context, page)
    _paragraph(page, help_summary(command))
    if commands := _commands(command, context):
        _section(page, "Commands", commands)
    elif options := _most_used(command, context):
        _section(page, "Options", options)
    if examples := examples_of(command)[:_EXAMPLES]:
        _lines(page, "Examples", examples)
    count = len(_options(command, context))
    every = "the rest" if commands or count <= MOST_USED else f"all {count} options"
    page.write_paragraph()
    page.write_text(f"{context.command_path} --help shows {every}.")
    return str(encodable(page.getvalue()).rstrip("\n"))


def whole_help(command: Any, context: Any) -> str:
    """Everything: the options in groups with titles, and where there is more to read."""
    page = context.make_formatter()
    _usage(command, context, page)
    for paragraph in paragraphs_of(command):
        _paragraph(page, paragraph)
    if commands := _commands(command, context):
        _section(page, "Commands", commands)
    if examples := examples_of(command):
        _lines(page, "Examples", examples)
    if arguments := records_of(command.params, context, "argument"):
        _section(page, "Arguments", arguments)
    groups = grouped_options(command, context)
    names = max(len(name) for rows in groups.values() for name, _ in rows)
    for title, rows in groups.items():
        _section(page, title, rows, names)
    if context.parent is None:
        for title, lines in _topics().items():
            _section(page, title, lines)
    else:
        page.write_paragraph()
        page.write_text(_more(context.command_path.split(" ")[1]))
    return str(encodable(page.getvalue()).rstrip("\n"))


def topic(name: str) -> str:
    """The section of the whole help that is called so, such as exit-codes; empty where none is."""
    for title, rows in _topics().items():
        if title.lower().replace(" ", "-") == name:
            names = max(len(key) for key, _ in rows)
            lines = [f"  {key:<{names}}  {text}" for key, text in rows]
            return str(encodable("\n".join([f"{title}:", *lines, ""])))
    return ""


def _topics() -> dict[str, Rows]:
    """What the help of attn itself tells beside its commands and options."""
    return {
        "Exit codes": [(str(code), text) for code, text in EXIT_CODES.items()],
        "Environment": ENVIRONMENT,
        "Documentation": [(name, text) for name, text, _ in PAGES],
    }


def help_summary(command: Any) -> str:
    """The line that says what a command does: the first paragraph of its help."""
    return paragraphs_of(command)[0]


def grouped_options(command: Any, context: Any) -> dict[str, list[tuple[str, str]]]:
    """The options of a command under their titles, in the order of `TITLES`, as rows of help."""
    groups: dict[str, list[tuple[str, str]]] = {title: [] for title in TITLES}
    for option in _options(command, context):
        groups[option.rich_help_panel or OTHER] += records_of([option], context, "option")
    groups[OTHER] += _HELP
    return {title: rows for title, rows in groups.items() if rows}


def _options(command: Any, context: Any) -> list[Any]:
    """The options that help shows, but for those that ask for help."""
    every = [param for param in command.params if param.param_type_name == "option"]
    return [option for option in every if option.get_help_record(context) is not None]


def records_of(params: Iterable[Any], context: Any, kind: str) -> list[tuple[str, str]]:
    """The options or arguments (the `kind`) among parameters, as rows of help."""
    rows = [p.get_help_record(context) for p in params if p.param_type_name == kind]
    return [(name, _readable(text)) for name, text in filter(None, rows)]


def _readable(text: str) -> str:
    """What typer writes of an option, with ranges in words: 1 to 9, 1 or more."""
    text = re.sub(r"; 0<=x<=9223372036854775807", "", text)
    text = re.sub(r"(\d+)<=x<=(\d+)", r"\1 to \2", text)
    return re.sub(r"x>=(\d+)", r"\1 or more", text)


def _most_used(command: Any, context: Any) -> list[tuple[str, str]]:
    """Ten options, or all where there are no more, each with the first sentence of its meaning."""
    options = _options(command, context)
    if len(options) > MOST_USED:
        used = USED[context.command_path.partition(" ")[2]].split()
        options = [option for option in options if used and max(option.opts, key=len) in used]
    ordered = sorted(options, key=lambda option: TITLES.index(option.rich_help_panel or OTHER))
    return [(option.get_help_record(context)[0], _in_short(option.help)) for option in ordered]


def _in_short(text: str) -> str:
    """The first sentence without its default; of a long one what stands before the colon."""
    sentence = re.split(r"(?<=\.) ", re.sub(r" \((default|0:)[^)]*\)", "", text))[0]
    return sentence if len(sentence) <= _SHORT else sentence.split(": ")[0].rstrip(".") + "."


def _commands(command: Any, context: Any) -> list[tuple[str, str]]:
    """Each command of a group with the whole line that says what it does."""
    return [(name, help_summary(inner)) for name, inner in getattr(command, "commands", {}).items()]


def paragraphs_of(command: Any) -> list[str]:
    """The paragraphs of a command's help, but for its examples."""
    text = inspect.cleandoc(command.help or "")
    return [" ".join(part.split()) for part in text.split("\n\n") if not part.startswith("\b")]


def examples_of(command: Any) -> list[str]:
    """The command lines that a command's help gives as examples."""
    text = inspect.cleandoc(command.help or "")
    return [line.strip() for line in text.partition("\b")[2].splitlines()[2:] if line]


def _more(command: str) -> str:
    pages = [name for name, _, commands in PAGES if command in commands]
    return f"More: {', '.join(pages)}. attn --help names exit codes and environment."


def _usage(command: Any, context: Any, page: Any) -> None:
    pieces = [piece.strip("{}") for piece in command.collect_usage_pieces(context)]
    page.write_usage(context.command_path, encodable(" ".join(pieces)))


def _paragraph(page: Any, text: str) -> None:
    page.write_paragraph()
    with page.indentation():
        page.write_text(encodable(text))


def _lines(page: Any, title: str, lines: Iterable[str]) -> None:
    """Lines to be typed as they stand, however long."""
    with page.section(title):
        for line in lines:
            page.write(f"{'':{page.current_indent}}{line}\n")


def _section(page: Any, title: str, rows: Rows, names: int = 0) -> None:
    """Rows of names and meanings; `names` is how wide the names are in sections beside this one."""
    spelled = [(encodable(name), encodable(text)) for name, text in rows]
    names = min(max([names, *(len(name) for name, _ in spelled)]), _LONGEST)
    with page.section(title):
        if page.width >= _NARROW or names < page.width // 3:
            page.write_dl([(name.ljust(names), text) for name, text in spelled], col_max=names)
            return
        for name, text in spelled:
            page.write(f"{'':{page.current_indent}}{name}\n")
            with page.indentation():
                page.write_text(text)
