"""The typer app, and the one place where errors become messages and exit codes."""

import errno
import os
import shlex
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from attncli import __version__
from attncli.cli.terminal import PipeClosed, give_up_stdout, hint, message, report, write
from attncli.errors import AttnError, LimitError, OutputError
from attncli.escape import visible

# Each command by name: the module it lives in, loaded when the command is used, and its function
# (or the typer app of its own commands). Help lists them in this order.
COMMANDS = {
    "explain": "attncli.cli.explain:explain",
    "compare": "attncli.cli.compare:compare",
    "view": "attncli.cli.view:view",
    "diff": "attncli.cli.diff:diff",
    "train": "attncli.cli.train:train",
    "evaluate": "attncli.cli.evaluate:evaluate",
    "model": "attncli.cli.model:app",
    "batch": "attncli.cli.batch:batch",
    "vectors": "attncli.cli.vectors:app",
    "schema": "attncli.cli.schema:schema",
}


def _print_version(asked: bool) -> None:
    if asked:
        write(f"attn {__version__}\n")
        raise typer.Exit


def _top(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Print the traceback of a bug in attn.")
    ] = False,
) -> None:
    """Show, explain and compute self-attention in the terminal and in pipes."""


def app_for(arguments: Sequence[str]) -> typer.Typer:
    """The typer app with the command that the arguments name, or with all of them."""
    app = typer.Typer(
        name="attn",
        help="Show, explain and compute self-attention in the terminal and in pipes.",
        epilog='Try: attn explain "money bank grows"',
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_top)
    named = arguments[0] if arguments else ""
    completing = any(name.endswith("_COMPLETE") for name in os.environ)
    for name in [named] if named in COMMANDS and not completing else COMMANDS:
        module, _, attribute = COMMANDS[name].partition(":")
        command = getattr(import_module(module), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def run(argv: Sequence[str]) -> int:
    """Runs the command line and returns its exit code; says what went wrong on stderr."""
    arguments, debug = _without_debug(argv)
    try:
        command = typer.main.get_command(app_for(arguments))
        if sys.stdout is None and {"-h", "--help"}.intersection(arguments):
            write("")  # typer would pass over it in silence
        ended = command.main(args=arguments, prog_name="attn", standalone_mode=False)
        return ended if isinstance(ended, int) else 0
    except AttnError as error:
        report(error)
        return error.exit_code
    except PipeClosed:
        return 0
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except MemoryError:
        report(LimitError("there is not enough memory for this"))
        return LimitError.exit_code
    except SystemExit as end:  # typer's own end when the reader of its help went away
        left = end.code == 1 and isinstance(end.__context__, OSError)
        return 0 if left else int(end.code or 0)
    except OSError as fault:
        return _unwritable(fault, debug)
    except Exception as fault:
        if hasattr(fault, "format_message"):  # typer's usage errors, whatever module they live in
            return _usage(fault, arguments)
        return _bug(fault, debug)


def _unwritable(fault: OSError, debug: bool) -> int:
    """The end of a help text that could not be written: typer writes it past `write`."""
    if fault.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return _bug(fault, debug)
    give_up_stdout()
    report(OutputError(f"cannot write to standard output: {(fault.strerror or '').lower()}"))
    return OutputError.exit_code


def _without_debug(argv: Sequence[str]) -> tuple[list[str], bool]:
    """The arguments without a --debug before "--", and whether there was one."""
    end = list(argv).index("--") if "--" in argv else len(argv)
    kept = [argument for argument in argv[:end] if argument != "--debug"]
    debug = len(kept) < end or bool(os.environ.get("ATTN_DEBUG"))
    return [*kept, *argv[end:]], debug


def _usage(fault: Exception, arguments: Sequence[str]) -> int:
    text = str(fault.format_message())  # type: ignore[attr-defined]  # checked by the caller
    context = getattr(fault, "ctx", None)
    if type(fault).__name__ == "NoArgsIsHelpError":
        return _help_instead(text)
    message("error", visible(" ".join(text.split())).rstrip(".")[:400])
    path = getattr(context, "command_path", "attn")
    words = [argument for argument in arguments if not argument.startswith("-")]
    if path == "attn" and words and arguments[0] == words[0]:
        hint(f"attn explain {shlex.quote(visible(' '.join(words))[:80])}")
    hint(f"{path} --help")
    option = getattr(fault, "option_name", None)
    given = next((a for a in arguments if option and a.startswith(str(option)) and " " in a), None)
    if given is not None:  # a sentence that begins with "-"
        hint(f"{path} -- {shlex.quote(visible(given)[:80])}")
    return 2


def _help_instead(text: str) -> int:
    """Prints the help of a command that was called without arguments, which is no success."""
    try:
        write(text + "\n")
    except PipeClosed:
        return 2
    except OutputError as error:
        report(error)
        return error.exit_code
    return 2


def _bug(fault: Exception, debug: bool) -> int:
    if debug:
        raise fault
    frame = fault.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = "" if frame is None else f" in {frame.tb_frame.f_code.co_name}:{frame.tb_lineno}"
    message("internal error", f"{type(fault).__name__}{where}; a bug in attn, not in your input")
    hint("the same command with --debug prints the traceback")
    return 1
