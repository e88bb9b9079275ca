"""A training as it is seen: at some epochs the matrices of one head, and one sentence's weights.

Nothing here changes what is learned: the random numbers of the training are not touched.
"""

import numpy as np

from attncli.arrays import FloatArray
from attncli.learning.gradients import forward
from attncli.learning.landmarks import with_landmarks
from attncli.learning.minibatches import batch_of
from attncli.results.frames import Frame, Progress, Scene
from attncli.training.examples import Prepared
from attncli.training.fit import Fit

_ROWS, _COLUMNS = 32, 24  # of a matrix at most
_WORDS = 8  # a sentence of so many at most, if there is one
_SEEN = 16  # words whose weights are seen at most; of one reader four times as many
_MATRICES = ("W_q", "W_k", "W_v")


class Camera:
    """Takes frames of a training: the first head, and a short sentence of the examples."""

    def __init__(self, fit: Fit) -> None:
        self._fit, self._place = fit, _short_sentence(fit.prepared)
        parameters = fit.training.parameters
        self._names = [name for name in _MATRICES if name in parameters]
        self._start = {name: parameters[name][0].copy() for name in self._names}
        given, targets = fit.prepared.examples.weights, fit.prepared.examples.targets
        words = fit.prepared.words[self._place]
        self._readers = _SEEN if targets is None else 1
        self._read = _SEEN if targets is None else 4 * _SEEN
        readers = words if targets is None else (words[int(targets[self._place])],)
        wanted = None if given is None else given[self._place][: self._readers, : self._read]
        self.scene = Scene(
            words[: self._read],
            readers[: self._readers],
            len(words),
            fit.training.architecture.all_heads,
            {name: _shape(matrix) for name, matrix in self._start.items()},
            fit.training.settings.seed,
            wanted,
        )

    def frame(self, progress: Progress | None, epoch: int) -> Frame:
        """What is seen now, after an epoch."""
        parameters = self._fit.training.parameters
        matrices = {name: parameters[name][0] for name in self._names}  # (rows, columns)
        return Frame(
            epoch,
            progress,
            {name: matrix[:_ROWS, :_COLUMNS].copy() for name, matrix in matrices.items()},
            {name: _change(self._start[name], matrix) for name, matrix in matrices.items()},
            self._weights(),
        )

    def _weights(self) -> FloatArray:
        """The weights of the first head: (n, n), or (1, n) where one target is read; of long ones a part."""
        training, examples = self._fit.training, self._fit.subspace.examples
        one = with_landmarks(examples.pick(np.array([self._place])), training.parameters)
        with np.errstate(all="ignore"):  # of a training that is about to diverge
            step = forward(training.parameters, training.architecture, batch_of(one, [0]))
        seen = step.weights[0, 0, : self._readers, : self._read]
        return np.asarray(np.nan_to_num(seen))


def _short_sentence(prepared: Prepared) -> int:
    """The first sentence of two to `_WORDS` words, else the shortest of those looked at."""
    sizes = [len(words) for words in prepared.words]
    fitting = (place for place, size in enumerate(sizes) if 2 <= size <= _WORDS)
    return next(fitting, min(range(len(sizes)), key=sizes.__getitem__))


def _shape(matrix: FloatArray) -> tuple[int, int]:
    rows, columns = matrix.shape
    return rows, columns


def _change(start: FloatArray, now: FloatArray) -> float:
    size = float(np.linalg.norm(start.astype(np.float64)))
    moved = float(np.linalg.norm(now.astype(np.float64) - start))
    return moved / size if size else 0.0
