"""Laws of figures: the size asked for, words and numbers that can be read, one layout in each format."""

import io
import re
import struct
from contextlib import suppress
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from views.samples import HOSTILE, result_of

import attncli
from attncli.errors import LimitError, UsageError
from attncli.errors.wording import visible
from attncli.settings import FigureSettings
from attncli.views.figures.drawing import drawn
from attncli.views.figures.files import figure_file
from attncli.views.figures.panels import panels_of
from attncli.views.figures.scene import SOFT, Box, Cells, Segment, Text
from attncli.views.figures.wishes import MOST, figure_of, font_size_of, grid_of, scale_of, size_from
from attncli.views.palette import PALETTES, contrast, weight_rgb

WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog"]
SVG = "{http://www.w3.org/2000/svg}"
TOLERANCE = 0.6  # pixels that may stick out: roundings, and half of a line


def asked(**choices):
    """What is asked of a figure."""
    return FigureSettings(**choices)


def scenes(result, *, pages=False, precision=2, **choices):
    """The pages of a figure, and its notes."""
    results = result if isinstance(result, list) else [result]
    return drawn(figure_of(asked(**choices)), panels_of(results), precision, pages=pages)


def corners(item):
    """The box around an item: left, upper, right, lower; of a text about."""
    if isinstance(item, Segment):
        xs, ys = sorted((item.x, item.to_x)), sorted((item.y, item.to_y))
        return xs[0], ys[0], xs[1], ys[1]
    if isinstance(item, Text):
        from attncli.views.ink import width_of

        long = width_of(item.text) * 0.602 * item.size
        before = {"start": 0, "middle": long / 2, "end": long}[item.anchor]
        if item.turned:
            low = item.y + before
            return item.x - 0.8 * item.size, low - long, item.x + 0.25 * item.size, low
        left = item.x - before
        return left, item.y - 0.8 * item.size, left + long, item.y + 0.25 * item.size
    return item.x, item.y, item.x + item.width, item.y + item.height


def numbers_of(scene):
    """The texts that are weights, not those of the scale."""
    return [t for t in texts_of(scene) if re.fullmatch(r"[01]\.\d\d", t.text) and t.color != SOFT]


def texts_of(scene):
    """All texts of a page."""
    return [item for item in scene.items if isinstance(item, Text)]


@pytest.mark.parametrize(
    ("text", "width", "height", "said"),
    [
        ("800x600", 800, 600, ("800", "600")),
        ("8cmx6cm", 302.3622, 226.7717, ("8cm", "6cm")),
        ("8 x 6 cm", 302.3622, 226.7717, ("8cm", "6cm")),
        ("80mm×60mm", 302.3622, 226.7717, ("80mm", "60mm")),
        ("3.5inx2.5in", 336, 240, ("3.5in", "2.5in")),
        ("240PTx180pt", 320, 240, ("240pt", "180pt")),
    ],
)
def test_sizes_are_read_in_pixels_and_units(text, width, height, said):
    """96 pixels make an inch, as browsers have it; the last unit is that of both."""
    size = size_from(text)
    assert (size.width, size.height) == pytest.approx((width, height), abs=1e-4)
    assert size.said == said


@pytest.mark.parametrize(
    ("read", "text"),
    [
        *(
            (size_from, text)
            for text in ("", "8cm", "0x0", "10x10", "-5x5", "8kmx6km", "1e9x9", "axb")
        ),
        *((size_from, text) for text in (f"{MOST + 1}x100", "100x100x100", "nanxnan")),
        *((scale_of, text) for text in ("", "1,0", "0,0", "0", "0,1,2", "nan,1", "0,inf", "most")),
        *((font_size_of, text) for text in ("", "0", "1", "9000", "9em", "large")),
        *((grid_of, text) for text in ("", "0x3", "3", "3x-1", "99999x2", "axb")),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_line(read, text):
    """It says what was found and what was expected."""
    with pytest.raises(UsageError, match=r"^\w+: found .*, expected .*$"):
        read(text)


SIZES = st.tuples(st.integers(60, 900), st.integers(60, 900))


@settings(max_examples=60, deadline=None)
@given(
    size=SIZES,
    n_tokens=st.integers(1, 45),
    shape=st.sampled_from([(1, 1), (1, 4), (2, 3)]),
    title=st.sampled_from([None, "T", "A long title that goes over more than one line"]),
    numbers=st.sampled_from([None, True, False]),
    axes=st.sampled_from([None, True, False]),
    legend=st.booleans(),
    lines=st.booleans(),
)
def test_everything_lies_within_the_size(
    size, n_tokens, shape, title, numbers, axes, legend, lines
):
    """Of whatever choices: nothing sticks out, or the size is refused as too small."""
    words = [f"word{'x' * (i % 7)}{i}" for i in range(n_tokens)]
    result = result_of(words, layers=shape[0], heads=shape[1])
    choices = {"title": title, "numbers": numbers, "axes": axes, "legend": legend, "lines": lines}
    choices["size"] = f"{size[0]}x{size[1]}"
    pages = []
    with suppress(UsageError):
        pages, _ = scenes(result, **choices)
    if not pages:
        assert min(size) < 300
        return
    (scene,) = pages
    assert (scene.width, scene.height) == size
    for item in scene.items:
        left, upper, right, lower = corners(item)
        assert min(left, upper) >= -TOLERANCE, item
        assert max(right - size[0], lower - size[1]) <= TOLERANCE, item


@pytest.mark.parametrize("palette", sorted(PALETTES))
@pytest.mark.parametrize("scale", ["0,1", "max", "0,0.3"])
def test_each_number_can_be_read_on_its_cell(palette, scale):
    """Its contrast to the color under it is at least 4.5, and it is the weight."""
    result = result_of(WORDS)
    ((scene,), _) = scenes(result, palette=palette, scale=scale, numbers=True)
    cells = next(item for item in scene.items if isinstance(item, Cells))
    numbers = numbers_of(scene)
    high = {"0,1": 1.0, "max": result.weights.max(), "0,0.3": 0.3}[scale]
    shares = np.clip(result.weights[0, 0] / high, 0, 1)
    assert np.abs(cells.shares - shares).max() < 1e-6
    assert [item.text for item in numbers] == [f"{w:.2f}" for w in result.weights.ravel()]
    for item, share in zip(numbers, cells.shares.ravel(), strict=True):
        assert contrast(item.color, weight_rgb(float(share), palette)) >= 4.5


def test_numbers_that_would_be_too_small_are_left_out():
    """Of 512 words none is drawn; where they were asked for, a note says why."""
    ((scene,), notes) = scenes(
        result_of([f"w{i}" for i in range(60)]), size="300x300", numbers=True
    )
    assert numbers_of(scene) == []
    assert any(note.startswith("the numbers are left out") for note in notes)
    ((scene,), notes) = scenes(result_of(["w"] * 512), size="12cmx12cm")
    assert len(texts_of(scene)) < 10
    assert [note.partition(":")[0] for note in notes] == ["the words are left out"]


def test_cells_that_nobody_could_tell_apart_are_drawn_together():
    """A grid of 24 heads of 512 words is a small file, and keeps the largest weight of each."""
    result = result_of(["w"] * 512, layers=4, heads=6)
    svg = figure_file(asked(size="17cmx12cm"), [result], ".svg")
    assert len(svg) < 6_000_000
    ((scene,), _) = scenes(result, size="17cmx12cm")
    cells = [item for item in scene.items if isinstance(item, Cells)]
    for item, weights in zip(cells, result.weights.reshape(24, 512, 512), strict=True):
        assert len(item.shares) <= 2 * item.width + 1
        assert item.shares.max() == pytest.approx(weights.max())


def test_a_title_is_text_whatever_it_holds():
    """Controls are spelled, markup is escaped, in the picture as in the description."""
    title = "a\x1b[31m & <b>\u202e\x07"
    for suffix in (".svg", ".tex"):
        content = figure_file(asked(title=title), [result_of(WORDS)], suffix, made_by="attn \n%")
        assert "\x1b" not in content
        assert "\u202e" not in content
    ElementTree.fromstring(figure_file(asked(title=title), [result_of(WORDS)], ".svg"))


def test_what_a_word_may_not_see_is_empty():
    """A masked cell has neither a color nor a number, in SVG, PDF and TeX alike."""
    result = attncli.explain("dogs chase small cats", causal=True)
    ((scene,), _) = scenes(result)
    cells = next(item for item in scene.items if isinstance(item, Cells))
    assert (cells.seen == np.tril(np.ones((4, 4), bool))).all()
    assert len(numbers_of(scene)) == 10
    tex = figure_file(asked(), [result], ".tex")
    areas = re.findall(r"\\attnbox\{[\d.]+\}\{[\d.]+\}\{([\d.]+)\}\{([\d.]+)\}", tex)
    drawn_area = sum(float(w) * float(h) for w, h in areas[: -len(PALETTES["viridis"])])
    assert drawn_area == pytest.approx(cells.width * cells.height * 10 / 16, rel=0.05)


@pytest.mark.parametrize("lines", [False, True])
def test_all_heads_fit_a_page_with_their_names(lines):
    """72 heads: rows are layers, columns heads, each named once, and the page is no column."""
    result = result_of(WORDS, layers=6, heads=12)
    ((scene,), notes) = scenes(result, lines=lines)
    assert notes == []
    assert scene.width < 1300
    assert scene.height < scene.width
    named = [item.text for item in texts_of(scene)]
    assert named.count("layer 5") == named.count("layer 0") == 1
    heads = [text for text in named if re.fullmatch(r"(head )?(\d|1[01])", text)]
    assert len([text for text in heads if text.startswith("head")]) == 12
    if not lines:
        assert sum(isinstance(item, Cells) for item in scene.items) == 72


def test_each_of_several_sentences_has_its_row():
    """Its heads stand side by side, under its text and their names, with its own words."""
    results = [result_of(words, heads=3) for words in (["a", "bank"], ["the", "river", "flows"])]
    ((scene,), _) = scenes(results, grid="auto", title="T")
    tops = [item.y for item in scene.items if isinstance(item, Cells)]
    assert len(set(tops[:3])) == len(set(tops[3:])) == 1
    assert tops[0] < tops[3]
    names = [item.full or item.text for item in texts_of(scene)]
    assert f"{results[1].text}, head 2" in names
    assert names.count("bank") == 6


def test_a_grid_that_is_too_small_takes_pages_in_a_pdf():
    """Each matrix is on one page, in their order; other formats are refused."""
    result = result_of(WORDS, layers=3, heads=8)
    pages, _ = scenes(result, grid="4x2", size="500x300", pages=True)
    assert [sum(isinstance(i, Cells) for i in page.items) for page in pages] == [8, 8, 8]
    assert "layer 2, head 7" in {item.full or item.text for item in texts_of(pages[2])}
    with pytest.raises(UsageError, match="found 4 x 2 places for 24 matrices"):
        scenes(result, grid="4x2")
    (page,), _ = scenes(result, grid="8x3")
    assert sum(isinstance(item, Cells) for item in page.items) == 24


def test_auto_takes_pages_where_panels_could_not_be_seen():
    """24 layers of 16 heads on a small page: every matrix once, each panel large enough."""
    result = result_of(["a", "b"], layers=24, heads=16)
    pages, _ = scenes(result, size="17cmx24cm", pages=True)
    panels = [item for page in pages for item in page.items if isinstance(item, Cells)]
    assert len(panels) == 384
    assert len(pages) > 1
    assert min(min(item.width, item.height) for item in panels) > 40
    names = [item.text for page in pages for item in texts_of(page)]
    assert {"L0 H0", "L23 H15"} <= set(names)
    assert not any("…" in name for name in names)


def test_lines_are_wide_and_dark_by_weight():
    """Each weight above a hundredth is one line from its word to the other; none else."""
    result = result_of(WORDS)
    ((scene,), _) = scenes(result, lines=True)
    lines = [item for item in scene.items if isinstance(item, Segment)]
    weights = result.weights[0, 0]
    assert len(lines) == int((weights >= 0.01).sum())
    widths, opacities = ([getattr(line, name) for line in lines] for name in ("width", "opacity"))
    assert widths == sorted(widths)
    assert opacities == sorted(opacities)
    strongest = np.unravel_index(weights.argmax(), weights.shape)
    middles = sorted({line.y for line in lines})
    assert (lines[-1].y, lines[-1].to_y) == (middles[strongest[0]], middles[strongest[1]])


@pytest.mark.parametrize("lines", [False, True])
def test_words_of_any_kind_are_whole_or_cut_with_a_title(lines):
    """A word that is cut is whole in a title; markup and controls stay text."""
    words = [*HOSTILE[:20], "x" * 200, "שלום", "日本語", "नमस्ते", "a&<b>"]
    result = result_of(words)
    svg = figure_file(asked(lines=lines, size="900x900"), [result], ".svg")
    root = ElementTree.fromstring(svg)
    shown = {
        "".join(t.itertext()).replace("\u2068", "").replace("\u2069", "")
        for t in root.iter(f"{SVG}text")
    }
    titles = {title.text for text in root.iter(f"{SVG}text") for title in text.iter(f"{SVG}title")}
    assert "x" * 200 in titles
    for word in ("שלום", "日本語", "नमस्ते", "a&<b>"):
        assert word in shown
    assert visible(HOSTILE[0])[:3] in "".join(shown)


def test_an_svg_has_the_unit_of_its_size_and_a_hidden_command():
    """Width and height as they were asked for; the command in the description, not in the picture."""
    svg = figure_file(
        asked(size="8cmx6cm", title="A & B"), [result_of(WORDS)], ".svg", made_by="attn x"
    )
    root = ElementTree.fromstring(svg)
    assert (root.get("width"), root.get("height")) == ("8cm", "6cm")
    assert root.get("viewBox") == "0 0 302.362 226.772"
    assert root.find(f"{SVG}title").text == "A & B"
    assert root.find(f"{SVG}desc").text == "Made by: attn x"
    assert "Made by" not in "".join("".join(t.itertext()) for t in root.iter(f"{SVG}text"))


@pytest.mark.parametrize(
    ("size", "pixels", "by_meter"),
    [("640x480", (640, 480), None), ("8cmx6cm", (945, 709), 11811), ("2inx1in", (600, 300), 11811)],
)
def test_a_png_has_exactly_its_size(size, pixels, by_meter):
    """Pixels as asked for; of a size on paper 300 to the inch, which the file says."""
    pytest.importorskip("resvg_py")
    png = figure_file(asked(size=size), [result_of(WORDS)], ".png", made_by="attn x")
    assert struct.unpack(">II", png[16:24]) == pixels
    place = png.find(b"pHYs")
    assert (place > 0) == (by_meter is not None)
    if by_meter:
        assert struct.unpack(">IIB", png[place + 4 : place + 13]) == (by_meter, by_meter, 1)
    assert b"Made by: attn x" in png


@pytest.mark.parametrize(
    ("size", "points"), [("8cmx6cm", (226.772, 170.079)), ("400x300", (300, 225))]
)
def test_a_pdf_has_exactly_its_size(size, points):
    """Each page, in points of 1/72 inch; no picture on it is larger."""
    pytest.importorskip("typst")
    pdf = figure_file(asked(size=size, grid="2x1"), [result_of(WORDS, heads=4)], ".pdf")
    boxes = re.findall(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]", pdf)
    assert len(boxes) == 2
    for box in boxes:
        assert [float(side) for side in box] == pytest.approx(points, abs=0.01)


def test_python_takes_the_same_names(tmp_path):
    """Pairs of numbers, or the texts of the command; a wrong value is refused before it is used."""
    result = result_of(WORDS)
    attncli.save(
        result, tmp_path / "a.svg", size=(640, 480), scale=(0, 0.5), font_size=9, grid=(1, 1)
    )
    attncli.save(
        result, tmp_path / "b.svg", size="640x480", scale="0,0.5", font_size="9", grid="1x1"
    )
    a, b = ((tmp_path / name).read_text(encoding="utf-8") for name in ("a.svg", "b.svg"))
    assert a == b
    attncli.save(result, tmp_path / "c.svg", palette="viridis", scale="0,1")
    attncli.save(result, tmp_path / "d.svg")
    assert (tmp_path / "c.svg").read_bytes() == (tmp_path / "d.svg").read_bytes()
    for wrong in ({"size": 5}, {"size": (1, 2, 3)}, {"palette": "jet"}, {"numbers": "yes"}):
        with pytest.raises((UsageError, TypeError)):
            attncli.save(result, tmp_path / "e.svg", **wrong)
    with pytest.raises((UsageError, TypeError)):
        attncli.save(result, tmp_path / "e.svg", hue="red")


def test_tex_of_very_many_cells_is_refused():
    """TeX has no memory for it: the hint names another format."""
    places = np.arange(300)
    weights = (places[:, None] + places) % 2 / 150
    board = attncli.from_attentions(weights, [f"w{i}" for i in range(300)])
    with pytest.raises(LimitError, match="more than"):
        figure_file(asked(size="12cmx12cm", scale="max"), [board], ".tex")


def test_the_same_figure_is_in_svg_and_tex():
    """One layout: each text and each rectangle of the SVG is in the TeX."""
    result = replace(result_of(WORDS))
    svg = figure_file(asked(size="400x300", axes=True, title="T"), [result], ".svg")
    tex = figure_file(asked(size="400x300", axes=True, title="T"), [result], ".tex")
    assert svg.count("<text ") == tex.count(r"\attntext{")
    ((scene,), _) = scenes(result, size="400x300", axes=True, title="T")
    boxes = [item for item in scene.items if isinstance(item, Box)]
    assert len(boxes) <= tex.count(r"\attnbox{") + tex.count("attnedge")
    assert io.StringIO(tex).readline().startswith("% A figure")
