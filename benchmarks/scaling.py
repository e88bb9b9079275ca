"""What a batch costs on many machines, and where it stops scaling: a simulated cluster.

    python benchmarks/scaling.py [--seed 1]     # the tables of docs/scaling.md
    python benchmarks/scaling.py --measure      # measures the parts on this machine, anew
    PYTHONPATH=CHECKOUT python benchmarks/scaling.py --measure --engine one   # of another version

MINILM names a folder of all-MiniLM-L6-v2, which is measured where it is given.

The simulator takes events in order: the process that leads a run hands out chunks, takes back what
became of them, in order, and notes it; workers compute a chunk and put its bytes into a store that
all share; machines are lost. It hands out, waits, blames and gives up as `attncli/batches/engines/
dask.py` does, and joins the parts as `attncli/batches/remote.py`. Its costs are in scaling.json:
`measured` by --measure, `assumed` of a network, a store and machines that are not here.
"""

import argparse
import heapq
import json
import math
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("scaling.json")
HOUR = 3600.0
CHUNKS = 20_000  # of a simulated run
TRIES, AHEAD, MAX_DEATHS, CHUNKS_A_DEATH = 3, 2, 20, 50  # of attncli/batches/engines
TASK_SECONDS, TASKS_A_SECOND, MOST_AT_ONCE = 0.1, 200, 16  # the same


@dataclass(frozen=True)
class Costs:
    """Seconds of each part, unless said otherwise."""

    start: float  # until the first chunk can be handed out
    hand_out: float  # of the leading process for a chunk: read, digest, hand out, take back
    hand_out_more: float  # the same for each worker more
    note: float  # of one object that notes commits
    put: float  # until a store answers, beside the bytes
    store: float  # bytes a second that the store takes from all workers
    join: (
        float  # bytes a second of one process that reads parts and writes them; 0: the store joins
    )
    merge: float  # seconds in which a store puts 1,000 parts together
    back: float  # until another worker is in the place of a lost one
    again: float  # until somebody gives the command anew, when a run ended
    losses: float = 0.0  # of a worker, each hour
    notes_together: bool = True  # whether chunks that are ready together are noted by one object
    deaths_grow: bool = True  # whether a run that gets on may lose more workers


@dataclass
class Outcome:
    """What became of a run."""

    seconds: float = 0.0  # from the command to the whole output
    joining: float = 0.0  # of these, for joining the parts
    work: float = 0.0  # seconds of computing that are in the output
    lost: float = 0.0  # seconds of computing that were lost with workers
    leading: float = 0.0  # seconds in which the leading process was busy
    deaths: int = 0  # workers that were lost while the run was on
    runs: int = 1  # commands: each behind the first is a --resume
    order: list[int] = field(default_factory=list)  # chunks as they were committed


def durations(count: int, mean: float, spread: float, seed: int) -> list[float]:
    """Seconds of `count` chunks, lognormal, of that mean and relative spread."""
    rng = random.Random(seed)
    sigma = math.sqrt(math.log1p(spread * spread))
    return [mean * rng.lognormvariate(-sigma * sigma / 2, sigma) for _ in range(count)]


def simulated(
    chunks: Sequence[float], size: float, workers: int, costs: Costs, seed: int = 0
) -> Outcome:
    """A run over chunks of these seconds, each of `size` bytes, on so many workers."""
    return _Cluster(chunks, size, workers, costs, seed).run()


class _Cluster:
    """The state of a run; `now` is the time of the leading process, which does one thing at a time."""

    def __init__(
        self, chunks: Sequence[float], size: float, workers: int, costs: Costs, seed: int
    ) -> None:
        self.chunks, self.size, self.workers, self.costs = chunks, size, workers, costs
        self.each = costs.hand_out + costs.hand_out_more * workers
        self.rng = random.Random(seed)
        self.now, self.store_free = 0.0, 0.0
        self.events: list[tuple[float, int, str, int, int]] = []
        self.serial = 0
        self.hands: list[deque[int]] = [deque() for _ in range(workers)]
        self.lives = [0] * workers  # how many workers stood in this place before
        self.begun = [0.0] * workers
        self.is_up = [True] * workers
        self.free: deque[int] = deque(range(workers))
        self.spare: deque[int] = deque()
        self.ready: deque[tuple[int, bool]] = deque()  # chunks that came back: whole, or lost
        self.tries: dict[int, int] = {}
        self.open: dict[
            int, bool
        ] = {}  # chunks handed out and not committed: whether they came back
        self.again: deque[int] = deque()
        self.next_chunk = self.following = self.in_hand = self.last_tries = 0
        self.blamed = self.written = 0
        self.result = Outcome()
        if costs.losses > 0:
            for worker in range(workers):
                self._mortal(worker, 0.0)

    def run(self) -> Outcome:
        self.now = self.costs.start
        while self.following < len(self.chunks):
            self._until(self.now)
            while (chunk := self._next()) is not None:
                self._hand_out(chunk)
            if not self.ready:
                self._wait()
            self._take_back()
            self._commit()
        self.result.joining = self._joining()
        self.result.seconds = self.now + self.result.joining
        return self.result

    def _mortal(self, worker: int, since: float) -> None:
        life = self.rng.expovariate(1.0) * HOUR / self.costs.losses
        self._event(since + life, "lost", worker, self.lives[worker])

    def _event(self, time: float, kind: str, worker: int, what: int) -> None:
        self.serial += 1
        heapq.heappush(self.events, (time, self.serial, kind, worker, what))

    def _until(self, time: float) -> None:
        while self.events and self.events[0][0] <= time:
            self._happens(*heapq.heappop(self.events))

    def _wait(self) -> None:
        """Until a chunk came back, or a worker did, which may take one."""
        while not self.ready:
            time, serial, kind, worker, what = heapq.heappop(self.events)
            self.now = max(self.now, time)
            self._happens(time, serial, kind, worker, what)
            if kind == "back":
                return

    def _happens(self, time: float, _: int, kind: str, worker: int, what: int) -> None:
        if kind == "back":
            self.is_up[worker] = True
            self.free.append(worker)
            self._mortal(worker, time)
        elif what != self.lives[worker]:
            return  # it was lost meanwhile
        elif kind == "lost":
            self._lost(time, worker)
        elif kind == "computed":
            self.store_free = max(self.store_free, time) + self.size / self.costs.store
            self._event(self.store_free + self.costs.put, "put", worker, what)
        else:
            chunk = self.hands[worker].popleft()
            self.ready.append((chunk, True))
            self.in_hand -= 1
            (self.spare if self.hands[worker] else self.free).append(worker)
            if self.hands[worker]:
                self._begin(worker, time)

    def _lost(self, time: float, worker: int) -> None:
        self.result.deaths += 1
        hand = self.hands[worker]
        if hand:
            self.result.lost += min(time - self.begun[worker], self.chunks[hand[0]])
        self.in_hand -= len(hand)
        self.ready.extend((chunk, False) for chunk in hand)
        hand.clear()
        self.lives[worker] += 1
        self.is_up[worker] = False
        self._event(time + self.costs.back, "back", worker, 0)

    def _begin(self, worker: int, time: float) -> None:
        self.begun[worker] = time
        self._event(
            time + self.chunks[self.hands[worker][0]], "computed", worker, self.lives[worker]
        )

    def _next(self) -> int | None:
        """A chunk to hand out now, as the engine chooses it."""
        room = max(2, AHEAD * self.workers)
        if self.last_tries or not self._has_room():
            return None
        for _ in range(len(self.again)):
            chunk = self.again.popleft()
            if self.tries[chunk] < TRIES - 1:
                return chunk
            self.again.append(chunk)
        if self.again:
            return None if self.in_hand else self.again.popleft()
        if len(self.open) >= 2 * room or self.in_hand >= room:
            return None
        if self.next_chunk >= len(self.chunks):
            return None
        self.open[self.next_chunk] = False
        self.next_chunk += 1
        return self.next_chunk - 1

    def _has_room(self) -> bool:
        """Whether a worker is there with less than two chunks in hand; tidies the queues."""
        for place, most in ((self.free, 0), (self.spare, 1)):
            while place and not (self.is_up[place[0]] and len(self.hands[place[0]]) == most):
                place.popleft()
        return bool(self.free or self.spare)

    def _hand_out(self, chunk: int) -> None:
        self.now += self.each
        self.result.leading += self.each
        self._until(self.now)
        if not self._has_room():  # its worker was lost in this moment
            self.again.appendleft(chunk)
            self.tries.setdefault(chunk, 0)
            return
        worker = self.free.popleft() if self.free else self.spare.popleft()
        self.hands[worker].append(chunk)
        self.in_hand += 1
        self.last_tries += self.tries.get(chunk, 0) == TRIES - 1
        if len(self.hands[worker]) == 1:
            self.spare.append(worker)
            self._begin(worker, self.now)

    def _take_back(self) -> None:
        while self.ready:
            chunk, is_whole = self.ready.popleft()
            self.last_tries -= self.tries.get(chunk, 0) == TRIES - 1
            if is_whole:
                self.open[chunk] = True
                continue
            self.blamed += 1
            self.tries[chunk] = self.tries.get(chunk, 0) + 1
            if self.blamed > MAX_DEATHS + self.costs.deaths_grow * (self.written // CHUNKS_A_DEATH):
                self._ended_early()
                return
            if self.tries[chunk] < TRIES:
                self.again.append(chunk)
            else:
                self.open[chunk] = True  # set aside

    def _commit(self) -> None:
        first = self.following
        while self.open.get(self.following):
            del self.open[self.following]
            self.result.work += self.chunks[self.following]
            self.result.order.append(self.following)
            self.following += 1
        count = self.following - first
        self.written += count
        notes = min(count, 1) if self.costs.notes_together else count
        self.now += notes * self.costs.note
        self.result.leading += notes * self.costs.note

    def _ended_early(self) -> None:
        """Too many deaths: the run ends, and somebody goes on with it behind the last commit."""
        self._commit()
        lost = [c for c, is_whole in self.open.items() if is_whole]
        self.result.lost += sum(self.chunks[chunk] for chunk in lost)
        for worker, hand in enumerate(self.hands):
            if hand:
                self.result.lost += min(self.now - self.begun[worker], self.chunks[hand[0]])
                hand.clear()
                self.lives[worker] += 1
                if self.is_up[worker]:
                    self._mortal(worker, self.now)
        self.open, self.tries = {}, {}
        self.again.clear()
        self.ready.clear()
        self.free = deque(range(self.workers))
        self.spare.clear()
        self.next_chunk = self.following
        self.in_hand = self.last_tries = self.blamed = self.written = 0
        self.result.runs += 1
        self.now += self.costs.again + self.costs.start
        self._until(self.now)

    def _joining(self) -> float:
        if self.costs.join > 0:
            return len(self.chunks) * self.size / self.costs.join
        return self.costs.put + self.costs.merge * len(self.chunks) / 1000


def costs_of(
    table: dict[str, Any], engine: str = "now", losses: float = 0.0, group: int = 1
) -> Costs:
    """The costs of a table of parts: of the engine as it was "before", with "one" chunk a task, or as
    it is "now" with a group of chunks a task.
    """
    measured, assumed = table["measured"], table["assumed"]
    handing = dict(measured["hand_out"]["before" if engine == "before" else "one"])
    if engine == "now":  # what is measured has as many chunks a task as may be
        chunk = measured["hand_out"]["now"]["seconds"]
        task = max(0.0, handing["seconds"] - chunk) * MOST_AT_ONCE / (MOST_AT_ONCE - 1)
        handing["seconds"] = task + group * (handing["seconds"] - task)
    return Costs(
        start=measured["start"],
        hand_out=handing["seconds"],
        hand_out_more=handing["more"],
        note=assumed["store_answers"],
        put=assumed["store_answers"] * group,  # each chunk is a part of its own
        store=assumed["store_bytes_a_second"],
        join=measured["join_bytes_a_second"] if engine == "before" else 0.0,
        merge=assumed["merge_1000_parts"] * group,
        back=measured["start"],
        again=assumed["somebody_goes_on_after"],
        losses=losses,
        notes_together=engine != "before",
        deaths_grow=engine != "before",
    )


def models_cost(table: dict[str, Any]) -> list[str]:
    """The cost model: a million sentences, and a billion on 10, 100 and 1,000 machines."""
    measured, assumed = table["measured"], table["assumed"]
    lines = [
        "| job, a million sentences | core-seconds | bytes in | bytes out |",
        "|---|---|---|---|",
    ]
    for name, job in measured["jobs"].items():
        lines.append(
            f"| {name} | {job['seconds'] * 1e6:,.0f} | {job['bytes_in'] / 1e3:.2f} GB "
            f"| {job['bytes_out'] / 1e3:.1f} GB |"
        )
    lines += [
        "",
        "| a billion sentences | machines | computing | network of a machine | store | store asked |",
    ]
    lines.append("|---|---|---|---|---|---|")
    cores = assumed["cores_of_a_machine"]
    for name, job in measured["jobs"].items():
        for machines in (10, 100, 1000):
            computing = job["seconds"] * 1e9 / (machines * cores)
            out = job["bytes_out"] * 1e9
            network = (out + job["bytes_in"] * 1e9) / machines / assumed["network_bytes_a_second"]
            store = out / assumed["store_bytes_a_second"]
            asked = 1e9 / job["chunk"]  # objects that are put
            lines.append(
                f"| {name} | {machines:,} | {_time(computing)} | {_time(network)} | {_time(store)} "
                f"| {asked:,.0f} puts |"
            )
    return lines


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 2 * HOUR else f"{seconds / HOUR:.1f} h"


def simulated_table(table: dict[str, Any], seed: int) -> list[str]:
    """Runs of each job on more and more workers, with the engine before, in between and now."""
    lines = [
        "| job | workers | losses an hour | before: speed-up | runs | one chunk a task: speed-up | "
        "now: speed-up | runs | chunks a task | leading process busy | work lost | without joining |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, job in table["measured"]["jobs"].items():
        seconds, size = job["seconds"] * job["chunk"], job["bytes_out"] * job["chunk"]
        times = durations(CHUNKS, seconds, job["spread"], seed)
        for workers in (10, 100, 1000):
            group = at_once(seconds, workers)
            for losses in (0.0, 0.01, 0.5) if workers == 1000 else (0.01,):
                runs = {
                    engine: simulated(times, size, workers, costs_of(table, engine, losses), seed)
                    for engine in ("before", "one")
                }
                together = costs_of(table, "now", losses, group)
                now = simulated(_grouped(times, group), size * group, workers, together, seed)
                before, one, fast = (
                    f"{sum(times) / run.seconds:,.1f}" for run in (*runs.values(), now)
                )
                busy, lost = now.leading / (now.seconds - now.joining), now.lost / now.work
                lines.append(
                    f"| {name} | {workers:,} | {losses:.0%} | {before} | {runs['before'].runs} | {one} "
                    f"| {fast} | {now.runs} | {group} | {busy:.0%} | {lost:.2%} "
                    f"| {sum(times) / (now.seconds - now.joining):,.1f} |"
                )
    return lines


def at_once(seconds: float, workers: int) -> int:
    """How many chunks of so many seconds each the engine gives a worker as one task."""
    wanted = max(TASK_SECONDS, workers / TASKS_A_SECOND) / seconds
    return int(max(1, min(MOST_AT_ONCE, wanted)))


def _grouped(times: list[float], group: int) -> list[float]:
    """Seconds of tasks of several chunks each."""
    return [sum(times[first : first + group]) for first in range(0, len(times), group)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--measure", action="store_true")
    parser.add_argument(
        "--engine",
        default="now",
        help="the name of the engine that is measured: now, one or before",
    )
    options = parser.parse_args()
    if options.measure:
        from scaling_parts import measure

        measure(TABLE, options.engine)
    table = json.loads(TABLE.read_text())
    print("\n".join([*models_cost(table), "", *simulated_table(table, options.seed)]))


if __name__ == "__main__":
    main()
