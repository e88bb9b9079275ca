"""A page that keeps a training: the matrices of one head, the loss and one sentence's weights.

A slider goes over the epochs; without its script, and on paper, the page shows the last one. Colors
are places in the palette, a byte a number, so that a hundred frames stay small.
"""

import base64
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from attncli.arrays import FloatArray
from attncli.results.frames import Film, Frame, Scene
from attncli.views.html import HAND_IN_STYLE, document, page_footer
from attncli.views.page.tables import escaped, page_legend, word_markup
from attncli.views.palette import palette_step, palette_steps
from attncli.views.watching import change_text, state_text, usual_size, value_share

_POINTS = 400  # of the curve at most
_FEW = 9  # columns of a matrix whose cells are large
_WIDTH, _HEIGHT = 600, 140
_STYLE = """.attn .training .grid { border-spacing: 0; }
.attn .training .grid td { padding: 0; width: 9px; height: 8px; border: 0; min-width: 0; }
.attn .training .grid.large td { width: 26px; height: 20px; }
.attn .training .weights thead th { text-align: right; }
.attn .training .weights td { text-align: right; min-width: 3.2rem; }
.attn .training figure { margin: 0 0 1rem; }
.attn .training .matrix-figure { width: 17rem; }
.attn .training figcaption { font-size: 1rem; color: var(--ink); }
.attn .training output { display: block; font-size: 1.1rem; margin: .3rem 0; }
.attn .training .controls label { flex: 1; }
.attn .training .curve { width: 36rem; max-width: 100%; height: auto; }
.attn .training .curve polyline { fill: none; stroke: var(--accent); stroke-width: 2; }
.attn .training .curve circle { fill: var(--lit); stroke: var(--ink); }
.attn .training .curve text { fill: var(--soft); font-size: 12px; }
.attn .training .curve path { stroke: var(--line); fill: none; }
@media print {
  .attn .training .grid td { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .attn .training .weights thead th { text-align: right; }
.attn .training .weights td { print-color-adjust: exact; -webkit-print-color-adjust: exact;
    border: 1px solid #999999; }
}
"""


def training_page(scene: Scene, film: Film, *, made_by: str = "") -> str:
    """A whole page of a training; `made_by` is the command for the footer."""
    last, title = film.frames[-1], f"How {_listed(list(scene.shapes))} were learned"
    scales = {
        name: usual_size([frame.matrices[name] for frame in film.frames]) for name in last.matrices
    }
    steps = {name: _steps(matrix, scales[name]) for name, matrix in last.matrices.items()}
    matrices = "".join(_matrix(scene, last, name, steps[name], scales[name]) for name in steps)
    body = (
        f"<h1>{title}</h1>"
        f'<p class="facts">{_facts(scene, film)}</p><section class="training">'
        f'<output aria-live="polite">{escaped(state_text(scene, last))}</output>'
        '<div class="controls" hidden><label>Epoch<input type="range" min="0" '
        f'max="{len(film.frames) - 1}" value="0" step="1"></label>'
        '<button type="button" class="play">Play</button></div>'
        f'<div class="tables">{matrices}</div><div class="tables">{_weights(scene, last)}{_curve(film)}</div>'
        f'<script type="application/json">{_data(scene, film, scales)}</script></section>'
        f"{page_footer(made_by)}"
    )
    return document(title, body, more_style=HAND_IN_STYLE + _STYLE, script="training.js")


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _facts(scene: Scene, film: Film) -> str:
    heads = f"; of {scene.heads} heads head 0 is shown" if scene.heads > 1 else ""
    untaught = "" if "W_v" in scene.shapes else "; W_v is not learned where weights are given"
    count = f"{len(film.frames)} of {len(film.losses) + 1} moments are kept"
    text = (
        f"Seed {scene.seed}: random at first, then updated by training{heads}{untaught}. {count}."
    )
    return escaped(text)


def _matrix(scene: Scene, frame: Frame, name: str, steps: FloatArray, scale: float) -> str:
    rows, columns = steps.shape
    height, width = scene.shapes[name]
    part = "" if (rows, columns) == (height, width) else f"; its first {rows} × {columns}"
    large = " large" if columns <= _FEW else ""
    cells = [[f'<td class="w{step}"></td>' for step in row] for row in steps.tolist()]
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in cells)
    return (
        f'<figure class="matrix-figure" data-matrix="{name}"><figcaption>{name}, {height} × {width}: '
        f'<span data-change="{name}">{change_text(frame, name)}</span></figcaption>'
        f'<table class="grid{large}" aria-label="Heat map of {name}"><tbody>{body}</tbody></table>'
        f'<p class="note">dark −{scale:.3g} or less, light {scale:.3g} or more{part}</p></figure>'
    )


def _weights(scene: Scene, frame: Frame) -> str:
    heads = "".join(f'<th scope="col">{word_markup(word)}</th>' for word in scene.words)
    rows = "".join(
        f'<tr><th scope="row">{word_markup(word)}</th>'
        + "".join(f'<td class="w{palette_step(w)}">{w:.2f}</td>' for w in row)
        + "</tr>"
        for word, row in zip(scene.readers, frame.weights.tolist(), strict=True)
    )
    seen = len(scene.words)
    part = "" if seen == scene.length else f", {seen} of its {scene.length} words"
    return (
        '<figure data-matrix="weights"><figcaption>Weights of one '
        f"sentence{part}</figcaption>"
        '<div class="scroll"><table class="weights"><thead><tr><td></td>'
        f"{heads}</tr></thead><tbody>{rows}</tbody></table></div>{page_legend()}"
        f"{_wanted(scene)}</figure>"
    )


def _wanted(scene: Scene) -> str:
    if scene.wanted is None:
        return ""
    rows = ["  ".join("–" if w != w else f"{w:.2f}" for w in row) for row in scene.wanted.tolist()]
    return f'<p class="note">Given by the data: {"; ".join(rows)}</p>'


def _curve(film: Film) -> str:
    """The loss as a line, its greatest and its last value written beside it."""
    losses = [film.losses[place] for place in _places(len(film.losses))]
    low, high = min(losses, default=0.0), max(losses, default=1.0)
    span = (high - low) or 1.0
    across = _WIDTH / max(len(losses) - 1, 1)
    points = " ".join(
        f"{60 + i * across:.1f},{10 + (high - loss) / span * (_HEIGHT - 20):.1f}"
        for i, loss in enumerate(losses)
    )
    return (
        "<figure><figcaption>Loss</figcaption>"
        f'<svg class="curve" viewBox="0 0 {_WIDTH + 80} {_HEIGHT + 20}" role="img" '
        f'aria-label="Loss from {losses[0] if losses else 0:.4f} to '
        f'{losses[-1] if losses else 0:.4f} over {len(film.losses)} epochs">'
        f'<path d="M60 10V{_HEIGHT - 10}H{_WIDTH + 60}"/>'
        f'<text x="54" y="14" text-anchor="end">{high:.3f}</text>'
        f'<text x="54" y="{_HEIGHT - 6}" text-anchor="end">{low:.3f}</text>'
        f'<text x="{_WIDTH + 60}" y="{_HEIGHT + 12}" text-anchor="end">'
        f"epoch {len(film.losses)}</text>"
        f'<polyline points="{points}"/><circle r="5" visibility="hidden"/></svg></figure>'
    )


def _places(count: int) -> list[int]:
    """The places of the losses that are drawn."""
    if count <= _POINTS:
        return list(range(count))
    return [round(i * (count - 1) / (_POINTS - 1)) for i in range(_POINTS)]


def _data(scene: Scene, film: Film, scales: dict[str, float]) -> str:
    count = len(film.losses)
    frames = [_frame(scene, frame, scales, film.first, count) for frame in film.frames]
    record = {"matrices": list(scales), "frames": frames}
    return json.dumps(record, ensure_ascii=True).replace("<", "\\u003c")


def _frame(
    scene: Scene, frame: Frame, scales: dict[str, float], first: int, count: int
) -> dict[str, Any]:
    weights = frame.weights.ravel()
    done = frame.epoch - first - 1  # the place of its loss
    place = done if count <= _POINTS else round(done * (_POINTS - 1) / (count - 1))
    return {
        "state": state_text(scene, frame),
        "place": None if frame.progress is None else place,
        "changes": {name: change_text(frame, name) for name in scales},
        "steps": {
            name: base64.b64encode(_steps(frame.matrices[name], scale).tobytes()).decode("ascii")
            for name, scale in scales.items()
        },
        "weights": [f"{weight:.2f}" for weight in weights.tolist()],
        "weightSteps": palette_steps(weights).tolist(),
    }


def _steps(matrix: FloatArray, scale: float) -> Any:
    """The place in the palette of each number from −scale to scale, a byte each."""
    return palette_steps(value_share(matrix, scale)).astype(np.uint8)
