r"""How what is said is written: words from outside are shown, never obeyed.

A terminal acts on control characters, and bidi controls reorder a line. `visible` replaces each by
an escape such as `\x1b` or `\u202e`, and doubles the backslash, so that no two texts look alike. What
was probably meant is said by `did_you_mean`, and `typed` writes an argument as it is typed on every
system's command line.
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
_ADDRESS = r"\w://[^\s\"']*"
# The name and password of a URL; a slash in a password should be written as %2F, and may not be.
_USER_INFO = r"(?<=://)(?:[^/?#]*@|[^/?#:]*:(?!\d+/).*@)"
_QUERY = r"(?<=[?&;])([^=&;#]+)=[^&;#]+"  # what an address is signed with, among others
_PLAIN = r"[\w@+=:,./-]+"
_NEAR = 0.7  # of the letters in common, in order: "veiw" is near "view", "money" not near "model"
_ACTS = r'["$`!%\r\n]|\\(?=[\\"$`]|$)'  # in double quotes, in a shell or in cmd.exe


def escape_of(found: "re.Match[str]") -> str:
    """The escape of one character."""
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
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text  # and no pattern is compiled for it
    return re.sub(_HIDDEN, escape_of, text)


def quoted(text: str, limit: int = 40) -> str:
    """`text` visible, in double quotes, cut at `limit` characters with its length said.

    >>> quoted("bank")
    '"bank"'
    """
    if len(text) <= limit:
        return f'"{visible(text)}"'
    return f'"{visible(text[:limit])}…" ({len(text)} characters)'


def size_text(n_bytes: int) -> str:
    """A number of bytes in units people read.

    >>> size_text(160_000_000_000)
    '149.0 GiB'
    """
    if n_bytes < 1024:
        return f"{n_bytes} bytes"
    amount, units = n_bytes / 1024, ["KiB", "MiB", "GiB", "TiB"]
    while amount >= 1024 and len(units) > 1:
        amount, units = amount / 1024, units[1:]
    return f"{amount:.1f} {units[0]}"


def counted_as(count: int, name: str) -> str:
    """A number with its name: "1 label", "1,200 labels"."""
    return f"{count:,} {name}{'' if count == 1 else 's'}"


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


def without_secrets(text: str) -> str:
    """`text` whose URLs have no names, passwords and signatures.

    >>> without_secrets("http://user:secret@host/x?key=1")
    'http://…@host/x?key=…'
    """
    return re.sub(_ADDRESS, _public_address, text) if "://" in text else text


def _public_address(found: "re.Match[str]") -> str:
    return re.sub(_QUERY, r"\1=…", re.sub(_USER_INFO, "…@", found.group()))


def apart_from_secrets(text: str, address: str) -> str:
    """`text` without what `address` keeps secret, also where it stands without its `://`.

    >>> apart_from_secrets("no file /user:secret@host/x", "memory://user:secret@host/x")
    'no file /…@host/x'
    """
    text = without_secrets(text)
    for secret in re.findall(_USER_INFO, address):
        text = re.sub(re.escape(secret), "…@", text, flags=re.IGNORECASE)
    for part in re.finditer(_QUERY, address):
        text = re.sub(re.escape(part.group()), f"{part.group(1)}=…", text, flags=re.IGNORECASE)
    return text


def harmless_json(text: str) -> str:
    """JSON in which what a terminal may obey, or nobody sees, is written as escapes of JSON."""
    plain = text.isascii() and "\x7f" not in text
    return text if plain else re.sub(_UNSEEN, _json_escape, text)


def _json_escape(found: "re.Match[str]") -> str:
    units = found.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
