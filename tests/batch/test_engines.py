"""Workers that die, on this machine and on a cluster; outputs behind URLs."""

import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from attncli.batches.writers.formats import Format
from attncli.errors import ClusterError
from attncli.results.layout import RecordLayout
from tests.batch.conftest import ROOT, corpus
from tests.batch.runs import Job, deadly_analyser, ended, forked, prepared, with_fault


def poisoned(folder: Path, records: int, place: int) -> None:
    """An input whose line `place` kills the process that works on it."""
    lines = [b"money bank grows"] * records
    lines[place] = b"poison bank"
    (folder / "s.txt").write_bytes(b"\n".join(lines) + b"\n")


def check_set_aside(job: Job, records: int, place: int) -> None:
    """Only the chunk of the deadly line is set aside; every line has its record, in order."""
    rows = [json.loads(line) for line in job.target.read_text().splitlines()]
    assert [row["line"] for row in rows] == list(range(1, records + 1))
    begin = place - place % job.chunk
    for row in rows:
        inside = begin < row["line"] <= begin + job.chunk
        assert row["type"] == ("error" if inside else "result")
        if inside:
            assert row["code"] == "cluster"
            assert "ended its worker 3 times" in row["message"]


def test_a_chunk_that_kills_its_workers_is_set_aside(folder: Path) -> None:
    """After three tries a deadly chunk becomes error records; the rest is done."""
    poisoned(folder, 200, 101)
    job = Job(folder, workers=3, analyser=deadly_analyser)
    report = job.run()
    assert (report.tally.records, report.tally.failed) == (200, 10)
    check_set_aside(job, 200, 101)


def test_local_workers_may_be_killed(folder: Path) -> None:
    """Workers killed at random lose no record and change no byte."""
    job, expected = prepared(folder, 900, workers=3)
    others = frozenset(_children(os.getpid()))  # that serve other tests
    for seed in range(8):
        killer = threading.Thread(target=_kill_two_children, args=(seed, others))
        killer.start()
        job.run(force=True)
        killer.join()
        assert job.target.read_bytes() == expected


def _kill_two_children(seed: int, spared: frozenset[int]) -> None:
    """Two only: three deaths over one chunk would set it aside."""
    rng = random.Random(seed)
    for _ in range(2):
        time.sleep(rng.random() * 0.15)
        children = [child for child in _children(os.getpid()) if child not in spared]
        if children:
            with suppress(ProcessLookupError):  # it may have ended meanwhile
                os.kill(rng.choice(children), signal.SIGKILL)


def test_workers_that_always_die_end_the_run(folder: Path) -> None:
    """When workers die again and again, the run ends with 12 and keeps what is done."""
    lines = [b"money bank"] * 40 + [b"poison"] * 200
    (folder / "s.txt").write_bytes(b"\n".join(lines) + b"\n")
    job = Job(folder, workers=2, analyser=deadly_analyser)
    with pytest.raises(ClusterError):
        job.run()
    assert Path(f"{job.target}.attn-part").stat().st_size > 0


@pytest.mark.parametrize("form", [Format("jsonl"), Format("npz")], ids=lambda f: f.name)
@pytest.mark.parametrize("scheme", ["file", "memory"])
def test_urls_hold_the_bytes_of_files(folder: Path, scheme: str, form: Format) -> None:
    """An output behind a URL has the bytes of a local file; an interrupted run goes on."""
    fsspec = pytest.importorskip("fsspec")
    (folder / "s.txt").write_bytes(corpus(150))
    job = Job(folder, format=form)
    job.run()
    name = f"{scheme}://{folder if scheme == 'file' else '/test'}/remote-{form.name}"
    remote = Job(folder, format=form, url=name, workers=2)
    remote.run()
    with fsspec.open(name) as stream:
        assert stream.read() == job.target.read_bytes()
    assert not fsspec.core.url_to_fs(f"{name}.attn-parts")[0].exists(f"{name}.attn-parts")
    assert remote.code() == 9
    stopped = Job(folder, format=form, url=name, analyser=_Stopping)
    assert stopped.code(force=True) == 2
    assert Job(folder, format=form, url=name).code() == 9
    other = Job(folder, format=form, url=name, layout=RecordLayout(precision=3))
    assert other.code(resume=True) == 11
    report = remote.run(resume=True)
    with fsspec.open(name) as stream:
        assert stream.read() == job.target.read_bytes()
    assert report.new <= 150


@pytest.mark.parametrize("damage", ["word", "zeros", "swapped"])
def test_parts_behind_a_url_are_checked_by_their_content(folder: Path, damage: str) -> None:
    """A part of the right size with other bytes is made again, as a local part is."""
    pytest.importorskip("fsspec")
    (folder / "s.txt").write_bytes(b"money bank grows\n" * 400)
    job = Job(folder, chunk=50)
    job.run()
    url = f"file://{folder}/remote.jsonl"
    assert Job(folder, chunk=50, url=url, analyser=_Stopping).code() == 2
    part = folder / "remote.jsonl.attn-parts" / "part-00000001"
    good = part.read_bytes()
    assert len(good) > 8192
    part.write_bytes(
        {
            "word": good.replace(b"money", b"honey"),
            "zeros": bytes(len(good)),
            "swapped": good[4096:8192] + good[:4096] + good[8192:],
        }[damage]
    )
    Job(folder, chunk=50, url=url).run(resume=True)
    assert (folder / "remote.jsonl").read_bytes() == job.target.read_bytes()
    assert not (folder / "remote.jsonl.attn-parts").exists()


@pytest.mark.parametrize("form", [Format("jsonl"), Format("npz")], ids=lambda f: f.name)
@pytest.mark.parametrize("mode", ["kill", "full"])
def test_a_file_url_is_whole_or_not_there(folder: Path, form: Format, mode: str) -> None:
    """Whichever operation fails, the output has all its bytes or does not exist; --resume goes on."""
    pytest.importorskip("fsspec")
    _, expected = prepared(folder, 40, format=form)
    target = folder / "remote"
    remote = Job(folder, format=form, url=f"file://{target}")
    faults = 0
    for number in range(1, 1000):

        def act(number: int = number) -> int:
            with_fault(number, mode, _FILE_OPERATIONS)
            return remote.code()

        code = ended(forked(act))
        if target.exists():
            assert target.read_bytes() == expected, f"operation {number}: a wrong output"
        assert remote.code(resume=True) == 0, f"operation {number}"
        assert target.read_bytes() == expected
        left = [p.name for p in folder.iterdir() if p.name.startswith("remote.")]
        assert [name for name in left if name != "remote.attn-lock"] == [], f"operation {number}"
        target.unlink()
        if code == 0 and number > faults + 12:
            break
        faults = number if code != 0 else faults
    assert faults > 8


# What fsspec's file system calls; writes go through Python's own files.
_FILE_OPERATIONS = ("rename", "replace", "unlink", "remove", "mkdir", "rmdir", "open")


def test_too_few_descriptors_for_the_workers_are_a_limit(folder: Path) -> None:
    """The system's limit is told with 8, and a number of workers that needs fewer."""
    resource = pytest.importorskip("resource")
    (folder / "s.txt").write_bytes(b"money bank\n" * 200)
    job = Job(folder, workers=100)

    def act() -> int:
        limit = os.open(os.devnull, os.O_RDONLY) + 56  # what other tests hold open stays
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        return job.code()

    assert ended(forked(act)) == 8


class _Stopping:
    """An analyser that fails as a whole in its fifth chunk."""

    def __init__(self) -> None:
        from tests.batch.runs import small_analyser

        self._analyser = small_analyser()
        self._count = 0

    def stacks(self, texts: list[str]) -> Iterator[Any]:
        from attncli.errors import UsageError

        self._count += 1
        if self._count == 5:
            raise UsageError("stopped")
        return self._analyser.stacks(texts)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A Dask cluster of two worker processes."""
    distributed = pytest.importorskip("distributed")
    sys.path.append(str(ROOT))  # a spawned worker takes over this path, and needs these tests
    import dask

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            host="127.0.0.1",
            silence_logs=50,
        ) as made,
    ):
        yield made
    sys.path.remove(str(ROOT))


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_gives_the_same_bytes(cluster: Any, folder: Path) -> None:
    """Dask workers, one of them killed in the middle, give the bytes of one process."""
    from attncli.batches.engines.dask import DaskEngine

    job, expected = prepared(folder, 1500)
    killed = threading.Thread(target=_kill_a_worker, args=(cluster, 0.3))
    killed.start()
    Job(folder, engine=DaskEngine(cluster.scheduler_address, 2), analyser=_slow_analyser).run()
    killed.join()
    assert job.target.read_bytes() == expected


@pytest.mark.filterwarnings("ignore")
def test_a_deadly_chunk_on_a_cluster_is_set_aside(cluster: Any, folder: Path) -> None:
    """A chunk that kills its worker is set aside after three tries; the rest is done."""
    from attncli.batches.engines.dask import DaskEngine

    poisoned(folder, 400, 257)
    job = Job(folder, engine=DaskEngine(cluster.scheduler_address, 2), analyser=deadly_analyser)
    report = job.run()
    assert (report.tally.records, report.tally.failed) == (400, 10)
    check_set_aside(job, 400, 257)


@pytest.mark.filterwarnings("ignore")
def test_a_result_lost_with_its_worker_is_made_again(
    cluster: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that dies with a result nobody has fetched yet costs its time and nothing else."""
    from attncli.batches.engines import dask as engine

    job, expected = prepared(folder, 200)
    wait, lost = engine._Shift._ready, []

    def ready(shift: Any) -> list[Any]:
        found = wait(shift)
        if not lost:
            lost.append(found[0])
            _kill_the_holder(cluster, shift.client, found[0])
        return found

    monkeypatch.setattr(engine._Shift, "_ready", ready)
    run = engine.DaskEngine(cluster.scheduler_address, 2)
    Job(folder, engine=run, analyser=_slow_analyser).run()
    assert lost
    assert job.target.read_bytes() == expected


def _slow_analyser() -> Any:
    """The small analyser, slowed so that there is a middle to be killed in."""
    return _Slow()


class _Slow:
    def __init__(self) -> None:
        from tests.batch.runs import small_analyser

        self._analyser = small_analyser()

    def stacks(self, texts: list[str]) -> Iterator[Any]:
        time.sleep(0.02)
        return self._analyser.stacks(texts)


def _kill_a_worker(cluster: Any, delay: float) -> None:
    time.sleep(delay)
    os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)


def _kill_the_holder(cluster: Any, client: Any, future: Any) -> None:
    """Kills the worker that holds a result, and waits until the scheduler knows."""
    (holders,) = client.who_has([future]).values()
    for worker in list(cluster.workers.values()):
        if worker.worker_address in holders:
            os.kill(worker.pid, signal.SIGKILL)
    ends = time.monotonic() + 30
    while future.status == "finished":
        assert time.monotonic() < ends, "the scheduler did not notice"
        time.sleep(0.01)


def _children(pid: int) -> list[int]:
    """The processes that a process started and that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found
