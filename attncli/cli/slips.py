"""What a command line that is refused was probably meant to be.

Loaded when one is.
"""

import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from attncli.cli.terminal import hint, message
from attncli.errors.wording import nearest, typed

_COMMON = 20_000  # words of English, by their rank; rarer ones are slips as well
_OF_RESULTS = (".json", ".jsonl", ".npz", ".npy", ".safetensors", ".parquet", ".arrow", ".feather")
_TYPED = 160  # characters of a command line that a hint repeats


class KnownNames(NamedTuple):
    """The commands, and the names among which a word of a command line was looked for."""

    commands: Collection[str]
    beside: Callable[[str, Sequence[str]], list[str]]


def say_slip(fault: Any, arguments: Sequence[str], names: KnownNames) -> None:
    """Says what typer refuses, as it was probably meant, with the line that does it."""
    text, context = str(fault.format_message()), getattr(fault, "ctx", None)
    text = " ".join(text.split()).rstrip(".")[:400]
    is_command = re.match("No such command", text) is not None
    path = getattr(context, "command_path", "attn")
    if path == "attn" and not is_command and arguments and arguments[0] in names.commands:
        path = f"attn {arguments[0]}"
    option = getattr(fault, "option_name", None)
    sentence = next(
        (a for a in arguments if option and a.startswith(str(option)) and " " in a), None
    )
    text = re.sub(r"[.;\s]*Did you mean .*\?$", "", text)  # typer's own, of names less near
    meant, line = _meant(text, arguments, names, context)
    message("error", f"{text}; did you mean {meant}?" if meant else text)
    if line:
        hint(line)
    elif sentence is not None:  # a sentence that begins with "-"
        hint(f"{path} -- {typed(sentence)}")
    elif path == "attn" and is_command:
        hint(_of_words(arguments))
    if not line.endswith("--help"):
        hint(f"{path} --help")


def _meant(
    text: str, arguments: Sequence[str], known: KnownNames, context: Any = None
) -> tuple[str, str]:
    """What typer refuses as it was probably meant, and the whole line with it; or nothing."""
    flag = re.match(r"Option '(--[a-z-]+)' does not take a value", text)
    if flag is not None:
        name = flag.group(1)
        return "", _line([name if a.startswith(f"{name}=") else a for a in arguments])
    command = re.match(r"No such command '(.*?)'", text)
    if command is not None and (instead := _instead(arguments, known.commands)):
        return "", instead
    option = re.match(r"No such option: (\S+)", text)
    value = re.search(r"'([^']*)' is not one of (.+)$", text)
    if command is not None:
        given, names = command.group(1), known.beside(command.group(1), arguments)
    elif option is not None and _is_mask(option.group(1), text, arguments):
        at = arguments.index(option.group(1))
        rest = arguments[at + 1 :][arguments[at + 1 : at + 2] == ["causal"] :]
        return "--causal", _line([*arguments[:at], "--causal", *rest])
    elif option is not None:
        given, names = option.group(1), re.findall(r"--[a-z][a-z-]*", text[option.end() :])
    elif value is not None:
        given, names = value.group(1), re.findall(r"'([^']*)'", value.group(2))
    else:
        return "", ""
    meant = nearest(given, names)
    if command is not None and meant in known.commands and _is_word(given, str(meant)):
        return "", ""
    places = [i for i, a in enumerate(arguments) if given in (a, *a.split("=", 1))]
    if meant is None or not places:
        return meant or "", ""
    at = places[0]
    after = arguments[at + 1 :]
    operand = [] if "=" in arguments[at] or after else _value_of(meant, context)
    line = [*arguments[:at], meant.join(arguments[at].rsplit(given, 1)), *operand, *after]
    return meant, _line(line)


def _value_of(option: str, context: Any) -> list[str]:
    """What stands for the value of an option in its help, as N; nothing where it takes none."""
    options = getattr(getattr(context, "command", None), "params", ())
    named = next((each for each in options if option in each.opts), None)
    if named is None or getattr(named, "is_flag", False) or getattr(named, "count", False):
        return []
    return [str(named.metavar or named.make_metavar(context))]


def _instead(arguments: Sequence[str], commands: Collection[str]) -> str:
    """The line for words that other programs take for commands, and for the program's own name."""
    first, *rest = arguments
    if first == "attn" and rest and rest[0] in commands:
        return _line(rest)
    return "attn --version" if first == "version" and not rest else ""


def _of_words(arguments: Sequence[str]) -> str:
    """The line that attends to these words, or shows the file that they name."""
    from attncli.files.paths import is_file

    words = [argument for argument in arguments if not argument.startswith("-")]
    if len(words) == 1 and is_file(Path(words[0])):
        of_results = words[0].lower().endswith(_OF_RESULTS)
        return _line(
            ["view" if of_results else "explain", *([] if of_results else ["--file"]), words[0]]
        )
    return f"attn explain {typed(' '.join(words))}"


def _is_word(given: str, meant: str) -> bool:
    """Whether this is a word of its own, and not a slip or a form of the command's name."""
    if given.casefold().startswith((meant, meant.removesuffix("s"))):
        return False
    from attncli.api.known import rank_of

    rank = rank_of(given)
    return rank is not None and rank < _COMMON


def _is_mask(given: str, text: str, arguments: Sequence[str]) -> bool:
    """Whether an option is nearly --mask, which other tools have; here the mask is --causal."""
    names = re.findall(r"--[a-z][a-z-]*", text)[1:]
    fits = arguments[0] in ("explain", "compare", "batch") and given in arguments
    return fits and nearest(given, ["--mask", "--max-tokens"[: len(given)], *names]) == "--mask"


def _line(arguments: Sequence[str]) -> str:
    """The command line of these arguments; one that is too long to be typed ends in its help."""
    line = " ".join(["attn", *map(typed, arguments)])
    if not arguments[0].startswith("-") and (len(line) > _TYPED or len(arguments) == 1):
        return f"attn {arguments[0]} --help"
    return line
