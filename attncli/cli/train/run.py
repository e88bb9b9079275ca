"""One run of `attn train`: its files, what is said of it, and what is watched."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from attncli.cli.terminal import message, say_written, write_json
from attncli.files.writing import ended_by_signals, whole_file

if TYPE_CHECKING:
    from attncli.api.training import Trial
    from attncli.api.training_run import TrainingRun
    from attncli.cli.train.options import ReportOptions
    from attncli.cli.train.report import TrainingReport
    from attncli.cli.train.watching import Watching
    from attncli.results.frames import Progress

ENDINGS = (".lock", ".unfinished")  # of the files beside a model while it is learned


def run_training(trial: "Trial", options: "ReportOptions", *, resume: bool) -> None:
    """Trains to the end, or until it is stopped; writes the best model and the page either way."""
    from attncli.api.training_run import TrainingRun
    from attncli.cli.train.report import TrainingReport, json_line

    def say(kind: str, text: str) -> None:
        if not options.quiet:
            message(kind, text)

    run = TrainingRun(trial, None if options.model is None else Path(options.model), say)
    with ended_by_signals("SIGTERM"), run.begun(resume=resume) as resumed:
        watching = _watching(run, options)
        draws = watching is not None and watching.draws
        with TrainingReport(run, options.log, resumed, options.quiet, watched=draws) as report:
            try:
                _learn(run, report, watching)
            finally:
                _write_page(watching, options)
        for path in (options.model, options.log):
            if path is not None:
                say_written(path, quiet=options.quiet)
        if options.json:
            write_json(json_line(run.summary()))


def _watching(run: "TrainingRun", options: "ReportOptions") -> "Watching | None":
    """Who draws and keeps frames, if that was asked for."""
    if not options.watch and options.page is None:
        return None
    from attncli.cli.train.watching import Watching

    keeps = options.page is not None
    return Watching(run, draws=options.watch, keeps=keeps, quiet=options.quiet)


def _learn(run: "TrainingRun", report: "TrainingReport", watching: "Watching | None") -> None:
    """Trains, and tells and draws each epoch."""

    def follow(progress: "Progress") -> None:
        report.epoch(progress)
        if watching is not None:
            watching.epoch(progress)

    try:
        with nullcontext() if watching is None else watching:
            run.learn(follow)
    except (KeyboardInterrupt, SystemExit):
        report.stopped()
        raise
    report.ended()


def _write_page(watching: "Watching | None", options: "ReportOptions") -> None:
    """Writes the page of what was seen, also when the training was stopped."""
    if watching is None or options.page is None:
        return
    from attncli.cli.footer import made_by

    text = watching.page(made_by(options.page, no_footer=options.no_footer))
    with whole_file(options.page) as file:
        file.write(text.encode("utf-8", "backslashreplace"))
    say_written(options.page, quiet=options.quiet)
