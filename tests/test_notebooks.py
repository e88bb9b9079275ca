"""The notebooks of examples/: small, without outputs, and every cell of them runs."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import attncli

ROOT = Path(__file__).parents[1]
NOTEBOOKS = {path.stem: path for path in sorted((ROOT / "examples").glob("*.ipynb"))}
# Runs a notebook in a folder, and writes what came of it.
RUN = """
import sys
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=300, resources={"metadata": {"path": sys.argv[2]}}).execute()
nbformat.validate(notebook)
nbformat.write(notebook, sys.argv[3])
"""


def cells(path: Path) -> list[dict[str, Any]]:
    """The cells of a notebook."""
    return list(json.loads(path.read_text(encoding="utf-8"))["cells"])


def executed(path: Path, folder: Path, **variables: str) -> Path:
    """The notebook with its outputs, run without a network and with a cache of its own."""
    done = folder / f"{path.stem}.ipynb"
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
    own = {name: str(folder / name) for name in ("ATTN_CACHE_DIR", "IPYTHONDIR")}
    ran = subprocess.run(
        [sys.executable, "-c", RUN, str(path), str(folder), str(done)],
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, **nowhere, **own, "HF_HUB_OFFLINE": "1", **variables},
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    return done


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_small_and_holds_no_outputs(name: str) -> None:
    """A code host shows it as it is read; what a cell gives is made where it is run."""
    assert NOTEBOOKS[name].stat().st_size < 12_000
    for cell in cells(NOTEBOOKS[name]):
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None
    assert cells(NOTEBOOKS[name])[0]["cell_type"] == "markdown"


def test_the_notebooks_are_listed() -> None:
    """The page of notebooks and the list of examples name each of them."""
    assert len(NOTEBOOKS) == 3
    for page in ("docs/notebooks.md", "examples/README.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert [name for name in NOTEBOOKS if f"{name}.ipynb" not in text] == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_cell_of_a_notebook_runs(name: str, tmp_path: Path) -> None:
    """In order, without a network; what ends a cell shows itself, and nothing of ours warns."""
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    if name == "bertviz":
        pytest.importorskip("transformers")
        pytest.importorskip("torch")
        pytest.importorskip("tokenizers")
    if name == "corpus":
        pytest.importorskip("gensim")
    shown = 0
    for cell in cells(executed(NOTEBOOKS[name], tmp_path)):
        for output in cell.get("outputs", []):
            assert output["output_type"] != "error"
            assert "attn: warning" not in "".join(output.get("text", [])), output["text"]
            shown += {"text/html", "text/latex"} <= set(output.get("data", {}))
    assert shown >= 4


def test_the_corpus_says_where_gensim_is_missing(tmp_path: Path) -> None:
    """The cell tells what to install, and the others go on with the built-in vectors."""
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    (tmp_path / "gensim.py").write_text("raise ImportError('gensim')\n", encoding="utf-8")
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    done = executed(NOTEBOOKS["corpus"], tmp_path, PYTHONPATH=path)
    texts = [
        "".join(output["data"]["text/plain"])
        for cell in cells(done)
        for output in cell.get("outputs", [])
        if "data" in output
    ]
    assert any("pip install gensim" in text for text in texts)
    assert any("glove-6b-50d" in text for text in texts)


def test_a_table_of_text_keeps_its_colors_on_a_page(tmp_path: Path) -> None:
    """Its cells name the colors themselves: pages give the 16 of a terminal other ones."""
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    sources = ("%load_ext attncli", "%%attn explain --show weights\nmoney bank grows")
    listed = [
        {
            "cell_type": "code",
            "id": f"cell-{place}",
            "metadata": {},
            "execution_count": None,
            "source": source,
            "outputs": [],
        }
        for place, source in enumerate(sources)
    ]
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": listed}
    path = tmp_path / "asked.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    (tmp_path / "done").mkdir()
    shown = "".join(cells(executed(path, tmp_path / "done"))[1]["outputs"][0]["text"])
    codes = set(re.findall(r"\x1b\[([\d;]+)m", shown))
    assert any("48;2;" in code for code in codes)
    assert [code for code in codes if "48;2;" not in code and code not in ("0", "1", "2")] == []


def exported(folder: Path, kind: str, results: list[attncli.AttentionResult]) -> str:
    """A notebook whose cells show these results, as nbconvert writes it."""
    pytest.importorskip("nbconvert")
    of_cells = [
        {
            "cell_type": "code",
            "id": f"cell-{place}",
            "metadata": {},
            "execution_count": place,
            "source": "result",
            "outputs": [
                {
                    "output_type": "execute_result",
                    "execution_count": place,
                    "metadata": {},
                    "data": {
                        "text/plain": repr(result),
                        "text/html": result._repr_html_(),
                        "text/latex": result._repr_latex_(),
                    },
                }
            ],
        }
        for place, result in enumerate(results)
    ]
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": of_cells}
    path = folder / "shown.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    files = importlib.metadata.files("nbconvert") or []
    template = next(file for file in files if file.as_posix().endswith("lab/index.html.j2"))
    share = Path(str(template.locate())).resolve().parents[3]
    line = [sys.executable, "-m", "nbconvert", "--to", kind, "--output", "out", str(path)]
    env = {**os.environ, "JUPYTER_PATH": str(share), "IPYTHONDIR": str(folder)}
    done = subprocess.run(line, capture_output=True, text=True, timeout=300, env=env)
    assert done.returncode == 0, done.stderr[-2000:]
    suffix = {"html": "html", "latex": "tex"}[kind]
    return (folder / f"out.{suffix}").read_text(encoding="utf-8")


def test_an_exported_notebook_holds_what_was_shown(tmp_path: Path) -> None:
    """As HTML each result with its script, as LaTeX its matrix in colors and no text of a terminal."""
    results = attncli.explain(["money bank grows", "river bank"])
    page = exported(tmp_path, "html", results)
    assert page.count('data-attn="') == 2
    assert page.count('"use strict";') >= 2
    printed = exported(tmp_path, "latex", results)
    assert printed.count(r"\colorbox[HTML]") == 9 + 4
    assert "AttentionResult(" not in printed
