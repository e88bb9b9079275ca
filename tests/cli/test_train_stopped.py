"""A training that is stopped, goes on, or meets another: its model, its saved state, its lock, its log."""

import gc
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import child_environment
from training_data import QUICK

from attncli.training.resume import save_state


def started(folder: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    """A training of its own that has logged a few epochs."""
    log = folder / "log.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-m", "attncli", *arguments, "--log", str(log)],
        env=child_environment(),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if log.exists() and log.read_text().count('"epoch"') > 3:
            break
        time.sleep(0.02)
    return process


LONG = ("--heads", "2", "--committee", "1", "--batch-size", "2", "--epochs", "60")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_training_keeps_its_best_and_resumes(command, data, tmp_path, number, code):
    """A stopped training leaves a model that works; with --resume its end equals an unbroken run."""
    options = LONG
    process = started(tmp_path, "train", str(data), "-o", "m", *options)
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, b""), err
    assert b"Traceback" not in err
    assert b"attn: stopped: m, " in err
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"data.tsv", "log.jsonl", "m", "m.unfinished"}
    assert command("evaluate", str(data), "-m", str(tmp_path / "m"), "--json").code == 0
    other = command(
        "train", str(data), "-o", str(tmp_path / "m"), *options, "--seed", "9", "--resume"
    )
    assert other.code == 11
    assert "other seed" in other.said
    resumed = command("train", str(data), "-o", str(tmp_path / "m"), *options, "--resume")
    assert resumed.code == 0
    assert not (tmp_path / "m.unfinished").exists()
    assert command("train", str(data), "-o", str(tmp_path / "whole"), *options).code == 0
    assert (tmp_path / "m").read_bytes() == (tmp_path / "whole").read_bytes()


def test_two_trainings_of_one_model_exclude_each_other(command, data, tmp_path):
    """The second ends with 10; the lock dies with its process, however that ends."""
    model = tmp_path / "m"
    first = started(tmp_path, "train", str(data), "-o", "m", *LONG, "--epochs", "100000")
    ended = command("train", str(data), "-o", str(model), *QUICK)
    assert ended.code == 10, ended.said
    assert "another training works on this model" in ended.said
    assert first.poll() is None
    first.kill()
    first.communicate(timeout=60)
    assert command("train", str(data), "-o", str(model), *QUICK).code == 0
    assert {path.name for path in tmp_path.glob("m*")} <= {"m", "m.unfinished"}


def test_resuming_nothing_and_leaving_something_are_said(command, data, tmp_path):
    """--resume without a saved state starts anew and says so; a state that is passed over is named."""
    arguments = ("train", str(data), "-o", str(tmp_path / "m"), *QUICK)
    assert "m.unfinished to go on from: this training starts anew" in (
        command(*arguments, "--resume").said
    )
    save_state(tmp_path / "m.unfinished", {}, "{}", {})
    assert "--resume would go on from it" in command(*arguments).said


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
@pytest.mark.parametrize("ending", ["lock", "unfinished"])
@pytest.mark.parametrize("kind", ["file", "link", "dangling link", "hard link"])
def test_files_of_others_beside_a_model_are_not_touched(command, data, tmp_path, ending, kind):
    """What has the name of a lock or a state and is not ours: 9 with what to do, all as it was."""
    name, theirs = tmp_path / f"m.{ending}", tmp_path / "theirs"
    if kind != "dangling link":
        theirs.write_bytes(b"years of work")
    if kind == "file":
        theirs.rename(name)
    elif kind == "hard link":
        os.link(theirs, name)
    else:
        name.symlink_to(theirs)
    before = {path.name: path.lstat().st_ino for path in tmp_path.iterdir()}
    ended = command("train", "-q", str(data), "-o", str(tmp_path / "m"), *QUICK)
    assert (ended.code, ended.is_clean()) == (9, True)
    assert "  hint: mv " in ended.said
    assert {path.name: path.lstat().st_ino for path in tmp_path.iterdir()} == before
    assert all(path.read_bytes() == b"years of work" for path in (name, theirs) if path.is_file())


def test_an_empty_lock_of_others_is_kept(command, data, tmp_path):
    """It serves as the lock, and is there afterwards."""
    (tmp_path / "m.lock").write_bytes(b"")
    assert command("train", str(data), "-o", str(tmp_path / "m"), *QUICK).code == 0
    assert (tmp_path / "m.lock").read_bytes() == b""


def test_the_log_is_closed_when_a_training_diverges(data, tmp_path, command, recwarn):
    """Every end closes it: no open file is left to the collector, and each line is whole."""
    log = tmp_path / "log"
    more = ("--learning-rate", "1e30", "--log", str(log))
    ended = command("train", str(data), "-o", str(tmp_path / "m"), *QUICK, *more)
    assert ended.code == 13
    gc.collect()
    assert not [warning for warning in recwarn if warning.category is ResourceWarning]
    assert all(json.loads(line) for line in log.read_text().splitlines())
