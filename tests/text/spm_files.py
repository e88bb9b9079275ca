"""Models of SentencePiece written by hand: the messages of their files, and tables of characters."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

UNIGRAM, BPE = 1, 2
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
_NORMALIZER_FLAGS = {"dummy_prefix": 3, "removes_spaces": 4, "escapes_spaces": 5}
_TRAINER_FLAGS = {"suffix": 24, "bytes": 35}

WORDS = ("▁money", "▁bank", "▁grows", "▁river", "▁flows", "▁the", "▁", "s", "n", "a", "e", ".")


def varint(number: int) -> bytes:
    """A number in groups of seven bits."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def field(number: int, value: int | float | bytes) -> bytes:
    """A field of a message: a whole number, a float32, or bytes with their length."""
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def spm(
    pieces: Sequence[tuple[str, float, int]],
    kind: int = UNIGRAM,
    charsmap: bytes = b"",
    **flags: bool,
) -> bytes:
    """The file of a model; each piece has its score and its type."""
    out = b"".join(
        field(1, field(1, text.encode()) + field(2, float(score)) + field(3, number))
        for text, score, number in pieces
    )
    trainer, normalizer = field(3, kind), field(2, charsmap) if charsmap else b""
    for name, value in flags.items():
        if name in _TRAINER_FLAGS:
            trainer += field(_TRAINER_FLAGS[name], int(value))
        else:
            normalizer += field(_NORMALIZER_FLAGS[name], int(value))
    return out + field(2, trainer) + field(3, normalizer)


def spm_of_words(kind: int = UNIGRAM, **options: Any) -> bytes:
    """A small model: three special pieces, then `WORDS`, the earlier the likelier."""
    special = [("<unk>", 0.0, UNKNOWN), ("<s>", 0.0, CONTROL), ("</s>", 0.0, CONTROL)]
    own = [(word, -1.0 - at / 4, NORMAL) for at, word in enumerate(WORDS)]
    return spm([*special, *own], kind, **options)


def charsmap(spellings: Mapping[str, str]) -> bytes:
    """The table of characters of some spellings: a double array with 256 places a node, and the texts."""
    texts, starts = bytearray(), dict[bytes, int]()
    for key, spelled in spellings.items():
        starts[key.encode()] = len(texts)
        texts += spelled.encode() + b"\0"
    nodes = sorted({key[:n] for key in starts for n in range(len(key) + 1)}, key=len)
    base = {node: 256 * (at + 1) for at, node in enumerate(nodes)}
    units = [0] * (256 * (len(nodes) + 1))
    for node in nodes:
        own = base[node[:-1]] ^ node[-1] if node else 0
        leaf = node in starts
        units[own] = (node[-1] if node else 0) | leaf << 8 | (own ^ base[node]) << 10
        if leaf:
            units[base[node]] = starts[node] | 1 << 31
    trie = struct.pack(f"<{len(units)}I", *units)
    return struct.pack("<I", len(trie)) + trie + bytes(texts)
