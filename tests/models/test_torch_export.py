"""The export for PyTorch: the code of the documentation gives what attn gives, for every model."""

import itertools
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from attncli.api.exporting import export_model
from attncli.attention.parameters import Architecture, initial_parameters
from attncli.attention.projections import task_attention
from attncli.errors import OutputError, UsageError
from attncli.insight.readout import read_out
from attncli.models.torch_export import torch_bytes
from attncli.models.trained import TrainedModel, save_model
from attncli.results.facts import VectorsInfo

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors")

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "howto" / "torch.md").read_text("utf-8")
READOUTS = ("target", "attention", "mean", "weights")
POSITIONS = ("none", "sinusoidal", "rope", "learned", "relative")
OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"landmarks": 6},
    {"committee": 3, "landmarks": 4},
    {"causal": True},
    {"window": 1},
    {"window": 0, "causal": True},
    {"n_heads": 1, "d_k": 1, "d_v": 1},
    {"d_k": 7, "d_v": 2, "n_heads": 3},
)


def code_of(name: str) -> SimpleNamespace:
    """The names that a block of the page defines, run as it stands there."""
    block = re.search(rf'^```python title="{name}"\n(.*?)^```$', PAGE, re.MULTILINE | re.DOTALL)
    assert block is not None
    names: dict[str, Any] = {}
    exec(compile(block.group(1), name, "exec"), names)
    return SimpleNamespace(**names, lines=block.group(1).splitlines())


TEN, MODULE = code_of("ten_lines.py"), code_of("trained_attention.py")


def model_of(readout: str, positions: str, options: dict[str, Any]) -> TrainedModel:
    """A model of a kind, every axis of another length and no number at zero."""
    sizes = {"n_heads": 2, "d_k": 3, "d_v": 4} | options
    members = 1 if readout == "weights" else sizes.pop("committee", 2)
    architecture = Architecture(
        d_model=5,
        n_labels=0 if readout == "weights" else 3,
        readout=readout,
        positions=positions,
        reach=2,
        max_positions=4,
        **{**sizes, "committee": members},
    )
    rng = np.random.default_rng(3)
    parameters = initial_parameters(architecture, rng)
    parameters.flat += rng.standard_normal(parameters.flat.size).astype(np.float32) * 0.3
    parameters.fixed = {
        name: rng.standard_normal(shape, dtype=np.float32)
        for name, shape in architecture.fixed_shapes().items()
    }
    labels = tuple("abc"[: architecture.n_labels])
    return TrainedModel(architecture, parameters, labels, VectorsInfo("five", 5, 9, "ab" * 32))


def given(model: TrainedModel, x: np.ndarray, target: int) -> tuple[np.ndarray, ...]:
    """Weights, new vectors and probabilities of attn's own code, in float64."""
    attended = task_attention(x, model.projections)
    if model.architecture.readout == "weights":
        return attended.weights, attended.contextual, np.empty(0)
    read = read_out(
        model.parameters, model.architecture, attended.contextual[None], np.array([target])
    )
    return attended.weights, attended.contextual, read.mean[0]


def expect_same(found: Any, model: TrainedModel, x: np.ndarray, target: int) -> None:
    """Holds what torch gives to what attn gives."""
    for theirs, ours in zip(found, given(model, x, target), strict=True):
        numbers = np.empty(0) if theirs is None else theirs.detach().numpy()
        np.testing.assert_allclose(numbers, ours, rtol=0, atol=1e-6)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(
    ("readout", "positions"), list(itertools.product(READOUTS, POSITIONS)), ids="-".join
)
def test_the_module_of_the_page_gives_what_attn_gives(readout, positions, options, tmp_path):
    """Weights, new vectors and probabilities, for every kind of model, to 1e-6."""
    model = model_of(readout, positions, options)
    path = export_model(model, tmp_path / "t.safetensors")
    module = MODULE.TrainedAttention(path).double()
    for n_tokens in (1, 7):
        x = np.random.default_rng(n_tokens).standard_normal((n_tokens, 5))
        x[n_tokens // 2] = 0 if n_tokens > 1 else 1  # a word without a vector
        expect_same(module(torch.from_numpy(x), n_tokens - 1), model, x, n_tokens - 1)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(
    ("readout", "positions"), list(itertools.product(READOUTS, POSITIONS)), ids="-".join
)
def test_the_ten_lines_of_the_page_hold_or_refuse(readout, positions, options, tmp_path):
    """They give what attn gives for the models that the page names, and refuse the others."""
    model = model_of(readout, positions, options)
    path = export_model(model, tmp_path / "t.safetensors")
    masked = options.get("causal") or options.get("window") is not None
    if positions != "relative" or masked or readout in ("mean", "weights"):
        with pytest.raises(ValueError, match="TrainedAttention"):
            TEN.load(path)
        return
    x = np.random.default_rng(1).standard_normal((6, 5))
    about, tensors = TEN.load(path)
    expect_same(TEN.attention(torch.from_numpy(x), about, tensors, 4), model, x, 4)


def test_the_ten_lines_are_ten():
    """The attention of the page has ten lines."""
    start = next(i for i, line in enumerate(TEN.lines) if line.startswith("def attention"))
    assert len(TEN.lines[start + 1 :]) == 10


def test_the_numbers_of_an_export_are_those_of_the_model():
    """Each number of the model is there once, bit for bit, and nothing else."""
    from safetensors.numpy import load

    model = model_of("attention", "relative", {"landmarks": 6})
    tensors = load(torch_bytes(model))
    written = np.sort(np.concatenate([part.reshape(-1) for part in tensors.values()]))
    fixed = [part.reshape(-1) for part in model.parameters.fixed.values()]
    assert written.tobytes() == np.sort(np.concatenate([model.parameters.flat, *fixed])).tobytes()
    assert torch_bytes(model) == torch_bytes(model)


def test_the_metadata_say_what_tensors_do_not(tmp_path):
    """Sizes, masks, labels, and the vectors by name and hash."""
    path = export_model(model_of("target", "none", {"causal": True}), tmp_path / "t.safetensors")
    with safetensors.safe_open(path, "pt") as file:
        about = json.loads(file.metadata()["attention"])
    assert (about["format"], about["heads"], about["committee"]) == (1, 4, 2)
    assert (about["causal"], about["window"], about["pooling"]) == (True, None, "target")
    assert about["scale"] == pytest.approx(3**-0.5)
    assert about["labels"] == ["a", "b", "c"]
    assert about["vectors"] == {"name": "five", "dim": 5, "words": 9, "sha256": "ab" * 32}


def test_a_folder_gets_a_file_and_a_model_is_never_replaced(tmp_path):
    """An export goes into a folder, and is refused where it would replace what it is made of."""
    model = model_of("target", "none", {})
    save_model(model, tmp_path / "m.safetensors")
    before = (tmp_path / "m.safetensors").read_bytes()
    (tmp_path / "out").mkdir()
    written = export_model(tmp_path / "m.safetensors", tmp_path / "out")
    assert written == tmp_path / "out" / "model.safetensors"
    with pytest.raises(UsageError, match="also read here"):
        export_model(tmp_path / "m.safetensors", tmp_path / "m.safetensors")
    with pytest.raises(UsageError, match="attn train wrote"):
        export_model(tmp_path / "out", tmp_path / "t.safetensors")
    with pytest.raises(OutputError):
        export_model(model, tmp_path / "none" / "t.safetensors")
    assert (tmp_path / "m.safetensors").read_bytes() == before


def test_ten_lines_label_as_explain_does(tmp_path):
    """A model that ships, exported, with the vectors of its words: what `explain` says of a sentence."""
    import attncli

    words = "that exam was a piece of cake"
    told = attncli.explain(words, model="idioms", target=6)
    about, tensors = TEN.load(attncli.export_model("idioms", tmp_path / "t.safetensors"))
    kv = attncli.open_vectors(about["vectors"]["name"])
    assert kv.sha256 == about["vectors"]["sha256"]
    x = torch.stack([torch.tensor(kv[word]).double() for word in words.split()])
    weights, new, labels = TEN.attention(x, about, tensors, 6)
    np.testing.assert_allclose(weights.numpy(), told.weights[0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(new.numpy(), told.contextual, rtol=0, atol=1e-6)
    probabilities = dict(zip(about["labels"], labels.tolist(), strict=True))
    assert probabilities == pytest.approx(told.model.probabilities, abs=1e-6)
