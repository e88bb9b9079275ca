"""Laws of batches with a second text in each row: what BERT reads with the first, and runs that are killed."""

import csv
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.made import write_model
from models.word_translators import write_translator

import attncli
from attncli.errors import AttnError, ResumeError
from attncli.insight.chosen_part import Part
from attncli.matrices.reading import read_saved

for library in ("torch", "transformers", "tokenizers", "pyarrow"):
    pytest.importorskip(library)

FORMATS = ("jsonl", "npz", "parquet", "arrow", "csv")
READ = {
    "bart": (
        ("Das Haus ist klein", "The house is small ."),
        ("der Hund schläft", "The dog sleeps and the cat"),
        ("Milch", "milk"),
    ),
    "bert": (
        ("money bank grows", "the river flows"),
        ("river bank", "old money ."),
        ("unhappiness", "the bank"),
    ),
}
WRONG = (("Milch money", ""), ("", "milk money"))  # a row without a pair, and one without a text
KILLED = """
import os, signal, sys, attncli
def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)
source, target, model, which = sys.argv[1:]
attncli.batch(source, target, model, column="source", pair_column="target", chunk=2,
              workers=1, part=attncli.Part(which=which or None), watch=kill)
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An encoder with a decoder, and an encoder that reads two sentences at once."""
    root = tmp_path_factory.mktemp("models")
    write_translator(root / "bart", "bart")
    write_model(root / "bert")
    return {name: str(root / name) for name in READ}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int], Path]:
    """For a model the CSV of its pairs, twice, with so many wrong ones among them."""
    root = tmp_path_factory.mktemp("tables")

    def table(name: str, n_wrong: int) -> Path:
        path = root / f"{name}-{n_wrong}.csv"
        if not path.exists():
            with path.open("w", encoding="utf-8", newline="") as file:
                rows = [*READ[name], *WRONG * (n_wrong // 2), *READ[name]]
                csv.writer(file).writerows([("source", "target"), *rows])
        return path

    return table


def written(table: Path, target: Path, model: str, **choices: Any) -> bytes:
    """The bytes of a batch of a table."""
    given: dict[str, Any] = {"column": "source", "pair_column": "target", "workers": 1}
    attncli.batch(table, target, model, **(given | choices))
    return target.read_bytes()


@pytest.mark.parametrize("suffix", FORMATS)
def test_bert_reads_the_pair_of_each_row_with_its_text(
    models: dict[str, str], tables: Callable[[str, int], Path], tmp_path: Path, suffix: str
) -> None:
    """Each format holds the record that explain gives of the pair; errors stand in their places."""
    digits = {"precision": "full"} if suffix in ("jsonl", "csv") else {}
    path = tmp_path / f"x.{suffix}"
    expected = written(tables("bert", 2), path, models["bert"], **digits)
    with path.open("rb") as stream:
        outcomes = list(read_saved(stream, path.name))
    assert [at for at, one in enumerate(outcomes) if isinstance(one, AttnError)] == [3, 4]
    assert "the pair is empty" in outcomes[3].message
    assert "the sentence is empty" in outcomes[4].message
    rows = [*READ["bert"], *WRONG, *READ["bert"]]
    for at, (found, (text, pair)) in enumerate(zip(outcomes, rows, strict=True)):
        if isinstance(found, AttnError):
            continue
        whole = attncli.explain(text, models["bert"], pair=pair, include=())
        assert {0, 1} == set(whole.segments)
        if suffix == "csv":
            assert np.array_equal(found.weights, whole.weights)
            assert found.words == whole.words
        else:
            assert found == replace(whole, index=at, line=at + 2)
    again = tmp_path / f"y.{suffix}"
    assert written(tables("bert", 2), again, models["bert"], **digits, workers=2, chunk=1) == (
        expected
    )


@pytest.mark.parametrize("empty", ["", "  ", "\n"])
def test_a_pair_of_which_one_side_has_no_word_is_refused(
    command: Callable[..., Any], models: dict[str, str], empty: str
) -> None:
    """In one line that names the side, by every model; nothing is written."""
    for name in READ if not empty else ("bert",):  # the other has a token for blanks
        first = command("explain", empty, "--pair", "money", "--model", models[name])
        assert (first.code, first.text) == (4, "")
        assert "the sentence is empty, expected at least one word" in first.said
        second = command("explain", "money", "--pair", empty, "--model", models[name])
        assert (second.code, second.text) == (4, "")
        assert "--pair: no word in" in second.said


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(("name", "which"), [("bert", ""), ("bart", ""), ("bart", "cross")])
def test_a_run_that_was_killed_goes_on_to_the_same_bytes(
    models: dict[str, str],
    tables: Callable[[str, int], Path],
    tmp_path: Path,
    name: str,
    suffix: str,
    which: str,
) -> None:
    """Killed behind its first chunk; another second text before that, or another column, is refused."""
    in_blocks = suffix in ("parquet", "arrow")  # of hundreds of records, whatever is asked
    n_wrong = 1000 if in_blocks else 2
    table = tables(name, n_wrong)
    part = {"part": Part(which=which or None)}  # type: ignore[arg-type]  # a name of a part
    expected = written(table, tmp_path / f"x.{suffix}", models[name], **part)
    target = tmp_path / f"y.{suffix}"
    run = [sys.executable, "-c", KILLED, str(table), str(target), models[name], which]
    ended = subprocess.run(run, check=False, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert not target.exists()
    kept = [path for path in tmp_path.iterdir() if path.name.startswith(("y.", ".y."))]
    assert any(path.stat().st_size for path in kept)
    copy = tmp_path / "other.csv"
    first = READ[name][0][1]
    copy.write_text(
        table.read_text(encoding="utf-8").replace(first, first + " the", 1), encoding="utf-8"
    )
    with pytest.raises(ResumeError):
        written(copy, target, models[name], resume=True, **part)
    other = {"column": "target", "pair_column": "source"}
    with pytest.raises(ResumeError, match="column"):
        written(table, target, models[name], resume=True, **other, **part)
    seen: list[int] = []
    again = written(
        table, target, models[name], resume=True, watch=lambda _, now: seen.append(now), **part
    )
    assert again == expected
    assert 0 < seen[-1] < n_wrong + 6
