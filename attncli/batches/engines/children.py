"""Child processes that take nothing from the folder one stands in, and say nothing on our stderr."""

import contextlib
import os
import sys
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path

CAN_FORK = sys.platform == "linux"  # elsewhere a fork of a process with libraries is not safe
_SAFE = "PYTHONSAFEPATH"


@contextlib.contextmanager
def safe_path() -> Iterator[None]:
    """Inside, Python processes that are started do not import from the current folder.

    `multiprocessing` starts children as `python -c …`, whose path begins with that folder: a file
    `multiprocessing.py` that merely lies there would be run.
    """
    before = os.environ.get(_SAFE)
    os.environ[_SAFE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SAFE]
        else:
            os.environ[_SAFE] = before


@contextlib.contextmanager
def muted(log: Path) -> Iterator[None]:
    """Inside, what children write to standard error goes to `log`, and what this process writes does not.

    Processes of a cluster that die print tracebacks, whatever their log level is.
    """
    ours = sys.stderr
    try:
        kept = os.dup(2)
    except OSError:  # standard error is closed
        yield
        return
    with log.open("wb") as file, contextlib.ExitStack() as stack:
        stack.callback(os.close, kept)
        os.dup2(file.fileno(), 2)
        stack.callback(os.dup2, kept, 2)
        if isinstance(ours, TextIOWrapper) and ours is sys.__stderr__:
            mine = os.fdopen(os.dup(kept), "w", encoding=ours.encoding, errors=ours.errors)
            stack.callback(_closed, mine)
            sys.stderr = mine
            stack.callback(setattr, sys, "stderr", ours)
        yield


def _closed(stream: object) -> None:
    with contextlib.suppress(OSError, ValueError):
        stream.close()  # type: ignore[attr-defined]  # a text stream
