"""Vectors as files: listed, told of, imported, fetched, exported and removed, as `attn vectors` does."""

import hashlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from attncli.api.files_read import vectors_read
from attncli.api.word_vectors import vocabulary_of
from attncli.embeddings.cache.entries import Cache, check_name
from attncli.embeddings.cache.writing import writing_cache
from attncli.embeddings.named_stores import builtin_store, convert, file_of, gensim_folder, stored
from attncli.embeddings.presets import PRESETS, preset_store
from attncli.embeddings.source import VectorsSource
from attncli.errors import DataError, InputError, UsageError, field_name
from attncli.errors.wording import quoted, visible
from attncli.files.access import DEFAULT_ACCESS, Access, Say
from attncli.files.apart import OutputFile, expect_apart, expect_writable
from attncli.files.limits import Limits
from attncli.files.paths import listed as paths_in
from attncli.files.paths import size_of
from attncli.settings import OF_MODEL, OF_PRESET, BadLine, ByteOrder, ImportSettings

if TYPE_CHECKING:
    from attncli.api.word_vectors import WordVectors
    from attncli.embeddings.cache.building import Selection
    from attncli.embeddings.corpus import Watch
    from attncli.embeddings.given import Vectors


def list_vectors() -> list[dict[str, Any]]:
    """Built-in vectors, presets, those in the cache, and those that gensim's downloader has."""
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
                "kind": _kind_of(name) if entry.names else "cached",
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


def _kind_of(name: str) -> str:
    """Whether named vectors were learned here or come from a file."""
    source = Cache().source_named(name)
    return "imported" if source is None or source.trained is None else "trained"


def _preset_record(name: str) -> dict[str, Any]:
    """A preset: its vectors, and the worked example that it is known for."""
    preset, store = PRESETS[name], preset_store(name)
    sizes = {"words": store.words, "dim": store.dim, "bytes": None}
    return {"name": name, "kind": "preset", **sizes, **preset._asdict()}


def facts_of_vectors(
    name: str, *, access: Access = DEFAULT_ACCESS
) -> tuple[dict[str, Any], DataError | None]:
    """The facts of vectors, and why they cannot be used if they cannot.

    What is in the cache is verified; a file that is not is read within `access.limits`, and not
    converted. Raises: UsageError, and what reading the file raises.
    """
    if name == "random" or name.startswith((OF_MODEL, OF_PRESET)):
        return _facts_of(vocabulary_of(name, access)), None
    store = stored(name, access)
    if store is not None:
        return _facts_of(store), None
    from attncli.embeddings.readers.any_format import ReadOptions
    from attncli.embeddings.survey import file_hash, survey

    path = str(file_of(name))
    surveyed = survey(path, ReadOptions(limits=access.limits), access.tick)
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


def _facts_of(store: Any) -> dict[str, Any]:
    """The facts of an opened store: its size, the lengths of its vectors, where it came from."""
    from attncli.embeddings.survey import Norms

    meta, norms = store.meta, Norms()
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


def import_vectors(
    file: str,
    settings: ImportSettings = ImportSettings(),  # noqa: B008  (frozen)
    *,
    limits: Limits = Limits(),  # noqa: B008  (frozen)
    say: Say = DEFAULT_ACCESS.say,
    watch: "Watch | None" = None,
) -> dict[str, Any]:
    """Converts a file or folder of vectors once; it then opens at once, by its name too.

    `say` is told warnings, `watch` what is done, and how much of it. What is returned says what was
    imported: words, dim, format, sha256.
    Raises: UsageError, OutputError, and what reading the file raises.
    """
    for field, choices in (("on_bad_line", BadLine), ("byte_order", ByteOrder)):
        if (value := getattr(settings, field)) not in get_args(choices):
            raise UsageError(
                f"found {quoted(value)}, expected {' or '.join(get_args(choices))}",
                place=field_name(field),
            )
    if settings.name is not None:
        check_name(settings.name)
    selection, described = _selection(settings, limits)
    source = VectorsSource(
        file if "://" in file else str(Path(file).absolute()),
        settings.format,
        settings.encoding,
        settings.byte_order,
        settings.on_bad_line == "skip",
        described,
        limits,
    )
    return _kept(source, settings.name, selection, file, say, watch)


def fetch_vectors(
    name: str,
    *,
    mirror: str | None = None,
    sha256: str | None = None,
    say: Say = DEFAULT_ACCESS.say,
    watch: "Watch | None" = None,
) -> dict[str, Any]:
    """Downloads a file of gensim's catalog, checks it, and imports it under its name.

    It must have the checksum that is known of it, and `sha256` where that is given. The file lies in
    the cache while it is needed, so that what a killed process leaves is swept.
    Raises: UsageError, InputError, DataError, LimitError, RefusedError, OutputError.
    """
    from attncli.embeddings.corpus import unwatched
    from attncli.embeddings.fetching import MIRROR, download

    check_name(name)
    cache, tick = Cache(), partial(watch or unwatched, f"fetching {name}")
    with writing_cache(cache.root), cache.workspace(f"fetch {name}") as folder:
        downloaded = download(
            name, folder, mirror=mirror or MIRROR, sha256=sha256, say=say, tick=tick
        )
        source = VectorsSource(str(downloaded.path), fetched=(downloaded.url, downloaded.sha256))
        facts = _kept(source, name, None, name, say, watch)
        return {**facts, "file_sha256": downloaded.sha256}


def _kept(
    source: VectorsSource,
    name: str | None,
    selection: "Selection | None",
    shown: str,
    say: Say,
    watch: "Watch | None",
) -> dict[str, Any]:
    """A source in the cache, under a name."""
    from attncli.embeddings.corpus import unwatched
    from attncli.files.stream import file_stream

    cache, key = Cache(), source.key()
    if key is None:
        file_stream(source.path).close()  # says what is wrong with the path
        raise InputError("only a regular file can be imported", place=visible(shown))
    tick = partial(watch or unwatched, f"importing {visible(shown)[-40:]}")
    with writing_cache(cache.root):
        store = convert(cache, key, source, Access(say=say, tick=tick), selection)
        if name is not None:
            cache.name_entry(name, key, source)
    return {
        "name": name,
        "words": store.words,
        "dim": store.dim,
        "format": store.meta.get("source_format"),
        "sha256": store.sha256,
    }


def _selection(settings: ImportSettings, limits: Limits) -> "tuple[Selection | None, str]":
    """Which words are kept, and that in a few characters."""
    from attncli.embeddings.cache.building import Selection
    from attncli.embeddings.readers.npz import list_of_words

    if settings.limit is None and settings.words is None:
        return None, ""
    words = None
    described = f"limit {settings.limit}"
    if settings.words is not None:
        words = frozenset(list_of_words(Path(settings.words), limits))
        described += " words " + hashlib.sha256(b"\n".join(sorted(words))).hexdigest()
    return Selection(settings.limit, words), described


def export_vectors(
    vectors: "Vectors | WordVectors",
    output: str,
    *,
    limit: int | None = None,
    access: Access = DEFAULT_ACCESS,
) -> list[Path]:
    """Writes vectors, or the first `limit` words of them, to a file of the format its suffix says.

    The files that were written, whole or not at all; none of them is one the vectors came from.
    Raises: UsageError, OutputError; what opening the vectors raises.
    """
    from attncli.embeddings.exporting import export_store, exported_files

    files = [OutputFile("output", str(path)) for path in exported_files(output)]
    expect_writable(files, vectors_read(vectors) if isinstance(vectors, str) else ())
    store = vocabulary_of(vectors, access)
    expect_apart(files, [store.meta.get("source")])
    return list(export_store(store, output, limit=limit))


def remove_vectors(name: str) -> None:
    """Removes imported vectors from the cache, not their file. Raises: UsageError where there are none."""
    cache = Cache()
    with writing_cache(cache.root):
        was_there = cache.forget(name)
    if not was_there:
        raise UsageError(
            f"no imported vectors are named {quoted(name)}", hints=("attn vectors list",)
        )
