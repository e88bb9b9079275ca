"""A GGUF model in several files is one model in lists and in what is told of it."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("gguf")
pytest.importorskip("torch")
pytest.importorskip("transformers")

from models.test_gguf_models import in_parts

COUNT = 3
FIRST = f"m-00001-of-{COUNT:05}.gguf"


@pytest.fixture
def stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Path]]:
    """The parts of one model in each store; the cache of Hugging Face has links to them."""
    for name in ("OLLAMA_MODELS", "LLAMA_CACHE", "HF_HUB_CACHE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ATTN_MODELS", str(tmp_path / "own"))
    snapshot = tmp_path / "HF_HUB_CACHE" / "models--org--big" / "snapshots" / "aaa" / "Q8_0"
    places = {
        "hf:org/big/Q8_0/": snapshot,
        "lmstudio:org/big/": tmp_path / ".lmstudio" / "models" / "org" / "big",
        "llama.cpp:": tmp_path / "LLAMA_CACHE",
        "deep/": tmp_path / "own" / "deep",
    }
    found = {}
    for name, folder in places.items():
        folder.mkdir(parents=True)
        parts = in_parts(folder, COUNT)
        (folder / "whole.gguf").unlink()
        if folder == snapshot:
            for number, path in enumerate(parts):
                os.replace(path, tmp_path / f"blob{number}")
                path.symlink_to(tmp_path / f"blob{number}")
        found[name] = parts
    return found


def test_each_store_lists_it_once_with_the_size_of_all(
    stores: dict[str, list[Path]], command: Callable[..., Any]
) -> None:
    """By the name of its first file, which opens it; the facts have each file and all tensors."""
    rows = [line.split() for line in command("model", "list").text.splitlines()]
    listed = {row[0]: row for row in rows if FIRST[:2] in row[0]}
    assert sorted(listed) == sorted(name + FIRST for name in stores)
    for name, parts in stores.items():
        sizes = [path.stat().st_size for path in parts]
        row = listed[name + FIRST]
        assert row[1] == "llama"
        assert f"{sum(sizes) / 1024:.1f}" in row
        facts = json.loads(command("model", "info", name + FIRST, "--json").text)
        assert facts["files"] == [
            {"name": path.name, "bytes": size} for path, size in zip(parts, sizes, strict=True)
        ]
        whole = command("model", "info", name + FIRST, "--width", "100")
        assert all(path.name in whole.text for path in parts)


@pytest.mark.parametrize("number", range(COUNT))
def test_a_part_that_is_missing_is_said_once_a_store(
    stores: dict[str, list[Path]], command: Callable[..., Any], number: int
) -> None:
    """Whichever it is, the first as well; the model is not listed, and those parts that are there name it."""
    for parts in stores.values():
        parts[number].unlink()
    ended = command("model", "list")
    assert ended.code == 0
    assert FIRST[:2] + "0" not in ended.text
    missing = f'"m-{number + 1:05}-of-{COUNT:05}.gguf"'
    assert ended.said.count(missing) == len(stores)
    left = next(path for path in stores["deep/"] if path.exists())
    info = command("model", "info", str(left))
    assert info.code == 6
    assert missing in info.said
