"""Own matrices on the command line: said to be given everywhere, wrong ones told in one line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from attncli import read
from attncli.results.result import AttentionResult

INLINE = ("--inline", "money=1,0;bank=0,1;grows=1,1")
OWN = (*INLINE, "--w-q", "1,0;0,1|0,1;1,0", "--w-v", "1,2;3,4|0,1;1,0")
SAID = "given W_q, W_v; W_k the identity"
TEXT = "money bank grows"
EXERCISE = """
sentence = "money bank grows"

[vectors]
money = [1, 0]
bank = [0.8, 0.6]
grows = "0,1 0,9"

[matrices]
W_q = [[1, 0], [0, 1]]
W_k = "0,1; 1,0"
"""


@pytest.mark.parametrize("manner", [(), ("--speak",), ("--steps", "--row", "bank"), ("--json",)])
@pytest.mark.parametrize("part", [(), ("--head", "0"), ("--agg", "mean"), ("--hide", "grows")])
def test_every_way_of_showing_says_given(command: Callable, manner: tuple, part: tuple) -> None:
    """Neither untrained nor learned; with W_o too."""
    if "--steps" in manner and "--agg" in part:
        return  # the two exclude each other
    for more, said in ((), SAID), (("--w-o", "1;2;3;4"), "given W_q, W_v, W_o; W_k the identity"):
        ended = command("explain", TEXT, *OWN, *more, *part, *manner)
        assert ended.code == 0, ended.said
        text = " ".join(ended.out.decode().split())  # lines may be folded
        assert said in text
        assert not any(word in text for word in ("untrained", "learned", "model given"))


@pytest.mark.parametrize("suffix", ["html", "svg", "md", "tex", "json", "jsonl", "npz", "csv"])
def test_a_record_survives_every_format(command: Callable, tmp_path: Path, suffix: str) -> None:
    """What is read back is what was written, and says given; a table says what it lacks."""
    path = tmp_path / f"out.{suffix}"
    include = ("--include", "embeddings,query,key,value,scores,measures")
    ended = command("explain", TEXT, *OWN, *include, "-o", str(path))
    assert ended.code == 0
    if suffix == "csv":
        assert "nor that the matrices were given" in ended.said
        assert read(path)[0].weights.shape == (1, 2, 3, 3)
        return
    if suffix in ("html", "svg", "md", "tex"):
        assert SAID in path.read_text(encoding="utf-8").replace("\\", "")
        return
    (result,) = read(path)
    printed = json.loads(command("explain", TEXT, *OWN, *include, "--json").out)
    assert AttentionResult.from_dict(printed) == result
    assert (result.model.name, result.model.is_given, result.attention.n_heads) == (SAID, True, 2)
    again = tmp_path / "again.json"
    assert command("view", str(path), "-o", str(again)).code == 0
    assert read(again)[0].model == result.model


def test_a_batch_and_a_comparison_say_given(command: Callable, tmp_path: Path) -> None:
    """The record of a batch is that of one sentence; a comparison names the matrices."""
    explained = json.loads(command("explain", TEXT, *OWN, "--json").out)
    (tmp_path / "in.txt").write_text(f"{TEXT}\n", encoding="utf-8")
    batched = json.loads(command("batch", str(tmp_path / "in.txt"), *OWN).out)
    assert batched["model"] == explained["model"]
    assert batched["attention"] == explained["attention"]
    compared = command("compare", TEXT, "bank grows", *OWN, "--word", "bank", "--json")
    assert SAID in json.loads(compared.out)["weights_of"]
    beside = json.loads(command("explain", TEXT, *OWN, "--against", "general", "--json").out)
    assert beside["task"]["model"]["name"] == SAID


def test_an_exercise_is_the_same_as_its_options(command: Callable, tmp_path: Path) -> None:
    """Sentence, vectors and matrices of one file; TOML and JSON say the same."""
    toml, as_json = tmp_path / "e x.toml", tmp_path / "naïve.json"
    toml.write_text(EXERCISE, encoding="utf-8")
    record = {
        "sentence": TEXT,
        "vectors": {"money": [1, 0], "bank": [0.8, 0.6], "grows": [0.1, 0.9]},
        "matrices": {"W_q": [[1, 0], [0, 1]], "W_K": [[0, 1], [1, 0]]},
    }
    as_json.write_text(json.dumps(record), encoding="utf-8")
    typed = ("--inline", "money=1,0;bank=.8,.6;grows=.1,.9", "--w-q", "1,0;0,1", "--w-k", "0,1;1,0")
    expected = json.loads(command("explain", TEXT, *typed, "--json").out)
    for path in (toml, as_json):
        ended = json.loads(command("explain", "--matrices", str(path), "--json").out)
        assert ended["vectors"].pop("name") == path.name
        assert ended == {**expected, "vectors": ended["vectors"]}
    named = command("explain", "bank bank", "--matrices", str(toml), "--json")
    assert json.loads(named.out)["text"] == "bank bank"


def test_an_exercise_may_choose_how_its_matrices_act(command: Callable, tmp_path: Path) -> None:
    """As the options do; an option that is given counts more, and a batch knows them apart."""
    path, plain = tmp_path / "e.toml", tmp_path / "p.toml"
    plain.write_text(EXERCISE, encoding="utf-8")
    chosen = 'causal = true\nwindow = 1\nscore = "dot"\ntemperature = 2\npositions = "rope"\n'
    path.write_text(chosen + EXERCISE, encoding="utf-8")
    options = ("--causal", "--window", "1", "--score", "dot", "--positions", "rope")
    read_from = json.loads(command("explain", "--matrices", str(path), "--json").out)
    typed = ("explain", "--matrices", str(plain), "--json", *options, "--temperature")
    given = json.loads(command(*typed, "2").out)
    for name in ("attention", "weights", "contextual", "model"):
        assert read_from[name] == given[name]
    other = ("explain", "--matrices", str(path), "--json", "--temperature", "3")
    assert (
        json.loads(command(*other).out)["weights"]
        == json.loads(command(*typed, "3").out)["weights"]
    )
    lines, out = tmp_path / "in.txt", tmp_path / "out.jsonl"
    lines.write_text(f"{TEXT}\n", encoding="utf-8")
    batch = ("batch", str(lines), "--matrices", str(path), "-o", str(out), "--workers", "1")
    assert command(*batch).code == 0
    path.write_text(chosen.replace("2", "3") + EXERCISE, encoding="utf-8")
    assert command(*batch, "--resume").code == 11


def test_a_matrix_in_a_file_is_read(command: Callable, tmp_path: Path) -> None:
    """Lines are rows, a bar parts heads, comments are left out."""
    file = tmp_path / "W q.txt"
    text = "# head 0; of 2 | heads\n1 0 # a row\n0,0 1\n|\n\n0 1\n1 0\n"
    file.write_text(text, encoding="utf-8")
    read_from = command("explain", TEXT, *INLINE, "--w-q", f"@{file}", "--json")
    assert read_from.code == 0, read_from.said
    typed = command("explain", TEXT, *INLINE, "--w-q", "1,0;0,1|0,1;1,0", "--json")
    assert read_from.out == typed.out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        *(("1 0\n0 x\n", 'W.txt:2: row 2: found "x"'), ("1 0\n\n0\n", "W.txt:3: row 2 has 1")),
        *(("", "W.txt: found no numbers"), ("1 0\n0 nan\n", 'W.txt:2: row 2: found "nan"')),
        *(("1 2 3\n", "W.txt: W_q is 1 × 3, the vectors"), ("1,500 2,250", "W.txt:1: cannot tell")),
    ],
)
def test_a_wrong_file_is_told_with_its_line(
    command: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, said: str
) -> None:
    """FILE:LINE, and code 5."""
    monkeypatch.chdir(tmp_path)
    Path("W.txt").write_text(content, encoding="utf-8")
    ended = command("explain", TEXT, *INLINE, "--w-q", "@W.txt")
    assert (ended.code, len(ended.said.splitlines())) == (5, 1)
    assert said in ended.said


@pytest.mark.parametrize(
    ("given", "said", "code"),
    [
        *((("--w-q", "1,2;3"), "--w-q: row 2 has 1 number", 2), (("--w-q", ""), "--w-q: found", 2)),
        *((("--w-k", "@/nope/W"), "/nope/W: cannot open", 6), (("--w-o", "1,2"), "--w-o: W_o", 2)),
        (("--w-q", "1,0;0,1", "--heads", "2"), "--heads: found it, but the matrices say it", 2),
        (("--w-q", "1,0;0,1", "--model", "idioms"), "--w-q: found it, but the model says", 2),
        (("--w-q", "1,0;0,1", "--score", "cosine"), "--score: found cosine", 2),
        (("--w-q", "1,0;0,1", "--positions", "relative"), "--positions: found relative", 2),
        (("--w-q", ";".join(["1,2"] * 3)), "3 × 2, the vectors", 2),
        (("--w-q", "|".join(["1,0;0,1"] * 300)), "300 heads, expected at most 256", 8),
        (("--w-q", ";".join([",".join(["0"] * 5000)] * 2)), "5,000 columns", 8),
        (("--w-q", "1e30,0;0,1", "--w-k", "1e30,0;0,1", "--w-v", "1e38,0;0,1e38"), None, 0),
        (("--w-v", "3e38,3e38;3e38,3e38"), "would not be finite", 13),
    ],
)
def test_wrong_matrices_are_told_in_one_line(
    command: Callable, given: tuple, said: str | None, code: int
) -> None:
    """The option, what was found, what was expected."""
    ended = command("explain", TEXT, *INLINE, *given, "-q")
    assert ended.code == code, ended.said
    if said is not None:
        assert said in ended.said
        assert len(ended.said.splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        *(("vektors = 1", 'found "vektors"'), ("sentence = 1", "a sentence is no text")),
        *(("[vectors]\na = []", "row 1 is no list"), ("[vectors]\na = [nan]", "finite number")),
        *(("[vectors]\na = [1]\nb = [1, 2]", '"b": found 2 numbers'), ("vectors = 3", "no words")),
        *(("score = 3\n[matrices]", "score: found"), ("temperature = nan", "temperature: found")),
        *(("causal = 'yes'", "causal: found"), ("window = -1", "window: found the number -1")),
        *(("[matrices]\nW_z = 1", 'found "W_z"'), ("[matrices]\nW_q = 1", "W_q: found no rows")),
        *(("[matrices]\nW_q = [[1], [2, 3]]", "W_q: row 2 has 2"), ("a = ", "no TOML")),
        *(('{"matrices": {"W_q": [[1]], "W_q": [[1]]}}', "twice"), ("{", "no JSON")),
        *(('{"matrices": {"W_q": [[1e999]]}}', "too large"), ("", "found no matrices")),
        *(('{"matrices": {"W_q": [["1"]]}}', 'found "1"'), ("[matrices]", "found no matrices")),
        *(('{"vectors": {"a": [1, 2]}, "matrices": {"W_q": [[1]]}}', "1 × 1, the vectors"),),
        *(("[matrices]\nW_q = '1,x'", 'W_q: row 1: found "x"'), ("{" * 99999, "no JSON")),
        *(("[vectors]\n" + "a" * 99 + " = 'x'", "finite number"), ("\ufeff[matrices]", "no matri")),
    ],
)
def test_a_wrong_exercise_is_told_in_one_line(
    command: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, said: str
) -> None:
    """The file, the matrix or the word, and the row."""
    monkeypatch.chdir(tmp_path)
    Path("e.toml").write_text(content, encoding="utf-8")
    ended = command("explain", "a b", "--matrices", "e.toml", "-q")
    assert ended.code == 5, ended.said
    assert said in ended.said
    assert ended.said.startswith("attn: error: e.toml")
    assert len(ended.said.splitlines()) == 1


def test_a_batch_goes_on_only_with_the_same_matrices(command: Callable, tmp_path: Path) -> None:
    """What an option or its file holds is part of the run; how it is written is not."""
    lines, out = tmp_path / "in.txt", tmp_path / "out.jsonl"
    lines.write_text(f"{TEXT}\n", encoding="utf-8")
    file = tmp_path / "W.txt"
    file.write_text("1 2\n3 4\n", encoding="utf-8")
    base = ("batch", str(lines), *INLINE, "-o", str(out), "--workers", "1")
    assert command(*base, "--w-q", f"@{file}").code == 0
    assert command(*base, "--w-q", "1,2;3,4", "--resume").code == 0
    file.write_text("1 2\n3 5\n", encoding="utf-8")
    assert command(*base, "--w-q", f"@{file}", "--resume").code == 11
