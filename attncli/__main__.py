"""`attn` and `python -m attncli`."""

import atexit
import gc
import os
import sys
from contextlib import suppress
from typing import TextIO


def command() -> None:
    """Runs the command as the whole of a process, which ends here at once.

    Python would take its modules apart one by one, whose memory the system takes back anyway: that is
    a sixth of a short command. What was registered for the end is done, and where another thread, a
    tracer or `python -i` still waits for it, Python ends as always.
    """
    code = 1
    try:
        main()
    except SystemExit as end:
        if not isinstance(end.code, int) or _is_awaited():
            raise
        code = end.code
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        _settle(stream)
    os._exit(code)


def _is_awaited() -> bool:
    """Whether somebody needs Python's own end of the process."""
    threading = sys.modules.get("threading")
    has_threads = threading is not None and threading.active_count() > 1
    is_traced = sys.gettrace() is not None or sys.getprofile() is not None
    return has_threads or is_traced or bool(sys.flags.inspect)


def main() -> None:
    """Runs the command and ends the process with its exit code."""
    _open_standard_streams()
    try:
        code = _run()
    except KeyboardInterrupt:  # before the command itself could hear it
        code = 130
    for stream in (sys.stdout, sys.stderr):
        _settle(stream)
    sys.exit(code)


def _run() -> int:
    if sys.argv[1:] == ["--version"] and _said_version():
        return 0
    # Neither a start nor a chunk of records makes cycles; looking for them takes one part in 25.
    gc.set_threshold(100_000)
    from attncli.cli import use_one_thread

    use_one_thread(always=False)
    from attncli.cli.app import run

    return run(sys.argv[1:])


def _open_standard_streams() -> None:
    """Opens what was closed (`>&-`), so that no file of ours takes the place of a stream."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest that is free: this one


def _settle(stream: TextIO | None) -> None:
    """Writes what a stream still holds, or drops it: Python's own end would exit with 120."""
    if stream is None:
        return
    try:
        stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, stream.fileno())
            stream.flush()


def _said_version() -> bool:
    """Answers without loading anything else; the app says why when it cannot be written."""
    from attncli import __version__

    try:
        sys.stdout.write(f"attn {__version__}\n")
        sys.stdout.flush()
    except (AttributeError, OSError, ValueError):
        return False
    return True


if __name__ == "__main__":
    command()
