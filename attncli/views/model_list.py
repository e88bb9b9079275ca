"""The models of a machine as lines: what each is called, its family, its size, whose it is."""

from collections.abc import Sequence
from typing import Protocol

from attncli.errors.wording import size_text, visible
from attncli.views.ink import left, width_of

_WIDEST = 60  # columns of a name


class ListedModel(Protocol):
    """What is said of a model."""

    @property
    def name(self) -> str:
        """What `model` takes."""

    @property
    def source(self) -> str:
        """Whose it is."""

    @property
    def family(self) -> str | None:
        """Its family, None where it is not said."""

    @property
    def bytes(self) -> int:
        """How large its weights are."""

    @property
    def readable(self) -> bool:
        """Whether attn reads the family."""


def model_lines(models: Sequence[ListedModel]) -> list[str]:
    """A line a model, in columns; a family that is not read here is marked so."""
    rows = [(visible(model.name), _family(model), size_text(model.bytes)) for model in models]
    widths = [max((width_of(row[at]) for row in rows), default=0) for at in range(3)]
    lines = []
    for model, (name, family, size) in zip(models, rows, strict=True):
        cells = [left(name, min(widths[0], _WIDEST)), left(family, widths[1])]
        lines.append("  ".join([*cells, size.rjust(widths[2]), model.source]))
    return lines


def _family(model: ListedModel) -> str:
    family = "?" if model.family is None else visible(model.family)[:40]
    return family if model.readable else f"{family} (not read here)"
