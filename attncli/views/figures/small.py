"""Many heat maps of one result as a grid of small ones, among the drawings of a picture."""

from attncli.results.result import AttentionResult
from attncli.views.figures.drawing import drawn
from attncli.views.figures.panels import panels_of
from attncli.views.figures.to_svg import scene_drawing
from attncli.views.figures.wishes import Figure
from attncli.views.svg import Drawing


def small_multiples(result: AttentionResult) -> Drawing:
    """Every layer and head: rows are layers, columns heads, on the scale of all pictures."""
    figure = Figure(numbers=False, legend=False)
    return scene_drawing(drawn(figure, panels_of([result]), 2).scenes[0])
