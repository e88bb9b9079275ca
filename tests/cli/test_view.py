"""`attn view`, and the options of showing that `explain` shares with it."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

SENTENCE = "money bank grows"


def test_a_saved_result_is_drawn_as_it_was(command: Callable, attn: Callable) -> None:
    """`explain --json | view -` prints the tables that `explain` prints."""
    saved = attn("explain", SENTENCE, "--json").out
    shown = command("explain", SENTENCE, "--show", "weights,equations")
    assert attn("view", "-", stdin=saved).text == shown.out.decode()


@pytest.mark.parametrize("suffix", ["json", "jsonl", "npz", "csv", "tsv"])
def test_what_is_written_can_be_viewed(command: Callable, tmp_path: Path, suffix: str) -> None:
    """Every data format of -o reads back with the same weights, and equations of what it holds."""
    path = str(tmp_path / f"out.{suffix}")
    assert command("explain", SENTENCE, "river bank flows", "-o", path).code == 0
    shown = command("view", path, "--show", "equations").out.decode()
    expected = command("explain", SENTENCE, "river bank flows", "--show", "equations").out.decode()
    if suffix in ("csv", "tsv"):  # these hold weights alone
        expected = re.sub(r"\(new\) =(.*)", lambda row: ":" + _listed(row[1]), expected)
    lines = re.compile(r"^  .*(?:\(new\) =|: \d).*$", re.MULTILINE)
    assert lines.findall(shown) == lines.findall(expected)
    assert len(lines.findall(shown)) == 6


def _listed(summands: str) -> str:
    return summands.replace("·", " ").replace(" +", ";")


@pytest.mark.parametrize("suffix", ["html", "svg", "md", "tex"])
def test_pictures_are_written_whole(command: Callable, tmp_path: Path, suffix: str) -> None:
    """A file of another suffix appears with the words in it, and nothing else in the folder."""
    path = tmp_path / f"out.{suffix}"
    ended = command("explain", SENTENCE, "-o", str(path))
    assert (ended.code, ended.out) == (0, b"")
    assert "grows" in path.read_text(encoding="utf-8")
    assert list(tmp_path.iterdir()) == [path]


def test_an_unknown_suffix_and_a_closed_folder_are_told(command: Callable, tmp_path: Path) -> None:
    """Before anything is computed, or before anything is written."""
    assert command("explain", SENTENCE, "-o", str(tmp_path / "x.doc")).code == 2
    ended = command("explain", SENTENCE, "-o", str(tmp_path / "none" / "x.svg"))
    assert ended.code == 9
    assert ended.is_clean()


def test_the_page_holds_what_a_slider_needs(command: Callable, tmp_path: Path) -> None:
    """The scores of `-o page.html` are those of `--include scores`, neighbors are named."""
    path = tmp_path / "page.html"
    command("explain", SENTENCE, "-o", str(path))
    text = path.read_text(encoding="utf-8")
    data = json.loads(re.search(r'application/json">(.*?)</script>', text)[1])  # type: ignore[index]
    assert len(data["before"][1]) == 5
    import base64

    held = np.frombuffer(base64.b64decode(data["scores"]), dtype="<f4")
    record = json.loads(command("explain", SENTENCE, "--json", "--include", "scores").out)
    assert np.allclose(held, np.ravel(record["scores"]), atol=1e-6)


def test_layers_and_heads_are_chosen(command: Callable, tmp_path: Path) -> None:
    """--layer, --head, --agg choose; the numbers are those of the array."""
    weights = np.random.default_rng(0).dirichlet(np.ones(3), size=(4, 2, 3)).astype(np.float32)
    np.save(tmp_path / "a.npy", weights)
    base = ("view", str(tmp_path / "a.npy"), "--tokens", "a b c", "--json")

    def shown(*options: str) -> np.ndarray:
        return np.array(json.loads(command(*base, *options).out)["weights"])

    assert np.allclose(shown("--layer", "-1", "--head", "1")[0, 0], weights[3, 1], atol=1e-7)
    assert np.allclose(
        shown("--layer", "1-2", "--agg", "mean")[:, 0], weights[1:3].mean(1), atol=1e-6
    )
    assert np.allclose(shown("--agg", "max:heads,layers")[0, 0], weights.max((0, 1)), atol=1e-7)
    assert command(*base, "--layer", "4").code == 2
    assert command(*base, "--agg", "median").code == 2


def test_many_matrices_are_not_all_printed(command: Callable, tmp_path: Path) -> None:
    """The last layer is shown, of more than four heads their mean, and stderr says so."""
    weights = np.random.default_rng(0).dirichlet(np.ones(3), size=(4, 3, 3)).astype(np.float32)
    np.save(tmp_path / "a.npy", weights)
    ended = command("view", str(tmp_path / "a.npy"), "--show", "weights")
    assert ended.code == 0
    weights = np.random.default_rng(0).dirichlet(np.ones(3), size=(12, 5, 3)).astype(np.float32)
    np.save(tmp_path / "b.npy", weights)
    ended = command("view", str(tmp_path / "b.npy"), "--show", "weights")
    assert "mean of the last layer's heads" in ended.said
    assert "mean of heads 0–4" in " ".join(ended.text.split())
    np.save(tmp_path / "c.npy", weights[:, :3])
    ended = command("view", str(tmp_path / "c.npy"), "--show", "weights")
    assert "shown is the last layer;" in ended.said
    assert ended.text.count("head ") == 3


def test_pieces_become_words_and_special_tokens_go(command: Callable, tmp_path: Path) -> None:
    """--merge joins ##pieces, --hide takes a token out; rows still sum to 1."""
    weights = np.random.default_rng(1).dirichlet(np.ones(4), size=4).astype(np.float32)
    np.save(tmp_path / "a.npy", weights)
    ended = command(
        "view", str(tmp_path / "a.npy"), "--tokens", "[CLS] embed ##ding ok", "--merge",
        "--hide", "[CLS]", "--json",
    )  # fmt: skip
    record = json.loads(ended.out)
    assert [token["text"] for token in record["tokens"]] == ["embedding", "ok"]
    assert np.allclose(np.sum(record["weights"], axis=-1), 1, atol=1e-6)
    assert "[CLS]" in ended.said


def test_tokens_come_from_a_file_and_a_pair(command: Callable, tmp_path: Path) -> None:
    """@FILE has one token a line, blanks included; --pair adds those of the second sentence."""
    np.save(tmp_path / "a.npy", np.eye(3, dtype=np.float32))
    (tmp_path / "t.txt").write_text("New York\nis\n", encoding="utf-8")
    ended = command(
        "view", str(tmp_path / "a.npy"), "--tokens", f"@{tmp_path}/t.txt", "--pair", "big", "--json"
    )
    assert [token["text"] for token in json.loads(ended.out)["tokens"]] == ["New York", "is", "big"]
    assert command("view", str(tmp_path / "a.npy"), "--tokens", "a b").code == 5


def test_failed_sentences_of_a_batch_are_counted(command: Callable, attn: Callable) -> None:
    """An error record is said and the others are drawn; the exit code is 3."""
    good = attn("explain", SENTENCE, "--json").out
    bad = b'{"type":"error","schema":"1.0","index":1,"line":2,"code":"empty","message":"no word"}\n'
    ended = attn("view", "-", "--show", "weights", stdin=good + bad)
    assert ended.code == 3
    assert "no word" in ended.said
    assert "money" in ended.text


@pytest.mark.parametrize("width", ["40", "80", "200"])
@pytest.mark.parametrize(
    "options", [(), ("--top", "3"), ("--speak",), ("--steps",), ("--steps", "--row", "w7")]
)
def test_no_view_loses_a_word_or_a_digit(
    command: Callable, width: str, options: tuple[str, ...]
) -> None:
    """At 40, 80 and 200 columns the same words and numbers are printed, within the width."""
    words = " ".join(f"w{i}" for i in range(20))
    show = () if {"--steps", "--speak"} & set(options) else ("--show", "weights,equations,tokens")
    base = ("explain", words, "--vectors", "random", "--dim", "6", *options, *show)
    text = command(*base, "--width", width).text
    wide = command(*base, "--width", "10000").text
    number = re.compile(r"\d\.\d+")
    assert sorted(number.findall(text)) == sorted(number.findall(wide))
    if options != ("--steps", "--row", "w7"):
        assert all(f"w{i}" in text for i in range(20))
    if options != ("--speak",):
        assert max(len(line.rstrip()) for line in text.splitlines()[1:]) <= int(width)


def test_ascii_is_ascii(command: Callable) -> None:
    """--ascii prints no other character, in every view."""
    for options in ((), ("--steps",), ("--speak",), ("--top", "2")):
        ended = command("explain", "café “bank” बैंक", "--ascii", *options)
        assert ended.out.isascii()
        assert ended.code == 0


def test_options_that_exclude_each_other_say_so(command: Callable) -> None:
    """A wrong pair of options is a usage error that names both."""
    for options in (
        ("--json", "-o", "x.svg"), ("--speak", "--json"), ("--speak", "--steps"),
        ("--row", "bank"), ("--steps", "--row", "river"),
    ):  # fmt: skip
        ended = command("explain", SENTENCE, *options)
        assert ended.code == 2, options
        assert ended.is_clean()


def test_steps_in_json_hold_every_stage(command: Callable) -> None:
    """--steps --json has the arrays that the printed stages are made of."""
    record = json.loads(command("explain", SENTENCE, "--steps", "--json").out)
    scores = np.array(record["query"])[0, 0] @ np.array(record["key"])[0, 0].T / 50**0.5
    assert np.allclose(scores, record["scores"][0][0], atol=1e-5)
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights = powers / powers.sum(axis=1, keepdims=True)
    assert np.allclose(weights, record["weights"][0][0], atol=1e-6)
    assert np.allclose(weights @ np.array(record["value"])[0, 0], record["contextual"], atol=1e-5)


def test_the_strongest_words_look_as_agreed(command: Callable, golden: Callable) -> None:
    """--top 2 at 60 columns prints the text of tests/golden."""
    text = command("explain", SENTENCE, "--top", "2", "--show", "weights", "--width", "60").text
    golden("top.txt", text)


def test_other_names_of_rows_leave_those_of_columns(tmp_path, command):
    """A file's own names of the columns stay where only those of the rows are given."""
    file = tmp_path / "cross.json"
    whole = {"attention": [[0.5, 0.5, 0], [0.2, 0.3, 0.5]], "tokens": ["a", "b"]}
    file.write_text(json.dumps(whole | {"keys": ["x", "y", "z"]}))
    record = json.loads(command("view", str(file), "--tokens", "the house", "--json").text)
    assert [token["text"] for token in record["tokens"]] == ["the", "house"]
    assert [key["text"] for key in record["keys"]] == ["x", "y", "z"]


def test_a_map_of_all_heads_is_said_to_be_of_no_mean(tmp_path, command):
    """Many matrices are drawn into one on tables, and the note that says so stands there alone."""
    file = tmp_path / "many.npy"
    np.save(file, np.full((5, 5, 2, 2), 0.5))
    assert "shown is the mean" in command("view", str(file)).said
    mapped = command("view", str(file), "--map")
    assert "layer 4" in mapped.text
    assert "shown is the mean" not in mapped.said
