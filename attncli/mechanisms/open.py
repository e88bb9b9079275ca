"""Settings → an Analyser: the one file that knows every mechanism."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from attncli.errors import Blank, UsageError, field_name, setting
from attncli.settings import MATRIX_FIELDS, TEMPERATURE, Keeps, MechanismSettings

if TYPE_CHECKING:
    from attncli.embeddings.protocols import EmbeddingStore
    from attncli.files.access import Access
    from attncli.insight.chosen_part import Part
    from attncli.mechanisms.analyser import Analyser
    from attncli.mechanisms.general import GeneralSettings
    from attncli.models.trained import TrainedModel
    from attncli.reading.reader import ReadingSettings

OpenStore: TypeAlias = "Callable[[MechanismSettings], EmbeddingStore]"

_DEFAULTS = MechanismSettings()
_GENERAL_ONLY = ("score", "temperature", "target_self", "see_self")
_TASK_ONLY = ("heads", "d_k", "d_v", "positions")
_OF_A_MODEL = (
    *(*_GENERAL_ONLY, *_TASK_ONLY, "causal", "window", "oov", "tokenizer", "attention"),
    *MATRIX_FIELDS,
)
_OF_A_CHECKPOINT = (*_OF_A_MODEL, "vectors", "inline", "no_cache")
_TRANSFORMER_ONLY = ("pair", "truncate", "complete")
_NOT_GIVEN = ("heads", "d_k", "d_v")


class Opened(NamedTuple):
    """An Analyser, and the store its words come from; a transformer has none."""

    analyser: "Analyser"
    store: "EmbeddingStore | None"


def store_of(settings: MechanismSettings, access: "Access | None" = None) -> "EmbeddingStore":
    """The vectors of the settings, opened in the way of `access`. Raises: what opening them raises."""
    from attncli.files.access import Access
    from attncli.reading.named_vectors import open_named_vectors

    s, access = settings, Access(cached=not settings.no_cache) if access is None else access
    return open_named_vectors(s.vectors, dim=s.dim, seed=s.seed, inline=s.inline, access=access)


def _is_transformer(model: str | None) -> bool:
    if model is None:
        return False
    from attncli.models.named import is_transformer

    return is_transformer(model)


def open_analyser(
    settings: MechanismSettings,
    include: frozenset[str] = frozenset(),
    *,
    asked: frozenset[str] = frozenset(),
    part: "Part | None" = None,
    foresees: bool = False,
    keeps: Keeps = "all",
    open_store: OpenStore = store_of,
    trained: "TrainedModel | None" = None,
    paired_by: str | None = None,
) -> Opened:
    """The Analyser that the settings describe, of the part that is chosen of its results.

    A `trained` model at hand stands in the place of the one that they name. `include` names optional
    fields to fill. With `foresees` a language model says what comes next. What is kept of the weights of
    a transformer is said by `keeps`: of a map the numbers of each head alone. `paired_by` is the field
    that gives each text a second one, where one does.
    Where a chosen part loses one of the fields that were `asked` for, its record says so.
    Raises: UsageError for settings out of range or that exclude each other; what opening the
    vectors or the model raises.
    """
    if paired_by is not None:
        _expect_no_other_pair(settings, paired_by)
    if trained is None and _is_transformer(settings.model):
        opened, part = _open_transformer(
            settings, part, include, foresees=foresees, keeps=keeps, paired=paired_by is not None
        )
    else:
        why = f"only a transformer ({setting(model=Blank('DIR'))}) has it"
        _reject(settings, _TRANSFORMER_ONLY, why)
        if paired_by is not None:
            raise UsageError(f"found it, but {why}", place=field_name(paired_by))
        opened = _open_words(settings, include, open_store, trained)
    if part is None or part == type(part)():
        return opened
    from attncli.mechanisms.part_analyser import PartAnalyser

    part = replace(part, asked=asked)
    return opened._replace(analyser=PartAnalyser(opened.analyser, part))


def open_for_many(
    settings: MechanismSettings,
    include: frozenset[str] = frozenset(),
    part: "Part | None" = None,
    open_store: OpenStore = store_of,
    unread: frozenset[str] = frozenset(),
    paired_by: str | None = None,
) -> "Analyser":
    """The Analyser as a batch uses it: what a worker opens for itself.

    `unread` names fields of the record that are not written; `paired_by` as `open_analyser`.
    """
    opened = open_analyser(
        settings, include, asked=include, part=part, open_store=open_store, paired_by=paired_by
    )
    return opened.analyser.quick(unread)


def expect_dim(settings: MechanismSettings) -> None:
    """Raises: UsageError for dim beside vectors that have a size of their own."""
    if settings.vectors != "random" or settings.inline is not None:
        why = f"only {setting(vectors='random')} has it: other vectors have a size"
        _reject(settings, ("dim",), why)


def _open_transformer(
    settings: MechanismSettings,
    part: "Part | None",
    include: frozenset[str],
    *,
    foresees: bool,
    keeps: Keeps,
    paired: bool,
) -> "tuple[Opened, Part | None]":
    """The Analyser of a transformer checkpoint, and what it leaves to be done of a part.

    It keeps the layers and heads of the part alone, but where a decoder has others than its encoder.
    """
    from attncli.insight.chosen_part import Part
    from attncli.mechanisms.transformer import open_transformer
    from attncli.models.folders import find_checkpoint

    _reject(settings, _OF_A_CHECKPOINT, "the checkpoint says it")
    _reject(settings, ("dim", "seed"), "no vector of a checkpoint is random")
    _reject(settings, ("target",), "a checkpoint has no label for a word")
    checkpoint = find_checkpoint(settings.model or "")
    analyser = open_transformer(
        checkpoint.folder,
        checkpoint.name,
        include=include,
        pair=settings.pair,
        truncate=settings.truncate,
        max_tokens=settings.max_tokens,
        complete=settings.complete,
        foresees=foresees,
        keeps=keeps,
        paired=paired,
    )
    if part is not None and not analyser.has_parts:
        analyser = replace(analyser, layers=part.layers, heads=part.heads)
        part = replace(part, layers=None, heads=None)
    if keeps == "all":
        return Opened(analyser, None), part
    whole = replace(Part() if part is None else part, shown=True)
    return Opened(replace(analyser, part=whole), None), None


def _expect_no_other_pair(settings: MechanismSettings, paired_by: str) -> None:
    """Raises: UsageError where one second text is given, or written, and each text has its own."""
    for name in ("pair", "complete"):
        if getattr(settings, name) is not None:
            raise UsageError(
                f"found {field_name(name)} too, expected one of them", place=field_name(paired_by)
            )


def _open_words(
    settings: MechanismSettings,
    include: frozenset[str],
    open_store: OpenStore,
    trained: "TrainedModel | None",
) -> Opened:
    """The Analyser of general or task-specific attention over vectors of words."""
    if settings.model is not None:
        from attncli.models.named import find_model

        _reject(settings, _OF_A_MODEL, "the model says it")
        expect_dim(settings)
        model = find_model(settings.model) if trained is None else trained
        return _open_trained(settings, model, include, open_store)
    if settings.target is not None:
        raise UsageError(
            f"found no {field_name('model')}, expected both", place=field_name("target")
        )
    if any(getattr(settings, name) is not None for name in MATRIX_FIELDS):
        return _open_given(settings, include, open_store)
    if settings.attention == "task":
        return _open_untrained(settings, include, open_store)
    task = setting(attention="task")
    _reject(settings, _TASK_ONLY, f"{task} has it, general attention does not")
    expect_dim(settings)
    from attncli.mechanisms.general import GeneralAnalyser

    general = _general_settings(settings)
    store = open_store(settings)
    return Opened(GeneralAnalyser(store, _reading(settings), general, include=include), store)


def _open_trained(
    settings: MechanismSettings,
    trained: "TrainedModel",
    include: frozenset[str],
    open_store: OpenStore,
) -> Opened:
    """The Analyser of a trained model."""
    from attncli.mechanisms.task import TaskAnalyser
    from attncli.reading.layers import for_model

    vectors = for_model(settings.vectors, trained.vectors, cached=not settings.no_cache)
    store = open_store(replace(settings, vectors=vectors))
    analyser = TaskAnalyser.of_model(
        trained,
        store,
        target=settings.target,
        include=include,
        max_tokens=settings.max_tokens,
    )
    return Opened(analyser, store)


def _open_untrained(
    settings: MechanismSettings, include: frozenset[str], open_store: OpenStore
) -> Opened:
    """The Analyser of random matrices."""
    from attncli.attention.projections import random_projections
    from attncli.mechanisms.task import TaskAnalyser

    task = setting(attention="task")
    _reject(settings, _GENERAL_ONLY, f"only general attention has it, not {task}")
    expect_dim(settings)
    s = settings
    store = open_store(settings)
    layer = random_projections(
        store.dim,
        n_heads=s.heads or 1,
        d_k=s.d_k,
        d_v=s.d_v,
        positions=s.positions,
        causal=s.causal,
        window=s.window,
        seed=s.seed,
    )
    return Opened(TaskAnalyser(store, layer, _reading(s), include=include), store)


def _open_given(
    settings: MechanismSettings, include: frozenset[str], open_store: OpenStore
) -> Opened:
    """The Analyser of matrices that the user wrote down."""
    from attncli.mechanisms.given import given_projections, open_given
    from attncli.mechanisms.task import TaskAnalyser

    _reject(settings, _NOT_GIVEN, "the matrices say it")
    _reject(
        settings, ("target_self", "see_self"), "only general attention has it, not own matrices"
    )
    expect_dim(settings)
    given = open_given(settings)
    store = open_store(settings) if given.store is None else given.store
    layer = given_projections(given, store, _temperature(given.settings))
    return Opened(TaskAnalyser(store, layer, _reading(settings), include=include), store)


def _reading(s: MechanismSettings) -> "ReadingSettings":
    from attncli.reading.reader import ReadingSettings

    return ReadingSettings(tokenizer=s.tokenizer, oov=s.oov, seed=s.seed, max_tokens=s.max_tokens)


def _general_settings(settings: MechanismSettings) -> "GeneralSettings":
    from attncli.mechanisms.general import GeneralSettings

    target = settings.target_self
    if target is not None:
        if settings.temperature is not None or not settings.see_self:
            has_one = settings.temperature is not None
            other = field_name("temperature") if has_one else setting(see_self=False)
            raise UsageError(
                f"found {other} too, expected one of them", place=field_name("target_self")
            )
        if not 0 < target < 1:
            raise UsageError(
                f"found {target:g}, expected a number between 0 and 1",
                place=field_name("target_self"),
            )
    return GeneralSettings(
        score=settings.score,
        temperature=_temperature(settings),
        target_self=target,
        causal=settings.causal,
        window=settings.window,
        see_self=settings.see_self,
    )


def _temperature(settings: MechanismSettings) -> float:
    temperature = TEMPERATURE if settings.temperature is None else settings.temperature
    if not 0 < temperature < math.inf:
        expected = "expected a number above 0"
        raise UsageError(f"found {temperature:g}, {expected}", place=field_name("temperature"))
    return temperature


def _reject(settings: MechanismSettings, names: tuple[str, ...], why: str) -> None:
    """Raises: UsageError when one of these settings was given a value of its own."""
    for name in names:
        found = getattr(settings, name)
        if found != getattr(_DEFAULTS, name):
            raise UsageError(f"found it, but {why}", place=field_name(name))
