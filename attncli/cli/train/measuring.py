"""`attn train --folds` and `--learning-curve`: a line for each training, then what they say together."""

from typing import TYPE_CHECKING

from attncli.cli.terminal import message, write, write_json
from attncli.cli.train.report import json_line
from attncli.errors.wording import quoted

if TYPE_CHECKING:
    from attncli.training.validating import Measured, Trial


def say_folds(trial: "Trial", count: int, *, json: bool, quiet: bool) -> None:
    """Prints each fold as it is done, and the means with their standard deviations."""
    from attncli.training.validating import cross_validated, summary_of
    from attncli.views.confusion import report_lines
    from attncli.views.ink import Ink

    rare = [label for label, n in trial.prepared.counts.items() if n < count]
    if rare and not quiet:
        named = ", ".join(quoted(label) for label in rare[:6])
        message(
            "warning",
            f"fewer than {count} sentences have the label {named}: some folds have none of it",
        )
    folds = []
    for fold in cross_validated(trial, count):
        folds.append(fold)
        if json:
            record = {"fold": fold.number, "folds": count, **_figures(fold)}
            write_json(json_line(record))
        else:
            write(_line(f"fold {fold.number}/{count}", fold))
    summary = summary_of(folds)
    if json:
        write_json(json_line(summary.to_dict()))
        return
    (accuracy, spread), (macro, macro_spread) = summary.accuracy, summary.macro_f1
    write(
        f"\nmean of {count}  accuracy {accuracy:.3f} ± {spread:.3f}  macro F1 {macro:.3f} ± "
        f"{macro_spread:.3f}  baseline {summary.baseline:.3f}\n\n"
    )
    scores = summary.scores
    averages = {"mean of labels": scores.macro, "mean of sentences": scores.weighted}
    ink = Ink(colors=None, unicode=True, width=80)
    write(ink.rendered(report_lines(scores.report, averages, ink)))


def say_curve(trial: "Trial", *, json: bool, quiet: bool) -> None:
    """Prints each share as it is done, and whether more sentences would help."""
    from attncli.training.validating import measured_shares

    points = []
    for point in measured_shares(trial):
        points.append(point)
        if json:
            write_json(json_line({"share": point.share, **_figures(point)}))
        else:
            write(_line(f"{point.share:>5.0%} {point.learned_from:>7,}", point))
    if not quiet:
        message("note", _verdict(points[-2], points[-1]))


def _verdict(before: "Measured", last: "Measured") -> str:
    """Whether more sentences would help, as far as so many held-out ones can tell."""
    accuracy, n = last.scores.accuracy, last.scores.n
    change, noise = accuracy - before.scores.accuracy, (accuracy * (1 - accuracy) / n) ** 0.5
    if change > noise:
        return "accuracy still rises at the end: more sentences may help"
    return (
        f"the last step changes accuracy by {change:+.3f}, within the noise of {n} held-out "
        f"sentences (±{noise:.3f}): more sentences help little, or too few are held out to tell"
    )


def _line(name: str, one: "Measured") -> str:
    scores = one.scores
    return (
        f"{name}  accuracy {scores.accuracy:.3f}  macro F1 {scores.macro_f1:.3f}  "
        f"baseline {one.baseline:.3f}  (of {scores.n})\n"
    )


def _figures(one: "Measured") -> dict[str, object]:
    return {
        "learned_from": one.learned_from,
        "accuracy": one.scores.accuracy,
        "macro_f1": one.scores.macro_f1,
        "majority": one.baseline,
        "n": one.scores.n,
    }
