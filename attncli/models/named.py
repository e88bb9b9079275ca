"""What the name of a model means: one that ships with the package, a trained one, a checkpoint."""

from pathlib import Path
from typing import TYPE_CHECKING

from attncli.errors import DataError, UsageError, field_name, setting
from attncli.errors.wording import did_you_mean, quoted, visible
from attncli.files.paths import exists, is_file, is_folder
from attncli.models.shipped import shipped_file, shipped_names

if TYPE_CHECKING:
    from attncli.models.trained import TrainedModel


def find_model(name: str) -> "TrainedModel":
    """The model of a file, or one that ships with the package ("idioms", "lecture").

    Raises: InputError, LimitError, DataError, UsageError when there is no such model.
    """
    from attncli.models.trained import load_model

    path = Path(name)
    if is_shipped(name) and not is_file(path):
        return load_model(shipped_file(name), name)
    if exists(path) or path.suffix or len(path.parts) > 1:
        try:
            return load_model(path)
        except DataError as error:
            if is_file(path.parent / "config.json"):
                what = setting(model=str(path.parent))
                error.hints = (f"{what} opens the checkpoint that this file belongs to",)
            raise
    from attncli.models.alike import or_in_full

    shipped = shipped_names()
    known = ", ".join(shipped)
    raise UsageError(
        f"no model is named {quoted(name)}, expected a file, the folder of a transformer, or one "
        f"of: {known}{visible(or_in_full(name)) or did_you_mean(name, shipped)}",
        place=field_name("model"),
    )


def labeling_model(name: str) -> "TrainedModel":
    """The model of this name, which says a label or how alike two sentences are.

    Raises: UsageError for another; as `find_model`.
    """
    if is_transformer(name):
        raise UsageError(
            "found a transformer or a folder, expected a file that attn train wrote: only it "
            "knows labels",
            place=field_name("model"),
        )
    model = find_model(name)
    expect_outcome_of(model)
    return model


def expect_outcome_of(model: "TrainedModel") -> None:
    """Raises: UsageError for a model that fits weights and says nothing of a sentence."""
    if model.architecture.readout == "weights":
        raise UsageError(
            "this model fits attention weights, it predicts no labels", place=field_name("model")
        )


def expect_labels_of(model: "TrainedModel") -> None:
    """Raises: UsageError for a model that predicts no labels."""
    expect_outcome_of(model)
    if not model.architecture.has_labels:
        raise UsageError(
            "this model compares pairs of sentences, it predicts no labels",
            place=field_name("model"),
        )


def expect_pairs_of(model: "TrainedModel") -> None:
    """Raises: UsageError for a model that gives pairs of sentences no cosine."""
    if model.architecture.pair in (None, "relation"):
        raise UsageError(
            "this model predicts labels or fits weights, expected one that was trained on pairs with "
            "a score, or on pairs alone",
            place=field_name("model"),
        )


def is_shipped(name: str) -> bool:
    """Whether a model of this name ships with the package."""
    return name in shipped_names()


def means_shipped(name: str) -> bool:
    """Whether a name means a model of the package, and no file or checkpoint that is called so."""
    path = Path(name)
    return is_shipped(name) and not is_file(path) and not is_file(path / "config.json")


def is_transformer(name: str | None) -> bool:
    """Whether a name is that of a transformer checkpoint, and of no file that a training wrote."""
    if name is None:
        return False
    path = Path(name)
    if is_file(path):
        from attncli.models.folders import is_gguf, is_weights_of_checkpoint

        return is_weights_of_checkpoint(path) or is_gguf(path)
    if is_folder(path):  # a folder that only happens to have the name of our model is none
        return is_file(path / "config.json") or not is_shipped(name)
    from attncli.models.folders import is_checkpoint, is_in_cache
    from attncli.models.local_stores import is_of_store

    if is_shipped(name):
        return False
    return "://" in name or is_of_store(name) or is_checkpoint(name) or is_in_cache(name)


def is_gguf_file(name: str) -> bool:
    """Whether a name is that of a GGUF file, whose matrices may be quantized."""
    from attncli.models.folders import find_checkpoint, is_gguf

    return is_transformer(name) and is_gguf(find_checkpoint(name).folder)
