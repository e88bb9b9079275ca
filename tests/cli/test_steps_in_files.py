"""`--steps` acts beside --json and -o, or it is said that it does not."""

import html
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

ROW = ("--vectors", "random", "--dim", "4", "--steps", "--row", "cats", "--width", "100")
TEXTS = ("dogs chase cats", "cats `` ``` \\end{document} </pre> sleep")


def _read(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        return html.unescape("\n".join(re.findall(r"<pre>(.*?)</pre>", text, re.DOTALL)))
    if path.suffix == ".md":
        return text
    if path.suffix == ".svg":
        texts = re.findall(r"<text[^>]*xml:space[^>]*>(.*?)</text>", text)
        return html.unescape("\n".join(re.sub(r"<tspan[^>]*>|</tspan>", "", t) for t in texts))
    signs = {"cdot": "·", "-": "−", "infty": "∞", "surd": "√", "^{T}": "ᵀ", "Sigma": "Σ"}
    text = re.sub(r"\\\((?:\\)?(.+?)\\\)", lambda sign: signs.get(sign[1], sign[0]), text)
    lines = re.findall(r"^\\mbox\{(.*)\}\\par$", text, re.MULTILINE)
    plain = "\n".join(lines).replace("~", " ").replace("{-}", "-")
    names = {"textasciicircum": "^", "textless": "<", "textgreater": ">", "textbackslash": "\\"}
    plain = re.sub(r"\\(\w+)\{\}", lambda name: names.get(name[1], name[0]), plain)
    return plain.replace("\\_", "_")


@pytest.mark.parametrize("mechanism", [(), ("--attention", "task", "--heads", "2")])
@pytest.mark.parametrize("suffix", ["html", "md", "tex", "svg"])
def test_files_hold_every_stage(
    command: Callable, tmp_path: Path, suffix: str, mechanism: tuple
) -> None:
    """Each line that the terminal prints of the stages, in the order of the sentences."""
    path = tmp_path / f"out.{suffix}"
    ended = command("explain", *TEXTS, *ROW, *mechanism, "-o", str(path))
    assert ended.code == 0
    assert "no effect" not in ended.said
    read = _read(path)
    for text in TEXTS:
        shown = command("explain", text, *ROW, *mechanism).out.decode()
        stages = shown.partition("\n1. embeddings")[2].strip().splitlines()
        assert len(stages) > 20
        if suffix == "tex" and "`" in text:
            continue  # spelled as commands
        if suffix == "svg":  # an empty line is none
            stages = [line for line in stages if line]
        assert "\n".join(stages) in read


@pytest.mark.parametrize("suffix", ["html", "md", "tex", "svg"])
def test_a_saved_record_gives_the_same_stages(
    command: Callable, tmp_path: Path, suffix: str
) -> None:
    """`explain --steps -o x.json`, then `view --steps -o`."""
    saved, one, other = (tmp_path / name for name in ("a.json", f"b.{suffix}", f"c.{suffix}"))
    assert command("explain", TEXTS[0], *ROW[:-2], "-o", str(saved)).code == 0
    assert command("explain", TEXTS[0], *ROW, "--no-footer", "-o", str(one)).code == 0
    steps = ("--steps", "--row", "cats", "--width", "100", "--no-footer")
    assert command("view", str(saved), *steps, "-o", str(other)).code == 0
    assert _read(one) == _read(other)
    assert "e^(s − max s)" in _read(one)


@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_a_file_without_stages_says_so(command: Callable, tmp_path: Path, suffix: str) -> None:
    """A table of weights has no place for them."""
    ended = command("explain", TEXTS[0], *ROW[:-2], "-o", str(tmp_path / f"out.{suffix}"))
    assert ended.code == 0
    assert f"--steps, --row have no effect in a .{suffix} file" in ended.said


def test_json_holds_the_stages_as_numbers(command: Callable) -> None:
    """Queries, keys, values and scores; one row of them cannot be chosen."""
    ended = command("explain", TEXTS[0], *ROW[:-2], "--json")
    assert {"embeddings", "query", "key", "value", "scores"} <= set(json.loads(ended.out))
    assert "--row has no effect with --json" in ended.said
    assert "--steps" not in ended.said


def test_a_record_without_stages_is_not_written_with_them(
    command: Callable, tmp_path: Path
) -> None:
    """The message names what is missing, and no file appears."""
    saved = tmp_path / "a.json"
    assert command("explain", TEXTS[0], *ROW[:4], "-o", str(saved)).code == 0
    ended = command("view", str(saved), "--steps", "-o", str(tmp_path / "b.html"))
    assert ended.code == 5
    assert "holds no query" in ended.said
    assert not (tmp_path / "b.html").exists()
