"""Laws of figures in LaTeX: they compile with each engine, alone and inside, at exactly their size."""

import re
import shutil
import subprocess
import unicodedata

import pytest
from views.samples import HOSTILE, result_of

from attncli.settings import FigureSettings
from attncli.views.figures.files import figure_file

ENGINES = ("pdflatex", "xelatex", "lualatex")
WORDS = ["50%", "a_b", "x&y", "{z}", "naïve", "Straße", "шаг", "שלום", "日本語", "#~^\\$", "w" * 60]
CHOICES = {
    "heat": {"size": "120mmx80mm", "title": "100% of “it” & more_", "axes": True},
    "lines": {"lines": True, "palette": "greys", "size": "300x200"},
    "natural": {"numbers": True, "scale": "max"},
}
HOST = r"""\documentclass{article}
\usepackage{tikz}
\begin{document}
\sbox0{\input{NAME}}\typeout{SIZE \the\wd0; \the\ht0; \the\dp0;}
Before \input{NAME} after.
\begin{figure}\centering\input{NAME}\caption{One}\end{figure}
\end{document}
"""


def compiled(engine, folder, name):
    """The log of a file that compiles without an error; nothing of it overflows."""
    done = subprocess.run(
        [engine, "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"],
        cwd=folder,
        capture_output=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout[-1500:]
    return (folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", CHOICES)
def test_a_fragment_is_a_box_of_exactly_its_size(tmp_path, engine, name):
    """Taken in twice, in a line and in a figure; words of any script break nothing."""
    if shutil.which(engine) is None:
        pytest.skip("not on this machine")
    words = WORDS if name != "natural" else [WORDS[-1], *HOSTILE[:12]]  # 23² cells take a while
    tex = figure_file(FigureSettings(fragment=True, **CHOICES[name]), [result_of(words)], ".tex")
    assert "documentclass" not in tex
    (tmp_path / f"{name}.tex").write_text(tex, encoding="utf-8")
    host = HOST.replace("NAME", name)
    (tmp_path / "host.tex").write_text(host, encoding="utf-8")
    log = compiled(engine, tmp_path, "host")
    sizes = re.search(r"SIZE ([\d.]+)pt; ([\d.]+)pt; ([\d.]+)pt", log)
    box = re.search(r"\\useasboundingbox \(0,0\) rectangle \(([\d.]+),([\d.]+)\)", tex)
    wanted = [float(side) * 0.75 * 72.27 / 72 for side in box.groups()]
    assert [float(sizes[1]), float(sizes[2])] == pytest.approx(wanted, abs=0.1)
    assert float(sizes[3]) < 0.1


@pytest.mark.parametrize("engine", ENGINES)
def test_a_document_is_one_page_of_exactly_its_size(tmp_path, engine):
    """Nothing sticks out of it."""
    if shutil.which(engine) is None:
        pytest.skip("not on this machine")
    tex = figure_file(
        FigureSettings(**CHOICES["heat"]), [result_of(WORDS)], ".tex", made_by="attn\nx"
    )
    assert tex.splitlines()[1] == "% Made by: attn x"
    (tmp_path / "whole.tex").write_text(tex, encoding="utf-8")
    log = compiled(engine, tmp_path, "whole")
    assert "Overfull" not in log
    assert "(1 page" in log
    pdf = (tmp_path / "whole.pdf").read_bytes()
    boxes = re.findall(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]", pdf)
    for box in boxes:  # none where the engine packs its objects
        assert [float(side) for side in box] == pytest.approx([340.157, 226.772], abs=0.2)


def test_a_figure_brings_no_bitmaps_into_a_document(tmp_path):
    """Words of ASCII and Latin-1 are of fonts with outlines, in a document that names no encoding."""
    if shutil.which("pdflatex") is None or shutil.which("pdffonts") is None:
        pytest.skip("not on this machine")
    if not shutil.which("kpsewhich") or not called("kpsewhich", "t1lmr.fd"):
        pytest.skip("Latin Modern is not on this machine")
    printed = [chr(code) for code in (*range(33, 127), *range(0xC0, 0x100))]
    words = ["".join(printed[at : at + 8]) for at in range(0, len(printed), 8)]
    settings = FigureSettings(fragment=True, size="160mmx160mm", numbers=False)
    tex = figure_file(settings, [result_of(words)], ".tex")
    (tmp_path / "all.tex").write_text(tex, encoding="utf-8")
    (tmp_path / "host.tex").write_text(HOST.replace("NAME", "all"), encoding="utf-8")
    assert "Missing character" not in compiled("pdflatex", tmp_path, "host")
    fonts = called("pdffonts", str(tmp_path / "host.pdf"))
    assert "CMR10" in fonts
    assert "Type 3" not in fonts


EUROPE = ["œuvre", "Łódź", "žluťoučký", "Dvořák", "İstanbul’da", "ġobon", "ŵyneb", "șapte", "ķēķis"]
SIGNS = [
    "don’t",
    "“it”",
    "„so“",
    "‚so‘",
    "5–10",
    "a—b",
    "…",
    "£5",
    "€5",
    "20°",
    "‰",
    "†",
    "«x»",
    "¿",
    "§2",
]


T1 = r"\usepackage[T1]{fontenc}\usepackage{lmodern}"


@pytest.mark.parametrize(
    ("engine", "preamble"), [*((engine, "") for engine in ENGINES), ("pdflatex", T1)]
)
def test_words_of_european_languages_are_printed_as_words(tmp_path, engine, preamble):
    """No code point stands for a letter or a sign of them, whatever the engine, and no bitmap."""
    for program in (engine, "pdftotext", "pdffonts"):
        if shutil.which(program) is None:
            pytest.skip("not on this machine")
    settings = FigureSettings(fragment=True, size="170mmx170mm", numbers=False)
    tex = figure_file(settings, [result_of([*EUROPE, *SIGNS])], ".tex")
    (tmp_path / "europe.tex").write_text(tex, encoding="utf-8")
    host = HOST.replace("NAME", "europe").replace(
        r"\begin{document}", preamble + r"\begin{document}"
    )
    (tmp_path / "host.tex").write_text(host, encoding="utf-8")
    assert "Missing character" not in compiled(engine, tmp_path, "host")
    printed = unicodedata.normalize("NFC", called("pdftotext", str(tmp_path / "host.pdf"), "-"))
    assert "U+" not in printed
    for word in ("œuvre", "Łódź", "žluťoučký", "don’t", "“it”", "€5"):
        assert word in printed
    if preamble or called("kpsewhich", "t1lmr.fd"):
        assert "Type 3" not in called("pdffonts", str(tmp_path / "host.pdf"))


def called(*line):
    """What a program prints."""
    return subprocess.run(line, capture_output=True, text=True, timeout=60).stdout


def test_a_preamble_without_tikz_is_told_what_it_needs(tmp_path):
    """The error names the package."""
    if shutil.which("pdflatex") is None:
        pytest.skip("not on this machine")
    tex = figure_file(FigureSettings(fragment=True), [result_of(["a", "b"])], ".tex")
    (tmp_path / "x.tex").write_text(
        "\\documentclass{article}\\begin{document}\n" + tex + "\\end{document}", encoding="utf-8"
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "x.tex"], cwd=tmp_path, capture_output=True
    )
    assert b"This figure needs \\usepackage{tikz} in the preamble" in done.stdout
