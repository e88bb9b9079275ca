"""Parts of an object store → one object, put together by the store itself: no byte travels.

S3 makes an object of others by "multipart upload" with copied parts: at most 10,000, each of 5 MiB
at least but the last, and of 5 GiB at most. More parts are put together in a tree. The same rules
and numbers: Amazon S3 User Guide, "Amazon S3 multipart upload limits".
"""

import contextlib
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

_MOST = 10_000  # parts of an object
_LEAST = 5 << 20  # bytes of a part that is not the last
_LARGEST = 4 << 30  # bytes of a part; S3 takes 5 GiB
_HIGHEST = 5 << 40  # bytes of an object
_STORES = ("s3", "s3a")


def is_joined_there(
    files: Any, folder: str, names: Sequence[str], sizes: Sequence[int], whole: str
) -> bool:
    """Whether a store put objects behind each other as the object `whole`.

    Where it cannot (another store, small parts, a refusal) nothing is at `whole` that was not there
    before, and the caller has to read the parts and write them. `folder` takes the objects between.
    """
    if not _is_allowed(files, sizes):
        return False
    with contextlib.suppress(OSError, NotImplementedError):  # a store may lack this call
        if len(names) > _MOST:
            names, sizes = _joined_in_groups(files, folder, names, sizes)
        if len(names) > _MOST:
            return False
        files.merge(whole, list(names))
        files.invalidate_cache()
        return bool(files.size(whole) == sum(sizes))
    return False


def _is_allowed(files: Any, sizes: Sequence[int]) -> bool:
    named = files.protocol
    protocols = {named} if isinstance(named, str) else {*named}
    return (
        hasattr(files, "merge")
        and not protocols.isdisjoint(_STORES)
        and len(sizes) > 1
        and min(sizes[:-1]) >= _LEAST
        and max(sizes) <= _LARGEST
        and sum(sizes) <= _HIGHEST
    )


def _joined_in_groups(
    files: Any, folder: str, names: Sequence[str], sizes: Sequence[int]
) -> tuple[list[str], list[int]]:
    """Each group of parts as one object: their names and sizes."""
    tops, lengths = [], []
    for first, end in _groups(sizes):
        top = names[first]
        if end - first > 1:
            top = f"{folder}/joined-{first:08d}"
            files.merge(top, list(names[first:end]))
        tops.append(top)
        lengths.append(sum(sizes[first:end]))
    return tops, lengths


def _groups(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Consecutive parts, as many as one part may hold: the first and the one behind the last."""
    first = 0
    ends = list(accumulate(sizes, initial=0))
    for end in range(1, len(sizes) + 1):
        is_last = end == len(sizes)
        if is_last or ends[end + 1] - ends[first] > _LARGEST or end - first == _MOST:
            yield first, end
            first = end
