"""Laws of figures on the command line: who makes one, what is refused, what is said."""

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest

import attncli
from attncli.results.result import AttentionResult
from attncli.views.palette import weight_rgb

TEXT, OTHER = "money bank grows", "the river bank flows"
SVG = "{http://www.w3.org/2000/svg}"


def texts(path):
    """The texts of an SVG, without the titles inside them."""
    root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
    return [t.text or t[0].tail or "" for t in root.iter(f"{SVG}text")]


def cell_colors(text):
    """The background of each colored cell of a terminal, as three numbers."""
    found = re.findall(r"48;2;(\d+);(\d+);(\d+)m *[\d.]+ ", text)
    return [tuple(map(int, color)) for color in found]


@pytest.fixture
def heads(tmp_path):
    """A file of six layers of twelve heads."""
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.ones(4), size=(6, 12, 4))
    path = tmp_path / "heads.npy"
    np.save(path, weights.astype(np.float32))
    return path


def test_many_matrices_are_a_grid_and_a_note_says_so(command, heads, tmp_path):
    """Without an option too: no column of 72 heat maps; what chooses fewer is named."""
    picture = tmp_path / "x.svg"
    ended = command("view", str(heads), "-o", str(picture))
    assert ended.code == 0
    assert "72 matrices stand in a grid, the numbers left out: --layer, --head, --agg" in ended.said
    root = ElementTree.fromstring(picture.read_text(encoding="utf-8"))
    assert float(root.get("height")) < 1000
    assert {"layer 5", "head 11"} <= set(texts(picture))
    few = command("view", str(heads), "--layer", "5", "--head", "0-2", "-o", str(picture))
    assert "stand in a grid" not in few.said
    assert "head 2" in texts(picture)


def test_a_figure_holds_the_weights_alone(command, tmp_path):
    """No facts, no command; the command is in the file all the same, unless it is left out."""
    path = tmp_path / "x.svg"
    assert command("explain", TEXT, "--size", "8cmx6cm", "-o", str(path)).code == 0
    shown = texts(path)
    assert not any("attention" in text or "Made by" in text for text in shown)
    assert "--size 8cmx6cm" in path.read_text(encoding="utf-8")
    command("explain", TEXT, "--size", "8cmx6cm", "--no-footer", "-o", str(path))
    assert "--size" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("view", ["--steps", "--diagram", "--why"])
def test_a_figure_and_another_view_are_refused_together(command, tmp_path, view):
    """One line, and nothing is written."""
    path = tmp_path / "x.svg"
    ended = command("explain", TEXT, view, "--size", "8cmx6cm", "-o", str(path))
    assert ended.code == 2
    assert f"--size: found {view} too; a figure holds the weights alone" in ended.said
    assert not path.exists()


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--size", "8cm", "expected WIDTHxHEIGHT such as"),
        ("--size", "1x1", "expected sides from 32 to 20,000 px"),
        ("--scale", "high", "expected max, or two numbers"),
        ("--font-size", "0", "expected 3 to 400 px"),
        ("--grid", "0x2", "expected COLUMNSxROWS"),
        ("--palette", "jet", "is not one of 'viridis'"),
    ],
)
def test_a_value_out_of_range_is_one_clear_line(command, tmp_path, option, value, expected):
    """What was found and what was expected; nothing is written."""
    path = tmp_path / "x.svg"
    ended = command("explain", TEXT, option, value, "-o", str(path))
    assert ended.code == 2
    (line,) = [line for line in ended.said.splitlines() if line.startswith("attn: error")]
    assert option in line
    assert expected in line
    assert not path.exists()


def test_compare_points_the_word_out_in_each_sentence(command, tmp_path):
    """Both matrices, each with the row of the word around which a line is drawn."""
    path = tmp_path / "x.svg"
    assert command("compare", TEXT, OTHER, "-o", str(path), "--size", "600x300").code == 0
    root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
    bold = [t.text for t in root.iter(f"{SVG}text") if t.get("font-weight") == "bold"]
    assert bold == ["bank", "bank"]
    assert {"1. money bank grows", "2. the river bank flows"} <= set(texts(path))
    numbers = [text for text in texts(path) if re.fullmatch(r"[01]\.\d\d", text)]
    weights = [attncli.explain(text).weights[0, 0].ravel() for text in (TEXT, OTHER)]
    assert [float(number) for number in numbers[: 9 + 16]] == pytest.approx(
        np.concatenate(weights), abs=0.0051
    )


def test_general_attention_stands_beside_another_in_a_figure(command, tmp_path):
    """A row for each sentence."""
    path = tmp_path / "x.svg"
    words = ("--attention", "task", "--against", "general", "--no-legend", "-o", str(path))
    assert command("explain", TEXT, OTHER, *words).code == 0
    assert f"general: {TEXT}" in texts(path)
    assert sum(text.startswith("untrained") for text in texts(path)) == 2


def test_a_scale_up_to_the_largest_weight_colors_tables(command, monkeypatch):
    """The largest weight has the last color, in the legend too; text stays what it was."""
    monkeypatch.setenv("COLORTERM", "truecolor")
    words = ("explain", TEXT, "--show", "weights", "--color", "always", "--temperature", "9")
    plain, spread = command(*words), command(*words, "--scale", "max", "--palette", "magma")
    weights = attncli.explain(TEXT, temperature=9).weights[0, 0]
    expected = [weight_rgb(float(w) / float(weights.max()), "magma") for w in weights.ravel()]
    near = np.abs(np.array(cell_colors(spread.out.decode())[:9]) - np.array(expected))
    assert near.max() <= 12  # a step of the palette, where a rounding falls beside it
    assert weight_rgb(1, "magma") in expected
    assert cell_colors(plain.out.decode())[:9] != cell_colors(spread.out.decode())[:9]

    def uncolored(ended):
        return re.sub(r"\x1b\[[\d;]*m", "", ended.out.decode()).rpartition("  scale")[0]

    assert uncolored(plain) == uncolored(spread)
    without = command("explain", TEXT, "--scale", "max", "--palette", "magma")
    assert "--palette has no effect without color" in without.said
    assert "--scale has no effect without color" in without.said


def test_a_page_takes_title_and_colors(command, tmp_path):
    """The box that stretches colors is on at first; the title is the page's."""
    path = tmp_path / "x.html"
    words = ("--title", "Banks & co", "--palette", "blues", "--scale", "max", "-o", str(path))
    assert command("explain", TEXT, *words).said == f"attn: note: wrote {path}\n"
    html = path.read_text(encoding="utf-8")
    assert "<title>Banks &amp; co</title>" in html
    assert 'name="stretch" checked' in html
    assert ".w63{background:#08306b;" in html


def test_terminal_page_and_notebook_begin_with_the_same(command, heads):
    """The last layer and the mean of its heads: the same numbers in all three."""
    (whole,) = attncli.view(heads)
    table = command("view", str(heads), "--show", "weights", "--precision", "6").out.decode()
    rows = [re.findall(r"\d\.\d{6}", line) for line in table.splitlines()]
    shown = np.array([row for row in rows if len(row) == 4], dtype=float)
    mean = whole.weights[-1].mean(axis=0)
    assert np.abs(shown - mean).max() < 1e-6
    assert isinstance(whole, AttentionResult)
    written = re.findall(r'data-weight="([^"]*)"', whole._repr_html_())
    assert np.abs(np.array(written, float) - mean.ravel()).max() < 1e-6
    data = json.loads(
        re.findall(r'"application/json">(.*?)</script>', whole._repr_html_(), re.DOTALL)[0]
    )
    assert data["start"] == [5, 0]
