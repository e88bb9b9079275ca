"""Files by which workers of one machine hand over the bytes of chunks."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.batches.engines.spool import Spool
from attncli.batches.work import Coming, Computed, Done
from attncli.errors import ClusterError
from attncli.results.batch_report import Tally


def computed(number: int, *pieces: bytes) -> Computed:
    """A chunk whose bytes come in pieces."""
    return Computed(number, Coming.of(pieces), Tally(3))


def taken(spool: Spool, done: Done) -> bytes:
    """All that the spool gives of a chunk."""
    return b"".join(map(bytes, spool.taken(done)))


def put(spool: Spool, number: int, *pieces: bytes, head: bytes = b"") -> Done:
    """A chunk that was put."""
    done = spool.put_computed(computed(number, *pieces), head)
    assert done is not None
    return done


@given(
    chunks=st.lists(st.lists(st.binary(max_size=9000), max_size=3), min_size=1, max_size=4),
    head=st.binary(max_size=20),
)
def test_what_was_put_is_taken(
    tmp_path_factory: pytest.TempPathFactory, chunks: list[list[bytes]], head: bytes
) -> None:
    """The head and the bytes of each chunk, longer or shorter than the one whose file it has, also
    when it was put twice."""
    folder = tmp_path_factory.mktemp("spool")
    spool = Spool(str(folder))
    for number, pieces in enumerate(chunks):
        done = put(spool, number, *pieces, head=head)
        assert put(spool, number, *pieces, head=head) == done
        assert (done.data, done.tally, done.number) == (b"", Tally(3), number)
        assert taken(spool, done) == head + b"".join(pieces)


def test_a_file_that_was_taken_is_written_over(tmp_path: Path) -> None:
    """A run has as many files as chunks are on their way, not as many as chunks."""
    spool = Spool(str(tmp_path))
    for number in range(0, 20, 2):
        dones = [put(spool, number, b"a" * 30_000), put(spool, number + 1, b"b" * (900 - number))]
        assert [taken(spool, done)[:1] for done in dones] == [b"a", b"b"]
    assert len(list(tmp_path.iterdir())) == 2


def test_large_chunks_come_piece_by_piece(tmp_path: Path) -> None:
    """No piece is as large as the chunk, and all together are its bytes."""
    data = bytes(range(256)) * 12_000
    spool = Spool(str(tmp_path))
    pieces = [bytes(piece) for piece in spool.taken(put(spool, 1, data))]
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) < len(data) / 4


@pytest.mark.parametrize(
    "change",
    [
        Path.unlink,
        lambda file: file.write_bytes(b"other"),
        lambda file: file.write_bytes(b"byte"),
    ],
)
def test_other_bytes_are_refused(tmp_path: Path, change: Callable[[Path], object]) -> None:
    """A file that went, was changed or cut on its way, is no chunk."""
    spool = Spool(str(tmp_path))
    done = put(spool, 7, b"bytes")
    change(next(tmp_path.iterdir()))
    with pytest.raises(ClusterError, match="chunk 7"):
        taken(spool, done)


def test_bytes_that_cannot_be_put_are_told(tmp_path: Path) -> None:
    """Without a place for the file there is nothing to hand over."""
    assert Spool(str(tmp_path / "absent")).put_computed(computed(7, b"bytes"), b"head") is None
