"""`%attn` and `%%attn`: the command in a notebook, after `%load_ext attncli`.

What a command would draw as tables is given to the notebook as the object itself, which shows itself
and can be assigned: `r = %attn explain "money bank grows"`. What is asked for as text, as JSON or as a
file, and a command that gives no object, runs as in a terminal. No shell stands in between.
"""

import contextlib
import io
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

from IPython.core.error import UsageError as MagicUsageError
from IPython.core.getipython import get_ipython
from IPython.core.magic import needs_local_scope, no_var_expand

from attncli.cli.app import given_names, run
from attncli.cli.comparing import ComparisonManner
from attncli.cli.looks import Looks
from attncli.cli.magic_arguments import arguments_of
from attncli.cli.manner import Manner
from attncli.cli.running import taking

# The commands whose result is an object, and the options that ask for something else than it.
_GIVING = ("explain", "compare", "view", "diff", "align", "evaluate")
_DRAWING = {field.name for group in (Manner, ComparisonManner, Looks) for field in fields(group)}
_DRAWING -= {"why"}  # which has an object of its own
_DRAWING |= {"against", "include", "exclude", "unsure", "gold", "table", "help"}
# The commands that read the cell where they are given "-", each with the words before its FILE.
_OF_FILES = {
    **dict.fromkeys(("align", "view", "train", "evaluate", "predict", "batch"), 1),
    "vectors train": 2,
}
_ERROR, _HINT = "attn: error: ", "  hint: "
_KNOWS = 2.0  # seconds in which a command ends that was interrupted itself
_DIFFERENT, _MISUSED, _PARTIAL = 1, 2, 3  # exit codes


class Ended(NamedTuple):
    """How a command ended: its exit code, the object it gave, and what it said of an error."""

    code: int
    given: object = None
    error: str = ""


def register(shell: Any) -> None:
    """Gives a notebook the magic; `%load_ext attncli` calls it."""
    magic = needs_local_scope(no_var_expand(attn))  # values are filled in here, and not as text
    shell.register_magic_function(magic, magic_kind="line_cell", magic_name="attn")


def attn(line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> object:
    """The command `attn`: `%attn explain "money bank grows"`, `r = %attn diff A B`.

    In `%%attn explain` each line of the cell is a sentence; of `train`, `predict`, `evaluate`,
    `align`, `batch` and `view` the cell is their file. `$name` and `{expression}` are replaced by the value,
    which stays one argument whatever is in it. `_exit_code` is the exit code of the command.
    """
    shell: Any = get_ipython()
    names = {**shell.user_ns, **(local_ns or {})}
    try:
        arguments = _with_the_cell(arguments_of(line, names), cell)
        ended = (_called if _gives(arguments) else _streamed)(arguments, cell)
    except ValueError as fault:
        ended = Ended(_MISUSED, error=str(fault))
    shell.user_ns["_exit_code"] = ended.code
    if ended.error:
        raise MagicUsageError(ended.error)
    return ended.given


def _with_the_cell(arguments: list[str], cell: str | None) -> list[str]:
    """The arguments, with "-" in the place of a FILE that is the cell.

    Raises: ValueError where both a cell and something else is to be read.
    """
    if cell is None or not arguments:
        return arguments
    words = next((w for w in _OF_FILES if arguments[: _OF_FILES[w]] == w.split()), "")
    given = given_names(arguments)
    if not words:
        if given & {"texts", "file"} and "-" not in arguments:
            raise ValueError("found sentences on the line and in the cell, expected one of them")
        return arguments
    if "-" in arguments:
        return arguments
    if given & {"file", "files", "corpus", "inputs", "source"}:
        raise ValueError("found a file on the line and a cell, expected one of them")
    at = _OF_FILES[words]
    return [*arguments[:at], "-", *arguments[at:]]


def _gives(arguments: Sequence[str]) -> bool:
    """Whether the command gives an object, and nothing else is asked of it."""
    return bool(arguments) and arguments[0] in _GIVING and not given_names(arguments) & _DRAWING


def _called(arguments: Sequence[str], cell: str | None) -> Ended:
    """Runs a command in this process, and takes what it would draw."""
    said, drawn = io.StringIO(), io.StringIO()
    with (
        _reading(cell),
        contextlib.redirect_stdout(drawn),
        contextlib.redirect_stderr(said),
        taking() as given,
    ):
        code = run(list(arguments))
    done = code in (0, _PARTIAL) or (code == _DIFFERENT and bool(given))
    if done:
        sys.stderr.write(said.getvalue())
        sys.stdout.write(drawn.getvalue())  # of what gives no object
        return Ended(code, _one_or_several(given) if given else None)
    return Ended(code, error=_one_line(said.getvalue().splitlines(), code))


@contextlib.contextmanager
def _reading(cell: str | None) -> Iterator[None]:
    """Standard input is the cell, or empty."""
    before = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(_bytes(cell)))
    try:
        yield
    finally:
        sys.stdin = before


def _bytes(cell: str | None) -> bytes:
    return (cell or "").encode("utf-8", "surrogatepass")


def _one_or_several(given: Sequence[object]) -> object:
    """What was given: one object as it is, results of several sentences as their list."""
    from attncli.api.reasons import Reasons, ReasonsOfSeveral
    from attncli.api.several import Results
    from attncli.results.result import AttentionResult

    if len(given) == 1:
        return given[0]
    if reasons := [one for one in given if isinstance(one, Reasons)]:
        return ReasonsOfSeveral(reasons)
    return Results(result for result in given if isinstance(result, AttentionResult))


def _streamed(arguments: Sequence[str], cell: str | None) -> Ended:
    """Runs a command in a process of its own; its output appears as it comes.

    Raises: KeyboardInterrupt when the user interrupts it, after it has ended.
    """
    held: list[str] = []
    stopped = False
    with tempfile.TemporaryFile() as given:
        given.write(_bytes(cell))
        given.seek(0)
        process = subprocess.Popen(  # noqa: S603  (arguments of the user's own line, and no shell)
            [sys.executable, "-m", "attncli", *arguments],
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, **_colors(), "PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1"},
        )
        while process.returncode is None:
            try:
                _show(process, held)
                process.wait()
            except KeyboardInterrupt:
                stopped = True
                _interrupt(process)
    if process.stdout is not None:
        process.stdout.close()
    if stopped:
        raise KeyboardInterrupt
    if process.returncode and held:
        return Ended(process.returncode, error=_one_line(held, process.returncode))
    sys.stdout.write("".join(held))
    return Ended(process.returncode)


def _colors() -> dict[str, str]:
    """What says that a page of a notebook shows every color: its kernel says 16, which pages recolor."""
    return {} if getattr(get_ipython(), "kernel", None) is None else {"COLORTERM": "truecolor"}


def _show(process: "subprocess.Popen[str]", held: list[str]) -> None:
    """Writes lines as they come; those from an error on are held, for the notebook says them."""
    for line in process.stdout or ():
        if held or line.startswith(_ERROR):
            held.append(line)
        else:
            sys.stdout.write(line)


def _interrupt(process: "subprocess.Popen[str]") -> None:
    """Stops a command as Ctrl-C does: finished work is kept.

    Where the whole group of the notebook was interrupted, the command knows it already.
    """
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_KNOWS)
        return
    if sys.platform == "win32":
        process.terminate()
    else:
        process.send_signal(signal.SIGINT)


def _one_line(lines: Sequence[str], code: int) -> str:
    """What a command said of its error, with its hints, in one line."""
    errors = [line.removeprefix(_ERROR).strip() for line in lines if line.startswith(_ERROR)]
    hints = [
        f"hint: {line.removeprefix(_HINT).strip()}" for line in lines if line.startswith(_HINT)
    ]
    return "; ".join([*errors, *hints]) or f"the command ended with the exit code {code}"
