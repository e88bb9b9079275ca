r"""Text from outside, made visible: words are shown, never obeyed.

A terminal acts on control characters, and bidi controls reorder a line. `visible` replaces each by
an escape such as `\x1b` or `\u202e`, and doubles the backslash, so that no two texts look alike.
"""

import re

_HIDDEN = re.compile(
    "[\\\\\x00-\x1f\x7f-\x9f"  # backslash, C0, DEL, C1
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u2028\u2029\u202a-\u202e"  # soft hyphen, bidi, zero width
    "\u2060-\u206f\ufeff\ufff9-\uffff\ufdd0-\ufdef"  # invisible operators, BOM, non-characters
    "\ud800-\udfff\U000e0000-\U000e0fff]"  # lone surrogates, tags, variation selectors supplement
)
_NAMED = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


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
    return _HIDDEN.sub(_escape, text)


def quoted(text: str, limit: int = 40) -> str:
    """`text` visible, in double quotes, cut at `limit` characters with its length said.

    >>> quoted("bank")
    '"bank"'
    """
    if len(text) <= limit:
        return f'"{visible(text)}"'
    return f'"{visible(text[:limit])}…" ({len(text)} characters)'
