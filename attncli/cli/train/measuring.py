"""`attn train --folds`, `--learning-curve` and `--check-grad`: what is measured, a line for each."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from attncli.cli.terminal import message, write, write_json
from attncli.cli.train.report import json_line
from attncli.errors.wording import quoted

if TYPE_CHECKING:
    from attncli.api.training import Measured, PairEvaluation, Trial


def say_gradients(trial: "Trial", *, json: bool) -> None:
    """Prints how each gradient agrees. Raises: NumericError when one does not."""
    for checked in trial.gradients():
        verdict = "agrees" if checked.agrees else "differs"
        shape = "×".join(map(str, checked.shape))
        line = (
            f"d_{checked.name:<15} {shape:<12} {checked.entries:>4} entries  "
            f"worst difference {checked.difference:.1e}  {verdict}\n"
        )
        _say({**asdict(checked), "agrees": checked.agrees}, line, json=json)


def say_folds(trial: "Trial", count: int, *, json: bool, quiet: bool) -> None:
    """Prints each fold as it is done, and the means with their standard deviations."""
    from attncli.api.training import CrossValidation
    from attncli.views.confusion import report_lines
    from attncli.views.ink import Ink

    if trial.compares_pairs:
        _say_pair_folds(trial, count, json=json)
        return
    rare = [label for label, n in trial.prepared.counts.items() if n < count]
    if rare and not quiet:
        named = ", ".join(quoted(label) for label in rare[:6])
        message(
            "warning",
            f"fewer than {count} sentences have the label {named}: some folds have none of it",
        )
    folds = []
    for fold in trial.folds(count):
        folds.append(fold)
        record = {"fold": fold.number, "folds": count, **_figures(fold)}
        _say(record, _line(f"fold {fold.number}/{count}", fold), json=json)
    summary = CrossValidation.of(folds)
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
    if trial.compares_pairs:
        _say_pair_curve(trial, json=json, quiet=quiet)
        return
    points = []
    for point in trial.shares():
        points.append(point)
        line = _line(f"{point.share:>5.0%} {point.learned_from:>7,}", point)
        _say({"share": point.share, **_figures(point)}, line, json=json)
    if not quiet:
        message("note", _verdict(points[-2], points[-1]))


def _say_pair_folds(trial: "Trial", count: int, *, json: bool) -> None:
    """The same of pairs without labels, beside what no training gives."""
    from statistics import fmean, stdev

    folds = []
    for fold in trial.folds_of_pairs(count):
        folds.append(fold.evaluation)
        record = {"fold": fold.number, "folds": count, "learned_from": fold.learned_from}
        line = _pair_line(f"fold {fold.number}/{count}", fold.evaluation)
        _say(record | fold.evaluation.to_dict(), line, json=json)
    figure = folds[0].scores.main[0]
    values = [fold.scores.main[1] for fold in folds]
    plain = {n: fmean(fold.baselines[n].main[1] for fold in folds) for n in folds[0].baselines}
    if json:
        name = figure.lower()
        summary: dict[str, object] = {"folds": count, "baselines": plain}
        summary |= {f"mean_{name}": fmean(values), f"sd_{name}": stdev(values)}
        write_json(json_line(summary))
        return
    beside = "".join(f"  {name} {value:.3f}" for name, value in plain.items())
    mean = f"{figure} {fmean(values):.3f} ± {stdev(values):.3f}"
    write(f"\nmean of {count}  {mean}{beside}\n")


def _say_pair_curve(trial: "Trial", *, json: bool, quiet: bool) -> None:
    """The same of pairs without labels."""
    points = []
    for point in trial.shares_of_pairs():
        points.append(point.evaluation)
        record = {"share": point.share, "learned_from": point.learned_from}
        line = _pair_line(f"{point.share:>5.0%} {point.learned_from:>7,}", point.evaluation)
        _say(record | point.evaluation.to_dict(), line, json=json)
    if quiet:
        return
    figure, value, noise = points[-1].scores.main
    change = value - points[-2].scores.main[1]
    if change > noise:
        verdict = f"{figure} still rises at the end: more pairs may help"
    else:
        verdict = (
            f"the last step changes {figure} by {change:+.3f}, within the noise of "
            f"{points[-1].scores.n} held-out pairs (±{noise:.3f}): more pairs help little, or too "
            "few are held out to tell"
        )
    message("note", verdict)


def _say(record: dict[str, object], line: str, *, json: bool) -> None:
    if json:
        write_json(json_line(record))
    else:
        write(line)


def _pair_line(name: str, evaluation: "PairEvaluation") -> str:
    ways = {"": evaluation.scores, **evaluation.baselines}
    texts = [f"{way or scores.main[0]} {scores.main[1]:.3f}" for way, scores in ways.items()]
    return f"{name}  {'  '.join(texts)}  (of {evaluation.scores.n})\n"


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
