"""`attn` and `python -m attncli`."""

import os
import sys


def main() -> None:
    """Runs the command and ends the process with its exit code."""
    if sys.argv[1:] == ["--version"] and _said_version():
        return
    # One BLAS thread: a sentence is small, and its bytes must not depend on the machine's cores.
    for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    from attncli.cli.app import run

    sys.exit(run(sys.argv[1:]))


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
    main()
