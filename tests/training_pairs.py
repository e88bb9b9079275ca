"""Small files of pairs of sentences, of each task."""

from pathlib import Path

WORDS = ("money", "loan", "cash", "credit", "finance", "river", "water", "shore", "mud", "fish")


def write_pairs(path: Path, task: str, count: int = 24) -> Path:
    """Pairs about money and rivers: alike where both are about the same."""
    heads = {
        "similarity": "text\tpair\tscore",
        "relation": "text\tpair\tlabel",
        "match": "text\tpair",
    }
    lines = [heads[task]]
    for i in range(count):
        first, second = WORDS[i % 10], WORDS[(i * 3 + i // 10) % 10]
        same = (WORDS.index(first) < 5) == (WORDS.index(second) < 5)
        text, pair = f"the {first} of day {i} is here", f"we saw the {second} {i} times"
        last = {
            "similarity": f"\t{4.5 if same else 0.5}",
            "relation": f"\t{'same' if same else 'other'}",
        }
        lines.append(f"{text}\t{pair}{last.get(task, '')}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
