"""What a trained model is, as plain values."""

from dataclasses import asdict
from typing import Any

from attncli.models.trained import TrainedModel


def trained_facts(model: TrainedModel) -> dict[str, Any]:
    """Sizes, labels, targets, vectors, how it reads and what came of its training."""
    return {
        "name": model.name,
        "kind": "attn train",
        "architecture": asdict(model.architecture),
        "parameters": int(model.parameters.flat.size),
        "labels": list(model.labels),
        "targets": list(model.targets),
        "vectors": model.vectors._asdict(),
        "reading": model.reading,
        "training": {k: v for k, v in model.training.items() if k != "sentences"},
        "sha256": model.sha256,
    }
