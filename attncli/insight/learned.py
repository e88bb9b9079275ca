"""The learned matrices behind a result: W_q, W_k and W_v, and the model that reads a label."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Protocol

    from attncli.attention.parameters import Architecture, Parameters
    from attncli.attention.projections import Projections

    class LabelModel(Protocol):
        """A model that reads a label: its sizes, its matrices, and what the labels are called."""

        @property
        def architecture(self) -> Architecture: ...
        @property
        def parameters(self) -> Parameters: ...
        @property
        def labels(self) -> tuple[str, ...]: ...


class Learned(NamedTuple):
    """What `attn train` learned, or what was drawn at random; nothing of general attention."""

    projections: "Projections | None" = None
    model: "LabelModel | None" = None


NOTHING_LEARNED = Learned()
