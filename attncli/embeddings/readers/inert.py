"""A pickle read without running it: a small machine for the opcodes that only build data.

Python's own unpickler imports what a file names and calls it. This one knows a list of exact names,
keeps each as an inert stand-in that remembers its arguments, and refuses every other name. It calls
nothing, imports nothing, and does not recurse, so a file can neither run code nor crash it.

Source: CPython, Lib/pickletools.py, which describes every opcode (protocols 0 to 5).
"""

import codecs
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from attncli.embeddings.readers.inert_names import CALLED, CLASSES, DICTS, KNOWN, SETS, modern
from attncli.errors import AttnError, DataError, RefusedError
from attncli.escape import quoted, visible

_LONGEST_LINE = 1 << 16
_HEAD = 1 << 18  # where a gensim object is named at the latest
_TRUST = "in Python, model.wv.save_word2vec_format(PATH, binary=True) makes a safe file of a model you trust"


@dataclass(frozen=True, slots=True)
class Name:
    """A name that a pickle refers to; nothing was imported."""

    path: str


@dataclass(slots=True, eq=False)
class Thing:
    """An object that was not built: what would have been called, with what, and its state."""

    made_by: str
    args: tuple[Any, ...]
    state: list[Any] = field(default_factory=list)

    def attributes(self) -> dict[str, Any]:
        """The attributes its state would have set."""
        found: dict[str, Any] = {}
        for part in self.state:
            for piece in part if isinstance(part, tuple) else (part,):
                if isinstance(piece, dict):
                    found.update((key, value) for key, value in piece.items() if type(key) is str)
        return found


class _Mark:
    pass


_MARK = _Mark()


def unpickle(data: bytes, place: str) -> Any:
    """What the pickle describes, as plain data, Names and Things.

    Raises: RefusedError naming what would have been called; DataError when it is damaged.
    """
    machine = _Machine(data, place)
    try:
        return machine.run()
    except AttnError:
        raise
    except (IndexError, KeyError, ValueError, TypeError, struct.error, OverflowError) as fault:
        raise DataError(
            f"no gensim model: the pickle is damaged at byte {machine.at} ({type(fault).__name__})",
            place=place,
        ) from None


class _Machine:
    """The stack, the memo, and one method an opcode."""

    def __init__(self, data: bytes, place: str) -> None:
        self.data = data
        self.place = place
        self.at = 0
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        data, operations, size = self.data, _OPERATIONS, len(self.data)
        if b"gensim" not in data[:_HEAD]:
            size = min(size, _HEAD)
        while self.at < size:
            code = data[self.at]
            self.at += 1
            if code == 0x2E:  # STOP
                return self._result()
            operation = operations.get(code)
            if operation is None:
                raise DataError(
                    f"no gensim model: byte {self.at - 1} is no pickle code this reads",
                    place=self.place,
                )
            operation(self)
        if size < len(data):
            raise DataError("no gensim model: it does not begin with one", place=self.place)
        raise DataError(f"cut off at byte {size}: the pickle has no end", place=self.place)

    def _result(self) -> Any:
        rest = len(self.data) - self.at
        if rest:
            raise DataError(
                f"{rest} bytes follow the end of the pickle at byte {self.at}", place=self.place
            )
        if len(self.stack) != 1:
            raise DataError("no gensim model: the pickle ends too early", place=self.place)
        return self.stack[0]

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
        if value is _MARK:
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
        while stack[at] is not _MARK:
            at -= 1
            if at < 0:
                raise ValueError
        found = stack[at + 1 :]
        del stack[at:]
        return found

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


def _set_items(target: dict[Any, Any], items: list[Any]) -> None:
    for i in range(0, len(items) - 1, 2):
        key = items[i]
        target[key if type(key) in _HASHED else ("unhashed", id(key))] = items[i + 1]


_HASHED = frozenset({str, int, float, bool, bytes, type(None)})


def _integer_line(machine: _Machine) -> int | bool:
    text = machine.line()
    if text in (b"00", b"01"):
        return text == b"01"
    return int(text)


def _long_line(machine: _Machine) -> int:
    return int(machine.line().removesuffix(b"L"))


def _long(machine: _Machine, n: int) -> int:
    if n < 0 or n > 1024:
        raise DataError(f"an integer of {n} bytes, expected fewer than 1024", place=machine.place)
    return int.from_bytes(machine.take(n), "little", signed=True)


def _string_line(machine: _Machine) -> str:
    text = machine.line().strip()
    if len(text) < 2 or text[:1] not in b"'\"" or text[:1] != text[-1:]:
        raise ValueError
    decoded: bytes = codecs.escape_decode(text[1:-1])[0]
    return decoded.decode("latin-1")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _global(machine: _Machine) -> None:
    module, name = machine.line(), machine.line()
    machine.push(machine.named(_text(module), _text(name)))


def _stack_global(machine: _Machine) -> None:
    name, module = machine.pop(), machine.pop()
    if type(name) is not str or type(module) is not str:
        machine.refuse("a name that is no text")
    machine.push(machine.named(module, name))


def _reduce(machine: _Machine) -> None:
    args, function = machine.pop(), machine.pop()
    machine.push(machine.call(function, args))


def _new_ex(machine: _Machine) -> None:
    machine.pop()
    machine.new()


def _pop(machine: _Machine) -> None:
    machine.stack.pop()


def _appends(machine: _Machine) -> None:
    items = machine.marked()
    machine.top(list).extend(items)


def _append(machine: _Machine) -> None:
    item = machine.pop()
    machine.top(list).append(item)


def _set_item(machine: _Machine) -> None:
    value, key = machine.pop(), machine.pop()
    _set_items(machine.top(dict), [key, value])


def _set_all(machine: _Machine) -> None:
    items = machine.marked()
    _set_items(machine.top(dict), items)


def _dict(machine: _Machine) -> None:
    made: dict[Any, Any] = {}
    _set_items(made, machine.marked())
    machine.push(made)


def _add_items(machine: _Machine) -> None:
    items = machine.marked()
    machine.top(Thing).args += (items,)


def _tuple_of(n: int) -> Callable[[_Machine], None]:
    def operation(machine: _Machine) -> None:
        if len(machine.stack) < n:
            raise IndexError
        items = tuple(machine.stack[-n:])
        if _MARK in items:
            raise ValueError
        machine.stack[-n:] = [items]

    return operation


def _put(read: Callable[[_Machine], int]) -> Callable[[_Machine], None]:
    def operation(machine: _Machine) -> None:
        machine.memo[read(machine)] = machine.stack[-1]

    return operation


def _get(read: Callable[[_Machine], int]) -> Callable[[_Machine], None]:
    def operation(machine: _Machine) -> None:
        machine.stack.append(machine.memo[read(machine)])

    return operation


def _memoize(machine: _Machine) -> None:
    machine.memo[len(machine.memo)] = machine.stack[-1]


def _byte(machine: _Machine) -> int:
    found = machine.data[machine.at]
    machine.at += 1
    return found


def _four(machine: _Machine) -> int:
    return machine.number("<I")


def _line_number(machine: _Machine) -> int:
    return int(machine.line())


def _push(read: Callable[[_Machine], Any]) -> Callable[[_Machine], None]:
    def operation(machine: _Machine) -> None:
        machine.stack.append(read(machine))

    return operation


def _protocol(machine: _Machine) -> None:
    version = _byte(machine)
    if version > 5:
        raise DataError(
            f"no gensim model: pickle protocol {version}, expected at most 5", place=machine.place
        )


_OPERATIONS: dict[int, Callable[[_Machine], None]] = {
    ord(code): operation
    for code, operation in {
        "\x80": _protocol,
        "\x95": lambda m: m.number("<Q") and None,  # FRAME: the bytes follow anyway
        "(": lambda m: m.push(_MARK),
        "0": _pop,
        "1": lambda m: m.marked() and None,
        "2": lambda m: m.push(m.stack[-1]),
        "N": lambda m: m.push(None),
        "\x88": lambda m: m.push(True),
        "\x89": lambda m: m.push(False),
        "I": _push(_integer_line),
        "L": _push(_long_line),
        "J": _push(lambda m: m.number("<i")),
        "K": _push(_byte),
        "M": _push(lambda m: m.number("<H")),
        "\x8a": _push(lambda m: _long(m, _byte(m))),
        "\x8b": _push(lambda m: _long(m, m.number("<i"))),
        "F": _push(lambda m: float(m.line())),
        "G": _push(lambda m: m.number(">d")),
        "S": _push(_string_line),
        "T": _push(lambda m: m.take(m.number("<i")).decode("latin-1")),
        "U": _push(lambda m: m.take(_byte(m)).decode("latin-1")),
        "V": _push(lambda m: m.line().decode("raw-unicode-escape")),
        "X": _push(lambda m: _text(m.take(m.number("<I")))),
        "\x8c": _push(lambda m: _text(m.take(_byte(m)))),
        "\x8d": _push(lambda m: _text(m.take(m.number("<Q")))),
        "B": _push(lambda m: m.take(m.number("<I"))),
        "C": _push(lambda m: m.take(_byte(m))),
        "\x8e": _push(lambda m: m.take(m.number("<Q"))),
        "\x96": _push(lambda m: m.take(m.number("<Q"))),
        "]": lambda m: m.push([]),
        "a": _append,
        "e": _appends,
        "l": lambda m: m.push(m.marked()),
        ")": lambda m: m.push(()),
        "t": lambda m: m.push(tuple(m.marked())),
        "\x85": _tuple_of(1),
        "\x86": _tuple_of(2),
        "\x87": _tuple_of(3),
        "}": lambda m: m.push({}),
        "d": _dict,
        "s": _set_item,
        "u": _set_all,
        "\x8f": lambda m: m.push(Thing("builtins.set", ())),
        "\x90": _add_items,
        "\x91": lambda m: m.push(Thing("builtins.frozenset", (m.marked(),))),
        "g": _get(_line_number),
        "h": _get(_byte),
        "j": _get(_four),
        "p": _put(_line_number),
        "q": _put(_byte),
        "r": _put(_four),
        "\x94": _memoize,
        "c": _global,
        "\x93": _stack_global,
        "R": _reduce,
        "b": _Machine.build,
        "\x81": _Machine.new,
        "\x92": _new_ex,
        "i": _Machine.refuse_code,
        "o": _Machine.refuse_code,
        "P": _Machine.refuse_code,
        "Q": _Machine.refuse_code,
        "\x82": _Machine.refuse_code,
        "\x83": _Machine.refuse_code,
        "\x84": _Machine.refuse_code,
    }.items()
}


def shown_type(value: object) -> str:
    """How a message names what was found instead of what was expected; never its content."""
    if isinstance(value, Thing):
        return f"an object of {quoted(value.made_by, 80)}"
    return f"a value of type {type(value).__name__}"
