r"""Words in LaTeX: printed as they are, those of right-to-left scripts in their own direction.

TeX lays letters from left to right. XeLaTeX and LuaLaTeX turn a word that `\attnright` holds, where
the font has its letters; pdfLaTeX prints the code points of such letters, which keep their order.
"""

import re
import unicodedata
from collections.abc import Iterator

from attncli.errors.wording import UNSEEN
from attncli.escape import is_right_to_left

_BLANKS = re.compile("^ | $|(?<= ) ")  # blanks that TeX drops
_UNSEEN = re.compile(f"[{UNSEEN}]")
# Letters of Europe and signs between them, which LaTeX prints in T1 with any engine.
_LETTERS = re.compile("[¡-¬®-¶¸-¿Ā-žȘ-ț–—‘-‚“-„†-•…‰‹›€™]")
_PIECES = re.compile(r'[^\s"]+|[\s"]+')

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "-": "{-}",  # no ligatures
    "[": "{[}",  # a line of a table may be followed by an option or a star
    "]": "{]}",
    "*": "{*}",
    "·": r"\textperiodcentered{}",
}
DIRECTIONS = r"""\ifdefined\XeTeXversion
  \TeXXeTstate=1
  \def\attnright#1#2{\iffontchar\font"#1 \beginR#2\endR\else#2\fi}
  \def\attnleft#1{\beginL#1\endL}
\else\ifdefined\directlua
  \def\attnright#1#2{\iffontchar\font"#1 {\textdir TRT#2}\else#2\fi}
  \def\attnleft#1{{\textdir TLT#1}}
\else
  \def\attnright#1#2{#2}
  \def\attnleft#1{#1}
\fi\fi
"""


def latex_escaped(text: str) -> str:
    r"""Text that LaTeX prints as it is.

    >>> escaped("50%")
    '50\\%'
    """
    kept = {blank.start() for blank in _BLANKS.finditer(text)}
    signs = [r"\ " if at in kept else character(char) for at, char in enumerate(text)]
    return directed(text, signs)


def character(char: str) -> str:
    """One character; its code point where the font lacks it, or where it is invisible."""
    if char in _SPECIAL:
        return _SPECIAL[char]
    if _UNSEEN.fullmatch(char):
        return f"\\texttt{{U+{ord(char):04X}}}"
    if " " <= char <= "~" or "\u00c0" <= char <= "\u00ff":
        return char
    command = "attnletter" if _LETTERS.fullmatch(char) else "attnchar"
    return f"\\{command}{{{ord(char):04X}}}{{{char}}}"


def directed(text: str, signs: list[str]) -> str:
    """The signs of a text's characters, with words of right-to-left scripts in their direction."""
    if not any(map(is_right_to_left, text)):
        return "".join(signs)
    signs = list(signs)
    for start, end in _words(text):
        letters = [at for at in range(start, end) if text[at].isalpha()]
        code = f"{ord(next(text[at] for at in letters if is_right_to_left(text[at]))):04X}"
        if not is_right_to_left(text[letters[0]]):  # a word that begins in another script
            for first, last in _runs(text, start, end, right=True):
                _wrap(signs, first, last, f"\\attnright{{{code}}}{{")
            continue
        for first, last in _runs(text, start, end, right=False):
            _wrap(signs, first, last, "\\attnleft{")
        _wrap(signs, start, end, f"\\attnright{{{code}}}{{")
    return "".join(signs)


def _wrap(signs: list[str], start: int, end: int, opening: str) -> None:
    signs[start] = opening + signs[start]
    signs[end - 1] += "}"


def _words(text: str) -> Iterator[tuple[int, int]]:
    """Words with right-to-left letters, from the first letter or digit to the last."""
    for piece in _PIECES.finditer(text):
        places = [at for at in range(*piece.span()) if _is_right(text[at]) is not None]
        if any(text[at].isalpha() and is_right_to_left(text[at]) for at in places):
            end = places[-1] + 1
            # marks of the last letter
            while end < piece.end() and unicodedata.combining(text[end]):
                end += 1
            yield places[0], end


def _runs(text: str, start: int, end: int, *, right: bool) -> list[tuple[int, int]]:
    """The longest stretches that begin and end with letters of one direction."""
    runs: list[tuple[int, int]] = []
    open_at = None
    for at in range(start, end):
        direction = _is_right(text[at])
        if direction is None:
            continue
        if direction is not right:
            open_at = None
        elif open_at is None:
            open_at = at
            runs.append((at, at + 1))
        else:
            runs[-1] = (open_at, at + 1)
    return runs


def _is_right(char: str) -> bool | None:
    """The direction of a letter or digit; None of a sign. All digits go from left to right."""
    if char.isdigit():
        return False
    if is_right_to_left(char):
        return True
    return False if char.isalpha() else None
