"""Outputs that an object store puts together itself, by the rules of S3."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.batches import joining
from tests.batch.conftest import corpus
from tests.batch.runs import Job

fsspec = pytest.importorskip("fsspec")
registered = pytest.importorskip("fsspec.registry")
memory = pytest.importorskip("fsspec.implementations.memory")


class _Store(memory.MemoryFileSystem):  # type: ignore[misc]  # it is untyped
    """Objects in memory that are put together as S3 does it, or refused as S3 does it."""

    protocol = "s3"
    store: dict[str, Any] = {}  # noqa: RUF012 - as its base has it
    pseudo_dirs = [""]  # noqa: RUF012
    merges: list[tuple[str, int]] = []  # noqa: RUF012
    reads: list[str] = []  # noqa: RUF012
    refuses = False

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.replace("s3://", "memory://")))

    def merge(self, path: str, filelist: Sequence[str]) -> None:
        """Puts objects behind each other. Raises: OSError for what S3 would refuse."""
        contents = [self.store[name].getvalue() for name in filelist]
        small = any(len(content) < joining._LEAST for content in contents[:-1])
        large = any(len(content) > joining._LARGEST for content in contents)
        if self.refuses or small or large or len(contents) > joining._MOST:
            raise OSError(22, "EntityTooSmall")
        self.merges.append((path, len(contents)))
        self.pipe_file(path, b"".join(contents))

    def open(self, path: str, mode: str = "rb", **named: Any) -> Any:
        """Opens an object, and notes what is read."""
        if "r" in mode:
            self.reads.append(path)
        return super().open(path, mode, **named)


@pytest.fixture
def store() -> Iterator[type[_Store]]:
    """An empty store behind s3://."""
    kept = dict(fsspec.registry)
    fsspec.register_implementation("s3", _Store, clobber=True)
    _Store.store.clear()
    _Store.pseudo_dirs[:] = [""]
    _Store.merges.clear()
    _Store.reads.clear()
    yield _Store
    registered._registry.pop("s3")
    if "s3" in kept:
        fsspec.register_implementation("s3", kept["s3"], clobber=True)


def _expected(folder: Path, records: int) -> bytes:
    (folder / "s.txt").write_bytes(corpus(records))
    job = Job(folder)
    job.run()
    return job.target.read_bytes()


@pytest.mark.parametrize(("most", "objects"), [(1000, 1), (4, 4)])
def test_a_store_puts_the_parts_together(
    store: type[_Store],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    objects: int,
) -> None:
    """The bytes of a local file, at once or in a tree; no part is read, and nothing stays beside it."""
    expected = _expected(folder, 120)
    monkeypatch.setattr(joining, "_LEAST", 100)
    monkeypatch.setattr(joining, "_MOST", most)
    Job(folder, url="s3://bucket/out.jsonl").run()
    assert {name: item.getvalue() for name, item in store.store.items()} == {
        "/bucket/out.jsonl": expected
    }
    assert store.merges[-1][0] == "/bucket/out.jsonl"
    assert len(store.merges) == objects
    assert [name for name in store.reads if "part-" in name] == []


@pytest.mark.parametrize("why", ["small", "refused", "too many"])
def test_what_a_store_does_not_put_together_is_read(
    store: type[_Store], folder: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    """Parts below 5 MiB, a store that refuses, too many for its tree: the same bytes."""
    expected = _expected(folder, 120)
    if why != "small":
        monkeypatch.setattr(joining, "_LEAST", 100)
    if why == "too many":
        monkeypatch.setattr(joining, "_MOST", 2)
    monkeypatch.setattr(store, "refuses", why == "refused")
    Job(folder, url="s3://bucket/out.jsonl").run()
    assert {name: item.getvalue() for name, item in store.store.items()} == {
        "/bucket/out.jsonl": expected
    }
    assert len([name for name in store.reads if "part-" in name]) == 12


@given(st.lists(st.integers(1, 60), min_size=1, max_size=80), st.integers(1, 9))
def test_groups_are_cut_where_a_part_is_full(sizes: list[int], most: int) -> None:
    """Consecutive, none left out, none above the largest part or the most parts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joining, "_LARGEST", 60)
        patch.setattr(joining, "_MOST", most)
        groups = list(joining._groups(sizes))
    assert [first for first, _ in groups] == [0, *(end for _, end in groups[:-1])]
    assert groups[-1][1] == len(sizes)
    for first, end in groups:
        assert sum(sizes[first:end]) <= 60
        assert 0 < end - first <= most
