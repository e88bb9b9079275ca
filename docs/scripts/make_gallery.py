"""Makes the pictures of docs/gallery.md from real runs; `--check` says whether they are still true.

    python docs/scripts/make_gallery.py [--check]

Terminal pictures and SVG files are compared as they are. Screenshots need Chromium and playwright
and are compared by what is on the page, which `pages.json` remembers, not pixel by pixel.
"""

import hashlib
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from make_pictures import terminal_svg

import attncli
from attncli.attention.core import softmax
from attncli.cli.app import run
from attncli.insight.diagram import diagram_of
from attncli.insight.movement import movements
from attncli.matrices.build import result_from_arrays
from attncli.results.fields import STAGE_FIELDS
from attncli.results.result import AttentionResult
from attncli.settings import FigureSettings
from attncli.views.compare import comparison_lines
from attncli.views.compare_page import comparison_page, comparison_svg
from attncli.views.diagram_svg import diagram_svg
from attncli.views.explain import explain_lines
from attncli.views.figures.files import figure_file
from attncli.views.heat_maps import heat_maps
from attncli.views.html import page
from attncli.views.ink import Ink
from attncli.views.layout import Layout

IMAGES = Path(__file__).resolve().parents[1] / "images"
PAIR = ("money bank grows", "river bank flows")
LONGER = "the bank near the river raised the interest on every loan"
FIELDS = frozenset({"embeddings", "value", "scores"})
COLORS = Ink(colors="truecolor")


def results(*texts: str) -> list[AttentionResult]:
    """General attention over the built-in vectors."""
    return attncli.explain(list(texts), include=FIELDS)


def made_up_heads() -> AttentionResult:
    """Two layers of six heads that no model has, each with a habit of its own."""
    words = ["[CLS]", "the", "bank", "of", "the", "river", "[SEP]"]
    n_tokens = len(words)
    distance = np.arange(n_tokens)[:, None] - np.arange(n_tokens)[None, :]
    habits = [
        -np.abs(distance),  # neighbors
        -np.abs(distance - 1) * 2,  # the word before
        -np.abs(distance + 1) * 2,  # the word after
        np.where(np.arange(n_tokens) == 0, 3.0, 0.0) + 0.0 * distance,  # the first token
        np.where(np.arange(n_tokens) == n_tokens - 1, 3.0, 0.0) + 0.0 * distance,  # the last
        0.0 * distance,  # everything alike
    ]
    scores = np.stack([np.stack(habits), np.stack(habits[::-1]) * 0.5]).astype(np.float64)
    return result_from_arrays(softmax(scores), words, name="made-up heads")


def terminal_of_weights() -> str:
    """The heat map of a longer sentence in a terminal of 100 columns."""
    (result,) = results(LONGER)
    layout = Layout(sections=("weights", "equations"), width=100)
    return terminal_svg(explain_lines(result, (), COLORS, layout), 100)


def terminal_of_top() -> str:
    """The three strongest words of each row."""
    (result,) = results(LONGER)
    layout = Layout(sections=("weights",), width=80, top=3)
    return terminal_svg(explain_lines(result, (), COLORS, layout), 80)


def figure(of: list[AttentionResult], **choices: Any) -> str:
    """A figure for a paper, as SVG."""
    return str(figure_file(FigureSettings(**choices), of, ".svg"))


def _compared() -> tuple[Any, list[AttentionResult]]:
    found = results(*PAIR)
    return attncli.compare(PAIR, "bank"), found


def terminal_of_compare() -> str:
    """bank in two sentences."""
    return terminal_svg(comparison_lines(_compared()[0], COLORS), 80)


def drawing_of_bank() -> str:
    """The way of one word of the exercise by hand."""
    path = IMAGES.parents[1] / "examples" / "by-hand.toml"
    analyser = attncli.analyser(matrices=str(path), include=STAGE_FIELDS)
    (result,) = analyser(["money bank grows"])
    return diagram_svg([diagram_of(result, 1, analyser.learned)])


PICTURES: dict[str, Callable[[], str]] = {
    "weights.svg": terminal_of_weights,
    "top.svg": terminal_of_top,
    "compare.svg": terminal_of_compare,
    "heat-map.svg": lambda: heat_maps(results(PAIR[0])),
    "diagram.svg": drawing_of_bank,
    "map.svg": lambda: comparison_svg(_compared()[0], []),
    "figure-bank.svg": lambda: figure(results(PAIR[0]), size="8cmx6cm", palette="blues", axes=True),
    "figure-heads.svg": lambda: figure([made_up_heads()], size="17cmx8cm"),
    "figure-lines.svg": lambda: figure(results("the bank near the river"), lines=True),
}


@dataclass(frozen=True)
class Shot:
    """A screenshot of a page: how large, light or dark, and what is pointed at first."""

    html: Callable[[], str]
    width: int = 1100
    height: int = 800
    scheme: str = "light"
    hover: str = ".word[data-query='1']"


def _sentence_page() -> str:
    found = results(PAIR[0])
    return page(found, movements=[movements(found[0], attncli.open_vectors("glove").store)])


def _compare_page() -> str:
    return comparison_page(*_compared())


def _long_page() -> str:
    return page(results(" ".join([LONGER] * 6)))


def _training_page() -> str:
    """The notes' weights, learned from random vectors of eight numbers."""
    examples = IMAGES.parents[1] / "examples" / "lecture_weights.jsonl"
    options = ("--vectors", "random", "--dim", "8", "--d-k", "4", "--epochs", "200", "-q")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "training.html"
        run(["train", str(examples), *options, "--no-footer", "-o", str(path)])
        return path.read_text(encoding="utf-8")


SHOTS = {
    "page-light.png": Shot(_sentence_page),
    "page-dark.png": Shot(_sentence_page, scheme="dark"),
    "page-phone.png": Shot(_sentence_page, width=390, height=844),
    "page-compare.png": Shot(_compare_page, height=1000, hover="h1"),
    "page-heads.png": Shot(
        lambda: page([made_up_heads()]), height=900, hover=".word[data-query='2']"
    ),
    "page-training.png": Shot(_training_page, height=760, hover="h1"),
    "page-long.png": Shot(_long_page, height=900),
}


def fingerprint(html: str) -> str:
    """A hash of what a page shows; digits that depend on the machine are left out."""
    shown = re.sub(r'<script type="application/json">.*?</script>', "", html, flags=re.DOTALL)
    shown = re.sub(r'data-weight="[^"]*"', "", shown)
    shown = re.sub(r"(\d\.\d\d)\d+", r"\1", shown)
    return hashlib.sha256(shown.encode("utf-8")).hexdigest()


def take(shots: dict[str, Shot]) -> None:
    """Photographs the pages with the system's Chromium."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as driver, tempfile.TemporaryDirectory() as folder:
        browser = driver.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        for name, shot in shots.items():
            source = Path(folder) / "page.html"
            source.write_text(shot.html(), encoding="utf-8")
            context = browser.new_context(
                offline=True,
                color_scheme=shot.scheme,  # type: ignore[arg-type]  # light or dark
                viewport={"width": shot.width, "height": shot.height},
            )
            tab = context.new_page()
            tab.goto(source.as_uri())
            tab.hover(shot.hover)
            tab.wait_for_timeout(300)
            tab.evaluate("window.scrollTo(0, 0)")
            tab.screenshot(path=IMAGES / name)
            context.close()
        browser.close()


def main() -> None:
    """Makes everything, or checks it."""
    known = IMAGES / "pages.json"
    prints = {name: fingerprint(shot.html()) for name, shot in SHOTS.items()}
    if "--check" not in sys.argv:
        for name, make in PICTURES.items():
            (IMAGES / name).write_text(make(), encoding="utf-8")
        take(SHOTS)
        known.write_text(json.dumps(prints, indent=1) + "\n", encoding="utf-8")
        return
    stale = [
        name
        for name, make in PICTURES.items()
        if (IMAGES / name).read_text(encoding="utf-8") != make()
    ]
    remembered = json.loads(known.read_text(encoding="utf-8"))
    stale += [name for name in SHOTS if remembered.get(name) != prints[name]]
    stale += [name for name in SHOTS if not (IMAGES / name).is_file()]
    if stale:
        sys.exit(f"{', '.join(stale)}: not what the program draws now; run {Path(__file__).name}")


if __name__ == "__main__":
    main()
