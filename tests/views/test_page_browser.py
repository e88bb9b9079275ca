"""The HTML page in a real browser: hover, keyboard, sliders, small and large, light and dark."""

import re
from typing import Any

import numpy as np
import pytest
from views.samples import HOSTILE, result_of

from attncli.insight.chosen_part import ShownPart
from attncli.insight.select import select_heads, select_layers
from attncli.matrices.build import result_from_arrays
from attncli.settings import Notation
from attncli.views.html import page
from attncli.views.palette import contrast, text_on, weight_rgb

pytest.importorskip("playwright.sync_api")
from views.browser import Watched, browser, cells, slide  # needs the package above

__all__ = ["browser"]  # the fixture

WORDS = ["money", "bank", "grows"]


def test_the_first_numbers_are_those_of_the_result(browser: Watched) -> None:
    """Before anything is touched the page shows the weights of the result."""
    result = result_of(WORDS)
    assert np.abs(cells(browser.open(page([result]))) - result.weights[0, 0]).max() < 1e-6


@pytest.mark.parametrize("temperature", [0.05, 0.3, 1.0, 2.5, 5.0])
def test_the_temperature_slider_agrees_with_our_softmax(
    browser: Watched, temperature: float
) -> None:
    """At every temperature the page's weights are those of a run at that temperature."""
    tab = browser.open(page([result_of(WORDS, temperature=0.7)]))
    slide(tab, "temperature", temperature)
    expected = result_of(WORDS, temperature=temperature).weights[0, 0]
    assert np.abs(cells(tab) - expected).max() < 1e-6


def test_the_layer_and_head_sliders_choose_their_matrix(browser: Watched) -> None:
    """Layer 1, head 2 shows exactly that matrix; the mean of all heads shows their mean."""
    result = result_of(WORDS, layers=2, heads=3)
    tab = browser.open(page([result]))
    assert np.abs(cells(tab) - result.weights[1, 0]).max() < 1e-6
    slide(tab, "layer", 0)
    assert np.abs(cells(tab) - result.weights[0, 0]).max() < 1e-6
    slide(tab, "layer", 1)
    slide(tab, "head", 2)
    assert np.abs(cells(tab) - result.weights[1, 2]).max() < 1e-6
    tab.check("input[name=mean]")
    assert np.abs(cells(tab) - result.weights[1].mean(axis=0)).max() < 1e-6
    tab.click("[data-head='0,1']")
    assert np.abs(cells(tab) - result.weights[0, 1]).max() < 1e-6
    tab.click("text=Reset")
    assert np.abs(cells(tab) - result.weights[1, 0]).max() < 1e-6


def test_a_page_begins_with_what_a_terminal_shows(browser: Watched) -> None:
    """The last layer, and of many heads their mean: in the table, its name, the box and the lines."""
    result = result_of(WORDS, layers=3, heads=5)
    part = ShownPart().of(result)
    html = page([result])
    written = re.findall(r'data-weight="([^"]*)"', html)
    assert np.abs(np.array(written, float) - part.weights.ravel()).max() < 1e-6
    tab = browser.open(html)
    for _ in range(2):
        assert np.abs(cells(tab) - part.weights[0, 0]).max() < 1e-6
        assert named(tab) == "layer 2, mean of heads 0–4"
        assert tab.is_checked("input[name=mean]")
        assert not tab.is_checked("input[name=stretch]")
        tab.click("[data-head='0,1']")
        assert np.abs(cells(tab) - result.weights[0, 1]).max() < 1e-6
        tab.click("text=Reset")
    tab = browser.open(page([result], stretch=True))
    assert tab.is_checked("input[name=stretch]")


@pytest.mark.parametrize("n_words", [3, 12, 400])
@pytest.mark.parametrize("width", [375, 1200])
def test_the_numbers_of_the_scale_stand_apart_and_are_right(
    browser: Watched, n_words: int, width: int
) -> None:
    """Stretched to whatever is largest, each number is inside its color, and it is that color's."""
    result = result_of([f"w{place}" for place in range(n_words)], temperature=20.0)
    top = float(result.weights.max())
    tab = browser.open(page([result], stretch=True))
    tab.set_viewport_size({"width": width, "height": 800})
    items = tab.eval_on_selector_all(
        ".legend li",
        "all => all.filter(i => i.offsetParent).map(i => [i.innerText, i.scrollWidth, i.clientWidth])",
    )
    assert [float(text) for text, _, _ in items] == pytest.approx(
        np.linspace(0, top, len(items)), abs=0.006 * top
    )
    assert [item for item in items if item[1] > item[2]] == []


def named(tab: Any) -> str:
    """The name of a matrix at the end of the caption of the equations."""
    caption = tab.inner_text(".every caption")
    return str(re.findall(r"\(([^()]*)\)\.$", caption)[0])


def test_the_name_of_the_matrix_follows_the_sliders(browser: Watched) -> None:
    """Caption, sliders and thumbnails call a chosen layer and head as the model does."""
    result = select_heads(select_layers(result_of(WORDS, layers=5, heads=4), [2, 4]), [3, 0, 1])
    tab = browser.open(page([result]))
    for layer, name in enumerate((2, 4)):
        for head, other in enumerate((3, 0, 1)):
            slide(tab, "layer", layer)
            slide(tab, "head", head)
            assert np.abs(cells(tab) - result.weights[layer, head]).max() < 1e-6
            assert named(tab) == f"layer {name}, head {other}"
            assert tab.inner_text("label:has([name=layer]) output") == f"{name} (of 2, 4)"
            assert tab.inner_text("label:has([name=head]) output") == f"{other} (of 3, 0, 1)"
            button = tab.inner_text(f"[data-head='{layer},{head}']")
            assert button == f"layer {name} head {other}"
        tab.check("input[name=mean]")
        assert named(tab) == f"layer {name}, mean of heads 3, 0, 1"
    assert tab.inner_text("label:has([name=mean])") == "mean of heads 3, 0, 1"
    tab.click("text=Reset")
    assert named(tab) == "layer 4, head 3"


def test_a_page_of_the_last_layers_names_what_it_shows(
    browser: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where not all matrices fit, table, caption and sliders say which is shown first."""
    monkeypatch.setattr("attncli.views.page.section.PAGE_BYTES", 4 * 4 * 3 * 3)
    result = select_layers(result_of(WORDS, layers=6, heads=2), [1, 5, 3])
    html = page([result])
    assert "(layer 5, head 0).</caption>" in html
    tab = browser.open(html)
    assert np.abs(cells(tab) - result.weights[1, 0]).max() < 1e-6
    assert named(tab) == "layer 5, head 0"
    assert tab.inner_text("label:has([name=layer]) output") == "5 (of 1, 5, 3)"


def test_pointing_at_a_word_lights_its_row_and_says_its_equation(browser: Watched) -> None:
    """The same word is lit in the heat map and in the lines, whichever was pointed at."""
    tab = browser.open(page([result_of(WORDS)]))
    for target in (".word[data-query='1']", ".matrix tbody tr:nth-child(2) td:nth-child(3)"):
        tab.mouse.move(0, 0)
        tab.hover(target)
        assert tab.inner_text(".matrix tr.lit th") == "bank"
        assert tab.inner_text(".from .lit") == "bank"
        assert tab.inner_text(".word-panel .equation").startswith("bank(new) = ")
        assert tab.locator(".lines svg g:nth-child(2) line").count() == 3
    assert tab.inner_text(".to .lit") == "bank"


def test_the_keyboard_reaches_every_word(browser: Watched) -> None:
    """Tab reaches the words, arrows move between them, Enter keeps one and Escape lets it go."""
    tab = browser.open(page([result_of(WORDS)]))
    tab.focus(".word[data-query='0']")
    tab.keyboard.press("ArrowDown")
    assert tab.inner_text(".word-panel .equation").startswith("bank(new)")
    tab.keyboard.press("End")
    assert tab.inner_text(".matrix tr.lit th") == "grows"
    tab.keyboard.press("Enter")
    tab.hover(".word[data-query='0']")
    assert tab.inner_text(".matrix tr.lit th") == "grows"
    tab.keyboard.press("Escape")
    tab.hover(".word[data-query='1']")
    assert tab.inner_text(".matrix tr.lit th") == "bank"


@pytest.mark.parametrize("notation", ["words", "lecture"])
def test_the_equation_of_the_page_is_the_equation_of_the_terminal(
    browser: Watched, notation: Notation
) -> None:
    """For short and for long sentences the page's script writes the text that Python wrote."""
    for words in (WORDS, [f"w{i}" for i in range(20)], ["bank", "book", "bank"]):
        html = page([result_of(words)], notation=notation)
        tab = browser.open(html)
        written = tab.eval_on_selector_all(
            ".every .equation", "all => all.map(cell => cell.textContent)"
        )
        assert len(written) == len(words)
        assert ("w₁" in written[0]) == (notation == "lecture")
        assert all(f">{text}</td>" in html for text in written)


@pytest.mark.parametrize("n_words", [3, 6, 8, 13])
def test_the_equations_of_the_page_say_what_its_cells_say(browser: Watched, n_words: int) -> None:
    """As text, at every temperature, of heads and of their mean; halves are rounded to even."""
    alike = ["the"] * n_words  # weights of 1/8 are halves
    for words in (WORDS + [f"w{i}" for i in range(n_words - 3)], alike):
        tab = browser.open(page([result_of(words, heads=2)]))
        for temperature in (1.0, 0.5, 2.0, 5.0):
            slide(tab, "temperature", temperature)
            for head in (0, 1):
                slide(tab, "head", head)
                _expect_one_rounding(tab, len(words))
        tab.check("input[name=mean]")
        _expect_one_rounding(tab, len(words))


def _expect_one_rounding(tab: Any, n_words: int) -> None:
    texts = tab.eval_on_selector_all(
        ".matrix td[data-weight]", "all => all.map(c => c.textContent)"
    )
    held = cells(tab)
    printed = np.array(texts, dtype=float).reshape(n_words, n_words)
    assert [f"{weight:.2f}" for weight in held.ravel()] == texts
    rows = tab.eval_on_selector_all(".every .equation", "all => all.map(c => c.textContent)")
    for cell_row, text in zip(printed, rows, strict=True):
        found = [float(number) for number in re.findall(r"(\d+\.\d+)[· ]", text)]
        if n_words <= 8:  # each word has a term
            assert found == cell_row.tolist()
        else:
            assert set(found[:-1]) <= set(cell_row.tolist())


def test_hostile_words_stay_text_in_the_browser(browser: Watched) -> None:
    """Nothing runs, and the words can be read."""
    tab = browser.open(page([result_of(list(HOSTILE))]))
    assert tab.locator("img").count() == 0
    assert tab.inner_text(".word[data-query='0']") == "</script>"
    tab.hover(".word[data-query='1']")
    assert tab.inner_text(".word-panel h3").startswith('"><img')


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colors_are_those_of_the_palette_in_light_and_dark(browser: Watched, scheme: str) -> None:
    """A weight has one color whatever the scheme; the paper follows the scheme."""
    result = result_of(WORDS)
    tab = browser.open(page([result]), scheme=scheme)
    style = "(cell, name) => getComputedStyle(cell)[name]"
    cell = tab.locator(".matrix td[data-weight]").first
    color = weight_rgb(float(result.weights[0, 0, 0, 0]))
    assert cell.evaluate(style, "backgroundColor") == f"rgb({', '.join(map(str, color))})"
    assert cell.evaluate(style, "color") == f"rgb({', '.join(map(str, text_on(color)))})"
    assert contrast(color, text_on(color)) >= 4.5
    paper = tab.eval_on_selector("body", style, "backgroundColor")
    assert paper == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(13, 17, 23)")


@pytest.mark.parametrize("n_words", [3, 7, 12, 40, 66, 200])
def test_the_page_fits_every_screen(browser: Watched, n_words: int) -> None:
    """From a phone to a large screen the page itself never scrolls sideways; wide parts scroll
    inside it, and a small matrix is seen whole on a desk.
    """
    words = [f"word{i}" for i in range(n_words)]
    tab = browser.open(page([result_of(words)]), width=360, height=740)
    for width in (360, 800, 1000, 1100, 1280, 1600):
        tab.set_viewport_size({"width": width, "height": 740})
        tab.hover(".word[data-query='1']")
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        box = tab.locator(".scroll").first
        if n_words <= 7 and width >= 800:
            assert box.evaluate("box => box.scrollWidth <= box.clientWidth")
    tab.locator(".word[data-query='1']").click()
    assert "word1(new)" in tab.inner_text(".word-panel .equation")


def test_a_long_sentence_is_drawn_quickly_and_answers(browser: Watched) -> None:
    """512 words: the picture is painted, and pointing at a word shows its row of numbers."""
    result = result_of([f"word{i}" for i in range(512)])
    tab = browser.open(page([result]))
    tab.focus(".word[data-query='7']")
    assert tab.locator(".word-panel .row-weights tbody tr").count() == 512
    shown = tab.get_attribute(".word-panel td[data-key='7']", "data-weight")
    assert abs(float(shown) - result.weights[0, 0, 7, 7]) < 1e-6
    pixel = tab.evaluate(
        "[...document.querySelector('.board canvas').getContext('2d').getImageData(7, 7, 1, 1).data]"
    )
    assert tuple(pixel[:3]) == weight_rgb(float(result.weights[0, 0, 7, 7]))


def test_rows_that_do_not_sum_to_one_keep_their_numbers(browser: Watched) -> None:
    """The maximum over heads, and a row without any weight, are shown as they are."""
    weights = result_of(WORDS, heads=3).weights.max(axis=1, keepdims=True)
    weights[0, 0, 2] = 0
    tab = browser.open(page([result_from_arrays(weights, WORDS)]))
    assert np.abs(cells(tab) - weights[0, 0]).max() < 1e-6
    assert np.abs(weights[0, 0].sum(axis=1) - 1).max() > 0.01


def test_heads_that_do_not_fit_are_thumbnails(browser: Watched) -> None:
    """All heads are seen; those that are held can be chosen, the last layer's first."""
    result = result_of([f"w{i}" for i in range(400)], layers=2, heads=8, dim=2)
    tab = browser.open(page([result]))
    assert tab.locator(".heads button").count() == 16
    assert tab.locator(".heads button:disabled").count() > 8
    assert tab.get_attribute(".heads [aria-pressed=true]", "data-head") == "1,0"
    tab.click("[data-head='1,1']")
    tab.focus(".word[data-query='7']")
    shown = tab.get_attribute(".word-panel td[data-key='7']", "data-weight")
    assert abs(float(shown) - result.weights[1, 1, 7, 7]) < 1e-6


def test_several_sentences_share_a_page(browser: Watched) -> None:
    """Each sentence has its own section, its own sliders and a link to it."""
    first, second = result_of(WORDS), result_of(["river", "bank", "flows"])
    tab = browser.open(page([first, second]))
    assert tab.locator("nav a").count() == tab.locator(".result").count() == 2
    tab.locator("#result-1 .word[data-query='0']").hover()
    assert tab.inner_text("#result-1 .equation >> nth=0").startswith("river(new)")
    assert tab.locator("#result-0 tr.lit").count() == 0


def test_the_page_prints(browser: Watched) -> None:
    """In print the sliders go, the tables stay."""
    tab = browser.open(page([result_of(WORDS)]))
    tab.emulate_media(media="print")
    assert not tab.is_visible(".controls")
    assert tab.is_visible(".matrix")
    assert tab.is_visible(".every")


def test_the_tables_remain_without_script(browser: Watched) -> None:
    """Where scripts are switched off the heat map and the equations can be read."""
    html = page([result_of(WORDS)])
    tab = browser.open(html.replace("sha256-", "sha256-x"))
    browser.complaints.clear()
    assert tab.locator(".matrix td[data-weight]").count() == 9
    assert not tab.is_visible(".controls")


def test_the_map_leads_to_each_head(browser: Watched) -> None:
    """A click or Enter on a cell shows that head; arrow keys move; another number is another map."""
    result = result_of(WORDS, layers=3, heads=5)
    tab = browser.open(page([result]))
    assert not tab.is_visible(".head-map")
    tab.click("text=Map of all heads")
    tab.click(".head-map [data-place='1,2'] button")
    assert np.abs(cells(tab) - result.weights[1, 2]).max() < 1e-6
    assert tab.get_attribute(".head-map button[data-place='1,2']", "aria-pressed") == "true"
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("Enter")
    assert np.abs(cells(tab) - result.weights[2, 3]).max() < 1e-6
    assert tab.locator(".head-map button[tabindex='0']").count() == 1
    tab.select_option("[name=measure]", "self")
    own = result.weights.diagonal(axis1=2, axis2=3).mean(axis=-1, dtype=np.float64)
    shown = [int(text) for text in tab.locator(".head-map button").all_text_contents()]
    assert shown == [min(int(value * 100 + 1e-6), 99) for value in own.ravel()]
    assert "itself" in tab.text_content(".map-title")
