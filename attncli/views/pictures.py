"""SVG turned into PNG and PDF by two small libraries, each an extra of the package."""

import re
from xml.sax.saxutils import unescape

from attncli.errors import LimitError, MissingExtraError, OutputError
from attncli.views.svg import FONT

MAX_PIXELS = 100_000_000  # of a PNG: four bytes each while it is drawn
_SIZE = re.compile(r'<svg[^>]* width="([0-9.]+)" height="([0-9.]+)"')
_COMMON = 0x250  # characters below it, Latin and its accents, are in every font
_NOWHERE = "\U0010fffd"  # of private use
_PROBED = 300


def missing_glyphs(svg: str) -> str:
    """The characters of a picture that no font of this machine has: they would be boxes.

    Each is drawn alone and compared with one that no font can have. Nothing is found missing
    without resvg-py, which draws them, and of more than a few hundred the rest is not looked at.
    """
    try:
        import resvg_py
    except ImportError:
        return ""

    def drawn(text: str, weight: str) -> bytes:
        return bytes(resvg_py.svg_to_bytes(svg_string=_probe(text, weight)))

    shown = unescape(" ".join(re.findall(r"<text[^>]*>(?:<title>[^<]*</title>)?([^<]*)", svg)))
    rare = sorted({char for char in shown if ord(char) >= _COMMON})[:_PROBED]
    boxes = {weight: drawn(_NOWHERE, weight) for weight in ("normal", "bold")} if rare else {}
    return "".join(
        char for char in rare if any(drawn(char, weight) == box for weight, box in boxes.items())
    )


def png(svg: str, *, zoom: float = 2.0) -> bytes:
    """The picture as PNG, `zoom` pixels for each pixel of the SVG.

    Raises: MissingExtraError without resvg-py; OutputError when this machine has no font, since
    words would be missing from the picture; LimitError for a picture of too many pixels.
    """
    _expect_pixels(svg, zoom)
    try:
        import resvg_py
    except ImportError:
        raise MissingExtraError.of("resvg-py", "a PNG picture") from None
    if bytes(resvg_py.svg_to_bytes(svg_string=_probe("M"))) == bytes(
        resvg_py.svg_to_bytes(svg_string=_probe(""))
    ):
        raise OutputError(
            "this machine has no font, so a PNG would have no words",
            hints=("install a font, such as DejaVu Sans Mono, or write .svg or .pdf instead",),
        )
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=zoom))


def _expect_pixels(svg: str, zoom: float) -> None:
    """Raises: LimitError when the picture has more than `MAX_PIXELS`."""
    size = _SIZE.search(svg)
    if size is None:
        return
    width, height = (round(float(side) * zoom) for side in size.groups())
    if width * height > MAX_PIXELS:
        raise LimitError(
            f"a PNG would have {width} × {height} pixels, at most {MAX_PIXELS:,} are drawn",
            hints=(
                "write .svg, .pdf or .html instead, or choose matrices: --layer, --head, --agg",
            ),
        )


def pdf(svg: str) -> bytes:
    """The picture as one page of PDF: vectors, with text that can be searched.

    Raises: MissingExtraError without typst, which brings its own fonts.
    """
    try:
        import typst
    except ImportError:
        raise MissingExtraError.of("typst", "a PDF picture") from None
    quoted = svg.replace("\\", "\\\\").replace('"', '\\"')
    source = (
        "#set page(width: auto, height: auto, margin: 0pt)\n"
        f'#image(bytes("{quoted}"), format: "svg")\n'
    )
    return bytes(typst.compile(source.encode("utf-8"), format="pdf"))


def _probe(text: str, weight: str = "normal") -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20" font-size="14" '
        f'font-family="{FONT}" font-weight="{weight}"><text x="2" y="15">{text}</text></svg>'
    )
