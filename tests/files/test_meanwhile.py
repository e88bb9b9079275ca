"""Work in a thread: it has ended when the block has, its errors are raised there."""

import threading
import time

import pytest

from attncli.files.meanwhile import meanwhile


def test_work_goes_on_while_the_block_does() -> None:
    """The work waits for the block, so the two ran at once; after the block it is done."""
    go_on, done = threading.Event(), list[str]()

    def work() -> None:
        assert go_on.wait(60)
        time.sleep(0.05)
        done.append("work")

    with meanwhile(work):
        assert done == []
        go_on.set()
    assert done == ["work"]


def test_an_error_of_the_work_is_raised_at_the_end() -> None:
    """A full disk that a thread met is not forgotten."""

    def work() -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"), meanwhile(work):
        pass


def test_an_error_of_the_block_waits_for_the_work() -> None:
    """Files that the work uses stay open until it has ended."""
    done = list[str]()

    def work() -> None:
        time.sleep(0.05)
        done.append("work")

    with pytest.raises(KeyError), meanwhile(work):
        raise KeyError("block")
    assert done == ["work"]


def test_without_a_thread_the_work_is_done_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that gives no thread makes it slower, and nothing else."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    done = list[str]()
    with meanwhile(lambda: done.append("work")):
        assert done == ["work"]
