"""One run at a time on an output behind a URL."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from attncli.batches import lease
from attncli.batches.lease import LASTS, hold
from attncli.batches.remote import RemoteOutput
from attncli.errors import LockedError
from tests.batch.conftest import corpus
from tests.batch.runs import Job

fsspec = pytest.importorskip("fsspec")
LOCK = "/held/out.jsonl.attn-lock"


@pytest.fixture
def memory() -> Iterator[Any]:
    """A file system that holds nothing."""
    files = fsspec.filesystem("memory")
    yield files
    for path in files.find("/held"):
        files.rm(path)


def told(**changed: Any) -> bytes:
    """The lease of another run."""
    found = {
        "owner": "other",
        "host": "elsewhere",
        "process": os.getpid(),
        "until": time.time() + LASTS,
    }
    return json.dumps(found | changed).encode()


@pytest.mark.parametrize("scheme", ["file", "memory"])
def test_two_runs_on_one_url_exclude_each_other(folder: Path, scheme: str) -> None:
    """While one run has the output, another ends with 10; when it is done, nothing is left."""
    (folder / "s.txt").write_bytes(corpus(30))
    url = f"{scheme}://{folder if scheme == 'file' else '/held'}/two.jsonl"
    first = RemoteOutput(url, {"job": 1}, force=True)
    assert Job(folder, url=url).code(force=True) == 10
    first.close()
    assert Job(folder, url=url).code(force=True) == 0
    files, path = fsspec.core.url_to_fs(url)
    assert not files.exists(f"{path}.attn-lock")


def test_a_lease_of_another_machine_holds_until_its_time_has_passed(
    memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fresh one is respected, an old one that nobody renews is taken over."""
    memory.pipe_file(LOCK, told())
    with pytest.raises(LockedError, match="another run"):
        hold(memory, LOCK, "memory://out")
    memory.pipe_file(LOCK, told(until=time.time() - 1))
    monkeypatch.setattr(lease, "_WATCHED", 0.1)
    with hold(memory, LOCK, "memory://out"):
        assert json.loads(memory.cat_file(LOCK))["process"] == os.getpid()
    assert not memory.exists(LOCK)


@pytest.mark.parametrize("until", [-300.0, -1.0, 1e9])
def test_a_lease_does_not_rest_on_clocks(
    memory: Any, monkeypatch: pytest.MonkeyPatch, until: float
) -> None:
    """A lease that is over by our clock, or never, is respected while somebody writes it anew."""
    monkeypatch.setattr(lease, "_WATCHED", 2.0)
    memory.pipe_file(LOCK, told(until=time.time() + until))
    renewal = threading.Timer(
        0.3, lambda: memory.pipe_file(LOCK, told(until=time.time() + until + 20))
    )
    renewal.start()
    with pytest.raises(LockedError, match="another run"):
        hold(memory, LOCK, "memory://out")
    renewal.join()
    memory.pipe_file(LOCK, told(until=time.time() - 300))
    monkeypatch.setattr(lease, "_WATCHED", 0.1)
    with hold(memory, LOCK, "memory://out"):
        assert json.loads(memory.cat_file(LOCK))["owner"] != "other"


def test_a_lease_ends_with_its_process_on_this_machine(memory: Any) -> None:
    """After kill -9 the next run on the same machine starts at once."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    memory.pipe_file(LOCK, told(host=socket.gethostname(), process=gone.pid))
    with hold(memory, LOCK, "memory://out"):
        pass


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"[]",
        b"{",
        b'{"until": "soon"}',
        b'{"until": null}',
        b'{"until": 1' + b"0" * 400 + b"}",
        b'{"until": Infinity}',
        b'{"until": NaN}',
        b'{"until": 9, "host": "here", "process": 1' + b"0" * 40 + b"}",
        b"[" * 100_000,
    ],
    ids=range(10),
)
def test_a_damaged_lease_does_not_hold(
    memory: Any, monkeypatch: pytest.MonkeyPatch, damage: bytes
) -> None:
    """What is no lease stops nobody."""
    monkeypatch.setattr(lease, "_WATCHED", 0.1)
    memory.pipe_file(LOCK, damage)
    with hold(memory, LOCK, "memory://out"):
        pass


def test_of_two_that_come_at_once_one_gives_way(memory: Any, monkeypatch: Any) -> None:
    """A run whose lease was written over in the same moment does not start."""
    write = lease.Lease._write

    def write_and_lose(own: lease.Lease) -> None:
        write(own)
        memory.pipe_file(LOCK, told())

    monkeypatch.setattr(lease.Lease, "_write", write_and_lose)
    with pytest.raises(LockedError):
        hold(memory, LOCK, "memory://out")


def test_a_lease_is_kept_alive(memory: Any, monkeypatch: Any) -> None:
    """It is written anew while the run works."""
    monkeypatch.setattr(lease, "_RENEWED", 0.01)
    with hold(memory, LOCK, "memory://out"):
        before = json.loads(memory.cat_file(LOCK))["until"]
        deadline = time.monotonic() + 10
        while json.loads(memory.cat_file(LOCK))["until"] == before:
            assert time.monotonic() < deadline
            time.sleep(0.005)
