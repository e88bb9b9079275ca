"""Blocks of GGUF → float32: attn against the gguf package, a line for each type, same run.

    python benchmarks/unpacking.py [TYPE ...]

Each unpacks four million random numbers of a type, five times in a process of its own, on one thread;
the processes take turns. Times are processor time, the median of all. Needs gguf.
"""

import json
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from attncli.files.gguf import QUANTIZATIONS

NUMBERS, ROW = 1 << 22, 4096
ROUNDS, CALLS = 5, 5
PEERS = ("attn", "gguf")


def unpacker(peer: str, number: int) -> Callable[[np.ndarray], Any]:
    """What unpacks rows of blocks of a type."""
    if peer == "attn":
        from attncli.models.gguf.unpacking import dequantized

        return lambda raw: dequantized(raw, QUANTIZATIONS[number])
    import gguf

    return lambda raw: gguf.quants.dequantize(raw, gguf.GGMLQuantizationType(number))


def seconds_of(peer: str, number: int) -> list[float]:
    """Processor time of each call, after one that is not counted."""
    quantization = QUANTIZATIONS[number]
    shape = (NUMBERS // ROW, ROW // quantization.block * quantization.size)
    raw = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    raw &= np.uint8(0xBF)  # every scale is finite, as in the files of models
    unpack, seconds = unpacker(peer, number), []
    with np.errstate(all="ignore"):
        for _ in range(CALLS + 1):
            start = time.process_time()
            unpack(raw)
            seconds.append(time.process_time() - start)
    return seconds[1:]


def main(chosen: list[str]) -> None:
    """Prints the speeds of every type, or of those that are named."""
    numbers = [
        number
        for number, one in QUANTIZATIONS.items()
        if (one.name in chosen if chosen else one.name not in ("F32", "F64"))  # those are views
    ]
    seconds: dict[tuple[str, int], list[float]] = defaultdict(list)
    for _ in range(ROUNDS):
        for peer in PEERS:
            line = [sys.executable, __file__, "--measure", peer, *map(str, numbers)]
            said = json.loads(subprocess.run(line, check=True, stdout=subprocess.PIPE).stdout)
            for number, found in zip(numbers, said, strict=True):
                seconds[peer, number] += found
    print(f"{'type':8} {'attn':>6} {'gguf':>6}  millions of numbers a second")
    for number in numbers:
        ours, theirs = (NUMBERS / statistics.median(seconds[peer, number]) / 1e6 for peer in PEERS)
        name = QUANTIZATIONS[number].name
        print(f"{name:8} {ours:6.0f} {theirs:6.0f}  × {ours / theirs:.1f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps([seconds_of(sys.argv[2], int(number)) for number in sys.argv[3:]]))
    else:
        main(sys.argv[1:])
