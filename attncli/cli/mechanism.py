"""The options that say how a sentence is read and attended to, the same on every command.

`Mechanism` is a group of options: a command takes one parameter of this type and is wrapped in
`grouped`, and typer sees each field as an option. `open_analyser` makes the Analyser they describe:
the one place in the commands that knows all mechanisms.
"""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, get_type_hints

from attncli.cli import options as opt
from attncli.errors import UsageError

if TYPE_CHECKING:
    from attncli.embeddings.store import EmbeddingStore
    from attncli.pipeline import Analyser, GeneralSettings


@dataclass(frozen=True, slots=True)
class Mechanism:
    """Which vectors, which words, which attention."""

    vectors: opt.Vectors = "glove"
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


DEFAULTS = Mechanism()


class Opened(NamedTuple):
    """An Analyser, and the store its words come from."""

    analyser: "Analyser"
    store: "EmbeddingStore"


def open_analyser(mechanism: Mechanism, include: frozenset[str] = frozenset()) -> Opened:
    """The Analyser that the options describe; `include` names optional fields to fill.

    Raises: UsageError for options out of range or that exclude each other; what opening the
    vectors raises.
    """
    from attncli.embeddings.sources import open_vectors
    from attncli.pipeline import GeneralAnalyser
    from attncli.reading import ReadingSettings

    settings = _general_settings(mechanism)
    store = open_vectors(mechanism.vectors, dim=mechanism.dim, seed=mechanism.seed)
    reading = ReadingSettings(
        tokenizer=mechanism.tokenizer,
        oov=mechanism.oov,
        seed=mechanism.seed,
        max_tokens=mechanism.max_tokens,
    )
    return Opened(GeneralAnalyser(store, reading, settings, include=include), store)


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
    from attncli.pipeline import GeneralSettings

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
