"""The command that made a file, for its footer: as it is typed, without the secrets of addresses."""

from attncli.errors.wording import typed, without_secrets
from attncli.escape import harmless

_NOT_OF_FILES = ("color", "width", "quiet", "no-footer")  # change nothing in what is written


def made_by(output: str | None, *, no_footer: bool = False) -> str:
    """The command line that runs now, for the footer of a file; empty where none is wanted."""
    from attncli.cli.running import arguments_now, habits_now

    arguments = arguments_now()
    if output is None or no_footer or not arguments:
        return ""
    return command_text([*arguments, *_as_options(habits_now())])


def _as_options(habits: dict[str, object]) -> list[str]:
    """The options that say what defaults of the user's own say."""
    return [
        text
        for name, value in habits.items()
        if value is not False and name not in _NOT_OF_FILES
        for text in ([f"--{name}"] if value is True else [f"--{name}", f"{value}"])
    ]


def command_text(arguments: list[str]) -> str:
    """A command line as it is typed, its controls visible.

    >>> command_text(["explain", "money bank grows", "-o", "a.svg"])
    'attn explain "money bank grows" -o a.svg'
    """
    return " ".join(
        ["attn", *(harmless(typed(without_secrets(argument))) for argument in arguments)]
    )
