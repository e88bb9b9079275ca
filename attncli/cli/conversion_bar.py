"""A bar on stderr for work that takes more than a second; nothing when stderr is no terminal."""

import sys
import time

from attncli.cli.terminal import draw
from attncli.escape import harmless

_AFTER = 1.0  # seconds before the first drawing
_EVERY = 0.1
_CELLS = 24


class ConversionBar:
    """Drawn by `tick`, wiped by `end` and when the block is left."""

    def __init__(self, label: str, *, quiet: bool = False) -> None:
        stream = sys.stderr
        self._label = harmless(label)
        self._shown = False
        self._on = not quiet and stream is not None and stream.isatty()
        self._next = time.monotonic() + _AFTER

    def tick(self, done: int, total: int | None) -> None:
        """Draws how far the work is: `done` of `total` bytes, or only `done`."""
        now = time.monotonic()
        if not self._on or now < self._next:
            return
        self._next = now + _EVERY
        if total:
            part = min(done / total, 1.0)
            cells = round(part * _CELLS)
            text = f"[{'#' * cells}{'.' * (_CELLS - cells)}] {100 * part:3.0f} %"
        else:
            text = f"{done / 1e6:.0f} MB"
        self._on = draw(f"\r{self._label} {text}")
        self._shown = True

    def of_stage(self, stage: str, done: int, total: int | None) -> None:
        """Draws how far a stage of the work is; a new stage begins a new line."""
        label = harmless(stage)
        if label != self._label:
            shown = self._shown
            self.end()
            self._label = label
            self._next = 0.0 if shown else self._next
        self.tick(done, total)

    def end(self) -> None:
        """Wipes the bar."""
        if self._shown:
            draw("\r\x1b[K")
            self._shown = False

    def __enter__(self) -> "ConversionBar":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
