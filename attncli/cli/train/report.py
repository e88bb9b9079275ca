"""What a training says: epochs on stderr, a curve at the end, a log of JSON lines."""

import json
import math
import shutil
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from attncli.cli.screen import terminal_columns
from attncli.cli.terminal import draw, message
from attncli.errors import OutputError
from attncli.errors.wording import visible

if TYPE_CHECKING:
    from attncli.api.training_run import TrainingRun
    from attncli.results.frames import Progress

_LABELS = 12  # labels with a line of their own
_LINES = 10  # epochs told where stderr is no terminal


class TrainingReport:
    """Tells the epochs of a training; nothing of it goes to standard output."""

    def __init__(
        self, run: "TrainingRun", log: str | None, resumed: bool, quiet: bool, watched: bool = False
    ) -> None:
        self._run, self._training, self._quiet = run, run.fit.training, quiet
        self._watched = watched  # frames are drawn where epochs would be told
        self._live = sys.stderr is not None and sys.stderr.isatty() and not watched
        self._losses: list[float] = []
        self._figures: list[float] = []
        self._log = None if log is None else _opened(log, resumed)
        if not resumed:
            self._write_log({"event": "start", **run.start()})

    def epoch(self, progress: "Progress") -> None:
        """One epoch is done."""
        from attncli.views.training import epoch_text

        self._losses.append(progress.loss)
        if progress.held_out is not None:
            self._figures.append(progress.held_out[1])
        self._write_log(
            {
                "event": "epoch",
                "epoch": progress.epoch,
                "steps": progress.steps,
                "loss": progress.loss,
                "held_out_loss": progress.held_out_loss,
                **self._run.held_out(progress.held_out),
                "worst": progress.worst,
                "best": progress.best,
                "seconds": round(progress.seconds, 3),
            }
        )
        if self._quiet or self._watched:
            return
        text = epoch_text(
            progress.epoch,
            progress.epochs,
            progress.loss,
            held_out=progress.held_out,
            worst=progress.worst,
            best=progress.best,
        )
        if self._live:
            columns = shutil.get_terminal_size().columns
            draw(f"\r\x1b[K{text[: columns - 1]}")
        elif progress.epoch % max(1, progress.epochs // _LINES) == 0 or progress.epoch == 1:
            draw(text + "\n")

    def ended(self) -> None:
        """The training is over: its curve, and what came of it."""
        self._write_log({"event": "end", **self._run.summary()})
        self._close()
        if self._quiet:
            return
        if not self._watched:
            self._curve()
        message("trained", self._sentence())
        self._say_of_labels()
        self._say_of_pairs()
        self._say_of_guessing()

    def _say_of_labels(self) -> None:
        """A table of the labels of held-out sentences, and from which probability on they are right."""
        scores = self._run.scores
        if scores is None:
            return
        from attncli.views.confusion import report_lines
        from attncli.views.ink import Ink

        ink = Ink(colors=None, unicode=_has_blocks(), width=80)
        averages = {"mean of labels": scores.macro, "mean of sentences": scores.weighted}
        draw(ink.rendered(report_lines(scores.report, averages, ink, most=_LABELS)))
        if (sure := scores.recommended()) is not None:
            message(
                "note",
                f"--unsure {sure.threshold:g} keeps {sure.coverage:.0%} of the held-out sentences; "
                f"{sure.accuracy:.1%} of them are right",
            )

    def _say_of_pairs(self) -> None:
        """The figures of the pairs held out, beside those of no training."""
        pairs = self._run.pairs
        if pairs is None:
            return
        from attncli.views.ink import Ink
        from attncli.views.pairs import beside_lines

        ink = Ink(colors=None, unicode=_has_blocks(), width=80)
        columns = {"trained": pairs.scores, **pairs.baselines}
        figures = {name: scores.figures() for name, scores in columns.items()}
        draw(ink.rendered(beside_lines(figures, ink)))

    def _say_of_guessing(self) -> None:
        """A loss that even probabilities would have had says that nothing was learned."""
        guess = math.log(self._training.architecture.n_labels or 1)
        if self._losses and 0 < guess <= self._losses[-1]:
            message(
                "warning",
                f"the loss {self._losses[-1]:.3f} is no better than guessing ({guess:.3f}): nothing "
                "was learned; more --epochs or another --learning-rate may help",
            )

    def stopped(self) -> None:
        """The training was stopped; the best model so far is kept, if there is one."""
        self._write_log({"event": "stopped", **self._run.summary()})
        self._close()
        if self._live:
            draw("\n")
        if not self._training.best_epoch:
            message("stopped", "before the first epoch was done; nothing is written")
            return
        more = "" if self._run.output is None else "; the same command with --resume goes on"
        message("stopped", f"{self._sentence()}{more}")

    def _sentence(self) -> str:
        training, output, last = self._training, self._run.output, self._run.last
        name = "no model is kept" if output is None else visible(str(output))
        text = f"{name}, {training.parameters.flat.size:,} numbers"
        if training.best_figure is not None:
            figure, value = training.best_figure
            what = "sentences" if training.architecture.pair is None else "pairs"
            text += (
                f", held-out {figure} {value:.3f} on "
                f"{training.n_held_out} {what} (epoch {training.best_epoch})"
            )
        if last is not None and last.worst is not None:
            text += f", worst cell off by {last.worst:.4f}"
        return text

    def _curve(self) -> None:
        from attncli.views.training import curve_texts

        if self._live:
            draw("\r\x1b[K")
        if len(self._losses) < 2:
            return
        width = 80 if sys.stderr is None else min(80, terminal_columns(sys.stderr) or 80)
        name = self._run.fit.figure
        lines = curve_texts(
            self._losses, self._figures, figure=name, unicode=_has_blocks(), width=width
        )
        draw("".join(line + "\n" for line in lines))

    def _write_log(self, record: dict[str, Any]) -> None:
        if self._log is None:
            return
        try:
            self._log.write(json_line(record) + "\n")
            self._log.flush()
        except OSError as fault:
            raise OutputError(
                f"cannot write: {(fault.strerror or str(fault)).lower()}", place="--log"
            ) from None

    def _close(self) -> None:
        if self._log is not None:
            self._log.close()

    def __enter__(self) -> "TrainingReport":
        return self

    def __exit__(self, *_: object) -> None:
        self._close()


def _has_blocks() -> bool:
    """Whether stderr can hold signs beyond ASCII."""
    return (getattr(sys.stderr, "encoding", None) or "ascii").lower().startswith("utf")


def json_line(record: dict[str, Any]) -> str:
    """A record of plain values as one line of JSON; what is not finite is null, as JSON has no NaN."""
    return json.dumps(_finite(record), ensure_ascii=False, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _opened(path: str, resumed: bool) -> IO[str]:
    try:
        return Path(path).open("a" if resumed else "w", encoding="utf-8")
    except OSError as fault:
        raise OutputError(
            f"cannot write {visible(path)}: {(fault.strerror or str(fault)).lower()}",
            place="--log",
        ) from None
