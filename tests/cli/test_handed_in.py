"""What is handed in: every number is the record's, and the file ends with the command that made it."""

import html
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cli.test_steps_in_files import _read
from hypothesis import given
from hypothesis import strategies as st

from attncli.cli.footer import command_text

MECHANISMS = {
    "general": ("--vectors", "random", "--dim", "4"),
    "task": ("--vectors", "random", "--dim", "4", "--attention", "task", "--d-k", "3"),
    "given": ("--inline", "money=1,0;bank=0,1;grows=.5,.5", "--w-q", "0,1;1,0"),
}
PAPERS = ("html", "md", "tex", "svg")


def _footer(path: Path) -> str:
    """The command at the end of a file, as a reader sees it."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        (code,) = re.findall(r'<footer class="made-by">Made by <code>(.*?)</code>', text)
        return html.unescape(re.sub("</?bdi>", "", code))
    if path.suffix == ".md":
        return re.findall(r"Made by:\n\n(`+)sh\n(.*?)\n\1\n$", text, re.DOTALL)[-1][1]
    if path.suffix == ".svg":
        texts = [html.unescape(t) for t in re.findall(r"<text[^>]*>(.*?)</text>", text)]
        start = max(i for i, line in enumerate(texts) if line.startswith("Made by:"))
        return " ".join(texts[start:]).partition(": ")[2]
    (said,) = re.findall(r"Made by: \{\\ttfamily (.*)\}\\par\}", text)
    return said.replace(r"\textquotedbl{}", '"').replace("{-}", "-").replace(r"\_", "_")


@pytest.mark.parametrize("suffix", PAPERS)
@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "money bank grows", "--steps", *MECHANISMS["task"]),
        ("explain", "money bank grows", "river bank flows", *MECHANISMS["general"]),
        ("explain", "money bank grows", "--diagram", *MECHANISMS["given"]),
        ("explain", "money bank grows", "--why"),
        ("compare", "money bank grows", "river bank flows", "--word", "bank", "--neighbors", "2"),
    ],
    ids=["steps", "plain", "diagram", "why", "compare"],
)
def test_a_file_ends_with_the_command_that_made_it(
    command: Callable, tmp_path: Path, arguments: tuple, suffix: str
) -> None:
    """A shell reads the arguments back; the same bytes each time; --no-footer leaves it out."""
    path = tmp_path / f"x.{suffix}"
    given = (*arguments, "-o", str(path))
    assert command(*given).code == 0
    if "'" not in command_text(list(given)):
        assert shlex.split(_footer(path)) == ["attn", *given]
    first = path.read_bytes()
    assert command(*given).code == 0
    assert path.read_bytes() == first
    assert command(*given, "--no-footer").code == 0
    assert b"Made by" not in path.read_bytes()


@given(st.lists(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")))))
def test_a_footer_is_read_back_by_a_shell(arguments: list[str]) -> None:
    """Whatever signs the arguments hold; nothing in the line is obeyed by a terminal."""
    text = command_text([a for a in arguments if "://" not in a])
    assert text.isprintable() or "\u3000" in text or any(c.isspace() for c in text)
    if not re.search(r"\\u|\\x", text):
        assert shlex.split(text)[1:] == [a for a in arguments if "://" not in a]


@pytest.mark.parametrize(
    "address",
    [
        "https://user:hunter2@host/v.vec",
        "s3://hunter2@bucket/key",
        "https://host/v.vec?sig=hunter2&x=1",
        "https://host/a?X-Amz-Signature=hunter2#part",
    ],
)
def test_no_secret_of_an_address_is_in_a_footer(address: str) -> None:
    """Names, passwords and signatures are left out, the rest of the address is not."""
    text = command_text(["explain", "money", "--vectors", address])
    assert "hunter2" not in text
    assert address.partition("://")[0] + "://" in text


def _numbers(stages: str, step: str) -> list[str]:
    """The decimal numbers of one stage."""
    part = re.split(r"^(\d)b?\. ", stages, flags=re.MULTILINE)
    body = "".join(part[i + 1] for i in range(1, len(part), 2) if part[i] == step)
    lines = [line for line in body.split("\n")[1:] if "+ " not in line]
    return re.findall(r"(?<![\w.])-?\d+\.\d{3,}", "\n".join(lines).replace("−", "-"))


@pytest.mark.parametrize("suffix", PAPERS)
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_every_number_of_saved_steps_is_that_of_the_record(
    command: Callable, tmp_path: Path, mechanism: str, suffix: str
) -> None:
    """Embeddings, queries, keys, values, scores, weights, new vectors, read out of each medium."""
    path, base = tmp_path / f"x.{suffix}", ("explain", "money bank grows", *MECHANISMS[mechanism])
    assert command(*base, "--steps", "-o", str(path), "--no-footer").code == 0
    record = json.loads(command(*base, "--steps", "--json").out)
    held = {
        n: np.array(record[n], np.float32)
        for n in ("embeddings", "scores", "weights", "contextual")
    }
    stages = _read(path).partition("1. embeddings")
    text = "1. embeddings" + stages[2]
    numbers, size = _numbers(text, "1"), held["embeddings"].size
    assert numbers[:size] == [f"{x:.7f}" for x in held["embeddings"].ravel()]
    vectors = [
        np.array(record[name], np.float32).reshape(3, -1) for name in ("query", "key", "value")
    ]
    if mechanism != "general":
        assert _numbers(text, "2") == [f"{x:.7f}" for part in vectors for x in part.ravel()]
        printed = np.array(numbers[size:], dtype=np.float64)
        for part in vectors:  # W_q, W_k, W_v make them
            width = held["embeddings"].shape[1] * part.shape[1]
            matrix, printed = printed[:width].reshape(-1, part.shape[1]), printed[width:]
            assert np.allclose(held["embeddings"] @ matrix, part, atol=1e-5)
        assert len(printed) == 0
    scores = held["scores"].ravel()
    assert np.allclose([float(n) for n in _numbers(text, "4")], scores, atol=5.1e-6)
    weights = [f"{x:.4f}" for x in held["weights"].ravel()]
    assert _numbers(text, "5")[-len(weights) :] == weights
    new = [float(n) for n in _numbers(text, "6")]
    assert np.allclose(new, held["contextual"].ravel(), atol=5.1e-4)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX on this machine")
@pytest.mark.parametrize("preamble", ["", r"\usepackage[table]{xcolor}\usepackage{graphicx}"])
def test_a_tex_file_is_a_document_and_a_part_of_one(
    command: Callable, tmp_path: Path, preamble: str
) -> None:
    """pdfLaTeX compiles it alone, and twice inside another document, with and without packages."""
    words = 'money "bank" _grows_ $x^2 50% שלום é'
    made = ("--steps", "--row", "grows", *MECHANISMS["general"], "-o", str(tmp_path / "part.tex"))
    assert command("explain", words, *made).code in (0, 2)
    made = ("--steps", *MECHANISMS["general"], "-o", str(tmp_path / "part.tex"))
    assert command("explain", words, *made).code == 0
    (tmp_path / "main.tex").write_text(
        f"\\documentclass{{article}}{preamble}\\begin{{document}}\n"
        "Before \\input{part.tex} between \\input{part.tex} after.\n\\end{document}\n"
    )
    for name in ("part.tex", "main.tex"):
        done = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", name],
            cwd=tmp_path,
            capture_output=True,
        )
        assert done.returncode == 0, done.stdout.decode("utf-8", "replace")[-800:]


def test_stages_of_a_pdf_stand_on_sheets(command: Callable, tmp_path: Path) -> None:
    """The heat map, then the stages; the same bytes each time."""
    pytest.importorskip("typst")
    path = tmp_path / "x.pdf"
    for _ in range(2):
        first = path.read_bytes() if path.exists() else b""
        assert (
            command(
                "explain", "a b c d e f g", "--steps", *MECHANISMS["task"], "-o", str(path)
            ).code
            == 0
        )
    assert path.read_bytes() == first
    count = re.search(rb"/Count (\d+)", first)
    assert count is not None
    assert int(count[1]) >= 3


@pytest.mark.parametrize("suffix", PAPERS)
def test_a_page_of_two_sentences_says_what_changed(
    command: Callable, tmp_path: Path, suffix: str
) -> None:
    """Both sentences with their weights, and the word's change in numbers of the record."""
    path, given = (
        tmp_path / f"x.{suffix}",
        ("money bank grows", "river bank flows", "--word", "bank"),
    )
    assert command("compare", *given, "-o", str(path), "--no-footer").code == 0
    record = json.loads(command("compare", *given, "--json").out)
    text = re.sub(
        r"<[^>]*>|\\textperiodcentered\{\}|\{|\}", "", html.unescape(path.read_text("utf-8"))
    )
    assert "What changed for bank" in text
    own = [
        f"{pull['weight']:.3f}"
        for s in record["sentences"]
        for pull in s["row"]
        if pull["word"] == "bank"
    ]
    assert f"bank gives itself the weight {own[0]} in 1, {own[1]} in 2" in text
    assert f"cosine 1.000 before attention, {record['cosine']['after'][0][1]:.3f} after" in text


@pytest.mark.parametrize("suffix", ["html", "tex", "svg"])
@pytest.mark.parametrize("name", ["explain", "compare", "against"])
def test_print_without_colors_has_every_weight_and_the_scale(
    command: Callable, tmp_path: Path, name: str, suffix: str
) -> None:
    """Each colored cell has its number, and the colors' scale has its eleven."""
    path = tmp_path / f"x.{suffix}"
    more = {"compare": ("river bank flows", "--word", "bank"), "against": AGAINST[2:]}.get(name, ())
    kind = "compare" if name == "compare" else "explain"
    assert command(kind, "money bank grows", *more, "-o", str(path), "--no-footer").code == 0
    text = path.read_text("utf-8")
    cell, scale = {
        "html": (r'<td class="w\d+"[^>]*>(.*?)</td>', r'<li class="w\d+">(.*?)</li>'),
        "tex": (r"\\cellcolor.*?\{([\d.]*)\}(?= &| \\)", r"\\colorbox.*\{([\d.]+)\}\}"),
        "svg": (r'height="32"[^>]*/><text[^>]*>(.*?)<', r'font-size="12">(.*?)<'),
    }[suffix]
    cells = re.findall(cell, text)
    assert len(cells) >= 9
    assert all(re.fullmatch(r"[01]\.\d\d+", number) for number in cells)
    assert [f"{step / 10:.1f}" for step in range(11)] == re.findall(scale, text)[-11:]


AGAINST = ("explain", "money bank grows", *MECHANISMS["task"], "--against", "general")


@pytest.mark.parametrize("suffix", PAPERS)
def test_general_attention_beside_another_is_handed_in(
    command: Callable, tmp_path: Path, suffix: str
) -> None:
    """Both matrices, in order, and the greatest differences are those of the JSON."""
    path = tmp_path / f"x.{suffix}"
    assert command(*AGAINST, "-o", str(path)).code == 0
    record = json.loads(command(*AGAINST, "--json").out)
    text = path.read_text("utf-8").rpartition("<body")[2].replace(r"0.48\linewidth", "")
    assert shlex.split(_footer(path)) == ["attn", *AGAINST, "-o", str(path)]
    if suffix == "tex":
        text = re.sub(r"\\(text|cell)color\[HTML\]\{\w+\}|[{}]", "", text)
    shown = re.findall(r"(?<![\w.])[+-]?\d\.\d\d(?![\d\w])", re.sub(r"<[^>]*>", " ", text))
    pair = (np.array(record[name]["weights"]).ravel() for name in ("general", "task"))
    both = [f"{x:.2f}" for weights in pair for x in weights]
    assert shown[: len(both)] == both
    rest = shown[len(both) : len(both) + 3 * len(record["differences"])]
    for (one, two, _), cell in zip(
        zip(*[iter(rest)] * 3, strict=True), record["differences"], strict=True
    ):
        assert (one, two) == (f"{cell['general']:.2f}", f"{cell['task']:.2f}")


@pytest.mark.parametrize("d_v", ["12", "50"])
def test_a_file_against_general_names_the_words_near_general_vectors(
    command: Callable, tmp_path: Path, d_v: str
) -> None:
    """They are looked for among the words as they are, as the terminal does, whatever W_v makes."""
    task = ("--attention", "task", "--heads", "2", "--d-v", d_v)
    given = ("explain", "money bank grows", *task, "--against", "general")
    path = tmp_path / "x.md"
    assert command(*given, "-o", str(path)).code == 0
    shown = command(*given).text.splitlines()
    near = [line.strip() for line in shown[-3:]]
    assert near[0].startswith("money: ")
    assert all(f"- {line}" in path.read_text("utf-8") for line in near)


def test_two_sentences_against_general_are_one_file(command: Callable, tmp_path: Path) -> None:
    """Hostile words stay text; a table of numbers alone is refused."""
    path = tmp_path / "x.html"
    ended = command(*AGAINST, "<b>bank</b> & $x$ grows", "-o", str(path))
    assert ended.code == 0
    assert "<b>bank" not in path.read_text("utf-8")
    assert command(*AGAINST, "-o", str(tmp_path / "x.csv")).code == 2
