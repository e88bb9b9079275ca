"""A training on a terminal: small heat maps of W_q, W_k and W_v, the loss, one sentence's weights."""

from collections.abc import Sequence

import numpy as np
from rich.segment import Segment

from attncli.arrays import FloatArray
from attncli.results.frames import Frame, Scene
from attncli.views.ink import Ink, Line, left, right, width_of, wrapped
from attncli.views.training import epoch_text, sparkline

_BARS, _ASCII_BARS = "▁▂▃▄▅▆▇█", "_.-=+*#@"
_MOST_ROWS, _MOST_COLUMNS = 8, 16
_GAP = 3


def watch_lines(
    scene: Scene,
    frame: Frame,
    losses: Sequence[float],
    ink: Ink,
    *,
    width: int = 80,
    height: int | None = None,
) -> list[Line]:
    """One frame, at most `height` lines; without colors a number is a bar, from − to +."""
    lines = [[ink.bold(part)] for part in wrapped(state_text(scene, frame), width, 2)]
    lines += _loss(losses, ink, width)
    weights = _weights(scene, frame, ink, width)
    room = _MOST_ROWS if height is None else height - len(lines) - len(weights) - 4
    lines += [[], *_matrices(scene, frame, ink, width, min(max(room, 1), _MOST_ROWS)), []]
    lines += weights
    return lines if height is None else lines[:height]


def state_text(scene: Scene, frame: Frame) -> str:
    """Where the training stands: "epoch 0: untrained, seed 0, every number is random"."""
    progress = frame.progress
    if progress is None and frame.epoch:
        return f"epoch {frame.epoch}  taken up again"
    if progress is None:
        return f"epoch {frame.epoch}  untrained, seed {scene.seed}: every number is random"
    return epoch_text(
        progress.epoch,
        progress.epochs,
        progress.loss,
        held_out=progress.held_out,
        worst=progress.worst,
    )


def change_text(frame: Frame, name: str) -> str:
    """How far a matrix is from its random start."""
    if frame.progress is None:
        return "as it was" if frame.epoch else "random"
    return f"moved {frame.changes[name]:.0%}"


def usual_size(matrices: Sequence[FloatArray]) -> float:
    """Twice the root mean square of all numbers: few are larger, and have the color at the end."""
    squares = [float(np.mean(np.square(matrix, dtype=np.float64))) for matrix in matrices]
    return 2 * float(np.sqrt(np.mean(squares))) or 1.0


def value_share(values: FloatArray, scale: float) -> FloatArray:
    """Numbers from −scale to scale as shares 0 to 1, for a color. Shapes: (…) → (…)."""
    return np.asarray(np.clip(0.5 + values / (2 * scale or 1), 0, 1))


def _loss(losses: Sequence[float], ink: Ink, width: int) -> list[Line]:
    if not losses:
        return [[Segment("loss")]]
    bars = sparkline(losses, unicode=ink.unicode, columns=max(4, width - 24))
    ends = f"{losses[0]:.3f} " + ("→" if ink.unicode else "->") + f" {losses[-1]:.3f}"
    return [[Segment(f"loss {bars} {ends}")]]


def _matrices(scene: Scene, frame: Frame, ink: Ink, width: int, rows: int) -> list[Line]:
    names = list(frame.matrices)
    room = (width - _GAP * (len(names) - 1)) // len(names)
    cell = 2 if ink.colors is not None and room >= 24 else 1
    blocks = [_matrix(scene, frame, name, ink, room, cell, rows) for name in names]
    height = max(map(len, blocks))
    sizes = [max(sum(width_of(p.text) for p in line) for line in block) for block in blocks]
    lines: list[Line] = []
    for i in range(height):
        line: Line = []
        for block, size in zip(blocks, sizes, strict=True):
            part = block[i] if i < len(block) else []
            used = sum(width_of(piece.text) for piece in part)
            line += [*part, Segment(" " * (size + _GAP - used))]
        line[-1] = Segment("")
        lines.append(line)
    shown = f"head 0 of {scene.heads}: the first rows and columns"
    return [*lines, [ink.dim(left(shown, min(width, width_of(shown))))]]


def _matrix(
    scene: Scene, frame: Frame, name: str, ink: Ink, room: int, cell: int, rows: int
) -> list[Line]:
    matrix = frame.matrices[name][:rows, : min(_MOST_COLUMNS, room // cell)]
    height, size = scene.shapes[name]
    sign = "×" if ink.unicode else "x"
    head = f"{name} {height}{sign}{size}"
    lines: list[Line] = [[ink.bold(head)], [ink.dim(change_text(frame, name))]]
    scale = usual_size([frame.matrices[name]])
    for row in value_share(matrix, scale).tolist():
        if ink.colors is None:
            bars = _BARS if ink.unicode else _ASCII_BARS
            lines.append([Segment("".join(bars[round(share * 7)] for share in row))])
        else:
            lines.append([ink.weight(" " * cell, share) for share in row])
    return lines


def _weights(scene: Scene, frame: Frame, ink: Ink, width: int) -> list[Line]:
    """The weights of the sentence as numbers on their colors; only as many words as fit."""
    labels = [ink.word(word, 10) for word in scene.readers]
    heads = [ink.word(word, 10) for word in scene.words]
    indent = max(map(width_of, labels)) + 1
    sizes = [max(width_of(head), 4) + 2 for head in heads]
    count = 0
    while count < len(heads) and indent + sum(sizes[: count + 1]) <= width:
        count += 1
    part = "" if count == scene.length else f", {count} of {scene.length} words"
    title = f"weights of one sentence{part}"
    names = "".join(right(heads[j], sizes[j] - 1) + " " for j in range(count))
    lines: list[Line] = [[ink.bold(title)], [Segment(" " * indent), ink.bold(names)]]
    for label, row in zip(labels[:12], frame.weights.tolist(), strict=False):
        cells = [
            ink.weight(right(f"{row[j]:.2f}", sizes[j] - 1) + " ", row[j]) for j in range(count)
        ]
        lines.append([Segment(left(label, indent)), *cells])
    return lines
