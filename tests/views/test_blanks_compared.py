"""Laws of blank words in comparisons, differences and alignments: views show them, data keeps them."""

import csv
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.stories import write_stories

import attncli
from attncli.insight.difference import Difference, differences
from attncli.results.alignment import Alignment
from attncli.results.cards import Grid
from attncli.results.displayed import displayed, displayed_comparison
from attncli.results.facts import Token
from attncli.results.result import AttentionResult
from attncli.views.alignment import alignment_lines
from attncli.views.difference import difference_lines
from attncli.views.files import write_comparison
from attncli.views.ink import Ink

ONE, OTHER = "One  day Lily saw a  big", "One  day a  cat"
ROW = re.compile(r"^  (\S*) +-?\d\.\d+", re.MULTILINE)


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A real language model of 1 MB, whose tokenizer leaves the second of two spaces alone."""
    pytest.importorskip("tokenizers")
    folder = tmp_path_factory.mktemp("stories")
    write_stories(folder)
    return str(folder)


def spaced(words: tuple[str, ...] = ("a", " ", "\n", "b")) -> AttentionResult:
    """General attention whose tokens are these words."""
    result = attncli.explain("a c d b", vectors="random")
    tokens = [Token(w, at, at + 1, w, "exact") for at, w in enumerate(words)]
    return replace(result, text="".join(words), tokens=tuple(tokens))


@pytest.mark.parametrize("word", ["day", " "])
def test_blank_words_of_a_comparison_are_seen(
    command: Callable[..., Any], stories: str, tmp_path: Path, word: str
) -> None:
    """In the terminal, Markdown, TeX, pages, pictures and notebooks; JSON and CSV keep the blank."""
    compare = ["compare", ONE, OTHER, "--word", word, "--model", stories]
    comparison = attncli.compare([ONE, OTHER], word, model=stories)
    views = {"terminal": command(*compare, "--width", "300").text}
    for suffix in ("md", "tex", "html", "svg"):
        path = tmp_path / f"c.{suffix}"
        assert command(*compare, "-o", str(path)).code == 0
        views[suffix] = path.read_text(encoding="utf-8")
    views["notebook"], views["printed"] = comparison._repr_html_(), comparison._repr_latex_()
    for name, text in views.items():
        assert text.count("␣") >= 4, name
    assert all(ROW.findall(views["terminal"]))
    assert "|  |" not in views["md"]
    assert not re.search(r"(?m)^ ? [01]\.\d+", views["tex"])
    record = json.loads(command(*compare, "--json").text)
    words = [[part["word"] for part in sentence["row"]] for sentence in record["sentences"]]
    assert all(row.count(" ") == 2 for row in words)
    assert record["word"] == word
    command(*compare, "-o", str(tmp_path / "c.csv"))
    with (tmp_path / "c.csv").open(encoding="utf-8", newline="") as lines:
        cells = [row[2] for row in csv.reader(lines)]
    assert "␣" not in "".join(cells)
    assert len([cell for cell in cells if not cell.strip()]) >= 4


def test_blank_words_are_seen_beside_general_attention(
    command: Callable[..., Any], stories: str, tmp_path: Path
) -> None:
    """`--against general` has signs in the terminal, Markdown, TeX, pages and pictures; JSON keeps the blank."""
    against = ["explain", "One  day", "--vectors", f"model:{stories}:2", "--attention", "task"]
    against += ["--seed", "1", "--against", "general"]
    views = {"terminal": command(*against, "--width", "300").text}
    for suffix in ("md", "tex", "html", "svg"):
        path = tmp_path / f"a.{suffix}"
        assert command(*against, "-o", str(path)).code == 0
        views[suffix] = path.read_text(encoding="utf-8")
    for name, text in views.items():
        assert text.count("␣") >= 6, (
            name
        )  # a row and a column of two matrices, and where they differ
    assert "|  |" not in views["md"]
    assert "␣ → ␣" in views["terminal"]
    record = json.loads(command(*against, "--json").text)
    for part in ("general", "task"):
        assert [token["text"] for token in record[part]["tokens"]] == ["One", " ", "day"]


def test_a_comparison_that_was_read_back_is_drawn_with_signs(
    command: Callable[..., Any], stories: str, tmp_path: Path
) -> None:
    """Without the results its words are all that is known of them, the numbered ones too."""
    compare = ["compare", ONE, OTHER, "--word", " ", "--model", stories, "--width", "300"]
    path = tmp_path / "c.json"
    path.write_bytes(command(*compare, "--json").out)
    assert command("view", str(path), "--width", "300").text == command(*compare).text
    assert "␣ 1, word 3" in command(*compare).text


def test_a_comparison_without_blanks_is_what_it_was(tmp_path: Path) -> None:
    """No word, no neighbor and no name of the map changes."""
    comparison = attncli.compare(["money bank grows", "river bank flows 2"], "bank")
    seen = displayed_comparison(comparison)
    assert seen.to_record() == comparison.to_record()
    write_comparison(str(tmp_path / "c.json"), comparison)
    assert json.loads((tmp_path / "c.json").read_text()) == json.loads(
        json.dumps(comparison.to_record())
    )


def test_blank_words_of_a_difference_are_seen() -> None:
    """Rows, columns and the place that differs most have signs; what is read by programs has not."""
    one = spaced()
    weights = one.weights.copy()
    weights[0, 0, 1, 2] += 0.1
    (found,) = differences([one], [replace(one, weights=weights)], 1e-6)
    assert isinstance(found, Difference)
    assert (found.words, found.labels[0]) == (("a", " ", "\n", "b"), ("a", "␣", "⏎", "b"))
    (change,) = found.changes
    assert (change.where, change.seen) == ("  → \n", "␣ → ⏎")
    text = Ink().rendered(difference_lines([found], 1e-6, Ink()))
    assert "most at ␣ → ⏎:" in text
    assert ROW.findall(text) == ["a", "␣", "⏎", "b"]
    grids = [part for part in found.card().parts if isinstance(part, Grid)]
    assert grids[0].rows[0][2] == "␣ → ⏎"
    assert list(grids[1].columns) == ["", "a", "␣", "⏎", "b"]
    assert [row[0] for row in grids[1].rows] == ["a", "␣", "⏎", "b"]


def test_a_difference_names_tokens_as_the_table_does(
    command: Callable[..., Any], stories: str, tmp_path: Path
) -> None:
    """`attn diff` of two records of a model calls a token what `attn explain` calls it."""
    part = attncli.Part(layers=(0,), heads=(0,))
    one = attncli.explain(OTHER, stories, part=part)
    weights = one.weights.copy()
    weights[0, 0, 5, 2] += 0.1
    for name, result in (("a", one), ("b", replace(one, weights=weights))):
        attncli.save(result, tmp_path / f"{name}.json")
    files = [str(tmp_path / "a.json"), str(tmp_path / "b.json")]
    text = command("diff", *files, "--width", "300").text
    assert ROW.findall(text) == displayed(one).words
    record = json.loads(command("diff", *files, "--json").text)
    (change,) = record["sentences"][0]["changes"]
    assert change["worst"]["where"].endswith("  →  ")
    assert "␣ → ␣" in text


def test_blank_words_of_an_alignment_are_seen() -> None:
    """With a link and without, in the table and in a notebook; the record keeps them."""
    matrix = np.array([[0.9, 0.05, 0.05], [0.1, 0.8, 0.1]])
    alignment = Alignment(("a", " ", "\t"), ("b", "\n"), ((0, 0), (1, 1)), matrix)
    text = Ink().rendered(alignment_lines(alignment, Ink()))
    assert [line.split() for line in text.splitlines()] == [
        ["a", "0-0", "b", "0.900"],
        ["␣", "1-1", "⏎", "0.800"],
        ["no", "link,", "source:", "⇥"],
    ]
    (grid,) = (part for part in alignment.card().parts if isinstance(part, Grid))
    assert list(grid.columns) == ["", "a", "␣", "⇥"]
    assert [row[0] for row in grid.rows] == ["b", "⏎"]
    assert alignment.to_record()["source"] == ["a", " ", "\t"]
