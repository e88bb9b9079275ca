"""Files that hold no sentences, told from their first bytes, with what to do about them."""

import os
import re

from attncli.errors import AttnError, DataError
from attncli.errors.wording import typed
from attncli.files.foreign import PAGE, Foreign, foreign_file, foreign_of

_WEB_PAGE = re.compile(rb"\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html[\s>])", re.I | re.S)


def check_foreign_rows(head: bytes, name: str) -> None:
    """Raises: DataError when the first bytes are those of something that holds no sentences."""
    foreign = foreign_of(head)
    if _WEB_PAGE.match(head):
        foreign = Foreign("a web page", PAGE)
    elif head.lstrip()[:5] == b"<?xml":
        foreign = Foreign("an XML document", "save it as CSV, JSON lines or text")
    if foreign is not None:
        raise foreign_file(foreign, name)
    encoding = _wide(head[:512])
    if encoding is not None:
        raise DataError(
            f"this is {encoding} text without a mark that says so, expected UTF-8",
            place=name,
            hints=(conversion(encoding, name),),
        )
    first = head.partition(b"\n")[0]
    if b"\0" in first and not _is_utf8(first):
        raise DataError("this is no text, expected UTF-8", place=name)


def conversion(encoding: str, name: str) -> str:
    """The command that converts a file to UTF-8."""
    given = "FILE" if name == "<stdin>" else name
    if os.name == "nt":
        return _conversion_on_windows(encoding, given)
    return f"iconv -f {encoding} -t UTF-8 {typed(given)} > {_converted(name)}"


def _converted(name: str) -> str:
    """The file that a conversion writes: its ending is that of the file it reads."""
    ending = re.search(r"\.[A-Za-z0-9]{1,8}$", name)
    return "utf8" + (".txt" if ending is None else ending.group())


def _conversion_on_windows(encoding: str, name: str) -> str:
    """The same without iconv, for PowerShell and for cmd: both start the PowerShell of the system."""
    given = name.replace("'", "''").replace("\\\\", "\\")
    of = {"WINDOWS-1252": "1252", "UTF-16LE": "'utf-16'", "UTF-16BE": "'utf-16BE'"}
    of |= {"UTF-32LE": "'utf-32'", "UTF-32BE": "'utf-32BE'"}
    read = f"[IO.File]::ReadAllText('{given}', [Text.Encoding]::GetEncoding({of[encoding]}))"
    return f"powershell -c \"[IO.File]::WriteAllText('{_converted(name)}', {read})\""


def with_way(error: AttnError, name: str) -> AttnError:
    """An error, with the command that converts the file where bytes are no UTF-8."""
    if error.message.endswith("expected UTF-8") and not error.hints:
        error.hints = (conversion("WINDOWS-1252", name),)
    return error


def _wide(start: bytes) -> str | None:
    """UTF-16 or UTF-32 text without a byte order mark: NULs stand at some of 2 or 4 places only."""
    start = start[: len(start) - len(start) % 4]
    if start.count(0) < 4 or not start.strip(b"\0"):
        return None
    if not start[3::4].strip(b"\0") and start[2::4].count(0) >= len(start) // 8:
        return "UTF-32LE"
    if not start[0::4].strip(b"\0") and start[1::4].count(0) >= len(start) // 8:
        return "UTF-32BE"
    odd, even = start[1::2].count(0), start[0::2].count(0)
    return None if odd and even else "UTF-16LE" if odd else "UTF-16BE"


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
