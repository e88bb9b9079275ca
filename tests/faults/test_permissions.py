"""What a user may not read or write is said, with the code of its kind; it is never our bug."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

pytest.importorskip("tokenizers")
pytest.importorskip("fsspec")
if not sys.platform.startswith("linux"):
    pytest.skip("permissions as Linux has them", allow_module_level=True)
from faults.running import ended
from models.made import write_checkpoint, write_tokenizer

NOBODY = 65534
RANDOM = ("--vectors", "random", "--dim", "4")
BATCH = ("batch", "s.txt", *RANDOM, "--workers", "1", "-o")
TRAIN = ("train", "t.csv", "--vectors", "v.txt", "--epochs", "1", "-o")
INPUTS = {
    "s.txt": (
        ("explain", "-f", "{x}", *RANDOM),
        ("compare", "-f", "{x}", *RANDOM),
        ("batch", "{x}", *RANDOM, "--workers", "1"),
        ("batch", "{x}", *RANDOM, "--workers", "2", "-o", "o.jsonl"),
        ("vectors", "import", "v.txt", "--words", "{x}"),
    ),
    "v.txt": (
        ("explain", "bank", "--vectors", "{x}"),
        ("compare", "bank", "money bank", "bank", "--vectors", "{x}"),
        ("batch", "s.txt", "--vectors", "{x}"),
        ("train", "t.csv", "--vectors", "{x}", "-o", "o.safetensors"),
        ("evaluate", "t.csv", "--model", "m.safetensors", "--vectors", "{x}"),
        ("vectors", "info", "{x}"),
        ("vectors", "import", "{x}"),
        ("vectors", "get", "bank", "--vectors", "{x}"),
        ("vectors", "similar", "bank", "--vectors", "{x}"),
        ("vectors", "export", "{x}", "-o", "o.bin"),
    ),
    "t.csv": (
        ("train", "{x}", "--vectors", "v.txt", "-o", "o.safetensors"),
        ("evaluate", "{x}", "--model", "m.safetensors", "--vectors", "v.txt"),
    ),
    "m.safetensors": (
        ("explain", "bank", "--model", "{x}", "--vectors", "v.txt"),
        ("batch", "s.txt", "--model", "{x}", "--vectors", "v.txt"),
        ("evaluate", "t.csv", "--model", "{x}", "--vectors", "v.txt"),
        ("model", "info", "{x}"),
    ),
    "r.json": (
        ("view", "{x}"),
        ("view", "{x}", "-o", "o.svg"),
        ("diff", "{x}", "copy.json"),
        ("diff", "copy.json", "{x}"),
    ),
}
CHECKPOINT = (
    ("explain", "bank", "--model", "{x}"),
    ("explain", "bank", "--vectors", "model:{x}"),
    ("batch", "s.txt", "--model", "{x}"),
    ("model", "info", "{x}"),
)
OUTPUTS = {
    "o.svg": ("explain", "bank", *RANDOM, "-o", "{x}"),
    "o.json": ("view", "r.json", "-o", "{x}"),
    "o.csv": ("compare", "bank", "money bank", "bank", *RANDOM, "-o", "{x}"),
    "o.jsonl": (*BATCH, "{x}", "--force"),
    "o.npz": (*BATCH, "{x}", "--force"),
    "url.jsonl": (*BATCH, "file://{here}/{x}", "--force"),
    "o.safetensors": (*TRAIN, "{x}"),
    "o.bin": ("vectors", "export", "v.txt", "-o", "{x}"),
    "o.tsv": ("vectors", "export", "v.txt", "-o", "{x}"),
}
VECTORS = (
    ("explain", "bank", "--vectors", "v.txt"),
    ("vectors", "list"),
    ("vectors", "get", "bank", "--vectors", "mine"),
    ("vectors", "export", "mine", "-o", "o.bin"),
    ("vectors", "import", "v.txt", "--name", "other"),
    ("vectors", "remove", "mine"),
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the commands read."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "s.txt").write_text("money bank grows\nriver bank flows\n", "utf-8")
    (folder / "v.txt").write_text("money 1 2 .5\nbank 2 1 .5\nthe .1 .2 .3\n", "utf-8")
    (folder / "t.csv").write_text("text,label\n" + "money bank,a\nthe bank,b\n" * 6, "utf-8")
    write_tokenizer(write_checkpoint(folder / "bert", "bert", vocab_size=300), "bert")
    for line in (
        (*TRAIN, "m.safetensors"),
        ("explain", "bank", *RANDOM, "-o", "r.json"),
        ("vectors", "import", "v.txt", "--name", "mine"),
    ):
        assert list(ended([(line, folder)])) == [(0, list(line))]
    shutil.copy(folder / "r.json", folder / "copy.json")
    return folder


@pytest.fixture
def tried(files: Path, tmp_path: Path) -> Iterator[Callable]:
    """Makes a copy of the files in which something is forbidden; everything is allowed at the end."""
    copies: list[Path] = []

    def copy() -> Path:
        copies.append(tmp_path / str(len(copies)))
        shutil.copytree(files, copies[-1])
        return copies[-1]

    yield copy
    for folder in copies:  # whoever is not root could not remove them otherwise
        for path in [folder, *folder.glob("**/")]:
            if path.stat().st_uid == os.geteuid():
                path.chmod(0o700)
                for inner in path.iterdir():
                    if inner.is_dir() and inner.stat().st_uid == os.geteuid():
                        inner.chmod(0o700)


def filled(line: Sequence[str], x: str, folder: Path) -> list[str]:
    """A command line with the name of its file."""
    return [part.replace("{x}", x).replace("{here}", str(folder)) for part in line]


@pytest.mark.parametrize(("what", "mode"), [("file", 0), ("folder", 0o600), ("folder", 0)])
def test_what_may_not_be_read_is_no_input(tried: Callable, what: str, mode: int) -> None:
    """A file that is unreadable, or lies in a folder that one may not enter: 6, in every command."""
    runs = []
    for name, lines in {**INPUTS, "bert": CHECKPOINT}.items():
        for line in lines:
            folder = tried()
            (folder / "d").mkdir()
            (folder / name).rename(folder / "d" / name)
            (folder / "d" / name if what == "file" else folder / "d").chmod(mode)
            runs.append((filled(line, f"d/{name}", folder), folder))
    assert [pair for pair in ended(runs) if pair[0] != 6] == []


def test_a_file_of_a_checkpoint_that_may_not_be_read_is_no_input(tried: Callable) -> None:
    """Each of its files; `model info` does not need the tokenizer."""
    runs = []
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        for line in CHECKPOINT if name != "tokenizer.json" else CHECKPOINT[:-1]:
            folder = tried()
            (folder / "bert" / name).chmod(0)
            runs.append((filled(line, "bert", folder), folder))
    assert [pair for pair in ended(runs) if pair[0] != 6] == []


@pytest.mark.parametrize("mode", [0o555, 0o600, 0])
def test_a_folder_that_may_not_be_written_takes_no_output(tried: Callable, mode: int) -> None:
    """Read-only, without x, closed: 9, and nothing is there."""
    runs = []
    for name, line in OUTPUTS.items():
        folder = tried()
        (folder / "d").mkdir(mode=mode)
        runs.append((filled(line, f"d/{name}", folder), folder))
    assert [pair for pair in ended(runs) if pair[0] != 9] == []
    for _, folder in runs:
        (folder / "d").chmod(0o700)
        assert list((folder / "d").iterdir()) == []


@pytest.mark.parametrize("mode", [0o444, 0o400, 0o640, 0])
def test_an_output_that_is_replaced_keeps_its_permissions(tried: Callable, mode: int) -> None:
    """Also one that its owner may not write, or not read: the folder may be written."""
    runs = []
    for name, line in OUTPUTS.items():
        folder = tried()
        (folder / "d").mkdir()
        (folder / "d" / name).write_bytes(b"old")
        (folder / "d" / name).chmod(mode)
        runs.append((filled(line, f"d/{name}", folder), folder))
    assert [pair for pair in ended(runs) if pair[0] != 0] == []
    for (_, folder), name in zip(runs, OUTPUTS, strict=True):
        path = folder / "d" / name
        assert path.stat().st_size > 3
        if not name.startswith("url"):
            assert path.stat().st_mode & 0o777 == mode, name


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files of another user")
def test_files_of_others_in_a_sticky_folder_stay(tried: Callable) -> None:
    """As in /tmp: an output that is theirs is not replaced (9), what they left beside it stays."""
    runs, codes, theirs = [], [], []
    for ending, code in (("", {9}), (".attn-part", {0, 9}), (".lock", {0, 9}), ("tmp", {0})):
        for name, line in OUTPUTS.items():
            folder = tried()
            (folder / "d").mkdir()
            leftover = f".{name}.0123abcd.attn-tmp"
            path = folder / "d" / (leftover if ending == "tmp" else name + ending)
            path.write_bytes(b"theirs")
            for owned in (path, folder / "d"):
                os.chown(owned, NOBODY, NOBODY)
            (folder / "d").chmod(0o1777)
            runs.append((filled(line, f"d/{name}", folder), folder))
            codes.append(code)
            theirs.append(path)
    wrong = zip(ended(runs), codes, strict=True)
    assert [pair for pair, code in wrong if pair[0] not in code] == []
    assert {path.read_bytes() for path in theirs} == {b"theirs"}


@pytest.mark.parametrize("mode", [0o555, 0])
@pytest.mark.parametrize("place", ["", "vectors", "vectors/names", "vectors/v2-*"])
def test_a_cache_that_may_not_be_used_is_said(tried: Callable, place: str, mode: int) -> None:
    """Sentences are read all the same; what needs the cache ends with 2, 5 or 9, or goes."""
    runs = []
    for line in VECTORS:
        folder = tried()
        (path,) = (folder / "cache").glob(place) if place else [folder / "cache"]
        path.chmod(mode)
        runs.append((list(line), folder))
    codes = [code for code, _ in ended(runs)]
    assert codes[:2] == [0, 0]
    assert set(codes) <= {0, 2, 5, 9}
    if mode == 0o555:
        assert codes[2:4] == [0, 0]
