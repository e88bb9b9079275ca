"""Files by which workers of one machine hand over the bytes of chunks."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.batches.engines.spool import Spool
from attncli.batches.work import Done
from attncli.errors import ClusterError
from attncli.results.batch_report import Tally


@given(st.binary(max_size=9000), st.binary(max_size=20), st.integers(0, 10**6))
def test_what_was_put_is_taken_once(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, head: bytes, number: int
) -> None:
    """The head and the bytes of a chunk, of which no file is left, also when they were put twice."""
    folder = tmp_path_factory.mktemp("spool")
    spool = Spool(str(folder))
    done = Done(number, data, Tally(3))
    assert spool.put_done(done, head) == (put := spool.put_done(done, head))
    assert (put.data, put.tally, put.number) == (b"", done.tally, number)
    assert spool.taken(put) == head + data
    assert not list(folder.iterdir())


@pytest.mark.parametrize("change", [Path.unlink, lambda file: file.write_bytes(b"other")])
def test_other_bytes_are_refused(tmp_path: Path, change: Callable[[Path], object]) -> None:
    """A file that went, or was changed on its way, is no chunk."""
    spool = Spool(str(tmp_path))
    put = spool.put_done(Done(7, b"bytes", Tally()), b"")
    change(next(tmp_path.iterdir()))
    with pytest.raises(ClusterError, match="chunk 7"):
        spool.taken(put)


def test_bytes_that_cannot_be_put_travel(tmp_path: Path) -> None:
    """Without a place for the file a worker returns the bytes themselves."""
    done = Done(7, b"bytes", Tally())
    assert Spool(str(tmp_path / "absent")).put_done(done, b"head") is done
