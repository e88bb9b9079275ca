"""Laws of the colors: lightness rises with the weight, and every number can be read."""

import colorsys
from itertools import pairwise

import numpy as np
import pytest

from attncli.views.palette import (
    PALETTES,
    ansi_rgb,
    contrast,
    hex_code,
    luminance,
    text_on,
    weight_ansi16,
    weight_ansi256,
    weight_rgb,
)

WEIGHTS = np.linspace(0, 1, 1001)
NAMES = sorted(PALETTES)
ON_PAPER = {"blues", "greys"}  # from the white of paper to dark


def rising(lights, name):
    """Lights in the order in which they rise."""
    return lights[::-1] if name in ON_PAPER else lights


def _colors(system, name):
    if system == "truecolor":
        return [weight_rgb(w, name) for w in WEIGHTS]
    number = weight_ansi256 if system == "256" else (lambda w, _: weight_ansi16(w))
    return [ansi_rgb(number(w, name)) for w in WEIGHTS]


@pytest.mark.parametrize("system", ["truecolor", "256", "16"])
@pytest.mark.parametrize("name", NAMES)
def test_lightness_rises_with_the_weight(system, name):
    """Monotone in luminance, so that gray prints and color-blind readers see the order.

    Those of paper fall instead, but on terminals of 16 colors, which have one ramp.
    """
    lights = [luminance(color) for color in _colors(system, name)]
    lights = lights if system == "16" else rising(lights, name)
    assert all(one <= other for one, other in pairwise(lights))
    assert lights[-1] > lights[0] + 0.3


@pytest.mark.parametrize("system", ["truecolor", "256", "16"])
@pytest.mark.parametrize("name", NAMES)
def test_text_on_every_cell_can_be_read(system, name):
    """Contrast of at least 4.5 : 1."""
    for color in set(_colors(system, name)):
        assert contrast(text_on(color), color) >= 4.5


@pytest.mark.parametrize("name", NAMES)
def test_the_ends_are_the_ends(name):
    """Values outside 0 … 1 are drawn as the nearest end; 0 and 1 are the first and last color."""
    assert weight_rgb(-0.2, name) == weight_rgb(0, name) == PALETTES[name][0]
    assert weight_rgb(1.7, name) == weight_rgb(1, name) == PALETTES[name][-1]


def hue_and_chroma(color):
    """The hue in degrees, and how far a color is from gray, 0 to 255."""
    hue, _, _ = colorsys.rgb_to_hsv(*(part / 255 for part in color))
    return round(360 * hue), max(color) - min(color)


@pytest.mark.parametrize("system", ["truecolor", "256", "16"])
def test_no_weight_looks_grey(system):
    """Colors run from purple over blue and green to yellow, never back, and none is near gray."""
    found = [hue_and_chroma(color) for color in _colors(system, "viridis")]
    assert all(chroma >= 60 for _, chroma in found)
    assert all(other <= one + 3 for (one, _), (other, _) in pairwise(found))


@pytest.mark.parametrize("name", sorted({*NAMES} - {"greys"}))
def test_terminals_of_few_colors_have_no_grays(name):
    """The ramps of 256 and 16 colors keep away from the gray axis, and no two steps are alike."""
    for system in ("256", "16"):
        colors = _colors(system, name)
        assert all(hue_and_chroma(color)[1] >= 40 for color in colors)
        assert len(set(colors)) >= (10 if system == "256" else 4)


def test_published_colors():
    """viridis begins and ends as published; so does the code of the 256 colors."""
    assert hex_code(weight_rgb(0)) == "#440154"
    assert hex_code(weight_rgb(1)) == "#fde725"
    assert ansi_rgb(231) == (255, 255, 255)
    assert ansi_rgb(232) == (8, 8, 8)
    assert ansi_rgb(16 + 36 * 1 + 6 * 2 + 3) == (95, 135, 175)


def test_contrast_of_black_and_white():
    """21 : 1, and 1 : 1 with itself."""
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((9, 9, 9), (9, 9, 9)) == 1


def simulated(color, kind):
    """A color as a dichromat sees it, in linear light. Source: Viénot, Brettel, Mollon 1999."""
    linear = np.array([c / 255 for c in color]) ** 2.2
    matrices = {
        "protan": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
        "deutan": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
    }
    return np.clip(np.array(matrices[kind]) @ linear, 0, 1)


@pytest.mark.parametrize("kind", ["protan", "deutan"])
@pytest.mark.parametrize("name", NAMES)
def test_color_blind_readers_see_the_order(name, kind):
    """Lightness still rises for readers without red or green cones."""
    lights = [simulated(color, kind) @ [0.2126, 0.7152, 0.0722] for color in PALETTES[name]]
    falls = [one - other for one, other in pairwise(rising(lights, name))]
    assert max(falls) < 0.005
