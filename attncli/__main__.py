"""`attn` and `python -m attncli`."""

import os
import sys


def main() -> None:
    """Runs the command and ends the process with its exit code."""
    if sys.argv[1:] == ["--version"]:  # answered without loading anything else
        from attncli import __version__

        sys.stdout.write(f"attn {__version__}\n")
        return
    # One BLAS thread: a sentence is small, and its bytes must not depend on the machine's cores.
    for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    from attncli.cli.app import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
