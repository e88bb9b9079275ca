"""`attn config`: the user's own defaults, shown and kept."""

import os
from pathlib import Path
from typing import Annotated, Any

from attncli.cli import options as opt
from attncli.cli.config_path import config_file
from attncli.cli.habits import HABITS, habit_named, of_environment, read_habits, variable_of
from attncli.cli.options import OUTPUT, switch
from attncli.cli.terminal import message, write, write_record
from attncli.errors import DataError, UsageError
from attncli.errors.wording import visible
from attncli.files.paths import exists

app = opt.commands("config")

Key = Annotated[
    str,
    opt.argument("KEY", "An option without its dashes: width, or explain.width."),
]
Value = Annotated[str, opt.argument("VALUE", "What it is to be.")]
Json = Annotated[bool, switch(OUTPUT, "Print JSON.", "--json")]


@app.callback()
def _commands() -> None:
    """Keep your own defaults: color, width, vectors and others.

    \b
    Examples:
      attn config list
      attn config set width 100
      attn config set explain.precision 2
      attn config unset width
    """


@app.command("list")
def list_(json: Json = False) -> None:
    """List what can be set, what is set, and where.

    \b
    Examples:
      attn config list
      attn config list --json
    """
    path, variables = config_file(), of_environment()
    kept = read_habits(path) if path is not None and exists(path) else {}
    if json:
        file = None if path is None else visible(str(path))
        write_record({"config": file, "kept": kept, "variables": variables})
        return
    lines = [f"file: {visible(str(path)) if path is not None else 'none, ATTN_CONFIG is empty'}"]
    for key, kind in HABITS.items():
        value, source = kept.get(key), ""
        if key in variables:
            value, source = variables[key], f"  ({variable_of(key)})"
        shown = "-" if value is None else visible(_toml(value))
        lines.append(f"  {key:<12}  {shown:<10}  {kind.meaning}: {kind.expected}{source}")
    for command, table in kept.items():
        if isinstance(table, dict):
            lines += [f"  {command}.{key} = {_toml(value)}" for key, value in table.items()]
    write("\n".join(line.rstrip() for line in lines) + "\n")


@app.command("set")
def set_(key: Key, value: Value) -> None:
    """Set a default, for every command or for one.

    \b
    Examples:
      attn config set color never
      attn config set batch.workers 4
    """
    command, name = habit_named(key)
    kind = HABITS[name]
    try:
        read = kind.read(kind.parsed(value), "VALUE")
    except DataError as error:
        raise UsageError(str(error.args[0]), place="VALUE") from None
    path, kept = _kept()
    table = kept.setdefault(command, {}) if command else kept
    table[name] = read
    _keep(path, kept)
    message("note", f"{key} = {_toml(read)} is kept")


@app.command()
def unset(key: Key) -> None:
    """Set an option back to its own default.

    \b
    Examples:
      attn config unset width
      attn config unset explain.precision
    """
    command, name = habit_named(key)
    path, kept = _kept()
    table = kept.get(command, {}) if command else kept
    if name not in table:
        raise UsageError("it is not set", place=key, hints=("attn config list",))
    del table[name]
    _keep(path, {k: v for k, v in kept.items() if v != {}})


@app.command()
def path() -> None:
    """Print where the file is, or would be.

    \b
    Examples:
      attn config path
      cat "$(attn config path)"
    """
    write(f"{_path()}\n")


def _path() -> Path:
    path = config_file()
    if path is None:
        raise UsageError("found nothing, expected a file", place="ATTN_CONFIG")
    return path


def _kept() -> tuple[Path, dict[str, Any]]:
    """The file and what it keeps. Raises: DataError; UsageError where comments would be lost."""
    path = _path()
    if not exists(path):
        return path, {}
    kept = read_habits(path)
    text = path.read_text(encoding="utf-8")
    if any(line.lstrip().startswith("#") for line in text.splitlines()):
        raise UsageError(
            "it holds comments, which would be lost; change it with an editor",
            place=visible(str(path)),
        )
    return path, kept


def _keep(path: Path, kept: dict[str, Any]) -> None:
    """Writes the file whole. Raises: OutputError."""
    from attncli.files.writing import cannot_write, reason, write_whole

    lines = [f"{key} = {_toml(v)}" for key, v in kept.items() if not isinstance(v, dict)]
    for command, table in kept.items():
        if isinstance(table, dict):
            lines += ["", f"[{command}]", *(f"{key} = {_toml(v)}" for key, v in table.items())]
    try:
        os.makedirs(path.parent, exist_ok=True)  # noqa: PTH103  (Path raises for odd names)
    except OSError as fault:
        raise cannot_write(path, reason(fault)) from None
    write_whole(path, "\n".join([*lines, ""]).lstrip("\n").encode("utf-8"))


def _toml(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return (
            '"'
            + "".join(c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}" for c in escaped)
            + '"'
        )
    return repr(value)
