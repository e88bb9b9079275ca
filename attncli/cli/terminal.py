"""The terminal as an argument: is it one, how wide, which colors; and writing to it.

Views never ask the environment; what they need to know is settled here, once.
"""

import codecs
import errno
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Protocol, TextIO, TypeAlias

from attncli.errors import AttnError, OutputError
from attncli.errors.wording import harmless_json, visible, without_secrets
from attncli.escape import harmless, quotes_apart, spelled

if TYPE_CHECKING:
    from attncli.views.ink import Colors, Ink

ColorChoice: TypeAlias = Literal["auto", "always", "never"]

_SIGNS = "·√−…–→×τ÷"
_WIDEST = 10_000
_LONGEST = 4000  # characters of a line on stderr
_ERRORS = "attn.spelled"


class Listener(Protocol):
    """Who hears what a command says on stderr."""

    def hear(self, kind: str, text: str, code: str) -> bool:
        """Told a message, a hint or a line of a traceback; whether stderr is to have it too."""

    def end(self, code: int) -> int:
        """Told the exit code; the one to end with."""


_EARLY = 100  # messages that are kept for a listener that comes later

_listeners: list[Listener] = []  # none, or the one of the command that runs
_early: list[tuple[str, str, str]] = []  # what was said before there was one
_arguments: list[str] = []  # of the command that runs
_habits: dict[str, object] = {}  # that stand for options which were not typed


_takers: list[list[object]] = []  # none, or who takes what the command would draw


class PipeClosed(Exception):
    """The reader of standard output went away."""


def remember_arguments(arguments: Iterable[str]) -> None:
    """Keeps the command line that runs now, for the footer of what it writes."""
    _arguments[:] = arguments
    _habits.clear()


def begin_run() -> None:
    """Forgets who heard the command before this one."""
    _listeners.clear()
    _early.clear()


def listen(listener: Listener) -> None:
    """Tells a listener all that the command says, and what it has said already."""
    for kind, text, code in _early:
        listener.hear(kind, text, code)
    _listeners[:] = [listener]


def end_run(code: int) -> int:
    """Tells who listens the exit code; the one to end with."""
    return _listeners[0].end(code) if _listeners else code


def is_unheard() -> bool:
    """Whether nobody listens to the command that runs."""
    return not _listeners


def _is_shown(kind: str, text: str, code: str = "") -> bool:
    """Whether stderr is to have a text that a listener hears."""
    if _listeners:
        return _listeners[0].hear(kind, text, code)
    if len(_early) < _EARLY:
        _early.append((kind, text, code))
    return True


def arguments_now() -> list[str]:
    """The command line that runs now; empty where no command runs."""
    return list(_arguments)


def remember_habit(name: str, value: object) -> None:
    """Keeps that a default of the user's own stands for an option of the command that runs."""
    _habits[name] = value


def habits_now() -> dict[str, object]:
    """The defaults of the user's own that act now, by the names of their options without dashes."""
    return dict(_habits)


@contextmanager
def taking() -> Iterator[list[object]]:
    """Takes what commands would draw as tables on standard output, and gives it as it is."""
    given: list[object] = []
    _takers.append(given)
    try:
        yield given
    finally:
        _takers.remove(given)


def is_taken() -> bool:
    """Whether somebody takes what the command would draw."""
    return bool(_takers)


def hand_over(drawn: object) -> bool:
    """Gives what would be drawn to who takes it; whether there is one."""
    if _takers:
        _takers[-1].append(drawn)
    return is_taken()


def settle_streams() -> None:
    """Makes both outputs spell what their encoding does not have: signs in ASCII, else escapes.

    Whoever writes to them, the help of typer included, then never fails for an encoding, and
    lone surrogates never turn into bytes.
    """
    codecs.register_error(_ERRORS, _spell)
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):
            stream.reconfigure(errors=_ERRORS)  # type: ignore[union-attr]  # a TextIOWrapper
        _acts_on_escapes(stream)


def _spell(fault: UnicodeError) -> tuple[str, int]:
    if not isinstance(fault, UnicodeEncodeError):
        raise fault
    return spelled(fault.object[fault.start : fault.end]), fault.end


def encodable(text: str) -> str:
    """The text as standard output can hold it."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    return text.encode(encoding, _ERRORS).decode(encoding)


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


def _acts_on_escapes(stream: "TextIO | None") -> bool:
    """Whether a terminal acts on escape codes; only an old console of Windows does not."""
    if os.name != "nt":
        return True
    from attncli.cli.console_of_windows import turns_escapes_on

    return turns_escapes_on(stream)


def color_system(env: Mapping[str, str]) -> "Colors":
    """How many colors the terminal says it has."""
    if env.get("COLORTERM", "").lower() in ("truecolor", "24bit") or env.get("WT_SESSION"):
        return "truecolor"
    term = env.get("TERM", "")
    if term.endswith("-direct"):
        return "truecolor"
    sixteen = ("", "dumb", "xterm", "linux", "screen", "vt100", "vt220", "ansi", "cygwin", "rxvt")
    return "16" if term in (*sixteen, "xterm-color", "xterm-16color") else "256"


def ink_for(
    choice: ColorChoice,
    env: Mapping[str, str] | None = None,
    *,
    unicode: bool = True,
    width: int | None = None,
) -> "Ink":
    """The ink for standard output, which is `width_for(width)` columns wide.

    Without `unicode` it is ASCII whatever the terminal can show.
    """
    from attncli.views.ink import Ink

    env = os.environ if env is None else env
    stream = sys.stdout
    is_terminal = stream is not None and stream.isatty()
    wants = wants_color(choice, env, is_terminal and _acts_on_escapes(stream))
    colors = color_system(env) if wants else None
    return Ink(colors=colors, unicode=unicode and _can_encode(stream), width=width_for(width, env))


class Screen:
    """What a group of options has that says how the terminal is used; the options are its fields."""

    width: int | None
    color: ColorChoice
    ascii_only: bool = False

    @property
    def ink(self) -> "Ink":
        """The ink that these options ask for."""
        return ink_for(self.color, unicode=not self.ascii_only, width=self.width)

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


def write(text: str) -> None:
    """Text to standard output.

    Raises: PipeClosed when its reader left; OutputError when it cannot be written.
    """
    stream = sys.stdout
    if stream is None:
        raise OutputError("cannot write to standard output: it is closed")
    try:
        stream.write(text)
        stream.flush()
    except UnicodeEncodeError:
        stream.write(spelled(text))  # a stream that could not be settled
        stream.flush()
    except OSError as fault:
        give_up_stdout()
        if fault.errno in (errno.EPIPE, errno.EINVAL):
            raise PipeClosed from None
        raise OutputError(
            f"cannot write to standard output: {(fault.strerror or str(fault)).lower()}"
        ) from None
    except ValueError:
        raise OutputError("cannot write to standard output: it is closed") from None


def write_lines(lines: Iterable[str]) -> None:
    """Lines of plain text to standard output, folded where it is a terminal.

    Raises: what `write` raises.
    """
    stream = sys.stdout
    write("".join((line if stream is None else _fitted(line, stream)) + "\n" for line in lines))


def write_json(line: str | Iterable[str]) -> None:
    """A line of JSON, whole or in parts, to standard output, always UTF-8 whatever the locale."""
    if sys.stdout is not None and _encoding(sys.stdout) != "utf8":
        sys.stdout.reconfigure(encoding="utf-8", errors=_ERRORS)  # type: ignore[union-attr]  # a TextIOWrapper
    if isinstance(line, str):
        write(harmless_json(line) + "\n")
        return
    last = ""
    for part in line:
        write(last)
        last = harmless_json(part)
    write(last + "\n")


def standard_input() -> BinaryIO:
    """Standard input as bytes; an empty stream when it is closed."""
    from attncli.files.source import bytes_of_stdin

    return bytes_of_stdin()


def message(kind: str, text: str, *, code: str = "") -> None:
    """A line on stderr: `attn: kind: text`. A stderr that cannot be written is passed over.

    `code` names the kind of an error for who listens.
    """
    if _is_shown(kind, text, code):
        _to_stderr(f"attn: {kind}: {text}", folds=True)


def warning(text: str) -> None:
    """A warning on stderr."""
    message("warning", text)


def hint(text: str) -> None:
    """A line on stderr that works when typed."""
    if _is_shown("hint", text):
        _to_stderr(f"  hint: {text}")


def report(error: AttnError) -> None:
    """The error and its hints on stderr."""
    message("error", str(error), code=error.name)
    for text in error.hints:
        hint(text)


def say_written(path: str, *, quiet: bool) -> None:
    """One line for a file that was written."""
    if not quiet:
        message("note", f"wrote {visible(path)}")


def show_traceback(kind: type[BaseException], fault: BaseException, trace: Any) -> None:
    """A traceback on stderr, its lines made harmless as those of messages are."""
    import traceback

    for part in traceback.format_exception(kind, fault, trace):
        for line in part.rstrip("\n").split("\n"):
            if _is_shown("traceback", line):
                _to_stderr(line)


def _to_stderr(line: str, *, folds: bool = False) -> None:
    """The one way to stderr: text of others is made harmless here, whoever wrote the message."""
    stream = sys.stderr
    if stream is None:
        return
    shown = quotes_apart(spoken(line))
    shown = _fitted(shown, stream) if folds else shown
    with suppress(OSError, ValueError):
        try:
            stream.write(shown + "\n")
        except UnicodeEncodeError:  # a stream that could not be settled
            stream.write(spelled(shown) + "\n")
        stream.flush()


def draw(text: str) -> bool:
    """Text that stderr draws over, such as a bar; whether it could be written."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):  # closed, or of another encoding
        return False
    return True


def spoken(text: str) -> str:
    """A text as stderr and a log say it: no secret of an address, nothing that a terminal obeys."""
    return harmless(without_secrets(_cut(text)))


def _fitted(line: str, stream: TextIO) -> str:
    """A line folded at the width of the terminal that the stream is; else it stays one line."""
    width = terminal_columns(stream)
    if width is None or 2 * len(line) <= width:  # no character is wider than two columns
        return line
    from rich.segment import Segment

    from attncli.views.ink import folds_of_line

    lines = folds_of_line([Segment(line)], width)
    return "\n".join("".join(part.text for part in parts) for parts in lines)


def terminal_columns(stream: TextIO) -> int | None:
    """The columns of the terminal behind a stream; None when the stream is no terminal."""
    try:
        return (os.get_terminal_size(stream.fileno()).columns or None) if stream.isatty() else None
    except (OSError, ValueError):
        return None


def _cut(line: str) -> str:
    """The line, its middle left out where it is very long."""
    if len(line) <= _LONGEST:
        return line
    half = _LONGEST // 2
    return f"{line[:half]} … ({len(line) - 2 * half:,} characters) … {line[-half:]}"


def give_up_stdout() -> None:
    """Points standard output at nothing, so that Python's own flush at exit cannot fail."""
    try:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
    except (OSError, ValueError):
        return


def _encoding(stream: object) -> str:
    return str(getattr(stream, "encoding", "") or "ascii").lower().replace("-", "").replace("_", "")


def _can_encode(stream: object) -> bool:
    try:
        _SIGNS.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
