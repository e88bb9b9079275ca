"""What `attn vectors` tells of vectors, as lines."""

from collections.abc import Iterator
from typing import Any

from attncli.errors.wording import size_text, visible
from attncli.escape import harmless, set_apart

_DIGITS = 4  # of a cosine


def list_lines(records: list[dict[str, Any]]) -> list[str]:
    """A line for each, in columns; below them the worked example of each preset."""
    rows = [
        (
            visible(str(entry["name"])),
            str(entry["kind"]),
            "" if entry["words"] is None else f"{entry['words']:,} × {entry['dim']}",
            "" if entry["bytes"] is None else size_text(entry["bytes"]),
        )
        for entry in records
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
             for row in rows]  # fmt: skip
    presets = [entry for entry in records if entry["kind"] == "preset"]
    lines += ["", "worked examples: attn explain --preset NAME"] if presets else []
    return lines + [line for entry in presets for line in _example_lines(entry)]


def _example_lines(entry: dict[str, Any]) -> list[str]:
    """The worked sentence of a preset, its known numbers and their source."""
    from attncli.views.ink import wrapped

    text = f'{entry["name"]}: "{entry["sentences"][0]}"; {entry["known"]} ({entry["source"]})'
    return ["", *wrapped(f"  {text}", 76, 4)]


def info_lines(facts: dict[str, Any]) -> list[str]:
    """The facts, one a line."""
    norms = facts["norms"]
    shown = {
        "name": visible(facts["name"]),
        "format": facts["format"],
        "words": f"{facts['words']:,}",
        "dim": str(facts["dim"]),
        "norms": "none"
        if norms["min"] is None
        else f"{norms['min']:.3f} to {norms['max']:.3f}, mean {norms['mean']:.3f}",
        "zero vectors": str(facts["zero"]),
        "not finite": str(facts["not_finite"]),
        "duplicates": f"{facts['duplicates']} left out" if facts["duplicates"] else "0",
        "subwords": facts["subwords"] or "none",
        "sha256": facts["sha256"] or "unknown",
    }
    if facts["file_sha256"]:
        shown["of the file"] = facts["file_sha256"]
    if not facts["usable"]:
        shown["usable"] = "no"
    if "training" in facts:
        training = facts["training"]
        shown["learned from"] = f"{training['sentences']:,} sentences, {training['tokens']:,} words"
    return [f"{label:<12}  {harmless(str(value))}" for label, value in shown.items()]


def neighbor_lines(near: list[tuple[str, float]]) -> Iterator[str]:
    """A word with its cosine a line."""
    from attncli.views.ink import left, width_of

    names = [set_apart(visible(word)) for word, _ in near]
    width = max(map(width_of, names), default=0)
    for name, (_, cosine) in zip(names, near, strict=True):
        yield f"{left(name, width)}  {cosine:.{_DIGITS}f}"
