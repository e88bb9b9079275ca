"""Measures the parts of a batch that `scaling.py` puts together: small real jobs on this machine.

CPU time of whole processes (user and system), because wall time would tell of what else runs here.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ATTN = [sys.executable, "-m", "attncli", "batch"]
ENVIRONMENT = {
    **os.environ,
    "OPENBLAS_NUM_THREADS": "1",
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
}
ASSUMED = {
    "cores_of_a_machine": 8,
    "network_bytes_a_second": 1.25e9,
    "store_bytes_a_second": 20e9,
    "store_answers": 0.03,
    "merge_1000_parts": 10.0,
    "somebody_goes_on_after": 600.0,
}
LEAN = ["--exclude", "contextual,vectors,attention,tokens", "--precision", "4"]
FEW, MANY, PIECES = 2_000, 12_000, 8
CHUNKS = 300  # of one sentence, handed to a scheduler
THREADS = (2, 32)


def measure(table: Path, engine: str) -> None:
    """Writes the costs of this machine; of an engine that is not "now" those of handing out alone."""
    kept: dict[str, Any] = json.loads(table.read_text()) if table.exists() else {}
    measured = kept.get("measured", {})
    if engine == "now":
        measured = _measured_jobs(measured)
    with tempfile.TemporaryDirectory() as name:
        handed = {threads: _handing(Path(name), threads) for threads in THREADS}
    each = [_seconds(handed[threads], engine) for threads in THREADS]
    more = max(0.0, (each[1] - each[0]) / (THREADS[1] - THREADS[0]))
    seconds = each[0] - THREADS[0] * more if more else min(each)
    told = {"seconds": seconds, "more": more, "threads": handed}
    measured["hand_out"] = measured.get("hand_out", {}) | {engine: told}
    measured["start"] = handed[THREADS[0]]["start"]
    whole = {"measured": measured, "assumed": kept.get("assumed", ASSUMED)}
    table.write_text(json.dumps(whole, indent=1) + "\n")


def _measured_jobs(measured: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        jobs = {
            "words, every field": _job(folder, [], FEW, MANY, 50),
            "words, weights of 4 digits": _job(folder, LEAN, FEW, MANY, 50),
        }
        if "MINILM" in os.environ:
            model = ["--model", os.environ["MINILM"], *LEAN, "--layer", "-1"]
            jobs["MiniLM, last layer"] = _job(folder, model, 100, 500, 384)
        measured["jobs"] = measured.get("jobs", {}) | jobs
        measured["join_bytes_a_second"] = _joining(folder)
    return measured


def _job(folder: Path, options: list[str], few: int, many: int, width: int) -> dict[str, Any]:
    """CPU seconds and bytes of a sentence: what more sentences cost more; the largest chunk."""
    from corpus import sentences

    source, target = folder / "s.txt", folder / "out.jsonl"
    lines = sentences(many)
    seconds, sizes, lengths = [], [], []
    for count in (few, many):
        source.write_text("\n".join(lines[:count]) + "\n")
        command = [
            *ATTN,
            str(source),
            "-o",
            str(target),
            "-q",
            "--force",
            "--workers",
            "1",
            *options,
        ]
        seconds.append(min(cpu(command) for _ in range(2)))
        sizes.append(target.stat().st_size)
        lengths.append(source.stat().st_size)
    chunk = _largest_chunk(folder, lines, width)
    return {
        "seconds": (seconds[1] - seconds[0]) / (many - few),
        "bytes_in": (lengths[1] - lengths[0]) / (many - few),
        "bytes_out": (sizes[1] - sizes[0]) / (many - few),
        "spread": _spread(lines, chunk),
        "chunk": chunk,
    }


def _largest_chunk(folder: Path, lines: list[str], width: int) -> int:
    """Sentences of a chunk, however many are asked for: its results are kept within memory."""
    from attncli.batches.plan import Plan
    from attncli.files.rows.reader import Shape
    from attncli.files.source import source_of

    source = folder / "large.txt"
    source.write_text("\n".join(lines) + "\n")
    plan = Plan([source_of(str(source))], Shape(), 1_000_000, width)
    return len(next(plan.chunks())[0])


def _spread(lines: list[str], chunk: int) -> float:
    """The relative spread of the work of chunks, which grows with the squares of their lengths."""
    work = [sum(len(line) ** 2 for line in lines[i::PIECES]) for i in range(PIECES)]
    there = statistics.stdev(work) / statistics.mean(work)
    return there * (len(lines) / PIECES / chunk) ** 0.5


def _joining(folder: Path) -> float:
    """Bytes a second at which one process reads parts and writes them behind each other."""
    from attncli.batches.remote import opened

    parts, block = 64, os.urandom(1 << 20)
    for number in range(parts):
        (folder / f"part-{number}").write_bytes(block)
    files, _ = opened(f"file://{folder}/joined")
    begun = time.process_time()
    with files.open(str(folder / "joined"), "wb") as out:
        for number in range(parts):
            with files.open(str(folder / f"part-{number}"), "rb") as part:
                while found := part.read(1 << 22):
                    out.write(found)
    return parts * len(block) / (time.process_time() - begun)


def _handing(folder: Path, threads: int) -> dict[str, float]:
    """CPU seconds of a chunk of one sentence: of the leading process and of the scheduler."""
    source, target = folder / "handed.txt", folder / "handed.jsonl"
    source.write_text("money bank grows\n" * CHUNKS)
    with _scheduler(folder, threads) as (address, scheduler):
        cluster = ["--engine", "dask", "--scheduler", address, *LEAN]
        command = [*ATTN, str(source), "-o", str(target), "-q", "--force", *cluster]
        cpu([*command, "--chunk", "5"])  # workers open the vectors
        start = cpu([*command, "--chunk", str(CHUNKS)])
        before = _cpu_of(scheduler)
        leading = (cpu([*command, "--chunk", "1"]) - start) / CHUNKS
        scheduling = (_cpu_of(scheduler) - before) / CHUNKS
    return {"leading": leading, "scheduling": scheduling, "start": start}


def _seconds(costs: dict[str, float], engine: str) -> float:
    """The time in which a chunk is handed out: before, each request was waited for."""
    both = (costs["leading"], costs["scheduling"])
    return sum(both) if engine == "before" else max(both)


@contextmanager
def _scheduler(folder: Path, threads: int) -> Iterator[tuple[str, int]]:
    """A scheduler and a worker of so many threads: its address, and its process."""
    file = folder / f"scheduler-{threads}.json"
    python = [sys.executable, "-m"]
    quiet: dict[str, Any] = {"env": ENVIRONMENT, "stderr": subprocess.DEVNULL}
    made = [*python, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    scheduler = subprocess.Popen([*made, "--no-dashboard", "--scheduler-file", str(file)], **quiet)
    processes = [scheduler]
    try:
        while not (file.exists() and file.read_text().strip().endswith("}")):
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        more = ["--nthreads", str(threads), "--no-nanny", "--no-dashboard"]
        more += ["--local-directory", str(folder)]
        worker = [*python, "distributed.cli.dask_worker", address, *more]
        processes.append(subprocess.Popen(worker, **quiet))
        yield address, scheduler.pid
    finally:
        for process in processes:
            process.kill()
            process.wait()


def cpu(command: list[str]) -> float:
    """User and system seconds of a process."""
    process = subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
