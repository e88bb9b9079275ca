"""Laws of starting: the command loads typer and nothing heavier; one sentence as JSON only numpy."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from conftest import child_environment

import attncli

# What costs time to load and is not needed to start. orjson and regex are loaded where they earn it.
HEAVY = (
    "numpy",
    "rich",
    "gensim",
    "scipy",
    "orjson",
    "regex",
    "pyarrow",
    "dask",
    "torch",
    "pandas",
)
LIGHT = ("gensim", "scipy", "rich", "regex", "orjson", "pydantic", "pyarrow", "unittest")


def loaded_by(script: str, suspects: tuple[str, ...]) -> set[str]:
    """Which of these packages a process has loaded after this script."""
    watch = f"\nimport sys\nprint('LOADED', *[m for m in {suspects!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script + watch],
        capture_output=True,
        env=child_environment(),
        check=True,
    )
    line = done.stdout.decode().rpartition("LOADED")[2]
    return set(line.split())


def command(*arguments: str) -> str:
    """A script that runs the command in its own process."""
    return f"from attncli.cli.app import run\nassert run({list(arguments)!r}) == 0"


def test_the_command_loads_nothing_heavy():
    """Importing the app."""
    assert loaded_by("import attncli.cli.app", HEAVY) == set()


def test_the_package_loads_nothing_heavy():
    """import attncli resolves its names on first use."""
    assert loaded_by("import attncli; attncli.__version__", (*HEAVY, "typer")) == set()


@pytest.mark.parametrize(
    "arguments", [("--version",), ("--help",), ("explain", "--help"), ("schema",)]
)
def test_asking_for_help_loads_no_numpy(arguments):
    """Version, help and schema need no arrays."""
    script = f"""
from attncli.cli.app import run
run({list(arguments)!r})
"""
    assert loaded_by(script, ("numpy", "gensim", "scipy", "orjson", "regex")) == set()


def test_one_sentence_as_json_loads_numpy_only():
    """ASCII words, few numbers: neither regex nor orjson earn their time."""
    script = command("explain", "money bank grows", "--json", "-q")
    assert loaded_by(script, LIGHT) == set()
    assert loaded_by(script, ("numpy",)) == {"numpy"}


def test_the_table_does_without_gensim():
    """Neighbors are found in the mapped matrix."""
    assert loaded_by(command("explain", "money bank grows"), ("gensim", "scipy", "orjson")) == set()


def test_what_earns_its_time_is_loaded():
    """regex for text beyond ASCII, orjson for many numbers: the check itself sees what is loaded."""
    assert loaded_by(command("explain", "café", "--json", "-q"), LIGHT) == {"regex"}
    assert loaded_by(command("explain", "bank " * 40, "--json", "-q"), LIGHT) == {"orjson"}


def test_a_wrong_option_is_answered_without_numpy():
    """An error must not wait for the arrays."""
    script = (
        "from attncli.cli.app import run\nassert run(['explain', 'x', '--temperature', '0']) == 2"
    )
    assert loaded_by(script, ("rich", "gensim", "scipy", "orjson", "regex")) == set()


def test_the_process_takes_one_blas_thread():
    """The bytes of a result must not depend on the cores of the machine."""
    script = """
import os, sys
sys.argv = ["attn", "schema"]
from attncli.__main__ import main
try:
    main()
except SystemExit:
    pass
import json
print("LOADED", json.dumps([os.environ[n] for n in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")]))
"""
    env = child_environment(OPENBLAS_NUM_THREADS=None, OMP_NUM_THREADS=None, MKL_NUM_THREADS=None)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, env=env, check=True)
    assert json.loads(done.stdout.decode().rpartition("LOADED")[2]) == ["1", "1"]


ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path(attncli.__file__).parent


def test_the_documented_order_is_the_rule_of_the_imports():
    """docs/architecture.md names the rooms in the order that the linter holds, and each has a row."""
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = rules["tool"]["importlinter"]["contracts"][0]["layers"]
    document = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = document.partition("## Rooms")[2].partition("## Decisions")[0]
    told = re.findall(r"^    ([a-z |,]+)$", section, re.MULTILINE)
    names = [re.findall(r"\w+", line) for line in layers if line != "__main__"]
    assert [re.findall(r"\w+", line) for line in told] == names
    table = section.partition("| room |")[2]
    assert [room for rooms in names for room in rooms if f"`{room}" not in table] == []


def test_the_files_that_the_design_names_are_there():
    """Of a row of the table in its room, or as a path; elsewhere as a path in the package."""
    document = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    missing = []
    for line in document.splitlines():
        rooms = re.findall(r"`([\w/]+/)`", line.split("|")[1]) if line.startswith("| `") else []
        for name in re.findall(r"`([\w/.]+\.(?:py|json)|[\w/]+/)`", line):
            places = [PACKAGE / room / name for room in (*rooms, "")]
            if not any(place.exists() for place in (*places, ROOT / name, PACKAGE.parent / name)):
                missing.append(name)
    assert missing == []


def test_only_who_asks_for_a_drawing_or_own_matrices_loads_them():
    """The main job, as JSON and as a table."""
    suspects = ("attncli.cli.drawing", "attncli.insight.diagram", "attncli.mechanisms.given")
    for more in ((), ("--json", "-q")):
        assert loaded_by(command("explain", "money bank grows", *more), suspects) == set()
    drawn = loaded_by(command("explain", "money bank grows", "--diagram"), suspects)
    assert drawn == {"attncli.cli.drawing", "attncli.insight.diagram"}
