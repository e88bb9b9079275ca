"""`attn train --watch` on a terminal, and the page of `-o FILE.html`: frames taken on the way."""

import os
import sys
import time
from typing import TYPE_CHECKING

from attncli.cli.screen import color_system, terminal_columns, wants_color
from attncli.cli.terminal import draw, message

if TYPE_CHECKING:
    from attncli.api.training_run import TrainingRun
    from attncli.results.frames import Frame, Progress
    from attncli.views.ink import Ink

_EVERY = 1 / 30  # seconds between two drawings at least
_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"


class Watching:
    """Follows a training: draws frames where a terminal is, keeps them where a page is wanted."""

    def __init__(
        self, run: "TrainingRun", *, draws: bool, keeps: bool, quiet: bool = False
    ) -> None:
        from attncli.results.frames import Film

        self._camera, self._film, self._keeps = run.camera(), Film(), keeps
        self._draws = draws and _is_terminal()
        if draws and not self._draws and not quiet:
            message(
                "note", "--watch draws on a terminal alone; standard error is none it can draw on"
            )
        self._lines, self._drawn_at = 0, 0.0
        self._last: tuple[Progress | None, int] = (None, run.fit.training.epoch)

    @property
    def draws(self) -> bool:
        """Whether frames are drawn, so that nothing else is to be."""
        return self._draws

    def __enter__(self) -> "Watching":
        self._see(None, self._last[1])
        return self

    def epoch(self, progress: "Progress") -> None:
        """One epoch is done."""
        self._film.losses.append(progress.loss)
        self._see(progress, progress.epoch)

    def __exit__(self, kind: object, fault: object, trace: object) -> None:
        whole = fault is None  # else it was stopped within an epoch
        if whole and self._keeps:
            self._film.ended(self._camera.frame(*self._last))
        if whole and self._draws:
            self._draw(self._camera.frame(*self._last))
        if self._draws:
            draw(_SHOW)

    def page(self, made_by: str) -> str:
        """The page with the frames that were kept."""
        from attncli.views.training_page import training_page

        return training_page(self._camera.scene, self._film, made_by=made_by)

    def _see(self, progress: "Progress | None", epoch: int) -> None:
        self._last = (progress, epoch)
        now = time.monotonic()
        due = self._draws and (progress is None or now - self._drawn_at >= _EVERY)
        kept = self._keeps and self._film.wants(epoch)
        if not (due or kept):
            return
        frame = self._camera.frame(progress, epoch)
        if kept:
            self._film.add(frame)
        if due:
            self._draw(frame)
            self._drawn_at = now

    def _draw(self, frame: "Frame") -> None:
        from attncli.views.watching import watch_lines

        columns, rows = _size()
        ink = _ink(columns)
        losses = self._film.losses
        scene, height = self._camera.scene, max(rows - 1, 4)
        lines = watch_lines(scene, frame, losses, ink, width=columns, height=height)
        text = ink.rendered(lines).split("\n")[:-1]
        up = f"\r\x1b[{self._lines}A" if self._lines else _HIDE
        draw(up + "".join(f"{line}\x1b[K\n" for line in text) + "\x1b[J")
        self._lines = len(text)


def _is_terminal() -> bool:
    dumb = os.environ.get("TERM") == "dumb"
    return not dumb and sys.stderr is not None and terminal_columns(sys.stderr) is not None


def _size() -> tuple[int, int]:
    """Columns and rows of the terminal behind standard error."""
    try:
        size = os.get_terminal_size(sys.stderr.fileno())
    except (OSError, ValueError):
        return 80, 24
    return max(min(size.columns, 200) - 1, 20), size.lines or 24


def _ink(columns: int) -> "Ink":
    from attncli.views.ink import Ink

    colors = color_system(os.environ) if wants_color("auto", os.environ, True) else None
    encoding = (getattr(sys.stderr, "encoding", None) or "ascii").lower()
    return Ink(colors=colors, unicode=encoding.startswith("utf"), width=columns)
