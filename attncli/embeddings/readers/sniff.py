"""Which format a file is in: the first 64 KiB decide, the suffix only breaks ties."""

import re
import struct

from attncli.embeddings.readers.foreign import check_foreign_vectors
from attncli.embeddings.readers.text.fields import looks_like_number
from attncli.embeddings.readers.text.lines import BOM
from attncli.errors import DataError, UsageError, field_name
from attncli.errors.wording import did_you_mean, quoted
from attncli.files.stream import ByteStream

HEAD = 1 << 16
FORMATS = ("glove", "word2vec", "word2vec-binary", "fasttext", "gensim", "npy", "safetensors")
FASTTEXT_MAGIC = struct.pack("<i", 793712314)
_HEADER = re.compile(rb"[ \t]*[0-9]{1,18}[ \t]+[0-9]{1,18}[ \t]*\r?\n")
_SEPARATORS = re.compile(rb"[ \t]+")
_OLD_PICKLE = re.compile(rb"(?:\(|\]|\}|[lid]|p[0-9]+\n)*[ci][A-Za-z_][\w.]*\n[A-Za-z_][\w.]*\n")
_OLD_CONTAINER = re.compile(rb"\((?:[dl]p[0-9]+\n|[dl]\.)")


def sniffed_format(stream: ByteStream, suffix: str = "") -> str:
    """One of FORMATS, or "text" when a header is still to be looked for.

    Raises: DataError when the file is empty or something else.
    """
    head = stream.peek(HEAD)
    place = stream.place
    if not head:
        raise DataError("the file is empty, expected word vectors", place=place)
    if not head.strip(b" \t\r\n") and len(head) < HEAD:
        raise DataError("no vectors found: the file is blank", place=place)
    if not head.strip(b"\0") and len(head) < HEAD:
        raise DataError("no vectors found: the file holds NUL bytes only", place=place)
    by_magic = _by_magic(head)
    if by_magic is not None:
        return by_magic
    check_foreign_vectors(head, place)
    if _HEADER.match(head.removeprefix(BOM)):
        return "word2vec-binary" if _is_binary(head, suffix) else "word2vec"
    if is_old_fasttext(head):
        return "fasttext"
    if _is_noise(head):
        raise DataError("cannot tell the format: no vectors found", place=place)
    return "text"


def _by_magic(head: bytes) -> str | None:
    # first: the length of a header may begin as a pickle does
    if len(head) >= 9 and head[8:9] == b"{" and 2 <= struct.unpack("<Q", head[:8])[0] < 1 << 40:
        return "safetensors"
    if head[:1] == b"\x80" and len(head) > 1 and head[1] < 32:
        return "gensim"
    if _OLD_PICKLE.match(head) or _OLD_CONTAINER.match(head):
        return "gensim"
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    if head.startswith(FASTTEXT_MAGIC):
        return "fasttext"
    return None


def _is_binary(head: bytes, suffix: str) -> bool:
    """Whether float32 values follow the header: control bytes that text has not."""
    body = head[head.index(b"\n") + 1 :]
    if b" " not in body and b"\t" not in body:
        return suffix == ".bin"
    fields = _SEPARATORS.split(body.split(b"\n", 1)[0].strip(b" \t\r"))[1:]
    # A value may begin with the byte of a line end: half a row of numbers is text.
    if 2 * len(fields) >= _promised(head) and 2 * sum(map(looks_like_number, fields)) > len(fields):
        return False
    start = body[:4096]
    if sum(start.count(byte) for byte in _CONTROLS):
        return True
    return sum(byte > 127 for byte in start[-64:]) > 16 and not _is_utf8(start)


def _promised(head: bytes) -> int:
    """How many values a row has, by the header."""
    return int(head.split(b"\n", 1)[0].split()[1])


def _is_utf8(data: bytes) -> bool:
    """Whether the bytes are UTF-8, but for a character that may be cut at the end."""
    try:
        data[:-4].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


# dim, ws, epoch, minCount, neg, wordNgrams, loss, model, bucket, minn, maxn, lrUpdateRate
_LARGE = (1 << 31) - 1
_OLD_FASTTEXT = (
    (1, 1 << 16), (0, 1 << 16), (0, 1 << 20), (0, _LARGE), (0, 1 << 16), (0, 1 << 16), (1, 4),
    (1, 3), (0, _LARGE), (0, 64), (0, 64), (0, _LARGE),
)  # fmt: skip
_CONTROLS = [bytes([byte]) for byte in range(32) if byte not in (9, 10, 13)]


def is_old_fasttext(head: bytes) -> bool:
    """A fastText model from before the magic: eleven plausible settings, then a float64."""
    if len(head) < 56:
        return False
    fields: tuple[int, ...] = struct.unpack("<12i", head[:48])
    return all(
        low <= value <= high for value, (low, high) in zip(fields, _OLD_FASTTEXT, strict=True)
    )


def _is_noise(head: bytes) -> bool:
    """Whether no line of it can be a word and numbers: many control bytes."""
    start = head[:4096]
    return (
        sum(start.count(byte) for byte in _CONTROLS) * 10 > len(start) and head.strip(b"\0") != b""
    )


def check_format(name: str | None) -> str | None:
    """The format's name. Raises: UsageError when there is no such format."""
    if name is not None and name not in FORMATS:
        raise UsageError(
            f"found {quoted(name)}, expected one of {', '.join(FORMATS)}{did_you_mean(name, FORMATS)}",
            place=field_name("format"),
        )
    return name
