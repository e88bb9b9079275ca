"""An output never goes over an input."""

import os

from attncli.errors import UsageError
from attncli.escape import quoted


def same_file(one: str, other: str) -> bool:
    """Whether two paths name one file that is there."""
    try:
        return os.path.samefile(one, other)  # noqa: PTH121 - both are given as text
    except OSError:
        return os.path.abspath(one) == os.path.abspath(other)  # noqa: PTH100 - likewise


def expect_apart(option: str, output: str | None, *others: str | None) -> None:
    """Raises: UsageError when the file of an option is also one of the others."""
    for other in others:
        if output and other and "-" not in (output, other) and same_file(output, other):
            raise UsageError(
                f"found {quoted(output)}, which is also read or written here; expected another file",
                place=option,
            )
