"""Which sentences a model was trained on, kept as a few short digests of them.

A sketch holds the smallest digests of all sentences: of up to 4,096 it tells each, of more it tells
those it would hold, a fair sample (Bar-Yossef et al. 2002).
"""

import base64
import unicodedata
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, NamedTuple

_MOST = 4096  # digests kept
_SIZE = 6  # bytes of one: two of a million sentences agree by chance once in 500 models


class Seen(NamedTuple):
    """Of how many sentences it could be told, and how many of these a model was trained on."""

    known: int
    seen: int


def sketch_of(texts: Iterable[str]) -> dict[str, Any]:
    """The sketch of some sentences, as plain values."""
    digests = sorted({_digest(text) for text in texts})
    return {
        "distinct": len(digests),
        "digests": base64.b64encode(b"".join(digests[:_MOST])).decode("ascii"),
    }


def seen_in(texts: Iterable[str], sketch: Any) -> Seen | None:
    """How many of the sentences a sketch holds; None when it is no sketch."""
    try:
        held = base64.b64decode(sketch["digests"], validate=True)
        whole = int(sketch["distinct"]) * _SIZE == len(held)
    except (TypeError, KeyError, ValueError):
        return None
    digests = {held[at : at + _SIZE] for at in range(0, len(held), _SIZE)}
    if not digests:
        return None
    last = max(digests)
    looked_at = [d for d in map(_digest, texts) if whole or d <= last]
    return Seen(len(looked_at), sum(digest in digests for digest in looked_at))


def _digest(text: str) -> bytes:
    """The digest of a sentence, the same however its blanks and accents are written."""
    plain = " ".join(unicodedata.normalize("NFC", text).split())
    return blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=_SIZE).digest()
