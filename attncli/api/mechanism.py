"""The arguments that say what attention is, and the vectors it is of → their settings, an Analyser."""

from collections.abc import Iterable, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from attncli.api.analysis import Analysis, open_analysis
from attncli.api.presets import with_preset
from attncli.checks.arguments import names_of, one_of_kind, path_of, unexpected
from attncli.checks.choices import checked_choices
from attncli.embeddings.protocols import EmbeddingStore
from attncli.errors import UsageError
from attncli.settings import MATRIX_FIELDS, Choices, Keeps, MechanismSettings

if TYPE_CHECKING:
    from attncli.api.word_vectors import WordVectors
    from attncli.embeddings.given import Vectors
    from attncli.insight.chosen_part import Part
    from attncli.models.trained import TrainedModel


def analysis_of(
    model: "str | PathLike[str] | TrainedModel | None",
    vectors: "Vectors | WordVectors",
    include: Iterable[str],
    part: "Part | None",
    choices: Choices,
    *,
    foresees: bool = True,
    keeps: Keeps = "all",
    paired_by: str | None = None,
) -> Analysis:
    """Attention as these arguments choose it; `foresees`, `keeps` and `paired_by` as `open_analysis`.

    Raises: as `analyser`.
    """
    trained = _trained(model)
    name: Any = model if trained is None else trained.name or "of train"
    settings, store = mechanism_of(name, vectors, choices)
    names = names_of(include, "include")
    expect_part(part)
    return open_analysis(
        settings,
        names,
        part=part,
        store=store,
        foresees=foresees,
        keeps=keeps,
        trained=trained,
        paired_by=paired_by,
    )


def mechanism_of(
    model: str | PathLike[str] | None, vectors: "Vectors | WordVectors", choices: Mapping[str, Any]
) -> tuple[MechanismSettings, EmbeddingStore | None]:
    """The settings that these arguments say, and the store of vectors that are at hand."""
    name, store = vectors_given(vectors, choices.get("inline"))
    if (trained := _trained(model)) is not None:
        error = unexpected(trained, "model", "a path")
        error.hints = ('attncli.save(model, "model.safetensors")',)
        raise error
    path = None if model is None else path_of(model, "model")
    checked = checked_choices(choices, MechanismSettings, matrices=MATRIX_FIELDS)
    settings = MechanismSettings(vectors=name, model=path, **checked)
    if store is not None:  # a preset does not replace it
        settings = with_preset(settings, {*choices, "vectors"})
    return with_preset(settings, choices), store


def _trained(model: Any) -> "TrainedModel | None":
    """A model at hand; None for the name of one, and for whatever else is given."""
    if model is None or isinstance(model, str | PathLike):
        return None
    from attncli.models.trained import TrainedModel

    return model if isinstance(model, TrainedModel) else None


def vectors_given(vectors: Any, inline: Any = None) -> tuple[str, EmbeddingStore | None]:
    """The name of vectors; or the store of those at hand, beside the name of the built-in ones.

    Raises: ArgumentError, DataError; UsageError where they are written out beside.
    """
    if isinstance(vectors, str | bytes | PathLike):
        return path_of(vectors, "vectors"), None
    from attncli.api.word_vectors import open_vectors

    store = open_vectors(vectors).store
    if inline is not None:
        raise UsageError("found vectors too, expected one of them", place="inline")
    return MechanismSettings().vectors, store


def expect_part(part: Any) -> None:
    """Raises: ArgumentError for what is neither a Part nor None."""
    from attncli.insight.chosen_part import Part

    if part is not None:
        one_of_kind(part, "part", Part, "an attncli.Part")
