"""An object store that fails: every call of a batch on a store fails once, in every way.

The store holds its objects in memory; around it stand the faults. A call is refused, or acts and its
answer is lost, or the process ends before or behind it. The output is then whole or not there, and
the next run gives the same bytes and leaves nothing beside them.
"""

from collections.abc import Iterator
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from attncli.batches import lease
from attncli.batches.writers.formats import Format
from attncli.errors import AttnError
from tests.batch.conftest import corpus
from tests.batch.runs import Job

pytest.importorskip("fsspec")
memory = pytest.importorskip("fsspec.implementations.memory")

_CALLS = ("pipe_file", "put_file", "rm", "mv", "cat_file", "exists", "size", "makedirs", "open")
_FAULTS = ("refused", "lost", "killed", "killed behind")
_MOST = 400  # calls of a run; none has so many


class Killed(BaseException):
    """The process is no more: nothing that it would still do happens."""


class _Store:
    """Counts the calls on the store; one of them meets a fault."""

    def __init__(self) -> None:
        self.count, self.point, self.fault, self.dead = 0, 0, "", False

    def begin(self, point: int = 0, fault: str = "") -> None:
        """From now on the call of this number fails; 0: none does."""
        self.count, self.point, self.fault, self.dead = 0, point, fault, False

    def call(self, act: Any, *arguments: Any, **named: Any) -> Any:
        if self.dead:
            raise Killed
        self.count += 1
        if self.count != self.point:
            return act(*arguments, **named)
        if self.fault in ("lost", "killed behind"):
            with suppress(OSError):
                act(*arguments, **named)
        if self.fault.startswith("killed"):
            self.dead = True
            raise Killed
        raise OSError(5, "Input/output error")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Store]:
    """A store in memory whose calls are counted."""
    counted = _Store()
    monkeypatch.setattr(lease, "_RENEWED", 3600.0)  # a killed run renews nothing

    def around(act: Any) -> Any:
        @wraps(act)
        def call(files: Any, *arguments: Any, **named: Any) -> Any:
            return counted.call(act, files, *arguments, **named)

        return call

    for name in _CALLS:
        monkeypatch.setattr(
            memory.MemoryFileSystem, name, around(getattr(memory.MemoryFileSystem, name))
        )
    _empty()
    yield counted
    _empty()


def _empty() -> None:
    memory.MemoryFileSystem.store.clear()
    memory.MemoryFileSystem.pseudo_dirs[:] = [""]


def _left() -> dict[str, bytes]:
    """Every object of the store."""
    return {name: item.getvalue() for name, item in memory.MemoryFileSystem.store.items()}


def _ended(job: Job, *, resume: bool = False) -> int | None:
    """The exit code of a run; None when it was killed."""
    try:
        job.run(resume=resume)
    except Killed:
        return None
    except AttnError as error:
        return error.exit_code
    return 0


def _end_of_lease() -> None:
    """The lease of a process that is no more: the next run of this machine removes it."""
    for name in [name for name in memory.MemoryFileSystem.store if name.endswith(".attn-lock")]:
        del memory.MemoryFileSystem.store[name]


@pytest.mark.parametrize("begun", [False, True], ids=["new", "resumed"])
@pytest.mark.parametrize("kind", ["jsonl", "npz"])
def test_every_call_on_a_store_may_fail(
    folder: Path, store: _Store, kind: str, begun: bool
) -> None:
    """Refused, without an answer, killed before or behind: the output is whole or not there."""
    (folder / "s.txt").write_bytes(corpus(30))
    job = Job(folder, format=Format(kind), url=f"memory://store/out.{kind}")  # type: ignore[arg-type]
    target = f"/store/out.{kind}"
    store.begin()
    assert _ended(job) == 0
    whole, calls = _left(), store.count
    assert list(whole) == [target]
    for fault in _FAULTS:
        for point in range(1, _MOST):
            _empty()
            if begun:
                store.begin(calls - 8, "killed")
                assert _ended(job) is None
                _end_of_lease()
            store.begin(point, fault)
            code = _ended(job, resume=begun)
            if store.count < point:
                break
            store.begin()
            where = f"{kind}, {fault} at call {point}: code {code}"
            assert code in ((None,) if "killed" in fault else (0, 9, 10)), where
            assert _left().get(target, whole[target]) == whole[target], where
            _end_of_lease()
            assert _ended(job, resume=True) == 0, where
            assert _left() == whole, where
        else:
            pytest.fail("a run has more calls than are tried")
