"""Words of right-to-left scripts stand apart from what is beside them, in every medium."""

import html
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import attncli
from attncli.cli.manner import Manner
from attncli.cli.showing import stages_of
from attncli.escape import is_right_to_left
from attncli.insight.tokens import hide_tokens
from attncli.results.result import AttentionResult
from attncli.views.against import against_lines
from attncli.views.compare_page import comparison_page, comparison_svg
from attncli.views.compare_texts import comparison_markdown
from attncli.views.explain import explain_lines
from attncli.views.heat_maps import heat_maps
from attncli.views.html import page
from attncli.views.ink import Ink
from attncli.views.latex import latex
from attncli.views.latex_words import latex_escaped
from attncli.views.layout import Layout
from attncli.views.markdown import markdown
from attncli.views.speak import spoken_text

TEXT = "שלום, bank مرحبا -7 zzyzx עולם שנת2024"
ISOLATE = "\u2068[^\u2068\u2069\n]*\u2069"


@pytest.fixture(scope="module")
def result() -> AttentionResult:
    """Hebrew and Arabic words, unknown ones and a hidden one, so that warnings name some."""
    whole = attncli.explain(TEXT, include=["embeddings", "query", "key", "value", "scores"])
    assert any("שלום" in warning.message for warning in whole.warnings)
    return hide_tokens(whole, ["مرحبا", "עולם"])


def strays(text: str) -> list[str]:
    """The lines where something else stands beside a right-to-left letter that nothing isolates."""
    lines = [re.sub(ISOLATE, "", line) for line in text.split("\n")]
    return [line for line in lines if any(map(is_right_to_left, line))]


def texts_of(markup: str) -> str:
    """The texts that a reader of a page or picture sees, one a line, isolates as characters."""
    shown = re.sub(r"<(script|style|title)[^>]*>.*?</\1>", "", markup, flags=re.DOTALL)
    shown = re.sub("<bdi>(.*?)</bdi>", "\u2068\\1\u2069", re.sub("</?tspan[^>]*>", "", shown))
    return html.unescape(re.sub("<[^>]*>", "\n", shown))


def stages(result: AttentionResult, path: str) -> tuple[str, ...]:
    """What --steps puts into a file."""
    return stages_of(result, Manner(steps=True, output=path))


def test_no_word_of_a_page_turns_what_is_beside_it(result: AttentionResult) -> None:
    """In titles, facts, warnings, tables and stages each such word is an isolate of its own."""
    made = page([result], stages=stages(result, "x.html"))
    assert strays(texts_of(made)) == []
    assert "x(<bdi>שלום</bdi>) =" in made
    assert "\u200e" not in made


def test_no_word_of_a_picture_turns_what_is_beside_it(result: AttentionResult) -> None:
    """In the title, facts, warnings and labels of a picture too."""
    assert strays(texts_of(heat_maps([result]))) == []


def test_no_word_of_markdown_turns_what_is_beside_it(result: AttentionResult) -> None:
    """Outside of tables, whose cells are apart, and stages, which have marks."""
    made = "".join(markdown([result], stages=stages(result, "x.md")))
    outside = re.sub("```text.*?```", "", made, flags=re.DOTALL)
    lines = [line for line in html.unescape(outside).split("\n") if not line.startswith("|")]
    assert strays("\n".join(lines)) == []
    assert "&#8296;שלום&#8297;(new) " in made or "&#8296;שלום&#8297;: " in made


def test_no_word_of_a_comparison_turns_what_is_beside_it() -> None:
    """In the headings, rows, neighbors and maps of a comparison."""
    from attncli.insight.compare import compare

    results = [
        attncli.explain(text, include=["embeddings", "value"])
        for text in ("שלום bank", "bank עולם שלום")
    ]
    found = compare(results, "שלום", None, neighbors=5)
    for made in (
        texts_of(comparison_page(found, results)),
        texts_of(comparison_svg(found, results)),
    ):
        assert strays(made) == []
    lines = html.unescape(comparison_markdown(found)).split("\n")
    assert strays("\n".join(line for line in lines if not line.startswith("|"))) == []


def test_hidden_words_are_set_apart_on_a_terminal(result: AttentionResult) -> None:
    """In the titles of explain, of two results side by side, and where it is spoken."""
    ink = Ink(width=200)
    lines = [
        explain_lines(result, [], ink, Layout(width=200)),
        against_lines(result, result, ink, width=400),
    ]
    for text in (*map(ink.rendered, lines), spoken_text(result, ink)):
        assert "hidden: \u200eمرحبا\u200e \u200eעולם\u200e" in text


def _seen(code: str) -> str:
    """What a TeX that knows directions prints of a word, from left to right: a plain reading."""
    signs: list[str] = []
    at = 0
    while at < len(code):
        if (turn := re.match(r"\\attn(right\{[0-9A-F]+\}|left)\{", code[at:])) is not None:
            end = at + turn.end()
            depth, close = 1, end
            while depth:
                depth += {"{": 1, "}": -1}.get(code[close], 0)
                close += 1
            inside = _seen(code[end : close - 1])
            signs.append(inside if turn.group(1) == "left" else _backwards(code[end : close - 1]))
            at = close
        elif (char := re.match(r"\\attnchar\{[0-9A-F]+\}\{(.)\}|\{-\}|.", code[at:])) is not None:
            signs.append(char.group(1) or char.group().strip("{}"))
            at += char.end()
    return "".join(signs)


def _backwards(code: str) -> str:
    parts = re.findall(r"\\attnleft\{(?:\{-\}|[^{}])*\}|\\attnchar\{[0-9A-F]+\}\{.\}|\{-\}|.", code)
    return "".join(_seen(part) for part in reversed(parts))


HEBREW = st.text("אבגדה", min_size=1, max_size=4)


@given(
    parts=st.one_of(
        st.lists(st.one_of(HEBREW, st.text("ab", min_size=1, max_size=3)), min_size=1, max_size=5),
        st.lists(st.one_of(HEBREW, st.text("12", min_size=1, max_size=3)), min_size=1, max_size=5),
    ),
    join=st.sampled_from(["", "-"]),
)
def test_a_word_in_latex_is_turned_as_unicode_turns_it(parts: list[str], join: str) -> None:
    """Letters, digits and hyphens of a word stand as the Unicode algorithm puts them (UAX #9)."""
    bidi = pytest.importorskip("bidi.algorithm")
    word = join.join(parts)
    assert _seen(latex_escaped(word)) == bidi.get_display(word)


def test_words_in_a_line_of_latex_keep_their_order() -> None:
    """Each word is turned by itself, and quotes and brackets around it stay where they are."""
    line = latex_escaped('not in glove: "אב", "גד" (הו)').replace("\\textquotedbl{}", '"')
    assert _seen(line) == 'not in glove: "בא", "דג" (וה)'


def test_latex_without_such_words_is_as_it_was() -> None:
    """The commands for directions are there only where something is turned."""
    assert "attnright" not in latex([attncli.explain("money bank")])


@pytest.mark.parametrize("program", ["pdflatex", "xelatex", "lualatex"])
def test_latex_with_words_of_both_directions_compiles(
    result: AttentionResult, tmp_path: Path, program: str
) -> None:
    """Every TeX takes the document, its stages too, and no mark of a terminal is printed."""
    if shutil.which(program) is None:
        pytest.skip(f"no {program} on this machine")
    made = latex([result], stages=stages(result, "x.tex"))
    assert "U+200E" not in made
    (tmp_path / "x.tex").write_text(made, encoding="utf-8")
    ended: Any = subprocess.run(
        [program, "-interaction=nonstopmode", "-halt-on-error", "x.tex"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    if b"not loadable" in ended.stdout or b"fontspec.sty' not found" in ended.stdout:
        pytest.skip(f"{program} has no fonts on this machine")
    assert ended.returncode == 0, ended.stdout[-2000:].decode(errors="replace")
