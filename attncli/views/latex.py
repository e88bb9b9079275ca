"""Results as a LaTeX document that compiles with pdfLaTeX, XeLaTeX and LuaLaTeX.

Words in scripts that the default fonts lack need XeLaTeX or LuaLaTeX and a font; a character that
the font lacks is printed as its code point, never as nothing.
"""

from collections.abc import Sequence

from attncli.arrays import FloatArray
from attncli.escape import MARK
from attncli.insight.subscripts import Names
from attncli.insight.sums import PLAIN, Sums, sums_of
from attncli.results.names import matrix_name
from attncli.results.result import AttentionResult
from attncli.settings import Notation
from attncli.views.equations import sums_line, terms
from attncli.views.facts import facts_line, model_line
from attncli.views.latex_words import DIRECTIONS, character, directed, latex_escaped
from attncli.views.notation import (
    Signs,
    lecture_equation,
    names_of_result,
    symbols_line,
    weights_title,
)
from attncli.views.palette import RGB, hex_code, text_on, weight_rgb
from attncli.views.predicted import completion_sentence, predicted_sentences

MAX_COLUMNS = 40  # of one table; more words become several tables
_LABEL = 24  # characters of a label at most
_WORD = 40  # of a word in an equation
_SIGNS = {  # of the stages, that fonts of letters lack
    "·": r"\(\cdot\)",
    "−": r"\(-\)",
    "∞": r"\(\infty\)",
    "√": r"\(\surd\)",
    "ᵀ": r"\(^{T}\)",
    "³": r"\(^{3}\)",
    "Σ": r"\(\Sigma\)",
    "α": r"\(\alpha\)",
    "ℓ": r"\(\ell\)",
    "–": "--",
    "↓": r"\(\downarrow\)",
    "█": r"\rule{0.5em}{1.4ex}",
    **dict.fromkeys("└┴┘", "+"),
    "─": "-",
    **{digit: rf"\({{}}_{{{value}}}\)" for value, digit in enumerate("₀₁₂₃₄₅₆₇₈₉")},
}
# One file is a document, and by \input in the body of another one a part of that: LaTeX has made
# \@nodocument the same as \relax there.
BEFORE_DOCUMENT = (
    r"\csname @\expandafter\ifx\csname @nodocument\endcsname\relax second\else first\fi oftwo\endcsname"
    r"""{%
\documentclass{article}
\usepackage{iftex}
\ifPDFTeX
  \usepackage[T1]{fontenc}
  \IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
  \usepackage[utf8]{inputenc}
  \usepackage{textcomp}
\else
  \usepackage{fontspec}
\fi
"""
)
# How a character is printed, or its code point where the font lacks it. In OT1, the encoding of a
# document that names none, what it lacks is taken from the typewriter font, from formulas, and
# letters from T1, of Latin Modern where it is there: T1 of Computer Modern may be bitmaps.
# `\attnletter` is one that the T1 of every LaTeX since 2018 has; what came before has its code point.
CHARACTERS = r"""\ifdefined\Umathchar
  \def\attnchar#1#2{\iffontchar\font"#1 #2\else\texttt{U+#1}\fi}
  \let\attnletter\attnchar
\else
  \def\attnchar#1#2{\texttt{U+#1}}
  \def\attnhas{utf8}\ifx\inputencodingname\attnhas
    \def\attnletter#1#2{\ifcsname u8:\detokenize{#2}\endcsname\attnlatin{#2}\else\texttt{U+#1}\fi}
  \else
    \let\attnletter\attnchar
  \fi
  \def\attnlatin#1{#1}
  \edef\attnhas{\csname f@encoding\endcsname}\def\attnold{OT1}
  \ifx\attnhas\attnold
    \def\attnplain#1{{\fontfamily{cmtt}\fontseries{m}\selectfont\char#1}}
    \def\attncomputer{cmr}
    \def\attnlatin#1{{\fontencoding{T1}\edef\attnhas{\csname f@family\endcsname}%
      \ifx\attnhas\attncomputer\IfFileExists{t1lmr.fd}{\fontfamily{lmr}}{}\fi\selectfont#1}}
    \def\textquotedbl{\attnplain{34}}\def\textquotesingle{\attnplain{13}}\def\textasciigrave{\`{}}
    \def\texttimes{\ensuremath{\times}}\def\textdiv{\ensuremath{\div}}
    \def\textperiodcentered{\ensuremath{\cdot}}\def\textdollar{\ensuremath{\mathdollar}}
    \def\DH{\attnlatin{\char208}}\def\TH{\attnlatin{\char222}}
    \def\dh{\attnlatin{\char240}}\def\th{\attnlatin{\char254}}
  \else
    \def\encodingdefault{T1}\fontencoding{T1}\selectfont
  \fi
\fi
"""
_HEAD = (
    r"""% A document; and by \input a part of another one, with \usepackage[table]{xcolor} and
% \usepackage{graphicx} in its preamble for colors and turned words.
"""
    + BEFORE_DOCUMENT
    + r"""\usepackage[table]{xcolor}
\usepackage{graphicx}
\usepackage[margin=2cm]{geometry}
\def\attnend{\end{document}}
\begin{document}
}{\let\attnend\relax}%
\begingroup
\setlength{\parindent}{0pt}
"""
    + CHARACTERS
    + r"""\ifdefined\rowcolors\else
  \def\cellcolor[#1]#2{}
  \def\textcolor[#1]#2#3{#3}
  \def\colorbox[#1]#2#3{#3 }
\fi
\ifdefined\rotatebox\else
  \def\rotatebox#1#2{#2}
  \def\resizebox#1#2#3{#3}
\fi
"""
)
_END = r"""
\par
\endgroup
\attnend
"""


def latex(
    results: Sequence[AttentionResult],
    *,
    precision: int = 2,
    stages: Sequence[str] = (),
    notation: Notation = "words",
    made_by: str = "",
) -> str:
    """A whole document: the weights as colored tables, the new vectors as equations.

    `stages` are texts of every stage, one for each result; `made_by` is the command for a footer.
    """
    texts = [*stages, *[""] * (len(results) - len(stages))]
    parts = [
        line
        for result, text in zip(results, texts, strict=True)
        for line in (*_lines(result, precision, notation), *_stages(text))
    ]
    return tex_document([*parts, *tex_scale()], made_by)


def tex_document(parts: Sequence[str], made_by: str = "") -> str:
    """A file of these lines that compiles by itself, and as a part of another document."""
    body = "\n".join([*parts, *_footer(made_by)])
    directions = DIRECTIONS if r"\attnright" in body else ""
    return f"{_HEAD}{directions}{body}{_END}"


def _footer(made_by: str) -> list[str]:
    """The command that made the file; nothing where none is said."""
    if not made_by:
        return []
    text = latex_escaped(made_by.replace(MARK, ""))
    return [rf"\medskip\hrule\smallskip{{\footnotesize\sloppy Made by: {{\ttfamily {text}}}\par}}"]


def tex_scale() -> list[str]:
    """The scale of the colors, with its numbers."""
    colors = [weight_rgb(step / 10) for step in range(11)]
    boxes = [
        rf"\colorbox[HTML]{{{_code(color)}}}{{\textcolor[HTML]{{{_code(text_on(color))}}}{{{step / 10}}}}}"
        for step, color in enumerate(colors)
    ]
    return [
        r"\medskip{\footnotesize weight\quad\setlength{\fboxsep}{4pt}%",
        *(f"{b}%" for b in boxes),
        r"\par}",
    ]


def _short(text: str, limit: int = _WORD) -> str:
    """A word, cut where it is long."""
    return latex_escaped(text if len(text) <= limit else text[: limit - 1] + "…")


def _lines(result: AttentionResult, precision: int, notation: Notation) -> list[str]:
    names = None if notation == "words" else names_of_result(result)
    lines = [rf"\section*{{{_title(result.text)}}}", tex_line(facts_line(result))]
    lines += [tex_line(model_line(result))] if model_line(result) else []
    said = [completion_sentence(result), *predicted_sentences(result)]
    lines += [tex_line(text) for text in said if text]
    lines += [tex_line(warning.message) for warning in result.warnings]
    if names is not None and names.words:
        lines.append(rf"{weights_title(names, _IN_TEXT)}.\par")
    keys = result.key_words
    for layer in range(result.attention.n_layers):
        for head in range(result.attention.n_heads):
            name = matrix_name(result, layer, head)
            lines += [rf"\subsection*{{{latex_escaped(name)}}}"] if name else []
            weights = result.weights[layer, head]
            for start in range(0, len(keys), MAX_COLUMNS):
                columns = range(start, min(start + MAX_COLUMNS, len(keys)))
                lines += tex_table(result.words, weights, columns, precision, keys)
            sums = sums_of(result)
            lines += [tex_line(sums_line(result) + ":")] if sums != PLAIN else []
            if names is not None:
                lines += _lecture(names, weights, precision, sums)
                continue
            lines += [
                _equation(result.words, keys, query, weights[query], precision, sums)
                for query in range(len(result.tokens))
            ]
    return lines


def _weight(names: Names, query: int, key: int) -> str:
    return f"w_{{{names.places(query, key)}}}"


def _symbol(letter: str, name: str) -> str:
    return rf"{letter}_{{\mbox{{\scriptsize {_short(name)}}}}}"


def _boxed(text: str) -> str:
    return rf"\mbox{{{_short(text)}}}"


# Symbols inside a formula, and in a line of text.
_IN_FORMULA = Signs(_symbol, _boxed, _weight, r" \cdot ", _boxed)
_IN_TEXT = Signs(
    lambda letter, name: rf"\({_symbol(letter, name)}\)",
    _short,
    lambda names, query, key: rf"\({_weight(names, query, key)}\)",
)


def _lecture(names: Names, weights: FloatArray, precision: int, sums: Sums) -> list[str]:
    """The rows of a matrix in the symbols of the lecture, each followed by its numbers."""
    lines: list[str] = []
    if sums.terms is not None:
        lines.append(symbols_line(names, range(len(names.keys)), sums.terms[0], _IN_TEXT) + r"\par")
    for query in range(len(names.words)):
        rounded = terms(weights[query], digits=precision, beside=precision)
        symbols, numbers = lecture_equation(names, query, rounded, sums, "", _IN_FORMULA)
        lines.append(rf"\({symbols}\)\par")
        lines += [rf"\(\quad {numbers}\)\par"] if numbers else []
    return lines


def _stages(text: str) -> list[str]:
    """Lines of a text in letters of one width, blanks and all."""
    if not text:
        return []
    lines = [
        directed(line, ["~" if c == " " else _SIGNS.get(c) or character(c) for c in line])
        for line in text.replace(MARK, "").rstrip("\n").split("\n")
    ]
    return [r"\medskip{\footnotesize\ttfamily", *[rf"\mbox{{{line}}}\par" for line in lines], "}"]


def _title(text: str) -> str:
    return " ".join(_short(part, _LABEL) for part in text.split(" "))


def tex_line(text: str) -> str:
    """A line of text from outside, on a line of its own."""
    return latex_escaped(text) + r"\par"


def tex_table(
    words: Sequence[str],
    weights: FloatArray,
    columns: range | None = None,
    precision: int = 2,
    keys: Sequence[str] | None = None,
) -> list[str]:
    """The weights as colored numbers, of all columns or some: the `keys`, where they are other words.

    Shapes: weights (n_tokens, n_keys).
    """
    keys = words if keys is None else keys
    columns = range(len(keys)) if columns is None else columns
    turned = [rf"\rotatebox{{60}}{{{_short(keys[key], _LABEL)}}}" for key in columns]
    lines = [
        r"\medskip\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{r{'c' * len(columns)}}}",
        " & ".join(["", *turned]) + r" \\",
    ]
    for query, name in enumerate(words):
        cells = [
            tex_cell(f"{weights[query, key]:.{precision}f}", float(weights[query, key]))
            for key in columns
        ]
        lines.append(" & ".join([_short(name, _LABEL), *cells]) + r" \\")
    return [*lines, r"\end{tabular}}\par\medskip"]


def tex_cell(text: str, weight: float) -> str:
    """A cell of a table in the color of a weight; its text is TeX."""
    color = weight_rgb(weight)
    fill, ink = _code(color), _code(text_on(color))
    return rf"\cellcolor[HTML]{{{fill}}}\textcolor[HTML]{{{ink}}}{{{text}}}"


def _code(color: RGB) -> str:
    return hex_code(color)[1:].upper()


def _equation(
    words: Sequence[str],
    keys: Sequence[str],
    query: int,
    row: FloatArray,
    precision: int,
    sums: Sums,
) -> str:
    """A row as an equation, or as a list of weights where there is none."""
    rounded, name = terms(row, digits=precision, beside=precision), _short(words[query])

    def boxed(place: int) -> str:
        text = rf"\mbox{{{_short(keys[place])}}}"
        return f"v({text})" if sums.terms == "values" else text

    if sums.terms is None:
        listed = rounded.said(r"\ ", boxed, r"\mbox{{the other %d}}")
        weights = r"\); \(".join(listed) or "0"
        return rf"\(\mbox{{{name}}}\): \({weights}\)\par"
    said = rounded.said(r" \cdot ", boxed, r"\mbox{{(the other %d)}}")
    part = "new" if sums.whole else "head"
    return rf"\(\mbox{{{name}}}_{{{part}}} = {' + '.join(said) or '0'}\)\par"
