"""A path that may name a member of an archive; every command that opens vectors loads this."""

import os
from pathlib import Path


def split_member(path: str | os.PathLike[str]) -> tuple[Path, str | None]:
    """A path and the member it names: `glove.6B.zip:glove.6B.50d.txt` when the whole is no file."""
    text = os.fspath(path)
    if ":" in text and not os.path.lexists(text) and "://" not in text:
        drive, below = os.path.splitdrive(text)  # the colon of C: names no member
        outer, _, member = below.partition(":")
        outer = drive + outer
        while member:
            if outer and os.path.isfile(outer):  # noqa: PTH113  (Path raises for long names)
                return Path(outer), member
            more, colon, member = member.partition(":")
            if not colon:
                break
            outer = f"{outer}:{more}"
    return Path(text), None
