"""What stands beside a part of a result is called what it is."""

import pytest

from attncli.attention.projections import random_projections
from attncli.embeddings.store import MemoryStore
from attncli.insight.chosen_part import Part
from attncli.mechanisms.task import TaskAnalyser
from attncli.views.explain import explain_lines
from attncli.views.ink import Ink
from attncli.views.layout import Layout


@pytest.mark.parametrize(
    ("part", "title"),
    [
        (Part(), "new embeddings"),
        (Part(heads=(0,)), "new embeddings, of all heads"),
        (Part(over=("heads",)), "new embeddings, of all heads"),
        (Part(hide=("bank",)), "new embeddings, of the whole sentence"),
        (Part(heads=(1,), hide=("bank",)), "new embeddings, of all heads, of the whole sentence"),
    ],
)
def test_new_embeddings_say_of_what_they_are(
    six_words: MemoryStore, part: Part, title: str
) -> None:
    """Weights of one head, a mean or fewer words stand beside the vectors of all."""
    layer = random_projections(4, n_heads=2)
    (result,) = TaskAnalyser(six_words, layer)(["money bank grows"])
    layout = Layout(sections=("embeddings",))
    text = Ink().rendered(explain_lines(part.of(result), [], Ink(), layout))
    assert title in text.splitlines()
