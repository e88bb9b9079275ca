"""What a notebook shows for a result: the fragment of the HTML page, with its lines and sliders."""

from attncli.results.result import AttentionResult
from attncli.views import html


def notebook_html(result: AttentionResult) -> str:
    """One result as HTML with its own style and script; without scripts its tables remain."""
    return html.fragment(result)
