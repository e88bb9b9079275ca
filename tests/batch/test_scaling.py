"""The simulated cluster of benchmarks/scaling.py, and what docs/scaling.md shows of it."""

import json
import sys
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attncli.batches.engines import dask, local

ROOT = Path(__file__).resolve().parents[2]


def _loaded() -> Any:
    spec = spec_from_file_location("scaling", ROOT / "benchmarks" / "scaling.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["scaling"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


scaling = _loaded()
COSTS = scaling.Costs(
    start=1.5,
    hand_out=0.003,
    hand_out_more=0.00001,
    note=0.02,
    put=0.03,
    store=1e9,
    join=0.0,
    merge=10.0,
    back=2.0,
    again=60.0,
)
RUNS = settings(max_examples=25, deadline=None)
SOME_CHUNKS = st.lists(st.floats(0.01, 20.0), min_size=1, max_size=60)
WORKERS = st.integers(1, 40)


@RUNS
@given(SOME_CHUNKS, WORKERS, st.sampled_from([0.0, 1e9]))
def test_workers_give_no_more_than_their_number(
    chunks: list[float], workers: int, join: float
) -> None:
    """Without losses the speed-up is at most the number of workers, and at least that of one."""
    outcome = scaling.simulated(chunks, 1e6, workers, replace(COSTS, join=join))
    assert sum(chunks) <= outcome.seconds * workers
    assert outcome.lost == outcome.deaths == 0
    alone = scaling.simulated(chunks, 1e6, 1, replace(COSTS, join=join))
    handing = 2 * COSTS.hand_out_more * workers * len(chunks)
    assert outcome.seconds <= alone.seconds + handing + 1e-6


@RUNS
@given(SOME_CHUNKS)
def test_one_worker_takes_the_sum_of_all(chunks: list[float]) -> None:
    """Its chunks one after another, and a fixed cost: start, one to hand out, one to note, the join."""
    outcome = scaling.simulated(chunks, 1e6, 1, replace(COSTS, hand_out=0.001))
    each = COSTS.put + 1e6 / COSTS.store
    fixed = COSTS.start + 0.001 + COSTS.hand_out_more + COSTS.note + outcome.joining
    expected = fixed + sum(chunks) + each * len(chunks)
    assert outcome.seconds == pytest.approx(expected, rel=1e-9)


@RUNS
@given(SOME_CHUNKS, WORKERS, st.floats(0.0, 400.0), st.integers(0, 5), st.booleans())
def test_work_is_done_once(
    chunks: list[float], workers: int, losses: float, seed: int, together: bool
) -> None:
    """Every chunk is in the output once, in order, whatever is lost on the way."""
    costs = replace(COSTS, losses=losses, notes_together=together, deaths_grow=together)
    outcome = scaling.simulated(chunks, 1e6, workers, costs, seed)
    assert outcome.order == list(range(len(chunks)))
    assert outcome.work == pytest.approx(sum(chunks))
    if outcome.deaths == 0:
        assert outcome.lost == 0
    again = scaling.simulated(chunks, 1e6, workers, costs, seed)
    assert again == outcome


def test_losses_make_no_run_faster() -> None:
    """More losses an hour: the mean of some seeds is no shorter, but for who gets the last chunks."""
    chunks = scaling.durations(1500, 8.0, 0.2, 1)
    means, lost = [], []
    for losses in (0.0, 1.0, 10.0, 50.0):
        costs = replace(COSTS, losses=losses)
        outcomes = [scaling.simulated(chunks, 1e6, 50, costs, seed) for seed in range(5)]
        means.append(sum(outcome.seconds for outcome in outcomes) / 5)
        lost.append(sum(outcome.lost for outcome in outcomes))
    assert all(more > fewer - 8.0 / 2 for fewer, more in pairwise(means))
    assert means[-1] > means[-2] > means[0]
    assert lost == sorted(lost)
    assert lost[0] == 0 < lost[1]


def test_a_run_of_before_ends_when_twenty_died() -> None:
    """A thousand workers that lose one in a hundred every hour: the old limit ended it, the new not."""
    chunks = scaling.durations(12_000, 600.0, 0.1, 1)
    old = replace(COSTS, losses=0.01, deaths_grow=False)
    outcome = scaling.simulated(chunks, 1e6, 1000, old, 1)
    assert outcome.runs > 1
    now = scaling.simulated(chunks, 1e6, 1000, replace(old, deaths_grow=True), 1)
    assert now.runs == 1
    assert now.seconds < outcome.seconds


def test_the_simulator_has_the_numbers_of_the_engine() -> None:
    """Tries, chunks in hand, deaths: what the engine does is what is simulated."""
    assert (scaling.TRIES, scaling.AHEAD) == (dask.TRIES, dask._AHEAD)
    own = (scaling.TASK_SECONDS, scaling.TASKS_A_SECOND, scaling.MOST_AT_ONCE)
    assert own == (dask._TASK_SECONDS, dask._TASKS_A_SECOND, dask._MOST_AT_ONCE)
    for written in (0, 49, 50, 1000):
        limit = scaling.MAX_DEATHS + written // scaling.CHUNKS_A_DEATH
        assert local.deaths_allowed(written) == limit


def test_the_document_shows_what_is_printed() -> None:
    """docs/scaling.md has the tables of the committed costs."""
    table = json.loads((ROOT / "benchmarks" / "scaling.json").read_text())
    document = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    assert "\n".join(scaling.models_cost(table)) in document
    jobs = table["measured"]["jobs"]
    first = next(iter(jobs))
    table["measured"]["jobs"] = {first: jobs[first]}
    assert "\n".join(scaling.simulated_table(table, 1)) in document
