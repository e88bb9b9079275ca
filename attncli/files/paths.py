"""Questions about paths that have an answer for every name: too long, forbidden, with a zero byte."""

import os
from pathlib import Path


def is_file(path: str | os.PathLike[str]) -> bool:
    """Whether a regular file that we may see is there."""
    return os.path.isfile(path)  # noqa: PTH113  (Path raises for such names)


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Whether a folder that we may see is there."""
    return os.path.isdir(path)  # noqa: PTH112  (likewise)


def exists(path: str | os.PathLike[str]) -> bool:
    """Whether anything that we may see is there."""
    return os.path.exists(path)  # noqa: PTH110  (likewise)


def size_of(path: Path) -> int:
    """The bytes of a file; 0 when it cannot be seen, or has just gone."""
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return 0


def listed(folder: Path, pattern: str) -> list[Path]:
    """The paths in a folder that fit a pattern, in order; none when it cannot be read."""
    try:
        return sorted(folder.glob(pattern))
    except (OSError, ValueError):
        return []


def at_home(path: str) -> Path:
    """A path below the home of the user; unchanged when the home is unknown."""
    return Path(os.path.expanduser(path))  # noqa: PTH111  (Path raises without a home)
