"""`attn batch --resume` as a user has it: a run that ended is gone on with, and ends as one run."""

import json
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from attncli.batches.run import closing
from attncli.errors import PartialError
from tests.batch.conftest import corpus
from tests.batch.runs import Attn, Job, ended, forked, records, with_fault, without_marks


def test_resume_from_the_command_line(attn: Attn, tmp_path: Path) -> None:
    """A damaged input stops a run; mended up to there, --resume gives the bytes of one run."""
    import gzip

    data = corpus(40_000)
    packed = gzip.compress(data)
    chosen = ["--exclude", "contextual,weights,tokens", "--workers", "2"]
    (tmp_path / "whole.gz").write_bytes(packed)
    (tmp_path / "fed.gz").write_bytes(packed[: len(packed) * 2 // 3])
    assert attn("batch", "whole.gz", "-o", "whole.jsonl", *chosen).returncode == 3
    half = (tmp_path / "fed.gz").read_bytes()
    first = attn("batch", "-", "-o", "fed.jsonl", *chosen, stdin=half)
    assert first.returncode == 5
    assert not (tmp_path / "fed.jsonl").exists()
    other = attn("batch", "-", "-o", "fed.jsonl", *chosen, "--resume", stdin=corpus(40_000, seed=3))
    assert other.returncode == 11
    both = attn(
        *("batch", "-", "-o", "fed.jsonl", *chosen, "--resume", "--force"),
        stdin=corpus(40_000, seed=3),
    )
    assert both.returncode == 11
    assert b"hint: --force alone starts again from the first line" in both.stderr
    changed = attn(
        *("batch", "-", "-o", "fed.jsonl", "--resume", "--exclude", "weights"), stdin=packed
    )
    assert changed.returncode == 11
    again = attn("batch", "-", "-o", "fed.jsonl", *chosen, "--resume", stdin=packed)
    assert again.returncode == 3, again.stderr
    assert b"of them now" in again.stderr
    assert (tmp_path / "fed.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


@pytest.mark.parametrize("marks", [True, False], ids=["marks", "no marks"])
@pytest.mark.parametrize("target", ["out.jsonl", "out.csv", "file://"])
def test_a_resumed_run_ends_as_the_whole_run(
    attn: Attn, tmp_path: Path, target: str, marks: bool
) -> None:
    """3 stays 3: when the bad lines were in the part that was done, and when all was done before."""
    if target == "file://":
        pytest.importorskip("fsspec")
        target = f"file://{tmp_path}/url.jsonl"
    lines = [b"caf\xe9"] + [b"money bank grows"] * 3000 + [b"?!"]
    (tmp_path / "s.txt").write_bytes(b"\n".join(lines[:-1]) + b"\n")
    first = attn("batch", "s.txt", "-o", target, "--exclude", "contextual", "--workers", "1")
    assert first.returncode == 3
    path = tmp_path / (target if "://" not in target else "url.jsonl")
    if not marks:
        without_marks(path)
    again = attn("batch", "s.txt", "-o", target, "--exclude", "contextual", "--resume")
    assert again.returncode == 3
    assert b"already whole" in again.stderr
    (tmp_path / "t.txt").write_bytes(b"?!\n\n?!\n")
    assert attn("batch", "t.txt", "-o", "t.jsonl").returncode == 4
    assert attn("batch", "t.txt", "-o", "t.jsonl", "--resume").returncode == 4
    (tmp_path / "u.txt").write_bytes(b"money\n")
    assert attn("batch", "u.txt", "-o", "u.jsonl").returncode == 0
    assert attn("batch", "u.txt", "-o", "u.jsonl", "--resume").returncode == 0


def test_a_run_stopped_behind_its_bad_lines_ends_with_3(folder: Path) -> None:
    """The tally of the finished part counts."""
    (folder / "s.txt").write_bytes(b"caf\xe9\n" + b"money bank\n" * 200)
    job = Job(folder)

    def act() -> int:
        with_fault(14, "kill")
        return job.code()

    assert ended(forked(act)) == -signal.SIGKILL
    report = job.run(resume=True)
    assert 0 < report.new < 201
    assert report.tally.failed == 1
    with pytest.raises(PartialError):
        closing(report, [])


@pytest.mark.parametrize("asked", [["--every-line"], []], ids=["asked", "not asked"])
def test_runs_of_before_go_on_with_every_line(attn: Attn, tmp_path: Path, asked: list[str]) -> None:
    """Where nothing was said, every line had its record: so it goes on, asked for it or not."""
    (tmp_path / "s.txt").write_bytes(b"money bank\n\n# note\n" * 2000)
    plain = ("batch", "s.txt", "-o", "out.jsonl", "--exclude", "contextual", "--workers", "1")
    limit = ("-c", "import resource,sys; resource.setrlimit(resource.RLIMIT_FSIZE, (99999, 99999));"
             "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
             "from attncli.cli.app import run; sys.exit(run(sys.argv[1:]))")  # fmt: skip
    begun = subprocess.run(
        [sys.executable, *limit, *plain, "--every-line", "--chunk", "50"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert begun.returncode == 9, begun.stderr
    job = (tmp_path / "out.jsonl.attn-journal").read_bytes().splitlines()[0]
    assert json.loads(job[9:])["job"]["options"]["reading"] == {
        "input_format": None,
        "column": None,
        "id_column": None,
        "comments": False,
    }
    ended = attn(*plain, "--resume", *asked)
    assert ended.returncode == 3
    assert (b"goes on as it began" in ended.stderr) is not bool(asked)
    assert [r["line"] for r in records((tmp_path / "out.jsonl").read_bytes())] == [*range(1, 6001)]


def test_a_run_that_found_no_input_leaves_nothing(attn: Attn, tmp_path: Path) -> None:
    """A missing input ends with 6, and the next run of this output may start at once."""
    assert attn("batch", "nope.txt", "-o", "out.jsonl").returncode == 6
    assert list(tmp_path.iterdir()) == []
    with zipfile.ZipFile(tmp_path / "bad", "w") as archive:
        archive.writestr("../s.txt", "money")
    for code, content in ((7, None), (5, b"%PDF-1.7"), (8, b"x" * 1000), (2, b"a,b\n1,2\n")):
        if content is not None:
            (tmp_path / "bad").write_bytes(content * (1 if code != 8 else 1 << 20))
        table = ["--input-format", "csv"] if code == 2 else []
        assert attn("batch", "bad", "-o", "out.jsonl", *table).returncode == code
        assert [path.name for path in tmp_path.iterdir()] == ["bad"]
    (tmp_path / "s.txt").write_bytes(b"money bank grows\n")
    assert attn("batch", "s.txt", "-o", "out.jsonl").returncode == 0
