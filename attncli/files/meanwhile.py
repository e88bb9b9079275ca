"""Work in a thread, while this one computes: the disk and checksums need no lock of Python."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def meanwhile(work: Callable[[], object]) -> Iterator[None]:
    """The work begins, and has ended when the block has. Raises: at the end, what the work raised."""
    faults = list[BaseException]()

    def run() -> None:
        try:
            work()
        except BaseException as fault:  # whatever it is, it is raised by whoever waits
            faults.append(fault)

    thread = threading.Thread(target=run, daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the system gives no thread
        run()
    try:
        yield
    finally:
        if thread.ident is not None:
            thread.join()
    if faults:
        raise faults[0]
