"""The commands: which one a line calls, and the one place where errors become messages and exit codes."""

import errno
import os
import shutil
import sys
from collections.abc import Sequence
from importlib import import_module
from inspect import isfunction
from typing import TYPE_CHECKING, Annotated, Any

from attncli import __version__
from attncli.cli.options import OTHER, switch
from attncli.cli.parameters import CommandParameter
from attncli.cli.repeats import without_repeats
from attncli.cli.running import begin_run, end_run, is_unheard, remember_arguments
from attncli.cli.spreading import for_typer, parameters_of
from attncli.cli.terminal import (
    PipeClosed,
    draw,
    give_up_stdout,
    hint,
    message,
    report,
    settle_streams,
    show_traceback,
    write,
)
from attncli.cli.typed_line import values_of_line
from attncli.errors import AttnError, LimitError, OutputError, UsageError, names_as

if TYPE_CHECKING:
    import typer

# Each command by name: the module it lives in, loaded when the command is used, and its function
# (or the typer app of its own commands). Help lists them in this order.
COMMANDS = {
    "explain": "attncli.cli.explain:explain",
    "compare": "attncli.cli.compare:compare",
    "view": "attncli.cli.view:view",
    "diff": "attncli.cli.diff:diff",
    "align": "attncli.cli.align:align",
    "train": "attncli.cli.train.command:train",
    "evaluate": "attncli.cli.evaluate:evaluate",
    "predict": "attncli.cli.predict:predict",
    "model": "attncli.cli.model:app",
    "batch": "attncli.cli.batch.command:batch",
    "vectors": "attncli.cli.vectors.command:app",
    "schema": "attncli.cli.schema:schema",
    "config": "attncli.cli.config:app",
}
_NO_HABITS = (
    "ATTN_CACHE_DIR",
    "ATTN_CONFIG",
    "ATTN_DEBUG",
    "ATTN_PURE",
    "ATTN_VECTORS_MIRROR",
)
_TOPICS = ("exit-codes", "environment", "documentation")  # of attn help
_CLICK_WRITES = 50  # columns at least, however narrow the terminal
_NARROWEST = 36  # columns that a column of options and some words beside it need


def _print_version(asked: bool) -> None:
    if asked:
        from typer import Exit

        write(f"attn {__version__}\n")
        raise Exit


def _top(
    version: Annotated[
        bool,
        CommandParameter(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version.",
            rich_help_panel=OTHER,
        ),
    ] = False,
    debug: Annotated[
        bool, switch(OTHER, "Print the traceback of a bug in attn.", "--debug")
    ] = False,
    no_config: Annotated[
        bool,
        switch(OTHER, "Use no defaults of attn config and of variables.", "--no-config"),
    ] = False,
) -> None:
    """Show, explain and compute self-attention in the terminal and in pipes.

    \b
    Examples:
      attn explain "money bank grows"
      attn compare "money bank grows" "river bank flows" -o banks.html
    """


def app_for(
    arguments: Sequence[str], *, lines_only: bool = False, habits: Any = None
) -> "typer.Typer":
    """The typer app with the command that the arguments name, or with all of them.

    With `lines_only` the commands have their help and no options, which the list of commands does
    not show: to make them takes longer than everything else.
    """
    import typer

    app = typer.Typer(
        name="attn",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={
            "help_option_names": ["-h", "--help"],
            "terminal_width": _narrow_width(),
            "default_map": habits,
        },
    )
    app.callback()(for_typer(_top))
    named = arguments[0] if arguments else ""
    completing = _is_completing()
    for name in [named] if named in COMMANDS and not completing else COMMANDS:
        command = _loaded(name)
        if lines_only and not completing:
            app.command(name, help=_help_of(command))(_nothing)
        elif isinstance(command, typer.Typer):
            for own in command.registered_commands:
                if own.callback is not None and not hasattr(own.callback, "__signature__"):
                    own.callback = for_typer(own.callback)
            app.add_typer(command, name=name)
        else:
            app.command(name)(for_typer(command))
    return app


def _loaded(name: str) -> Any:
    """The function of a command, or the typer app of its own commands."""
    module, _, attribute = COMMANDS[name].partition(":")
    return getattr(import_module(module), attribute)


def _is_completing() -> bool:
    """Whether a shell asks how a word may go on."""
    return any(name.endswith("_COMPLETE") for name in os.environ)


def _help_of(command: Any) -> str:
    """The docstring of a command, or of the callback of an app of commands."""
    callback = getattr(command, "registered_callback", None)
    return str((command if callback is None else callback.callback).__doc__)


def _nothing() -> None:
    """Stands for a command that is listed and not called."""


def _narrow_width() -> int | None:
    """The columns of help on a narrow terminal, where click would write 50; else its own choice."""
    columns = shutil.get_terminal_size().columns
    return max(columns, _NARROWEST) if columns < _CLICK_WRITES else None


def given_names(arguments: Sequence[str]) -> set[str]:
    """The names of the parameters that a command line gives, as far as it can be read."""
    from typer.main import get_command

    command: Any = get_command(app_for(arguments))
    rest = list(arguments)
    while rest and rest[0] in getattr(command, "commands", {}):
        command = command.commands[rest.pop(0)]
    context = command.make_context("attn", rest, resilient_parsing=True)
    names = [parameter.name for parameter in command.params]
    return {n for n in names if context.get_parameter_source(n).name == "COMMANDLINE"}


def run(argv: Sequence[str]) -> int:
    """Runs the command line and returns its exit code; says what went wrong on stderr."""
    code = 1
    begin_run()
    try:
        with names_as("attncli.cli.naming:Options"):
            code = _ended([*argv[1:], "--help"] if _asks_for_help(argv) else argv)
    finally:
        code = end_run(code)
        if code and argv[:1] == ["batch"] and is_unheard():
            code = _refused(argv, code)
    return code


def _refused(argv: Sequence[str], code: int) -> int:
    """Keeps the log and the summary of a batch that did not begin, where they are asked for."""
    if not any(argument.startswith(("--log-file", "--summary")) for argument in argv):
        return code
    from attncli.cli.batch.recording import record_refusal

    return record_refusal(argv, code)


def _asks_for_help(argv: Sequence[str]) -> bool:
    """Whether this is `attn help`, alone or with a command or a topic behind it, and no sentence."""
    return list(argv[:1]) == ["help"] and (
        len(argv) == 1 or argv[1] in COMMANDS or argv[1] in _TOPICS
    )


def _no_topic(arguments: Sequence[str]) -> UsageError:
    """The error for help of what is neither a command nor a topic; it may be a sentence."""
    from attncli.errors.wording import did_you_mean, quoted, typed

    name = arguments[1]
    meant = did_you_mean(name, (*COMMANDS, *_TOPICS))
    return UsageError(
        f"found {quoted(name)}, expected a command, {', '.join(_TOPICS[:-1])} or {_TOPICS[-1]}{meant}",
        place="help",
        hints=(f"attn explain {typed(' '.join(arguments))}", "attn --help"),
    )


def _ended(argv: Sequence[str]) -> int:
    arguments, debug = _without(argv, "--debug")
    arguments, plain = _without(arguments, "--no-config")
    debug = debug or bool(os.environ.get("ATTN_DEBUG"))
    settle_streams()
    try:
        ended = _answer(arguments, plain)
        return ended if isinstance(ended, int) else 0
    except AttnError as error:
        report(error)
        return error.exit_code
    except PipeClosed:
        return 0
    except KeyboardInterrupt:
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
        if type(fault).__name__ == "Abort":  # typer's word for an input that ended too early
            return 130
        return _bug(fault, debug)


def _answer(arguments: list[str], plain: bool) -> object:
    """What the command that the arguments call gives back; `plain` is without the user's own defaults."""
    line = _plain_line(arguments)
    if line is not None and (plain or _habits(arguments) is None):
        remember_arguments(_with_option(arguments, "--no-config") if plain else arguments)
        return _called(*line)
    command = _command_of(arguments, plain)
    arguments = _once(command, arguments)
    if sys.stdout is None and {"-h", "--help"}.intersection(arguments):
        write("")  # typer would pass over it in silence
    remember_arguments(_with_option(arguments, "--no-config") if plain else arguments)
    return command.main(args=arguments, prog_name="attn", standalone_mode=False)


def _plain_line(arguments: Sequence[str]) -> tuple[Any, dict[str, Any]] | None:
    """A command and its values, where the line is plainly right; None where typer has to read it."""
    if not arguments or arguments[0] not in COMMANDS or _is_completing():
        return None
    command = _loaded(arguments[0])
    read = values_of_line(parameters_of(command), arguments[1:]) if isfunction(command) else None
    if read is None:
        return None
    values, typed = read
    return command, values | ({"context": typed} if "preset" in values else {})


def _called(command: Any, values: dict[str, Any]) -> object:
    """What a command gives back, which ends as under typer where its input or output goes away."""
    try:
        return command(**values)
    except EOFError:
        draw("\n")
        return 130
    except OSError as fault:
        if fault.errno == errno.EPIPE:
            return 0
        raise


def _command_of(arguments: Sequence[str], plain: bool) -> Any:
    """The command that the arguments call, made by typer; `plain` is without the user's own defaults.

    Raises: SystemExit when they asked for a topic of the help, which is printed; UsageError for
    one that there is not.
    """
    if arguments[:1] == ["help"] and len(arguments) > 1:
        raise _no_topic(arguments)
    if text := _topic(arguments):
        write(text)
        raise SystemExit(0)
    from typer.main import get_command

    listed = {"-h", "--help"}.issuperset(arguments)
    habits = None if plain or arguments[:1] == ["config"] else _habits(arguments)
    command: Any = get_command(app_for(arguments, lines_only=listed, habits=habits))
    _set_help(command, brief="--help" not in arguments)
    return command


def _set_help(command: Any, brief: bool) -> None:
    """Gives a command, and its own commands, the help of this program instead of typer's."""

    def page(context: Any) -> str:
        from attncli.cli.help import short_help, whole_help

        return short_help(command, context) if brief else whole_help(command, context)

    command.get_help = page
    for inner in getattr(command, "commands", {}).values():
        _set_help(inner, brief)


def _once(command: object, arguments: Sequence[str]) -> list[str]:
    """The arguments with lists joined; says which other options were given more than once."""
    kept, again = without_repeats(command, arguments)
    if not {"-q", "--quiet"}.intersection(kept):
        for name in again:
            message("warning", f"{name} is given more than once: the last one counts")
    return kept


def _unwritable(fault: OSError, debug: bool) -> int:
    """The end of a help text that could not be written: typer writes it past `write`."""
    if fault.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return _bug(fault, debug)
    give_up_stdout()
    report(OutputError(f"cannot write to standard output: {(fault.strerror or '').lower()}"))
    return OutputError.exit_code


def _topic(arguments: Sequence[str]) -> str:
    """The help of a topic that is no command, as in `attn help exit-codes`; empty otherwise."""
    if len(arguments) != 2 or arguments[1] != "--help" or arguments[0] not in _TOPICS:
        return ""
    from attncli.cli.help import topic

    return topic(arguments[0])


def _without(argv: Sequence[str], flag: str) -> tuple[list[str], bool]:
    """The arguments without a flag of all commands before "--", and whether there was one."""
    end = list(argv).index("--") if "--" in argv else len(argv)
    kept = [argument for argument in argv[:end] if argument != flag]
    return [*kept, *argv[end:]], len(kept) < end


def _with_option(arguments: Sequence[str], option: str) -> list[str]:
    """The arguments with an option more, before "--" where there is one."""
    end = list(arguments).index("--") if "--" in arguments else len(arguments)
    return [*arguments[:end], option, *arguments[end:]]


def _habits(arguments: Sequence[str]) -> Any:
    """The user's own defaults, from variables and a file; None where there are none."""
    of_variables = any(n.startswith("ATTN_") and n not in _NO_HABITS for n in os.environ)
    if not of_variables:
        from attncli.cli.config_path import config_file

        path = config_file()
        if path is None or not os.path.exists(path):  # noqa: PTH110  (Path raises for long names)
            return None
    from attncli.cli.habits import habits_for

    return habits_for(arguments)


def _usage(fault: Any, arguments: Sequence[str]) -> int:
    if type(fault).__name__ == "NoArgsIsHelpError":
        return _help_instead(str(fault.format_message()))
    from attncli.cli.slips import KnownNames, say_slip

    say_slip(fault, arguments, KnownNames(COMMANDS, _commands_beside))
    return 2


def _commands_beside(given: str, arguments: Sequence[str]) -> list[str]:
    """The names of the commands among which `given` was looked for."""
    before = list(arguments).index(given) if given in arguments else 0
    if before == 0 or arguments[0] not in COMMANDS:
        return list(COMMANDS)
    from typer.main import get_command

    group = get_command(app_for(arguments))
    return list(getattr(getattr(group, "commands", {}).get(arguments[0]), "commands", {}))


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
        sys.excepthook = show_traceback
        raise fault
    frame = fault.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = "" if frame is None else f" in {frame.tb_frame.f_code.co_name}:{frame.tb_lineno}"
    message("internal error", f"{type(fault).__name__}{where}; a bug in attn, not in your input")
    hint("the same command with --debug prints the traceback")
    return 1
