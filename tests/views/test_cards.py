"""Laws of what objects show of themselves in a notebook, on the screen and printed."""

import re
import shutil
import subprocess

import pytest
from views.samples import HOSTILE, result_of
from views.shown import KINDS, plain, scores, trained
from views.test_notebook import Read

import attncli
from attncli.insight.chosen_part import ShownPart
from attncli.results.cards import Card, Curve, Grid
from attncli.views.card_latex import card_latex
from attncli.views.cards import card_html
from attncli.views.curves import plotted
from attncli.views.html import page
from attncli.views.page.section import first_matrix

# What a notebook that is printed has before its cells, as far as our part of it reaches; its
# tcolorbox brings pgf.
PREAMBLE = r"""\documentclass[11pt]{article}
\usepackage{fontspec}
\usepackage{pgf}
\setlength{\parskip}{6pt}
\usepackage{graphicx}
\usepackage{amsmath}
\usepackage{xcolor}
\usepackage[margin=1in]{geometry}
\begin{document}
"""
WORDS = (*(word for word in HOSTILE if len(word) < 60), "a_b", "50%", "$x$", "שלום", "日本語")


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_is_one_short_line_where_there_is_no_page(kind: str) -> None:
    """A terminal, a log and a notebook's text/plain have a line that can be read."""
    line = repr(plain(kind))
    assert "\n" not in line
    assert 5 < len(line) < 200
    assert "array(" not in line


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_shows_itself_without_a_network_or_a_frame(kind: str) -> None:
    """Well-formed; nothing is loaded, no rule of its style reaches anything else."""
    text = plain(kind)._repr_html_()
    assert Read(text).stack == []
    assert not re.findall(r"(?:https?:)?//[a-z]|@import|url\(|\bsrc=|\bhref=\"[^#]", _markup(text))
    style = re.sub(r"/\*.*?\*/", "", re.findall(r"<style>(.*?)</style>", text, re.S)[0], flags=re.S)
    rules = [each.strip() for each in re.findall(r"([^{}]+)\{", style)]
    assert len(rules) > 60
    for rule in rules:
        parts = [] if rule.startswith("@media") else re.split(r",(?![^(]*\))", rule)
        assert all(re.search(r"\.attn(-card)?\b|\.attn-body", part) for part in parts), rule


def _markup(text: str) -> str:
    """A fragment without its scripts and the names of SVG."""
    return re.sub(r"<script.*?</script>", "", text, flags=re.S)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_lost_where_scripts_may_not_run(kind: str) -> None:
    """A notebook that is not trusted drops scripts and styles: tables or a drawing remain."""
    text = re.sub(r"<(script|style).*?</\1>", "", plain(kind)._repr_html_(), flags=re.S)
    read = Read(text)
    assert "table" in read.opened or "svg" in read.opened
    assert len(" ".join(read.texts)) > 20


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hostile", ["</td><script>alert(1)</script>", '"><img onerror=alert(1)>'])
def test_words_of_any_object_stay_words(kind: str, hostile: str) -> None:
    """No element and no attribute comes from a label, a name or a word, and it is not typeset."""
    if kind in ("comparison", "results"):
        hostile = hostile.replace(" ", "")
    expected, read = (Read(shown._repr_html_()) for shown in (plain(kind), KINDS[kind](hostile)))
    assert set(read.opened) <= {*expected.opened, "details", "summary"}
    assert "img" not in read.opened
    assert not {name for name in read.attributes if name.startswith("on")}
    text = plain(kind)._repr_html_()
    assert re.match(r'<div class="attn[^"]* tex2jax_ignore mathjax_ignore"', text)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_every_part_of_a_card_escapes_its_words(hostile: str) -> None:
    """Titles, names, cells, captions, legends and what is read aloud."""
    expected, read = (Read(KINDS["every part"](word)._repr_html_()) for word in ("x", hostile))
    assert read.opened == expected.opened
    assert read.attributes == expected.attributes


def test_a_notebook_is_printed_as_latex(tmp_path) -> None:
    """Every kind of object, of words that LaTeX would obey, compiles as part of one document."""
    if shutil.which("xelatex") is None:
        pytest.skip("no XeLaTeX on this machine")
    parts = [plain(kind)._repr_latex_() for kind in KINDS]
    parts += [KINDS["every part"](word)._repr_latex_() for word in WORDS]
    parts += [result_of([f"w{i}" for i in range(45)], heads=2)._repr_latex_()]
    text = PREAMBLE + "\n\n".join(parts) + "\n\\end{document}\n"
    (tmp_path / "notebook.tex").write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["xelatex", "-interaction=nonstopmode", "-halt-on-error", "notebook.tex"],
        cwd=tmp_path,
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-2000:].decode("utf-8", "replace")
    assert (tmp_path / "notebook.pdf").stat().st_size > 10_000


@pytest.mark.parametrize(("layers", "heads"), [(1, 1), (3, 1), (2, 3), (2, 4), (2, 5), (4, 12)])
def test_terminal_page_and_notebook_begin_with_the_same_head(layers: int, heads: int) -> None:
    """The last layer; of few heads the first, of many their mean: on every one of them."""
    result = result_of(["money", "bank", "grows"], layers=layers, heads=heads)
    expected = [f"{weight:.9g}" for weight in ShownPart().of(result).weights[0, 0].ravel().tolist()]
    for text in (page([result]), result._repr_html_(), attncli.show(result)._repr_html_()):
        numbers = re.findall(r'data-weight="([^"]*)"', text)
        assert [float(n) for n in numbers] == pytest.approx([float(n) for n in expected])
    printed = [float(n) for n in re.findall(r"\{(\d\.\d\d)\}\}", result._repr_latex_())]
    assert printed == [round(float(n), 2) for n in expected]
    assert first_matrix(result).weights.ravel().tolist() == pytest.approx([*map(float, expected)])


def test_a_card_has_the_numbers_of_the_object() -> None:
    """Accuracy, each label's recall and each count of the confusion are in its tables."""
    ours = scores("river", "money")
    texts = Read(ours._repr_html_()).texts
    assert {f"{ours.accuracy:.4f}", "0.500", "1.000"} <= set(texts)
    facts, report, confusion = ours.card().parts
    assert facts.facts["accuracy"] == 0.75
    assert [row[0] for row in report.rows] == [
        "money",
        "river",
        "mean of labels",
        "mean of sentences",
    ]
    counts = {row[0]: [cell.text for cell in row[1:]] for row in confusion.rows}
    assert counts == {"money": ["1", "1"], "river": ["0", "2"]}


def test_a_model_shows_every_epoch_of_its_training() -> None:
    """The losses are those that the training told, in order; a model of a file has none."""
    model = trained()
    loss, accuracy = (part for part in model.card().parts if isinstance(part, Curve))
    assert list(loss.steps) == [1, 2, 3]
    assert loss.lines["loss"] == [each.loss for each in model.progress]
    assert accuracy.lines["held-out accuracy"][-1] is not None
    saved = attncli.predict("the bank", model)
    assert saved.label in ("money", "river")


def test_a_curve_goes_through_its_numbers() -> None:
    """The least at the foot, the greatest at the top, steps from left to right, gaps left out."""
    curve = Curve([10, 20, 40], {"a": [4.0, None, 2.0], "b": [3.0, 3.0, 3.0]}, "t", "step")
    plot = plotted(curve, 300, 108)
    assert plot.lines == [[(0, 0), (300, 100)], [(0, 50), (100, 50), (300, 50)]]
    assert (plot.high, plot.low, plot.first, plot.last) == ("4", "2", "10", "40")
    many = plotted(Curve(range(5000), {"a": [float(i) for i in range(5000)]}, "t", "s"), 300, 108)
    assert len(many.lines[0]) == 400
    assert many.lines[0][-1] == (300, 0)
    for drawn in (card_html, card_latex):
        for curve in (Curve([], {"a": []}, "t", "s"), Curve([1], {"a": [2.0]}, "t", "s")):
            assert drawn(Card("none", "", [curve]))


def test_a_long_list_of_results_stays_small() -> None:
    """Of a thousand results twelve are drawn, and the texts of some more."""
    results = attncli.Results([result_of(["money", "bank"])] * 1000)
    text = results._repr_html_()
    assert text.count('<div class="result"') == 12
    assert "988 more results" in text
    assert text.count("<script>") == text.count("<style>") == 1
    assert len(text) < 150_000


def test_tables_too_wide_for_a_page_are_several() -> None:
    """Every cell of a wide grid is printed."""
    columns = ["", *(f"c{i}" for i in range(50))]
    text = card_latex(Card("wide", "", [Grid(columns, [["row", *(f"v{i}x" for i in range(50))]])]))
    assert text.count(r"\begin{tabular}") == 3
    assert all(f"v{i}x" in text for i in range(50))


def test_only_sums_are_called_equations() -> None:
    """Weights of another tool weigh vectors that nobody knows: their rows are lists."""
    assert "Each row as an equation" in result_of(["money", "bank"])._repr_latex_()
    given = attncli.from_attentions([[0.9, 0.1], [0.2, 0.8]], ["money", "bank"])._repr_latex_()
    assert "Each row as" not in given
    assert "Each row" in given


def test_long_texts_are_paragraphs() -> None:
    """A text wider than the page is folded, not shrunk."""
    text = card_latex(Card("t", "", [Grid(["What changed"], [["word " * 80], ["short"]])]))
    assert r"\begin{tabular}" not in text
    assert text.count(r"\hangindent") == 2
