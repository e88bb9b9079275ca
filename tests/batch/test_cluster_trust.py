"""A Dask run trusts nobody it does not know, and ends whatever the cluster does."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

import attncli
from tests.batch.conftest import ROOT, corpus
from tests.batch.runs import Job, ended, forked, prepared, small_analyser

distributed = pytest.importorskip("distributed")
psutil = pytest.importorskip("psutil")
from attncli.batches.engines import connecting  # noqa: E402  (it takes distributed)
from attncli.batches.engines import dask as engine  # noqa: E402
from attncli.batches.engines.dask import DaskEngine  # noqa: E402
from attncli.batches.engines.local import LocalEngine  # noqa: E402

PACKAGE = Path(attncli.__file__).parent
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The command as a script, whose path begins with its own folder and not the current one."""
    folder = tmp_path / "bin"
    folder.mkdir()
    path = folder / "attn.py"
    path.write_text(
        "import sys\n"
        f"sys.path.insert(1, {str(PACKAGE.parent)!r})\n"
        "from attncli.batches.engines import children\n"
        "children.CAN_FORK = '--fork' in sys.argv\n"
        "from attncli.__main__ import main\n"
        "if __name__ == '__main__':\n"
        "    sys.argv = [a for a in sys.argv if a != '--fork']\n"
        "    main()\n"
    )
    return path


def running(
    script: Path, folder: Path, *arguments: str, sentences: int = 20_000
) -> "subprocess.Popen[bytes]":
    """`attn batch` of a file, in a process."""
    (folder / "s.txt").write_bytes(corpus(sentences))
    return subprocess.Popen(
        [
            sys.executable,
            str(script),
            "batch",
            "s.txt",
            "-o",
            "o.jsonl",
            "--chunk",
            "50",
            *arguments,
        ],
        cwd=folder,
        stderr=subprocess.PIPE,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )


def test_a_cluster_of_ours_answers_nobody_else(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No port of the processes is a web page or a scheduler to strangers; no file lies in a known place."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    process = running(script, tmp_path, "--engine", "dask", "--workers", "1")
    try:
        ports = wait_for(lambda: listening(process.pid), at_least=3)
        assert ports
        for port in ports:
            assert not speaks_http(port)
            assert ended(forked(lambda port=port: connected(port))) == 1
        inside = list((tmp_path / "tmp").iterdir())
        assert [path.name[:10] for path in inside] == ["attn-dask-"]
        [folder] = inside
        assert folder.stat().st_mode & 0o777 == 0o700
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=60)[1]
    assert b"Traceback" not in said
    assert list((tmp_path / "tmp").iterdir()) == []


def listening(pid: int) -> set[int]:
    """The ports that a process and its children listen on."""
    with suppress(psutil.Error):
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        return {
            connection.laddr.port
            for process in family
            for connection in process.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        }
    return set()


def wait_for(ask: Callable[[], set[int]], *, at_least: int) -> set[int]:
    """What `ask` answers once it has enough, or after thirty seconds."""
    deadline = time.monotonic() + 30
    while len(found := ask()) < at_least and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def connected(port: int) -> int:
    """0 when a stranger becomes a client of what listens there, 1 when it does not."""
    try:
        distributed.Client(f"tcp://127.0.0.1:{port}", timeout=1)
    except (OSError, TimeoutError):
        return 1
    return 0


def speaks_http(port: int) -> bool:
    """Whether a GET is answered as the web answers."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2) as stream:
        stream.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return stream.recv(8).startswith(b"HTTP")
    return False


@pytest.mark.parametrize("chosen", [("--engine", "dask"), ()], ids=["dask", "spawned"])
def test_the_current_folder_is_no_library(
    script: Path, tmp_path: Path, chosen: tuple[str, ...]
) -> None:
    """Modules that merely lie in the folder one stands in are not run by workers."""
    here = tmp_path / "here"
    here.mkdir()
    for name in ("multiprocessing", "distributed", "numpy", "encodings", "pickle", "attncli"):
        (here / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    process = running(script, here, "--workers", "2", *chosen, sentences=1500)
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 3, said
    assert not (tmp_path / "ran").exists()


@contextmanager
def scheduler() -> Iterator[Any]:
    """A scheduler in a process of its own, and its address."""
    port = free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1"),
            *("--port", str(port), "--no-dashboard", "--dashboard-address", "127.0.0.1:0"),
        ],
        stderr=subprocess.DEVNULL,
        env={**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"},
    )
    try:
        yield process, f"tcp://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@contextmanager
def worker(address: str, folder: Path, path: Path = PACKAGE.parent) -> Iterator[Any]:
    """A worker in a process of its own, with the attncli of `path`."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1"),
            *("--no-dashboard", "--no-nanny", "--local-directory", str(folder / "worker")),
        ],
        cwd=folder,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(path), str(ROOT)])},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as stream:
        stream.bind(("127.0.0.1", 0))
        return int(stream.getsockname()[1])


def slow_analyser() -> Any:
    """The small analyser, slowed so that there is a middle to be disturbed in."""
    analyser = small_analyser()
    quick = analyser.stacks

    class Slow:
        def stacks(self, texts: Any) -> Any:
            time.sleep(0.05)
            return quick(texts)

    return Slow()


def raising_analyser() -> Any:
    """An analyser that fails as no analyser should."""

    class Raising:
        def stacks(self, texts: Any) -> Any:
            raise KeyError("not ours")

    return Raising()


def dask_job(folder: Path, address: str, analyser: Any = slow_analyser) -> Job:
    """A job for a scheduler."""
    (folder / "s.txt").write_bytes(corpus(1000))
    return Job(folder, engine=DaskEngine(address, 1), analyser=analyser)


def code_of(job: Job) -> int:
    """The exit code of a job, run in a process of its own: a client that nobody answers stays on."""
    return ended(forked(job.code))


def test_a_worker_with_another_attn_is_refused(tmp_path: Path, folder: Path) -> None:
    """Bytes made by other code are not taken: 12, and the hint says what to install."""
    other = tmp_path / "other"
    shutil.copytree(PACKAGE, other / "attncli", ignore=shutil.ignore_patterns("__pycache__"))
    with (other / "attncli" / "arrays" / "__init__.py").open("a") as stream:
        stream.write("# another version\n")
    with scheduler() as (_, address), worker(address, tmp_path, other):
        assert code_of(dask_job(folder, address, small_analyser)) == 12


@pytest.mark.parametrize("victim", ["worker", "scheduler"])
@pytest.mark.parametrize("ending", ["SIGKILL", "SIGSTOP"], ids=["killed", "stopped"])
def test_a_cluster_that_falls_silent_ends_the_run(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, victim: str, ending: str
) -> None:
    """The only worker, or the scheduler, dies or is stopped in the middle: 12, and the part stays."""
    if (victim, ending) == ("worker", "SIGSTOP"):
        monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL", "3s")
    monkeypatch.setattr(engine, "_PATIENCE", 3.0)
    with scheduler() as (chief, address), worker(address, tmp_path) as hand:
        job = dask_job(folder, address)
        chosen = hand if victim == "worker" else chief
        part = Path(f"{job.target}.attn-part")
        threading.Thread(target=_disturb, args=(chosen, ending, part), daemon=True).start()
        began = time.monotonic()
        assert code_of(job) == 12
        assert time.monotonic() - began < 60
        assert part.stat().st_size > 0


def _disturb(process: Any, ending: str, part: Path) -> None:
    while not part.exists() or part.stat().st_size == 0:
        time.sleep(0.02)
    process.send_signal(getattr(signal, ending))


def test_whatever_a_worker_raises_is_the_clusters_fault(tmp_path: Path, folder: Path) -> None:
    """An exception that is none of ours ends the run with 12."""
    with scheduler() as (_, address), worker(address, tmp_path):
        assert code_of(dask_job(folder, address, raising_analyser)) == 12


@pytest.mark.parametrize("kind", ["silent", "noise", "nobody"])
def test_what_is_no_scheduler_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A server that says nothing, one that says anything, and none at all: 12, soon."""
    monkeypatch.setattr(connecting, "_CONNECTING", 1.0)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(8)

        def answer() -> None:
            with suppress(OSError):
                while True:
                    stream, _ = server.accept()
                    with stream, suppress(OSError):
                        stream.sendall(b"\xff" * 4096)

        if kind == "noise":
            threading.Thread(target=answer, daemon=True).start()
        port = free_port() if kind == "nobody" else server.getsockname()[1]
        assert code_of(dask_job(folder, f"tcp://127.0.0.1:{port}")) == 12


@pytest.mark.parametrize(
    "address", ["nonsense", "tcp://[", "ucx://127.0.0.1:1", "tls://127.0.0.1:1"]
)
def test_an_address_that_is_none_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """Addresses nobody can connect to end with 12."""
    monkeypatch.setattr(connecting, "_CONNECTING", 1.0)
    assert code_of(dask_job(folder, address)) == 12


def test_a_local_worker_that_was_stopped_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGSTOP to every worker costs time, and changes no byte."""
    from attncli.batches.engines import local

    monkeypatch.setattr(local, "_SILENCE", 0.3)
    job, expected = prepared(folder, 900)

    others = psutil.Process().children()  # that serve other tests

    def stop() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            children = [one for one in psutil.Process().children() if one not in others]
            if len(children) >= 2:
                for child in children:
                    child.suspend()
                return
            time.sleep(0.005)

    thread = threading.Thread(target=stop)
    thread.start()
    Job(folder, engine=LocalEngine(2), analyser=slow_analyser).run(force=True)
    thread.join()
    assert job.target.read_bytes() == expected
