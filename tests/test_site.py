"""The documentation as a site: built without a warning, whole without a network, readable for everyone."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

pytest.importorskip("furo")
pytest.importorskip("myst_parser")

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
# What a page of the web may be asked for while it is shown; <a> is followed by people.
LOADING = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}


class Page(HTMLParser):
    """What a page links to, what it loads, and the places that can be linked to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.places.update(value for key in ("id", "name") if (value := values.get(key)))
        if tag == "a" and values.get("href"):
            self.links.append(values["href"] or "")
        if address := values.get(LOADING.get(tag, "")):
            self.loads.append(address)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built into a folder with an odd name where no network can be reached."""
    folder = tmp_path_factory.mktemp("a site [x]") / "näive"
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
    line = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-c", str(DOCS / "site")]
    done = subprocess.run(
        [*line, "-d", str(folder.parent / "doctrees"), str(DOCS), str(folder)],
        capture_output=True,
        text=True,
        env={**os.environ, **nowhere, "LC_ALL": "C.UTF-8"},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    """Every page of the site."""
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


def test_every_document_is_a_page(site: Path) -> None:
    """A document that nobody can reach from the sidebar would be a warning; none is left out."""
    names = {path.relative_to(DOCS).with_suffix(".html") for path in DOCS.rglob("*.md")}
    assert len(names) > 20
    assert all((site / name).is_file() for name in names)


def test_every_link_leads_somewhere(site: Path, pages: dict[Path, Page]) -> None:
    """Links inside the site name a file that is there, and a place in it that is there."""
    broken = []
    count = 0
    for path, page in pages.items():
        for link in (*page.links, *page.loads):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            count += 1
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            places = pages[target].places if target in pages else set()
            if not target.is_file() or (parts.fragment and unquote(parts.fragment) not in places):
                broken.append(f"{path.relative_to(site)}: {link}")
    assert broken == []
    assert count > 1000


def test_no_link_of_the_documents_is_lost(pages: dict[Path, Page]) -> None:
    """No page shows a link as text, or leads to a document that is no page."""
    for path, page in pages.items():
        assert [link for link in page.links if ".md" in link] == [], path
        assert "](" not in re.sub(r"<pre.*?</pre>", "", path.read_text("utf-8"), flags=re.DOTALL)


def test_no_page_asks_the_network_for_anything(site: Path, pages: dict[Path, Page]) -> None:
    """Scripts, styles, fonts and pictures are files of the site."""
    for path, page in pages.items():
        assert [address for address in page.loads if urlsplit(address).netloc] == [], path
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert re.findall(r"""(?:url\(|@import)\s*["']?(?:https?:)?//[^"')]*""", text) == [], style


KINDS = ("index.html", "howto/labels.html", "reference/python.html", "reference/commands.html")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A browser that may ask for nothing but files."""
    pytest.importorskip("playwright.sync_api")
    from views.browser import watched

    with watched(tmp_path_factory.mktemp("browser")) as watch:
        yield watch


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", KINDS)
def test_everyone_can_read_the_pages(site: Path, browser: Any, name: str, scheme: str) -> None:
    """axe-core has nothing to say of pages of each kind, light and dark."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    tab = browser.visit(site / name, scheme=scheme)
    found = axe.run(tab, options={"preload": False}).response["violations"]
    told = [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in found]
    assert told == []


def test_search_works_from_a_folder(site: Path, browser: Any) -> None:
    """A word typed into the search field leads to the pages that speak of it."""
    tab = browser.visit(site / "index.html")
    tab.fill("input[name=q]", "temperature")
    tab.press("input[name=q]", "Enter")
    tab.wait_for_selector("ul.search li a")
    found = tab.eval_on_selector_all("ul.search li a", "all => all.map(a => a.textContent)")
    assert any("Python" in title for title in found)
    tab.click("ul.search li a")
    tab.wait_for_function("document.body.textContent.includes('temperature')")


def test_light_and_dark_can_be_chosen(site: Path, browser: Any) -> None:
    """The switch changes the ground of the page, and the next page keeps the choice."""
    tab = browser.visit(site / "index.html")

    def ground() -> str:
        return str(tab.evaluate("getComputedStyle(document.body).backgroundColor"))

    seen = {ground()}
    for _ in range(3):
        tab.click(".theme-toggle >> visible=true")
        seen.add(ground())
    assert len(seen) == 2
    chosen = tab.evaluate("document.body.dataset.theme")
    tab.goto((site / "faq.html").as_uri())
    assert tab.evaluate("document.body.dataset.theme") == chosen
    said = [line for line in browser.complaints if not line.startswith("Changed to ")]
    browser.complaints[:] = said  # the theme tells the console which it has
