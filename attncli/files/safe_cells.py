r"""Text as cells of CSV and TSV: each comes back as it was, and no spreadsheet runs one.

Spreadsheets take a cell that begins with =, +, -, @ (also full-width), a tab or a line end for a
formula (CWE-1236); they do so behind a semicolon or comma too, where that parts cells in their
country. An apostrophe keeps such text from running; `unguarded` takes it off again.
"""

import re

_RUNS = "=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20"
_PARTS = ";,\t\r\n"
_BEGINS = rf"(?:\A|(?<=[{_PARTS}]))"
_RUNNING = re.compile(rf"{_BEGINS}(?='*[{_RUNS}])")
_KEPT = re.compile(rf"{_BEGINS}'(?='*[{_RUNS}])")
_QUOTED = re.compile('[";,\t\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]')
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")


def guarded(text: str) -> str:
    """Text that no spreadsheet runs; `unguarded` gives back what it was.

    >>> guarded("=1+1"), guarded("'=1+1"), guarded("it's")
    ("'=1+1", "''=1+1", "it's")
    """
    return _RUNNING.sub("'", text)


def unguarded(text: str) -> str:
    """The text that was guarded.

    >>> unguarded("'=1+1"), unguarded("'s")
    ('=1+1', "'s")
    """
    return _KEPT.sub("", text)


def guarded_id(text: str) -> str:
    """A name out of somebody's own table: a number stays as it is, because none is run.

    >>> guarded_id("-17"), guarded_id("-17+cmd")
    ('-17', "'-17+cmd")
    """
    return text if _NUMBER.fullmatch(text) else guarded(text)


def cell(text: str) -> str:
    r"""A cell as it stands in CSV and in TSV: quoted where it holds what could end it.

    >>> cell('a "b", c')
    '"a ""b"", c"'
    """
    if _QUOTED.search(text) is None:
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
