"""`attn compare` and `attn diff` as commands."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from attncli.views.ink import width_of

PAIR = ("money bank grows", "river bank flows")


def test_a_comparison_looks_as_agreed(command: Callable, golden: Callable) -> None:
    """The text at 80 columns is that of tests/golden."""
    golden("compare.txt", command("compare", *PAIR, "--width", "80").text)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_comparison_fits_and_loses_nothing(command: Callable, width: int) -> None:
    """Every point of the map is named in it or below it, at every width."""
    text = command("compare", *PAIR, "--width", str(width)).text
    assert max(width_of(line) for line in text.splitlines()) <= width
    record = json.loads(command("compare", *PAIR, "--json").out)
    flat = " ".join(text.split())
    drawn = flat[flat.index("map:") :]
    assert all(point["label"] in drawn for point in record["map"]["points"])


def test_the_json_of_a_comparison_is_whole(command: Callable) -> None:
    """Rows that sum to 1, cosines, vectors and neighbors, as strict JSON."""
    record = json.loads(command("compare", *PAIR, "--json").out)
    assert (record["type"], record["word"]) == ("comparison", "bank")
    one, other = record["sentences"]
    assert sum(cell["weight"] for cell in one["row"]) == pytest.approx(1, abs=1e-6)
    assert sum(cell["pull"] for cell in one["row"]) == pytest.approx(1, abs=1e-6)
    a, b = np.array(one["contextual"]), np.array(other["contextual"])
    after = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    assert record["cosine"]["after"][0][1] == pytest.approx(after)
    assert record["cosine"]["before"][0][1] == pytest.approx(1)
    assert len(one["nearest"]) == 5
    assert record["sentences"][0]["static"] == record["sentences"][1]["static"]


def test_vectors_without_a_vocabulary_can_be_compared(command: Callable) -> None:
    """Random vectors have no vocabulary: the nearest words are those of the sentences."""
    ended = command("compare", *PAIR, "--vectors", "random", "--json")
    assert ended.code == 0
    assert json.loads(ended.out)["neighbors_of"] == "the words of these sentences"


@pytest.mark.parametrize("suffix", ["html", "svg", "json", "md", "csv", "tsv"])
def test_a_comparison_is_written(command: Callable, tmp_path: Path, suffix: str) -> None:
    """Each format has the word, both sentences and the neighbors of the map."""
    path = tmp_path / f"c.{suffix}"
    assert command("compare", *PAIR, "-o", str(path)).code == 0
    text = path.read_text(encoding="utf-8")
    assert all(part in text for part in ("money", "flows", "bank"))
    if suffix == "svg":
        ElementTree.fromstring(text)
    if suffix == "html":
        assert "default-src 'none'" in text
        assert "securities" in text


def test_comparing_needs_two_sentences_and_a_word(command: Callable, tmp_path: Path) -> None:
    """What is missing is told as a usage error."""
    for arguments in (
        (PAIR[0],), ("one", "two"), (*PAIR, "--word", "tree"),
        (*PAIR, "-o", str(tmp_path / "x.npz")), (*PAIR, "--json", "-o", "x.svg"),
    ):  # fmt: skip
        ended = command("compare", *arguments)
        assert ended.code == 2, arguments
        assert ended.is_clean()


def test_a_saved_comparison_is_drawn_again(command: Callable, attn: Callable) -> None:
    """`compare --json | view -` prints what `compare` prints, and the same JSON again."""
    saved = attn("compare", *PAIR, "--json").out
    assert attn("view", "-", stdin=saved).text == command("compare", *PAIR).text
    assert attn("view", "-", "--json", stdin=saved).out == saved
    assert attn("diff", "-", "-x", stdin=saved).code == 2
    damaged = json.loads(saved)
    damaged["cosine"]["after"] = [[1.0]]
    ended = attn("view", "-", stdin=json.dumps(damaged).encode())
    assert ended.code == 5
    assert ended.is_clean()


def test_diff_says_equal_or_different(command: Callable, tmp_path: Path) -> None:
    """Exit 0 and 1; the worst cell is named; --tol covers it; --quiet says nothing."""
    one, other = str(tmp_path / "a.json"), str(tmp_path / "b.json")
    command("explain", PAIR[0], "-o", one)
    command("explain", PAIR[0], "--temperature", "1.1", "-o", other)
    assert command("diff", one, one).code == 0
    ended = command("diff", one, other)
    assert ended.code == 1
    assert "most at grows → grows" in ended.text
    assert "attention.temperature" in ended.text
    assert command("diff", one, other, "--tol", "0.1").code == 0
    quiet = command("diff", one, other, "--quiet")
    assert (quiet.code, quiet.out, quiet.err) == (1, b"", b"")
    record = json.loads(command("diff", one, other, "--json").out)
    assert record["equal"] is False
    assert record["sentences"][0]["changes"][0]["worst"]["index"] == [0, 0, 2, 2]


def test_a_difference_looks_as_agreed(command: Callable, golden: Callable, tmp_path: Path) -> None:
    """The text at 80 columns is that of tests/golden."""
    one, other = str(tmp_path / "a.json"), str(tmp_path / "b.json")
    command("explain", PAIR[0], "-o", one)
    command("explain", PAIR[0], "--temperature", "1.1", "-o", other)
    golden("diff.txt", command("diff", one, other, "--width", "80").text)


def test_diff_reads_stdin_and_matrices(attn: Callable, tmp_path: Path) -> None:
    """A stream is compared with a file, also with another tool's array."""
    saved = attn("explain", PAIR[0], "--json").out
    (tmp_path / "a.json").write_bytes(saved)
    assert attn("diff", "a.json", "-", stdin=saved).code == 0
    np.save(tmp_path / "a.npy", np.array(json.loads(saved)["weights"]))
    assert attn("diff", "a.json", "a.npy").code == 0


def test_diff_ends_with_the_code_of_what_went_wrong(command: Callable, tmp_path: Path) -> None:
    """Neither 0 nor 1 when nothing could be compared."""
    path = tmp_path / "a.json"
    path.write_text("{", encoding="utf-8")
    assert command("diff", str(path), str(path)).code == 5
    assert command("diff", str(tmp_path / "none"), str(path)).code == 6
    assert command("diff", str(path), str(path), "--tol", "nan").code == 2
    assert command("diff", "-", "-").code == 2


def test_shares_are_the_same_percent_in_every_view(command: Callable, tmp_path: Path) -> None:
    """They add up to 100 on the terminal, in Markdown and in the page."""
    texts = ("the money in the bank grows on every loan", "the river near the bank flows")
    shown = command("compare", *texts, "--word", "bank", "--top", "20").text
    expected = re.findall(r"(-?\d+) % of its way", shown)
    assert len(expected) == 13
    for suffix, cell in (("md", r"\| (-?\d+)% \|"), ("html", r"<td>(-?\d+)%</td>")):
        path = tmp_path / f"out.{suffix}"
        assert command("compare", *texts, "--word", "bank", "-o", str(path)).code == 0
        assert re.findall(cell, path.read_text(encoding="utf-8")) == expected
