"""What a training makes small: the loss of a batch, whatever is learned of it."""

from typing import NamedTuple

from attncli.arrays import FloatArray
from attncli.learning.gradients import Forward
from attncli.learning.losses import contrastive, cross_entropy, squared_error, weights_loss
from attncli.learning.minibatches import Batch
from attncli.settings import TrainingSettings


class Objective(NamedTuple):
    """How losses are taken: the weight of each label, its smoothing, the temperature of matches."""

    label_weights: FloatArray | None = None
    smoothing: float = 0.0
    temperature: float = TrainingSettings().pair_temperature


def loss_of(
    step: Forward,
    batch: Batch,
    objective: Objective = Objective(),  # noqa: B008 - a tuple
) -> tuple[float, FloatArray, float]:
    """The loss, the slope that `step.backward` takes, and how far off the worst given weight is.

    Raises: ValueError for a batch in which there is nothing to learn.
    """
    if step.cosines is not None:
        if batch.scores is not None:
            return *squared_error(step.cosines, batch.scores), 0.0
        return *contrastive(step.cosines, objective.temperature, batch.same), 0.0
    if step.logits is not None and batch.labels is not None:
        loss, d_logits = cross_entropy(
            step.logits,
            batch.labels,
            label_weights=objective.label_weights,
            smoothing=objective.smoothing,
        )
        return loss, d_logits, 0.0
    if batch.weights is None:
        raise ValueError("a batch needs labels, scores, pairs or given weights to have a loss")
    return weights_loss(step.weights, batch.weights)
