"""A cluster of a run's own: workers that die, that answer with something else, and their parent's end."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import child_environment

from tests.batch.conftest import corpus
from tests.batch.runs import Job

distributed = pytest.importorskip("distributed")
psutil = pytest.importorskip("psutil")
pytest.importorskip("cryptography")
from attncli.batches.engines import connecting  # noqa: E402  (it takes distributed)
from attncli.batches.engines import dask as engine  # noqa: E402
from attncli.batches.engines.dask import DaskEngine, Proof  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
_honest = engine.processed


@pytest.fixture
def expected(folder: Path) -> bytes:
    """The bytes that one process makes of the sentences."""
    (folder / "s.txt").write_bytes(corpus(600))
    job = Job(folder)
    job.run()
    content = job.target.read_bytes()
    job.target.unlink()
    return content


@pytest.fixture(params=["files", "bytes"])
def hands_over(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How workers hand over what they made: as on this machine, or as on another."""
    if request.param == "bytes":
        monkeypatch.setattr(connecting, "is_on_this_machine", lambda scheduler: False)
    return str(request.param)


@pytest.fixture
def threads() -> Iterator[Any]:
    """A cluster of one thread of this process, which runs what this process replaced."""
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=50,
    ) as made:
        yield made


_WRONG: dict[str, Callable[[Proof], object]] = {
    "nothing": lambda proof: None,
    "bytes": lambda proof: proof.done.data,
    "no chunk": lambda proof: replace(proof, done="a text"),  # type: ignore[arg-type]
    "another chunk": lambda proof: replace(proof, done=_with(proof, number=0)),
    "other bytes": lambda proof: replace(proof, done=_with(proof, data=proof.done.data[::-1])),
    "half the bytes": lambda proof: replace(proof, done=_with(proof, data=proof.done.data[:9])),
    "a text for bytes": lambda proof: replace(proof, done=_with(proof, data="a text")),
    "another version": lambda proof: replace(proof, package="0" * 64),
    "no bytes": lambda proof: replace(proof, done=_with(proof, data=b"", put=(9, "0" * 64))),
}
# Of what was handed over in a file.
_WRONG_FILES: dict[str, Callable[[Proof], object]] = {
    "another length": lambda proof: replace(proof, done=_with(proof, put=(1, proof.done.put[1]))),  # type: ignore[index]
    "another checksum": lambda proof: replace(
        proof, done=_with(proof, put=(proof.done.put[0], "0" * 64))
    ),  # type: ignore[index]
    "no file": lambda proof: replace(proof, done=_with(proof, number=proof.done.number + 1)),
}


def _change(proof: Proof) -> object:
    return proof


def _answer(recipe: Any, chunk: Any, parts: Any = None) -> object:
    """What the worker of this process returns: from the eighth chunk on something else."""
    proof = _honest(recipe, chunk, parts)
    return proof if chunk.number < 8 else _change(proof)


def _with(proof: Proof, **fields: Any) -> Any:
    done = proof.done
    known = {name: getattr(done, name) for name in done.__dataclass_fields__}
    return type(done)(**{**known, **fields})


def test_whatever_a_worker_answers_is_looked_at(
    threads: Any,
    folder: Path,
    expected: bytes,
    hands_over: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is no proof of the chunk that was asked for: 12, finished parts stay, a resume is whole."""
    job = Job(folder, engine=DaskEngine(threads.scheduler_address, 1))
    part = Path(f"{job.target}.attn-part")
    for name, change in (_WRONG if hands_over == "bytes" else _WRONG_FILES).items():
        monkeypatch.setattr(engine, "processed", _answer)
        monkeypatch.setattr(sys.modules[__name__], "_change", change)
        assert job.code(force=True) == 12, name
        assert 0 < part.stat().st_size < len(expected), name
        assert expected.startswith(part.read_bytes()), name
        monkeypatch.setattr(engine, "processed", _honest)
        assert job.code(resume=True) == 0, name
        assert job.target.read_bytes() == expected, name


def _workers(pid: int) -> list[Any]:
    """The worker processes of a run."""
    try:
        family = psutil.Process(pid).children(recursive=True)
        return [one for one in family if "spawn_main" in " ".join(one.cmdline())]
    except psutil.Error:
        return []


def _gone(processes: list[Any], seconds: float) -> bool:
    """Whether the processes end in this time."""
    return not psutil.wait_procs(processes, timeout=seconds)[1]


_BATCH = (
    "batch",
    "s.txt",
    "-o",
    "o.jsonl",
    "--vectors",
    "random",
    "--dim",
    "4",
    "--chunk",
    "20",
    "-q",
)
# Four seconds without a worker are enough here.
_IMPATIENT = """
import attncli.batches.engines.dask as engine
engine._PATIENCE = 4.0
from attncli.__main__ import main
main()
"""


_NOTING = """
from attncli.batches.engines.spool import Spool
taken = Spool.taken

def noted(spool, done):
    with open("taken", "a") as file:
        file.write(f"{len(done.data)} ")
    return taken(spool, done)

Spool.taken = noted
from attncli.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("address", "is_here"),
    [
        ("tcp://127.0.0.1:8786", True),
        ("tls://localhost:1", True),
        ("tcp://[::1]:8786", True),
        ("127.0.0.2:8786", True),
        ("tcp://10.0.0.1:8786", False),
        ("tcp://127.example.org:8786", False),
        ("tcp://localhost.example.org:8786", False),
        ("tcp://[fe80::1]:8786", False),
    ],
)
def test_only_loopback_is_this_machine(address: str, is_here: bool) -> None:
    """A file is made for workers beside this process alone, and no name is looked up."""
    assert connecting.is_on_this_machine(address) is is_here


@pytest.mark.parametrize("is_given", [False, True])
def test_workers_of_this_machine_hand_over_files(
    folder: Path, threads: Any, *, is_given: bool
) -> None:
    """The bytes are those of one process, and none of them travel through the cluster: one of the run,
    or one that was there.
    """
    (folder / "s.txt").write_bytes(corpus(400))
    cluster = ("--scheduler", threads.scheduler_address) if is_given else ("--workers", "2")
    ways = {
        "dask": (sys.executable, "-c", _NOTING, *_BATCH, "--engine", "dask", *cluster),
        "one": (sys.executable, "-m", "attncli", *_BATCH, "--workers", "1", "--force"),
    }
    written = []
    for command in ways.values():
        run = subprocess.run(command, cwd=folder, env=child_environment(), check=False)
        assert run.returncode == 3  # some lines of the corpus are set aside
        written.append((folder / "o.jsonl").read_bytes())
    assert written[0] == written[1]
    assert (folder / "taken").read_text() == "0 " * 20


@pytest.mark.parametrize("kills", ["one", "every", "parent"])
def test_a_private_cluster_whose_processes_are_killed_ends_as_promised(
    folder: Path, kills: str
) -> None:
    """One worker: the same bytes. Every one: 12, parts kept. The run itself: no worker is left."""
    (folder / "s.txt").write_bytes(b"money bank grows\nriver bank flows\n" * 2000)
    job = (sys.executable, "-c", _IMPATIENT, *_BATCH, "--engine", "dask", "--workers", "2")
    plain = (sys.executable, "-m", "attncli", *_BATCH, "--workers", "1")
    part, target = folder / "o.jsonl.attn-part", folder / "o.jsonl"
    subprocess.run(plain, cwd=folder, env=child_environment(), check=True)
    expected = target.read_bytes()
    target.unlink()
    killed, began = [], time.monotonic()
    with subprocess.Popen(job, cwd=folder, env=child_environment(), stderr=subprocess.PIPE) as run:
        try:
            while run.poll() is None and not (part.exists() and part.stat().st_size):
                time.sleep(0.02)
            if kills == "parent":
                killed = _workers(run.pid)
                run.kill()
            while run.poll() is None and time.monotonic() < began + 90:
                for one in _workers(run.pid)[: 1 if kills == "one" else 9]:
                    if kills == "every" or not killed:
                        killed.append(one)
                        one.kill()
                time.sleep(0.05)
            code = run.poll()
        finally:
            run.kill()
        said = b"" if run.stderr is None else run.stderr.read()
    assert killed
    assert code == {"one": 0, "every": 12, "parent": -signal.SIGKILL}[kills], said
    assert b"Traceback" not in said
    assert _gone(killed, 20)
    if kills != "one":
        assert part.stat().st_size > 0
        again = subprocess.run(
            [*plain, "--resume"], cwd=folder, env=child_environment(), check=False
        )
        assert again.returncode == 0
    assert target.read_bytes() == expected
