"""Files that are something else, told from their first bytes, in words that help."""

import re

from attncli.errors import DataError, RefusedError
from attncli.errors.wording import typed
from attncli.files.foreign import foreign_of, way_for

_MAGICS = (
    (b"PK\x03\x04", "a zip archive inside a packed file"),
    (b"GIF8", "a GIF picture"),
    (b"\x7fELF", "a program (ELF)"),
    (b"MZ", "a program (Windows)"),
    (b"\xcf\xfa\xed\xfe", "a program (Mach-O)"),
    (b"\xca\xfe\xba\xbe", "a program (Mach-O or Java)"),
    (b"GGUF", "a GGUF model"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"FiFu", "a finalfusion file"),
    (b"OggS", "a sound file"),
    (b"RIFF", "a sound or picture file"),
)
_WEB_PAGE = re.compile(
    rb"\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html|head|body|script)", re.I | re.S
)
_ERROR_CODE = re.compile(rb"<(?:Code|Message)>([^<]{1,60})<")
_LFS_SIZE = re.compile(rb"\nsize ([0-9]{1,18})")


def check_foreign_vectors(head: bytes, place: str) -> None:
    """Passes the first bytes of a file that may hold vectors.

    Raises: DataError for those of a file of another kind: a picture, a program, a web page.
    """
    what = _described(head)
    if what is not None:
        hints = tuple(hint.replace("FILE", typed(place)) for hint in what[2:])
        raise DataError(f"this is {what[0]}, not word vectors{what[1]}", place=place, hints=hints)


def _described(head: bytes) -> tuple[str, ...] | None:
    """What it is, what to add to the sentence, and hints."""
    if head.startswith(b"version https://git-lfs"):
        size = _LFS_SIZE.search(head)
        amount = f" ({int(size.group(1)) / 1e6:.0f} MB file not fetched)" if size else ""
        return f"a Git LFS pointer{amount}", "", "git lfs pull"
    if _WEB_PAGE.match(head):
        return "a web page", ": the download probably needs a login or another address"
    if head.lstrip().startswith(b"<?xml") or head.lstrip().startswith(b"<Error"):
        code = _ERROR_CODE.search(head)
        said = f" (it says {code.group(1).decode('ascii', 'replace')})" if code else ""
        return "an XML document", f"{said}: the download probably failed"
    return _by_magic(head) or _document(head) or _wide(head)


def _by_magic(head: bytes) -> tuple[str, ...] | None:
    for encoding, boms in (
        ("UTF-32", (b"\xff\xfe\0\0", b"\0\0\xfe\xff")),
        ("UTF-16", (b"\xff\xfe", b"\xfe\xff")),
    ):
        if head.startswith(boms):
            return f"{encoding} text", "", f"iconv -f {encoding} -t UTF-8 FILE > NEW"
    named = next(((name, "") for magic, name in _MAGICS if head.startswith(magic)), None)
    foreign = foreign_of(head)
    if named is not None or foreign is None:
        return named
    way = way_for(foreign, "word vectors")
    return (foreign.what, "", way) if way else (foreign.what, "")


def _document(head: bytes) -> tuple[str, ...] | None:
    if re.match(rb"\s*[\[{]\s*[\"\[{\]}\-0-9]", head):
        return "a JSON document", ""
    if head.startswith(b"{\\rtf"):
        return "an RTF document", ""
    return None


def _wide(head: bytes) -> tuple[str, ...] | None:
    """UTF-16 or UTF-32 text without a byte order mark: every other byte is NUL."""
    start = head[:512]
    if len(start) < 8:
        return None
    for step, encoding in ((4, "UTF-32"), (2, "UTF-16")):
        for keep in (0, step - 1):
            kept = start[keep::step]
            others = b"".join(start[i::step] for i in range(step) if i != keep)
            if (
                not others.strip(b"\0")
                and kept.count(0) == 0
                and all(byte >= 32 or byte in (9, 10, 13) for byte in kept)
            ):
                return f"{encoding} text", "", f"iconv -f {encoding} -t UTF-8 FILE > NEW"
    return None


def check_zip_model(names: list[str], place: str) -> None:
    """Raises: RefusedError for a zip that is a PyTorch model: a pickle inside would run."""
    if any(name.endswith("/data.pkl") or name == "data.pkl" for name in names):
        raise RefusedError(
            "refused: a PyTorch model is a pickle, which can run code when loaded; nothing was run",
            place=place,
        )
