"""One palette for every view: a weight has the same color in each of them, and in every run.

Colors are chosen by the weight alone, on the fixed scale 0 … 1. The ramps are monotone in lightness
and safe for color-blind readers (viridis and magma by Nathaniel Smith and Stéfan van der Walt, CC0;
cividis by Nuñez, Anderton and Renslow 2018; blues and greys, whose low end is the white of paper, by
Cynthia Brewer, Apache 2.0). Terminals of 256 and 16 colors have ramps of their own, because
rounding viridis to the nearest color is no longer monotone. Text on a color is black or white,
whichever contrasts more: always at least 4.5 : 1 (WCAG 2.2, 1.4.3).
"""

from typing import TypeAlias

from attncli.arrays import FloatArray, IntArray
from attncli.settings import Palette

RGB: TypeAlias = tuple[int, int, int]
PaletteName: TypeAlias = Palette

BLACK: RGB = (0, 0, 0)
WHITE: RGB = (255, 255, 255)

_VIRIDIS = (
    "44015446075a470d6047136548186a481d6f482374482878472d7b46327e453781433d844241864046883e4a893c4f8a"
    "3a538b38588c365c8d34608d32648e31688e2f6c8e2d708e2c738e2a778e297b8e277f8e26828e24868e238a8d218e8d"
    "20928c1f968b1f9a8a1f9e891fa18721a58523a98326ad812ab07f2fb47c35b7793bbb7542be714ac16d52c5695ac864"
    "63cb5f6ccd5a75d0547fd34e89d54895d840a0da39aadc32b5de2bc0df25cae11fd5e21adfe318eae51af4e61efde725"
)
_CIVIDIS = (
    "00224e00255400285b002b62002e6a0030700533711235701a386f213b6e273e6e2e416d33446d38476c3c4a6c404c6c"
    "444f6c48526c4c556c50576c545a6d575d6d5b606e5e636f62656f656870696b716c6e727071737374757777767a7a78"
    "7e7d788280798683798a86788e8978928c78958f779992779d9576a19975a59c74a99f73ada272b1a570b6a96fbaac6d"
    "beaf6bc2b369c6b667cbb965cfbd62d4c15fd9c55cddc858e1cc55e6d051ead34cefd748f3db42f8df3cfde334fee838"
)
_MAGMA = (
    "00000402010903031206051a0a08220e0b2b130d34180f3d1d114722115029115a31116538106c3f0f724510774c117a"
    "52137c59157e5f187f651a806b1d81721f817822817e24828426818b2981912b81982d809e2f7fa5317eab337cb2357b"
    "ba3878c03a76c73d73cd4071d3436ed9466bdf4a68e44f64e95462ed5a5ff1605df4675cf66e5cf8765cfa7d5efb8560"
    "fc8c63fd9467fd9b6bfea36ffeaa74feb47bfebb81fec287feca8dfed194fed89afde0a1fde7a9fceeb0fcf6b8fcfdbf"
)
# The nine classes of ColorBrewer; the steps between them are mixed.
_BLUES = (
    "f7fbfff4f9fef1f7fdedf5fceaf3fbe7f1fae4eff9e1edf8deebf7dbe9f6d8e7f5d4e5f4d1e3f3cee1f2cbdff1c8ddf0"
    "c5daefc0d8edbbd6ebb5d4e9b0d2e7abd0e6a6cee4a1cbe29cc9e095c5df8fc2de88bedc82badb7bb7d975b3d86eb0d7"
    "68acd563a9d35ea5d159a2cf549ecd4e9acb4997c94493c73f8fc53b8bc23787c03383be2f7fbc2a7aba2676b82272b6"
    "1f6eb31b6aaf1866ac1562a9125ea60f5aa30c56a008529c084d9708499008458a084184083d7e08387708347108306b"
)
_GREYS = (
    "fffffffdfdfdfbfbfbf9f9f9f7f7f7f5f5f5f4f4f4f2f2f2f0f0f0edededeaeaeae7e7e7e4e4e4e1e1e1dedededbdbdb"
    "d8d8d8d5d5d5d1d1d1cdcdcdcacacac6c6c6c3c3c3bfbfbfbbbbbbb6b6b6b1b1b1acacaca7a7a7a2a2a29d9d9d989898"
    "9494948f8f8f8b8b8b8686868282827e7e7e7979797575757070706c6c6c6868686464646060605b5b5b575757535353"
    "4e4e4e4848484242423d3d3d3737373131312b2b2b2626262121211c1c1c1717171313130e0e0e090909050505000000"
)
# No grays: beside a dark or a light background they would be read as no color at all.
_RAMP_256: dict[str, tuple[int, ...]] = {
    "viridis": (53, 54, 55, 56, 61, 31, 36, 72, 78, 113, 148, 184, 220),
    "cividis": (17, 18, 24, 60, 61, 101, 143, 179, 185, 221, 227),
    "magma": (17, 53, 54, 90, 126, 162, 168, 204, 209, 215, 221, 229),
    "blues": (195, 189, 153, 117, 111, 75, 69, 33, 27, 26, 25, 19, 18),
    "greys": (*range(255, 231, -2),),
}
# blue, cyan, bright green, bright yellow: lightness rises in the usual 16-color schemes
_RAMP_16 = (4, 6, 10, 11)
_CUBE = (0, 95, 135, 175, 215, 255)
_BASIC: dict[int, RGB] = {4: (0, 0, 238), 6: (0, 205, 205), 10: (0, 255, 0), 11: (255, 255, 0)}


def _table(text: str) -> tuple[RGB, ...]:
    codes = bytes.fromhex(text)
    return tuple((codes[i], codes[i + 1], codes[i + 2]) for i in range(0, len(codes), 3))


def mixed(one: RGB, other: RGB, share: float) -> RGB:
    """A color between two: the first at the share 0, the other at 1."""
    red, green, blue = (round(p + (q - p) * share) for p, q in zip(one, other, strict=True))
    return red, green, blue


PALETTES: dict[str, tuple[RGB, ...]] = {
    "viridis": _table(_VIRIDIS),
    "cividis": _table(_CIVIDIS),
    "magma": _table(_MAGMA),
    "blues": _table(_BLUES),
    "greys": _table(_GREYS),
}


def _step(weight: float, steps: int) -> int:
    return min(max(round(weight * (steps - 1)), 0), steps - 1)


def weight_rgb(weight: float, palette: PaletteName = "viridis") -> RGB:
    """The color of a weight in 0 … 1 (values outside are drawn as the nearest end).

    >>> weight_rgb(0.0)
    (68, 1, 84)
    """
    return PALETTES[palette][palette_step(weight, palette)]


def palette_step(weight: float, palette: PaletteName = "viridis") -> int:
    """The place of the color of a weight in its palette, counted from 0."""
    return _step(weight, len(PALETTES[palette]))


def palette_steps(weights: FloatArray, palette: PaletteName = "viridis") -> IntArray:
    """`palette_step` of each weight. Shapes: (…) → (…)."""
    import numpy as np

    from attncli.arrays import nearest_whole

    last = len(PALETTES[palette]) - 1
    return nearest_whole(weights.astype(np.float64) * last, 0, last)


def weight_ansi256(weight: float, palette: PaletteName = "viridis") -> int:
    """The number of the color of a weight on a terminal of 256 colors."""
    ramp = _RAMP_256[palette]
    return ramp[_step(weight, len(ramp))]


def weight_ansi16(weight: float) -> int:
    """The number of the color of a weight on a terminal of 16 colors."""
    return _RAMP_16[_step(weight, len(_RAMP_16))]


def ansi_rgb(number: int) -> RGB:
    """The usual color of one of the terminal colors used here."""
    if number in _BASIC:
        return _BASIC[number]
    if number >= 232:
        return (8 + 10 * (number - 232),) * 3
    red, green, blue = (number - 16) // 36, (number - 16) // 6 % 6, (number - 16) % 6
    return _CUBE[red], _CUBE[green], _CUBE[blue]


def luminance(color: RGB) -> float:
    """Relative luminance, 0 (black) to 1 (white). Source: WCAG 2.2, "relative luminance"."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (channel / 255 for channel in color)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: RGB, other: RGB) -> float:
    """Contrast ratio of two colors, 1 to 21. Source: WCAG 2.2, "contrast ratio"."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def text_on(color: RGB) -> RGB:
    """Black or white, whichever is easier to read on this color."""
    return BLACK if contrast(BLACK, color) > contrast(WHITE, color) else WHITE


def hex_code(color: RGB) -> str:
    """The color as #rrggbb, for HTML and SVG."""
    return "#{:02x}{:02x}{:02x}".format(*color)
