"""The documentation as a site, of Sphinx and its theme furo.

    python -m sphinx -W -c docs/site docs build/site

The documents are written to be read in the repository. On the site a link that leaves `docs/` leads to
the page that holds the same, or names the file. Nothing is asked of the network, neither by the build
nor by its pages; search and the switch between light and dark work from a folder too.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from attncli import __version__

ROOT = Path(__file__).resolve().parents[2]

project = "attn"
author = "the authors of attn"
release = version = __version__
extensions = ["myst_parser"]
exclude_patterns = ["site", "scripts", "man", "completions"]
root_doc = "index"
myst_heading_anchors = 4
nitpicky = True
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
html_theme = "furo"
html_title = "attn"
html_copy_source = False
html_show_sphinx = False
html_show_search_summary = False  # they are fetched, which a page of a folder may not do
html_theme_options = {"navigation_with_keys": True, "sidebar_hide_name": False}

# The sidebar: captions with their pages.
CHAPTERS = {
    "Begin": "lecture howto/lecture by-hand gallery faq",
    "How to": "howto/corpus howto/labels howto/pairs howto/align howto/torch howto/bertviz howto/paper howto/nightly",
    "Guides": "vectors corpus training transformers models scaling figures python notebooks config",
    "Reference": "reference/commands reference/python formats exit-codes install windows trust architecture changelog",
}
# Papers at the top of the repository that have a page of the site.
PAGES = {"README.md": "index.md", "CHANGELOG.md": "changelog.md"}
LINK = re.compile(r"(?<!!)\[([^\]\n]+)\]\(((?:\.\./)+[^)\s:#]*)(#[^)\s]*)?\)")
# What the theme leaves out that a screen reader or a keyboard needs.
NAMED = {
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="Pages">',
    '<aside class="toc-drawer">': '<aside class="toc-drawer" aria-label="On this page">',
    'class="caption" role="heading">': 'class="caption" role="heading" aria-level="2">',
    "<pre>": '<pre tabindex="0">',
}


def setup(app: Any) -> None:
    """Sphinx calls it."""
    app.connect("source-read", read_page)
    app.connect("build-finished", name_parts)


def read_page(app: Any, name: str, content: list[str]) -> None:
    """A page as the site has it."""
    if name == "changelog":
        changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
        content[0] = changes.replace("](docs/", "](")
    content[0] = LINK.sub(lambda link: led(link, posixpath.dirname(name)), content[0])
    if name == root_doc:
        content[0] += "".join(toctree(caption, pages) for caption, pages in CHAPTERS.items())


def led(link: "re.Match[str]", here: str) -> str:
    """A link that leaves `docs/` leads to the page of the site; one to code names the file."""
    text, target, anchor = link.group(1), link.group(2), link.group(3) or ""
    path = posixpath.normpath(posixpath.join("docs", here, target))
    if path.startswith("docs/"):
        return link.group(0)
    if path in PAGES:
        return f"[{text}]({posixpath.relpath(PAGES[path], here or '.')}{anchor})"
    return text if text.strip("`") == path else f"{text} (`{path}`)"


def toctree(caption: str, pages: str) -> str:
    """A part of the sidebar."""
    lines = "\n".join(pages.split())
    return f"\n\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{lines}\n```\n"


def name_parts(app: Any, error: Exception | None) -> None:
    """Gives the parts of every page the names that they lack."""
    for path in Path(app.outdir).rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        for part, named in NAMED.items():
            page = page.replace(part, named)
        path.write_text(page, encoding="utf-8")
