"""What a notebook shows for a result: the fragment of the HTML page, with its lines and sliders."""

from typing import NamedTuple

from attncli.results.result import AttentionResult
from attncli.settings import Notation, Palette
from attncli.views import html


class Shown(NamedTuple):
    """Results that a notebook shows in a notation and in colors, which with `stretch` go to the
    largest weight at first; elsewhere they say what they are.
    """

    results: tuple[AttentionResult, ...]
    notation: Notation = "words"
    palette: Palette = "viridis"
    stretch: bool = False

    def _repr_html_(self) -> str:
        return "".join(
            html.fragment(
                result, notation=self.notation, palette=self.palette, stretch=self.stretch
            )
            for result in self.results
        )

    def __repr__(self) -> str:
        texts = ", ".join(repr(result.text) for result in self.results)
        return f"Shown({texts}, notation={self.notation!r})"


def notebook_html(result: AttentionResult, notation: Notation = "words") -> str:
    """One result as HTML with its own style and script; without scripts its tables remain."""
    return html.fragment(result, notation=notation)
