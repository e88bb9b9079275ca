"""Pictures say what they cannot show, and break their headings at spaces."""

import re
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import replace
from importlib.resources import files

import pytest

from attncli import save
from attncli.errors import LimitError
from attncli.views.heat_maps import heat_maps
from attncli.views.picture_formats import picture
from attncli.views.pictures import (
    MAX_PIXELS,
    missing_glyphs,
    pdf,
    png,
    scripts_of,
    scripts_with_spacing_signs,
)
from attncli.views.svg import svg_document, text_lines
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


def test_a_png_of_very_many_pixels_ends_with_8(command, tmp_path):
    """Nothing is written, and the code says that a limit was passed."""
    pytest.importorskip("resvg_py")
    saved, picture = str(tmp_path / "one.json"), tmp_path / "one.png"
    save(result_of(["money", "bank"]), saved)
    ended = command("view", saved, "--size", "20000x10000", "-o", str(picture))
    assert ended.code == 8
    assert f"at most {MAX_PIXELS:,} are drawn" in ended.said
    assert not picture.exists()


def lines_picture(*texts):
    """A PNG of lines of text, and what was said of it."""
    said = []
    svg = svg_document(text_lines([(text, "") for text in texts]), "lines")
    return picture(svg, ".png", said.append), " ".join(said)


def test_a_pdf_names_the_scripts_whose_signs_it_sets_wrongly():
    """Vowel signs with room of their own; with or without a font the script is named."""
    pytest.importorskip("typst")
    assert scripts_with_spacing_signs(drawn("काम bank বাংলা")) == ["Devanagari", "Bengali"]
    assert scripts_with_spacing_signs(drawn("बहुत שלום ไทย café")) == []
    said: list[str] = []
    picture(drawn("काम"), ".pdf", said.append)
    assert "Devanagari" in " ".join(said)


def test_a_machine_without_fonts_draws_words():
    """The font that comes with the package is enough, and every picture is given it."""
    resvg_py = pytest.importorskip("resvg_py")
    font = str(files("attncli.views") / "fonts" / "DejaVuSansMono.ttf")
    svg = svg_document(text_lines([("money مرحبا Ω", "")]), "x")

    def alone(**fonts):
        return bytes(resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True, **fonts))

    assert alone(font_files=[font]) != alone()
    assert missing_glyphs(svg) == ""


def test_what_no_font_has_spoils_no_word_beside_it():
    """A line with a character that no font has still shows its Arabic word as letters."""
    pytest.importorskip("resvg_py")
    drawn_line, said = lines_picture("\u0378 bank مرحبا")
    assert "\u0378" in said
    assert drawn_line != lines_picture("\u0378 bank □□□□□")[0]
    assert drawn_line == lines_picture("□ bank مرحبا")[0]


def test_words_of_other_scripts_are_shaped_alone():
    """In a line of several scripts an Arabic word looks as it does in a line of its own."""
    svg = svg_document(text_lines([("bank مرحبا grows", ""), ("bank", "")]), "x")
    pieces = [span.text for span in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}tspan")]
    assert pieces[0].strip("\u2068\u2069") == "مرحبا"
    assert pieces[1].strip() == "grows"


def test_a_word_of_another_script_stands_apart_from_signs_that_touch_it():
    """The font of its script may have neither "(" nor a letter of Latin."""
    svg = svg_document(text_lines([("बहुत(new) = 0.32·बहुत + 0.25·आसान", "")]), "x")
    line = ET.fromstring(svg).find(".//{http://www.w3.org/2000/svg}text[@y]")
    assert line is not None
    assert "".join(line.itertext()) == "बहुत(new) = 0.32·बहुत + 0.25·आसान"
    spans = [span.text for span in line]
    assert [text for text in [line.text, *spans] if text and text.strip() in {"बहुत", "आसान"}]
    assert not any((text and "·ब" in text) or text == "बहुत(new)" for text in [line.text, *spans])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("नदी", ["Devanagari"]),
        ("ไทย 銀", ["Thai", "CJK"]),
        ("한글 かな カナ", ["Hangul", "Hiragana", "Katakana"]),
        ("שלום مرحبا", ["Hebrew", "Arabic"]),
        ("ᠮᠣᠩ ប្រាក់ ธนาคาร", ["Mongolian", "Khmer", "Thai"]),
        ("💰 → ÷ 12", []),
    ],
)
def test_the_scripts_of_letters_have_names(text, names):
    """Each script once, in the order of the text."""
    assert scripts_of(text) == names


def test_a_pdf_has_the_same_bytes_whenever_it_is_drawn() -> None:
    """No date and no random name is in it."""
    pytest.importorskip("typst")
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">'
        '<text x="2" y="15">money</text></svg>'
    )
    first = pdf(svg)
    time.sleep(1.1)  # dates in a PDF tell seconds
    assert pdf(svg) == first


@pytest.mark.parametrize(("suffix", "module"), [("png", "resvg_py"), ("pdf", "typst")])
def test_a_missing_library_is_told_before_the_work(command, tmp_path, monkeypatch, suffix, module):
    """Exit 14 before a file of sentences is opened: one that is not there is not noticed."""
    monkeypatch.setitem(sys.modules, module, None)
    path = tmp_path / f"x.{suffix}"
    for line in (("explain", "-f", "no-such-file"), ("compare", "a bank", "-f", "no-such-file")):
        done = command(
            *line, *(["--word", "bank"] if line[0] == "compare" else []), "-o", str(path)
        )
        assert done.code == 14, done.said
        assert "is not installed" in done.said
    assert not path.exists()
