"""Workbooks, archives and the like are named by every command, wherever a file may stand."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def zipped(*members: tuple[str, str]) -> bytes:
    """A zip archive of these members."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return held.getvalue()


def tar(layout: int) -> bytes:
    """A tar archive of a table, as a program of some year lays it out."""
    held, table = io.BytesIO(), b"text,label\nmoney bank,a\nriver bank,b\n"
    with tarfile.open(fileobj=held, mode="w", format=layout) as archive:
        member = tarfile.TarInfo("a.csv")
        member.size = len(table)
        archive.addfile(member, io.BytesIO(table))
    return held.getvalue()


def old_tar() -> bytes:
    """A tar archive from before its header said so; the sum of its bytes tells it."""
    head = bytearray(tar(tarfile.USTAR_FORMAT))
    head[257:265] = bytes(8)
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head[:512])
    return bytes(head)


TYPES = ("[Content_Types].xml", "<Types/>")
SPREADSHEET = "application/vnd.oasis.opendocument.spreadsheet"
FOREIGN = {
    "Excel": zipped(TYPES, ("xl/workbook.xml", "<workbook/>"), ("xl/sheet1.xml", "money")),
    "Word": zipped(TYPES, ("word/document.xml", "money bank")),
    "OpenDocument": zipped(("mimetype", SPREADSHEET), ("content.xml", "money bank")),
    "old Office": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(900) + b"money bank",
    "7z": b"7z\xbc\xaf\x27\x1c\0\4" + b"money bank " * 20,
    "RAR": b"Rar!\x1a\x07\1\0" + b"money bank " * 20,
    "tar": tar(tarfile.USTAR_FORMAT),
    "a tar": tar(tarfile.GNU_FORMAT),
    "tar archive": old_tar(),
    "ar archive": b"!<arch>\nmoney bank",
    "cpio": b"070701" + b"0" * 104 + b"a\0money",
    "LZ4": bytes.fromhex("04224d18") + b"money" * 20,
    "SQLite": b"SQLite format 3\0" + bytes(100),
    "PDF": b"%PDF-1.7\nmoney bank grows",
}
NAMES = ["{}.bin", "{}.csv", "{}.txt", "{}.json", "{}.npz", "{}.gz"]
COMMANDS = {
    "sentences": ["explain", "-f", "FILE"],
    "batch": ["batch", "FILE", "-o", "out.jsonl"],
    "training": ["train", "FILE", "-o", "out.safetensors"],
    "labels": ["evaluate", "FILE", "--model", "idioms"],
    "weights": ["view", "FILE"],
    "difference": ["diff", "FILE", "FILE"],
    "vectors": ["explain", "money", "--vectors", "FILE"],
    "import": ["vectors", "import", "FILE", "--name", "out"],
    "model": ["explain", "money", "--model", "FILE"],
}


@pytest.mark.parametrize("what", FOREIGN)
@pytest.mark.parametrize("place", COMMANDS)
def test_what_is_no_such_file_is_named_with_what_to_do(
    command: Callable[..., Any], tmp_path: Path, monkeypatch: Any, place: str, what: str
) -> None:
    """Under any name and packed: exit 5, a message that names it, nothing computed or written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATTN_CACHE_DIR", str(tmp_path / "cache"))
    for pattern in NAMES:
        name = pattern.format("some file")
        content = FOREIGN[what]
        Path(name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
        before = sorted(path.name for path in tmp_path.iterdir())
        ended = command(*(name if word == "FILE" else word for word in COMMANDS[place]))
        assert (ended.code, ended.text) == (5, ""), (name, ended.said)
        packed = name.endswith("gz") and (place == "model" or content.startswith(b"PK"))
        if not packed:
            named = "zip" if place == "model" and content.startswith(b"PK") else what
            assert named in ended.said, (name, ended.said)
        assert "hint: expected" not in ended.said  # the message says that
        assert "FILE" not in ended.said or packed, ended.said
        after = sorted(path.name for path in tmp_path.iterdir() if path.name != "cache")
        assert after == [other for other in before if other != "cache"]
        Path(name).unlink()
