"""Messages to a worker process that somebody may have stopped: who sends one does not wait for ever."""

import pickle
import select
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

_FITS = 2048  # bytes that a pipe takes at once wherever it takes any


def send_patiently(
    connection: Connection, message: Any, seconds: float, wake: Callable[[], None]
) -> None:
    """Sends a message; each time that nothing was taken for so many seconds, `wake` is called.

    Raises: OSError, where nobody is at the other end.
    """
    data = pickle.dumps(message)
    if not hasattr(select, "poll"):  # on Windows, where nobody stops a process
        connection.send_bytes(data)
        return
    room = select.poll()
    room.register(connection.fileno(), select.POLLOUT)
    while not room.poll(1000 * seconds):
        wake()
    if len(data) <= _FITS:
        connection.send_bytes(data)
        return
    is_sent = threading.Event()

    def watch() -> None:
        while not is_sent.wait(seconds):
            wake()

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        connection.send_bytes(data)
    finally:
        is_sent.set()
        watching.join()  # a process with threads must not be forked
