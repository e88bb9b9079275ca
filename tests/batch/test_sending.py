"""Messages to a worker process that takes nothing until it is woken."""

import select
import threading
from multiprocessing import Pipe
from typing import Any

import pytest

from attncli.batches.engines.sending import send_patiently

pytestmark = pytest.mark.skipif(not hasattr(select, "poll"), reason="nobody stops processes here")


@pytest.mark.parametrize("size", [10, 3000, 100_000, 3_000_000])
@pytest.mark.parametrize("before", [0, 1], ids=["into an empty pipe", "into a full one"])
def test_a_message_waits_for_who_has_to_be_woken(size: int, before: int) -> None:
    """However large it is, and whatever was sent before: it is woken, and all arrives."""
    threads = threading.active_count()
    ours, theirs = Pipe()
    arrived: list[Any] = []
    expected = [("work", bytes(size))]
    for _ in range(before):
        full = select.poll()
        full.register(ours.fileno(), select.POLLOUT)
        while full.poll(0):
            expected.insert(0, ("before", b"x" * 1000))
            ours.send(expected[0])

    def read() -> None:
        while len(arrived) < len(expected):
            arrived.append(theirs.recv())

    reading = threading.Thread(target=read, daemon=True)

    def wake() -> None:
        if reading.ident is None:
            reading.start()

    send_patiently(ours, expected[-1], 0.05, wake)
    wake()  # what fits is sent without
    reading.join(20)
    assert arrived == expected
    assert threading.active_count() == threads  # else a process could not be forked
    ours.close()
    theirs.close()


def test_nobody_at_the_other_end_is_an_error() -> None:
    """A worker that died is told from one that is slow."""
    ours, theirs = Pipe()
    theirs.close()
    with pytest.raises(OSError, match=r"."):
        send_patiently(ours, bytes(100_000), 5.0, lambda: None)
    ours.close()
