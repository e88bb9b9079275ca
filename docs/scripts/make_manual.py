"""Makes manual pages, references and completion files from the code; `--check` compares.

    python docs/scripts/make_manual.py [--check]

`docs/man/attn.1` and a page for each command, `docs/reference/` commands and Python on a page each
(made by `references.py`), `docs/completions/` a file for each shell. The wheel installs the first and
the last where `man` and the shells look, below the environment's `share`. What typer writes for the shells is
not compared: it is tried in the shells.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import typer
from typer._completion_shared import get_completion_script

import attncli
from attncli.cli.about import ENVIRONMENT, EXIT_CODES, PAGES
from attncli.cli.app import COMMANDS, app_for
from attncli.cli.help import examples_of, grouped_options, paragraphs_of, records_of

sys.path.insert(0, str(Path(__file__).parent))
from references import commands_page, python_page

DOCS = Path(__file__).resolve().parents[1]
FOLDERS = ("man", "reference", "completions")
SHELLS = {"bash": "attn.bash", "zsh": "_attn", "fish": "attn.fish", "powershell": "attn.ps1"}


def escaped(text: str) -> str:
    """A text for groff: its own signs are no commands, others are named."""
    plain = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\[aq]")
    spelled = "".join(c if ord(c) < 127 else f"\\[u{ord(c):04X}]" for c in plain)
    return f"\\&{spelled}" if spelled.startswith(".") else spelled


def section(title: str, lines: Iterable[str]) -> Iterator[str]:
    """A section with its lines, which are groff already."""
    yield f".SH {escaped(title.upper())}"
    yield from lines


def listed(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Names with what they mean below."""
    for name, text in rows:
        yield from (".TP", f".B {escaped(name)}", escaped(text))


def typed(lines: Iterable[str]) -> Iterator[str]:
    """Lines as they are typed."""
    yield from (".nf", *(escaped(line) for line in lines), ".fi")


def manual_page(words: str, command: Any) -> str:
    """The page of a command, by the words that call it."""
    context = command.context_class(command, info_name=words)
    name = words.replace(" ", "-")
    summary, *more = paragraphs_of(command)
    usage = " ".join(piece.strip("{}") for piece in command.collect_usage_pieces(context))
    lines = [
        f'.TH {escaped(name.upper())} 1 "" "attn {escaped(attncli.__version__)}" "attn"',
        *section("Name", [f"{escaped(name)} \\- {escaped(summary.rstrip('.'))}"]),
        *section("Synopsis", [f".B {escaped(words)}", escaped(usage)]),
    ]
    if more:
        lines += section("Description", [part for text in more for part in (escaped(text), ".PP")])
    commands = getattr(command, "commands", {})
    if commands:
        inner = [(key, paragraphs_of(each)[0]) for key, each in commands.items()]
        lines += section("Commands", listed(inner))
    if arguments := records_of(command.params, context, "argument"):
        lines += section("Arguments", listed(arguments))
    for title, rows in grouped_options(command, context).items():
        lines += section(f"{title} options", listed(rows))
    if words == "attn":
        lines += section("Exit status", listed((str(c), text) for c, text in EXIT_CODES.items()))
        lines += section("Environment", listed(ENVIRONMENT))
        lines += section("Documentation", listed((page, text) for page, text, _ in PAGES))
    if examples := examples_of(command):
        lines += section("Examples", typed(examples))
    beside = [f"attn-{key}" for key in COMMANDS] if words == "attn" else ["attn"]
    also = ", ".join(f"\\fB{escaped(each)}\\fR(1)" for each in beside)
    return "\n".join([*lines, *section("See also", [also]), ""])


def every_command() -> Iterator[tuple[str, Any]]:
    """Each command with the words that call it, attn itself first."""
    top: Any = typer.main.get_command(app_for(()))
    yield "attn", top
    for name, command in top.commands.items():
        yield f"attn {name}", command
        for inner, each in getattr(command, "commands", {}).items():
            yield f"attn {name} {inner}", each


def every_file() -> dict[Path, str]:
    """The files with what is in them."""
    pages = {
        DOCS / "man" / f"{words.replace(' ', '-')}.1": manual_page(words, command)
        for words, command in every_command()
    }
    scripts = {
        DOCS / "completions" / file: get_completion_script(
            prog_name="attn", complete_var="_ATTN_COMPLETE", shell=shell
        )
        + "\n"
        for shell, file in SHELLS.items()
    }
    commands = dict(every_command())
    references = {
        DOCS / "reference" / "commands.md": commands_page(every_command()),
        DOCS / "reference" / "python.md": python_page(
            {name: commands[f"attn {name}"] for name in COMMANDS}
        ),
    }
    return pages | references | scripts


def main() -> None:
    """Writes the files, or compares them."""
    files = every_file()
    there = {path for name in FOLDERS for path in (DOCS / name).glob("*")}
    if "--check" in sys.argv:
        wrong = [
            path
            for path in files.keys() | there
            if path not in there
            or path not in files
            or (path.suffix in (".1", ".md") and path.read_text(encoding="utf-8") != files[path])
        ]
        if wrong:
            names = ", ".join(sorted(path.name for path in wrong))
            sys.exit(f"{names}: not what the commands say now; run make_manual.py")
        return
    for path in there - files.keys():
        path.unlink()
    for path, text in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
