"""Files of sentences → a file of records, from Python."""

import pickle
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack, cast

from attncli.api.analysis import Analysis, open_analysis
from attncli.api.files_read import files_read, source_facts
from attncli.api.mechanism import expect_part, mechanism_of
from attncli.batches.engines.local import cores
from attncli.batches.job import BatchJob, JobMechanism, batch_job, run_job
from attncli.batches.part_file import ENDINGS
from attncli.batches.run import Follower, Watcher, closing, expect_some
from attncli.checks.arguments import path_of, unexpected
from attncli.checks.choices import checked_choices, expect_names
from attncli.embeddings.protocols import EmbeddingStore
from attncli.errors import UsageError
from attncli.files.apart import OutputFile, written
from attncli.files.source import InputSource, bytes_of_stdin, sources
from attncli.insight.chosen_part import Part
from attncli.mechanisms.open import OpenStore, open_for_many, store_of
from attncli.models.named import is_gguf_file
from attncli.results.batch_report import RunReport
from attncli.results.effects import NO_WATCH, Watch
from attncli.results.predicted import COMPLETED
from attncli.settings import MATRIX_FIELDS, BatchChoices, BatchSettings, MechanismSettings
from attncli.settings.frozen import default_of

if TYPE_CHECKING:
    from attncli.api.word_vectors import WordVectors
    from attncli.embeddings.given import Vectors

_LATER = frozenset({"complete", "part"})  # choices that came after the first journals
_OF_BATCHES = frozenset(default_of(BatchSettings))


def batch(
    inputs: str | PathLike[str] | Sequence[str | PathLike[str]],
    output: str | PathLike[str],
    model: str | PathLike[str] | None = None,
    *,
    vectors: "Vectors | WordVectors" = "glove",
    part: Part | None = None,
    watch: Callable[[int, int], None] | None = None,
    **choices: Unpack[BatchChoices],
) -> RunReport:
    """Turns files of sentences into records of a file or URL, as `attn batch` does.

    `inputs` are files, patterns or URLs. The choices, and their defaults, are the fields of
    `attncli.settings.BatchSettings` (resume, force, workers, format …) and `MechanismSettings`;
    `part` chooses layers, heads and tokens. `watch` is told the records done in all, and by this
    run. The report counts the lines that were set aside, each with its error record.
    Raises: EmptyError when there is no sentence; OutputError when the output is there, and neither
    `resume` nor `force` is given; UsageError, LockedError, ResumeError, ClusterError.
    """
    expect_names(choices, batch, BatchChoices.__optional_keys__)
    if watch is not None and not callable(watch):
        raise unexpected(watch, "watch", "a function of two numbers")
    expect_part(part)
    of_batches = {name: value for name, value in choices.items() if name in _OF_BATCHES}
    settings = BatchSettings(**checked_choices(of_batches, BatchSettings))
    others = {name: value for name, value in choices.items() if name not in _OF_BATCHES}
    mechanism, store = mechanism_of(model, vectors, others)
    listed = sources(paths_of(inputs, "inputs"), bytes_of_stdin)
    checked = checked_batch(listed, path_of(output, "output"), settings, mechanism)
    include = frozenset(settings.include)
    opened = checked.opened(
        open_analysis(mechanism, include, part=part, store=store, paired_by=checked.job.paired_by),
        part,
        store=store,
    )
    report = opened.run(watch=watch)
    expect_some(report, listed)
    return report


def checked_batch(
    inputs: list[InputSource],
    output: str | None,
    settings: BatchSettings,
    mechanism: MechanismSettings,
) -> "CheckedBatch":
    """A batch that can begin, or go on as it began; `output` None is standard output.

    Raises: UsageError for choices that do not go together, an output that is also read; OutputError.
    """
    job = batch_job(inputs, output, settings)
    job = job.as_begun() if settings.resume else job
    job.check(files_read(mechanism))
    return CheckedBatch(job, mechanism)


@dataclass(frozen=True, slots=True)
class CheckedBatch:
    """A batch whose inputs and output are checked; its vectors and its model are still to be opened."""

    job: BatchJob
    settings: MechanismSettings

    def opened(
        self,
        analysis: Analysis,
        part: Part | None,
        *,
        store: EmbeddingStore | None = None,
        typed: Mapping[str, Any] | None = None,
        looks_for: Watch = NO_WATCH,
    ) -> "OpenedBatch":
        """The batch of what its choices opened here, which may be closed: workers open it again, or
        are sent a `store` at hand.

        A journal names the part, and the target, as they were `typed`, where they were.
        Raises: UsageError for a store that cannot be sent.
        """
        s, open_store = self.settings, cast("OpenStore", store_of)
        if store is not None:
            open_store = partial(_held, _sendable(store))
        target = None if s.target is None else str(s.target)
        options = asdict(s) | {"target": target, **_as_options(part or Part()), **(typed or {})}
        # What these hold stands among the facts, or, of a preset, among the other options.
        for name in ("vectors", "preset", *MATRIX_FIELDS):
            del options[name]
        # What an earlier version did not know is named where it is chosen, so that its runs go on.
        options = {n: value for n, value in options.items() if value is not None or n not in _LATER}
        facts = source_facts(s.vectors, s.model, analysis)
        if store is not None:
            facts["asked"] = None
        include = frozenset(self.job.layout.include)
        unread, paired_by = self._unread(looks_for), self.job.paired_by
        make = partial(open_for_many, s, include, part, open_store, unread, paired_by)
        quantized = s.model is not None and is_gguf_file(s.model)
        completed = COMPLETED if s.complete is not None else ()
        of_models = (*(("quantization",) if quantized else ()), *completed)
        parts = analysis.parts_kept(part)
        mechanism = JobMechanism(make, facts, options, analysis.width, looks_for, of_models, parts)
        return OpenedBatch(self.job, mechanism, reads_pieces=analysis.reads_pieces)

    def _unread(self, looks_for: Watch) -> frozenset[str]:
        """The fields that neither the output nor `looks_for` holds."""
        if self.job.format.name == "csv":  # has columns of its own, whatever is left out
            return frozenset()
        unread = frozenset(self.job.layout.exclude)
        return unread - {"warnings"} if looks_for.counts else unread


class OpenedBatch(NamedTuple):
    """A batch that has only to be run; `reads_pieces` where a transformer makes its results."""

    job: BatchJob
    mechanism: JobMechanism
    reads_pieces: bool

    def run(
        self,
        *,
        fd: int | None = None,
        watch: Watcher | None = None,
        note: Callable[[str], None] | None = None,
        follower: Follower | None = None,
    ) -> RunReport:
        """Runs to the end, as `run_job`."""
        return run_job(self.job, self.mechanism, fd=fd, watch=watch, note=note, follower=follower)

    def expect_all(self, report: RunReport) -> None:
        """Raises: EmptyError when no record is of a sentence, PartialError when some were set aside."""
        closing(report, self.job.sources)


def files_of_output(output: str | None) -> list[OutputFile]:
    """The file of an output, and those that a run makes beside it."""
    return written("output", output, *ENDINGS)


def workers_of(workers: int | None, scheduler: str | None) -> int | None:
    """How many processes of this machine compute; None where a scheduler says it."""
    return None if scheduler else workers or cores()


def paths_of(value: Any, name: str) -> list[str]:
    """The paths of a file, or of several. Raises: ArgumentError."""
    given = [value] if isinstance(value, str | bytes | PathLike) else value
    if not isinstance(given, list | tuple):
        raise unexpected(value, name, "a file, or a list of files")
    if not given:
        raise unexpected(value, name, "at least one file")
    return [path_of(path, f"{name}[{place}]") for place, path in enumerate(given)]


def _held(store: EmbeddingStore, asked: MechanismSettings) -> EmbeddingStore:
    """The vectors that are at hand, whatever is asked."""
    return store


class _Nowhere:
    """Where bytes are written that nobody reads."""

    def write(self, data: Any) -> int:
        return len(data)


def _sendable(store: EmbeddingStore) -> EmbeddingStore:
    """A store that workers can be sent. Raises: UsageError."""
    try:
        pickle.Pickler(_Nowhere()).dump(store)
    except Exception:  # whatever holds it together
        message = "found vectors that cannot be sent to workers, expected their name"
        raise UsageError(message, place="vectors") from None
    return store


def _as_options(part: Part) -> dict[str, Any]:
    """A part as journals name it: in the words of the command, so that either goes on."""
    over = "" if part.over == ("heads",) else f":{_listed(part.over)}"
    hide = [*part.hide, *(["special"] if part.hide_special else [])]
    return {
        "layer": None if part.layers is None else _listed(part.layers),
        "head": None if part.heads is None else _listed(part.heads),
        "agg": f"{part.how}{over}" if part.over else None,
        "merge": part.merge,
        "hide": hide or None,
        "part": part.which,
    }


def _listed(values: Iterable[object]) -> str:
    return ",".join(map(str, values))
