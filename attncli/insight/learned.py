"""The learned matrices behind a result: W_q, W_k and W_v, and the model that reads a label."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from attncli.attention.projections import Projections
    from attncli.models.trained import TrainedModel


class Learned(NamedTuple):
    """What `attn train` learned, or what was drawn at random; nothing of general attention."""

    projections: "Projections | None" = None
    model: "TrainedModel | None" = None


NOTHING = Learned()
