"""Windows, as far as Linux can play it: what the commands do where POSIX is not.

`windows/sitecustomize.py` says what is played. Files with names such as `C:\\data\\x.txt` can be made
on Linux, so that a colon or a backslash that is read as something else shows.
"""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Ended, child_environment

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux plays another system")

HERE = Path(__file__).parent / "windows"
PLAYED = {
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "LC_ALL": "C",
    "PYTHONIOENCODING": "cp1252",
}
SENTENCES = [f"the money of bank {n} grows in the river" for n in range(400)]
Run = Callable[..., Ended]


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Of a process on the played system, with its cache in the folder."""
    env = child_environment(**{**PLAYED, "ATTN_CACHE_DIR": str(folder / "cache"), **more})
    return env | {"PYTHONPATH": f"{HERE}{os.pathsep}{env['PYTHONPATH']}"}


def ended(
    *words: str, folder: Path, stdin: bytes = b"", seconds: float = 120, **more: str
) -> Ended:
    """A process of Python on the played system."""
    done = subprocess.run(
        [sys.executable, *words],
        input=stdin,
        capture_output=True,
        env=environment(folder, **more),
        cwd=folder,
        timeout=seconds,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def windows(tmp_path: Path) -> Run:
    """Runs the command there; keywords: stdin, and variables of the environment."""

    def run(*arguments: str, stdin: bytes = b"", **more: str) -> Ended:
        return ended("-m", "attncli", *arguments, folder=tmp_path, stdin=stdin, **more)

    return run


@pytest.fixture
def sentences(tmp_path: Path) -> Path:
    """Enough of them for workers."""
    path = tmp_path / "s.txt"
    path.write_text("".join(f"{line}\n" for line in SENTENCES))
    return path


def succeeded(done: Ended) -> Ended:
    """The same, after it went well."""
    assert done.code == 0, done.said
    return done


def left(folder: Path) -> set[str]:
    """The files of a folder, those that a run leaves beside its output included."""
    return {path.name for path in folder.iterdir() if path.name != "cache"}


def test_the_played_system_has_no_posix(tmp_path: Path) -> None:
    """In modules of attncli; else the laws below would hold for nothing."""
    program = """
import attncli.files.locking as locking, attncli.batches.engines.children as children
import attncli.files.writing as writing
assert locking.os.name == "nt" and not hasattr(locking.os, "O_NOFOLLOW") and not children.CAN_FORK
assert not hasattr(writing.signal, "SIGHUP") and not hasattr(locking.os, "getuid")
number = locking.os.open("x", locking.os.O_RDWR | locking.os.O_CREAT)
for action in (lambda: locking.Path("x").unlink(), lambda: locking.Path("x").rename("y")):
    try:
        action()
    except PermissionError:
        continue
    raise AssertionError("an open file was moved")
exec(compile("import fcntl", "x", "exec"), {"__package__": "attncli"})
"""
    done = ended("-c", program, folder=tmp_path)
    assert done.said.rstrip().endswith("ModuleNotFoundError: No module named 'fcntl'")


@pytest.mark.parametrize(
    "line",
    [
        ("explain", "money bank grows", "--json"),
        ("explain", "money bank grows", "--show", "all", "--ascii"),
        ("compare", "money bank grows", "river bank flows", "--word", "bank", "--json"),
        ("explain", "money bank", "--model", "idioms", "--json"),
        ("vectors", "similar", "bank", "--json"),
    ],
    ids=" ".join,
)
def test_the_output_is_that_of_linux(windows: Run, attn: Run, line: tuple[str, ...]) -> None:
    """Line ends aside, which the stream turns."""
    there, here = succeeded(windows(*line)), succeeded(attn(*line))
    assert there.out.replace(b"\r\n", b"\n") == here.out
    assert there.said.replace("\r\n", "\n") == here.said


@pytest.mark.parametrize("suffix", ["html", "svg", "json", "csv", "md", "tex", "npz"])
def test_files_are_those_of_linux_and_can_be_replaced(
    windows: Run, attn: Run, tmp_path: Path, suffix: str
) -> None:
    """Twice, over a file that is there."""
    path = tmp_path / f"a.{suffix}"
    line = ("explain", "money bank grows", "-o", path.name)
    for run in (windows, windows):
        succeeded(run(*line))
    there = path.read_bytes()
    succeeded(attn(*line))
    if suffix != "npz":  # an archive holds the time
        assert there == path.read_bytes()
    assert left(tmp_path) == {path.name}


def test_a_saved_result_can_be_viewed(windows: Run, tmp_path: Path) -> None:
    """Also as PowerShell redirects it, in UTF-16 with CR LF."""
    saved = succeeded(windows("explain", "money bank grows", "--json")).out.decode()
    (tmp_path / "saved.json").write_text(saved, encoding="utf-16")
    seen = succeeded(windows("view", "saved.json", "-o", "seen.html"))
    assert seen.out == b""
    assert "money" in (tmp_path / "seen.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("to", ["file", "redirected", "pipe"])
def test_a_batch_is_that_of_linux(
    windows: Run, attn: Run, sentences: Path, workers: str, to: str
) -> None:
    """With spawned workers too; nothing stays beside the output."""
    line = ("batch", "s.txt", "--quiet", "--chunk", "25")
    here = succeeded(attn(*line)).out
    folder, several = sentences.parent, ("--workers", workers)
    if to == "file":
        for more in ([], ["--force"]):
            succeeded(windows(*line, *several, "-o", "o.jsonl", *more))
        there = (folder / "o.jsonl").read_bytes()
        assert left(folder) == {"s.txt", "o.jsonl"}
    elif to == "redirected":
        there = succeeded(windows(*line, *several)).out
    else:
        os.mkfifo(folder / "pipe")
        with (folder / "read").open("wb") as read:
            reader = subprocess.Popen(["cat", str(folder / "pipe")], stdout=read)
            succeeded(windows(*line, *several, "-o", "pipe"))
            assert reader.wait(timeout=60) == 0
        there = (folder / "read").read_bytes()
    assert there == here


@pytest.mark.parametrize("name", ["o.csv", "o.npz", "o.parquet"])
def test_a_batch_writes_every_format(windows: Run, sentences: Path, name: str) -> None:
    """Those that are put together at the end of the run too."""
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    line = ("batch", "s.txt", "--quiet", "--chunk", "50", "--workers", "2", "-o", name)
    succeeded(windows(*line))
    assert left(sentences.parent) == {"s.txt", name}


def test_a_killed_batch_goes_on(windows: Run, attn: Run, sentences: Path) -> None:
    """At once after its processes are gone, to the same bytes."""
    folder = sentences.parent
    sentences.write_text("".join(f"{line}\n" for line in SENTENCES * 10))
    line = ["batch", "s.txt", "--quiet", "--chunk", "5", "--workers", "2"]
    run = subprocess.Popen(
        [sys.executable, "-m", "attncli", *line, "-o", "o.jsonl"],
        cwd=folder,
        env=environment(folder),
        start_new_session=True,
    )
    part = folder / "o.jsonl.attn-part"
    while run.poll() is None and not (part.exists() and part.stat().st_size > 100_000):
        time.sleep(0.01)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert part.exists()
    succeeded(windows(*line, "-o", "o.jsonl", "--resume"))
    assert (folder / "o.jsonl").read_bytes() == succeeded(attn(*line)).out
    assert left(folder) == {"s.txt", "o.jsonl"}


def test_two_runs_do_not_share_an_output(windows: Run, sentences: Path) -> None:
    """The second is turned away while the first has the journal (exit 10)."""
    folder = sentences.parent
    first = subprocess.Popen(
        [sys.executable, "-m", "attncli", "batch", "-", "-o", "o.jsonl"],
        cwd=folder,
        env=environment(folder),
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert first.stdin is not None
    while not (folder / "o.jsonl.attn-part").exists():
        time.sleep(0.01)
    assert windows("batch", "s.txt", "-o", "o.jsonl").code == 10
    first.communicate(b"money bank\n", timeout=60)
    assert first.returncode == 0
    assert left(folder) == {"s.txt", "o.jsonl"}


COUNTING = """
import sys
from pathlib import Path
from attncli.files.locking import locked
count = Path("count")
for _ in range(40):
    with locked(Path("the.lock"), private=True):
        count.write_text(str(int(count.read_text()) + 1))
"""


def test_a_lock_keeps_processes_apart(tmp_path: Path) -> None:
    """Three that add to one number lose nothing, and the lock's file is gone at the end."""
    (tmp_path / "count").write_text("0")
    line = [sys.executable, "-c", COUNTING]
    env = environment(tmp_path)
    running = [subprocess.Popen(line, cwd=tmp_path, env=env) for _ in range(3)]
    assert [process.wait(timeout=60) for process in running] == [0, 0, 0]
    assert (tmp_path / "count").read_text() == "120"
    assert left(tmp_path) == {"count"}


def test_what_a_killed_writer_left_is_removed_later(windows: Run, tmp_path: Path) -> None:
    """A temporary file that nobody has open, once it is old; one that somebody fills stays."""
    dead, alive = (tmp_path / f".o.svg.0123456{n}.attn-tmp" for n in (7, 8))
    for path in (dead, alive):
        path.touch()
        os.utime(path, (1, 1))
    with alive.open("ab"):
        succeeded(windows("explain", "money bank", "-o", "o.svg"))
    assert left(tmp_path) == {"o.svg", alive.name}


def test_vectors_are_imported_named_again_and_removed(windows: Run, tmp_path: Path) -> None:
    """A file large enough for the cache; the entry before goes although its name was in use."""
    rows = np.random.default_rng(0).normal(size=(12_000, 60)).round(4)
    lines = [f"w{n} " + " ".join(map(str, row)) for n, row in enumerate(rows)]
    (tmp_path / "v.txt").write_text("\n".join(lines) + "\n")
    assert (tmp_path / "v.txt").stat().st_size > 4 << 20
    succeeded(windows("vectors", "import", "v.txt", "--name", "mine"))
    succeeded(windows("explain", "w1 w2", "--vectors", "mine", "--json"))
    (tmp_path / "v.txt").write_text("\n".join(lines[:9000]) + "\n")
    succeeded(windows("vectors", "import", "v.txt", "--name", "mine"))
    said = json.loads(succeeded(windows("vectors", "info", "mine", "--json")).out)
    assert said["words"] == 9000
    succeeded(windows("vectors", "remove", "mine"))
    assert [
        path.name for path in (tmp_path / "cache" / "vectors").rglob("*") if path.is_file()
    ] == []


def test_a_model_is_trained_resumed_and_used(windows: Run, tmp_path: Path) -> None:
    """From a table with CR LF, which changes nothing of what is learned or predicted."""
    rows = [("money bank loan", "finance"), ("river bank water", "nature")] * 8
    table = "text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in rows)
    (tmp_path / "lf.tsv").write_bytes(table.encode())
    (tmp_path / "crlf.tsv").write_bytes(table.replace("\n", "\r\n").encode())
    for name in ("lf", "crlf"):
        line = ("train", f"{name}.tsv", "-o", f"{name}.safetensors", "--epochs", "3", "--quiet")
        succeeded(windows(*line))
        succeeded(
            windows("predict", f"{name}.tsv", "--model", "lf.safetensors", "-o", f"{name}.csv")
        )
        succeeded(windows("evaluate", f"{name}.tsv", "--model", f"{name}.safetensors", "--json"))
    assert (tmp_path / "lf.csv").read_bytes() == (tmp_path / "crlf.csv").read_bytes()
    predicted = list(csv.DictReader(io.StringIO((tmp_path / "lf.csv").read_text())))
    assert [row["text"] for row in predicted] == [text for text, _ in rows]


def test_cr_lf_is_no_part_of_a_sentence(windows: Run, tmp_path: Path) -> None:
    """In text, CSV and JSON lines, from a file and from standard input."""
    files = {
        "s.txt": "money bank\nriver bank\n",
        "s.csv": "id,text\n1,money bank\n2,river bank\n",
        "s.jsonl": '{"text": "money bank"}\n{"text": "river bank"}\n',
    }
    for name, text in files.items():
        data = text.replace("\n", "\r\n").encode()
        (tmp_path / name).write_bytes(data)
        for done in (
            windows("batch", name, "--quiet"),
            windows("batch", "-", "--quiet", stdin=data),
        ):
            records = [json.loads(line) for line in succeeded(done).out.splitlines()]
            assert [record["text"] for record in records] == ["money bank", "river bank"]


def test_a_drive_and_a_backslash_are_part_of_a_path(windows: Run, tmp_path: Path) -> None:
    """Of an input, a pattern, an output, vectors in an archive, a trained model; no C is asked for."""
    import zipfile

    for decoy in ("C", "data", "x.txt"):
        (tmp_path / decoy).write_text("decoy bank\n")
    (tmp_path / r"C:\data\x.txt").write_text("money bank\n")
    with zipfile.ZipFile(tmp_path / r"C:\data\v.zip", "w") as archive:
        archive.writestr("v.txt", "money 1 0\nbank .6 .8\n")
        archive.writestr("w.txt", "money 1 0 0\nbank .6 .8 0\n")
    for name in (r"C:\data\x.txt", r"C:\data\*.txt"):
        record = json.loads(succeeded(windows("batch", name, "--quiet")).out)
        assert record["text"] == "money bank"
    for member, size in (("v.txt", 2), ("w.txt", 3)):
        line = ("explain", "-f", r"C:\data\x.txt", "--json", "--vectors")
        record = json.loads(succeeded(windows(*line, rf"C:\data\v.zip:{member}")).out)
        assert record["vectors"]["dim"] == size
    succeeded(windows("batch", r"C:\data\x.txt", "-o", r"C:\data\o.jsonl", "--quiet"))
    succeeded(windows("explain", "money bank", "-o", r"C:\data\o.html"))
    table, model = r"C:\data\t.tsv", r"C:\data\m.safetensors"
    (tmp_path / table).write_text("text\tlabel\nmoney bank\ta\nriver\tb\n" * 4)
    succeeded(windows("train", table, "-o", model, "--epochs", "1", "--quiet"))
    succeeded(windows("explain", "money bank", "--model", model, "--json"))
    same = windows("predict", table, "--model", model, "-o", model)
    assert (same.code, "read" in same.said) == (2, True)


def test_a_drive_is_part_of_a_transformer(windows: Run, tmp_path: Path) -> None:
    """As a model, as vectors with a list of layers, and where an output would replace it."""
    pytest.importorskip("tokenizers")
    from models.made import write_model

    write_model(tmp_path / r"C:\models\small")
    name = r"C:\models\small"
    succeeded(windows("explain", "money bank", "--model", name, "--json"))
    for listed in ("", ":1", ":words,1"):
        vectors = f"model:{name}{listed}"
        succeeded(windows("explain", "money bank", "--vectors", vectors, "--json"))
        into = ("-o", f"{name}/config.json", "--force")
        (tmp_path / "s.txt").write_text("money bank\n")
        refused = windows("batch", "s.txt", "--vectors", vectors, *into, "--format", "jsonl")
        assert refused.code == 2, refused.said


def test_addresses_are_told_from_drives() -> None:
    """A scheme has more than one letter."""
    from attncli.files.source import is_url

    assert [is_url(text) for text in ("s3://b/x", "C://data/x", r"C:\data", "gs+x://b")] == [
        *(True, False, False, True)
    ]


@pytest.mark.parametrize("name", ["CON.svg", "folder/nul.html", "com1.json", "aux .svg"])
def test_no_output_has_the_name_of_a_device(windows: Run, tmp_path: Path, name: str) -> None:
    """Whatever its suffix and its case: Windows would write to a device (exit 9)."""
    (tmp_path / "folder").mkdir()
    done = windows("explain", "money bank", "-o", name)
    assert done.code == 9
    assert "Windows has a device of this name" in done.said
    assert left(tmp_path) == {"folder"}


@pytest.mark.parametrize("name", ["con", "Aux", "nul.300d", "COM9"])
def test_no_vectors_have_the_name_of_a_device(windows: Run, tmp_path: Path, name: str) -> None:
    """Neither here nor anywhere: a cache may be carried to another machine."""
    (tmp_path / "v.txt").write_text("money 1 0\nbank .6 .8\n")
    done = windows("vectors", "import", "v.txt", "--name", name)
    assert (done.code, "device of Windows" in done.said) == (2, True)


@pytest.mark.parametrize(
    ("console", "escapes"), [("new", True), ("old", False)], ids=["new", "old"]
)
def test_a_console_gets_colors_if_it_knows_them(
    tmp_path: Path, console: str, escapes: bool
) -> None:
    """It is asked to act on escape codes; where it cannot, none are written."""
    import pty

    said = bytearray()

    def read(number: int) -> bytes:
        said.extend(data := os.read(number, 4096))
        return data

    env = environment(tmp_path, FAKE_CONSOLE=console, TERM="")
    line = [sys.executable, "-m", "attncli", "explain", "money bank", "--show", "weights"]
    own, other = pty.openpty()
    with subprocess.Popen(line, stdout=other, stdin=other, stderr=other, env=env) as process:
        os.close(other)
        try:
            while read(own):
                pass
        except OSError:  # the other end is closed
            pass
        os.close(own)
    assert process.returncode == 0
    assert b"money" in said
    assert (b"\x1b[" in said) == escapes


def test_every_test_can_be_collected(tmp_path: Path) -> None:
    """Where POSIX modules are missing, a test file skips what needs them and goes on."""
    folder = Path(__file__).parents[1]
    line = ("-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", folder.name)
    # names of folders are text there, also one such as naïve: torch asks for it
    done = ended(*line, folder=folder.parent, seconds=600, LC_ALL="C.UTF-8")
    assert done.code == 0, done.out.decode()[-3000:]


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("café\n".encode("cp1252"), "1252"),
        ("money bank\n".encode("utf-16-le"), "'utf-16'"),
        ("money bank\n".encode("utf-16-be"), "'utf-16BE'"),
        ("money bank\n".encode("utf-32-le"), "'utf-32'"),
    ],
    ids=["cp1252", "utf-16-le", "utf-16-be", "utf-32-le"],
)
def test_another_encoding_is_converted_without_iconv(
    windows: Run, tmp_path: Path, data: bytes, encoding: str
) -> None:
    """By the system's PowerShell, in one line for both shells; it could not be run here."""
    (tmp_path / r"C:\it's.csv").write_bytes(b"text\n" + data if encoding == "1252" else data)
    said = windows("explain", "-f", r"C:\it's.csv").said
    hint = f"ReadAllText('C:\\it''s.csv', [Text.Encoding]::GetEncoding({encoding})))\""
    assert "iconv" not in said
    assert hint in said.replace("\\\\", "\\"), said
