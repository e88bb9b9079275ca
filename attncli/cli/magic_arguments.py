"""A line of a notebook → arguments: cut as a shell cuts it, with values of the notebook in it.

`$name` and `{expression}` are replaced as IPython does, but the value never becomes more than it is: a
blank, a quote or a dash in it stays a part of one argument.
"""

import re
import shlex
import string
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeGuard

_NAME = re.compile(r"\$(\$|[^\W\d]\w*(?:\.[^\W\d]\w*)*)")
_OPTION = re.compile(r"-[^\d.]")
_FREE = range(0xF0000, 0x110000)  # characters that nobody types, each for a value


def arguments_of(line: str, names: Mapping[str, Any]) -> list[str]:
    """The arguments of a line. What is no name and no expression of the notebook stays as it is.

    A list of texts, alone in an argument, is an argument for each. Raises: ValueError for a quote
    that is not closed, and for a value that would be read as an option.

    >>> arguments_of('explain "$first" --seed {1 + 1}', {"first": 'say "bank"'})
    ['explain', 'say "bank"', '--seed', '2']
    """
    free = (chr(code) for code in _FREE if chr(code) not in line)
    values: dict[str, Any] = {}

    def held(value: Any) -> str:
        mark = next(free)
        values[mark] = value
        return mark

    marked = "".join(_marked(line, names, held))
    return list(_filled(_cut(marked, line), values))


def _marked(line: str, names: Mapping[str, Any], held: Callable[[Any], str]) -> Iterator[str]:
    """The line with a mark in the place of each value."""
    for literal, field in _fields(line):
        yield from _with_names(literal, names, held)
        if field is None:
            continue
        try:
            value = eval(field, dict(names))  # noqa: S307  (an expression of the user's own cell)
        except Exception:
            yield f"{{{field}}}"
        else:
            yield held(value)


def _fields(line: str) -> list[tuple[str, str | None]]:
    """The literal parts of a line, each with the expression in braces that follows it."""
    try:
        parts = list(string.Formatter().parse(line))
    except ValueError:  # a brace that is alone
        return [(line, None)]
    fields: list[tuple[str, str | None]] = []
    for literal, field, spec, conversion in parts:
        whole = field
        if field is not None:
            whole = field + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
        fields.append((literal, whole))
    return fields


def _with_names(text: str, names: Mapping[str, Any], held: Callable[[Any], str]) -> Iterator[str]:
    end = 0
    for match in _NAME.finditer(text):
        yield text[end : match.start()]
        end = match.end()
        quoted = text[: match.start()].count("'") % 2 and "'" in text[end:]
        yield match.group() if quoted else _value(match.group(1), match.group(), names, held)
    yield text[end:]


def _value(name: str, written: str, names: Mapping[str, Any], held: Callable[[Any], str]) -> str:
    """The mark of a value; "$$" is a dollar, and what is no name stays."""
    if name == "$":
        return "$"
    first, *attributes = name.split(".")
    if first not in names:
        return written
    value = names[first]
    for attribute in attributes:
        if not hasattr(value, attribute):
            return written
        value = getattr(value, attribute)
    return held(value)


def _cut(marked: str, line: str) -> list[str]:
    lexer = shlex.shlex(marked, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters = True, ""
    if sys.platform == "win32":
        lexer.escape = ""  # it parts folders
    try:
        return list(lexer)
    except ValueError:
        raise ValueError(f"found a quote that is not closed in: {line.strip()}") from None


def _filled(arguments: list[str], values: Mapping[str, Any]) -> Iterator[str]:
    """The arguments with their values. Raises: ValueError where one would be read as an option."""
    ended = False
    for argument in arguments:
        value = values.get(argument)
        filled = "".join(str(values.get(char, char)) for char in argument)
        for text in value if _is_texts(value) else [filled]:
            if argument[:1] in values and not ended and _OPTION.match(text):
                raise ValueError(
                    f"found a value that begins with -: {text[:40]!r}, expected -- before it"
                )
            yield text
        ended = ended or argument == "--"


def _is_texts(value: Any) -> "TypeGuard[Sequence[str]]":
    return isinstance(value, list | tuple) and all(isinstance(text, str) for text in value)
