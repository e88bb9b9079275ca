"""The law of parts in a batch: every format keeps which layers and heads were chosen, and in what order."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from models.made import write_model

pytest.importorskip("tokenizers")

CHOICES = [
    ["--layer", "3,1"],
    ["--layer", "0,2", "--head", "3,1"],
    ["--layer", "-1", "--head", "2"],
    ["--head", "1,0", "--agg", "max"],
    ["--agg", "mean"],
    ["--layer", "2,0", "--agg", "mean:layers"],
    ["--agg", "mean:heads,layers", "--merge"],
    ["--head", "3,2", "--hide", "special"],
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A BERT of four layers and four heads."""
    return str(write_model(tmp_path_factory.mktemp("parts") / "bert", num_hidden_layers=4))


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "npz", "parquet", "arrow"])
@pytest.mark.parametrize("choice", CHOICES, ids=" ".join)
def test_every_format_keeps_the_names_of_a_part(
    command: Callable, folder: str, tmp_path: Path, choice: list[str], suffix: str
) -> None:
    """What a batch wrote is read with the layers, heads and numbers that explain gives."""
    if suffix in ("parquet", "arrow"):
        pytest.importorskip("pyarrow")
    text, path = tmp_path / "t.txt", str(tmp_path / f"out.{suffix}")
    text.write_text("the unhappiness grows\nriver bank\n", encoding="utf-8")
    options = ["--model", folder, *choice]
    assert command("batch", str(text), *options, "-o", path).code == 0
    expected = command("explain", "--file", str(text), *options, "--json").text
    found = command("view", path, "--json").text
    pairs = zip(expected.splitlines(), found.splitlines(), strict=True)
    for one, other in ((json.loads(a), json.loads(b)) for a, b in pairs):
        for name in ("layers", "heads", "layers_pooled", "heads_pooled"):
            assert other["selection"].get(name) == one["selection"].get(name)
        np.testing.assert_allclose(other["weights"], one["weights"], atol=2e-6)
