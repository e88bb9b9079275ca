"""What a command asks of its command line, declared without typer.

To import typer takes longer than a short command runs, so it is loaded where it reads the line: help,
habits, completion and whatever is not plainly right. `typed_line` reads the others.
"""

from typing import Any


class CommandParameter:
    """An option or an argument of a command, as it stands beside its type.

    names: those of an option, "--file" and "-f", or "--self/--no-self" of a switch with two sides;
    without one it has the name of its parameter. wording is what typer is told besides: metavar,
    help, the title in help, the limits of a number.
    """

    __slots__ = ("is_argument", "names", "wording")

    def __init__(self, *names: str, is_argument: bool = False, **wording: Any) -> None:
        self.names = names
        self.is_argument = is_argument
        self.wording = wording

    def of_typer(self) -> Any:
        """The same for typer."""
        import typer

        make: Any = typer.Argument if self.is_argument else typer.Option
        return make(*self.names, **self.wording)
