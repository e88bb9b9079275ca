"""A small file of examples, and a training of it that ends soon."""

from pathlib import Path

MONEY = ("money", "loan", "cash", "credit", "finance")
RIVER = ("river", "water", "shore", "mud", "fish")
QUICK = ("--epochs", "6", "--heads", "2", "--committee", "1", "--batch-size", "8")


def write_data(path: Path, *, target="bank", split=False) -> Path:
    """Forty sentences about two kinds of bank."""
    lines = ["text\tlabel\ttarget" + ("\tsplit" if split else "")]
    for i in range(20):
        for label, words in (("money", MONEY), ("river", RIVER)):
            text = f"the {words[i % 5]} near the bank and the {words[(i + 2) % 5]}"
            part = f"\t{'test' if i >= 15 else 'train'}" if split else ""
            lines.append(f"{text}\t{label}\t{target}{part}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
