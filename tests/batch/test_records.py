"""The log and the summary of `attn batch`: all that was said, and how it ended, whatever happened."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from schema import validator

from attncli.escape import harmless
from tests.batch.conftest import ROOT, corpus
from tests.batch.runs import Attn, records

KEPT = ("--log-file", "run.log", "--summary", "sum.json")
_CLEAN = b"money bank grows\nriver bank flows\n"


def log_of(folder: Path, name: str = "run.log") -> list[dict[str, Any]]:
    """The events of a log, each of which is in the schema."""
    events = [json.loads(line) for line in (folder / name).read_bytes().splitlines()]
    for event in events:
        validator().validate(event)
    return events


def summary_of(folder: Path) -> dict[str, Any]:
    """The summary, which is in the schema."""
    summary: dict[str, Any] = json.loads((folder / "sum.json").read_bytes())
    validator().validate(summary)
    return summary


def said(stderr: bytes) -> list[str]:
    """The texts of messages and hints."""
    lines = stderr.decode().splitlines()
    assert all(line.startswith(("attn: ", "  hint: ")) for line in lines), lines
    return [
        line.removeprefix("  hint: ") if line[:1] == " " else line.split(": ", 2)[2]
        for line in lines
    ]


@pytest.mark.parametrize(
    ("output", "workers", "data"),
    [
        ("out.jsonl", "2", corpus(60)),
        ("out.csv", "1", corpus(60)),
        ("out.npz", "2", _CLEAN),
        ("out.jsonl.gz", "1", _CLEAN),
    ],
    ids=["jsonl", "csv", "npz", "packed"],
)
def test_the_log_has_all_that_stderr_says(
    attn: Attn, tmp_path: Path, output: str, workers: str, data: bytes
) -> None:
    """Every message is an event; -q silences stderr as ever, and leaves the log as it is."""
    (tmp_path / "s.txt").write_bytes(data)
    command = ("batch", "s.txt", "-o", output, "--workers", workers, "--chunk", "7", "--force")
    odd = ("--seed", "3", "--every-line", "--sync")  # an option that has no effect is told
    plain = attn(*command, *odd)
    logged = attn(*command, *odd, "--log-file", "a.log")
    silent, quiet = attn(*command, *odd, "-q"), attn(*command, *odd, "-q", "--log-file", "b.log")
    assert silent.stderr == quiet.stderr
    assert len({one.returncode for one in (plain, logged, silent, quiet)}) == 1
    told = [one for one in said(plain.stderr) if "/s" not in one]  # the rate differs
    assert told == [one for one in said(logged.stderr) if "/s" not in one]
    events = [log_of(tmp_path, name) for name in ("a.log", "b.log")]
    assert {*said(logged.stderr)} <= {event["message"] for event in events[0]}
    texts = [
        [(e["level"], e["event"], e["message"]) for e in log if e["event"] in ("warning", "note", "hint", "set-aside")]
        for log in events
    ]  # fmt: skip
    assert [t for t in texts[0] if "/s" not in t[2]] == [t for t in texts[1] if "/s" not in t[2]]


def test_each_line_that_is_set_aside_is_an_event(attn: Attn, tmp_path: Path) -> None:
    """All of them, though stderr stops after five; with the line and the code of its record."""
    (tmp_path / "s.txt").write_bytes(corpus(800))
    attn("batch", "s.txt", "-o", "out.jsonl", "--chunk", "50", *KEPT)
    failed = [r for r in records((tmp_path / "out.jsonl").read_bytes()) if r["type"] == "error"]
    events = [e for e in log_of(tmp_path) if e["event"] == "set-aside"]
    assert len(events) > 5
    assert [(e["line"], e["code"]) for e in events] == [(r["line"], r["code"]) for r in failed]


def test_the_chunks_of_a_run_are_events_of_debug(attn: Attn, tmp_path: Path) -> None:
    """They add up to the output: sentences, failures and bytes; a level leaves out what is below."""
    (tmp_path / "s.txt").write_bytes(corpus(300))
    command = ("batch", "s.txt", "--chunk", "20", "--workers", "2", "--force")
    for level in ("debug", "info", "warning", "error"):
        attn(*command, "-o", "out.jsonl", "--log-file", f"{level}.log", "--log-level", level)
    logs = {
        level: log_of(tmp_path, f"{level}.log") for level in ("debug", "info", "warning", "error")
    }
    chunks = [e for e in logs["debug"] if e["event"] == "chunk"]
    assert sum(e["bytes"] for e in chunks) == (tmp_path / "out.jsonl").stat().st_size
    found = records((tmp_path / "out.jsonl").read_bytes())
    assert sum(e["sentences"] for e in chunks) == len(found)
    assert sum(e["failed"] for e in chunks) == sum(r["type"] == "error" for r in found)
    assert [e["chunk"] for e in chunks] == list(range(len(chunks)))
    assert len({e["worker"] for e in chunks}) == 3  # the first chunks are this process's own
    counts = [len(logs[level]) for level in ("debug", "info", "warning", "error")]
    assert counts == sorted(counts, reverse=True)
    assert len(set(counts)) == 4


@pytest.mark.parametrize("workers", ["1", "3"])
def test_the_counts_are_those_of_the_output(attn: Attn, tmp_path: Path, workers: str) -> None:
    """Sentences, failures and warnings by kind, counted in the records."""
    (tmp_path / "s.txt").write_bytes(corpus(500))
    attn("batch", "s.txt", "-o", "out.jsonl", "--chunk", "30", "--workers", workers, *KEPT)
    found = records((tmp_path / "out.jsonl").read_bytes())
    failures = Counter(str(r["code"]) for r in found if r["type"] == "error")
    warnings = Counter(w["code"] for r in found for w in r.get("warnings", ()))  # type: ignore[attr-defined]  # a list
    summary = summary_of(tmp_path)
    failed = failures.total()
    assert summary["sentences"] == {
        "read": len(found),
        "done": len(found) - failed,
        "failed": failed,
        "skipped": 0,
    }
    assert (summary["failures"], summary["warnings"]) == (failures, warnings)
    assert warnings
    assert (summary["workers"], summary["resume"], summary["exit_code"]) == (int(workers), False, 3)
    assert (summary["input"], summary["output"]) == (["s.txt"], "out.jsonl")
    assert summary["started"] < summary["ended"]
    whole = attn("batch", "s.txt", "-o", "out.jsonl", "--resume", *KEPT)
    again = summary_of(tmp_path)
    assert again["exit_code"] == whole.returncode == 3
    assert again["sentences"] == {**summary["sentences"], "skipped": len(found)}


WAYS: dict[str, tuple[int, list[str]]] = {
    "done": (0, ["batch", "clean.txt", "-o", "new.jsonl"]),
    "standard output": (0, ["batch", "clean.txt"]),
    "no such option": (2, ["batch", "clean.txt", "--no-such"]),
    "no such choice": (2, ["batch", "clean.txt", "--format", "docx"]),
    "a wrong number": (2, ["batch", "clean.txt", "--workers", "0"]),
    "settings that contradict": (2, ["batch", "clean.txt", "--resume"]),
    "options of a mechanism": (2, ["batch", "clean.txt", "--preset", "nope"]),
    "the input as output": (2, ["batch", "clean.txt", "-o", "clean.txt"]),
    "some set aside": (3, ["batch", "odd.txt", "-o", "new.jsonl"]),
    "no sentence": (4, ["batch", "blank.txt", "-o", "new.jsonl"]),
    "a cut file": (5, ["batch", "cut.gz", "-o", "new.jsonl"]),
    "no such file": (6, ["batch", "gone.txt", "-o", "new.jsonl"]),
    "no such files": (6, ["batch", "gone-*.txt", "-o", "new.jsonl"]),
    "no such model": (2, ["batch", "clean.txt", "--model", "./gone", "-o", "new.jsonl"]),
    "vectors of code": (7, ["batch", "clean.txt", "--vectors", "code.kv", "-o", "new.jsonl"]),
    "the output is there": (9, ["batch", "clean.txt", "-o", "there.jsonl"]),
    "no such folder": (9, ["batch", "clean.txt", "-o", "gone/new.jsonl"]),
    "of another input": (11, ["batch", "odd.txt", "-o", "there.jsonl", "--resume"]),
}


@pytest.fixture
def folder(tmp_path: Path, attn: Attn) -> Path:
    """Inputs of every kind, and an output that is there."""
    import gzip

    (tmp_path / "clean.txt").write_bytes(_CLEAN)
    (tmp_path / "odd.txt").write_bytes(b"money\n?!\ncaf\xe9\n")
    (tmp_path / "blank.txt").write_bytes(b"\n# note\n")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(corpus(900))[:2000])
    (tmp_path / "code.kv").write_bytes(
        b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94."
    )
    assert attn("batch", "clean.txt", "-o", "there.jsonl").returncode == 0
    return tmp_path


@pytest.mark.parametrize("way", WAYS)
def test_the_exit_code_is_that_of_the_process(attn: Attn, folder: Path, way: str) -> None:
    """In the summary and in the last event of the log, also where the command line was refused."""
    code, command = WAYS[way]
    bare = attn(*command)
    for left in folder.glob("new.jsonl*"):
        left.unlink()
    ended = attn(*command, *KEPT)
    assert ended.returncode == bare.returncode == code, ended.stderr
    summary, events = summary_of(folder), log_of(folder)
    assert summary["exit_code"] == events[-1]["exit_code"] == ended.returncode
    assert [e["event"] for e in events if e["event"] in ("start", "end")] == ["start", "end"]
    texts = said(ended.stderr)
    assert set(texts) <= {e["message"] for e in events}
    assert (summary["error"] in texts) if ended.returncode else summary["error"] is None
    assert summary["command"].startswith("attn batch ")


def test_the_command_says_that_no_defaults_counted(attn: Attn, folder: Path) -> None:
    """In the summary and the log, as it was typed: a run without it may be another one."""
    assert attn("batch", "--no-config", *KEPT, "-o", "new.jsonl", "--", "clean.txt").returncode == 0
    expected = f"attn batch {' '.join(KEPT)} -o new.jsonl --no-config -- clean.txt"
    assert summary_of(folder)["command"] == log_of(folder)[0]["command"] == expected


def test_a_second_start_leaves_the_summary_of_the_first(attn: Attn, folder: Path) -> None:
    """It ends with 10, in its own part of the same log, and writes no summary."""
    first = started(folder, "-o", "new.jsonl", "--log-file", "run.log")
    try:
        feed(first, folder)
        second = attn("batch", "clean.txt", "-o", "new.jsonl", "--resume", *KEPT)
        assert second.returncode == 10
        assert log_of(folder)[-1]["exit_code"] == 10
        assert not (folder / "sum.json").exists()
    finally:
        first.kill()
        first.communicate()
    assert len({e["pid"] for e in log_of(folder)}) == 2


def started(folder: Path, *options: str) -> "subprocess.Popen[bytes]":
    """A batch that reads what it is given, and waits for more."""
    return subprocess.Popen(
        [sys.executable, "-m", "attncli", "batch", "-", "--chunk", "10", *options],
        cwd=folder,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )


def feed(process: "subprocess.Popen[bytes]", folder: Path, count: int = 40_000) -> None:
    """Gives sentences, and returns when some are committed."""
    assert process.stdin is not None
    process.stdin.write(_CLEAN * (count // 2))
    process.stdin.flush()
    journal = folder / "new.jsonl.attn-journal"
    for _ in range(600):
        if journal.exists() and journal.stat().st_size > 4000:
            return
        time.sleep(0.05)
    raise AssertionError("nothing was committed")


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (getattr(signal, "SIGHUP", 1), 129)],
)
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_run_that_is_stopped_says_so(
    tmp_path: Path, number: int, code: int, workers: str, attn: Attn
) -> None:
    """The summary has the code and what is kept; a run that goes on, with another log, the rest."""
    process = started(tmp_path, "-o", "new.jsonl", "--workers", workers, "-q", *KEPT)
    feed(process, tmp_path)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == code, stderr
    summary, events = summary_of(tmp_path), log_of(tmp_path)
    assert summary["exit_code"] == events[-1]["exit_code"] == code
    if code != 129:
        assert b"stopped; what is done is kept" in stderr
    kept = summary["sentences"]["read"]
    assert 0 < kept < 40_000
    ended = attn(
        *("batch", "-", "-o", "new.jsonl", "--resume", "--log-file", "other.log"),
        *("--summary", "sum.json", "-q"),
        stdin=_CLEAN * 20_000,
    )
    assert ended.returncode == 0, ended.stderr
    again = summary_of(tmp_path)
    assert again["sentences"] == {"read": 40_000, "done": 40_000, "failed": 0, "skipped": kept}
    assert again["resume"] is True
    assert [e["sentences"] for e in log_of(tmp_path, "other.log") if e["event"] == "resume"] == [
        kept
    ]


def test_the_output_is_the_same_with_and_without_records(attn: Attn, tmp_path: Path) -> None:
    """Records of a run are no part of what it is, and nothing of them shows in the output."""
    (tmp_path / "s.txt").write_bytes(corpus(200))
    attn("batch", "s.txt", "-o", "a.jsonl")
    attn("batch", "s.txt", "-o", "b.jsonl", *KEPT)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    assert attn("batch", "s.txt", "-o", "a.jsonl", "--resume", *KEPT).returncode == 0


@pytest.mark.parametrize("option", ["--log-file", "--summary"])
@pytest.mark.parametrize(
    "target",
    [
        *("clean.txt", "./clean.txt", "link.txt", "v.txt"),
        *("there.jsonl", "there.jsonl.attn-journal", "-"),
    ],
)
def test_records_replace_nothing_that_is_read_or_written(
    attn: Attn, folder: Path, option: str, target: str
) -> None:
    """A record that is an input, the vectors, or the output under any name is refused."""
    (folder / "v.txt").write_text("money 1 2\nbank 3 4\ngrows 1 1\nriver 0 1\nflows 2 1\n")
    (folder / "link.txt").symlink_to("clean.txt")
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    ended = attn(
        *("batch", "clean.txt", "-o", "there.jsonl", "--vectors", "v.txt", "--force"),
        *(option, target),
    )
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith(f"attn: error: {option}: found ".encode())
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


@pytest.mark.parametrize("option", ["--log-file", "--summary"])
@pytest.mark.parametrize("wrong", ["--no-such", "--workers=0"])
def test_a_refused_command_line_replaces_no_input_either(
    attn: Attn, folder: Path, option: str, wrong: str
) -> None:
    """Its records are kept only where no other argument names their file."""
    for name in ("clean.txt", "./clean.txt"):
        attn("batch", "clean.txt", wrong, option, name)
        attn("batch", "blank.txt", f"--vectors={name}", wrong, option, "clean.txt")
        assert (folder / "clean.txt").read_bytes() == _CLEAN


def test_records_are_not_standard_output(attn: Attn, folder: Path) -> None:
    """A log or summary in the file that standard output goes to would destroy the results."""
    for option in ("--log-file", "--summary"):
        with (folder / "all.jsonl").open("wb") as out:
            ended = subprocess.run(
                [sys.executable, "-m", "attncli", "batch", "clean.txt", option, "all.jsonl"],
                cwd=folder,
                stdout=out,
                stderr=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                check=False,
            )
        assert ended.returncode == 2
        assert b"which is also standard output" in ended.stderr


def test_one_file_is_not_both_records(attn: Attn, folder: Path) -> None:
    """The summary would replace the log."""
    ended = attn("batch", "clean.txt", "--log-file", "x", "--summary", "x")
    assert ended.returncode == 2
    assert b"which is also written here" in ended.stderr
    assert not (folder / "x").exists()


def test_a_log_grows(attn: Attn, folder: Path) -> None:
    """Runs append; a line that a power cut left unfinished stays apart from theirs."""
    (folder / "run.log").write_bytes(b'{"cut": ')
    attn("batch", "clean.txt", "-o", "a.jsonl", "--log-file", "run.log")
    attn("batch", "clean.txt", "-o", "b.jsonl", "--log-file", "run.log")
    lines = (folder / "run.log").read_bytes().splitlines()
    assert lines[0] == b'{"cut": '
    assert [json.loads(line)["event"] for line in lines[1:]].count("start") == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_ends_the_log_and_not_the_batch(attn: Attn, folder: Path) -> None:
    """One warning; the results are worth more than their record."""
    ended = attn("batch", "clean.txt", "-o", "new.jsonl", "--log-file", "/dev/full")
    assert ended.returncode == 0
    assert ended.stderr.count(b"the log ends here") == 1
    assert (folder / "new.jsonl").read_bytes() == (folder / "there.jsonl").read_bytes()


def test_a_summary_that_cannot_be_written_is_an_error_before_the_work(
    attn: Attn, folder: Path
) -> None:
    """Not after hours of it."""
    ended = attn("batch", "clean.txt", "-o", "new.jsonl", "--summary", "gone/sum.json")
    assert ended.returncode == 9
    assert not (folder / "new.jsonl").exists()


def test_text_of_others_is_harmless_in_records(attn: Attn, tmp_path: Path) -> None:
    """No control character, nothing that a terminal obeys, no password of an address."""
    name = "a\x1b[31m\u202eb\x9b.txt"
    (tmp_path / name).write_bytes(b"money\n\x1b\x07?!\n")
    ended = attn("batch", name, "-o", "out.jsonl", *KEPT)
    assert ended.returncode == 3, ended.stderr
    for file in ("run.log", "sum.json"):
        text = (tmp_path / file).read_text()
        assert not [c for c in text if c != "\n" and harmless(c) != c]
    assert summary_of(tmp_path)["input"] == [name]
    attn("batch", "memory://user:secret@host/x", "-o", "new.jsonl", *KEPT)
    address = summary_of(tmp_path)
    assert "secret" not in address["command"] + address["input"][0]
