"""SVG turned into PNG and PDF by two small libraries, each an extra of the package."""

from attncli.errors import MissingExtraError, OutputError

MAX_PIXELS = 100_000_000


def png(svg: str, *, zoom: float = 2.0) -> bytes:
    """The picture as PNG, `zoom` pixels for each pixel of the SVG.

    Raises: MissingExtraError without resvg-py; OutputError when this machine has no font, since
    words would be missing from the picture.
    """
    try:
        import resvg_py
    except ImportError:
        raise MissingExtraError.of("resvg-py", "png", "a PNG picture") from None
    if bytes(resvg_py.svg_to_bytes(svg_string=_probe("M"))) == bytes(
        resvg_py.svg_to_bytes(svg_string=_probe(""))
    ):
        raise OutputError(
            "this machine has no font, so a PNG would have no words",
            hints=("install a font, such as DejaVu Sans Mono, or write .svg or .pdf instead",),
        )
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=zoom))


def pdf(svg: str) -> bytes:
    """The picture as one page of PDF: vectors, with text that can be searched.

    Raises: MissingExtraError without typst, which brings its own fonts.
    """
    try:
        import typst
    except ImportError:
        raise MissingExtraError.of("typst", "pdf", "a PDF picture") from None
    quoted = svg.replace("\\", "\\\\").replace('"', '\\"')
    source = (
        "#set page(width: auto, height: auto, margin: 0pt)\n"
        f'#image(bytes("{quoted}"), format: "svg")\n'
    )
    return bytes(typst.compile(source.encode("utf-8"), format="pdf"))


def _probe(text: str) -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20" font-size="14" '
        f'font-family="monospace"><text x="2" y="15">{text}</text></svg>'
    )
