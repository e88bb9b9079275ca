"""An output never goes over an input, on any command, whatever the input is called."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import attncli
from attncli.errors import UsageError
from attncli.files.apart import OutputFile, expect_apart
from tests.conftest import child_environment

VECTORS = "bank 1 2\nmoney 3 4\nriver 5 6\nflows 1 1\n"
ROWS = "text\tlabel\nmoney bank\ta\nriver bank\tb\nmoney\ta\nriver\tb\n"


def spelled(file: Path, way: str) -> str:
    """Another name of a file that is there."""
    other = file.parent / f"other{file.suffix}"
    if way == "relative":
        return str(file.parent / "." / "x" / ".." / file.name)
    if way == "hard link":
        os.link(file, other)
    if way == "symbolic link":
        other.symlink_to(file)
    return str(other if "link" in way else file)


WAYS = ("same", "relative", "hard link", "symbolic link")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file of each kind that a command reads, all of which could also be written."""
    from attncli.cli.app import run

    folder = tmp_path_factory.mktemp("inputs")
    (folder / "x").mkdir()
    (folder / "s.jsonl").write_text('{"text": "money bank"}\n', encoding="utf-8")
    (folder / "s.csv").write_text("money bank\n", encoding="utf-8")
    (folder / "t.html").write_text("money\nbank\n", encoding="utf-8")
    (folder / "v.txt").write_text(VECTORS, encoding="utf-8")
    (folder / "v.jsonl").write_text(VECTORS, encoding="utf-8")
    (folder / "v.json").write_text(VECTORS, encoding="utf-8")
    (folder / "rows.tsv").write_text(ROWS, encoding="utf-8")
    (folder / "q.json").write_text("1 0\n0 1\n", encoding="utf-8")
    (folder / "q.jsonl").write_text("1 0\n0 1\n", encoding="utf-8")
    (folder / "e.json").write_text('{"matrices": {"W_q": [[1]]}}', encoding="utf-8")
    np.save(folder / "w.npy", np.eye(2))
    np.savez(folder / "w.npz", np.eye(2))
    model = str(folder / "m.safetensors")
    trained = ("--vectors", str(folder / "v.txt"), "--epochs", "1", "--held-out", "0", "-q")
    assert run(["train", str(folder / "rows.tsv"), "-o", model, *trained]) == 0
    shutil.copy(model, folder / "m.json")
    assert run(["explain", "money bank", "-o", str(folder / "r.json"), "-q"]) == 0
    return folder


# Each command with each of its inputs: the file that is named twice, and the arguments around it.
READERS = {
    "explain --file": ("s.csv", "explain -f IN -o OUT"),
    "explain --vectors": ("v.json", "explain bank --vectors IN -o OUT"),
    "explain --model": ("m.json", "explain bank --model IN --vectors v.txt -o OUT"),
    "explain --w-q": ("q.json", "explain money --vectors v.txt --w-q @IN -o OUT"),
    "explain --matrices": ("e.json", "explain money --matrices IN -o OUT"),
    "compare --w-v": ("q.json", "compare money money --vectors v.txt --w-v @IN -o OUT"),
    "batch --w-o": ("q.jsonl", "batch s.csv --vectors v.txt --w-o @IN -o OUT --force"),
    "batch --matrices": ("q.jsonl", "batch s.csv --matrices IN -o OUT --force"),
    "compare --file": ("s.csv", "compare -f IN -o OUT"),
    "compare --vectors": ("v.json", "compare money bank --vectors IN -o OUT"),
    "compare --model": ("m.json", "compare bank bank --model IN --vectors v.txt -o OUT"),
    "view": ("r.json", "view IN -o OUT"),
    "view --top": ("r.json", "view IN -o OUT --top 1"),
    "view of arrays": ("w.npz", "view IN -o OUT"),
    "view --tokens": ("t.html", "view w.npy --tokens @IN -o OUT"),
    "train": ("rows.tsv", "train IN -o OUT"),
    "train --vectors": ("v.txt", "train rows.tsv --vectors IN -o OUT"),
    "train --log, data": ("rows.tsv", "train IN -o new.safetensors --log OUT"),
    "train --log, vectors": ("v.txt", "train rows.tsv --vectors IN -o new.safetensors --log OUT"),
    "predict": ("s.csv", "predict IN --model m.json --vectors v.json -o OUT"),
    "predict --model": ("m.json", "predict s.csv --model IN --vectors v.json -o OUT"),
    "predict --vectors": ("v.json", "predict s.csv --model m.json --vectors IN -o OUT"),
    "align": ("s.csv", "align IN --vectors v.txt -o OUT"),
    "align --gold": ("s.csv", "align money bank --vectors v.txt --gold IN -o OUT"),
    "align --vectors": ("v.txt", "align money bank --vectors IN -o OUT"),
    "align --target-vectors": ("v.txt", "align a b --vectors v.json --target-vectors IN -o OUT"),
    "batch": ("s.jsonl", "batch IN -o OUT --force"),
    "batch, second file": ("s.jsonl", "batch s.csv IN -o OUT --force"),
    "batch --vectors": ("v.jsonl", "batch s.csv --vectors IN -o OUT --force"),
    "batch --model": ("m.json", "batch s.csv --model IN -o OUT --format jsonl --force"),
    "export": ("v.txt", "vectors export IN -o OUT --limit 1"),
    "export --no-cache": ("v.txt", "vectors export IN -o OUT --limit 1 --no-cache"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("reader", READERS)
def test_no_output_goes_over_an_input(command, inputs, tmp_path, monkeypatch, reader, way):
    """Every command × every input × every other name of it: exit 2, one line, the file unchanged."""
    name, line = READERS[reader]
    folder = tmp_path / "with space [x]"
    shutil.copytree(inputs, folder)
    monkeypatch.chdir(folder)
    before = (folder / name).read_bytes()
    other = spelled(folder / name, way)
    arguments = [{"IN": name, "@IN": f"@{name}", "OUT": other}.get(a, a) for a in line.split()]
    ended = command(*arguments)
    assert (ended.code, ended.is_clean(), len(ended.said.splitlines())) == (2, True, 1), ended.said
    assert "which is also read here" in ended.said
    assert (folder / name).read_bytes() == before
    listed = {path.name for path in folder.iterdir()} - {Path(other).name}
    assert listed == {path.name for path in inputs.iterdir()} - {Path(other).name}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("read", ["rows.tsv", "m.json", "v.json"])
def test_python_predicts_over_no_input(inputs, tmp_path, monkeypatch, read, way):
    """Rows, model and vectors: `predict_file` names its field, and the file is unchanged."""
    folder = tmp_path / "with space [x]"
    shutil.copytree(inputs, folder)
    monkeypatch.chdir(folder)
    before = (folder / read).read_bytes()
    output = Path(spelled(folder / read, way))
    with pytest.raises(UsageError, match=r"^output: found .* which is also read here"):
        attncli.predict_file(Path("rows.tsv"), output, Path("m.json"), Path("v.json"), kind="csv")
    assert (folder / read).read_bytes() == before
    attncli.predict_file("rows.tsv", "new.csv", "m.json", "v.txt")
    assert (folder / "new.csv").read_text(encoding="utf-8").startswith("text,label")


def test_files_beside_an_output_are_outputs(command, inputs, tmp_path, monkeypatch):
    """Neither the part of a batch nor the state of a training, nor the words of a .tsv is an input."""
    monkeypatch.chdir(tmp_path)
    for name, line in (
        ("o.jsonl.attn-part", "batch IN -o o.jsonl"),
        ("o.jsonl.attn-journal", "batch IN -o o.jsonl --force"),
        ("m.unfinished", "train IN -o m"),
        ("m.lock", "train IN -o m"),
        ("e.metadata.tsv", "vectors export IN -o e.tsv"),
    ):
        shutil.copy(inputs / "rows.tsv", name)
        ended = command(*(name if a == "IN" else a for a in line.split()))
        assert (ended.code, "also read" in ended.said) == (2, True), ended.said
        assert Path(name).read_text(encoding="utf-8") == ROWS


def test_imported_vectors_keep_their_file(command, inputs, tmp_path, monkeypatch):
    """The file that a name was imported from is an input of whoever uses the name."""
    monkeypatch.setenv("ATTN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    shutil.copy(inputs / "v.txt", "v.txt")
    assert command("vectors", "import", "v.txt", "--name", "mine").code == 0
    for line in (
        "vectors export mine -o v.txt",
        "train rows.tsv --vectors mine -o v.txt",
        "batch s.csv --vectors mine -o v.txt --format jsonl --force",
    ):
        assert command(*line.split()).code == 2
        assert Path("v.txt").read_text(encoding="utf-8") == VECTORS


def test_a_file_of_a_checkpoint_folder_is_an_input(tmp_path):
    """Whatever lies in a folder that is read."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}", encoding="utf-8")
    output = [OutputFile("output", str(folder / "config.json"))]
    for name in (str(folder), f"model:{folder}", f"model:{folder}:1,2"):
        with pytest.raises(UsageError, match="also read"):
            expect_apart(output, [name])


@pytest.mark.skipif(os.name == "nt", reason="the shell's redirection is imitated by descriptors")
@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("batch .", 6), ("explain -f .", 6), ("train . -o m", 6), ("view .", 6),
        ("compare -f .", 6), ("evaluate . --model idioms", 6), ("diff . r.json", 6),
        ("explain bank --vectors .", 6), ("explain bank --model .", 6),
        ("explain bank --vectors glove --json", 0), ("explain bank --model idioms --json", 0),
    ],
)  # fmt: skip
def test_a_folder_is_not_a_file_of_it(inputs: Path, tmp_path: Path, line: str, code: int) -> None:
    """`> out` in the folder that is named is no output onto an input: the folder itself is told.

    A folder that only has the name of what comes with the package is not read at all.
    """
    shutil.copy(inputs / "r.json", tmp_path)
    for name in ("glove", "idioms"):
        (tmp_path / name).mkdir()
    for target in ("out", "glove/out", "idioms/out"):
        with open(tmp_path / target, "ab") as stdout:
            done = subprocess.run(
                [sys.executable, "-m", "attncli", *line.split()], stdin=subprocess.DEVNULL,
                cwd=tmp_path, stdout=stdout, stderr=subprocess.PIPE,
                env=child_environment(), text=True, timeout=60, check=False,
            )  # fmt: skip
        assert done.returncode == code, done.stderr
        assert "standard output" not in done.stderr


def test_members_and_addresses_are_seen_through(tmp_path):
    """ARCHIVE:MEMBER, file:// and fsspec's chains name the file that they read."""
    file = tmp_path / "a.zip"
    file.write_bytes(b"")
    for name in (f"{file}:v.txt", f"file://{file}", f"zip://v.txt::file://{file}", f"@{file}"[1:]):
        with pytest.raises(UsageError, match="also read"):
            expect_apart([OutputFile("output", str(file))], [name])
        with pytest.raises(UsageError, match="also read"):
            expect_apart([OutputFile("output", f"file://{file}")], [name])


@pytest.mark.skipif(os.name == "nt", reason="descriptors have no names there")
def test_redirected_streams_are_files(tmp_path, monkeypatch):
    """Standard input and output, and /dev/fd, are the files they are redirected to."""
    monkeypatch.chdir(tmp_path)
    file = Path("s.jsonl")
    file.write_text("money bank\n", encoding="utf-8")

    def ended(arguments: str, read: str, written: str) -> tuple[int, str]:
        with open(read, "rb") as stdin, open(written, "ab") as stdout:
            done = subprocess.run(
                [sys.executable, "-m", "attncli", *arguments.split()],
                cwd=tmp_path, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE,
                env=child_environment(), text=True, timeout=60, check=False,
            )  # fmt: skip
        return done.returncode, done.stderr

    assert ended("batch - -o s.jsonl --force", "s.jsonl", os.devnull)[0] == 2
    assert ended("batch /dev/fd/0 -o s.jsonl --force", "s.jsonl", os.devnull)[0] == 2
    code, said = ended("batch s.jsonl", os.devnull, "s.jsonl")
    assert (code, "standard output" in said) == (2, True)
    assert ended("explain -f s.jsonl --json", os.devnull, "s.jsonl")[0] == 2
    assert ended("diff s.jsonl s.jsonl", os.devnull, "s.jsonl")[0] == 2
    assert file.read_text(encoding="utf-8") == "money bank\n"


def test_two_new_files_of_one_name_are_one(tmp_path: Path) -> None:
    """A log and a model of the same name are refused before either is there."""
    (tmp_path / "x").mkdir()
    other = tmp_path / "x" / ".." / "m"
    with pytest.raises(UsageError, match="also written"):
        expect_apart([OutputFile("output", str(tmp_path / "m")), OutputFile("log", str(other))], [])
    expect_apart(
        [OutputFile("output", str(tmp_path / "m")), OutputFile("log", str(tmp_path / "n"))], []
    )


def test_other_files_pass(tmp_path: Path) -> None:
    """A file that is there and not read may be written; so may one that is not there."""
    (tmp_path / "s.txt").write_text("bank\n", encoding="utf-8")
    (tmp_path / "o.txt").write_text("bank\n", encoding="utf-8")
    for name in ("o.txt", "new.txt"):
        expect_apart(
            [OutputFile("output", str(tmp_path / name))], [str(tmp_path / "s.txt"), None, "-"]
        )
