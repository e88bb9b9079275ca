"""One palette for every view: a weight has the same color in each of them, and in every run.

Colors are chosen by the weight alone, on the fixed scale 0 … 1. The ramps are monotone in lightness
and safe for color-blind readers (viridis by Nathaniel Smith and Stéfan van der Walt, CC0; cividis by
Nuñez, Anderton and Renslow 2018). Terminals of 256 and 16 colors have ramps of their own, because
rounding viridis to the nearest color is no longer monotone. Text on a color is black or white,
whichever contrasts more: always at least 4.5 : 1 (WCAG 2.2, 1.4.3).
"""

from typing import Literal, TypeAlias

from attncli.arrays import FloatArray, IntArray

RGB: TypeAlias = tuple[int, int, int]
PaletteName: TypeAlias = Literal["viridis", "cividis"]

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
# No grays: beside a dark or a light background they would be read as no color at all.
_RAMP_256 = {
    "viridis": (53, 54, 55, 56, 61, 31, 36, 72, 78, 113, 148, 184, 220),
    "cividis": (17, 18, 24, 60, 61, 101, 143, 179, 185, 221, 227),
}
# blue, cyan, bright green, bright yellow: lightness rises in the usual 16-color schemes
_RAMP_16 = (4, 6, 10, 11)
_CUBE = (0, 95, 135, 175, 215, 255)
_BASIC: dict[int, RGB] = {4: (0, 0, 238), 6: (0, 205, 205), 10: (0, 255, 0), 11: (255, 255, 0)}


def _table(text: str) -> tuple[RGB, ...]:
    codes = bytes.fromhex(text)
    return tuple((codes[i], codes[i + 1], codes[i + 2]) for i in range(0, len(codes), 3))


PALETTES: dict[str, tuple[RGB, ...]] = {"viridis": _table(_VIRIDIS), "cividis": _table(_CIVIDIS)}


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
