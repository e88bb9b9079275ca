"""Questions about paths that have an answer for every name: too long, forbidden, with a zero byte."""

import os
from pathlib import Path, PureWindowsPath

_DEVICES = ("CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$")
_DEVICE_NUMBERS = tuple("123456789¹²³")


def is_file(path: str | os.PathLike[str]) -> bool:
    """Whether a regular file that we may see is there."""
    return os.path.isfile(path)  # noqa: PTH113  (Path raises for such names)


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Whether a folder that we may see is there."""
    return os.path.isdir(path)  # noqa: PTH112  (likewise)


def is_device_of_windows(path: str | os.PathLike[str]) -> bool:
    r"""Whether Windows takes this for a device, whatever its folder and its suffix.

    >>> is_device_of_windows("C:\\data\\nul.txt"), is_device_of_windows("null.txt")
    (True, False)
    """
    name = PureWindowsPath(path).name.partition(".")[0].partition(":")[0].rstrip(" ").upper()
    return name in _DEVICES or (name[:3] in ("COM", "LPT") and name[3:] in _DEVICE_NUMBERS)


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
