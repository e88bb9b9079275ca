"""`attn vectors import` and `fetch`: a file, or a name of the catalog, into the cache."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attncli.cli.conversion_bar import ConversionBar
from attncli.cli.vectors.access import Saying
from attncli.errors import InputError
from attncli.errors.wording import visible
from attncli.files.limits import Limits

if TYPE_CHECKING:
    from attncli.embeddings.cache.building import Selection
    from attncli.embeddings.source import VectorsSource


@dataclass(frozen=True, slots=True)
class ImportSettings:
    """What the options of the import say."""

    name: str | None = None
    limit: int | None = None
    words: str | None = None
    format: str | None = None
    encoding: str = "utf-8"
    byte_order: str = "little"
    skip_bad: bool = False
    limits: Limits = Limits()  # noqa: RUF009  (frozen)


def imported(file: str, choice: ImportSettings, *, quiet: bool) -> dict[str, Any]:
    """Converts a file and gives it a name. Raises: what reading it raises, OutputError."""
    from attncli.embeddings.cache.entries import check_name
    from attncli.embeddings.source import VectorsSource

    if choice.name is not None:
        check_name(choice.name)
    selection, described = _selection(choice)
    source = VectorsSource(
        _absolute(file),
        choice.format,
        choice.encoding,
        choice.byte_order,
        choice.skip_bad,
        described,
        choice.limits,
    )
    return _kept(source, choice.name, selection, file, quiet=quiet)


def _kept(
    source: "VectorsSource",
    name: str | None,
    selection: "Selection | None",
    shown: str,
    *,
    quiet: bool,
) -> dict[str, Any]:
    """A source in the cache, under a name."""
    from attncli.embeddings.cache.entries import Cache
    from attncli.embeddings.cache.writing import writing_cache
    from attncli.embeddings.named_stores import Access, convert
    from attncli.files.stream import file_stream

    cache, bar = Cache(), ConversionBar(f"importing {visible(shown)[-40:]}", quiet=quiet)
    key = source.key()
    if key is None:
        file_stream(source.path).close()  # says what is wrong with the path
        raise InputError("only a regular file can be imported", place=visible(shown))
    access = Access(say=Saying(quiet=quiet), tick=bar.tick)
    try:
        with writing_cache(cache.root):
            store = convert(cache, key, source, access, selection)
            if name is not None:
                cache.name_entry(name, key, source)
    finally:
        bar.end()
    return {
        "name": name,
        "words": store.words,
        "dim": store.dim,
        "format": store.meta.get("source_format"),
        "sha256": store.sha256,
    }


def _absolute(file: str) -> str:
    return file if "://" in file else str(Path(file).absolute())


def _selection(choice: ImportSettings) -> "tuple[Selection | None, str]":
    """Which words are kept, and that in a few characters."""
    from attncli.embeddings.cache.building import Selection
    from attncli.embeddings.readers.npz import list_of_words

    if choice.limit is None and choice.words is None:
        return None, ""
    words = None
    described = f"limit {choice.limit}"
    if choice.words is not None:
        words = frozenset(list_of_words(Path(choice.words), choice.limits))
        described += " words " + hashlib.sha256(b"\n".join(sorted(words))).hexdigest()
    return Selection(choice.limit, words), described


def fetched(name: str, mirror: str | None, sha256: str | None, *, quiet: bool) -> dict[str, Any]:
    """Downloads a file of the catalog, checks it, and imports it under its name.

    The file lies in the cache while it is needed, so that what a killed process leaves is swept.
    """
    from attncli.embeddings.cache.entries import Cache, check_name
    from attncli.embeddings.cache.writing import writing_cache
    from attncli.embeddings.fetching import MIRROR, download
    from attncli.embeddings.source import VectorsSource

    check_name(name)
    cache, bar = Cache(), ConversionBar(f"fetching {name}", quiet=quiet)
    with writing_cache(cache.root), cache.workspace(f"fetch {name}") as folder:
        try:
            downloaded = download(
                name,
                folder,
                mirror=mirror or MIRROR,
                sha256=sha256,
                say=Saying(quiet=quiet),
                tick=bar.tick,
            )
        finally:
            bar.end()
        source = VectorsSource(str(downloaded.path), fetched=(downloaded.url, downloaded.sha256))
        facts = _kept(source, name, None, name, quiet=quiet)
        return {**facts, "file_sha256": downloaded.sha256}
