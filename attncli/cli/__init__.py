"""The command: argv → one call → one view; errors → exit codes."""

import os

_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")


def use_one_thread(*, always: bool) -> None:
    """One thread for a product of matrices, before numpy is loaded.

    A sentence is small, and its bytes must not depend on the machine's cores. `always`: also where
    the user says otherwise, whose last bits would be others.
    """
    for variable in _THREADS:
        if always:
            os.environ[variable] = "1"
        else:
            os.environ.setdefault(variable, "1")
