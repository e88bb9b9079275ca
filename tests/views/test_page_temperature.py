"""The page's temperature: where there is a slider, its numbers are exact; elsewhere a word says why."""

import re

import numpy as np
import pytest
from models.made import write_model
from views.samples import result_of

from attncli.embeddings.store import FolderStore
from attncli.insight.chosen_part import Part
from attncli.matrices.build import result_from_arrays
from attncli.mechanisms.task import TaskAnalyser
from attncli.mechanisms.transformer import open_transformer
from attncli.models.named import find_model
from attncli.results.result import AttentionResult
from attncli.views.html import page

pytest.importorskip("playwright.sync_api")
from views.browser import Watched, browser, cells, slide  # needs the package above

__all__ = ["browser"]  # the fixture

TEMPERATURES = (0.5, 2.0, 5.0)
FIELDS = frozenset({"embeddings", "query", "key", "scores"})
POOLED = {
    "mean": Part(over=("heads",)),
    "max": Part(over=("heads",), how="max"),
    "mean of all": Part(over=("heads", "layers")),
}


@pytest.fixture(scope="module")
def results(
    tmp_path_factory: pytest.TempPathFactory, glove: FolderStore
) -> dict[str, AttentionResult]:
    """A trained model of 24 heads, and a transformer whose sentence has pieces."""
    pytest.importorskip("tokenizers")
    folder = write_model(tmp_path_factory.mktemp("model"))
    idioms = TaskAnalyser.of_model(find_model("idioms"), glove, include=FIELDS)
    (trained,) = idioms(["that exam was a piece of cake"])
    (layered,) = open_transformer(folder, include=FIELDS)(["money unhappiness bank grows"])
    return {"idioms": trained, "transformer": layered}


def _expected(result: AttentionResult, temperature: float) -> np.ndarray:
    """The softmax of q·k·scale ÷ temperature of each head of the first layer, in plain numpy.

    The learned biases of distances are part of the scores, which the record then has to say.
    """
    query, key = result.query[0].astype(float), result.key[0].astype(float)
    scores = query @ key.swapaxes(-1, -2) * result.attention.scale
    if result.attention.positions == "relative":
        scores = result.scores[0].astype(float)
    scores = scores / temperature
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("name", ["idioms", "transformer"])
@pytest.mark.parametrize("with_scores", [True, False])
def test_each_head_and_their_mean_are_exact(
    browser: Watched,
    results: dict[str, AttentionResult],
    name: str,
    temperature: float,
    with_scores: bool,
) -> None:
    """From the scores, and from the logarithms of the weights where no scores are held."""
    result = results[name]
    expected = _expected(result, temperature)
    shown = (
        result if with_scores else AttentionResult.from_dict({**result.to_dict(), "scores": None})
    )
    tab = browser.open(page([shown]))
    if result.attention.n_layers > 1:
        slide(tab, "layer", 0)
    slide(tab, "temperature", temperature)
    for head in (0, result.attention.n_heads - 1):
        slide(tab, "head", head)
        assert np.abs(cells(tab) - expected[head]).max() < 2e-6
    slide(tab, "mean", True, "checked")
    assert np.abs(cells(tab) - expected.mean(axis=0)).max() < 2e-6


@pytest.mark.parametrize("name", ["idioms", "transformer"])
@pytest.mark.parametrize("part", POOLED)
def test_what_is_pooled_has_no_slider(
    browser: Watched, results: dict[str, AttentionResult], name: str, part: str
) -> None:
    """Its weights are shown as they are, and a word says why there is no other temperature."""
    result = POOLED[part].of(results[name])
    tab = browser.open(page([result]))
    assert tab.query_selector("input[name=temperature]") is None
    assert "No other temperature: " in tab.inner_text(".result")
    assert np.abs(cells(tab) - result.weights[-1, 0]).max() < 1e-6


def test_merged_pieces_have_no_slider(results: dict[str, AttentionResult]) -> None:
    """A sum of columns is no softmax at another temperature; words without pieces are unchanged."""
    merged = Part(merge=True).of(results["transformer"])
    assert "merged" in merged.selection
    assert _reason(merged) == "weights of merged pieces are sums and means of several softmaxes"
    assert _reason(Part(merge=True).of(results["idioms"])) == ""


def test_weights_of_other_tools_have_no_slider_but_scores_have() -> None:
    """A file of weights may hold a mean; scores are what a temperature divides."""
    result = result_of(["money", "bank", "grows"])
    weights = result.weights[0, 0]
    assert "not known" in _reason(result_from_arrays(weights, result.words))
    rows = np.where(np.eye(3) > 0, 0.5, 0.2)
    assert "no softmax" in _reason(result_from_arrays(rows, result.words))


def test_a_weight_that_vanished_is_not_brought_back() -> None:
    """At a low temperature weights become 0 in float32; only the scores know the others."""
    result = result_of(["money", "bank", "grows"], temperature=0.001)
    assert (result.weights == 0).any()
    assert _reason(result) == ""
    bare = result_of(["money", "bank", "grows"], temperature=0.001, with_scores=False)
    assert "too small" in _reason(bare)


def _reason(result: AttentionResult) -> str:
    text = page([result])
    found = re.search(r"No other temperature: (.*?)\.<", text)
    assert ('name="temperature"' in text) == (found is None)
    return "" if found is None else found.group(1)
