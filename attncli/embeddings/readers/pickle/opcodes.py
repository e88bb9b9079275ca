"""The opcodes of a pickle (protocols 0 to 5), each as what it does to the inert machine.

Source: CPython, Lib/pickletools.py, which describes every opcode.
"""

import codecs
from collections.abc import Callable
from typing import Any

from attncli.embeddings.readers.pickle.machine import MARK, Machine
from attncli.embeddings.readers.pickle.values import Thing
from attncli.errors import DataError


def _set_items(target: dict[Any, Any], items: list[Any]) -> None:
    for i in range(0, len(items) - 1, 2):
        key = items[i]
        target[key if type(key) in _HASHED else ("unhashed", id(key))] = items[i + 1]


_HASHED = frozenset({str, int, float, bool, bytes, type(None)})


def _integer_line(machine: Machine) -> int | bool:
    text = machine.line()
    if text in (b"00", b"01"):
        return text == b"01"
    return int(text)


def _long_line(machine: Machine) -> int:
    return int(machine.line().removesuffix(b"L"))


def _long(machine: Machine, n: int) -> int:
    if n < 0 or n > 1024:
        raise DataError(f"an integer of {n} bytes, expected at most 1024", place=machine.place)
    return int.from_bytes(machine.take(n), "little", signed=True)


def _string_line(machine: Machine) -> str:
    text = machine.line().strip()
    if len(text) < 2 or text[:1] not in b"'\"" or text[:1] != text[-1:]:
        raise ValueError
    decoded: bytes = codecs.escape_decode(text[1:-1])[0]
    return decoded.decode("latin-1")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _global(machine: Machine) -> None:
    module, name = machine.line(), machine.line()
    machine.push(machine.named(_text(module), _text(name)))


def _stack_global(machine: Machine) -> None:
    name, module = machine.pop(), machine.pop()
    if type(name) is not str or type(module) is not str:
        machine.refuse("a name that is no text")
    machine.push(machine.named(module, name))


def _reduce(machine: Machine) -> None:
    args, function = machine.pop(), machine.pop()
    machine.push(machine.call(function, args))


def _new_ex(machine: Machine) -> None:
    machine.pop()
    machine.new()


def _pop(machine: Machine) -> None:
    machine.stack.pop()


def _appends(machine: Machine) -> None:
    items = machine.marked()
    machine.top(list).extend(items)


def _append(machine: Machine) -> None:
    item = machine.pop()
    machine.top(list).append(item)


def _set_item(machine: Machine) -> None:
    value, key = machine.pop(), machine.pop()
    _set_items(machine.top(dict), [key, value])


def _set_all(machine: Machine) -> None:
    items = machine.marked()
    _set_items(machine.top(dict), items)


def _dict(machine: Machine) -> None:
    made: dict[Any, Any] = {}
    _set_items(made, machine.marked())
    machine.push(made)


def _add_items(machine: Machine) -> None:
    items = machine.marked()
    machine.top(Thing).args += (items,)


def _tuple_of(n: int) -> Callable[[Machine], None]:
    def operation(machine: Machine) -> None:
        if len(machine.stack) < n:
            raise IndexError
        items = tuple(machine.stack[-n:])
        if MARK in items:
            raise ValueError
        machine.stack[-n:] = [items]

    return operation


def _put(read: Callable[[Machine], int]) -> Callable[[Machine], None]:
    def operation(machine: Machine) -> None:
        machine.memo[read(machine)] = machine.stack[-1]

    return operation


def _get(read: Callable[[Machine], int]) -> Callable[[Machine], None]:
    def operation(machine: Machine) -> None:
        machine.stack.append(machine.memo[read(machine)])

    return operation


def _memoize(machine: Machine) -> None:
    machine.memo[len(machine.memo)] = machine.stack[-1]


def _byte(machine: Machine) -> int:
    found = machine.data[machine.at]
    machine.at += 1
    return found


def _four(machine: Machine) -> int:
    return machine.number("<I")


def _line_number(machine: Machine) -> int:
    return int(machine.line())


def _push(read: Callable[[Machine], Any]) -> Callable[[Machine], None]:
    def operation(machine: Machine) -> None:
        machine.stack.append(read(machine))

    return operation


def _protocol(machine: Machine) -> None:
    version = _byte(machine)
    if version > 5:
        raise DataError(
            f"no gensim model: pickle protocol {version}, expected at most 5", place=machine.place
        )


OPERATIONS: dict[int, Callable[[Machine], None]] = {
    ord(code): operation
    for code, operation in {
        "\x80": _protocol,
        "\x95": lambda m: m.number("<Q") and None,  # FRAME: the bytes follow anyway
        "(": lambda m: m.push(MARK),
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
        "b": Machine.build,
        "\x81": Machine.new,
        "\x92": _new_ex,
        "i": Machine.refuse_code,
        "o": Machine.refuse_code,
        "P": Machine.refuse_code,
        "Q": Machine.refuse_code,
        "\x82": Machine.refuse_code,
        "\x83": Machine.refuse_code,
        "\x84": Machine.refuse_code,
    }.items()
}
