"""The machine of the inert pickle reader: its bytes, its stack, its memo, and what a call becomes."""

import struct
from typing import Any, NoReturn

from attncli.embeddings.readers.pickle.names import CALLED, CLASSES, DICTS, KNOWN, SETS, modern
from attncli.embeddings.readers.pickle.values import Name, Thing
from attncli.errors import DataError, RefusedError
from attncli.errors.wording import visible

_LONGEST_LINE = 1 << 16
_TRUST = "in Python, model.wv.save_word2vec_format(PATH, binary=True) makes a safe file of a model you trust"


class _Mark:
    """What the opcode MARK puts on the stack."""


MARK = _Mark()


class Machine:
    """The bytes and where it is in them, the stack, and the memo."""

    def __init__(self, data: bytes, place: str) -> None:
        self.data = data
        self.place = place
        self.at = 0
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    # bytes

    def take(self, n: int) -> bytes:
        end = self.at + n
        if n < 0 or end > len(self.data):
            raise DataError(
                f"cut off: byte {self.at} announces {n} bytes, {len(self.data) - self.at} are left",
                place=self.place,
            )
        found = self.data[self.at : end]
        self.at = end
        return found

    def number(self, form: str) -> int:
        found: int = struct.unpack(form, self.take(struct.calcsize(form)))[0]
        return found

    def line(self) -> bytes:
        end = self.data.find(b"\n", self.at, self.at + _LONGEST_LINE)
        if end < 0:
            raise DataError(f"damaged: no line ends after byte {self.at}", place=self.place)
        found = self.data[self.at : end]
        self.at = end + 1
        return found

    # stack

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop(self) -> Any:
        value = self.stack.pop()
        if value is MARK:
            raise ValueError
        return value

    def top(self, kind: type) -> Any:
        value = self.stack[-1]
        if type(value) is not kind:
            raise DataError(
                f"damaged: byte {self.at} adds to something that is no {kind.__name__}",
                place=self.place,
            )
        return value

    def marked(self) -> list[Any]:
        """What lies above the last mark; both are taken off."""
        stack = self.stack
        at = len(stack) - 1
        while stack[at] is not MARK:
            at -= 1
            if at < 0:
                raise ValueError
        items = stack[at + 1 :]
        del stack[at:]
        return items

    # names and calls

    def named(self, module: str, name: str) -> Name:
        """A reference. Raises: RefusedError when it is not one of the known names."""
        path = modern(module, name)
        if path not in KNOWN:
            self.refuse(f"{module}.{name}")
        return Name(path)

    def refuse(self, what: str) -> NoReturn:
        shown = visible(what[:100])
        raise RefusedError(
            f"refused: this file would call {shown} when loaded; nothing was run",
            place=self.place,
            hints=(_TRUST,),
        )

    def call(self, function: Any, args: Any) -> Any:
        if type(function) is not Name or type(args) is not tuple:
            self.refuse(
                "something that is no name" if type(function) is not Name else function.path
            )
        path = function.path
        if path in DICTS:
            return {}
        if path in SETS:
            return Thing(path, args)
        if path not in CALLED:
            self.refuse(path)
        if path == "copyreg._reconstructor":
            if not args or type(args[0]) is not Name or args[0].path not in CLASSES:
                self.refuse(path)
            return Thing(args[0].path, args[1:])
        return Thing(path, args)

    def build(self) -> None:
        state = self.pop()
        target = self.stack[-1]
        if type(target) is Thing:
            target.state.append(state)
        elif type(target) is not dict:  # a defaultdict with attributes keeps its items only
            self.refuse("a setter of something that is no object")

    def new(self) -> None:
        args = self.pop()
        kind = self.pop()
        if type(kind) is not Name or kind.path not in CLASSES:
            self.refuse(kind.path if type(kind) is Name else "something that is no class")
        self.push(Thing(kind.path, args if type(args) is tuple else (args,)))

    def refuse_code(self) -> None:
        code = self.data[self.at - 1 : self.at]
        what = {b"i": "INST", b"o": "OBJ", b"P": "PERSID", b"Q": "BINPERSID"}.get(code, "EXT")
        if code == b"i":
            module, name = self.line(), self.line()
            self.refuse(f"{module.decode('latin-1')}.{name.decode('latin-1')}")
        if code == b"o":
            called = self.marked()
            self.refuse(called[0].path if called and type(called[0]) is Name else "an old class")
        self.refuse(f"the opcode {what}")
