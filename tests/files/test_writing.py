"""A file is written whole or not at all, keeps its permissions, and leaves nothing beside it."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from attncli.errors import OutputError
from attncli.files.writing import check_target, take_name, whole_file, write_whole
from tests.conftest import child_environment

posix = pytest.mark.skipif(os.name == "nt", reason="permissions, links and signals of POSIX")


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def mode(path: Path) -> int:
    """The permissions of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    """An error while the content is made: the old file, and no other."""
    target = tmp_path / "f"
    target.write_bytes(b"old")
    with pytest.raises(AttributeError), whole_file(target) as file:
        file.write("no bytes".missing)  # type: ignore[attr-defined]
    assert (names(tmp_path), target.read_bytes()) == (["f"], b"old")


@posix
def test_permissions_are_kept_or_those_of_the_umask(tmp_path: Path) -> None:
    """A private file stays private, also behind a link; a new one follows the umask."""
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "new", b"1")
        assert mode(tmp_path / "new") == 0o640
        for kept in (0o600, 0o644, 0o444, 0o666):
            (tmp_path / "new").chmod(kept)
            write_whole(tmp_path / "new", b"2")
            assert mode(tmp_path / "new") == kept
        (tmp_path / "new").chmod(0o600)
        (tmp_path / "link").symlink_to("new")
        write_whole(tmp_path / "link", b"3")
        assert mode(tmp_path / "link") == 0o600
    finally:
        os.umask(before)


@posix
def test_a_private_file_is_private_while_it_is_written(tmp_path: Path) -> None:
    """Nobody else may read the temporary file of a file that only its owner may read."""
    (tmp_path / "f").write_bytes(b"old")
    (tmp_path / "f").chmod(0o600)
    with whole_file(tmp_path / "f") as file:
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600


@posix
def test_a_link_is_replaced_and_its_target_stays(tmp_path: Path) -> None:
    """Also one that leads nowhere: what it names is not made."""
    (tmp_path / "there").write_bytes(b"theirs")
    for to in ("there", "nowhere"):
        link = tmp_path / f"to-{to}"
        link.symlink_to(to)
        check_target(link)
        write_whole(link, b"ours")
        assert not link.is_symlink()
    assert (tmp_path / "there").read_bytes() == b"theirs"
    assert names(tmp_path) == ["there", "to-nowhere", "to-there"]


@pytest.mark.parametrize(
    "name", ["", ".", "/", "..", "new/", "x" * 300, "x" * 5000, "no/f", "a\0b"]
)
def test_names_that_no_file_has_are_said(tmp_path: Path, monkeypatch, name: str) -> None:
    """An empty name, a folder, a name too long: an error in words, before and while writing."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match="cannot write"):
        check_target(name)
    if name and not name.endswith("/"):
        with pytest.raises(OutputError, match="cannot write"):
            write_whole(name, b"")
    assert names(tmp_path) == []


@posix
def test_devices_and_pipes_are_not_replaced(tmp_path: Path) -> None:
    """A pipe or /dev/null would become a file."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/null"):
        with pytest.raises(OutputError, match="device or a pipe"):
            check_target(path)


CHILD = """
import sys, time
from attncli.files.writing import whole_file
with whole_file(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    print("begun", flush=True)
    for _ in range(600):  # a signal just before a sleep is heard behind it
        time.sleep(0.1)
"""


def stopped(target: Path, number: int) -> int:
    """How a process ends that gets a signal while it writes."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(target)], stdout=subprocess.PIPE, env=child_environment()
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"begun\n"
    child.send_signal(number)
    code = child.wait(timeout=30)
    child.stdout.close()
    return code


@posix
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_leaves_nothing(tmp_path: Path, name: str) -> None:
    """A process that is asked to end removes its temporary file; what was there stays."""
    target = tmp_path / "f"
    target.write_bytes(b"old")
    handler = signal.signal(getattr(signal, name), signal.SIG_DFL)  # a child inherits "ignored"
    try:
        code = stopped(target, getattr(signal, name))
    finally:
        signal.signal(getattr(signal, name), handler)
    assert code in (128 + getattr(signal, name), 1 if name == "SIGINT" else None, -2)
    assert (names(tmp_path), target.read_bytes()) == (["f"], b"old")


@posix
def test_what_a_killed_writer_left_is_swept(tmp_path: Path) -> None:
    """The next writer of the same file removes it, and no file of a living writer or another name."""
    target, other = tmp_path / "f", tmp_path / "f2"
    stopped(target, signal.SIGKILL)
    stopped(other, signal.SIGKILL)
    assert len(names(tmp_path)) == 2
    (tmp_path / ".f.12345678.theirs").write_bytes(b"")
    with whole_file(target), whole_file(target):  # two writers at once do not sweep each other
        pass
    left = names(tmp_path)
    assert [name for name in left if not name.startswith(".f2.")] == [".f.12345678.theirs", "f"]
    assert len(left) == 3


@posix
def test_a_leftover_that_is_a_link_stays(tmp_path: Path) -> None:
    """Nothing is followed, and a pipe with such a name does not hold the run."""
    (tmp_path / "theirs").write_bytes(b"theirs")
    (tmp_path / ".f.0123abcd.attn-tmp").symlink_to("theirs")
    os.mkfifo(tmp_path / ".f.0123abce.attn-tmp")
    begun = time.monotonic()
    write_whole(tmp_path / "f", b"")
    assert time.monotonic() - begun < 5
    assert (tmp_path / "theirs").read_bytes() == b"theirs"


def test_a_name_that_was_taken_meanwhile_stays(tmp_path: Path) -> None:
    """Without `replace` the file of somebody else is kept, and ours too."""
    (tmp_path / "part").write_bytes(b"ours")
    (tmp_path / "out").write_bytes(b"theirs")
    with pytest.raises(FileExistsError):
        take_name(tmp_path / "part", tmp_path / "out", replace=False)
    assert (tmp_path / "out").read_bytes() == b"theirs"
    take_name(tmp_path / "part", tmp_path / "out", replace=True)
    assert (names(tmp_path), (tmp_path / "out").read_bytes()) == (["out"], b"ours")
    (tmp_path / "out").rename(tmp_path / "part")
    take_name(tmp_path / "part", tmp_path / "out", replace=False)
    assert names(tmp_path) == ["out"]


def test_a_file_system_without_hard_links_does_it_too(tmp_path: Path, monkeypatch) -> None:
    """As FAT: the name is looked for first, then taken."""

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    test_a_name_that_was_taken_meanwhile_stays(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "explain bank -o OUT.html",
        "explain bank -o OUT.json",
        "explain bank -o OUT.npz",
        "compare bank bank -o OUT.md",
        "view r.json -o OUT.svg",
        "train t.tsv -o OUT --epochs 1 --held-out 0",
        "train t.tsv -o m --log OUT --epochs 1 --held-out 0",
        "vectors export v.txt -o OUT.bin",
        "vectors export v.txt -o OUT.tsv",
        "batch s.txt -o OUT.jsonl --force",
        "batch s.txt -o OUT.npz --force",
    ],
)
def test_every_command_writes_by_one_rule(command, tmp_path: Path, monkeypatch, line: str) -> None:
    """A file that is there is replaced and keeps its permissions, one line says so, -q keeps it."""
    monkeypatch.chdir(tmp_path)
    Path("s.txt").write_text("money bank\n", encoding="utf-8")
    Path("v.txt").write_text("money 1 2\nbank 2 1\n", encoding="utf-8")
    Path("t.tsv").write_text("text\tlabel\nmoney bank\ta\nbank\tb\n", encoding="utf-8")
    assert command("explain", "money bank", "-o", "r.json", "-q").code == 0
    output = next(word for word in line.split() if word.startswith("OUT"))
    arguments = line.split()
    for quiet in ((), ("-q",)):
        Path(output).write_bytes(b"old")
        Path(output).chmod(0o600)
        ended = command(*arguments, *quiet)
        assert ended.code == 0, ended.said
        assert ended.said.count(f"wrote {output}\n") == (not quiet)
        assert Path(output).read_bytes() != b"old"
        if os.name != "nt":
            assert mode(Path(output)) == 0o600
    assert [name for name in names(tmp_path) if name.startswith(".")] == []
