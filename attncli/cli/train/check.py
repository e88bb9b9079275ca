"""`attn train --check-grad`: each gradient beside central differences."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from attncli.cli.terminal import write, write_json
from attncli.cli.train.report import json_line
from attncli.errors import NumericError

if TYPE_CHECKING:
    from attncli.attention.parameters import Architecture
    from attncli.settings import TrainingSettings
    from attncli.training.examples import Prepared

_GRADIENT_SENTENCES = 8
_GRADIENT_ENTRIES = 200  # of each parameter


def prove(
    prepared: "Prepared", architecture: "Architecture", settings: "TrainingSettings", json: bool
) -> None:
    """Prints how each gradient agrees. Raises: NumericError when one does not."""
    import numpy as np

    from attncli.attention.parameters import Parameters, initial_parameters
    from attncli.learning.check import AGREES, check_gradients
    from attncli.learning.landmarks import chosen_landmarks, with_landmarks
    from attncli.learning.minibatches import batch_of

    rng = np.random.default_rng(settings.seed)
    start = initial_parameters(architecture, rng, np.float64)
    parameters = Parameters(start.shapes, np.float64)
    parameters.flat[:] = start.flat + rng.standard_normal(start.flat.size) * 0.01
    few = np.arange(min(_GRADIENT_SENTENCES, len(prepared.examples)))
    examples = prepared.examples.pick(few)
    if architecture.landmarks:
        parameters.fixed = chosen_landmarks(examples, architecture.landmarks)
        examples = with_landmarks(examples, parameters)
    batch = batch_of(examples, few)
    batch.vectors = batch.vectors.astype(np.float64)
    wrong = []
    for checked in check_gradients(
        parameters, architecture, batch, entries=_GRADIENT_ENTRIES, rng=rng
    ):
        verdict = "agrees" if checked.agrees else "differs"
        wrong += [] if checked.agrees else [checked.name]
        if json:
            write_json(json_line({**asdict(checked), "agrees": checked.agrees}))
        else:
            shape = "×".join(map(str, checked.shape))
            write(
                f"d_{checked.name:<15} {shape:<12} {checked.entries:>4} entries  "
                f"worst difference {checked.difference:.1e}  {verdict}\n"
            )
    if wrong:
        raise NumericError(
            f"the gradients of {', '.join(wrong)} differ from central differences by more than "
            f"{AGREES:g} of their largest entry"
        )
