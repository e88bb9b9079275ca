"""Files that hold no sentences, told from their first bytes, with what to do about them."""

import re
import shlex

from attncli.errors import AttnError, DataError

SHEET = "save its sheet as CSV (UTF-8), or: libreoffice --headless --convert-to csv FILE"
TEXT = "save it as plain text (UTF-8), or: libreoffice --headless --convert-to txt:Text FILE"
_PICTURE = "expected text; an OCR program reads it"
_UNPACK = "unpack it first"
# First bytes, what the file is, what to do, and whether a NUL must follow (a text may begin so).
_MAGICS: tuple[tuple[bytes, str, str, bool], ...] = (
    (b"%PDF-", "a PDF document", "pdftotext FILE sentences.txt", False),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file (.xls, .doc)", SHEET, False),
    (b"{\\rtf", "an RTF document", TEXT, False),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "7z x FILE", False),
    (b"Rar!\x1a\x07", "a RAR archive", "unrar x FILE", False),
    (b"MSCF\0", "a cabinet archive (.cab)", _UNPACK, False),
    (b"\x1f\x9d", "a compress file (.Z)", "gzip -dc FILE | attn batch -", False),
    (b"\x04\x22\x4d\x18", "an LZ4 file", "lz4 -dc FILE | attn batch -", False),
    (b"LZIP\x01", "an lzip file", "lzip -dc FILE | attn batch -", False),
    (b"PK\x05\x06", "an empty zip archive", "expected a file of sentences in it", False),
    (b"ARROW1\0", "an Arrow file", "save it as Parquet, CSV or JSON lines", False),
    (b"\x93NUMPY", "an npy array", "attn view FILE", False),
    (b"SQLite format 3\0", "an SQLite database", 'sqlite3 -csv -header FILE "SELECT …"', False),
    (b"\x89HDF\r\n", "an HDF5 file", "save it as CSV or JSON lines", False),
    (b"\x89PNG\r\n", "a PNG picture", _PICTURE, False),
    (b"\xff\xd8\xff", "a JPEG picture", _PICTURE, False),
    (b"GIF89a", "a GIF picture", _PICTURE, True),
    (b"II*\0", "a TIFF picture", _PICTURE, False),
    (b"\x7fELF", "a program", "expected text", True),
    (b"MZ", "a program", "expected text", True),
    (b"RIFF", "a sound or picture file", "expected text", True),
    (b"OggS", "a sound file", "expected text", True),
    (b"ID3", "a sound file", "expected text", True),
    (b"GGUF", "a GGUF model", "expected sentences", True),
    (b"\x80\x02", "a pickle", "save it as CSV or JSON lines", False),
    (b"\x80\x03", "a pickle", "save it as CSV or JSON lines", False),
    (b"\x80\x04", "a pickle", "save it as CSV or JSON lines", False),
    (b"\x80\x05", "a pickle", "save it as CSV or JSON lines", False),
    (b"version https://git-lfs", "a Git LFS pointer", "git lfs pull", False),
)
_WEB_PAGE = re.compile(rb"\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html[\s>])", re.I | re.S)


def check_foreign_rows(head: bytes, name: str) -> None:
    """Raises: DataError when the first bytes are those of something that holds no sentences."""
    for magic, what, way, binary in _MAGICS:
        if head.startswith(magic) and (not binary or b"\0" in head[:512]):
            raise foreign_document(what, way, name)
    if head[257:262] == b"ustar":
        raise foreign_document("a tar archive", "tar -xf FILE", name)
    if _WEB_PAGE.match(head):
        raise foreign_document("a web page", "expected text; a browser saves it as text", name)
    if head.lstrip()[:5] == b"<?xml":
        raise foreign_document("an XML document", "save it as CSV, JSON lines or text", name)
    encoding = _wide(head[:512])
    if encoding is not None:
        raise DataError(
            f"this is {encoding} text without a mark that says so, expected UTF-8",
            place=name,
            hints=(conversion(encoding, name),),
        )
    first = head.partition(b"\n")[0]
    if b"\0" in first and not _is_utf8(first):
        raise DataError("this is no text, expected UTF-8", place=name)


def foreign_document(what: str, way: str, name: str) -> DataError:
    """The error for a file that is something else; `way` says what to do with FILE."""
    given = name if name == "<stdin>" else shlex.quote(name)
    hint = way if name == "<stdin>" else way.replace("FILE", given)
    return DataError(f"this is {what}, expected text or a table", place=name, hints=(hint,))


def conversion(encoding: str, name: str) -> str:
    """The command that converts a file to UTF-8."""
    given = "FILE" if name == "<stdin>" else shlex.quote(name)
    return f"iconv -f {encoding} -t UTF-8 {given} > utf8.txt"


def with_way(error: AttnError, name: str) -> AttnError:
    """An error, with the command that converts the file where bytes are no UTF-8."""
    if error.message.endswith("expected UTF-8") and not error.hints:
        error.hints = (conversion("WINDOWS-1252", name),)
    return error


def _wide(start: bytes) -> str | None:
    """UTF-16 or UTF-32 text without a byte order mark: NULs stand at some of 2 or 4 places only."""
    start = start[: len(start) - len(start) % 4]
    if start.count(0) < 4 or not start.strip(b"\0"):
        return None
    if not start[3::4].strip(b"\0") and start[2::4].count(0) >= len(start) // 8:
        return "UTF-32LE"
    if not start[0::4].strip(b"\0") and start[1::4].count(0) >= len(start) // 8:
        return "UTF-32BE"
    odd, even = start[1::2].count(0), start[0::2].count(0)
    return None if odd and even else "UTF-16LE" if odd else "UTF-16BE"


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
