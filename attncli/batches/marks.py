"""What a whole output says of itself, in attributes of its file: its job, and its records' fate."""

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from attncli.batches.journal import Commit
from attncli.errors import ResumeError, setting

_JOB = "user.attn.job"
_TALLY = "user.attn.tally"
_SYNC_UP_TO = 64 << 20  # bytes that are always waited for


def settle(path: Path, identity: dict[str, Any], done: Commit | None, *, sync: bool) -> None:
    """Marks a whole file as its job's, with what became of its records, and has it on the disk.

    Beyond 64 MiB the disk is waited for only when asked: it would take longer than the work.
    """
    fd = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        if hasattr(os, "setxattr"):
            with contextlib.suppress(OSError):  # not every file system keeps attributes
                os.setxattr(fd, _JOB, _name_of(identity))
                if done is not None:
                    os.setxattr(fd, _TALLY, _line([done.records, done.failed, done.empty]))
        if sync or os.fstat(fd).st_size <= _SYNC_UP_TO:
            os.fsync(fd)
    finally:
        os.close(fd)


def is_of_job(path: Path, identity: dict[str, Any]) -> bool:
    """Whether a whole output is marked as this job's."""
    return _mark_of(path, _JOB) == _name_of(identity)


def expect_job(path: Path, identity: dict[str, Any], place: str) -> None:
    """Raises: ResumeError when a whole output is marked as another job's."""
    if _mark_of(path, _JOB) not in (None, _name_of(identity)):
        raise another_job(place)


def is_marked(path: Path) -> bool:
    """Whether a whole output is marked as any job's."""
    return _mark_of(path, _JOB) is not None


def another_job(place: str) -> ResumeError:
    """The error for a whole output that is not what this run would write."""
    return ResumeError(
        "the output is whole, but of another input, other vectors or other options",
        place=place,
        hints=(f"{setting(force=True)} replaces it",),
    )


def tally_of(path: Path) -> Commit | None:
    """What became of the records of a whole output, as its last commit; None when it is not said."""
    mark = _mark_of(path, _TALLY) or b""
    try:
        records, failed, empty = (int(number[:18]) for number in mark.split(b" "))
    except ValueError:
        return None
    return Commit(records, 0, "", "", failed, empty)


def _name_of(identity: dict[str, Any]) -> bytes:
    text = json.dumps(identity, sort_keys=True).encode()
    return hashlib.blake2b(text, digest_size=16).hexdigest().encode()


def _line(numbers: list[int]) -> bytes:
    return " ".join(map(str, numbers)).encode("ascii")


def _mark_of(path: Path, name: str) -> bytes | None:
    if not hasattr(os, "getxattr"):
        return None
    try:
        return os.getxattr(path, name)
    except OSError:
        return None
