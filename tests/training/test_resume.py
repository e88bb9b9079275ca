"""The saved state of a training: whatever stands in it, it is taken up, refused or made anew."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from attncli.errors import AttnError
from attncli.training.resume import load_state, save_state

BELONGS = {"examples": "x", "labels": ["a", "b"], "heads": 2}


def test_a_state_comes_back(tmp_path: Path) -> None:
    """Arrays and facts, for the same training; for another it is refused with 11."""
    path = tmp_path / "m.unfinished"
    save_state(path, {"best": np.arange(3.0)}, "{}", BELONGS)
    arrays, facts = load_state(path, BELONGS)
    assert (arrays["best"].tolist(), facts) == ([0.0, 1.0, 2.0], "{}")
    with pytest.raises(AttnError) as caught:
        load_state(path, {**BELONGS, "later": 1})
    assert caught.value.exit_code == 11


@pytest.mark.parametrize(
    "told",
    [
        "[]",
        "5",
        "null",
        '{"belongs": [], "facts": 1}',
        '{"belongs": 5}',
        '{"belongs": [["a"]]}',
        "[" * 100_000,
        '{"belongs": {"examples": 1' + "0" * 5000 + "}}",
    ],
    ids=range(8),
)
def test_a_state_of_another_content_is_no_bug(tmp_path: Path, told: str) -> None:
    """Right as a file, but not what attn writes: 5 or 11."""
    path = tmp_path / "m.unfinished"
    path.write_bytes(save({"best": np.zeros(3)}, {"attn-training": told}))
    with pytest.raises(AttnError) as caught:
        load_state(path, BELONGS)
    assert caught.value.exit_code in (5, 11)


@pytest.mark.parametrize("header", ["[]", "{}", '{"__metadata__": []}', '{"__metadata__": 5}', "1"])
def test_a_damaged_header_is_no_bug(tmp_path: Path, header: str) -> None:
    """Whatever JSON stands in it."""
    path = tmp_path / "m.unfinished"
    content: Any = header.encode()
    path.write_bytes(len(content).to_bytes(8, "little") + content)
    with pytest.raises(AttnError) as caught:
        load_state(path, json.loads(json.dumps(BELONGS)))
    assert caught.value.exit_code == 5
