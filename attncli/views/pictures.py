"""SVG turned into PNG and PDF by two small libraries, each an extra of the package.

The font of pictures, DejaVu Sans Mono, lies beside this file, so that a machine without fonts draws
them too; typst brings it as well. Scripts that it does not hold need a font of the machine.
"""

import re
import struct
import unicodedata
import zlib
from collections.abc import Iterable
from importlib import resources
from types import ModuleType
from typing import NamedTuple
from xml.sax.saxutils import unescape

from attncli.errors import LimitError, MissingExtraError, field_name
from attncli.views.svg import FONT

MAX_PIXELS = 100_000_000  # of a PNG: four bytes each while it is drawn
_SIZE = re.compile(r'<svg[^>]* width="([0-9.]+)" height="([0-9.]+)"')
_COMMON = 0x250  # characters below it, Latin and its accents, are in every font
_NOWHERE = "\U0010fffd"  # of private use
_PROBED = 300
BOX = "□"  # stands where no font has a character
_FONT = "DejaVuSansMono.ttf"
_HEAD = 33  # bytes of the signature and the first part of a PNG, which others may follow
# Where the name of a letter, such as DEVANAGARI VOWEL SIGN II, ends the name of its script.
_SCRIPT = re.compile(
    r"(.+?)(?: \w+)?? (?:LETTER|VOWEL|SIGN|SYLLAB|CHARACTER|UNIFIED|IDEOGRAPH|CONSONANT|TONE|MARK)"
)


class Way(NamedTuple):
    """How pictures become PNG and PDF: pixels for each of the SVG, and how many make an inch on
    paper (None: not said); the points of each page; a title, and a description that nobody sees.
    """

    zoom: float = 2.0
    dots: int | None = None
    points: tuple[tuple[float, float], ...] = ()
    title: str = ""
    description: str = ""


_PLAIN = Way()


def scripts_of(chars: Iterable[str]) -> list[str]:
    """The names of the scripts that letters are of, as Unicode spells them.

    >>> scripts_of("दก")
    ['Devanagari', 'Thai']
    """
    letters = (char for char in chars if unicodedata.category(char)[0] in "LM")
    named = (_SCRIPT.match(unicodedata.name(char, "")) for char in letters)
    return list(
        dict.fromkeys(match.group(1).title().replace("Cjk", "CJK") for match in named if match)
    )


def box_for(char: str) -> str:
    """What stands for a character that no font has; nothing for an accent, which takes no room."""
    return "" if unicodedata.category(char)[0] == "M" else BOX


def rare_characters(svg: str) -> list[str]:
    """The characters in the words of a picture that not every font has, each once."""
    texts = " ".join(re.findall(r"<text[^>]*>(.*?)</text>", svg))
    shown = unescape(re.sub(r"<title>[^<]*</title>|<[^>]*>", "", texts))
    return sorted({char for char in shown if ord(char) >= _COMMON})[:_PROBED]


def scripts_with_spacing_signs(svg: str) -> list[str]:
    """The scripts of a picture whose vowel signs take room of their own, as those of India do.

    typst sets such a sign upon the letter before it.
    """
    return scripts_of(char for char in rare_characters(svg) if unicodedata.category(char) == "Mc")


def _rendered(library: ModuleType, svg: str, zoom: float = 1.0) -> bytes:
    """The picture by resvg-py, with the font of the package beside those of the machine."""
    with resources.as_file(resources.files("attncli.views") / "fonts" / _FONT) as font:
        return bytes(library.svg_to_bytes(svg_string=svg, zoom=zoom, font_files=[str(font)]))


def missing_glyphs(svg: str) -> str:
    """The characters of a picture that no font of this machine has: they would be boxes.

    Each is drawn alone and compared with one that no font can have. Of more than a few hundred the
    rest is not looked at. Raises: MissingExtraError without resvg-py, which draws them.
    """
    try:
        import resvg_py
    except ImportError:
        raise MissingExtraError.of("resvg-py", "looking for fonts") from None

    def drawn(text: str, weight: str) -> bytes:
        return _rendered(resvg_py, _probe(text, weight))

    rare = rare_characters(svg)
    boxes = {weight: drawn(_NOWHERE, weight) for weight in ("normal", "bold")} if rare else {}
    return "".join(
        char for char in rare if any(drawn(char, weight) == box for weight, box in boxes.items())
    )


def png(svg: str, way: Way = _PLAIN) -> bytes:
    """The picture as PNG.

    Raises: MissingExtraError without resvg-py; LimitError for a picture of too many pixels.
    """
    _expect_pixels(svg, way.zoom)
    try:
        import resvg_py
    except ImportError:
        raise MissingExtraError.of("resvg-py", "a PNG picture") from None
    image = _rendered(resvg_py, svg, way.zoom)
    chunks = b""
    if way.dots is not None:
        by_meter = round(way.dots / 0.0254)
        chunks += _chunk(b"pHYs", struct.pack(">IIB", by_meter, by_meter, 1))
    for key, text in (("Title", way.title), ("Description", way.description)):
        if text:
            chunks += _chunk(
                b"iTXt", key.encode() + b"\0\0\0\0\0" + text.encode("utf-8", "replace")
            )
    return image[:_HEAD] + chunks + image[_HEAD:]


def _chunk(kind: bytes, data: bytes) -> bytes:
    """A part of a PNG. Source: PNG (third edition), 5.3."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _expect_pixels(svg: str, zoom: float) -> None:
    """Raises: LimitError when the picture has more than `MAX_PIXELS`."""
    size = _SIZE.search(svg)
    if size is None:
        return
    width, height = (round(float(side) * zoom) for side in size.groups())
    if width * height > MAX_PIXELS:
        choices = ", ".join(map(field_name, ("part.layers", "part.heads", "part.over")))
        raise LimitError(
            f"a PNG would have {width} × {height} pixels, at most {MAX_PIXELS:,} are drawn",
            hints=(f"write .svg, .pdf or .html instead, or choose matrices: {choices}",),
        )


def pdf(*svgs: str, way: Way = _PLAIN) -> bytes:
    """Each picture as a page of its size: vectors, with text that can be searched.

    Raises: MissingExtraError without typst, which brings its own fonts.
    """
    try:
        import typst
    except ImportError:
        raise MissingExtraError.of("typst", "a PDF picture") from None
    sizes = [f", width: {w:.5g}pt, height: {h:.5g}pt" for w, h in way.points] or [""] * len(svgs)
    named = {"title": way.title, "description": way.description}
    said = "".join(f", {name}: {_quoted(text)}" for name, text in named.items() if text)
    source = (
        f"#set document(date: none{said})\n"  # of one input the same bytes, whenever it is drawn
        "#set page(width: auto, height: auto, margin: 0pt)\n"
        + "#pagebreak()\n".join(
            f'#image(bytes({_quoted(svg)}), format: "svg"{size})\n'
            for svg, size in zip(svgs, sizes, strict=True)
        )
    )
    return bytes(typst.compile(source.encode("utf-8"), format="pdf"))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _probe(text: str, weight: str = "normal") -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20" font-size="14" '
        f'font-family="{FONT}" font-weight="{weight}"><text x="2" y="15">{text}</text></svg>'
    )
