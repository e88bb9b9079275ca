"""A pickle read without running it: a small machine for the opcodes that only build data.

Python's own unpickler imports what a file names and calls it. This one knows a list of exact names,
keeps each as an inert stand-in that remembers its arguments, and refuses every other name. It calls
nothing, imports nothing, and does not recurse, so a file can neither run code nor crash it.
"""

import struct
from typing import Any

from attncli.embeddings.readers.pickle.machine import Machine
from attncli.embeddings.readers.pickle.opcodes import OPERATIONS
from attncli.errors import AttnError, DataError

_HEAD = 1 << 18  # where a gensim object is named at the latest
_STOP = 0x2E


def unpickle(data: bytes, place: str) -> Any:
    """What the pickle describes, as plain data, Names and Things.

    Raises: RefusedError naming what would have been called; DataError when it is damaged.
    """
    machine = Machine(data, place)
    try:
        return _run(machine)
    except AttnError:
        raise
    except (IndexError, KeyError, ValueError, TypeError, struct.error, OverflowError) as fault:
        raise DataError(
            f"no gensim model: the pickle is damaged at byte {machine.at} ({type(fault).__name__})",
            place=place,
        ) from None


def _run(machine: Machine) -> Any:
    data, place, operations = machine.data, machine.place, OPERATIONS
    size = len(data)
    if b"gensim" not in data[:_HEAD]:
        size = min(size, _HEAD)
    while machine.at < size:
        code = data[machine.at]
        machine.at += 1
        if code == _STOP:
            return _result(machine)
        operation = operations.get(code)
        if operation is None:
            raise DataError(
                f"no gensim model: byte {machine.at - 1} is no pickle code this reads", place=place
            )
        operation(machine)
    if size < len(data):
        raise DataError("no gensim model: it does not begin with one", place=place)
    raise DataError(f"cut off at byte {size}: the pickle has no end", place=place)


def _result(machine: Machine) -> Any:
    rest = len(machine.data) - machine.at
    if rest:
        raise DataError(
            f"{rest} bytes follow the end of the pickle at byte {machine.at}", place=machine.place
        )
    if len(machine.stack) != 1:
        raise DataError("no gensim model: the pickle ends too early", place=machine.place)
    return machine.stack[0]
