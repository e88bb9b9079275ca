"""What starting costs: whole processes against `python -c "import numpy"`, in pairs, same run.

    python benchmarks/startup.py [PAIRS]

Prints the median of the ratios and the peak memory, and the goal of each. Run it on a quiet machine
in the environment attncli is installed in.
"""

import os
import statistics
import subprocess
import sys
import time

SENTENCE = "money bank grows"
BASE = [sys.executable, "-c", "import numpy"]
ATTN = [sys.executable, "-m", "attncli"]
COMMANDS = [
    ("attn --version", [*ATTN, "--version"], 0.9),
    ("attn explain --json", [*ATTN, "explain", SENTENCE, "--json"], 1.6),
    ("attn explain, colored table", [*ATTN, "explain", SENTENCE, "--color", "always"], 2.0),
]


def run(command: list[str]) -> tuple[float, float]:
    """Wall seconds and peak MB of one process."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return time.perf_counter() - started, usage.ru_maxrss * 1024 / 1e6


def main() -> None:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    for command in (BASE, *(command for _, command, _ in COMMANDS)):
        run(command)  # warm-up
    print(f"{'command':32} {'ratio to import numpy':>22} {'goal':>6} {'peak MB':>8}")
    for name, command, goal in COMMANDS:
        ratios, peaks = [], []
        for _ in range(pairs):
            base, _ = run(BASE)
            wall, peak = run(command)
            ratios.append(wall / base)
            peaks.append(peak)
        print(f"{name:32} {statistics.median(ratios):22.2f} {goal:6.1f} {max(peaks):8.1f}")


if __name__ == "__main__":
    main()
