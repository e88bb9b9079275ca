"""Texts of a terminal as pictures: every stage below a heat map, and the command in a footer.

A picture that is looked at is one piece; a PDF that is printed has its stages on sheets.
"""

import re
from collections.abc import Iterator, Sequence

from attncli.escape import MARK, drawable, isolated
from attncli.views.ink import width_of
from attncli.views.svg import SOFT, Drawing, folded, in_scripts

LINES_OF_A_SHEET = 64
_CHAR, _LINE, _SIZE = 7.23, 17, 12  # pixels: of a character, of a line, of the font
_FOOTER_LINES = 40
_ROW_WIDTH, _GAP = 1000, 40  # of drawings side by side


def footer_drawings(made_by: str) -> list[Drawing]:
    """The command that made a picture, in as many lines as it needs; none where none is said."""
    if not made_by:
        return []
    lines = folded(_isolated(f"Made by: {made_by}"), _FOOTER_LINES)
    return [_drawn(lines, f' fill="{SOFT}"')]


def in_rows(drawings: Sequence[Drawing]) -> list[Drawing]:
    """Drawings side by side, as many in a row as there is room for."""
    rows: list[list[Drawing]] = []
    used: float = _ROW_WIDTH
    for drawing in drawings:
        if not rows or used + _GAP + drawing.width > _ROW_WIDTH:
            rows.append([])
            used = -_GAP
        rows[-1].append(drawing)
        used += _GAP + drawing.width
    return [_beside(row) for row in rows]


def _beside(drawings: Sequence[Drawing]) -> Drawing:
    parts: list[str] = []
    at = 0.0
    for drawing in drawings:
        parts += [f'<g transform="translate({at:g} 0)">', *drawing.parts, "</g>"]
        at += drawing.width + _GAP
    height = max(drawing.height for drawing in drawings)
    return Drawing(at - _GAP, height, tuple(parts))


def text_drawing(text: str) -> Drawing:
    """Lines of a terminal, blanks and all, in letters of one width."""
    return _drawn(_lines(text))


def text_sheets(text: str) -> list[Drawing]:
    """The same on sheets of one size; a stage begins a sheet if it fits one."""
    sheets = [_drawn(lines) for lines in _sheets(text)]
    width = max((sheet.width for sheet in sheets), default=0)
    whole = [Drawing(width, LINES_OF_A_SHEET * _LINE, sheet.parts) for sheet in sheets[:-1]]
    return [*whole, *(Drawing(width, sheet.height, sheet.parts) for sheet in sheets[-1:])]


def _sheets(text: str) -> Iterator[list[str]]:
    """The lines of each sheet, at most `LINES_OF_A_SHEET`."""
    sheet: list[str] = []
    for stage in _stages(_lines(text)):
        if sheet and len(sheet) + len(stage) > LINES_OF_A_SHEET:
            yield sheet
            sheet = []
        sheet += stage
        while len(sheet) > LINES_OF_A_SHEET:
            yield sheet[:LINES_OF_A_SHEET]
            sheet = sheet[LINES_OF_A_SHEET:]
    if sheet:
        yield sheet


def _lines(text: str) -> list[str]:
    return _isolated(text).rstrip("\n").split("\n")


def _isolated(text: str) -> str:
    """Words between the marks of a terminal as words of a picture."""
    return re.sub(f"{MARK}([^{MARK}]*){MARK}", lambda word: isolated(word[1]), text)


def _stages(lines: Sequence[str]) -> Iterator[list[str]]:
    """The lines parted at empty ones; an empty line ends its part."""
    part: list[str] = []
    for line in lines:
        part.append(line)
        if not line:
            yield part
            part = []
    if part:
        yield part


def _drawn(lines: Sequence[str], color: str = "") -> Drawing:
    parts = [
        f'<text y="{_LINE * i + 12}" xml:space="preserve">{in_scripts(drawable(line), _CHAR)}</text>'
        for i, line in enumerate(lines)
        if line
    ]
    width = max((width_of(line) * _CHAR for line in lines), default=0)
    return Drawing(width, _LINE * len(lines), (f'<g font-size="{_SIZE}"{color}>', *parts, "</g>"))
