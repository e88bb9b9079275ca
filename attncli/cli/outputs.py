"""What a command says of the files it wrote."""

from attncli.cli.terminal import message
from attncli.escape import visible


def say_written(path: str, *, quiet: bool) -> None:
    """One line for a file that was written."""
    if not quiet:
        message("note", f"wrote {visible(path)}")
