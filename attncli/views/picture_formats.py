"""SVGs as files of the other formats of pictures, and what is said of letters without a font."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from attncli.errors import MissingExtraError
from attncli.errors.wording import visible

if TYPE_CHECKING:
    from attncli.views.pictures import Way

SayLost: TypeAlias = Callable[[str], None]  # told a sentence on what a file cannot hold

_NAMED = 12  # characters named in a message


def picture(
    svgs: str | Sequence[str],
    suffix: str,
    say: SayLost | None = None,
    way: "Way | None" = None,
) -> str | bytes:
    """SVGs in the format of a suffix, each a page of a .pdf; of .svg and .png there is one.

    `way` is that of PNG and PDF. Says which characters have no font.
    """
    svgs = [svgs] if isinstance(svgs, str) else svgs
    if suffix == ".svg":
        return svgs[0]
    from attncli.views import pictures

    missing, text = _missing("".join(svgs))
    if say is not None and text:
        say(text)
    # A character without a font would keep others of its line from the fonts that have them.
    boxes = {ord(char): pictures.box_for(char) for char in missing}
    svgs = [svg.translate(boxes) for svg in svgs]
    scripts = pictures.scripts_with_spacing_signs("".join(svgs)) if suffix == ".pdf" else []
    if say is not None and scripts:
        named = ", ".join(scripts[:_NAMED])
        say(
            f"vowel signs of {named} may stand on their letters in a .pdf; .png and .html are right"
        )
    way = way or pictures.Way()
    return pictures.png(svgs[0], way) if suffix == ".png" else pictures.pdf(*svgs, way=way)


def _missing(svg: str) -> tuple[str, str]:
    """The characters that no font can draw, and the note about them and their scripts."""
    from attncli.views import pictures

    try:
        missing = pictures.missing_glyphs(svg)
    except MissingExtraError:
        scripts = pictures.scripts_of(pictures.rare_characters(svg))
        unsure = [name for name in scripts if name not in ("Latin", "Greek", "Cyrillic")]
        if not unsure:
            return "", ""
        return "", (
            f"whether this machine has a font for {', '.join(unsure[:_NAMED])} was not looked at: "
            "that needs resvg-py"
        )
    if not missing:
        return "", ""
    named = " ".join(missing[:_NAMED]) + (" …" if len(missing) > _NAMED else "")
    scripts = pictures.scripts_of(missing)
    of = f" ({', '.join(scripts[:_NAMED])})" if scripts else ""
    return missing, (
        f"no font of this machine has {visible(named)}{of}: boxes stand in their place; "
        ".svg and .html show them wherever there is such a font"
    )
