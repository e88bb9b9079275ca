"""Laws of `--why`: six lines, every number worked out of the sentence; and of the line that points there."""

import json
import math
import re

import numpy as np
import pytest

from attncli.cli.explain import POINTER
from attncli.views.ink import width_of

SENTENCES = (
    *("money bank grows", "river bank flows", "dogs chase cats", "money", "money bank", "qwrtzx"),
    *("पैसा बैंक बढ़ता है", "a b c d e f g h i j k l", "bank bank bank", "a\x1b[31m b c"),
)
MECHANISMS = (
    (),
    ("--score", "dot"),
    ("--score", "cosine", "--temperature", "0.3"),
    ("--causal",),
    ("--no-self",),
    ("--target-self", "0.7"),
    ("--preset", "by-hand"),
    ("--preset", "lecture"),
    ("--model", "lecture"),
    ("--model", "idioms"),
    ("--attention", "task", "--heads", "2", "--positions", "relative"),
)
LABELS = ("weights", "vectors", "scale", "temperature", "symmetry")


def why(command, text, *options):
    """The six lines by their labels, and the record of the same sentence."""
    ended = command("explain", text, *options, "--why", "--quiet")
    assert ended.code == 0, ended.said
    lines = ended.text.split("\n\n")[1].splitlines()
    said = {line[:13].strip(): line[13:] for line in lines}
    fields = ("--include", "embeddings,query,key,scores")
    record = json.loads(command("explain", text, *options, "--json", "--quiet", *fields).text)
    return lines, said, record


def softmax(row):
    """By a loop."""
    powers = [math.exp(value - max(row)) for value in row]
    return [power / math.fsum(powers) for power in powers]


@pytest.mark.parametrize("options", MECHANISMS)
@pytest.mark.parametrize("sentence", SENTENCES)
def test_six_lines_of_eighty_columns(command, sentence, options):
    """Whatever the sentence and the mechanism; their numbers are those of the record."""
    if "--target-self" in options and len(set(sentence.split())) < 2:
        return  # no temperature gives it
    lines, said, record = why(command, sentence, *options)
    assert len(lines) == len(said) == 6
    assert max(map(width_of, lines)) <= 80
    assert tuple(said)[:5] == LABELS
    weights = np.array(record["weights"])[0, 0]
    assert f"→ itself: {weights[0, 0]:.3f}" in said["weights"]
    assert record["vectors"]["name"][:19] in said["vectors"]
    assert said["temperature"].startswith(f"{record['attention']['temperature']:.4g}; ")
    scores = np.array(record["scores"])[0, 0]
    symmetric = np.abs(scores - scores.T).max() <= 1e-4 * max(1, np.abs(scores).max())
    if len(weights) > 2:
        one, other = (math.prod(weights[i, j] for i, j in way) for way in (_ROUND, _BACK))
        assert f"{one:.2g}" in said["symmetry"] or one == 0
        assert symmetric == ("s₁₂ = s₂₁" in said["symmetry"])
        assert math.isclose(one, other, rel_tol=1e-4, abs_tol=1e-30) or not symmetric
        if not symmetric:
            assert f"= {one:.2g}, w₁₃w₃₂w₂₁ = {other:.2g}" in said["symmetry"]


_ROUND, _BACK = ((0, 1), (1, 2), (2, 0)), ((0, 2), (2, 1), (1, 0))


def test_the_scale_and_the_temperature_are_worked_out(command):
    """Plain products by loops over the embeddings; the temperature gives what is said of it."""
    for sentence in ("money bank grows", "dogs chase cats"):
        _, said, record = why(command, sentence)
        vectors = record["embeddings"]
        plain = softmax(
            [math.fsum(a * b for a, b in zip(vectors[0], x, strict=True)) for x in vectors]
        )
        assert said["scale"].endswith(": " + " ".join(f"{weight:.3f}" for weight in plain))
        dot = json.loads(command("explain", sentence, "--score", "dot", "--json", "-q").text)
        np.testing.assert_allclose(dot["weights"][0][0][0], plain, atol=1e-5)
        found = re.search(
            r"at ([\d.]+) the mean self-weight is 0\.7: ([\d. ]+)$", said["temperature"]
        )
        options = ("--temperature", found[1], "--json")
        there = np.array(json.loads(command("explain", sentence, *options).text)["weights"])[0, 0]
        assert np.trace(there) / 3 == pytest.approx(0.7, abs=1e-3)
        np.testing.assert_allclose(there[0], [float(n) for n in found[2].split()], atol=1e-3)


def test_the_lectures_sentence(command):
    """0.78 here and 0.7 in the notes; 0.001 and 0.005 that no symmetric scores can give."""
    _, said, _ = why(command, "money bank grows")
    assert said["weights"] == "money → itself: 0.779 here, 0.7 in the notes"
    assert "(--score dot): 1.000 0.000 0.000" in said["scale"]
    assert said["symmetry"].endswith("; notes 0.001, 0.005")
    assert said["the notes"] == 'attn explain "money bank grows" --model lecture'
    _, said, _ = why(command, "money bank grows", "--model", "lecture")
    assert said["symmetry"].startswith("none: w₁₂w₂₃w₃₁ = 0.001, w₁₃w₃₂w₂₁ = 0.005")
    assert said["general"] == 'attn explain "money bank grows"'


def test_the_command_that_it_names_shows_the_notes(command):
    """What the last line says works when typed."""
    for sentence, first in (("Money bank grows", 0.7), ("river bank flows", 0.8), ("dogs", 0.7)):
        _, said, _ = why(command, sentence)
        arguments = re.fullmatch(r'attn explain "(.*)" --model (\w+)', said["the notes"]).groups()
        record = json.loads(
            command("explain", arguments[0], "--model", arguments[1], "--json").text
        )
        assert record["weights"][0][0][0][0] == pytest.approx(first, abs=5e-4)


@pytest.mark.parametrize("options", [(), ("--ascii",), ("--color", "always")])
def test_narrow_terminals_have_it_too(command, options):
    """No line is wider than 40 columns, and nothing is lost."""
    wide = command("explain", "money bank grows", "--why", *options[:1]).text
    text = command("explain", "money bank grows", "--why", "--width", "40", *options).text
    plain = re.sub(r"\x1b\[[\d;]*m", "", text)
    assert all(width_of(line) <= 40 for line in plain.splitlines())
    if "--color" not in options:
        assert plain.split() == wide.split()


@pytest.mark.parametrize("option", ["--json", "--steps", "--speak", "--diagram"])
def test_one_view_at_a_time(command, option):
    """Two of them are refused."""
    ended = command("explain", "money", "--why", option)
    assert (ended.code, ended.out) == (2, b"")


def test_files_hold_the_reasons(command, tmp_path):
    """Page, Markdown and TeX; of other files it is said that they hold none."""
    for suffix in ("html", "md", "tex"):
        path = tmp_path / f"x.{suffix}"
        assert command("explain", "money bank grows", "--why", "-o", str(path)).code == 0
        text = path.read_text(encoding="utf-8").replace("~", " ")
        assert "in the notes" in text
        assert "1.000 0.000 0.000" in text
    ended = command("explain", "money", "--why", "-o", str(tmp_path / "x.csv"))
    assert "--why has no effect" in ended.said


def test_weights_of_others_have_no_reasons_here(command, tmp_path):
    """Saved results have, where they hold what it takes; a matrix alone is refused."""
    np.save(tmp_path / "w.npy", np.array([[0.9, 0.1], [0.25, 0.75]]))
    ended = command("view", str(tmp_path / "w.npy"), "--tokens", "a b", "--why")
    assert (ended.code, "weights of another tool" in ended.said) == (2, True)
    saved = tmp_path / "r.jsonl"
    fields = ("--include", "embeddings,query,key,scores")
    assert command("explain", "money bank grows", *fields, "-o", str(saved)).code == 0
    shown = command("view", str(saved), "--why").text
    assert shown == command("explain", "money bank grows", "--why").text


def test_a_result_without_words_has_no_reasons(command, tmp_path):
    """It is said, and nothing breaks; nor does the notation."""
    record = json.loads(command("explain", "money", "--json").text)
    empty = {"text": "", "tokens": [], "weights": [[[]]], "contextual": []}
    path = tmp_path / "r.json"
    path.write_text(json.dumps(record | empty))
    for more in (["--why"], ["--notation", "lecture"], ["--notation", "lecture", "-o", "x.svg"]):
        more = [str(tmp_path / part) if part == "x.svg" else part for part in more]
        ended = command("view", str(path), *more)
        assert ended.code in (0, 5), ended.said
        assert "internal error" not in ended.said


@pytest.mark.parametrize(
    ("options", "points"),
    [
        ((), True),
        (("--temperature", "2"), True),
        (("--quiet",), False),
        (("--show", "weights"), False),
        (("--json",), False),
        (("--speak",), False),
        (("--steps",), False),
        (("--why",), False),
        (("--top", "2"), False),
        (("--model", "lecture"), False),
        (("--preset", "by-hand"), False),
        (("--vectors", "random"), False),
        (("--attention", "task"), False),
    ],
)
def test_the_main_job_points_there(command, options, points):
    """The last line of all tables of general attention with the built-in vectors, and of nothing else."""
    ended = command("explain", "money bank grows", *options)
    assert (POINTER in ended.text) == points
    if points:
        assert ended.text.endswith(f"\n\n{POINTER}\n")
    assert command("explain", "money bank", "river").text.count(POINTER) == 1
