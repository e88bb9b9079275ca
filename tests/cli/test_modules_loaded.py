"""What a command loads: of the packages it may use, those that this command uses, and no other."""

import json
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest
from conftest import child_environment
from packaging.requirements import Requirement

WATCHED = (
    *("typer", "numpy", "rich", "orjson", "marisa_trie", "regex", "safetensors", "platformdirs"),
    *("gensim", "scipy", "smart_open", "pyarrow", "tokenizers", "huggingface_hub", "resvg_py"),
    *("typst", "distributed", "dask", "fsspec", "cryptography", "torch", "transformers"),
    *("pandas", "polars", "matplotlib", "xarray", "jsonschema", "numpy.ma"),
)
PROGRAM = f"""
import json, sys
from attncli.cli.app import run
code = run(sys.argv[1:])
sys.stderr.write("\\n" + json.dumps([code, [name for name in {WATCHED!r} if name in sys.modules]]))
"""
WORDS = {"numpy", "marisa_trie"}  # the built-in vectors
SHOWN = WORDS | {"rich"}
# A command, and what it uses; each may write a file called "out" and its suffix.
COMMANDS: list[tuple[str, set[str]]] = [
    ("--help", {"typer"}),
    ("explain --help", {"typer"}),
    ("schema", set()),
    ("config list", {"typer"}),
    ("explain words --json", WORDS),
    ("explain words --vectors random --json", {"numpy"}),
    ("explain words --inline words=1,0 --json", {"numpy"}),
    ("explain bank --model idioms --json", WORDS),
    ("explain words", SHOWN),
    ("explain words -o out.json", WORDS),
    ("explain words -o out.npz", WORDS),
    ("explain words -o shown.parquet", WORDS | {"pyarrow"}),
    ("view saved.json -o out.feather", {"numpy", "pyarrow"}),
    ("explain words -o out.html", SHOWN),
    ("explain words -o out.svg", SHOWN),
    ("explain words -o out.png", SHOWN | {"resvg_py"}),
    ("explain words -o out.pdf", SHOWN | {"resvg_py", "typst"}),
    ("explain नमस्ते --json", WORDS | {"regex"}),
    ("compare bank bank --word bank --json", WORDS),
    ("batch s.tsv --column text -q", WORDS),
    ("batch s.tsv --column text -q -o out.csv", WORDS),
    ("batch s.tsv --column text -q -o out.parquet", WORDS | {"pyarrow"}),
    ("align bank bank", WORDS),
    ("vectors get bank --json", WORDS | {"typer"}),
    ("vectors similar bank --json", WORDS | {"typer"}),
    ("vectors import v.txt --name mine -q", WORDS | {"typer"}),
    ("explain bank --vectors opened --json", WORDS),
    (
        "vectors train s.tsv --name learned -q",
        WORDS | {"typer", "gensim", "scipy", "smart_open", "numpy.ma"},
    ),
    ("train s.tsv -o out.safetensors --epochs 1 -q", WORDS | {"safetensors", "numpy.ma"}),
    ("predict s.tsv --model m.safetensors", WORDS),
    ("evaluate s.tsv --model m.safetensors --json", WORDS),
    ("model info idioms --json", {"typer", "numpy"}),
    ("view saved.json --json", {"numpy"}),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sentences with labels, vectors, and a saved result."""
    folder = tmp_path_factory.mktemp("folder")
    rows = "money bank\tfinance\nriver bank\tnature\n" * 8
    (folder / "s.tsv").write_text(f"text\tlabel\n{rows}", encoding="utf-8")
    (folder / "v.txt").write_text("money 1 0\nbank .6 .8\n")
    for line in (
        "explain money -o saved.json",
        "train s.tsv -o m.safetensors --epochs 1 -q",
        "vectors import v.txt --name opened -q",
    ):
        code, _, said = run(folder, line)
        assert code == 0, said
    return folder


def run(folder: Path, line: str) -> tuple[int, set[str], str]:
    """The exit code of a command, the watched packages it loaded, and all that it said."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *line.split()],
        cwd=folder,
        env=child_environment(ATTN_CACHE_DIR=str(folder / "cache"), OPENBLAS_NUM_THREADS="1"),
        capture_output=True,
        text=True,
        timeout=300,
    )
    said, _, last = done.stderr.rpartition("\n")
    code, loaded = json.loads(last)
    return code, set(loaded), said


@pytest.mark.parametrize(("line", "used"), COMMANDS, ids=[line for line, _ in COMMANDS])
def test_a_command_loads_what_it_uses(folder: Path, line: str, used: set[str]) -> None:
    """Exactly these of all packages that some command uses, and that may be installed beside them."""
    for name in used:
        pytest.importorskip(name)
    code, loaded, said = run(folder, line)
    assert code == 0, said
    assert loaded == used


WITHOUT = """
import sys
class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Without())
from attncli.cli.app import run
sys.exit(run(sys.argv[1:]))
"""


def test_tokenizers_alone_is_enough(tmp_path: Path) -> None:
    """Installed without what it asks pip for, it reads every tokenizer: nothing is fetched by it."""
    pytest.importorskip("tokenizers")
    from models.made import write_model

    asked = map(Requirement, requires("tokenizers") or [])
    missing = {part.name.replace("-", "_") for part in asked if part.marker is None}
    assert missing == {"huggingface_hub"}
    missing |= {"hf_xet", "yaml", "requests", "httpx", "tqdm", "filelock", "fsspec"}
    write_model(tmp_path / "model")
    model = str(tmp_path / "model")
    lines = (
        ["explain", "money bank", "--model", model, "--json"],
        ["explain", "money bank", "--vectors", f"model:{model}", "--json"],
        ["model", "info", model, "--json"],
    )
    for line in lines:
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT.format(missing=missing), *line],
            env=child_environment(),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        json.loads(done.stdout)
