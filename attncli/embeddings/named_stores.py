"""A name or a path → a store. The only place that knows every source of vectors."""

import os
import re
import stat
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from attncli.embeddings.protocols import EmbeddingStore
from attncli.embeddings.seeded import SeededStore
from attncli.embeddings.store import FolderStore
from attncli.errors import DataError, InputError, UsageError, command_line, field_name, setting
from attncli.errors.wording import did_you_mean, quoted, visible
from attncli.files.access import DEFAULT_ACCESS, Access
from attncli.files.paths import at_home, is_file
from attncli.settings import BUILT_IN, OF_PRESET

if TYPE_CHECKING:
    from attncli.embeddings.cache.building import Selection
    from attncli.embeddings.cache.entries import Cache
    from attncli.embeddings.source import VectorsSource

RANDOM_DIM = 50
_LIKE_A_PATH = r"\.|^[/~\\]|^[A-Za-z]:|\w[/\\]\w"
_SMALL = 4 << 20  # bytes of a file that is simply read, every time


def builtin_store() -> FolderStore:
    """The vectors that ship inside the package: GloVe 6B 50d, the 50,000 most frequent words."""
    return FolderStore(Path(__file__).parent / "data" / BUILT_IN[-1])


def open_word_vectors(
    name: str | os.PathLike[str] = "glove",
    *,
    dim: int = RANDOM_DIM,
    seed: int = 0,
    inline: str | None = None,
    access: Access = DEFAULT_ACCESS,
) -> EmbeddingStore:
    """The store of a name or a path.

    "glove" is built in, "random" is seeded (of `dim` values), "preset:NAME" is small; then come the names of imported
    vectors, files and folders of vectors (`ARCHIVE.zip:MEMBER` too), and what gensim's downloader
    has in its own folder. With `inline` the vectors are written out: "money=1,0;bank=.8,.6".
    Raises: UsageError when there are no such vectors, and all that reading a file raises.
    """
    if inline is not None:
        from attncli.embeddings.inline import inline_store

        return inline_store(inline)
    text = os.fspath(name)
    if text in BUILT_IN:
        return builtin_store()
    if text == "random":
        return SeededStore(dim, seed)
    if text.startswith(OF_PRESET):
        from attncli.embeddings.presets import preset_store

        return preset_store(text.removeprefix(OF_PRESET))
    return _imported(text, access) or _of_path(file_of(text), access)


def stored(name: str, access: Access = DEFAULT_ACCESS) -> FolderStore | None:
    """The store of a name or a path when nothing has to be read for it: built in, or in the cache.

    Raises: UsageError, InputError when there are no such vectors.
    """
    from attncli.embeddings.source import VectorsSource

    if name in BUILT_IN:
        return builtin_store()
    store = _imported(name, access)
    if store is not None:
        return store
    path = os.fspath(file_of(name))
    return None if _is_stream(path) else _cached(VectorsSource(path), access)[1]


def is_imported(name: str, sha256: str | None) -> bool:
    """Whether the cache has vectors of this name, and they are those of this digest."""
    from attncli.embeddings.cache.entries import Cache

    cache = Cache()
    key = None if sha256 is None else cache.key_named(name)
    store = None if key is None else cache.open(key, name)
    return store is not None and store.sha256 == sha256


def _imported(name: str, access: Access) -> FolderStore | None:
    """The vectors imported under this name, made again when they are damaged."""
    from attncli.embeddings.cache.entries import Cache

    cache = Cache()
    key = cache.key_named(name) if access.cached else None
    if key is None:
        return None
    store = cache.open(key, name)
    if store is None:
        store = _named_again(cache, key, name, access)
    store.remake = lambda: _named_again(cache, key, name, access)
    return store


def _named_again(cache: "Cache", key: str, name: str, access: Access) -> FolderStore:
    """Imported vectors made again out of their file. Raises: DataError when it is another one."""
    source = cache.source_named(name)
    if source is not None and source.fetched:
        raise DataError(
            f"the vectors {quoted(name)} are damaged", hints=(f"attn vectors fetch {name}",)
        )
    if source is not None and source.trained:
        raise DataError(
            f"the vectors {quoted(name)} are damaged",
            hints=(command_line("vectors train FILE", name=name, force=True),),
        )
    if source is None or source.key() != key:
        raise DataError(
            f"the imported vectors {quoted(name)} are damaged or of an older attn, and their file "
            "has changed",
            hints=(command_line("vectors import FILE", name=name),),
        )
    store = _remade(cache, key, source, access)
    store.name = name
    return store


def file_of(text: str) -> Path | str:
    """The path that a name means. Raises: UsageError, InputError when no file is there."""
    from attncli.files.member import split_member

    if not text:
        raise InputError(
            "found an empty name, expected a name or a file", place=field_name("vectors")
        )
    if "://" in text or os.path.lexists(split_member(text)[0]):
        return text
    beside = gensim_file(text)
    if beside is not None:
        return beside
    if 0 < len(text) <= 64 and re.search(_LIKE_A_PATH, text) is None:
        from attncli.embeddings.cache.entries import Cache

        raise UsageError(
            f"no vectors are named {quoted(text)}, and there is no such file"
            + did_you_mean(text, ("random", *BUILT_IN, *Cache().names())),
            place=field_name("vectors"),
            hints=(
                "attn vectors list",
                "glove and random are there without a file",
            ),
        )
    return text


def gensim_folder() -> Path:
    """Where gensim's downloader keeps its data."""
    given = os.environ.get("GENSIM_DATA_DIR")
    return Path(given) if given else at_home("~/gensim-data")


def gensim_file(name: str) -> Path | None:
    """The data file that gensim's downloader has of a name, if it has one."""
    from attncli.embeddings.cache.entries import is_name

    if not is_name(name):
        return None
    path = gensim_folder() / name / f"{name}.gz"
    return path if is_file(path) else None


def _of_path(path: Path | str, access: Access) -> EmbeddingStore:
    from attncli.embeddings.cache.entries import Cache, CacheUnusable
    from attncli.embeddings.source import VectorsSource

    source = VectorsSource(os.fspath(path), limits=access.limits)
    if _is_stream(source.path):
        return _in_memory(source, access)  # a pipe is read once, and cannot be known again
    key, store = _cached(source, access)
    if store is not None:
        return store
    cache = Cache()
    if _is_small(source.path):
        return _in_memory(source, access)
    if not access.whole:
        from attncli.embeddings.scanning import ScannedStore

        return ScannedStore(source.name, path, source.options(), access.say)
    if key is None:
        return _in_memory(source, access)
    try:
        return _converted(cache, key, source, access, source.name)
    except CacheUnusable as fault:
        access.say("warning", f"{cache.root}: the cache is not used: {str(fault).lower()}")
        return _in_memory(source, access)


def _cached(source: "VectorsSource", access: Access) -> tuple[str | None, FolderStore | None]:
    """The name of a file's entry in the cache, and the entry if it is there."""
    from attncli.embeddings.cache.entries import Cache

    key = source.key() if access.cached else None
    cache = Cache()
    found = None if key is None else cache.open(key, source.name)
    if found is not None and key is not None:
        found.remake = lambda: _remade(cache, key, source, access)
    return key, found


def _is_stream(path: str) -> bool:
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _is_small(path: str) -> bool:
    try:
        state = Path(path).stat()
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(state.st_mode) and 0 < state.st_size <= _SMALL


def _converted(
    cache: "Cache", key: str, source: "VectorsSource", access: Access, name: str
) -> FolderStore:
    """The entry of a source, made now. Raises: DataError when the file changes under it."""
    store = convert(cache, key, source, access)
    store.name = name
    store.remake = lambda: _remade(cache, key, source, access)
    return store


def convert(
    cache: "Cache",
    key: str,
    source: "VectorsSource",
    access: Access,
    selection: "Selection | None" = None,
    *,
    doubted: bool = False,
) -> FolderStore:
    """The cache's entry of a source, made unless it is there (and sound, when it is `doubted`).

    Raises: CacheUnusable, DataError when the file changes meanwhile, and what reading it raises.
    """
    from attncli.embeddings.cache.building import build_store
    from attncli.embeddings.readers.any_format import open_reading

    def build(folder: Path) -> None:
        reading = open_reading(source.path, replace(source.options(), workspace=folder))
        facts = {"name": source.name, **source.origin()}
        warnings = build_store(
            folder,
            reading,
            source.path,
            facts=facts,
            selection=selection,
            limits=source.limits,
            tick=access.tick,
        )
        if source.key() != key:
            raise DataError("the file changed while it was read", place=source.path)
        for warning in warnings:
            access.say("warning", warning)

    return cache.make(key, build, doubted=doubted)


def _remade(cache: "Cache", key: str, source: "VectorsSource", access: Access) -> FolderStore:
    """An entry whose files were found damaged, made again. Raises: DataError when it cannot be."""
    from attncli.embeddings.cache.entries import CacheUnusable

    if source.key() != key:
        raise DataError("the cached vectors are damaged, and their file has changed")
    try:
        return convert(cache, key, source, access, doubted=True)
    except CacheUnusable as fault:
        raise DataError(
            f"the cached vectors are damaged, and cannot be made again: {str(fault).lower()}",
            place=visible(str(cache.root)),
            hints=(f"{setting(no_cache=True)} reads the file itself",),
        ) from None


def _in_memory(source: "VectorsSource", access: Access) -> EmbeddingStore:
    from attncli.embeddings.readers.loading import load
    from attncli.embeddings.store import MemoryStore, content_hash

    loaded = load(source.path, source.options())
    for warning in loaded.warnings:
        access.say("warning", warning)
    sha256 = content_hash(loaded.words, loaded.matrix)
    return MemoryStore(
        source.name, loaded.words, loaded.matrix, sha256=sha256, subwords=loaded.subwords
    )
