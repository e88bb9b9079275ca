"""Pictures say what they cannot show, and break their headings at spaces."""

import re
from dataclasses import replace

import pytest

from attncli import save
from attncli.errors import LimitError
from attncli.views.pictures import MAX_PIXELS, missing_glyphs, png
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


def test_a_picture_of_too_many_pixels_is_refused(monkeypatch):
    """A PNG is begun up to its limit of pixels, not beyond; what is written instead is said."""
    svg = drawn("money bank")
    width, height = (2 * int(side) for side in re.findall(r'(?:width|height)="([0-9]+)"', svg)[:2])
    monkeypatch.setattr("attncli.views.pictures.MAX_PIXELS", width * height - 1)
    with pytest.raises(LimitError, match=f"{width} × {height} pixels"):
        png(svg)
    monkeypatch.setattr("attncli.views.pictures.MAX_PIXELS", width * height)
    pytest.importorskip("resvg_py")
    assert png(svg).startswith(b"\x89PNG")


def test_a_png_of_very_many_matrices_ends_with_8(command, tmp_path):
    """Nothing is written, and the code says that a limit was passed."""
    words = [f"w{i}" for i in range(40)]
    saved, picture = str(tmp_path / "many.json"), tmp_path / "many.png"
    save(result_of(words, layers=12, heads=12), saved)
    ended = command("view", saved, "-o", str(picture))
    assert ended.code == 8
    assert f"at most {MAX_PIXELS:,} are drawn" in ended.said
    assert not picture.exists()
