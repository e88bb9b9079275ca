"""The page of a training in a real browser: the slider, the keyboard, paper, no script."""

import json

import pytest
from views.browser import watched

pytest.importorskip("playwright.sync_api")

WEIGHTS = {
    "text": "money bank grows",
    "weights": [[0.7, 0.2, 0.1], [0.2, 0.7, 0.1], [0.1, 0.2, 0.7]],
}


def test_the_slider_goes_over_the_epochs(command, tmp_path):
    """It begins untrained, arrow keys move it, paper shows the end; nothing is asked for."""
    data, path = tmp_path / "w.jsonl", tmp_path / "w.html"
    data.write_text(json.dumps(WEIGHTS) + "\n", encoding="utf-8")
    options = ("--vectors", "random", "--dim", "6", "--epochs", "9", "-q")
    assert command("train", str(data), "-o", str(path), *options).code == 0
    text = path.read_text("utf-8")
    with watched(tmp_path) as browser:
        page = browser.open(text)
        state = page.locator("output")
        assert "untrained, seed 0" in state.inner_text()
        first = page.locator("[data-matrix=W_q] td").evaluate_all(
            "all => all.map(c => c.className)"
        )
        slider = page.locator("input[type=range]")
        slider.focus()
        page.keyboard.press("ArrowRight")
        assert state.inner_text().startswith("epoch 1/9")
        page.keyboard.press("End")
        assert state.inner_text().startswith("epoch 9/9")
        last = page.locator("[data-matrix=W_q] td").evaluate_all("all => all.map(c => c.className)")
        assert first != last
        assert "moved" in page.locator("[data-change=W_q]").inner_text()
        page.keyboard.press("Home")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert state.inner_text().startswith("epoch 9/9")
        page.locator("button.play").click()
        assert "untrained" in state.inner_text()
        page.wait_for_timeout(3000)
        assert state.inner_text().startswith("epoch 9/9")
