"""A checkpoint whose file changes its length while it is used ends with a reason, layer by layer."""

import os
from pathlib import Path

import numpy as np
import pytest
from models.made import write_checkpoint

from attncli.errors import DataError
from attncli.models.model import TransformerModel


@pytest.mark.parametrize("family", ["bert", "gpt2"])
@pytest.mark.parametrize("change", [-4096, -1, 1])
def test_a_checkpoint_that_changes_its_length_is_noticed_before_the_next_layer(
    tmp_path: Path, family: str, change: int
) -> None:
    """Known layers too: they are views of the mapped file."""
    folder = write_checkpoint(tmp_path / "d", family)
    model = TransformerModel(folder)
    model.block(0)
    path = folder / "model.safetensors"
    os.truncate(path, path.stat().st_size + change)
    for use in (lambda: model.block(0), lambda: model.tensors.words(np.array([0]))):
        with pytest.raises(DataError, match="changed while it was used"):
            use()


def test_a_checkpoint_that_is_replaced_under_its_name_is_used_to_the_end(tmp_path: Path) -> None:
    """As every downloader does: the old file stays while it is mapped."""
    folder = write_checkpoint(tmp_path / "d")
    model = TransformerModel(folder)
    path = folder / "model.safetensors"
    before = model.tensors.words(np.array([0])).copy()
    (tmp_path / "new").write_bytes(b"short")
    (tmp_path / "new").replace(path)
    model.block(0)
    assert np.array_equal(model.tensors.words(np.array([0])), before)
