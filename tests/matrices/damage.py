"""Reads a file again and again, damaged each time in another way: `damage.py FILE SEED COUNT`.

Printed is what must not be: an error that counts as a bug, one that only the last net caught, and
reading that takes longer than five seconds. Run in a process of its own, because a signal ends it.
"""

import io
import random
import sys
import time
from pathlib import Path

from attncli.errors import AttnError
from attncli.matrices.reading import read_saved

_TEXTS = (b"-1", b"9" * 400, b"1e999", b"nan", b"null", b"[]", b"{}", b'"', b"\n", b",", b"\xff")
_NUMBERS = (0, 1, -1, 255, 2**31 - 1, -(2**31), 2**32 - 1, 2**62)


def damaged(data: bytes, chance: random.Random) -> bytes:
    """The bytes with a few bits, bytes, numbers or pieces changed."""
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 2, 4, 16])):
        if not changed:
            break
        at, kind = chance.randrange(len(changed)), chance.randrange(7)
        if kind == 0:
            changed[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            changed[at] = chance.randrange(256)
        elif kind == 2:
            del changed[at : at + chance.choice([1, 2, 4, 16, 100, len(changed)])]
        elif kind == 3:
            changed[at:at] = chance.randbytes(chance.choice([1, 4, 8]))
        elif kind == 4:
            other = chance.randrange(len(changed))
            changed[at:at] = changed[other : other + chance.choice([4, 16, 64])]
        elif kind == 5:
            size, number = chance.choice([1, 2, 4, 8]), chance.choice(_NUMBERS)
            changed[at : at + size] = (number % (1 << 8 * size)).to_bytes(size, "little")
        else:
            changed[at : at + chance.choice([0, 1, 2])] = chance.choice(_TEXTS)
    return bytes(changed)


def main(path: Path, seed: str, count: int) -> None:
    """Reads `count` damaged copies."""
    data = path.read_bytes()
    for number in range(count):
        bad = damaged(data, random.Random(f"{seed} {path.name} {number}"))
        began = time.process_time()
        try:
            list(read_saved(io.BytesIO(bad), path.name))
        except AttnError as error:
            if error.exit_code == 1 or error.__cause__ is not None:
                sys.stdout.write(f"{number} {error!r} {error.__cause__!r}\n")
        if time.process_time() - began > 5:
            sys.stdout.write(f"{number} takes too long\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
