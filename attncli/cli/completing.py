"""What shells are told while a command line is typed: names of vectors, models, sections, words.

Loaded only when a shell asks. A name that begins otherwise is not told; where nothing is told the
shell completes files.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import typer

Names = Callable[[Any], Iterable[str]]


def completer(kind: str) -> Callable[..., list[str]]:
    """The function that typer asks for the rest of a value of this kind."""
    names, in_lists = _KINDS[kind]

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",") if in_lists else ("", "", incomplete)
        taken = before.split(",")
        given = dict.fromkeys(names(ctx))
        return [f"{before}{comma}{n}" for n in given if n.startswith(last) and n not in taken]

    return complete


def _vectors(ctx: Any) -> Iterable[str]:
    from attncli.api.known import vector_names

    return vector_names()


def _models(ctx: Any) -> Iterable[str]:
    from attncli.api.known import model_names

    return model_names(Path())


def _sections(ctx: Any) -> Iterable[str]:
    from attncli.views.layout import SECTIONS

    return (*SECTIONS, "all")


def _fields(ctx: Any) -> Iterable[str]:
    from attncli.results.fields import ON_REQUEST

    return ON_REQUEST


def _left_out(ctx: Any) -> Iterable[str]:
    from attncli.results.fields import DEFAULT_FIELDS

    return DEFAULT_FIELDS


def _words(ctx: Any) -> Iterable[str]:
    """The words of the sentences that are typed already."""
    from attncli.api.known import words_in

    loose = [
        text for text in ctx.args if not text.startswith("-")
    ]  # beside an option without value
    for text in (*(ctx.params.get("texts") or ()), *loose):
        yield from words_in(text)


# Each kind with its names, and whether values are lists with commas.
_KINDS: dict[str, tuple[Names, bool]] = {
    "vectors": (_vectors, False),
    "models": (_models, False),
    "sections": (_sections, True),
    "fields": (_fields, True),
    "left out": (_left_out, True),
    "words": (_words, True),
    "word": (_words, False),
}
