"""The matrices behind a result: those of its attention, and of what reads a label from it."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from attncli.attention.projections import Projections
    from attncli.models.trained import TrainedModel


class Learned(NamedTuple):
    """What `attn train` learned, or what was drawn at random; nothing of general attention."""

    projections: "Projections | None" = None
    model: "TrainedModel | None" = None


NOTHING = Learned()
