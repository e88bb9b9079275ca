"""JSON lines and JSON documents → objects, each with the line it begins on.

A document is an array of objects or of texts, one object, or several of these behind each other. It
is read in pieces: no more of it is held than one of its values needs.
"""

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from attncli.errors import AttnError, DataError, LimitError
from attncli.files.rows.lines import RawLine
from attncli.files.rows.sentences import decoded

_OVERFULL = "a value of more than 524,288 lists and objects, the limit"
_BLANK = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()
_PIECE = 1 << 16  # characters read at once
_MOST_NESTED = 1 << 19  # lists and objects of one row, each of which takes many times its text
_LONGEST_SIGN = 16  # characters of what may be cut short: Infinity, \\ud83d\\udcb0


def objects_of_lines(
    numbered: Iterable[tuple[int, RawLine]], place: str
) -> Iterator[tuple[int, Any]]:
    """The value of each line that is not blank, or why it has none."""
    for line, raw in numbered:
        if isinstance(raw, AttnError):
            yield line, raw
        elif raw.strip():
            yield line, _parsed(raw, f"{place}:{line}")


def _parsed(raw: bytes, place: str) -> Any:
    try:
        text = decoded(raw, place)
        if _is_overfull(text):
            return LimitError(_OVERFULL)
        return json.loads(text)
    except AttnError as error:
        return error
    except (ValueError, RecursionError) as fault:
        return DataError(f"not JSON: {fault}")


def _is_overfull(text: str, start: int = 0) -> bool:
    """Whether a text behind `start` begins more lists and objects than a row may hold."""
    if len(text) - start <= _MOST_NESTED:
        return False
    return text.count("[", start) + text.count("{", start) > _MOST_NESTED


def objects_of_document(
    blocks: Iterable[bytes], place: str, *, max_value: int
) -> Iterator[tuple[int, Any]]:
    """The objects and texts of a document, in order.

    Raises: DataError where it is no JSON, LimitError for a value of more than `max_value` characters.
    """
    text = _Text(blocks, place, max_value)
    inside = False
    while (char := text.next_char()) is not None:
        if not inside and char == "[":
            text.pass_over()
            inside = True
            if text.next_char() == "]":
                text.pass_over()
                inside = False
            continue
        yield text.line, text.value()
        if inside:
            char = text.next_char()
            if char not in (",", "]"):
                raise text.fault("expected , or ] here")
            text.pass_over()
            inside = char == ","
            if inside and text.next_char() == "]":
                raise text.fault("expected a value behind the comma")
    if inside:
        raise text.fault("the array never ends")


class _Text:
    """The text of a document, of which a part is held: about from the next value on."""

    def __init__(self, blocks: Iterable[bytes], place: str, max_value: int) -> None:
        self._blocks = iter(blocks)
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._held, self._at = "", 0
        self._line, self._counted = 1, 0  # the line of what stands at `_counted`
        self._place, self._most = place, max_value
        self._ended = False

    @property
    def line(self) -> int:
        """The line of the next character."""
        self._line += self._held.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def next_char(self) -> str | None:
        """The next character that is not blank, None at the end."""
        while True:
            found = _BLANK.match(self._held, self._at)
            self._at = self._at if found is None else found.end()
            if self._at < len(self._held):
                return self._held[self._at]
            if not self._more(_PIECE):
                return None

    def pass_over(self) -> None:
        """Leaves the next character behind."""
        self._at += 1

    def value(self) -> Any:
        """The next value. Raises: DataError, LimitError."""
        self._forget()
        wanted = _PIECE
        while True:
            try:
                value, end = _DECODER.raw_decode(self._held, self._at)
            except RecursionError:
                raise self.fault("nested too deep") from None
            except json.JSONDecodeError as fault:
                if not (self._may_go_on(fault) and self._more(wanted)):
                    self._at = fault.pos
                    raise self.fault(fault.msg) from None
                wanted *= 2
            except ValueError as fault:  # a number of thousands of digits
                raise self.fault(str(fault).partition(";")[0]) from None
            else:
                if end < len(self._held) or not self._more(_PIECE):  # else a number may go on
                    self._at = end
                    return value

    def fault(self, what: str) -> DataError:
        """The error for what stands here."""
        return DataError(
            f"not JSON: {what}; the rows behind it cannot be read",
            place=f"{self._place}:{self.line}",
        )

    def _may_go_on(self, fault: json.JSONDecodeError) -> bool:
        """Whether a fault may come of what is not read yet."""
        return fault.msg.startswith("Unterminated") or fault.pos >= len(self._held) - _LONGEST_SIGN

    def _more(self, wanted: int) -> bool:
        """Reads on; whether there was more. Raises: LimitError when too much is held."""
        if len(self._held) - self._at > self._most:
            raise LimitError(
                f"a value of more than {self._most} characters, the limit",
                place=f"{self._place}:{self.line}",
                hints=("jq -c '.[]' FILE > FILE.jsonl makes JSON lines of an array",),
            )
        if _is_overfull(self._held, self._at):
            raise LimitError(_OVERFULL, place=f"{self._place}:{self.line}")
        parts: list[str] = []
        while wanted > 0 and not self._ended:
            block = next(self._blocks, None)
            self._ended = block is None
            part = self._decoder.decode(block or b"", self._ended)
            parts.append(part)
            wanted -= len(part)
        self._held += "".join(parts)
        return any(parts)

    def _forget(self) -> None:
        if self._at > _PIECE:
            self._line, self._counted = self.line, 0
            self._held, self._at = self._held[self._at :], 0
