"""What the terminal can show: its columns, its colors, whether it has signs beyond ASCII.

Views never ask the environment; what they need to know is settled here, once.
"""

import os
import shutil
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TextIO, TypeAlias

if TYPE_CHECKING:
    from attncli.views.ink import Colors, Ink

ColorChoice: TypeAlias = Literal["auto", "always", "never"]

_SIGNS = "·√−…–→×τ÷"
_WIDEST = 10_000


class Screen:
    """What a group of options has that says how the terminal is used; the options are its fields."""

    width: int | None
    color: ColorChoice
    ascii_only: bool = False

    @property
    def ink(self) -> "Ink":
        """The ink that these options ask for, which is `columns` wide.

        With `ascii_only` it is ASCII whatever the terminal can show.
        """
        from attncli.views.ink import Ink

        stream, env = sys.stdout, os.environ
        is_terminal = stream is not None and stream.isatty()
        wants = wants_color(self.color, env, is_terminal and acts_on_escapes(stream))
        unicode = not self.ascii_only and _can_encode(stream)
        return Ink(color_system(env) if wants else None, unicode=unicode, width=self.columns)

    @property
    def columns(self) -> int:
        """The columns to use."""
        return width_for(self.width)


def width_for(asked: int | None, env: Mapping[str, str] | None = None) -> int:
    """The columns to use: --width, then COLUMNS, then the terminal's size, then 80."""
    if asked is not None:
        return asked
    env = os.environ if env is None else env
    columns = env.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and int(columns[:6]) > 0:
        return min(int(columns[:6]), _WIDEST)
    if sys.stdout is not None and sys.stdout.isatty():
        return shutil.get_terminal_size().columns or 80
    return 80


def wants_color(choice: ColorChoice, env: Mapping[str, str], is_terminal: bool) -> bool:
    """Whether to color: --color, then NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE, CLICOLOR, TERM.

    Sources: no-color.org, force-color.org, bixense.com/clicolors. Empty variables do not count.
    """
    if choice != "auto":
        return choice == "always"
    if env.get("NO_COLOR"):
        return False
    if env.get("FORCE_COLOR"):
        return env["FORCE_COLOR"] not in ("0", "false")
    if env.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    if env.get("CLICOLOR") == "0" or env.get("TERM") == "dumb":
        return False
    return is_terminal


def color_system(env: Mapping[str, str]) -> "Colors":
    """How many colors the terminal says it has."""
    if env.get("COLORTERM", "").lower() in ("truecolor", "24bit") or env.get("WT_SESSION"):
        return "truecolor"
    term = env.get("TERM", "")
    if term.endswith("-direct"):
        return "truecolor"
    sixteen = ("", "dumb", "xterm", "linux", "screen", "vt100", "vt220", "ansi", "cygwin", "rxvt")
    return "16" if term in (*sixteen, "xterm-color", "xterm-16color") else "256"


def acts_on_escapes(stream: "TextIO | None") -> bool:
    """Whether a terminal acts on escape codes; only an old console of Windows does not."""
    if os.name != "nt":
        return True
    from attncli.cli.console_of_windows import turns_escapes_on

    return turns_escapes_on(stream)


def terminal_columns(stream: TextIO) -> int | None:
    """The columns of the terminal behind a stream; None when the stream is no terminal."""
    try:
        return (os.get_terminal_size(stream.fileno()).columns or None) if stream.isatty() else None
    except (OSError, ValueError):
        return None


def _can_encode(stream: object) -> bool:
    try:
        _SIGNS.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
