"""What a trained model is, as plain values."""

from typing import Any

from attncli.models.shipped import TRAINED_BY
from attncli.models.trained import TrainedModel


def trained_facts(model: TrainedModel, *, shipped: bool = False) -> dict[str, Any]:
    """Sizes, labels, targets, vectors, how it reads and what came of its training.

    Of a model that is `shipped` with the package the command that trained it, too.
    """
    facts: dict[str, Any] = {
        "name": model.name,
        "kind": "attn train",
        "architecture": model.architecture.to_dict(),
        "parameters": int(model.parameters.flat.size),
        "labels": list(model.labels),
        "targets": list(model.targets),
        "vectors": model.vectors._asdict(),
        "reading": model.reading,
        "training": {k: v for k, v in model.training.items() if k != "sentences"},
        "sha256": model.sha256,
    }
    if model.score_range is not None:
        facts["score_range"] = list(model.score_range)
    return facts | {"trained_by": TRAINED_BY[model.name]} if shipped else facts
