"""Files that are something else than any command reads, told from their first bytes.

One table for sentences, labels, vectors, weights and models, so that a workbook or an archive is
called the same everywhere, with what to do about it. `FILE` in a way stands for the file's name.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from attncli.errors import DataError
from attncli.errors.wording import typed, visible

SHEET = "save its sheet as CSV (UTF-8), or: libreoffice --headless --convert-to csv FILE"
TEXT = "save it as plain text (UTF-8), or: libreoffice --headless --convert-to txt:Text FILE"
TABBED = "save its sheet as text: a word a row, its numbers behind it, parted by tabs"
_ROWS, _VECTORS = "text or a table", "word vectors"
_PICTURE = "an OCR program reads its text"
PAGE = "a browser saves it as text"
_UNPACK = "unpack it first"
_CONVERT = "save it as CSV or JSON lines"
# First bytes, what the file is, what to do, and whether a NUL must follow (a text may begin so).
_MAGICS: tuple[tuple[bytes, str, str, bool], ...] = (
    (b"%PDF-", "a PDF document", "pdftotext FILE sentences.txt", False),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file (.xls, .doc)", SHEET, False),
    (b"{\\rtf", "an RTF document", TEXT, False),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "7z x FILE", False),
    (b"Rar!\x1a\x07", "a RAR archive", "unrar x FILE", False),
    (b"MSCF\0", "a cabinet archive (.cab)", _UNPACK, False),
    (b"!<arch>\n", "an ar archive", "ar x FILE", False),
    *(
        (start, "a cpio archive", "cpio -i < FILE", True)
        for start in (b"070701", b"070702", b"070707", b"\xc7\x71")
    ),
    (b"\x1f\x9d", "a compress file (.Z)", "gzip -dc FILE | attn batch -", False),
    (b"\x04\x22\x4d\x18", "an LZ4 file", "lz4 -dc FILE | attn batch -", False),
    (b"LZIP\x01", "an lzip file", "lzip -dc FILE | attn batch -", False),
    (b"PK\x05\x06", "an empty zip archive", "", False),
    (b"PK\x03\x04", "a zip archive", "unzip FILE", False),
    (b"ARROW1\0", "an Arrow file", "save it as Parquet, CSV or JSON lines", False),
    (b"\x93NUMPY", "an npy array", "attn view FILE", False),
    (b"SQLite format 3\0", "an SQLite database", 'sqlite3 -csv -header FILE "SELECT …"', False),
    (b"\x89HDF\r\n", "an HDF5 file", _CONVERT, False),
    (b"\x89PNG\r\n", "a PNG picture", _PICTURE, False),
    (b"\xff\xd8\xff", "a JPEG picture", _PICTURE, False),
    (b"GIF89a", "a GIF picture", _PICTURE, True),
    (b"II*\0", "a TIFF picture", _PICTURE, False),
    (b"\x7fELF", "a program", "", True),
    (b"MZ", "a program", "", True),
    (b"RIFF", "a sound or picture file", "", True),
    (b"OggS", "a sound file", "", True),
    (b"ID3", "a sound file", "", True),
    (b"GGUF", "a GGUF model", "", True),
    *((bytes([0x80, protocol]), "a pickle", _CONVERT, False) for protocol in range(2, 6)),
    (b"version https://git-lfs", "a Git LFS pointer", "git lfs pull", False),
)
_TAR_SUM = slice(148, 156)  # where the header of a tar member holds the sum of its bytes
_OCTAL = re.compile(rb" *([0-7]{1,7})[ \0]+")
_OFFICE = (
    ("xl", "an Excel workbook (.xlsx)", SHEET),
    ("word", "a Word document (.docx)", TEXT),
    ("ppt", "a PowerPoint presentation (.pptx)", TEXT),
)
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument."


class Foreign(NamedTuple):
    """What a file is, and what to do about it."""

    what: str
    way: str


def foreign_of(head: bytes) -> Foreign | None:
    """What a file with these first bytes is, if it is something that no command reads."""
    for magic, what, way, binary in _MAGICS:
        if head.startswith(magic) and (not binary or b"\0" in head[:512]):
            return Foreign(what, way)
    return Foreign("a tar archive", "tar -xf FILE") if _is_tar(head) else None


def document_of(names: Iterable[str], mimetype: str) -> Foreign | None:
    """What a zip archive with these members is, if it is a document.

    `mimetype` is what its member of that name holds.
    """
    members = set(names)
    folders = {name.partition("/")[0] for name in members}
    if "[Content_Types].xml" in members:
        for folder, what, way in _OFFICE:
            if folder in folders:
                return Foreign(what, way)
    if "mimetype" in members:
        kind = mimetype.removeprefix(_OPEN_DOCUMENT)
        if kind.startswith("spreadsheet"):
            return Foreign("an OpenDocument spreadsheet (.ods)", SHEET)
        return Foreign(f"an OpenDocument or EPUB file ({visible(kind)[:40]})", TEXT)
    return None


def foreign_file(
    foreign: Foreign, name: str, expected: str = _ROWS, place: str | None = None
) -> DataError:
    """The error for a file that is something else; `name` is its path as it was given."""
    way = way_for(foreign, expected)
    if name != "<stdin>":
        way = way.replace("FILE", typed(name))
    message = f"this is {foreign.what}, expected {expected}"
    return DataError(message, place=name if place is None else place, hints=(way,) if way else ())


def way_for(foreign: Foreign, expected: str) -> str:
    """What to do about a file where something is expected; nothing, if there is nothing to do."""
    if expected == _ROWS:
        return foreign.way
    if expected == _VECTORS and foreign.way == SHEET:
        return TABBED
    if foreign.way in (_PICTURE, PAGE):  # which lead to sentences
        return ""
    return foreign.way.replace(" | attn batch -", " > UNPACKED")  # to a file, not to a batch


def _is_tar(head: bytes) -> bool:
    """Whether a header of tar begins it, with a name for its layout or, as of old, without."""
    if head[257:262] == b"ustar":
        return True
    written = _OCTAL.fullmatch(head[_TAR_SUM])
    if written is None or len(head) < 512 or not head[0]:
        return False
    return int(written[1], 8) == sum(head[:148]) + 8 * ord(" ") + sum(head[156:512])
