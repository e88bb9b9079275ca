"""Results as files: the same numbers in each, words that stay words, nothing from elsewhere."""

import csv
import io
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from views.samples import HOSTILE, result_of

from attncli.errors import UsageError, names_as
from attncli.errors.wording import UNSEEN, visible
from attncli.escape import isolated
from attncli.matrices.reading import read_results
from attncli.results.result import AttentionResult
from attncli.views.delimited import delimited
from attncli.views.files import SUFFIXES, FileRequest, write_against, write_results
from attncli.views.heat_maps import heat_maps
from attncli.views.latex import latex
from attncli.views.markdown import markdown
from attncli.views.npz import npz
from attncli.views.result_files import COLUMNAR

SVG = "{http://www.w3.org/2000/svg}"
WORDS = st.text(
    st.characters(codec="utf-8") | st.sampled_from("\\`*_[]<>|#~$&! \x1b\n\u200f"), max_size=6
)
SMALL = result_of(["money", "bank", "grows"])
HEADS = result_of(["money", "bank"], layers=2, heads=2)


def texts(svg: str) -> list[str]:
    """The texts of an SVG, without the titles inside them."""
    return [
        element.text or element[0].tail or ""
        for element in ElementTree.fromstring(svg).iter(f"{SVG}text")
    ]


def test_an_svg_has_every_word_and_number() -> None:
    """Words stand at the rows and the columns, the weight in each cell."""
    shown = texts(heat_maps([SMALL]))
    assert all(shown.count(word) == 2 for word in SMALL.words)
    numbers = [f"{weight:.2f}" for weight in SMALL.weights.ravel()]
    assert [text for text in shown if re.fullmatch(r"\d\.\d\d", text)] == numbers


@pytest.mark.parametrize("n_words", [3, 28, 60, 200])
def test_an_svg_refers_to_nothing(n_words: int) -> None:
    """No address, image, font, style sheet or script, at any size; it is well-formed XML."""
    svg = heat_maps([result_of([f"word{i}" for i in range(n_words)])])
    root = ElementTree.fromstring(svg)
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "g", "rect", "text", "path"}
    assert not re.search(r"href|url\(|data:|@", svg)


def test_hostile_words_stay_text_in_an_svg() -> None:
    """An XML parser reads back each word; a long one is cut with a sign and whole in its title."""
    svg = heat_maps([result_of(list(HOSTILE))])
    root = ElementTree.fromstring(svg)
    titles = {element.text for element in root.iter(f"{SVG}title")}
    shown = set(texts(svg)) | titles
    assert {visible(word) for word in HOSTILE} <= shown
    assert "\x1b" not in svg


def test_a_large_svg_says_what_it_leaves_out() -> None:
    """Without room for names and numbers the picture says where they are."""
    assert "200 words: the names and numbers are left out" in heat_maps(
        [result_of([f"w{i}" for i in range(200)])]
    )


@pytest.mark.parametrize("result", [SMALL, HEADS], ids=["one", "heads"])
@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_csv_keeps_every_float32(result: AttentionResult, delimiter: str) -> None:
    """Reading the file again gives the same tokens and the same weights to the last bit."""
    text = "".join(delimited([result], delimiter))
    name = "x.tsv" if delimiter == "\t" else "x.csv"
    (again,) = read_results(io.BytesIO(text.encode()), name)
    assert isinstance(again, AttentionResult)
    assert again.words == result.words
    assert np.array_equal(again.weights, result.weights)


def test_csv_cells_are_inert() -> None:
    """No cell begins with a sign that a spreadsheet runs, and the rows stay in shape."""
    rows = list(csv.reader(io.StringIO("".join(delimited([result_of(list(HOSTILE))])))))
    assert {len(row) for row in rows} == {len(HOSTILE) + 1}
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


@pytest.mark.parametrize("results", [[SMALL], [SMALL, HEADS]], ids=["one", "two"])
def test_npz_reads_back_as_it_was(results: list[AttentionResult]) -> None:
    """A result written as .npz equals the result that is read, every array included."""
    assert list(read_results(io.BytesIO(npz(results)), "x.npz")) == results


def test_markdown_is_one_table_a_matrix() -> None:
    """Every row of a table has as many cells as the heading, whatever the words hold."""
    lines = "".join(markdown([result_of(list(HOSTILE))])).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == len(HOSTILE) + 2
    assert {len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in table} == {len(HOSTILE) + 2}


@given(st.lists(WORDS, min_size=1, max_size=4))
def test_markdown_renders_to_the_words(words: list[str]) -> None:
    """A reader of CommonMark finds each word in the table, and each equation names it."""
    source = "".join(markdown([result_of(words)]))
    assert not re.search(f"[{UNSEEN}]", source.replace("\n", ""))
    tokens = MarkdownIt("commonmark").enable("table").parse(source)
    cells = [token for token in tokens if token.type == "inline"]
    rendered = ["".join(part.content for part in cell.children or ()) for cell in cells]
    expected = [
        re.sub(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff]", "\ufffd", w) for w in words
    ]
    heading = rendered.index("from ↓ to →")
    assert rendered[heading + 1 : heading + 1 + len(words)] == expected
    equations = [text for text in rendered if "(new) = " in text]
    assert [text.partition("(new) = ")[0] for text in equations] == [isolated(w) for w in expected]


def test_tex_holds_the_words_and_no_escapes() -> None:
    """A backslash is one backslash; what nobody sees is its code point, not letters of an escape."""
    text = latex([result_of(["C:\\new", "ba\u00adnk", "a\nb", " x"])])
    assert r"C:\textbackslash{}new" in text
    assert r"\textbackslash{}\textbackslash{}" not in text
    assert r"ba\texttt{U+00AD}nk" in text
    assert r"a\texttt{U+000A}b" in text
    assert r"\ x" in text


def test_a_table_says_what_it_does_not_hold(tmp_path: Path) -> None:
    """One line, of what these results hold; formats that hold all say nothing."""
    for suffix in ("csv", "tsv", "json", "npz"):
        said: list[str] = []
        write_results(str(tmp_path / f"x.{suffix}"), [SMALL, HEADS], FileRequest(say=said.append))
        if suffix in ("json", "npz"):
            assert said == []
            continue
        (line,) = said
        assert "no text, attention settings, contextual (new) vectors, name of the vectors" in line
        assert "model" not in line


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("small.svg", heat_maps),
        ("small.md", markdown),
        ("small.tex", latex),
        ("small.csv", delimited),
    ],
)
def test_files_look_as_agreed(
    golden: Callable[[str, str], None], name: str, make: Callable[..., Iterable[str]]
) -> None:
    """The files of a small result are those of tests/golden."""
    golden(name, "".join(make([SMALL])))


def test_png_and_pdf_are_pictures() -> None:
    """PNG has twice the pixels of the SVG; PDF is one page."""
    pytest.importorskip("resvg_py")
    pytest.importorskip("typst")
    from attncli.views.pictures import pdf, png

    svg = heat_maps([SMALL])
    size = re.search(r'width="(\d+)" height="(\d+)"', svg)
    assert size is not None
    image = png(svg)
    assert image.startswith(b"\x89PNG")
    assert int.from_bytes(image[16:20], "big") == 2 * int(size[1])
    assert int.from_bytes(image[20:24], "big") == 2 * int(size[2])
    document = pdf(svg)
    assert document.startswith(b"%PDF")
    assert b"/Count 1" in document


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX on this machine")
@pytest.mark.parametrize("words", [["money", "bank"], list(HOSTILE)], ids=["plain", "hostile"])
def test_latex_compiles(tmp_path: Path, words: list[str]) -> None:
    """pdfLaTeX makes a page of it, whatever the words hold."""
    (tmp_path / "x.tex").write_text(latex([result_of(words)]), encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "x.tex"],
        cwd=tmp_path,
        capture_output=True,
    )
    assert done.returncode == 0, done.stdout.decode("utf-8", "replace")[-800:]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_suffix_has_a_writer(tmp_path: Path, suffix: str) -> None:
    """Each that may be asked for gives a file that begins as its format does."""
    begins = {
        **{".html": b"<!DOCTYPE html>", ".svg": b"<svg", ".png": b"\x89PNG", ".pdf": b"%PDF"},
        **{".npz": b"PK", ".json": b'{"type"', ".jsonl": b'{"type"', ".md": b"#", ".tex": b"%"},
        **{".csv": b"query,money", ".tsv": b"query\tmoney", ".parquet": b"PAR1"},
        **{".arrow": b"ARROW1", ".feather": b"ARROW1"},
    }
    libraries = {".png": "resvg_py", ".pdf": "typst", **dict.fromkeys(COLUMNAR, "pyarrow")}
    if suffix in libraries:
        pytest.importorskip(libraries[suffix])
    path = tmp_path / f"x{suffix}"
    write_results(str(path), [SMALL])
    assert path.read_bytes().startswith(begins[suffix])


@pytest.mark.parametrize("suffix", COLUMNAR)
def test_a_suffix_of_columns_names_what_writes_it(tmp_path: Path, suffix: str) -> None:
    """Where there are no columns, the refusal has a line that writes such a file; nothing is written."""
    with pytest.raises(UsageError) as refused:
        write_against(str(tmp_path / f"x{suffix}"), [])
    with names_as("attncli.cli.naming:Options"), pytest.raises(UsageError) as said:
        write_against(str(tmp_path / f"x{suffix}"), [])
    assert said.value.hints == (f"attn explain TEXT --output weights{suffix}",)
    assert "expected one of .html" in refused.value.message
    assert list(tmp_path.iterdir()) == []
