"""The log of a batch: a JSON object for each event, appended line by line."""

import json
import os
import stat
from typing import Any

from attncli.cli.batch.options import LogLevel
from attncli.errors import OutputError, field_name
from attncli.errors.wording import harmless_json
from attncli.files.writing import cannot_write, reason

_ORDER: tuple[LogLevel, ...] = ("debug", "info", "warning", "error")


def utc_now() -> str:
    """The time as ISO 8601 in UTC, to the millisecond."""
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class RunLog:
    """A file that grows by whole lines; several runs may append to it."""

    def __init__(self, path: str, level: LogLevel) -> None:
        """Opens the file, or makes it. Raises: OutputError."""
        self._path = path
        self._least = _ORDER.index(level)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
        try:
            self._fd: int | None = os.open(path, flags, 0o666)
            self._owed = b"\n" if _ends_within_a_line(path) else b""
        except OSError as fault:
            raise cannot_write(path, reason(fault)) from None

    def write(self, level: LogLevel, event: str, text: str, facts: dict[str, Any]) -> str:
        """Appends a line, if its level is high enough; why it could not, once, else nothing.

        A batch goes on without its log: hours of work are worth more than their record.
        """
        if self._fd is None or _ORDER.index(level) < self._least:
            return ""
        record: dict[str, Any] = {
            "time": utc_now(),
            "level": level,
            "event": event,
            "message": text,
        }
        record |= {"pid": os.getpid(), **facts}
        line = harmless_json(json.dumps(record, ensure_ascii=False, allow_nan=False))
        try:
            _append(self._fd, self._owed + line.encode() + b"\n")
            self._owed = b""
        except OSError as fault:
            os.close(self._fd)
            self._fd = None
            error = OutputError(
                f"cannot write: {reason(fault)}; the log ends here", place=field_name("log_file")
            )
            return str(error)
        return ""


def _append(fd: int, data: bytes) -> None:
    """Writes a line at once; what a full pipe did not take, behind it."""
    while data:
        data = data[os.write(fd, data) :]


def _ends_within_a_line(path: str) -> bool:
    """Whether a file ends without the end of a line, as a machine leaves it that lost its power."""
    if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - a path is given as text
        return False
    with open(path, "rb") as file:  # noqa: PTH123 - likewise
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"
