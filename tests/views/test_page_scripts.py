"""Laws of pages for words of every script, and for the notebooks that hold them; in a real Chromium."""

import re

import pytest
from views.browser import watched
from views.samples import result_of

from attncli.views import html
from attncli.views.heat_maps import heat_maps

WORDS = ["שלום", "bank", "כסף"]
# What JupyterLab and the classic notebook do to the tables of an output.
_JUPYTER = """
body { margin: 0; background: %(back)s; color: %(ink)s; }
.out { padding: 8px 60px; }
.out table { border-collapse: collapse; border: none; color: %(ink)s; font-size: 12px;
  table-layout: fixed; margin-left: auto; margin-right: auto; }
.out thead { border-bottom: 1px solid; vertical-align: bottom; }
.out td, .out th, .out tr { vertical-align: middle; padding: .5em; text-align: right;
  white-space: normal; max-width: none; border: none; }
.out th { font-weight: bold; }
.out tbody tr:nth-child(odd) { background: %(back)s; }
.out tbody tr:nth-child(even) { background: %(stripe)s; }
.out tbody tr:hover { background: rgba(130, 177, 255, .4); }
"""
_THEMES = {
    "dark": {"back": "#111111", "ink": "rgba(255,255,255,.87)", "stripe": "#212121"},
    "light": {"back": "#ffffff", "ink": "rgba(0,0,0,.87)", "stripe": "#f5f5f5"},
}
# For every cell with text: its contrast against what is painted behind it, and its alignment.
_LOOK = """() => {
  const parts = (color) => (color.match(/[\\d.]+/g) || []).map(Number);
  const light = (color) => parts(color).slice(0, 3).map((c) => c / 255).map((c) =>
    c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if ((parts(color)[3] ?? 1) > 0) return color;
    }
    return "rgb(255, 255, 255)";
  };
  return [...document.querySelectorAll(".attn th, .attn td, .attn caption, .attn p, .attn h1, .attn h2")]
    .filter((node) => node.innerText.trim() && node.offsetParent).map((node) => {
      const style = getComputedStyle(node);
      const [a, b] = [light(style.color), light(behind(node))];
      const table = node.closest("table");
      return { text: node.innerText.slice(0, 40), align: style.textAlign, tag: node.tagName,
        contrast: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05),
        every: Boolean(node.closest(".every tbody")),
        left: table ? table.getBoundingClientRect().left
          - node.closest(".attn").getBoundingClientRect().left : 0 };
    });
}"""


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("system", ["dark", "light"])
@pytest.mark.parametrize("names_its_theme", [True, False])
def test_a_notebook_of_any_theme_can_be_read(tmp_path, theme, system, names_its_theme):
    """Text contrasts by 4.5 : 1 with what is behind it, rows are aligned left, tables begin left."""
    body = html.fragment([result_of(["money", "bank", "grows", "שלום"])])
    mark = f'data-jp-theme-light="{str(theme == "light").lower()}"' if names_its_theme else ""
    text = (
        f"<!DOCTYPE html><meta charset=utf-8><style>{_JUPYTER % _THEMES[theme]}</style>"
        f'<body {mark}><div class="out">{body}</div>'
    )
    with watched(tmp_path) as browser:
        page = browser.open(text, scheme=system, width=1000)
        looks = page.evaluate(_LOOK)
        page.hover(".every tbody tr")
        looks += page.evaluate(_LOOK)
        color = page.evaluate("getComputedStyle(document.querySelector('.attn')).backgroundColor")
    assert len(looks) > 40
    assert min(looks, key=lambda look: look["contrast"])["contrast"] >= 4.5
    for look in looks:
        assert abs(look["left"]) < 60, look
        if look["every"]:
            assert look["align"] in ("left", "start"), look
    if names_its_theme:
        assert color == ("rgb(255, 255, 255)" if theme == "light" else "rgb(13, 17, 23)")


_ORDER = """(selector) => [...document.querySelectorAll(selector)].map((node) => {
  const found = [];
  const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode())
    for (const match of text.data.matchAll(/[\\d.]+(?=·)|[\\p{L}]+|\\d\\.\\d+/gu)) {
      const range = document.createRange();
      range.setStart(text, match.index);
      range.setEnd(text, match.index + match[0].length);
      const box = range.getBoundingClientRect();
      found.push([Math.round(box.top / 12), box.left, match[0]]);
    }
  return found.sort((a, b) => a[0] - b[0] || a[1] - b[1]).map((part) => part[2]);
})"""


def test_numbers_of_a_page_stand_beside_their_words(tmp_path):
    """In equations drawn by Chromium each coefficient stands left of its word, in every language."""
    with watched(tmp_path) as browser:
        page = browser.open(html.page([result_of(WORDS)]))
        equations = page.evaluate(_ORDER, ".every .equation")
        page.hover(".every tbody tr")
        equations += page.evaluate(_ORDER, ".word-panel .equation")
        assert page.locator("bdi").count() > 9
    assert len(equations) == 4
    for parts in equations:
        assert parts[1] == "new"
        assert parts[3::2] == WORDS, parts


def test_words_of_a_picture_stand_where_they_belong(tmp_path):
    """In an SVG drawn by Chromium the label of a Hebrew answer stands before its share."""
    from dataclasses import replace

    from attncli.results.facts import ModelInfo

    model = ModelInfo(
        name="m", sha256="0" * 64, label="כסף", probabilities={"כסף": 0.75, "bank": 0.25}
    )
    svg = heat_maps([replace(result_of(WORDS), model=model)])
    with watched(tmp_path) as browser:
        page = browser.open(f"<!DOCTYPE html><meta charset=utf-8><body>{svg}")
        (line,) = [p for p in page.evaluate(_ORDER, "svg text") if "label" in p]
    assert line[:2] == ["label", "כסף"]
    assert re.sub("[^א-ת a-z.0-9]", "", " ".join(line)).startswith("label כסף כסף")
