"""Laws of the equation that a result satisfies, and of what its model says of it."""

from dataclasses import replace

import attncli
from attncli.insight.sums import sums_of
from attncli.results.facts import ModelInfo
from attncli.views.facts import model_line


def test_a_head_of_a_transformer_gives_no_whole_new_vector() -> None:
    """Its sum is one part of the vector after a layer; general attention gives the whole."""
    result = attncli.explain("money bank", vectors="random")
    assert sums_of(result)[:2] == ("embeddings", True)
    of_heads = replace(result, attention=result.attention._replace(kind="transformer"))
    assert sums_of(of_heads)[:2] == ("values", False)


def test_the_three_likeliest_labels_are_shown() -> None:
    """In their order, however many the model knows."""
    shares = {"a": 0.1, "b": 0.4, "c": 0.2, "d": 0.25, "e": 0.05}
    whole = attncli.from_attentions([[1.0]], ["money"])
    told = replace(whole, model=ModelInfo("m", label="b", probabilities=shares))
    assert model_line(told) == "label: b (b 40.0%, d 25.0%, c 20.0%)"
