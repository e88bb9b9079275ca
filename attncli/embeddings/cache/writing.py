"""What it means that the cache cannot be written, to a command whose result it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attncli.embeddings.cache.entries import CacheUnusable
from attncli.errors import OutputError
from attncli.errors.wording import visible


@contextmanager
def writing_cache(root: Path) -> Iterator[None]:
    """Raises: OutputError when the cache cannot be written."""
    try:
        yield
    except (CacheUnusable, OSError) as fault:
        reason = getattr(fault, "strerror", None) or str(fault)
        raise OutputError(
            f"the cache cannot be written: {reason.lower()}", place=visible(str(root))
        ) from None
