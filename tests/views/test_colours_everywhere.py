"""One weight has one color: in the terminal, the page, the picture and the document."""

import re
from itertools import pairwise

import numpy as np
import pytest
from views.samples import result_of

from attncli.views.heat_maps import heat_maps
from attncli.views.html import page
from attncli.views.ink import Ink
from attncli.views.latex import latex
from attncli.views.matrix import matrix_lines
from attncli.views.palette import (
    PALETTES,
    ansi_rgb,
    contrast,
    hex_code,
    luminance,
    palette_step,
    palette_steps,
    text_on,
    weight_ansi16,
    weight_ansi256,
    weight_rgb,
)

RESULT = result_of(["money", "bank", "grows"])
EXPECTED = [hex_code(weight_rgb(float(weight))) for weight in RESULT.weights.ravel()]
SCALE = np.linspace(0, 1, 1001)


def test_every_view_gives_a_weight_its_color() -> None:
    """Terminal, HTML, SVG and LaTeX color the nine cells alike."""
    lines = matrix_lines(RESULT.words, RESULT.weights[0, 0], Ink(colors="truecolor"))
    cells = [part.style.bgcolor for line in lines for part in line if part.style]
    assert [color.get_truecolor().hex for color in cells if color is not None] == EXPECTED
    html = page([RESULT])
    rules = dict(re.findall(r"\.attn \.w(\d+)\{background:(#[0-9a-f]{6})", html))
    assert [rules[step] for step in re.findall(r'<td class="w(\d+)"', html)] == EXPECTED
    assert re.findall(r'height="32" fill="(#[0-9a-f]{6})"', heat_maps([RESULT])) == EXPECTED
    assert [
        "#" + code.lower() for code in re.findall(r"cellcolor\[HTML\]\{(\w+)\}", latex([RESULT]))
    ] == EXPECTED


@pytest.mark.parametrize("palette", list(PALETTES))
def test_palettes_are_monotone_in_lightness(palette: str) -> None:
    """A larger weight is never darker: in all colors, in 256 and in 16; on paper never lighter."""
    order = -1 if palette in ("blues", "greys") else 1
    for colors in (
        [weight_rgb(weight, palette) for weight in SCALE][::order],  # type: ignore[arg-type]  # a key
        [ansi_rgb(weight_ansi256(weight, palette)) for weight in SCALE][::order],  # type: ignore[arg-type]
        [ansi_rgb(weight_ansi16(weight)) for weight in SCALE],
    ):
        light = [luminance(color) for color in colors]
        assert all(one <= other for one, other in pairwise(light))
        assert len(set(light)) > 3


@pytest.mark.parametrize("palette", list(PALETTES))
def test_text_on_a_cell_can_be_read(palette: str) -> None:
    """The contrast of text on each color is at least 4.5 : 1."""
    for weight in SCALE:
        colors = (
            weight_rgb(weight, palette),  # type: ignore[arg-type]
            ansi_rgb(weight_ansi256(weight, palette)),  # type: ignore[arg-type]
            ansi_rgb(weight_ansi16(weight)),
        )
        for color in colors:
            assert contrast(color, text_on(color)) >= 4.5


def test_steps_of_arrays_are_those_of_numbers() -> None:
    """The array form chooses the same colors as the form for one weight."""
    assert palette_steps(SCALE).tolist() == [palette_step(weight) for weight in SCALE]
