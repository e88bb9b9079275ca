"""What a run of very many workers needs: few requests, commits noted together, deaths that are few."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from attncli.batches.checksums import checksum
from attncli.batches.journal import Commit
from attncli.batches.remote import RemoteOutput
from tests.batch.runs import Job, small_analyser

fsspec = pytest.importorskip("fsspec")
memory = pytest.importorskip("fsspec.implementations.memory")

URL = "memory://many/out.jsonl"
BYTES = [b"%d\n" % number * 9 for number in range(10)]


@pytest.fixture(autouse=True)
def _empty_store() -> Iterator[None]:
    memory.MemoryFileSystem.store.clear()
    memory.MemoryFileSystem.pseudo_dirs[:] = [""]
    yield
    memory.MemoryFileSystem.store.clear()
    memory.MemoryFileSystem.pseudo_dirs[:] = [""]


def _commit(output: RemoteOutput, number: int, *, followed: bool) -> None:
    data = BYTES[number]
    output.deliver(number - output.parts.base, data, 0)
    output.commit(
        Commit(number + 1, output.length + len(data), checksum(data), f"{number}"),
        followed=followed,
    )


def _noted() -> list[str]:
    return sorted(name[-8:] for name in memory.MemoryFileSystem.store if "/commit-" in name)


def test_commits_that_are_ready_together_are_one_object() -> None:
    """An object for those up to one that nothing follows; a resumed run takes over all of them."""
    output = RemoteOutput(URL, {"job": 1})
    for number in range(7):
        _commit(output, number, followed=number not in (2, 3))
    assert _noted() == ["00000000", "00000003"]
    output.close()  # stopped: what was still to be noted is
    assert _noted() == ["00000000", "00000003", "00000004"]
    again = RemoteOutput(URL, {"job": 1}, resume=True)
    assert again.done is not None
    assert (again.done.records, again.length) == (7, sum(map(len, BYTES[:7])))
    again.close()


@pytest.mark.parametrize("damaged", range(7))
def test_a_damaged_part_of_many_is_made_again(damaged: int) -> None:
    """Those before it are taken over, and the commits noted anew behind it count from then on."""
    output = RemoteOutput(URL, {"job": 1})
    for number in range(7):
        _commit(output, number, followed=number < 6)
    output.close()
    files, folder = fsspec.core.url_to_fs(f"{URL}.attn-parts")
    files.pipe_file(f"{folder}/part-{damaged:08d}", b"x" * len(BYTES[damaged]))
    again = RemoteOutput(URL, {"job": 1}, resume=True)
    assert again.length == sum(map(len, BYTES[:damaged]))
    for number in range(damaged, min(damaged + 2, 7)):
        _commit(again, number, followed=False)
    again.close()
    third = RemoteOutput(URL, {"job": 1}, resume=True)
    kept = 7 if damaged else 2  # the first part's commits are written over those of all
    assert third.length == sum(map(len, BYTES[:kept]))
    third.close()


def test_a_commit_of_before_is_taken_over() -> None:
    """An object of one commit, as versions before wrote each, and one that is none."""
    output = RemoteOutput(URL, {"job": 1})
    for number in range(3):
        _commit(output, number, followed=False)
    output.close()
    files, folder = fsspec.core.url_to_fs(f"{URL}.attn-parts")
    assert isinstance(json.loads(files.cat_file(f"{folder}/commit-00000001")), dict)
    files.pipe_file(f"{folder}/commit-00000002", b"[[]]")
    again = RemoteOutput(URL, {"job": 1}, resume=True)
    assert again.length == sum(map(len, BYTES[:2]))
    again.close()


class _DyingOnce:
    """An analyser whose process dies at a word "poisonN", the first time that any sees it."""

    def __init__(self) -> None:
        self._analyser = small_analyser()

    def stacks(self, texts: Sequence[str]) -> Iterator[Any]:
        for text in texts:
            if text.startswith("poison"):
                try:
                    os.close(os.open(text, os.O_CREAT | os.O_EXCL))
                except FileExistsError:
                    continue
                os._exit(3)
        return self._analyser.stacks(texts)


def test_a_run_that_gets_on_may_lose_more_workers(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty may die, and one more for each fifty chunks: a long run loses some every hour."""
    monkeypatch.chdir(folder)
    lines = [b"money bank"] * 1000
    for place in range(375, 1000, 25):
        lines[place] = b"poison%d" % place
    (folder / "s.txt").write_bytes(b"\n".join(lines) + b"\n")
    job = Job(folder, workers=2, chunk=1, analyser=_DyingOnce)
    report = job.run()
    assert len(list(folder.glob("poison*"))) == 25
    assert report.tally.records == 1000


def test_the_cluster_is_asked_little(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The threads of workers are counted once a second, and short chunks go and come several at once."""
    distributed = pytest.importorskip("distributed")
    from attncli.batches.engines.dask import DaskEngine

    (folder / "s.txt").write_bytes(b"money bank grows\n" * 400)
    expected = Job(folder)
    expected.run()
    content = expected.target.read_bytes()
    asked: list[str] = []
    for name in ("nthreads", "gather", "submit"):
        real = getattr(distributed.Client, name)

        def counted(
            client: Any, *given: Any, _real: Any = real, _name: str = name, **more: Any
        ) -> Any:
            asked.append(_name)
            return _real(client, *given, **more)

        monkeypatch.setattr(distributed.Client, name, counted)
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=8,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=50,
    ) as cluster:
        monkeypatch.setattr("attncli.batches.engines.dask._COUNTED", 3600.0)
        Job(folder, chunk=1, engine=DaskEngine(cluster.scheduler_address, 8)).run(force=True)
    assert expected.target.read_bytes() == content
    assert 400 / 16 <= asked.count("submit") < 200
    assert asked.count("nthreads") < 40  # also once a second in which no chunk came back
