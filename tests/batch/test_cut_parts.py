"""A part that another program cuts while a batch writes it never becomes the output."""

import os
from pathlib import Path

import pytest

from attncli.batches.checksums import checksum
from attncli.batches.journal import Commit
from attncli.batches.part_file import Ending, PartFile
from attncli.errors import OutputError


def _written(part: PartFile, chunks: list[bytes], cut: int | None, after: int) -> None:
    """Writes and commits chunks; behind the chunk `after` somebody cuts the part to `cut` bytes."""
    length = 0
    for number, data in enumerate(chunks):
        part.write(data, length)
        length += len(data)
        part.commit(Commit(number + 1, length, checksum(data), ""))
        if number == after and cut is not None:
            os.truncate(part.path, cut)


@pytest.mark.parametrize("size", [60, 5_000, 700_000])
@pytest.mark.parametrize("after", [1, 3])
@pytest.mark.parametrize("share", [0.0, 0.4, 0.99])
def test_a_part_that_was_cut_does_not_become_the_output(
    tmp_path: Path, size: int, after: int, share: float
) -> None:
    """Cut to nothing, in the middle, near the end; while more comes (a hole) and behind the last."""
    chunks = [bytes([65 + number]) * size for number in range(4)]
    target = tmp_path / "o.jsonl"
    part = PartFile(target, {"job": 1})
    _written(part, chunks, int(size * (after + 1) * share), after)
    with pytest.raises(OutputError, match="another program changed"):
        part.end(Ending())
    part.close()
    assert not target.exists()
    again = PartFile(target, {"job": 1}, resume=True)
    kept = again.done.records if again.done else 0
    assert kept < 4
    for number in range(kept, 4):
        again.write(chunks[number], number * size)
        again.commit(Commit(number + 1, (number + 1) * size, checksum(chunks[number]), ""))
    again.end(Ending())
    assert target.read_bytes() == b"".join(chunks)
    assert os.listdir(tmp_path) == ["o.jsonl"]


@pytest.mark.parametrize("size", [60, 700_000])
def test_zeros_that_belong_there_are_no_cut(tmp_path: Path, size: int) -> None:
    """A part that is all zeros, written or left as holes by the file system, is whole."""
    target = tmp_path / "o.npz"
    part = PartFile(target, {"job": 1})
    for number in range(3):
        os.ftruncate(part.fd, (number + 1) * size)
        part.commit(Commit(number + 1, (number + 1) * size, checksum(bytes(size)), ""))
    part.end(Ending())
    assert target.read_bytes() == bytes(3 * size)
