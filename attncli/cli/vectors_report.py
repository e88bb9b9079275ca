"""What `attn vectors list` and `info` tell, as data and as lines."""

from typing import Any

from attncli.escape import visible
from attncli.memory import size_text


def listed() -> list[dict[str, Any]]:
    """Built-in vectors, those in the cache, and those that gensim's downloader has."""
    from attncli.embeddings.cache import Cache
    from attncli.embeddings.sources import builtin_store, gensim_folder

    store = builtin_store()
    found: list[dict[str, Any]] = [
        {"name": "glove", "kind": "built-in", "words": store.words, "dim": store.dim, "bytes": None}
    ]
    for entry in Cache().entries():
        names = entry.names or (entry.meta.get("source", entry.key),)
        found += [
            {
                "name": name,
                "kind": "imported" if entry.names else "cached",
                "words": entry.meta.get("words"),
                "dim": entry.meta.get("dim"),
                "bytes": entry.size,
            }
            for name in names
        ]
    for path in sorted(gensim_folder().glob("*/*.gz")):
        if path.stem == path.parent.name:
            size = path.stat().st_size
            found.append(
                {"name": path.stem, "kind": "gensim", "words": None, "dim": None, "bytes": size}
            )
    return found


def list_lines(found: list[dict[str, Any]]) -> list[str]:
    """A line for each, in columns."""
    rows = [
        (
            visible(str(entry["name"])),
            str(entry["kind"]),
            "" if entry["words"] is None else f"{entry['words']:,} × {entry['dim']}",
            "" if entry["bytes"] is None else size_text(entry["bytes"]),
        )
        for entry in found
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
            for row in rows]  # fmt: skip


def facts_of(store: Any) -> dict[str, Any]:
    """The facts of an opened store: its size, the lengths of its vectors, where it came from."""
    import numpy as np

    meta = getattr(store, "meta", {})
    lengths = []
    for start in range(0, len(store.matrix), 65536):
        block = store.matrix[start : start + 65536].astype(np.float64)
        lengths.append(np.sqrt(np.einsum("ij,ij->i", block, block)))
    norms = np.concatenate(lengths)
    return {
        "name": store.name,
        "format": meta.get("source_format", "built-in" if meta else "file"),
        "words": int(store.words),
        "dim": int(store.dim),
        "norms": {
            "min": float(norms.min()),
            "mean": float(norms.mean()),
            "max": float(norms.max()),
        },
        "zero": int(np.count_nonzero(norms == 0)),
        "not_finite": int(np.count_nonzero(~np.isfinite(norms))),
        "duplicates": int(meta.get("repeated", 0)),
        "subwords": None if getattr(store, "subwords", None) is None else store.subwords.kind,
        "sha256": store.sha256,
        "source": meta.get("source"),
    }


def info_lines(found: dict[str, Any]) -> list[str]:
    """The facts, one a line."""
    norms = found["norms"]
    shown = {
        "name": visible(found["name"]),
        "format": found["format"],
        "words": f"{found['words']:,}",
        "dim": str(found["dim"]),
        "norms": f"{norms['min']:.3f} to {norms['max']:.3f}, mean {norms['mean']:.3f}",
        "zero vectors": str(found["zero"]),
        "not finite": str(found["not_finite"]),
        "duplicates": f"{found['duplicates']} left out" if found["duplicates"] else "0",
        "subwords": found["subwords"] or "none",
        "sha256": found["sha256"] or "unknown",
    }
    return [f"{label:<12}  {value}" for label, value in shown.items()]
