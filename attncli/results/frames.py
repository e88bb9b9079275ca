"""Moments of a training, as arrays that views draw."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from attncli.arrays import FloatArray
from attncli.results.cards import Curve

MOST_FRAMES = 100  # that are kept of a training


class Progress(Protocol):
    """Where a training stands after an epoch, as it is told and drawn."""

    @property
    def epoch(self) -> int: ...
    @property
    def epochs(self) -> int: ...
    @property
    def steps(self) -> int: ...
    @property
    def loss(self) -> float: ...
    @property
    def held_out_loss(self) -> float | None: ...
    @property
    def held_out_accuracy(self) -> float | None: ...
    @property
    def held_out(self) -> tuple[str, float] | None: ...
    @property
    def worst(self) -> float | None: ...
    @property
    def best(self) -> bool: ...
    @property
    def seconds(self) -> float: ...


def progress_curves(progress: Sequence[Progress]) -> list[Curve]:
    """The losses of a training, and the held-out accuracy where there is one, by epoch."""
    if not progress:
        return []
    epochs = [each.epoch for each in progress]
    lines: dict[str, list[float | None]] = {
        "loss": [each.loss for each in progress],
        "held-out loss": [each.held_out_loss for each in progress],
        "held-out accuracy": [each.held_out_accuracy for each in progress],
        "worst cell": [each.worst for each in progress],
    }
    known = {name: line for name, line in lines.items() if any(v is not None for v in line)}
    shares = {name: known.pop(name) for name in ("held-out accuracy",) if name in known}
    curves = [Curve(epochs, known, "Loss by epoch", "epoch")]
    return curves + ([Curve(epochs, shares, "Accuracy by epoch", "epoch")] if shares else [])


class Scene(NamedTuple):
    """What is watched: a sentence, one head of several, the shapes of its matrices.

    words: those that are seen of a sentence of `length`. readers: those whose weights are seen,
    all or the one target. wanted: the weights that the data give for the sentence, (n, n), if they do.
    """

    words: tuple[str, ...]
    readers: tuple[str, ...]
    length: int
    heads: int
    shapes: dict[str, tuple[int, int]]
    seed: int
    wanted: FloatArray | None


class Frame(NamedTuple):
    """One moment: progress None before the first epoch, where everything is random.

    matrices: the first rows and columns of each, (rows, columns). changes: how far each whole
    matrix is from its start, as a share of the start. weights: (m, n) of the sentence's readers.
    """

    epoch: int
    progress: Progress | None
    matrices: dict[str, FloatArray]
    changes: dict[str, float]
    weights: FloatArray


class Film:
    """At most `MOST_FRAMES` frames of a training, however long: every one, every second, fourth …"""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.losses: list[float] = []
        self._step = 1

    @property
    def first(self) -> int:
        """The epoch of the first frame, which always stays: 0, or where a training was taken up."""
        return self.frames[0].epoch if self.frames else 0

    def wants(self, epoch: int) -> bool:
        """Whether a frame of this epoch is kept."""
        return (epoch - self.first) % self._step == 0

    def add(self, frame: Frame) -> None:
        """Keeps a frame; when there are too many, every second one goes."""
        self.frames.append(frame)
        if len(self.frames) > MOST_FRAMES:
            self._step *= 2
            self.frames = [kept for kept in self.frames if self.wants(kept.epoch)]

    def ended(self, last: Frame) -> None:
        """The last frame stays whatever its epoch."""
        if not self.frames or self.frames[-1].epoch != last.epoch:
            self.frames = [*self.frames[: MOST_FRAMES - 1], last]
