"""A training with its files: the model, its lock, and the state that a stopped one goes on from."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from attncli.errors import LockedError, NumericError, OutputError, setting
from attncli.errors.wording import visible
from attncli.files.access import DEFAULT_ACCESS, Say
from attncli.files.locking import NotOurs, locked
from attncli.files.paths import exists
from attncli.files.writing import not_ours, reason
from attncli.models.trained import save_model
from attncli.results.frames import Progress
from attncli.training.fit import kept_settings
from attncli.training.frames import Camera
from attncli.training.metrics import Scores
from attncli.training.pair_metrics import PairEvaluation
from attncli.training.resume import (
    examples_hash,
    expect_own_state,
    load_state,
    save_state,
    state_path,
)
from attncli.training.trial import Trial

_STATE_EVERY = 2.0  # seconds between two saved states at least


class TrainingRun:
    """One training, from its first epoch or a saved state to a model; without `output` no file is written.

    After `learn`, scores and pairs are the figures of what was held out, if anything was.
    """

    def __init__(
        self, trial: Trial, output: Path | None = None, say: Say = DEFAULT_ACCESS.say
    ) -> None:
        self.output = output
        self.fit = trial.fit()
        self.counts = trial.prepared.counts
        self.last: Progress | None = None
        self.scores: Scores | None = None
        self.pairs: PairEvaluation | None = None
        self._say = say
        self._state: Path | None = None
        self._belongs: dict[str, Any] = {}
        if output is not None:
            self._state, self._belongs = (
                state_path(output),
                _facts_of(trial, self.fit.label_weights),
            )

    @contextmanager
    def begun(self, *, resume: bool) -> Iterator[bool]:
        """Holds the lock of the model; whether the training goes on from a saved state.

        Raises: LockedError, OutputError; ResumeError for the state of another training, DataError.
        """
        with ExitStack() as stack:
            if self.output is not None:
                stack.enter_context(_only_run(self.output))
            yield self._take_up(resume)

    def learn(self, follow: Callable[[Progress], None]) -> None:
        """Trains to the end, and tells each epoch; the best model is written, also when it is stopped.

        Raises: NumericError when it diverges; whatever stops it.
        """
        training, saved = self.fit.training, time.monotonic()
        try:
            for progress in self.fit.run():
                self.last = progress
                follow(progress)
                if time.monotonic() - saved > _STATE_EVERY:
                    self._save_state()
                    saved = time.monotonic()
        except (KeyboardInterrupt, SystemExit):
            if training.best_epoch:
                self._save_state()
                self._save_model(whole=False)
            raise
        except NumericError:
            self._remove_state()  # going on from it would diverge again
            raise
        self._save_model(whole=True)
        self._remove_state()
        self.scores, self.pairs = self.fit.held_out_scores(), self.fit.held_out_pairs()

    def camera(self) -> Camera:
        """What takes frames of the training, from now on."""
        return Camera(self.fit)

    def start(self) -> dict[str, Any]:
        """What is trained, as plain values."""
        training = self.fit.training
        return {
            "architecture": training.architecture.to_dict(),
            "settings": asdict(training.settings),
            "parameters": int(training.parameters.flat.size),
            "labels": len(self.counts),
            "label_counts": self.counts,
            "held_out": training.n_held_out,
        }

    def summary(self) -> dict[str, Any]:
        """Where the training stands, or what came of it, as plain values."""
        training, last, counts = self.fit.training, self.last, self.counts
        return {
            "model": None if self.output is None else str(self.output),
            "epochs": 0 if last is None else last.epoch,
            "best_epoch": training.best_epoch,
            "loss": None if last is None else last.loss,
            "held_out": training.n_held_out,
            **self.held_out(training.best_figure),
            "worst": None if last is None else last.worst,
            "parameters": int(training.parameters.flat.size),
            "label_counts": counts,
            "majority": max(counts.values()) / sum(counts.values()) if counts else None,
            **self._of_held_out(),
        }

    def held_out(self, figure: tuple[str, float] | None) -> dict[str, float | None]:
        """What a record says of the sentences kept aside."""
        name = self.fit.figure.lower()
        return {f"held_out_{name}": None if figure is None else figure[1]}

    def _of_held_out(self) -> dict[str, Any]:
        """What the summary says of each label, or of pairs, where any were held out."""
        scores = self.scores
        if self.pairs is not None:
            return {"pairs": self.pairs.to_dict()}
        if scores is None:
            return {}
        sure = scores.recommended()
        return {
            "report": {label: one._asdict() for label, one in scores.report.items()},
            "macro": scores.macro._asdict(),
            "weighted": scores.weighted._asdict(),
            "sure": None if sure is None else sure._asdict(),
        }

    def _take_up(self, resume: bool) -> bool:
        """Goes on from the state of an earlier training, where there is one; says whether it did."""
        state = self._state
        if state is None:
            return False
        expect_own_state(state)
        resumed = resume and exists(state)
        if resume != exists(state):
            name = visible(str(state))
            anew = f"there is no {name} to go on from: this training starts anew"
            way = (
                f"{name} of an earlier training is left behind; {setting(resume=True)} would go on"
            )
            self._say("note", anew if resume else f"{way} from it")
        if resumed:
            self.fit.training.restore(*load_state(state, self._belongs))
        return resumed

    def _save_state(self) -> None:
        if self._state is not None:
            arrays, facts = self.fit.training.state()
            save_state(self._state, arrays, facts, self._belongs)

    def _remove_state(self) -> None:
        """Removes the state; where that cannot be done the training is over all the same."""
        if self._state is None:
            return
        try:
            self._state.unlink(missing_ok=True)
        except OSError as fault:
            self._say("warning", f"cannot remove {visible(str(self._state))}: {reason(fault)}")

    def _save_model(self, *, whole: bool) -> None:
        if self.output is not None:
            save_model(self.fit.model(whole=whole), self.output)


def _facts_of(trial: Trial, label_weights: dict[str, float] | None) -> dict[str, Any]:
    """What a saved state belongs to: data, vectors and choices, as plain values."""
    prepared, sizes = trial.prepared, trial.sizes()
    return {
        "examples": examples_hash(prepared.examples),
        "labels": list(prepared.labels),
        "vectors": [trial.vectors.name, trial.vectors.sha256],
        "directions": sizes.directions,
        **sizes.architecture.to_dict(),
        **kept_settings(trial.settings, label_weights, sizes.architecture.pair),
    }


@contextmanager
def _only_run(output: Path) -> Iterator[None]:
    """Holds the lock of a model while it is trained. Raises: LockedError, OutputError."""
    place, path = visible(str(output)), output.with_name(output.name + ".lock")
    with ExitStack() as stack:
        try:
            held = stack.enter_context(locked(path, wait=False))
        except NotOurs:
            raise not_ours(path) from None
        except OSError as fault:
            said = (fault.strerror or str(fault)).lower()
            raise OutputError(f"cannot write: {said}", place=place) from None
        if not held:
            raise LockedError("another training works on this model", place=place)
        yield
