"""Laws of `attn explain`: what it prints, what it prints as JSON, and that Python says the same."""

import json
import re

import numpy as np
import pytest
from schema import validator

import attncli
from attncli.errors import names_as
from attncli.insight.degenerate import degenerate
from attncli.mechanisms.general import GeneralSettings
from attncli.reading.reader import ReadingSettings
from attncli.results.result import AttentionResult


def records(ended):
    """The JSON lines on standard output, each held by the schema."""
    found = [json.loads(line) for line in ended.text.splitlines()]
    for record in found:
        validator().validate(record)
    return found


def test_the_main_job(command, golden):
    """Tokens, weights, equations, new embeddings and movement of the lecture's sentence."""
    ended = command("explain", "money bank grows")
    assert (ended.code, ended.said) == (0, "")
    golden("explain-first.txt", ended.text)
    assert "money(new) = 0.78·money + 0.19·bank + 0.03·grows" in ended.text


def test_the_same_in_a_process_of_its_own(attn, golden):
    """`python -m attncli` in an empty folder, with its output in a pipe: plain text, 80 columns."""
    ended = attn("explain", "money bank grows", env={"HOME": None})
    assert (ended.code, ended.said) == (0, "")
    golden("explain-first.txt", ended.text)


CASES = [
    ((), {}, {}),
    (("--score", "dot"), {"score": "dot"}, {}),
    (("--score", "cosine", "--temperature", "0.3"), {"score": "cosine", "temperature": 0.3}, {}),
    (("--causal", "--window", "1"), {"causal": True, "window": 1}, {}),
    (("--no-self",), {"see_self": False}, {}),
    (("--target-self", "0.7"), {"target_self": 0.7}, {}),
    (
        ("--oov", "mean", "--tokenizer", "whitespace"),
        {},
        {"oov": "mean", "tokenizer": "whitespace"},
    ),
    (("--seed", "9"), {}, {"seed": 9}),
]


@pytest.mark.parametrize(("options", "settings", "reading"), CASES, ids=str)
def test_the_command_and_python_say_the_same(command, options, settings, reading):
    """The record of --json is attncli.explain(...).to_dict(), where fields are named as options."""
    text = "money xyzzy bank's growth"
    include = ("embeddings", "scores", "measures")
    ended = command("explain", text, "--json", "-q", "--include", ",".join(include), *options)
    (record,) = records(ended)
    with names_as("attncli.cli.naming:Options"):
        result = attncli.explain(
            text,
            settings=GeneralSettings(**settings),
            reading=ReadingSettings(**reading),
            include=include,
        )
    assert AttentionResult.from_dict(record) == result
    assert all(text[t["start"] : t["end"]] == t["text"] for t in record["tokens"])


def test_target_self_is_reached(command):
    """--target-self 0.7 finds the temperature, and the record holds it."""
    (record,) = records(command("explain", "money bank grows", "--json", "--target-self", "0.7"))
    weights = np.array(record["weights"])[0, 0]
    assert np.diagonal(weights).mean() == pytest.approx(0.7, abs=1e-6)
    temperature = record["attention"]["temperature"]
    (again,) = records(
        command("explain", "money bank grows", "--json", "--temperature", repr(temperature))
    )
    np.testing.assert_allclose(again["weights"], record["weights"], atol=1e-7)


def test_a_degenerate_matrix_comes_with_a_hint_that_works(command):
    """--score dot on GloVe is the identity; the hint, typed, gives a matrix that shows something."""
    ended = command("explain", "money bank grows", "--score", "dot", "--json")
    assert degenerate(np.array(records(ended)[0]["weights"])[0, 0]) == "one-key"
    hint = re.search(r"(--target-self [\d.]+)", ended.said)[1].split()
    ended = command("explain", "money bank grows", "--score", "dot", "--json", *hint)
    assert degenerate(np.array(records(ended)[0]["weights"])[0, 0]) is None
    assert ended.said == ""


def test_several_sentences_are_one_object_a_line(attn):
    """Numbered, with their line when they come from standard input; comments are left out."""
    ended = attn("explain", "--json", "-", stdin="# two\nmoney bank\n\nnaïve बैंक 🙂\n".encode())
    assert [(r["index"], r["line"], r["text"]) for r in records(ended)] == [
        (0, 2, "money bank"),
        (1, 4, "naïve बैंक 🙂"),
    ]
    arguments = attn("explain", "--json", "money bank", "river")
    assert [(r["index"], r["line"]) for r in records(arguments)] == [(0, None), (1, None)]


def test_a_file_and_standard_input_say_the_same(attn, tmp_path):
    """--file FILE, --file -, - and a plain pipe."""
    raw = b"money bank grows\nriver bank flows\n"
    (tmp_path / "s.txt").write_bytes(raw)
    by_file = attn("explain", "--file", "s.txt", "--json").out
    assert by_file
    for arguments in (("--file", "-"), ("-",), ()):
        assert attn("explain", *arguments, "--json", stdin=raw).out == by_file


def test_hindi_is_three_words(command):
    """ "बहुत आसान काम" is three words at their places, unknown to GloVe and marked so."""
    (record,) = records(command("explain", "बहुत आसान काम", "--json", "-q"))
    assert [t["text"] for t in record["tokens"]] == ["बहुत", "आसान", "काम"]
    assert [t["status"] for t in record["tokens"]] == ["random"] * 3
    assert {w["code"] for w in record["warnings"]} >= {"unknown-word", "no-known-word"}


def test_contractions_and_cases_are_looked_up_as_glove_has_them(command):
    """ "Don't" is do + n't; a lower-case find says so."""
    (record,) = records(command("explain", "Don't BANK on it", "--json"))
    assert [(t["text"], t["key"], t["status"]) for t in record["tokens"]] == [
        ("Do", "do", "lower"),
        ("n't", "n't", "exact"),
        ("BANK", "bank", "lower"),
        ("on", "on", "exact"),
        ("it", "it", "exact"),
    ]


def test_random_vectors_depend_on_seed_and_dim(command):
    """--vectors random: reproducible, of the size asked for, told apart by the seed."""

    def printed(*options):
        (record,) = records(command("explain", "a b c", "--vectors", "random", "--json", *options))
        return record

    assert printed("--dim", "7") == printed("--dim", "7")
    assert len(printed("--dim", "7")["contextual"][0]) == 7
    assert printed("--seed", "1")["weights"] != printed("--seed", "2")["weights"]
    assert printed("--seed", "2")["vectors"]["words"] is None


def test_include_and_exclude_choose_fields(command):
    """Only what was asked for is printed."""
    ended = command(
        *("explain", "money bank", "--json", "--include", "query,measures"),
        *("--exclude", "contextual,tokens"),
    )
    (record,) = records(ended)
    assert {"query", "measures", "weights"} <= set(record)
    assert not {"contextual", "tokens", "embeddings", "scores"} & set(record)


@pytest.mark.parametrize(
    "options",
    [[], ["--include", "measures,scores"], ["--causal"], ["--hide", "w7"], ["--top", "2"]],
)
def test_a_long_text_without_its_weights_has_the_same_rest(command, monkeypatch, tmp_path, options):
    """What is left out is not made, and nothing else of the record is another."""
    monkeypatch.setattr("attncli.attention.by_rows._LONG", 20)
    text = " ".join(f"w{i % 17}" for i in range(50))
    asked = ("explain", text, "--json", "--vectors", "random", "--dim", "4", *options)
    (whole,) = records(command(*asked))
    (lean,) = records(command(*asked, "--exclude", "weights"))
    assert lean == {name: field for name, field in whole.items() if name not in ("weights", "top")}
    command(
        *(each for each in asked if each != "--json"),
        "--exclude",
        "weights",
        "-o",
        str(tmp_path / "x.json"),
    )
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == lean


def test_show_chooses_sections(command):
    """Only the sections that were asked for, in the order of the page."""
    text = command("explain", "money bank", "--show", "moved,weights").text
    assert "weights: each row" in text
    assert "how far each word moved" in text
    assert "(new) =" not in text
    assert text.index("weights:") < text.index("how far")


@pytest.mark.parametrize("precision", [1, 4, 9])
def test_precision_counts_digits(command, precision):
    """In the matrix and in the equations."""
    text = command(
        *("explain", "money bank", "--show", "weights,equations", "--precision", str(precision))
    ).text
    numbers = re.findall(r"\d\.(\d+)", text)
    assert {len(digits) for digits in numbers} == {precision}


@pytest.mark.parametrize("width", [10, 40, 80, 200])
def test_every_width_shows_every_number(command, width):
    """No column is lost on a narrow terminal."""
    text = "the money in the bank by the river grows and flows"
    (record,) = records(command("explain", text, "--json"))
    page = command("explain", text, "--show", "weights", "--width", str(width)).text
    shown = sorted(re.findall(r"\d\.\d{3}", page))
    assert shown == sorted(f"{w:.3f}" for row in record["weights"][0][0] for w in row)


def test_a_long_sentence_prints_and_says_what_is_hidden(command):
    """120 tokens: every section, in one call, with what is hidden said."""
    ended = command("explain", "money bank " * 60, "--color", "always", "-q")
    assert ended.code == 0
    assert "56 of 120 words are hidden" in ended.text
    full = command("explain", "money bank " * 60, "--full", "--show", "weights", "-q")
    assert len(re.findall(r"\d\.\d{3}", full.text)) == 120 * 120


def test_warnings_go_to_stderr_and_can_be_quiet(command):
    """Results alone on standard output."""
    said = command("explain", "money xyzzy", "--json")
    assert said.said.startswith('attn: warning: not in glove-6b-50d: "xyzzy"')
    assert len(records(said)) == 1
    assert command("explain", "money xyzzy", "--json", "-q").said == ""


def test_many_warnings_of_a_kind_are_counted(attn):
    """Five are said with their lines, then how many more."""
    ended = attn("explain", "-", "--json", stdin=b"money xyzzy\n" * 9)
    lines = ended.said.splitlines()
    assert [line.split(": ")[2] for line in lines[:5]] == [f"<stdin>:{i}" for i in range(1, 6)]
    assert lines[5:] == [
        "attn: note: … and 4 more (unknown-word); the records of --json hold them all"
    ]


def test_the_schema_is_printed(attn):
    """`attn schema` prints the file that ships in the package."""
    assert json.loads(attn("schema").text) == validator().schema


def test_version_and_help(attn):
    """One line; help with examples and every option of the main job."""
    assert attn("--version").text == f"attn {attncli.__version__}\n"
    assert attn("-q", "--version").code == 2
    text = attn("explain", "--help", env={"COLUMNS": "200"}).text
    assert 'attn explain "money bank grows"' in text
    options = (
        *("--vectors", "--dim", "--seed", "--score", "--temperature", "--target-self", "--causal"),
        *("--window", "--no-self", "--oov", "--tokenizer", "--show", "--precision", "--width"),
        *("--color", "--json", "--quiet", "--file", "--max-tokens", "--include", "--exclude"),
    )
    assert [option for option in options if option not in text] == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion_is_offered(attn, shell):
    """--show-completion prints a script for the shell, and completes commands."""
    source = {"_ATTN_COMPLETE": f"complete_{shell}", "COMP_WORDS": "attn ex", "COMP_CWORD": "1"}
    source |= {"_TYPER_COMPLETE_ARGS": "attn ex", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    ended = attn(env=source)
    assert ended.is_clean()
    assert "explain" in ended.text


def test_the_same_command_prints_the_same_bytes(attn):
    """Whatever the hash seed and the number of BLAS threads."""
    outputs = {
        attn("explain", "the money in the bank grows " * 8, "--json", env=env).out
        for env in (
            {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"},
            {"PYTHONHASHSEED": "7"},
        )
    }
    assert len(outputs) == 1
