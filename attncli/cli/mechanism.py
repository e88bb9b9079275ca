"""The options that say how a sentence is read and attended to, the same on every command.

`Mechanism` is a group of options: a command takes one parameter of this type and is wrapped in
`grouped`, and typer sees each field as an option. `open_analyser` makes the Analyser they describe:
the one place in the commands that knows all mechanisms.
"""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, NamedTuple, get_type_hints

from attncli.cli import options as opt
from attncli.cli import selecting as part
from attncli.cli.guards import say_vain
from attncli.errors import UsageError
from attncli.files.paths import is_file, is_folder

if TYPE_CHECKING:
    from attncli.embeddings.protocols import EmbeddingStore
    from attncli.insight.part import Part
    from attncli.insight.space import VocabularySpace
    from attncli.mechanisms.general import Analyser, GeneralSettings


@dataclass(frozen=True, repr=False, eq=False)
class Mechanism:
    """Which vectors, which words, which attention."""

    vectors: opt.Vectors = "glove"
    inline: opt.Inline = None
    no_cache: opt.NoCache = False
    dim: opt.Dim = 50
    seed: opt.Seed = 0
    oov: opt.Oov = "random"
    tokenizer: opt.Tokenizer = "words"
    score: opt.ScoreOption = "scaled"
    temperature: opt.Temperature = None
    target_self: opt.TargetSelf = None
    causal: opt.Causal = False
    window: opt.Window = None
    see_self: opt.SeeSelf = True
    max_tokens: opt.MaxTokens = 4096
    attention: opt.AttentionKind = "general"
    heads: opt.Heads = None
    d_k: opt.KeySize = None
    d_v: opt.ValueSize = None
    positions: opt.PositionKind = "none"
    model: opt.Model = None
    target: opt.Target = None
    pair: opt.Pair = None
    truncate: opt.Truncate = False
    layer: part.Layer = None
    head: part.Head = None
    agg: part.Agg = None
    merge: part.Merge = False
    hide: part.Hide = None

    @property
    def chooses(self) -> bool:
        """Whether layers or heads are chosen or drawn together."""
        return any(option is not None for option in (self.layer, self.head, self.agg))


DEFAULTS = Mechanism()
_BUILT_IN = ("glove", "glove-6b-50d")
_GENERAL_ONLY = ("score", "temperature", "target_self", "see_self")
_TASK_ONLY = ("heads", "d_k", "d_v", "positions")
_OF_A_MODEL = (*_GENERAL_ONLY, *_TASK_ONLY, "causal", "window", "oov", "tokenizer", "attention")
_OF_A_CHECKPOINT = (*_OF_A_MODEL, "vectors", "inline", "no_cache", "dim", "seed", "target")
_TRANSFORMER_ONLY = ("pair", "truncate")


class Opened(NamedTuple):
    """An Analyser, and the store its words come from; a transformer has none."""

    analyser: "Analyser"
    store: "EmbeddingStore | None"


def may_be_vain(mechanism: Mechanism, name: str) -> bool:
    """Whether it depends on the words if --seed acts: only unknown ones get a random vector."""
    words = mechanism.inline is not None or mechanism.vectors != "random"
    return (
        getattr(mechanism, name) != getattr(DEFAULTS, name)
        and words
        and mechanism.attention == "general"
        and mechanism.model is None
        and not any(option == "--" + name for option, _ in _vain(mechanism))
    )


def _vain(mechanism: Mechanism) -> list[tuple[str, str]]:
    """The options that nothing depends on, each with the reason."""
    m, vain = mechanism, list[tuple[str, str]]()
    is_random = m.vectors == "random" and m.inline is None
    if m.no_cache and (is_random or m.inline is not None or m.vectors in _BUILT_IN):
        vain.append(("--no-cache", "on vectors that are never kept in the cache"))
    if m.oov != DEFAULTS.oov and is_random:
        vain.append(("--oov", "where every word has a random vector"))
    if m.merge and m.model is None:
        vain.append(("--merge", "on words: only a transformer has pieces of them"))
    if m.agg is not None and m.model is None and (m.attention == "general" or m.heads in (None, 1)):
        vain.append(("--agg", "on the one matrix that there is"))
    if m.seed == DEFAULTS.seed or is_random:
        return vain
    if m.model is not None:
        vain.append(("--seed", "here: the model says how unknown words are read"))
    elif m.attention == "general" and m.oov in ("zero", "mean", "skip", "error"):
        vain.append(("--seed", f"with --oov {m.oov}: nothing is random"))
    return vain


def open_analyser(
    mechanism: Mechanism,
    include: frozenset[str] = frozenset(),
    *,
    asked: frozenset[str] = frozenset(),
    whole: bool = True,
    quiet: bool = False,
) -> Opened:
    """The Analyser that the options describe; `include` names optional fields to fill.

    Where a chosen part loses one of the fields that were `asked` for, its record says so.
    Without `whole` a file of vectors is searched for the words of the sentences, not converted;
    `quiet` keeps what there is to say of it.

    Raises: UsageError for options out of range or that exclude each other; what opening the
    vectors or the model raises.
    """
    chosen = _chosen(mechanism)
    for name, where in _vain(mechanism):
        say_vain([name], where, quiet=quiet)
    if is_transformer(mechanism.model):
        layers = None if chosen is None else chosen.layers
        opened = _open_transformer(mechanism, layers, include)
        chosen = None if chosen is None else chosen._replace(layers=None)
    else:
        _reject(mechanism, _TRANSFORMER_ONLY, "only a transformer (--model DIR) has it")
        opened = _open_words(mechanism, include, partial(_opened_store, whole, quiet))
    if chosen is None or chosen == type(chosen)():
        return opened
    from attncli.mechanisms.part import PartAnalyser

    chosen = chosen._replace(asked=asked)
    return opened._replace(analyser=PartAnalyser(opened.analyser, chosen))


def _chosen(mechanism: Mechanism) -> "Part | None":
    """The part that the options choose, if any does. Raises: UsageError."""
    if not (mechanism.chooses or mechanism.merge or mechanism.hide):
        return None
    return part.part_of(
        layer=mechanism.layer,
        head=mechanism.head,
        agg=mechanism.agg,
        merge=mechanism.merge,
        hide=mechanism.hide,
    )


def space_of(opened: Opened) -> "VocabularySpace | None":
    """Where the nearest words of new vectors are: the vocabulary, turned by W_v for task attention."""
    from attncli.embeddings.vocabulary import has_vocabulary

    store = opened.store
    if store is None or not has_vocabulary(store):
        return None
    from attncli.insight.space import VocabularySpace
    from attncli.mechanisms.part import whole

    projections = getattr(whole(opened.analyser), "projections", None)
    if projections is None:
        return VocabularySpace(store)
    return VocabularySpace(store, projections.W_v, projections.landmarks)


def is_transformer(model: str | None) -> bool:
    """Whether --model names a transformer checkpoint, and no file that attn train wrote."""
    if model is None:
        return False
    from pathlib import Path

    path = Path(model)
    if is_file(path):
        from attncli.models.folders import is_weights_of_checkpoint

        return is_weights_of_checkpoint(path)
    from attncli.mechanisms.task import is_shipped

    if is_folder(path):  # a folder that only happens to have the name of our model is none
        return is_file(path / "config.json") or not is_shipped(model)
    from attncli.models.folders import is_checkpoint

    return not is_shipped(model) and ("://" in model or is_checkpoint(model))


def _open_transformer(
    mechanism: Mechanism, layers: tuple[int, ...] | None, include: frozenset[str]
) -> Opened:
    """The Analyser of a transformer checkpoint."""
    from attncli.mechanisms.transformer import open_analyser as open_transformer
    from attncli.models.folders import find_checkpoint

    _reject(mechanism, _OF_A_CHECKPOINT, "the checkpoint says it")
    found = find_checkpoint(mechanism.model or "")
    analyser = open_transformer(
        found.folder,
        found.name,
        layers=layers,
        include=include,
        pair=mechanism.pair,
        truncate=mechanism.truncate,
        max_tokens=mechanism.max_tokens,
    )
    return Opened(analyser, None)


def _opened_store(whole: bool, quiet: bool, mechanism: Mechanism) -> "EmbeddingStore":
    """The store of --vectors or --inline; `whole` when more than a few words are needed."""
    from attncli.cli.vectors.access import open_named

    if mechanism.inline is not None and mechanism.vectors != "glove":
        raise UsageError("found --vectors too, expected one of them", place="--inline")
    return open_named(
        mechanism.vectors,
        dim=mechanism.dim,
        seed=mechanism.seed,
        inline=mechanism.inline,
        whole=whole or mechanism.oov in ("mean", "subword", "nearest"),
        cached=not mechanism.no_cache,
        quiet=quiet,
    )


def _open_words(
    mechanism: Mechanism,
    include: frozenset[str],
    open_store: "Callable[[Mechanism], EmbeddingStore]",
) -> Opened:
    """The Analyser of general or task-specific attention over vectors of words."""
    if mechanism.model is not None:
        return _open_trained(mechanism, mechanism.model, include, open_store)
    if mechanism.target is not None:
        raise UsageError("found no --model, expected both", place="--target")
    if mechanism.attention == "task":
        return _open_untrained(mechanism, include, open_store)
    _reject(mechanism, _TASK_ONLY, "--attention task has it, general attention does not")
    expect_dim(mechanism)
    from attncli.mechanisms.general import GeneralAnalyser
    from attncli.reading.reader import ReadingSettings

    settings = _general_settings(mechanism)
    store = open_store(mechanism)
    reading = ReadingSettings(
        tokenizer=mechanism.tokenizer,
        oov=mechanism.oov,
        seed=mechanism.seed,
        max_tokens=mechanism.max_tokens,
    )
    return Opened(GeneralAnalyser(store, reading, settings, include=include), store)


def _open_trained(
    mechanism: Mechanism,
    model: str,
    include: frozenset[str],
    open_store: "Callable[[Mechanism], EmbeddingStore]",
) -> Opened:
    """The Analyser of a model that attn train wrote."""
    from attncli.mechanisms.task import TaskAnalyser, find_model
    from attncli.reading.layers import for_model

    _reject(mechanism, _OF_A_MODEL, "the model says it")
    expect_dim(mechanism)
    trained = find_model(model)
    vectors = for_model(mechanism.vectors, trained.vectors.name)
    store = open_store(replace(mechanism, vectors=vectors))
    target = mechanism.target
    analyser = TaskAnalyser.of_model(
        trained,
        store,
        target=int(target) if target is not None and opt.is_place(target) else target,
        include=include,
        max_tokens=mechanism.max_tokens,
    )
    return Opened(analyser, store)


def _open_untrained(
    mechanism: Mechanism,
    include: frozenset[str],
    open_store: "Callable[[Mechanism], EmbeddingStore]",
) -> Opened:
    """The Analyser of random matrices."""
    from attncli.attention.projections import random_projections
    from attncli.mechanisms.task import TaskAnalyser
    from attncli.reading.reader import ReadingSettings

    _reject(mechanism, _GENERAL_ONLY, "general attention has it, --attention task does not")
    expect_dim(mechanism)
    m = mechanism
    store = open_store(mechanism)
    layer = random_projections(
        store.dim,
        n_heads=m.heads or 1,
        d_k=m.d_k,
        d_v=m.d_v,
        positions=m.positions,
        causal=m.causal,
        window=m.window,
        seed=m.seed,
    )
    reading = ReadingSettings(
        tokenizer=m.tokenizer, oov=m.oov, seed=m.seed, max_tokens=m.max_tokens
    )
    return Opened(TaskAnalyser(store, layer, reading, include=include), store)


def _reject(mechanism: Mechanism, names: tuple[str, ...], why: str) -> None:
    """Raises: UsageError when one of these options was given a value of its own."""
    for name in names:
        found = getattr(mechanism, name)
        if found != getattr(DEFAULTS, name):
            option = "--no-self" if name == "see_self" else "--" + name.replace("_", "-")
            raise UsageError(f"found it, but {why}", place=option)


def expect_dim(mechanism: Mechanism) -> None:
    """Raises: UsageError for --dim beside vectors that have a size of their own."""
    if mechanism.vectors != "random" or mechanism.inline is not None:
        _reject(mechanism, ("dim",), "only --vectors random has it: other vectors have a size")


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """The command with each parameter that is a group of options spread into these options."""
    hints = get_type_hints(command, include_extras=True)
    groups = {
        name: hint for name, hint in hints.items() if isinstance(hint, type) and is_dataclass(hint)
    }
    spread: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        if name in groups:
            spread += _options(groups[name])
        else:
            annotation = hints.get(name, parameter.annotation)
            spread.append(parameter.replace(annotation=annotation, kind=parameter.KEYWORD_ONLY))

    @wraps(command)
    def call(**given: Any) -> None:
        packed = {
            name: group(**{field.name: given.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        command(**given, **packed)

    call.__signature__ = inspect.Signature(spread)  # type: ignore[attr-defined]  # read by inspect
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in spread}
    return call


def _options(group: type) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(group)
    ]


def _general_settings(options: Mechanism) -> "GeneralSettings":
    from attncli.mechanisms.general import GeneralSettings

    target = options.target_self
    if target is not None:
        place = "--target-self"
        if options.temperature is not None:
            raise UsageError("found --temperature too, expected one of them", place=place)
        if not options.see_self:
            raise UsageError("found --no-self too, expected one of them", place=place)
        if not 0 < target < 1:
            raise UsageError(f"found {target:g}, expected a number between 0 and 1", place=place)
    given = options.temperature
    return GeneralSettings(
        score=options.score,
        temperature=1.0 if given is None else opt.positive(given, "--temperature"),
        target_self=target,
        causal=options.causal,
        window=options.window,
        see_self=options.see_self,
    )
