"""Whatever ends a run, the next one gives the bytes of a run that was never ended."""

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from attncli.batches.engines.local import LocalEngine
from attncli.batches.journal import Journal
from attncli.batches.writers.formats import Format
from attncli.errors import LockedError, OutputError
from tests.batch.conftest import corpus
from tests.batch.runs import Job, ended, forked, interrupted, leftovers, prepared, with_fault

FAULTS = [(Format("jsonl"), mode) for mode in ("kill", "torn", "full", "broken", "short")]
FAULTS += [(Format("jsonl", "gz"), "torn"), (Format("npz"), "kill"), (Format("npz"), "full")]
FAULTS += [(Format("arrow"), "kill"), (Format("arrow"), "full")]


@pytest.mark.parametrize(
    ("form", "mode"), FAULTS, ids=[f"{form.described}-{mode}" for form, mode in FAULTS]
)
def test_every_operation_may_fail(folder: Path, form: Format, mode: str) -> None:
    """A fault at each write, fsync, rename, truncate, unlink and open: resumed, the bytes are right."""
    if form.name == "arrow":
        pytest.importorskip("pyarrow")
    job, expected = prepared(folder, 35, format=form)
    faults = 0
    for number in range(1, 1000):

        def act(number: int = number) -> int:
            with_fault(number, mode)
            return job.code()

        code = ended(forked(act))
        if code == 0 and mode != "short":
            assert job.target.read_bytes() == expected
            assert leftovers(job) == []
        if code not in (0, 9, -signal.SIGKILL):
            pytest.fail(f"operation {number} ended the run with {code}")
        if job.target.exists():
            assert job.target.read_bytes() == expected, f"operation {number}: a wrong output"
        assert job.code(resume=True) == 0
        assert job.target.read_bytes() == expected, f"operation {number}"
        assert leftovers(job) == [], f"operation {number}"
        job.target.unlink()
        if code == 0 and number > faults + 12:
            break
        faults = number if code != 0 else faults
    assert faults >= 8 or mode == "short"


def test_two_hundred_kills_at_random(folder: Path) -> None:
    """A run with two workers is killed again and again; each job ends with the right bytes."""
    job, expected = prepared(folder, 600, workers=2)
    rng = random.Random(5)
    kills = 0
    while kills < 200:
        pid = forked(lambda: job.code(resume=True))
        time.sleep(rng.random() * 0.06)
        os.kill(pid, signal.SIGKILL)
        if ended(pid) == -signal.SIGKILL:
            kills += 1
        if job.target.exists():
            assert job.code(resume=True) == 0
            assert job.target.read_bytes() == expected
            assert leftovers(job) == []
            job.target.unlink()
    assert job.code(resume=True) == 0
    assert job.target.read_bytes() == expected


def test_resume_repeats_at_most_what_was_not_committed(folder: Path) -> None:
    """Committed chunks are kept: only records behind them are computed again."""
    job, expected = prepared(folder, 300)

    def act() -> int:
        with_fault(40, "kill")
        return job.code()

    assert ended(forked(act)) == -signal.SIGKILL
    part = Path(f"{job.target}.attn-part").read_bytes()
    report = job.run(resume=True)
    assert 0 < report.new < 300
    assert 300 - report.new >= part.count(b"\n") - job.chunk
    assert job.target.read_bytes() == expected


def test_chunk_size_and_workers_may_change_on_resume(folder: Path) -> None:
    """A run may go on with other workers and another chunk size."""
    job, expected = prepared(folder, 300)

    def act() -> int:
        with_fault(30, "torn")
        return job.code()

    assert ended(forked(act)) == -signal.SIGKILL
    Job(job.folder, chunk=7, workers=2).run(resume=True)
    assert job.target.read_bytes() == expected


def test_another_job_is_refused(folder: Path) -> None:
    """Other input or other options: exit 11, nothing is touched; --force starts anew."""
    from attncli.results.layout import RecordLayout

    job, expected = interrupted(folder)
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    other = Job(job.folder, layout=RecordLayout(precision=3))
    assert other.code(resume=True) == 11
    (folder / "s.txt").write_bytes(corpus(200, seed=9))
    assert job.code(resume=True) == 11
    (folder / "s.txt").write_bytes(before["s.txt"])
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    assert job.code() == 9
    assert job.code(resume=True) == 0
    assert job.target.read_bytes() == expected
    assert other.code(resume=True) == 11
    assert job.code(resume=True) == 0
    assert other.code(force=True) == 0
    assert job.target.read_bytes() != expected


def test_damage_to_the_part_is_done_again(folder: Path) -> None:
    """What a power cut or a hand changed in the part is computed again."""
    job, expected = interrupted(folder)
    journal = Path(f"{job.target}.attn-journal")
    part = Path(f"{job.target}.attn-part")
    lines, content = journal.read_bytes(), part.read_bytes()
    rng = random.Random(0)
    for _ in range(40):
        place = rng.randrange(len(content))
        damaged = rng.choice(
            [
                content[:place],
                content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :],
                content[:place] + bytes(min(4096, len(content) - place)) + content[place + 4096 :],
                content + b"tail",
            ]
        )
        journal.write_bytes(lines)
        part.write_bytes(damaged)
        assert job.code(resume=True) == 0
        assert job.target.read_bytes() == expected
        job.target.unlink()


def test_two_runs_exclude_each_other(folder: Path) -> None:
    """The second run on an output is refused with 10; the lock ends with its process."""
    job, expected = interrupted(folder)
    held = Journal(Path(f"{job.target}.attn-journal"))
    with pytest.raises(LockedError):
        job.run(resume=True)
    held.close()
    assert job.code(resume=True) == 0
    assert job.target.read_bytes() == expected


def test_a_new_run_may_start_at_once_after_a_kill(folder: Path) -> None:
    """The workers of a killed run do not keep its lock, and write nothing any more."""
    job, expected = prepared(folder, 400, workers=3)
    for delay in (0.03, 0.05, 0.07):
        pid = forked(lambda: job.code(force=True))
        time.sleep(delay)
        os.kill(pid, signal.SIGKILL)
        assert job.code(force=True) == 0
        ended(pid)
        assert job.target.read_bytes() == expected


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
@pytest.mark.parametrize("ending", ["part", "journal", "final"])
@pytest.mark.parametrize("kind", ["file", "link", "dangling link", "hard link", "pipe", "folder"])
@pytest.mark.parametrize("force", [False, True])
def test_files_of_others_are_not_touched(folder: Path, ending: str, kind: str, force: bool) -> None:
    """What has the name of a working file and is not ours: 9 with what to do, and all as it was."""
    job, _ = prepared(folder, 20, format=Format("npz"))
    theirs = folder / "theirs"
    name = Path(f"{job.target}.attn-{ending}")
    if kind != "dangling link":
        theirs.write_bytes(b"years of work\n")
    if kind == "file":
        theirs.rename(name)
    elif kind == "hard link":
        os.link(theirs, name)
    elif kind == "pipe":
        os.mkfifo(name)
    elif kind == "folder":
        name.mkdir()
    else:
        name.symlink_to(theirs)
    before = {path.name: path.lstat().st_ino for path in folder.iterdir()}
    with pytest.raises(OutputError) as refused:
        job.run(force=force)
    if kind not in ("folder",):
        assert "not of attn" in refused.value.message
        assert refused.value.hints[0].startswith("mv ")
    assert {path.name: path.lstat().st_ino for path in folder.iterdir()} == before
    for path in (theirs, name):
        if path.is_file():
            assert path.read_bytes() == b"years of work\n"


@pytest.mark.parametrize("form", [Format("jsonl"), Format("npz")], ids=["jsonl", "npz"])
def test_an_output_that_appears_is_kept(folder: Path, form: Format) -> None:
    """A file that came during the run stays; the work is kept until --force says to replace it."""
    job, expected = prepared(folder, 35, format=form)

    class Meanwhile(LocalEngine):
        def run(self, *given: Any) -> Any:
            job.target.write_bytes(b"theirs")
            return super().run(*given)

    late = Job(folder, format=form, engine=Meanwhile(1))
    with pytest.raises(OutputError, match="came while this ran"):
        late.run()
    assert job.target.read_bytes() == b"theirs"
    assert job.code(resume=True) == 9
    assert job.target.read_bytes() == b"theirs"
    assert job.code(resume=True, force=True) == 0
    assert (job.target.read_bytes(), leftovers(job)) == (expected, [])


def test_a_run_that_may_replace_may_still_after_a_stop(folder: Path) -> None:
    """--force is remembered: --resume alone goes on, and the old output is there until the end."""
    job, expected = prepared(folder, 200)
    job.target.write_bytes(b"old")
    job.target.chmod(0o600)
    code = ended(forked(lambda: with_fault(8, "kill") or job.code(force=True)))
    assert code == -signal.SIGKILL
    assert job.target.read_bytes() == b"old"
    assert Path(f"{job.target}.attn-part").stat().st_mode & 0o077 == 0
    assert job.code(resume=True) == 0
    assert (job.target.read_bytes(), leftovers(job)) == (expected, [])
    assert job.target.stat().st_mode & 0o777 == 0o600


def test_a_link_to_nowhere_is_an_output_that_exists(folder: Path) -> None:
    """It is said before the work, and --force replaces the link, not what it names."""
    job, expected = prepared(folder, 20)
    job.target.symlink_to("nowhere")
    assert job.code() == 9
    assert job.code(force=True) == 0
    assert (job.target.read_bytes(), leftovers(job)) == (expected, [])
