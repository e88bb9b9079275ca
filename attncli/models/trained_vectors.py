"""The vectors that a model was trained on: others are refused, with what chooses the right ones."""

from attncli.errors import DataError, field_name, setting
from attncli.errors.wording import quoted
from attncli.models.trained import TrainedModel
from attncli.results.facts import VectorsInfo


def require_vectors(model: TrainedModel, given: VectorsInfo) -> None:
    """Refuses vectors that are not those the model was trained on. Raises: DataError."""
    needed = model.vectors
    if needed.dim != given.dim:
        difference = f"{given.dim} values a word, expected {needed.dim}"
    elif needed.sha256 is not None and given.sha256 is not None and needed.sha256 != given.sha256:
        difference = f"sha256 {given.sha256[:12]}…, expected {needed.sha256[:12]}…"
    elif needed.name != given.name and None in (needed.sha256, given.sha256):
        difference = f"another name, expected {quoted(needed.name)}"
    else:
        return
    raise DataError(
        f"the model {quoted(model.name)} was trained on the vectors {quoted(needed.name)}; "
        f"{quoted(given.name)} has {difference}",
        place=field_name("vectors"),
        hints=(_chosen_by(needed),) if needed.name != given.name else (),
    )


def _chosen_by(vectors: VectorsInfo) -> str:
    """What chooses these vectors; of a transformer that is not here, which folder is to be named.

    A model keeps the name of that folder, not where it lay.
    """
    from attncli.models.folders import is_checkpoint

    named = vectors.of_layers
    if named is None or is_checkpoint(named[0]):
        return setting(vectors=vectors.name)
    chosen = setting(vectors=f"model:FOLDER:{named[1]}")
    return f"{chosen} where FOLDER is the path of the transformer {quoted(named[0])}"
