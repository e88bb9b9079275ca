r"""A scene as a TikZ picture of exactly its size: a part to take in by \input, or a document too.

Letters are those of the document around it; a text wider than its room is made narrower.
"""

from collections.abc import Iterator

from attncli.errors import LimitError
from attncli.errors.wording import visible
from attncli.views.figures.scene import Box, Cells, FigureScene, Segment, Text
from attncli.views.figures.to_svg import OVERLAP, cell_runs
from attncli.views.latex import BEFORE_DOCUMENT, CHARACTERS
from attncli.views.latex_words import DIRECTIONS, latex_escaped
from attncli.views.palette import PALETTES, RGB, hex_code

MOST_PARTS = 20_000  # rectangles and lines: more would fill the memory of TeX
_POINT = 0.75  # big points (1/72 inch) of a pixel
_TEN = 10 * 72 / 72.27  # big points of ten points of TeX, the size that every font has
_ANCHORS = {"start": "base west", "middle": "base", "end": "base east"}
_MACROS = r"""\ifdefined\tikzpicture\else
  \errmessage{This figure needs \string\usepackage{tikz} in the preamble}%
\fi
\def\attnfit#1#2#3{\sbox0{\scalebox{#1}{\fontsize{10}{12}\selectfont #3}}%
  \ifdim\wd0>#2\relax\resizebox{#2}{!}{\usebox0}\else\usebox0\fi}%
\def\attntext#1#2#3#4#5#6#7#8{\definecolor{attn}{HTML}{#6}%
  \node[anchor=#3,rotate=#4,inner sep=0pt,outer sep=0pt,text=attn] at (#1,#2) {\attnfit{#5}{#7}{#8}};}%
\def\attnbox#1#2#3#4{\fill[attn] (#1,#2) rectangle ++(#3,#4);}%
\def\attnline#1#2#3#4#5#6{\draw[attn,line width=#5bp,opacity=#6] (#1,#2) -- (#3,#4);}%
"""


def scene_tex(scene: FigureScene, *, fragment: bool = False, made_by: str = "") -> str:
    """The picture; without `fragment` the file compiles by itself too, to one page of its size.

    Raises: LimitError for more parts than TeX draws.
    """
    body = "\n".join(_parts(scene))
    width, height = _POINT * scene.width, _POINT * scene.height
    head = "% A figure to \\input where the preamble has \\usepackage{tikz}"
    head += ".\n" if fragment else "; alone it compiles as a document.\n"
    head += f"% Made by: {' '.join(made_by.split())}\n" if made_by else ""
    before, end = "", ""
    if not fragment:
        before = (
            BEFORE_DOCUMENT
            + "\\usepackage{tikz}\n"
            + f"\\usepackage[paperwidth={width:.6g}bp,paperheight={height:.6g}bp,margin=0pt]{{geometry}}\n"
            + "\\pagestyle{empty}\n\\def\\attnend{\\end{document}}\n\\begin{document}\n\\noindent\n"
            + "}{\\let\\attnend\\relax}%\n"
        )
        end = "\\attnend\n"
    directions = DIRECTIONS if r"\attnright" in body else ""
    words = f"{CHARACTERS}{directions}".replace("}\n", "}%\n")  # no blanks in the middle of a line
    return (
        f"{head}{before}\\begingroup\n{words}{_MACROS}"
        f"\\begin{{tikzpicture}}[x={_POINT}bp,y=-{_POINT}bp]\n"
        f"\\useasboundingbox (0,0) rectangle ({scene.width:.6g},{scene.height:.6g});\n"
        f"{body}\n\\end{{tikzpicture}}%\n\\endgroup\n{end}"
    )


def _parts(scene: FigureScene) -> Iterator[str]:
    color: RGB | None = None
    count = 0
    for item in scene.items:
        if isinstance(item, Text):
            yield _text(item)
            color = None  # that of the text is the last one defined
            continue
        lines = list(_cells(item) if isinstance(item, Cells) else _box(item))
        own = item.fill if isinstance(item, Box) else getattr(item, "color", None)
        if own is not None and own != color:
            yield _color(own)
        color = own
        yield from lines
        count += len(lines)
        if count > MOST_PARTS:
            raise LimitError(
                f"a TeX picture would have more than {MOST_PARTS:,} parts",
                hints=(r"write a .pdf instead, and take it in by \includegraphics",),
            )


def _text(item: Text) -> str:
    room = _POINT * (item.room or 1e4)
    text = latex_escaped(visible(item.text))
    text = rf"\bfseries {text}" if item.bold else text
    return (
        rf"\attntext{{{item.x:.5g}}}{{{item.y:.5g}}}{{{_ANCHORS[item.anchor]}}}"
        rf"{{{90 if item.turned else 0}}}{{{_POINT * item.size / _TEN:.4g}}}"
        rf"{{{_code(item.color)}}}{{{room:.5g}bp}}{{{text}}}"
    )


def _box(item: Box | Segment) -> Iterator[str]:
    if isinstance(item, Segment):
        yield (
            rf"\attnline{{{item.x:.5g}}}{{{item.y:.5g}}}{{{item.to_x:.5g}}}{{{item.to_y:.5g}}}"
            rf"{{{_POINT * item.width:.3g}}}{{{item.opacity:.3g}}}"
        )
        return
    place = f"({item.x:.5g},{item.y:.5g}) rectangle ++({item.width:.5g},{item.height:.5g})"
    if item.fill is not None:
        yield rf"\attnbox{{{item.x:.5g}}}{{{item.y:.5g}}}{{{item.width:.5g}}}{{{item.height:.5g}}}"
    if item.line is not None:
        yield rf"\definecolor{{attnedge}}{{HTML}}{{{_code(item.line)}}}\draw[attnedge,line width=.5bp] {place};"


def _cells(item: Cells) -> Iterator[str]:
    rows, columns = (max(count, 1) for count in item.shares.shape)
    wide, high = item.width / columns, item.height / rows
    overlap = 0 if item.gaps else OVERLAP
    for step, runs in sorted(cell_runs(item).items()):
        yield _color(PALETTES[item.palette][step])
        for row, start, length in runs:
            x, y = item.x + start * wide, item.y + row * high
            more = overlap * wide if start + length < columns else 0
            down = overlap * high if row + 1 < rows else 0
            yield rf"\attnbox{{{x:.6g}}}{{{y:.6g}}}{{{length * wide + more:.6g}}}{{{high + down:.6g}}}"
    if item.gaps:
        for k in range(max(rows, columns) + 1):
            x, y = item.x + k * wide, item.y + k * high
            if k <= columns:
                yield rf"\draw[white,line width=.75bp] ({x:.6g},{item.y:.6g}) -- ++(0,{item.height:.6g});"
            if k <= rows:
                yield rf"\draw[white,line width=.75bp] ({item.x:.6g},{y:.6g}) -- ++({item.width:.6g},0);"


def _color(color: RGB) -> str:
    return rf"\definecolor{{attn}}{{HTML}}{{{_code(color)}}}%"


def _code(color: RGB) -> str:
    return hex_code(color)[1:].upper()
