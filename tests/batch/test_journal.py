"""The journal of a run: what is seen in it, whatever happened to it."""

import hashlib
import json
import os
import random
import zlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ways import WAYS, taken

from attncli.batches.checksums import Checksum, bears_out, checksum
from tests.batch.runs import interrupted, prepared


def test_every_damage_to_a_journal_is_seen(folder: Path) -> None:
    """Each byte flipped, each length cut: the run is redone from there or refused, never wrong."""
    job, expected = interrupted(folder)
    journal = Path(f"{job.target}.attn-journal")
    part = Path(f"{job.target}.attn-part")
    good, bytes_of_part = journal.read_bytes(), part.read_bytes()
    cuts = [good[:i] for i in range(0, len(good), 41)]
    flips = [good[:i] + bytes([good[i] ^ 4]) + good[i + 1 :] for i in range(0, len(good), 29)]
    for damaged in (*cuts, *flips):
        journal.write_bytes(damaged)
        part.write_bytes(bytes_of_part)
        code = job.code(resume=True)
        if code == 0:
            assert job.target.read_bytes() == expected
            job.target.unlink()
        else:
            assert code == 11
            assert not job.target.exists()


@pytest.mark.parametrize("way", WAYS)
@given(data=st.binary(max_size=9000), times=st.integers(1, 70), cut=st.integers(0, 9))
def test_a_checksum_is_of_the_sums_by_place_and_by_page(
    way: str, data: bytes, times: int, cut: int
) -> None:
    """Of any length, and of bytes that begin between two words: what journals of before hold."""
    view = memoryview(data * times)[cut:]
    words = np.frombuffer(bytes(view), dtype=np.uint64, count=len(view) // 4096 * 512)
    pages = words.reshape(-1, 512)
    digest = hashlib.blake2b(pages.sum(axis=0).tobytes(), digest_size=8)
    digest.update(pages.sum(axis=1).tobytes())
    digest.update(view[words.nbytes :])
    digest.update(len(view).to_bytes(8, "little"))
    with taken(way):
        assert checksum(view) == f"p{digest.hexdigest()}"


@pytest.mark.parametrize("way", WAYS)
@given(data=st.binary(max_size=30_000), cuts=st.lists(st.integers(0, 30_000), max_size=9))
def test_a_checksum_does_not_see_in_which_pieces_bytes_come(
    way: str, data: bytes, cuts: list[int]
) -> None:
    """Cut anywhere, the pieces give the checksum of the whole, and their lengths its length."""
    bounds = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    with taken(way):
        summed = Checksum()
        for begin, end in pairwise(bounds):
            summed.add(memoryview(data)[begin:end])
        assert (summed.text(), summed.length) == (checksum(data), len(data))


def test_checksums_see_torn_zeroed_and_changed_bytes() -> None:
    """Another byte anywhere, a cut, or a page of zeros gives another checksum."""
    rng = random.Random(1)
    data = rng.randbytes(20_000)
    seen = {checksum(data), checksum(data[:-1]), checksum(data[:8192] + bytes(4096) + data[12288:])}
    for place in range(0, len(data), 37):
        seen.add(checksum(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]))
    assert len(seen) == 3 + len(range(0, len(data), 37))


def test_pages_that_change_places_are_seen() -> None:
    """A part is its pages in their order."""
    pages = [random.Random(i).randbytes(4096) for i in range(5)]
    whole = checksum(b"".join(pages))
    for one in range(5):
        for other in range(one):
            swapped = pages.copy()
            swapped[one], swapped[other] = pages[other], pages[one]
            assert not bears_out(b"".join(swapped), whole)
    assert bears_out(b"".join(pages), whole)


def rewritten(journal: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """The journal with each object changed, its checksums right."""
    lines = []
    for line in journal.read_bytes().splitlines():
        text = json.dumps(change(json.loads(line[9:]))).encode()
        lines.append(b"%08x %s\n" % (zlib.crc32(text), text))
    journal.write_bytes(b"".join(lines))


def without_order(found: dict[str, Any]) -> dict[str, Any]:
    """A commit as it was written before checksums saw the order of pages."""
    if "commit" in found:
        commit = found["commit"]
        data = without_order.part[without_order.start : commit["length"]]  # type: ignore[attr-defined]
        without_order.start = commit["length"]  # type: ignore[attr-defined]
        words = np.frombuffer(data, dtype=np.uint64, count=len(data) // 8)
        whole = len(words) - len(words) % 512
        digest = hashlib.blake2b(
            words[:whole].reshape(-1, 512).sum(axis=0).tobytes(), digest_size=8
        )
        digest.update(data[8 * whole :] + len(data).to_bytes(8, "little"))
        commit["checksum"] = digest.hexdigest()
    return found


def test_a_journal_of_before_is_continued(folder: Path) -> None:
    """Chunks noted with the checksums of before are kept, not made again."""
    job, expected = interrupted(folder)
    without_order.part = Path(f"{job.target}.attn-part").read_bytes()  # type: ignore[attr-defined]
    without_order.start = 0  # type: ignore[attr-defined]
    journal = Path(f"{job.target}.attn-journal")
    commits = journal.read_bytes().count(b'"commit"')
    rewritten(journal, without_order)
    report = job.run(resume=True)
    assert report.new == 200 - commits * job.chunk
    assert job.target.read_bytes() == expected


FOREIGN: list[Any] = [
    {"commit": {"records": 10, "length": 5, "checksum": "x", "digest": "y", "new": 1}},
    {"commit": {"records": "10", "length": 5, "checksum": "x", "digest": "y"}},
    {"commit": {"records": 10, "length": 1 << 70, "checksum": "x", "digest": "y"}},
    {"commit": {"records": 10, "length": -5, "checksum": "x", "digest": "y"}},
    {"commit": {"records": 10, "length": 5, "checksum": None, "digest": []}},
    {"commit": [1, 2]},
    {"commit": None},
    {"job": [1]},
    {"finished": "../../elsewhere"},
    {"finished": {"a": "\0"}},
    {"pid": 1 << 70},
    {"later": 5},
]


@pytest.mark.parametrize("line", FOREIGN, ids=lambda line: str(line)[:40])
def test_a_journal_of_another_version_is_refused_or_done_again(folder: Path, line: Any) -> None:
    """Lines whose checksums are right and whose content is not ours never end in a bug."""
    job, expected = interrupted(folder)
    journal, good = Path(f"{job.target}.attn-journal"), []
    good = journal.read_bytes().splitlines(keepends=True)
    text = json.dumps(line).encode()
    added = b"%08x %s\n" % (zlib.crc32(text), text)
    content = Path(f"{job.target}.attn-part").read_bytes()
    for place in (0, 1, len(good)):
        journal.write_bytes(b"".join([*good[:place], added, *good[place:]]))
        Path(f"{job.target}.attn-part").write_bytes(content)
        if job.code(resume=True) == 0:
            assert job.target.read_bytes() == expected
            job.target.unlink()
        else:
            assert job.code(resume=True) == 11


def test_a_pipe_in_the_place_of_a_journal_is_refused(folder: Path) -> None:
    """The run ends with 9; the pipe stays."""
    job, _ = prepared(folder, 30)
    os.mkfifo(f"{job.target}.attn-journal")
    assert job.code(resume=True) == 9
    assert Path(f"{job.target}.attn-journal").is_fifo()


def test_a_journal_holds_lines_of_json(folder: Path) -> None:
    """The journal can be read by eye: a checksum and an object a line."""
    job, _ = interrupted(folder)
    lines = Path(f"{job.target}.attn-journal").read_text().splitlines()
    kinds = [next(iter(json.loads(line[9:]))) for line in lines]
    assert kinds[:2] == ["job", "pid"]
    assert set(kinds[2:]) == {"commit"}
