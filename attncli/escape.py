r"""Text on its way out, to a terminal, a picture or a page: words are shown, never obeyed.

`harmless` escapes at the exits what a terminal would obey, where text may have been made visible
before: it leaves the backslash, so that it changes nothing when it is applied again. Words of
right-to-left scripts are set apart, so that what stands beside them keeps its place.
"""

import re

from attncli.errors.wording import UNSEEN, escape_of, visible

# Patterns are compiled by `re` when they are first used: a start does not wait for them.
_UNSEEN = f"[{UNSEEN}]"
MARK = "\u200e"  # left-to-right mark: invisible, of no width, stronger than digits and signs
# Letters and digits of the bidi classes R, AL and AN: Hebrew to Arabic Extended-A, and later blocks.
_RIGHT_TO_LEFT = "[\u0590-\u08ff\ufb1d-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
_AT_EXIT = f"{MARK}([^{MARK}]*){MARK}|[{UNSEEN}]"
_IN_PICTURES = f"\u2068([^\u2068\u2069]*)\u2069|[{UNSEEN}]"
_QUOTED = '"([^"]*)"'
# The signs of the views and of help, where Unicode cannot be shown.
_SIGNS = {
    **{MARK: "", "·": "*", "√": "sqrt ", "−": "-", "…": "...", "–": "-", "—": "-", "→": "->"},
    **{"×": "x", "÷": "/", "∞": "inf", "↓": "down", "±": "+-", "≤": "<=", "≥": ">=", "⚠": "!"},
    **{"“": '"', "”": '"', "‘": "'", "’": "'", "³": "^3", "ᵀ": "^T"},
}
# Signs in formulas; in Greek words they are letters, and a word may hold small digits.
_LETTERS = {
    "τ": "T",
    "Σ": "sum",
    "ℓ": "l",
    "α": "a",
    **{d: str(i) for i, d in enumerate("₀₁₂₃₄₅₆₇₈₉")},
}
_SPELLED = str.maketrans(_SIGNS)
_SPELLED_FORMULA = str.maketrans(_SIGNS | _LETTERS)


def harmless(text: str) -> str:
    r"""`text` as it may leave: what `visible` escapes is escaped, what it has escaped stays.

    Marks that `set_apart` puts around a word of a right-to-left script stay too.

    >>> harmless("a\x1b[31m") == harmless(visible("a\x1b[31m"))
    True
    """
    return (
        text if text.isascii() and text.isprintable() else re.sub(_AT_EXIT, _escape_at_exit, text)
    )


def _escape_at_exit(found: "re.Match[str]") -> str:
    inside = found.group(1)
    if inside is None:
        return escape_of(found)
    mark = MARK if re.search(_RIGHT_TO_LEFT, inside) else "\\u200e"
    return mark + re.sub(_UNSEEN, escape_of, inside) + mark


def set_apart(text: str) -> str:
    """A word for a line of a terminal: signs and numbers beside it keep their places.

    A word of a right-to-left script stands between two left-to-right marks, which terminals of
    every age know (isolates are newer) and which take no room. Source: UAX #9.
    """
    return f"{MARK}{text}{MARK}" if re.search(_RIGHT_TO_LEFT, text) else text


def quotes_apart(text: str) -> str:
    """A message whose words in double quotes are set apart: the list of them keeps its order."""
    return re.sub(_QUOTED, lambda found: f'"{set_apart(found.group(1))}"', text)


def isolated(text: str) -> str:
    """Text for a line of a picture or page: in a direction of its own, which its letters choose.

    Only text with letters of a right-to-left script is put between FSI and PDI. Source: UAX #9.
    """
    return f"\u2068{text}\u2069" if re.search(_RIGHT_TO_LEFT, text) else text


def quotes_isolated(text: str) -> str:
    """A message whose words in double quotes are isolated, as `quotes_apart` sets them apart."""
    return re.sub(_QUOTED, lambda found: f'"{isolated(found.group(1))}"', text)


def is_right_to_left(char: str) -> bool:
    """Whether a character is a letter, a mark or a digit of a right-to-left script."""
    return re.match(_RIGHT_TO_LEFT, char) is not None


def apart(text: str) -> str:
    """A word made visible, and isolated."""
    return isolated(visible(text))


def drawable(text: str) -> str:
    """`text` as it may stand in a picture: as `harmless` lets it leave, with whole isolates.

    No character is left that XML forbids.
    """
    return re.sub(_IN_PICTURES, _escape_in_picture, text)


def _escape_in_picture(found: "re.Match[str]") -> str:
    inside = found.group(1)
    if inside is None:
        return "" if found.group() in "\u2068\u2069" else escape_of(found)
    return f"\u2068{re.sub(_UNSEEN, escape_of, inside)}\u2069"


def whole_marks(lines: list[str]) -> list[str]:
    """The lines of a folded text: a word that runs over a line's end is set apart on both."""
    if MARK not in "".join(lines):
        return lines
    mended, is_open = [], False
    for line in lines:
        if is_open:
            start = len(line) - len(line.lstrip(" "))
            line = line[:start] + MARK + line[start:]
        is_open = line.count(MARK) % 2 == 1
        mended.append(line + MARK if is_open else line)
    return mended


def spelled(text: str, *, formula: bool = False) -> str:
    r"""Text in ASCII: known signs as what they stand for, marks left out, all else as escapes.

    The Greek letters of a `formula` are signs too.

    >>> spelled("a → é")
    'a -> \\xe9'
    """
    table = _SPELLED_FORMULA if formula else _SPELLED
    return text.translate(table).encode("ascii", "backslashreplace").decode()
