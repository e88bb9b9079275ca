r"""Text from outside, made visible: words are shown, never obeyed.

A terminal acts on control characters, and bidi controls reorder a line. `visible` replaces each by
an escape such as `\x1b` or `\u202e`, and doubles the backslash, so that no two texts look alike.
`harmless` does the same at the exits, where text may have been made visible before: it leaves the
backslash, so that it changes nothing when it is applied again. What was probably meant is said by
`did_you_mean`, and `typed` writes an argument as it is typed on every system's command line.
"""

import re
from collections.abc import Iterable

# Characters that are obeyed or not seen, as the inside of a character class.
UNSEEN = (
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u2028\u2029\u202a-\u202e"  # soft hyphen, bidi, zero width
    "\u2060-\u206f\ufeff\ufff9-\uffff\ufdd0-\ufdef"  # invisible operators, BOM, non-characters
    "\ud800-\udfff\U000e0000-\U000e0fff"  # lone surrogates, tags, variation selectors supplement
)
# Patterns are compiled by `re` when they are first used: a start does not wait for them.
_HIDDEN = f"[\\\\{UNSEEN}]"
_UNSEEN = f"[{UNSEEN}]"
_NAMED = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
MARK = "\u200e"  # left-to-right mark: invisible, of no width, stronger than digits and signs
# Letters and digits of the bidi classes R, AL and AN: Hebrew to Arabic Extended-A, and later blocks.
_RIGHT_TO_LEFT = "[\u0590-\u08ff\ufb1d-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
_AT_EXIT = f"{MARK}([^{MARK}]*){MARK}|[{UNSEEN}]"
_IN_PICTURES = f"\u2068([^\u2068\u2069]*)\u2069|[{UNSEEN}]"
_QUOTED = '"([^"]*)"'
_USER_INFO = r"(?<=://)[^\s/?#\"']*@"  # the name and password of a URL
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


def _escape(found: "re.Match[str]") -> str:
    char = found.group()
    code = ord(char)
    if char in _NAMED:
        return _NAMED[char]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def visible(text: str) -> str:
    r"""`text` with nothing in it that a terminal would obey; different texts stay different.

    >>> visible("a\x1b[31m")
    'a\\x1b[31m'
    """
    return re.sub(_HIDDEN, _escape, text)


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
        return _escape(found)
    mark = MARK if re.search(_RIGHT_TO_LEFT, inside) else "\\u200e"
    return mark + re.sub(_UNSEEN, _escape, inside) + mark


def harmless_json(text: str) -> str:
    """JSON in which what a terminal may obey, or nobody sees, is written as escapes of JSON."""
    plain = text.isascii() and "\x7f" not in text
    return text if plain else re.sub(_UNSEEN, _json_escape, text)


def _json_escape(found: "re.Match[str]") -> str:
    units = found.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


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
        return "" if found.group() in "\u2068\u2069" else _escape(found)
    return f"\u2068{re.sub(_UNSEEN, _escape, inside)}\u2069"


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


def without_secrets(text: str) -> str:
    """`text` whose URLs have no names and passwords.

    >>> without_secrets("http://user:secret@host/x")
    'http://…@host/x'
    """
    return re.sub(_USER_INFO, "…@", text) if "://" in text else text


def spelled(text: str, *, formula: bool = False) -> str:
    r"""Text in ASCII: known signs as what they stand for, marks left out, all else as escapes.

    The Greek letters of a `formula` are signs too.

    >>> spelled("a → é")
    'a -> \\xe9'
    """
    table = _SPELLED_FORMULA if formula else _SPELLED
    return text.translate(table).encode("ascii", "backslashreplace").decode()


def quoted(text: str, limit: int = 40) -> str:
    """`text` visible, in double quotes, cut at `limit` characters with its length said.

    >>> quoted("bank")
    '"bank"'
    """
    if len(text) <= limit:
        return f'"{visible(text)}"'
    return f'"{visible(text[:limit])}…" ({len(text)} characters)'


_PLAIN = r"[\w@+=:,./-]+"
_NEAR = 0.7  # of the letters in common, in order: "veiw" is near "view", "money" not near "model"
_ACTS = r'["$`!%\r\n]|\\(?=[\\"$`]|$)'  # in double quotes, in a shell or in cmd.exe


def nearest(given: str, names: Iterable[str]) -> str | None:
    """The one of `names` that `given` is nearly, or None.

    >>> nearest("expalin", ["explain", "compare"])
    'explain'
    """
    from difflib import get_close_matches  # only where something is wrong already

    folded = {name.casefold(): name for name in names}
    near = get_close_matches(given[:200].casefold(), folded, n=1, cutoff=_NEAR)
    return folded[near[0]] if near else None


def did_you_mean(given: str, names: Iterable[str]) -> str:
    """The end of a message: what `given` is nearly, or nothing.

    >>> did_you_mean("taks", ["general", "task"])
    '; did you mean "task"?'
    """
    meant = nearest(given, names)
    return "" if meant is None else f'; did you mean "{meant}"?'


def typed(text: str) -> str:
    """An argument as it is typed: in double quotes, which cmd.exe knows too, where it needs any.

    >>> typed("money bank")
    '"money bank"'
    """
    if re.fullmatch(_PLAIN, text, re.ASCII):
        return text
    import shlex

    return shlex.quote(text) if re.search(_ACTS, text) else f'"{text}"'
