"""An exported notebook in a real browser: many outputs in one document, each with its own script."""

from typing import Any

import pytest
from views.samples import result_of

import attncli

pytest.importorskip("playwright.sync_api")
from views.browser import Watched, browser  # needs the package above
from views.shown import KINDS, plain

__all__ = ["browser"]  # the fixture

THEMES = {
    "JupyterLab light": ('data-jp-theme-light="true"', "light"),
    "JupyterLab dark": ('data-jp-theme-light="false"', "dark"),
    "VS Code light": ('class="vscode-light"', "light"),
    "VS Code dark": ('class="vscode-dark"', "dark"),
    "VS Code high contrast": ('class="vscode-high-contrast"', "dark"),
    "VS Code high contrast light": (
        'class="vscode-high-contrast vscode-high-contrast-light"',
        "light",
    ),
}
GROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}


def document(outputs: list[str], body: str = "", scheme: str = "light") -> str:
    """Outputs below each other, as an exported notebook has them."""
    cells = "".join(f'<div class="cell">{output}</div>' for output in outputs)
    ground, ink = ("#ffffff", "#000000") if scheme == "light" else ("#111111", "#ffffff")
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Notebook</title></head>'
        f'<body {body} style="background:{ground};color:{ink}"><main><h1>Notebook</h1>{cells}</main></body></html>'
    )


def hovered(tab: Any, cell: int) -> str:
    """What an output says of the word that is pointed at."""
    tab.hover(f".cell:nth-of-type({cell}) .matrix tbody th")
    return str(tab.inner_text(f".cell:nth-of-type({cell}) .word-panel .equation"))


def test_each_output_answers_to_its_own_script(browser: Watched) -> None:
    """Notation and colors of one do not go over to the others; the same output twice works twice."""
    result = result_of(["money", "bank", "grows"])
    outputs = [
        result._repr_html_(),
        attncli.show(result, notation="lecture")._repr_html_(),
        attncli.show(result, palette="blues", scale="max")._repr_html_(),
        result._repr_html_(),
        attncli.Results([result, result_of(["river", "bank"])])._repr_html_(),
    ]
    tab = browser.open(document(outputs))
    assert tab.locator(".result[data-ready]").count() == 6
    assert [hovered(tab, cell)[:8] for cell in (1, 2, 3, 4)] == [
        *("money(ne", "e_money(", "money(ne", "money(ne"),
    ]
    strokes = tab.evaluate(
        """() => [...document.querySelectorAll(".cell")].map((cell) =>
          [...cell.querySelectorAll(".lines line")].at(-1).getAttribute("stroke"))"""
    )
    assert strokes[0] == strokes[1] == strokes[3] != strokes[2]
    checked = tab.locator(".cell:nth-of-type(3) input[name=stretch]")
    assert checked.is_checked()
    assert tab.locator("input[name=stretch]:checked").count() == 1


def test_an_output_that_comes_later_wakes_alone(browser: Watched) -> None:
    """A cell that is run again puts its output into a document where others are awake."""
    first = result_of(["money", "bank"])
    tab = browser.open(document([first._repr_html_()]))
    tab.evaluate("document.querySelector('.result').view.marked = 'before'")
    later = attncli.show(result_of(["river", "bank"]), notation="lecture")._repr_html_()
    tab.evaluate(
        """(output) => {
          const cell = document.createElement("div");
          cell.className = "cell";
          document.querySelector("main").append(cell);
          cell.append(document.createRange().createContextualFragment(output));
        }""",
        later,
    )
    assert tab.locator(".result[data-ready]").count() == 2
    assert tab.evaluate("document.querySelector('.result').view.marked") == "before"
    assert hovered(tab, 2).startswith("e_river(")


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("system", ["light", "dark"])
def test_the_theme_of_the_notebook_counts(browser: Watched, theme: str, system: str) -> None:
    """The ground is that of the notebook's theme, whatever the system has."""
    body, scheme = THEMES[theme]
    outputs = [plain("result")._repr_html_(), plain("scores")._repr_html_()]
    tab = browser.open(document(outputs, body, scheme), scheme=system)
    for kind in (".attn", ".attn-card"):
        ground = tab.eval_on_selector(kind, "node => getComputedStyle(node).backgroundColor")
        assert ground == GROUNDS[scheme], kind


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everyone_can_read_what_is_shown(browser: Watched, scheme: str) -> None:
    """axe-core has nothing to say of a notebook with an object of every kind, light and dark."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    body = f'data-jp-theme-light="{str(scheme == "light").lower()}"'
    outputs = [plain(kind)._repr_html_() for kind in KINDS if kind != "results"]
    tab = browser.open(document(outputs, body, scheme), scheme=scheme)
    tab.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    violations = axe.run(tab, options={"preload": False}).response["violations"]
    assert [(v["id"], [node["html"] for node in v["nodes"]][:3]) for v in violations] == []
