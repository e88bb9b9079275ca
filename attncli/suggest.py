"""What was probably meant, and how it is typed: on every system's command line."""

import re
import shlex
from collections.abc import Iterable

_PLAIN = re.compile(r"[\w@+=:,./-]+", re.ASCII)
_NEAR = 0.7  # of the letters in common, in order: "veiw" is near "view", "money" not near "model"
_ACTS = re.compile(r'["$`!%\r\n]|\\(?=[\\"$`]|$)')  # in double quotes, in a shell or in cmd.exe


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
    if _PLAIN.fullmatch(text):
        return text
    return shlex.quote(text) if _ACTS.search(text) else f'"{text}"'
