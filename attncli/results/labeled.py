"""What one model says of many sentences, as arrays; a ModelInfo is made when one is asked for."""

from collections.abc import Sequence
from typing import NamedTuple, overload

import numpy as np

from attncli.arrays import FloatArray, IntArray
from attncli.results.facts import ModelInfo


class LabelingModel(NamedTuple):
    """The model and its labels; without `by_target` it reads whole sentences."""

    name: str
    sha256: str | None
    labels: tuple[str, ...]
    by_target: bool = True


class Labeled(Sequence[ModelInfo]):
    """The labels of B sentences by the tokens `targets` (B,), −1 where there is none and no label.

    `likely` (B, n_labels) has the probability of each label, anything where there is no target.
    """

    __slots__ = ("likely", "model", "targets")

    def __init__(self, model: LabelingModel, targets: IntArray, likely: FloatArray) -> None:
        self.model, self.targets, self.likely = model, targets, likely

    def __len__(self) -> int:
        return len(self.targets)

    @overload
    def __getitem__(self, i: int) -> ModelInfo: ...
    @overload
    def __getitem__(self, i: slice) -> "Labeled": ...
    def __getitem__(self, i: int | slice) -> "ModelInfo | Labeled":
        if isinstance(i, slice):
            return Labeled(self.model, self.targets[i], self.likely[i])
        name, sha256, labels, by_target = self.model
        if (target := int(self.targets[i])) < 0:
            return ModelInfo(name, sha256)
        likely = self.likely[i].tolist()
        named = dict(zip(labels, likely, strict=True))
        return ModelInfo(
            name, sha256, labels[likely.index(max(likely))], named, target if by_target else None
        )

    @classmethod
    def joined(cls, stacks: Sequence[Sequence[ModelInfo] | None]) -> "Labeled | None":
        """Those of stacks, in their order, where one model labeled all of them."""
        some = [models for models in stacks if isinstance(models, Labeled)]
        if not some or len(some) < len(stacks) or any(s.model != some[0].model for s in some):
            return None
        targets = np.concatenate([models.targets for models in some])
        return cls(some[0].model, targets, np.concatenate([models.likely for models in some]))
