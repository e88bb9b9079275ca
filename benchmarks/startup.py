"""What starting costs: CPU time of whole processes against `python -c "import numpy"`, in turn.

    python benchmarks/startup.py [PAIRS]
    python benchmarks/startup.py --where      # modules and phases that the time goes to

Prints the median of the ratios, the peak memory, and the goal of each. CPU time (user and system)
tells less of what else the machine does than the clock; the modules are compiled first, as an
installed package is.
"""

import argparse
import compileall
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import attncli

SENTENCE, OTHER = "money bank grows", "river bank flows"
BASE = [sys.executable, "-c", "import numpy"]
ATTN = [sys.executable, "-m", "attncli"]
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
ENVIRONMENT["OPENBLAS_NUM_THREADS"] = "1"
ROUNDS = 7  # of --where: the least of some runs
PHASES = """
import sys, time
marks = [("Python itself", time.process_time())]
def mark(name):
    marks.append((name, time.process_time()))
sys.argv = ["attn", *{arguments!r}]
from attncli.cli import app
mark("importing the app")
reading = app._plain_line
def read(arguments):
    line = reading(arguments)
    mark("importing the command, reading the line")
    return line
app._plain_line = read
from attncli.__main__ import _run
_run()
mark("options, words, attention, output")
before = 0.0
for name, at in marks:
    print(f"PHASE {{1000 * (at - before):.1f}} {{name}}", file=sys.stderr)
    before = at
"""


def commands(folder: Path) -> list[tuple[str, list[str], float]]:
    """Each command that is measured, its arguments and its goal."""
    saved = str(folder / "saved.json")
    subprocess.run([*ATTN, "explain", SENTENCE, "-o", saved, "-q"], env=ENVIRONMENT, check=True)
    compare = ["compare", SENTENCE, OTHER, "--word", "bank", "--color", "always"]
    return [
        ("attn --version", ["--version"], 0.9),
        ("attn explain --json", ["explain", SENTENCE, "--json"], 1.35),
        ("attn explain, colored table", ["explain", SENTENCE, "--color", "always"], 1.6),
        ("attn compare, colored", compare, 1.9),
        ("attn view, colored", ["view", saved, "--color", "always"], 1.6),
    ]


def run(command: list[str]) -> tuple[float, float]:
    """CPU seconds and peak MB of one process."""
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet, env=ENVIRONMENT)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6


def compare_all(pairs: int, folder: Path) -> None:
    """Prints the ratio of each command."""
    measured = commands(folder)
    for command in (BASE, *([*ATTN, *arguments] for _, arguments, _ in measured)):
        run(command)  # warm-up
    print(f"{'command':32} {'ratio to import numpy':>22} {'goal':>6} {'peak MB':>8}")
    for name, arguments, goal in measured:
        ratios, peaks = [], []
        for _ in range(pairs):
            base, _ = run(BASE)
            seconds, peak = run([*ATTN, *arguments])
            ratios.append(seconds / base)
            peaks.append(peak)
        print(f"{name:32} {statistics.median(ratios):22.2f} {goal:6.2f} {max(peaks):8.1f}")


def say_where(folder: Path) -> None:
    """Prints where the time of each command goes: phases, packages, the slowest modules."""
    base = _import_times(BASE[1:])
    for name, arguments, _ in commands(folder)[1:]:
        print(f"\n{name}")
        for phase, milliseconds in _phases(arguments):
            print(f"  {milliseconds:7.1f} ms  {phase}")
        whole = min(run([*ATTN, *arguments])[0] for _ in range(ROUNDS))
        print(f"  {1000 * whole:7.1f} ms  the whole process")
        times = _import_times(["-m", "attncli", *arguments])
        more = {module: time for module, time in times.items() if module not in base}
        packages, counts = Counter[str](), Counter[str]()
        for module, microseconds in more.items():
            package = module.partition(".")[0]
            kind = "standard library" if package in sys.stdlib_module_names else package
            packages[kind] += microseconds
            counts[kind] += 1
        print("  self time of modules that `import numpy` does not load")
        for package, microseconds in packages.most_common():
            print(f"    {microseconds / 1000:7.1f} ms  {package}, {counts[package]} modules")
        for module, microseconds in sorted(more.items(), key=lambda item: -item[1])[:20]:
            print(f"    {microseconds / 1000:7.1f} ms    {module}")


def _import_times(arguments: list[str]) -> dict[str, int]:
    """Microseconds of each module itself, the least of some runs."""
    least: dict[str, int] = {}
    for _ in range(ROUNDS):
        command = [sys.executable, "-X", "importtime", *arguments]
        done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
        for line in done.stderr.splitlines():
            if match := re.match(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", line):
                module, time = match[2], int(match[1])
                least[module] = min(least.get(module, time), time)
    return least


def _phases(arguments: list[str]) -> list[tuple[str, float]]:
    """CPU milliseconds of each phase, the least of some runs."""
    least: dict[str, float] = {}
    for _ in range(ROUNDS):
        command = [sys.executable, "-c", PHASES.format(arguments=arguments)]
        done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
        for time, phase in re.findall(r"^PHASE (\S+) (.+)$", done.stderr, re.MULTILINE):
            least[phase] = min(least.get(phase, float(time)), float(time))
    return list(least.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", type=int, nargs="?", default=20)
    parser.add_argument("--where", action="store_true")
    options = parser.parse_args()
    compileall.compile_dir(Path(attncli.__file__).parent, quiet=2)
    with tempfile.TemporaryDirectory() as name:
        if options.where:
            say_where(Path(name))
        else:
            compare_all(options.pairs, Path(name))


if __name__ == "__main__":
    main()
