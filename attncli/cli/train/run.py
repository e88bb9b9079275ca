"""One run of `attn train` with its files: model, saved state, lock, log."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attncli.cli.terminal import message, say_written, write_json
from attncli.errors import LockedError, NumericError, OutputError
from attncli.errors.wording import visible
from attncli.files.paths import exists
from attncli.files.writing import ended_by_signals, reason

if TYPE_CHECKING:
    from attncli.cli.train.options import ReportOptions
    from attncli.cli.train.report import TrainingReport
    from attncli.cli.train.watching import Watching
    from attncli.reading.reader import ReadingSettings
    from attncli.results.result import VectorsInfo
    from attncli.settings import TrainingSettings
    from attncli.training.examples import Prepared
    from attncli.training.fit import Sizes

ENDINGS = (".lock", ".unfinished")  # of the files beside a model while it is learned
_STATE_EVERY = 2.0  # seconds between two saved states at least


@contextmanager
def only_run(output: Path) -> Iterator[None]:
    """Holds the lock of a model while it is trained. Raises: LockedError, OutputError."""
    from attncli.files.locking import NotOurs, locked
    from attncli.files.writing import not_ours

    place = visible(str(output))
    with ExitStack() as stack:
        try:
            path = output.with_name(output.name + ".lock")
            held = stack.enter_context(locked(path, wait=False))
        except NotOurs:
            raise not_ours(path) from None
        except OSError as fault:
            reason = (fault.strerror or str(fault)).lower()
            raise OutputError(f"cannot write: {reason}", place=place) from None
        if not held:
            raise LockedError("another training works on this model", place=place)
        yield


class TrainingRun:
    """One training with its files: model, state, log."""

    def __init__(
        self,
        output: Path | None,
        prepared: "Prepared",
        sizes: "Sizes",
        settings: "TrainingSettings",
        reading: "ReadingSettings",
        info: "VectorsInfo",
    ) -> None:
        from attncli.training.fit import Fit, kept_settings
        from attncli.training.resume import examples_hash, state_path

        self.output, self.prepared = output, prepared
        self.state = None if output is None else state_path(output)
        self.fit = Fit(prepared, sizes, settings, reading, info)
        self.training = self.fit.training
        self.belongs: dict[str, Any] = {
            "examples": examples_hash(prepared.examples),
            "labels": list(prepared.labels),
            "vectors": [info.name, info.sha256],
            "directions": sizes.directions,
            **sizes.architecture.to_dict(),
            **kept_settings(settings, self.fit.label_weights, sizes.architecture.pair),
        }

    def run(self, report: "ReportOptions", *, resume: bool) -> None:
        """Trains to the end, or until it is stopped; writes the best model and the page either way."""
        with ExitStack() as stack:
            stack.enter_context(ended_by_signals("SIGTERM"))
            if self.output is not None:
                stack.enter_context(only_run(self.output))
            self._run(report, resume)

    def _run(self, options: "ReportOptions", resume: bool) -> None:
        from attncli.cli.train.report import TrainingReport, json_line

        quiet = options.quiet
        resumed = self._take_up(resume, quiet)
        watching = self._watching(options)
        draws = watching is not None and watching.draws
        with TrainingReport(
            self.fit, self.prepared.counts, options.log, resumed, quiet, watched=draws
        ) as report:
            try:
                summary = self._learn(report, watching)
            finally:
                self._write_page(watching, options)
        for path in (None if self.output is None else str(self.output), options.log):
            if path is not None:
                say_written(path, quiet=quiet)
        if options.json:
            write_json(json_line(summary))

    def _take_up(self, resume: bool, quiet: bool) -> bool:
        """Goes on from the state of an earlier training, where there is one; says whether it did."""
        if self.state is None:
            return False
        from attncli.training.resume import expect_own_state, load_state

        expect_own_state(self.state)
        resumed = resume and exists(self.state)
        if not quiet and resume != exists(self.state):
            name = visible(str(self.state))
            message(
                "note",
                f"there is no {name} to go on from: this training starts anew"
                if resume
                else f"{name} of an earlier training is left behind; --resume would go on from it",
            )
        if resumed:
            self.training.restore(*load_state(self.state, self.belongs))
        return resumed

    def _watching(self, options: "ReportOptions") -> "Watching | None":
        """Who draws and keeps frames, if that was asked for."""
        if not options.watch and options.page is None:
            return None
        from attncli.cli.train.watching import Watching

        keeps = options.page is not None
        return Watching(self.fit, draws=options.watch, keeps=keeps, quiet=options.quiet)

    def _write_page(self, watching: "Watching | None", options: "ReportOptions") -> None:
        """Writes the page of what was seen, also when the training was stopped."""
        if watching is None or options.page is None:
            return
        from attncli.cli.footer import made_by
        from attncli.files.writing import whole_file

        text = watching.page(made_by(options.page, no_footer=options.no_footer))
        with whole_file(options.page) as file:
            file.write(text.encode("utf-8", "backslashreplace"))
        say_written(options.page, quiet=options.quiet)

    def _learn(self, report: "TrainingReport", watching: "Watching | None") -> dict[str, Any]:
        """Trains to the end; the summary. When it is stopped, the best model so far is written."""
        saved = time.monotonic()
        try:
            with nullcontext() if watching is None else watching:
                for progress in self.training.run():
                    report.epoch(progress)
                    if watching is not None:
                        watching.epoch(progress)
                    if time.monotonic() - saved > _STATE_EVERY:
                        self._save_state()
                        saved = time.monotonic()
        except (KeyboardInterrupt, SystemExit):
            if self.training.best_epoch:
                self._save_state()
                self._save_model(whole=False)
            report.stopped(self.output)
            raise
        except NumericError:
            self._remove_state()  # going on from it would diverge again
            raise
        self._save_model(whole=True)
        self._remove_state()
        return report.ended(self.output)

    def _save_state(self) -> None:
        if self.state is None:
            return
        from attncli.training.resume import save_state

        arrays, facts = self.training.state()
        save_state(self.state, arrays, facts, self.belongs)

    def _remove_state(self) -> None:
        """Removes the state; where that cannot be done the training is over all the same."""
        if self.state is None:
            return
        try:
            self.state.unlink(missing_ok=True)
        except OSError as fault:
            message("warning", f"cannot remove {visible(str(self.state))}: {reason(fault)}")

    def _save_model(self, *, whole: bool) -> None:
        if self.output is None:
            return
        from attncli.models.trained import save_model

        save_model(self.fit.model(whole=whole), self.output)
