"""Files of sentences → a file of records, from Python."""

import pickle
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, fields
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any, Unpack

from attncli.api.files_read import files_read, source_facts
from attncli.api.mechanism import expect_part, mechanism_of
from attncli.batches.job import JobMechanism, batch_job, run_job
from attncli.batches.run import RunReport, expect_some
from attncli.checks.arguments import path_of, unexpected
from attncli.checks.choices import checked_choices
from attncli.embeddings.protocols import EmbeddingStore
from attncli.errors import UsageError
from attncli.files.source import sources
from attncli.insight.chosen_part import Part
from attncli.mechanisms.open import OpenStore, open_analyser, open_for_many, store_of, token_width
from attncli.settings import MATRIX_FIELDS, BatchChoices, BatchSettings, MechanismSettings

if TYPE_CHECKING:
    from attncli.api.word_vectors import WordVectors
    from attncli.embeddings.given import Vectors

_OF_BATCHES = frozenset(field.name for field in fields(BatchSettings))


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
    if watch is not None and not callable(watch):
        raise unexpected(watch, "watch", "a function of two numbers")
    expect_part(part)
    of_batches = {name: value for name, value in choices.items() if name in _OF_BATCHES}
    settings = BatchSettings(**checked_choices(of_batches, BatchSettings))
    others = {name: value for name, value in choices.items() if name not in _OF_BATCHES}
    mechanism, store = mechanism_of(model, vectors, others)
    listed = sources(paths_of(inputs, "inputs"), lambda: sys.stdin.buffer)
    job = batch_job(listed, path_of(output, "output"), settings)
    job = job.as_begun() if settings.resume else job
    texts = [getattr(mechanism, name) for name in MATRIX_FIELDS]
    job.check(files_read(mechanism.vectors, mechanism.model, texts))
    described = _described(mechanism, part, frozenset(settings.include), store)
    report = run_job(job, described, watch=watch)
    expect_some(report, listed)
    return report


def paths_of(value: Any, name: str) -> list[str]:
    """The paths of a file, or of several. Raises: ArgumentError."""
    given = [value] if isinstance(value, str | bytes | PathLike) else value
    if not isinstance(given, list | tuple):
        raise unexpected(value, name, "a file, or a list of files")
    if not given:
        raise unexpected(value, name, "at least one file")
    return [path_of(path, f"{name}[{place}]") for place, path in enumerate(given)]


def _described(
    s: MechanismSettings, part: Part | None, include: frozenset[str], store: EmbeddingStore | None
) -> JobMechanism:
    """What makes the results. Raises: what opening the vectors or the model raises."""
    open_store: OpenStore = store_of
    if store is not None:
        open_store = partial(_held, _sendable(store))
    opened = open_analyser(s, include, part=part, open_store=open_store)
    options = asdict(s) | _as_options(Part() if part is None else part)
    options["target"] = None if s.target is None else str(s.target)
    # What these hold stands among the facts, or, of a preset, among the other options.
    for name in ("vectors", "preset", *MATRIX_FIELDS):
        del options[name]
    make = partial(open_for_many, s, include, part, open_store)
    facts = source_facts(s.vectors, s.model, opened)
    if store is not None:
        facts["asked"] = None
    return JobMechanism(make, facts, options, token_width(opened))


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
    }


def _listed(values: Iterable[object]) -> str:
    return ",".join(map(str, values))
