"""Checks a data set of idioms: columns, counts, split, targets, labels, near-duplicates.

    python examples/check_idioms.py examples/idioms.tsv

Prints the closest pairs of sentences, of train and test and of all; exits with 1 when a rule is broken.
"""

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

COLUMNS = ["text", "label", "target", "idiom", "sense", "split"]
SENSES = ("idiomatic", "literal")
SPLIT_SIZES = {"train": 18, "test": 6}  # of each idiom and sense
IDIOMS, WORDS, MAX_OVERLAP, SHOWN = 16, range(6, 23), 0.5, 5
RESERVED = {"that", "exam", "was", "a", "piece", "of", "cake"}  # the README's example
PHRASES = {
    "break a leg": r"(break|broke|broken) a leg",
    "break the ice": r"(break|breaks|broke|breaking) the ice",
    "hit the nail on the head": r"(hit|hits|hitting) the nail on the head",
    "kick the bucket": r"(kick|kicks|kicked|kicking) the bucket",
    "on one's plate": r"on (my|your|his|her|their) plate",
    "spill the beans": r"(spill|spills|spilled|spilling) the beans",
}
_STOPS = """
a about after again all also am an and any are as at be because been before being but by
can could did do does down for from had has have having he her here him himself his how i
if in into is it its itself just me my no nor not of off on once one only or other our out
over s she should so some such than that the their them then there these they this those
through to too under until up us very was we were what when where which while who why will
with would you your
"""
STOP_WORDS = frozenset(re.findall(r"\w+", _STOPS))

Record = dict[str, str]


def words_of(text: str) -> list[str]:
    """The words of a text, in lower case."""
    return re.findall(r"[a-z]+", text.lower())


def content_words(row: Record) -> set[str]:
    """The words that could make two sentences alike: without the phrase and without stop words."""
    pattern = rf"\b{PHRASES.get(row['idiom'], re.escape(row['idiom']))}\b"
    outside = re.sub(pattern, " ", row["text"].lower())
    return set(words_of(outside)) - set(words_of(row["idiom"])) - STOP_WORDS


def overlap(one: set[str], other: set[str]) -> float:
    """The share of words in common (Jaccard)."""
    return len(one & other) / max(1, len(one | other))


def read(path: Path) -> list[Record]:
    """The rows of the file; exits when it is no plain TSV."""
    content = path.read_text(encoding="utf-8")
    if "\r" in content or '"' in content or not content.endswith("\n"):
        sys.exit("the file must have LF line ends, a last LF and no double quotes")
    lines = [line.split("\t") for line in content[:-1].split("\n")]
    if lines[0] != COLUMNS or any(len(line) != len(COLUMNS) for line in lines):
        sys.exit("wrong header or wrong number of columns")
    return [dict(zip(COLUMNS, line, strict=True)) for line in lines[1:]]


def faults_of_row(row: Record) -> Iterator[str]:
    """What is wrong with a row."""
    text, target, words = row["text"], row["target"], words_of(row["text"])
    phrase = PHRASES.get(row["idiom"], re.escape(row["idiom"]))
    rules = {
        "length": len(text.split()) in WORDS,
        "spacing or characters": text.isascii() and text == " ".join(text.split()),
        "target is not there once": words.count(target) == 1
        and bool(re.search(rf"\b{re.escape(target)}\b", text)),
        "target is no word of the idiom": target in words_of(row["idiom"]),
        "phrase is not there once": len(re.findall(rf"\b{phrase}\b", text.lower())) == 1,
        "label is not Devanagari": bool(re.fullmatch(r"[\u0900-\u097f -]+", row["label"])),
        "near the README's example": overlap(set(words), RESERVED) < MAX_OVERLAP,
    }
    for fault, holds in rules.items():
        if not holds:
            yield f"{fault}: {text}"


def faults_of_table(rows: list[Record]) -> Iterator[str]:
    """What is wrong with the rows together."""
    idioms = {row["idiom"] for row in rows}
    cells = Counter((row["idiom"], row["sense"], row["split"]) for row in rows)
    labels = {(row["idiom"], row["sense"], row["label"]) for row in rows}
    if len(idioms) != IDIOMS or len(cells) != 4 * IDIOMS:
        yield f"{len(idioms)} idioms, {len(cells)} cells"
    for cell in ((i, s, p) for i in sorted(idioms) for s in SENSES for p in SPLIT_SIZES):
        if cells[cell] != SPLIT_SIZES[cell[2]]:
            yield f"{cells[cell]} rows in {cell}"
    if not len(labels) == len({label for *_, label in labels}) == 2 * len(idioms):
        yield "the labels are not one for each idiom and sense"
    if len({(row["idiom"], row["target"]) for row in rows}) != len(idioms):
        yield "an idiom has several targets"
    if len({" ".join(words_of(row["text"])) for row in rows}) != len(rows):
        yield "a text occurs twice"


def pairs_of(rows: list[Record]) -> list[tuple[float, bool, str, str]]:
    """Pairs of sentences of one idiom: overlap, whether across the split, and both texts."""
    by_idiom: dict[str, list[tuple[Record, set[str]]]] = defaultdict(list)
    for row in rows:
        by_idiom[row["idiom"]].append((row, content_words(row)))
    return sorted(
        (
            (overlap(one, two), row["split"] != other["split"], row["text"], other["text"])
            for group in by_idiom.values()
            for (row, one), (other, two) in combinations(group, 2)
        ),
        reverse=True,
    )


def check(path: Path) -> tuple[list[str], list[str]]:
    """What is wrong with a file, and the closest pairs as lines."""
    rows = read(path)
    pairs = pairs_of(rows)
    across = [pair for pair in pairs if pair[1]]
    faults = [fault for row in rows for fault in faults_of_row(row)] + list(faults_of_table(rows))
    faults += [f"near-duplicates: {a} | {b}" for value, _, a, b in pairs if value >= MAX_OVERLAP]
    report = [f"{len(rows)} rows; {len(across)} train/test pairs among {len(pairs)} pairs"]
    for name, group in (("train/test", across), ("any", pairs)):
        report += [f"  {name} {value:.3f}  {a}  |  {b}" for value, _, a, b in group[:SHOWN]]
    return faults, report


def main() -> int:
    """The exit code."""
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    faults, report = check(Path(sys.argv[1]))
    print("\n".join([*report, *(faults or ["no rule is broken"])]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
