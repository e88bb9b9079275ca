"""What looking costs: whole processes of compare, view and long sentences, in pairs, same run.

    python benchmarks/views.py [PAIRS]

Prints the median ratio to `python -c "import numpy"` for starting, and seconds and sizes for a
sentence of 512 words. Run it on a quiet machine in the environment attncli is installed in.
"""

import json
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from startup import ATTN, BASE, run

PAIR = ["money bank grows", "river bank flows"]
WORDS = ("the", "a", "money", "bank", "river", "grows", "flows", "loan", "water", "shore", "cash")


def main() -> None:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        saved = folder / "saved.json"
        subprocess.run([*ATTN, "explain", PAIR[0], "-o", str(saved)], check=True)
        starts = [
            ("attn compare", [*ATTN, "compare", *PAIR], 2.5),
            ("attn compare --json", [*ATTN, "compare", *PAIR, "--json"], 2.5),
            ("attn view", [*ATTN, "view", str(saved)], 2.5),
            ("attn view --json", [*ATTN, "view", str(saved), "--json"], 2.5),
            ("attn diff", [*ATTN, "diff", str(saved), str(saved)], 2.5),
            ("attn explain -o x.html", [*ATTN, "explain", PAIR[0], "-o", f"{name}/x.html"], None),
            ("attn explain -o x.svg", [*ATTN, "explain", PAIR[0], "-o", f"{name}/x.svg"], None),
            ("attn explain --steps", [*ATTN, "explain", PAIR[0], "--steps"], None),
        ]
        print(f"{'command':36} {'ratio to import numpy':>22} {'goal':>6} {'peak MB':>8}")
        for label, command, goal in starts:
            ratio, peak = _ratio(command, pairs)
            print(f"{label:36} {ratio:22.2f} {goal or '':>6} {peak:8.1f}")
        _long_sentence(folder)


def _ratio(command: list[str], pairs: int) -> tuple[float, float]:
    run(command)
    ratios, peaks = [], []
    for _ in range(pairs):
        base, _ = run(BASE)
        wall, peak = run(command)
        ratios.append(wall / base)
        peaks.append(peak)
    return statistics.median(ratios), max(peaks)


def _long_sentence(folder: Path) -> None:
    random.seed(0)
    text = " ".join(random.choice(WORDS) for _ in range(512))
    saved, page = folder / "long.json", folder / "long.html"
    explain = [*ATTN, "explain", text, "--exclude", "contextual", "-o", str(saved)]
    subprocess.run(explain, check=True)
    print(f"\n{'512 words':36} {'seconds, median of 5':>22} {'goal':>6} {'size MB':>8}")
    for label, command, goal, written in (
        ("attn view long.json", [*ATTN, "view", str(saved)], "1.0", None),
        ("attn explain TEXT", [*ATTN, "explain", text], "1.0", None),
        (
            "attn view long.json -o long.html",
            [*ATTN, "view", str(saved), "-o", str(page)],
            "",
            page,
        ),
    ):
        seconds = statistics.median(run(command)[0] for _ in range(5))
        size = "" if written is None else f"{written.stat().st_size / 1e6:8.2f}"
        print(f"{label:36} {seconds:22.2f} {goal:>6} {size}")
    assert json.loads(saved.read_text())["type"] == "result"


if __name__ == "__main__":
    main()
