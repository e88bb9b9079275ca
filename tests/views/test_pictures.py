"""Pictures say what they cannot show, and break their headings at spaces."""

import re
from dataclasses import replace

import pytest

from attncli.views.pictures import missing_glyphs
from attncli.views.svg import heat_maps
from tests.views.samples import result_of


def drawn(text: str) -> str:
    """The picture of a small result whose sentence is `text`."""
    return heat_maps([replace(result_of(["money", "bank"]), text=text)])


def test_characters_without_a_font_are_named():
    """A character of no script is a box and is named; Latin letters, é and signs are not."""
    pytest.importorskip("resvg_py")
    assert missing_glyphs(drawn("money é")) == ""
    assert "\u0378" in missing_glyphs(drawn("money \u0378"))


@pytest.mark.parametrize("text", ["word " * 60, "बहुत आसान काम " * 30, "漢字 " * 80])
def test_headings_break_at_spaces(text):
    """Whatever a word's width in columns or its number of code points, it stays whole."""
    heading = re.findall(r'font-weight="bold">([^<]*)<', drawn(text))
    words = {word for line in heading for word in line.split(" ")} - {"…", ""}
    assert words <= {*text.split(), *f"({len(text)} characters)".split()}
