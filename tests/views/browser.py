"""A real headless Chromium for the tests of pages; the tests are skipped where there is none."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("no Chromium on this machine", allow_module_level=True)


class Watched:
    """A browser whose pages may ask for nothing but themselves and say nothing on the console."""

    def __init__(self, browser: Any, folder: Path) -> None:
        self._browser, self._folder = browser, folder
        self.requests: list[str] = []
        self.complaints: list[str] = []

    def open(
        self, html: str, *, width: int = 1200, height: int = 900, scheme: str = "light"
    ) -> Any:
        """A page from file:// with the network off."""
        path = self._folder / "page.html"
        path.write_text(html, encoding="utf-8")
        return self.visit(path, width=width, height=height, scheme=scheme)

    def visit(
        self, path: Path, *, width: int = 1200, height: int = 900, scheme: str = "light"
    ) -> Any:
        """A page that lies in a file, likewise."""
        for old in self._browser.contexts:
            old.close()
        context = self._browser.new_context(
            offline=True, color_scheme=scheme, viewport={"width": width, "height": height}
        )
        page = context.new_page()
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append("dialog") or dialog.dismiss())
        page.goto(path.as_uri())
        return page


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    """Opens the browser, and in the end checks that every page was quiet."""
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        watch = Watched(browser, folder)
        yield watch
        browser.close()
    assert watch.complaints == [], watch.complaints
    assert all(url.startswith("file:") for url in watch.requests)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """One browser for all tests of a file."""
    with watched(tmp_path_factory.mktemp("pages")) as watch:
        yield watch


def cells(tab: Any) -> np.ndarray:
    """The weights that the heat map holds."""
    texts = tab.eval_on_selector_all(
        ".matrix td[data-weight]", "all => all.map(c => c.dataset.weight)"
    )
    size = int(len(texts) ** 0.5)
    return np.array(texts, dtype=np.float64).reshape(size, size)


def slide(tab: Any, name: str, value: object, field: str = "value") -> None:
    """Moves a slider, or sets another field of an input."""
    tab.eval_on_selector(
        f"input[name={name}]",
        f"(input, value) => {{ input.{field} = value; input.dispatchEvent(new Event('input')); }}",
        value,
    )
