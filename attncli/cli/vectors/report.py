"""What `attn vectors list` and `info` tell, as data and as lines."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from attncli.embeddings.readers.any_format import ReadOptions
from attncli.embeddings.survey import Norms, file_hash, survey
from attncli.errors.wording import size_text, visible
from attncli.escape import harmless
from attncli.files.paths import listed as paths_in
from attncli.files.paths import size_of
from attncli.settings import OF_MODEL, OF_PRESET

if TYPE_CHECKING:
    from attncli.errors import DataError
    from attncli.files.limits import Limits


def known_vectors() -> list[dict[str, Any]]:
    """Built-in vectors, presets, those in the cache, and those that gensim's downloader has."""
    from attncli.embeddings.cache.entries import Cache
    from attncli.embeddings.named_stores import builtin_store, gensim_folder
    from attncli.embeddings.presets import PRESETS

    store = builtin_store()
    records: list[dict[str, Any]] = [
        {"name": "glove", "kind": "built-in", "words": store.words, "dim": store.dim, "bytes": None}
    ]
    records += [_preset_record(name) for name in PRESETS]
    for entry in Cache().entries():
        names = entry.names or (entry.meta.get("source", entry.key),)
        records += [
            {
                "name": name,
                "kind": "imported" if entry.names else "cached",
                "words": entry.meta.get("words"),
                "dim": entry.meta.get("dim"),
                "bytes": entry.size,
            }
            for name in names
        ]
    for path in paths_in(gensim_folder(), "*/*.gz"):
        if path.stem == path.parent.name:
            size = size_of(path)
            records.append(
                {"name": path.stem, "kind": "gensim", "words": None, "dim": None, "bytes": size}
            )
    return records


def _preset_record(name: str) -> dict[str, Any]:
    """A preset: what `attn explain --preset NAME` shows, and what it is known for."""
    from attncli.embeddings.presets import PRESETS, preset_store

    preset, store = PRESETS[name], preset_store(name)
    sizes = {"words": store.words, "dim": store.dim, "bytes": None}
    return {"name": name, "kind": "preset", **sizes, **preset._asdict()}


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


def vectors_facts(
    name: str, limits: "Limits", *, cached: bool, quiet: bool
) -> "tuple[dict[str, Any], DataError | None]":
    """The facts of vectors, and why they cannot be used if they cannot.

    What is in the cache is verified; a file that is not is read, and not converted.
    Raises: UsageError, and what reading the file raises.
    """
    from attncli.cli.vectors.access import access_to, open_vocabulary
    from attncli.embeddings.named_stores import file_of, stored

    if name == "random" or name.startswith((OF_MODEL, OF_PRESET)):
        return facts_of(open_vocabulary(name)), None
    with access_to(name, cached=cached, quiet=quiet) as access:
        store = stored(name, access)
        if store is not None:
            return facts_of(store), None
        path = str(file_of(name))
        surveyed = survey(path, ReadOptions(limits=limits), access.tick)
        for warning in surveyed.warnings:
            access.say("warning", warning)
    fault = surveyed.fault(path)
    return {
        "name": Path(path).name,
        **surveyed.facts(),
        "source": str(Path(path).absolute()),
        "file_sha256": file_hash(path),
        "usable": fault is None,
    }, fault


def facts_of(store: Any) -> dict[str, Any]:
    """The facts of an opened store: its size, the lengths of its vectors, where it came from."""
    meta = store.meta
    norms = Norms()
    norms.add([], store.matrix)
    return {
        "name": store.name,
        "format": meta.get("source_format", "built-in"),
        "words": int(store.words),
        "dim": int(store.dim),
        **norms.facts(),
        "duplicates": int(meta.get("repeated", 0)),
        "subwords": None if store.subwords is None else store.subwords.kind,
        "sha256": store.sha256,
        "source": meta.get("source"),
        "file_sha256": meta.get("file_sha256"),
        "usable": True,
        **({"training": meta["training"]} if "training" in meta else {}),
    }


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
