"""The cache of converted vectors: a file is converted once and opened in milliseconds ever after.

    ATTN_CACHE_DIR/vectors/        (or the platform's cache folder)
      v2-KEY/                      a store folder; KEY names the source file, as it was, and the options
      names/NAME.json              an imported name → its entry
      tmp-KEY-…/                   an entry in the making, under the lock KEY.lock

An entry is made beside and renamed, so it is whole or not there. Its checksums are verified when it is
used, and what is damaged is made again. Nobody but its owner may write to the folder.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from attncli.embeddings.cache.checked import read_facts, write_facts
from attncli.embeddings.cache.keys import key_of_content
from attncli.embeddings.marks import NAMING, are_named_anew
from attncli.embeddings.store import FolderStore, read_meta
from attncli.errors import AttnError, DataError, InputError, UsageError, field_name
from attncli.errors.wording import quoted
from attncli.files.paths import is_device_of_windows, is_folder, listed, size_of
from attncli.settings import BUILT_IN

if TYPE_CHECKING:
    from attncli.embeddings.source import VectorsSource

_SAMPLE = 2000  # words looked at to tell whether an older entry is still right
_VERSION = "v2"


class Entry(NamedTuple):
    """An entry as it lies in the cache, with the names it was given."""

    key: str
    folder: Path
    names: tuple[str, ...]
    meta: dict[str, Any]
    size: int


class CacheUnusable(Exception):
    """The cache cannot be written or is not ours; the caller goes on without it."""


@contextmanager
def _usable() -> Iterator[None]:
    """Turns what the system refuses into CacheUnusable."""
    try:
        yield
    except OSError as fault:
        raise CacheUnusable(fault.strerror or str(fault)) from None


def cache_root() -> Path:
    """The folder of the vectors' cache; it need not exist."""
    given = os.environ.get("ATTN_CACHE_DIR")
    if given:
        return Path(given) / "vectors"
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("attn", appauthor=False)) / "vectors"


class Cache:
    """The entries in a folder. Raises: CacheUnusable when it cannot be used."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = cache_root() if root is None else root

    def open(self, key: str, name: str | None = None) -> FolderStore | None:
        """The store of an entry, or None when there is none or it is damaged."""
        folder = self._folder(key)
        if not self._is_ours(folder):
            return None
        try:
            if "sums" not in read_meta(folder):
                return None
            store = FolderStore(folder, name)
            return None if is_outdated(store) else store
        except (DataError, InputError):
            return None

    def make(
        self, key: str, build: Callable[[Path], object], *, doubted: bool = False
    ) -> FolderStore:
        """The store of an entry, built by `build` unless another process did or does.

        An entry that is `doubted` is verified whole before it is used. Raises: CacheUnusable, and
        what `build` raises.
        """
        from attncli.files.locking import locked

        self._prepare()
        with _usable(), locked(self.root / f"{key}.lock", private=True):
            self.sweep(but=key)
            store = self.open(key)
            if store is None or (doubted and not store.is_sound()):
                store = self._build(key, build)
            return store

    @contextmanager
    def workspace(self, purpose: str) -> Iterator[Path]:
        """A folder for work, one process at a time for a purpose; gone at the end.

        Raises: CacheUnusable.
        """
        import shutil
        import tempfile

        from attncli.files.locking import locked

        self._prepare()
        key = key_of_content(purpose, "", "")
        with locked(self.root / f"{key}.lock", private=True):
            self.sweep(but=key)
            folder = Path(tempfile.mkdtemp(prefix=f"tmp-{key}-", dir=self.root))
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def _build(self, key: str, build: Callable[[Path], object]) -> FolderStore:
        import shutil
        import tempfile

        from attncli.embeddings.cache.building import sync

        work = Path(tempfile.mkdtemp(prefix=f"tmp-{key}-", dir=self.root))
        try:
            build(work)
            sync(work, *work.iterdir())
            folder = self._folder(key)
            if is_folder(folder):  # damaged, or not ours
                folder.rename(Path(tempfile.mkdtemp(prefix=f"tmp-{key}-", dir=self.root)) / "old")
            work.rename(folder)
        finally:
            for left in listed(self.root, f"tmp-{key}-*"):
                shutil.rmtree(left, ignore_errors=True)
        return FolderStore(self._folder(key))

    def discard(self, key: str) -> None:
        """Removes an entry, whole or damaged."""
        import shutil
        import tempfile

        from attncli.files.locking import locked

        folder = self._folder(key)
        with locked(self.root / f"{key}.lock", private=True):  # nobody opens or makes it now
            if is_folder(folder):
                gone = Path(tempfile.mkdtemp(prefix=f"tmp-{key}-", dir=self.root))
                try:
                    folder.rename(gone / "old")
                finally:
                    shutil.rmtree(gone, ignore_errors=True)
            for left in listed(self.root, f"tmp-{key}-*"):  # of a process that died
                shutil.rmtree(left, ignore_errors=True)

    def sweep(self, but: str = "") -> None:
        """Removes what processes that died left behind."""
        import shutil

        from attncli.files.locking import locked

        for left in listed(self.root, "tmp-*"):
            key = left.name.split("-")[1]
            if key == but:  # its lock is ours: whoever made this is gone
                shutil.rmtree(left, ignore_errors=True)
                continue
            with locked(self.root / f"{key}.lock", wait=False, private=True) as held:
                if held:
                    shutil.rmtree(left, ignore_errors=True)
        for lock in listed(self.root, "*.lock"):  # of an entry that is gone
            if lock.stem != but:
                with suppress(OSError), locked(lock, wait=False, private=True):
                    pass

    def entries(self) -> Iterator[Entry]:
        """All whole entries, by name and key."""
        names: dict[str, list[str]] = {}
        for name, key in self._names().items():
            names.setdefault(key, []).append(name)
        entries_read = []
        for folder in listed(self.root, f"{_VERSION}-*"):
            key = folder.name.removeprefix(f"{_VERSION}-")
            try:
                meta = read_meta(folder)
            except AttnError:
                continue
            size = sum(map(size_of, listed(folder, "*")))
            entries_read.append(Entry(key, folder, tuple(sorted(names.get(key, ()))), meta, size))
        yield from sorted(entries_read, key=lambda entry: (entry.names or ("~",), entry.key))

    # names

    def key_named(self, name: str) -> str | None:
        """The entry that a name was given to."""
        if not is_name(name) or not self._is_ours(self.root / "names"):
            return None
        try:
            key = read_facts(self.root / "names" / f"{name}.json").get("entry")
        except AttnError:
            return None
        return key if isinstance(key, str) and len(key) == 32 and key.isalnum() else None

    def source_named(self, name: str) -> "VectorsSource | None":
        """Where the vectors of a name came from."""
        from attncli.embeddings.source import VectorsSource

        try:
            return VectorsSource.of(read_facts(self.root / "names" / f"{name}.json")["source"])
        except (AttnError, KeyError, TypeError, AttributeError, ValueError):
            return None

    def name_entry(self, name: str, key: str, source: "VectorsSource") -> None:
        """Gives an entry a name; an older meaning of the name ends. Raises: CacheUnusable."""
        check_name(name)
        before, older = self.key_named(name), self.source_named(name)
        facts = {"name": name, "entry": key, "source": source.facts()}
        with _usable():
            self._write_name(name, facts)
            unnamed = before not in (None, key, *self._names().values())
            if unnamed and (older is None or older.has_no_file or older.key() != before):
                self.discard(str(before))  # nothing can ask for it any more

    def _write_name(self, name: str, facts: dict[str, Any]) -> None:
        import tempfile

        from attncli.embeddings.cache.building import sync
        from attncli.files.locking import locked

        folder = self.root / "names"
        folder.mkdir(mode=0o700, exist_ok=True)
        with locked(self.root / "names.lock", private=True):
            for left in folder.glob(".*"):  # of a process that died
                left.unlink(missing_ok=True)
            number, work = tempfile.mkstemp(prefix=".", dir=folder)
            os.close(number)
            try:
                write_facts(Path(work), facts)
                sync(folder, Path(work))
                Path(work).replace(folder / f"{name}.json")
            finally:
                Path(work).unlink(missing_ok=True)

    def forget(self, name: str) -> bool:
        """Removes a name, and its entry when no other name has it. Gives whether there was one.

        The entry goes first: what a killed process leaves still has the name by which it can be
        removed. Raises: CacheUnusable.
        """
        from attncli.files.locking import locked

        if self.key_named(name) is None:
            self._tidy()
            return False
        with _usable(), locked(self.root / "names.lock", private=True):
            names = self._names()
            key = names.pop(name, None)
            if key is not None and key not in names.values():
                self.discard(key)
            (self.root / "names" / f"{name}.json").unlink(missing_ok=True)
        return key is not None

    def _tidy(self) -> None:
        """Removes what a process left that died while it removed a name."""
        with suppress(OSError):  # nobody waits for it
            self.sweep()

    def names(self) -> list[str]:
        """The names of imported vectors."""
        return list(self._names())

    def _names(self) -> dict[str, str]:
        found = {}
        for path in listed(self.root / "names", "*.json"):
            key = self.key_named(path.stem)
            if key is not None:
                found[path.stem] = key
        return found

    # the folder

    def _folder(self, key: str) -> Path:
        return self.root / f"{_VERSION}-{key}"

    def _prepare(self) -> None:
        with _usable():
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._is_ours(self.root):
            raise CacheUnusable("it belongs to another user, or others may write to it")

    def _is_ours(self, folder: Path) -> bool:
        """Whether the folder is there, is no link, and nobody else may have put things into it."""
        try:
            state = folder.lstat()
        except OSError:
            return False
        if not stat.S_ISDIR(state.st_mode):
            return False
        if not hasattr(os, "getuid"):
            return True
        return state.st_uid == os.getuid() and not state.st_mode & 0o022


def is_outdated(store: FolderStore) -> bool:
    """Whether the words were named by an older rule, under which they would be others."""
    rule = store.meta.get("naming")
    if rule == NAMING:
        return False
    if rule is None and store.meta.get("source_format") == "static embeddings":
        return True
    rows = range(0, store.words, max(1, store.words // _SAMPLE))
    words = [store.word(row).encode("utf-8", "surrogateescape") for row in rows]
    return are_named_anew(words, rule)


def is_name(name: str) -> bool:
    """Whether this can be the name of imported vectors."""
    return (
        0 < len(name) <= 100
        and name.isascii()
        and name[0].isalnum()
        and all(char.isalnum() or char in "._-" for char in name)
    )


def check_name(name: str) -> None:
    """Raises: UsageError when this cannot be a name."""
    if not is_name(name):
        raise UsageError(
            f"found {quoted(name)}, expected up to 100 letters, digits, dots, dashes and underscores",
            place=field_name("name"),
        )
    if is_device_of_windows(name):
        raise UsageError(
            f"found {quoted(name)}, which is a device of Windows: no file can have this name there",
            place=field_name("name"),
        )
    if name in (*BUILT_IN, "random"):
        raise UsageError(
            f"found {quoted(name)}, which names vectors that come with attn",
            place=field_name("name"),
        )
