"""Writing to standard output and to stderr, whatever they are and whatever is written."""

import codecs
import errno
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, TextIO

from attncli.cli.running import is_shown
from attncli.cli.screen import acts_on_escapes, terminal_columns
from attncli.errors import AttnError, OutputError
from attncli.errors.wording import harmless_json, visible, without_secrets
from attncli.escape import harmless, quotes_apart, spelled

_LONGEST = 4000  # characters of a line on stderr
_ERRORS = "attn.spelled"


class PipeClosed(Exception):
    """The reader of standard output went away."""


def settle_streams() -> None:
    """Makes both outputs spell what their encoding does not have: signs in ASCII, else escapes.

    Whoever writes to them, the help of typer included, then never fails for an encoding, and
    lone surrogates never turn into bytes.
    """
    codecs.register_error(_ERRORS, _spell)
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):
            stream.reconfigure(errors=_ERRORS)  # type: ignore[union-attr]  # a TextIOWrapper
        acts_on_escapes(stream)


def _spell(fault: UnicodeError) -> tuple[str, int]:
    if not isinstance(fault, UnicodeEncodeError):
        raise fault
    return spelled(fault.object[fault.start : fault.end]), fault.end


def encodable(text: str) -> str:
    """The text as standard output can hold it."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    return text.encode(encoding, _ERRORS).decode(encoding)


def write(text: str) -> None:
    """Text to standard output.

    Raises: PipeClosed when its reader left; OutputError when it cannot be written.
    """
    with written_stdout() as stream:
        try:
            stream.write(text)
        except UnicodeEncodeError:
            stream.write(spelled(text))  # a stream that could not be settled
        stream.flush()


@contextmanager
def written_stdout() -> Iterator[TextIO]:
    """Standard output, to be written inside. Raises: as `write`."""
    if sys.stdout is None:
        raise OutputError("cannot write to standard output: it is closed")
    try:
        yield sys.stdout
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


def write_record(record: dict[str, Any]) -> None:
    """A record, whose values may be float32 arrays, as a line of JSON to standard output."""
    from attncli.results.json import record_json

    write_json(record_json(record))


def standard_input() -> BinaryIO:
    """Standard input as bytes; an empty stream when it is closed."""
    from attncli.files.source import bytes_of_stdin

    return bytes_of_stdin()


def message(kind: str, text: str, *, code: str = "") -> None:
    """A line on stderr: `attn: kind: text`. A stderr that cannot be written is passed over.

    `code` names the kind of an error for who listens.
    """
    if is_shown(kind, text, code):
        _to_stderr(f"attn: {kind}: {text}", folds=True)


def warning(text: str) -> None:
    """A warning on stderr."""
    message("warning", text)


def hint(text: str) -> None:
    """A line on stderr that works when typed."""
    if is_shown("hint", text):
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
            if is_shown("traceback", line):
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
