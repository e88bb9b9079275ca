"""Laws of the lecture's symbols: unique names, and the numbers of the record in every view."""

import json
import re
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import attncli
from attncli.insight.subscripts import symbol_names

WORDS = st.lists(
    st.one_of(
        st.sampled_from(["bank", "book", "b", "b1", "b2", "बैंक", "बढ़ता", "é", "e\u0301", "a#1", ""]),
        st.text(max_size=12),
    ),
    min_size=1,
    max_size=14,
)
MECHANISMS = {
    "general": [],
    "causal": ["--causal", "--no-self"],
    "task": ["--attention", "task", "--seed", "1"],
    "heads": ["--attention", "task", "--heads", "2"],
    "lecture": ["--model", "lecture"],
    "idioms": ["--model", "idioms", "--head", "0,5"],
    "preset": ["--preset", "by-hand"],
}
SENTENCES = (
    "money bank grows",
    "bank book bank",
    "money",
    "the bank of the river flows to a big blue sea by night",
)
FILES = ("html", "md", "tex", "svg")


@given(WORDS)
def test_no_two_words_have_one_name(words):
    """Subscripts and names on the left are unique, whatever the words are."""
    names = symbol_names(words)
    assert len(set(names.subscripts)) == len(set(names.left)) == len(words)
    assert all(names.subscripts)


@given(WORDS)
def test_subscripts_are_beginnings_of_whole_characters(words):
    """Nothing is cut inside a character, and its marks stay with it."""
    import regex

    for word, name in zip(words, symbol_names(words).subscripts, strict=True):
        found = regex.findall(r"\X", unicodedata.normalize("NFC", word))
        whole = [char for char in found if not char.isspace()]
        starts = ["".join(whole[:size]) for size in range(len(whole) + 1)]
        assert any(
            re.fullmatch(re.escape(start) + r"\d*(#\d+)*", name, re.DOTALL) for start in starts
        )


@pytest.mark.parametrize(
    ("text", "subscripts"),
    [
        ("money bank grows", "m b g"),
        ("bank book river", "ba bo r"),
        ("bank the bank", "b1 t b2"),
        ("in inner inn", "in inne inn"),
        ("पैसा बैंक बढ़ता है", "पै बैं ब है"),
        ("Bank bank", "B b"),
    ],
)
def test_names_are_those_that_a_reader_expects(text, subscripts):
    """Initials, more letters where they clash, numbers where a word occurs again."""
    assert list(symbol_names(text.split()).subscripts) == subscripts.split()


def test_places_of_many_words_are_kept_apart():
    """w₁₁₂ would be of 1 and 12, or of 11 and 2."""
    assert symbol_names(list("abcdefghi")).weight(0, 1) == "w₁₂"
    assert symbol_names(list("abcdefghij")).weight(0, 9) == "w₁,₁₀"


def test_the_notes_equation(command):
    """Symbols, and the numbers below them; JSON is what it was."""
    options = ("explain", "money bank grows", "--model", "lecture")
    said = command(*options, "--notation", "lecture", "--show", "equations").text
    assert "  e_m money, e_b bank, e_g grows\n" in said
    assert (
        "  e_money(new) = w₁₁·e_m + w₁₂·e_b + w₁₃·e_g\n"
        "               = 0.70·e_m + 0.20·e_b + 0.10·e_g\n" in said
    )
    ended = command(*options, "--json", "--notation", "lecture")
    assert ended.text == command(*options, "--json").text
    assert "--notation has no effect with --json" in ended.said


def plain(text, kind):
    """What a reader sees of a file, on one line, in the signs of the terminal."""
    if kind == "html":
        text = re.sub(r"(?s)<(script|style).*?</\1>|<[^>]*>", " ", text)
    if kind == "svg":
        text = re.sub(r"<[^>]*>", " ", text)
    if kind == "tex":
        text = re.sub(r"\\mbox\{(?:\\scriptsize )?((?:[^{}]|\{\})*)\}", r"\1", text)
        text = re.sub(r"_\{([^{}]*)\}", lambda m: "_" + m[1], text)
        text = (
            text.replace(r" \cdot ", "·")
            .replace(r"\)\par", "")
            .replace(r"\(\quad", "")
            .replace(r"\(", "")
        )
        text = re.sub(
            r"w_([\d,]+)",
            lambda m: "w" + m[1].translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")),
            text,
        )
    return " ".join(re.sub("[\u2066-\u2069\u200e]", "", text.replace("\\_", "_")).split())


def expected(record, head):
    """Each row of a record: its weights by w and place, and what their signs are called."""
    weights = np.array(record["weights"])[0, head]
    names = symbol_names([token["text"] for token in record["tokens"]])
    return names, weights


def coefficients(text, names, query, letter):
    """The numbers after the symbols of a row, by word, as the text has them."""
    start = f"e_{names.left[query]}("
    found = re.search(
        re.escape(start)
        + r"(?:new|head(?: \d+)?)\) = (?P<symbols>.*?) = (?P<numbers>(?:[\d.]+·\S+(?: other \d+\))?(?: \+ )?)+)",
        text,
    )
    assert found is not None, (start, text[:4000])
    symbols = dict(re.findall(rf"(w[₀-₉,]+)·({letter}_[^\s]+)", found["symbols"]))
    numbers = {
        name: number
        for number, name in re.findall(rf"([\d.]+)·({letter}_[^\s]+)", found["numbers"])
    }
    return symbols, numbers, text[found.end() :]


@pytest.mark.parametrize("kind", ["terminal", "steps", *FILES])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_every_number_is_the_records(command, tmp_path, mechanism, kind):
    """Across mechanisms, views and sentences: each coefficient rounds its weight, w names its place."""
    for sentence in SENTENCES:
        options = ["explain", sentence, *MECHANISMS[mechanism], "--quiet"]
        record = json.loads(command(*options, "--json").text)
        options += ["--notation", "lecture"]
        if kind in FILES:
            path = tmp_path / f"x.{kind}"
            assert command(*options, "-o", str(path)).code == 0
            text = plain(path.read_text(encoding="utf-8"), kind)
        else:
            more = (
                ["--steps"]
                if kind == "steps"
                else ["--show", "equations", "--head", "0"][: 2 + 2 * (mechanism == "heads")]
            )
            text = plain(command(*options, *more).text, kind)
        names, weights = expected(record, 0)
        letter = (
            "e"
            if mechanism in ("general", "causal", "preset")
            or (mechanism == "lecture" and kind != "steps")
            else "v"
        )
        for query, row in enumerate(weights):
            if not row.any():
                assert "(nothing to attend to)" in text
                continue
            symbols, numbers, text = coefficients(text, names, query, letter)
            for key, weight in enumerate(row):
                vector = f"{letter}_{names.subscripts[key]}"
                if vector not in numbers:
                    assert len(row) > 8
                    continue
                digits = len(numbers[vector].partition(".")[2])
                assert abs(float(numbers[vector]) - weight) < 10.0**-digits, (sentence, vector)
                assert symbols[names.weight(query, key)] == vector


@pytest.mark.parametrize("width", ["40", "80"])
@pytest.mark.parametrize("options", [[], ["--ascii"], ["--steps"], ["--color", "always"]])
def test_symbols_fit_the_terminal(command, width, options):
    """No line is wider than asked for, in ASCII nothing else is printed."""
    from attncli.views.ink import width_of

    for sentence in (*SENTENCES, "पैसा बैंक बढ़ता है"):
        text = command(
            "explain", sentence, "--notation", "lecture", "--width", width, *options
        ).text
        lines = re.sub(r"\x1b\[[\d;]*m", "", text).splitlines()
        assert all(width_of(line) <= int(width) for line in lines)
        if "--ascii" in options:
            assert text.isascii()
            assert re.search(r"w\d+,?\d\*e_", text)


@pytest.mark.parametrize(
    "options",
    [
        ["--show", "tokens,moved"],
        ["--speak"],
        ["-o", "x.csv"],
        ["-o", "x.npz"],
        ["-o", "x.json"],
    ],
)
def test_where_it_does_nothing_it_says_so(command, tmp_path, monkeypatch, options):
    """Views without equations."""
    monkeypatch.chdir(tmp_path)
    ended = command("explain", "money bank", "--notation", "lecture", *options)
    assert "--notation has no effect" in ended.said


def test_pooled_and_other_weights_are_lists_of_w(command, tmp_path):
    """Where weights weigh nothing known, they are listed by their symbols."""
    said = command(
        "explain", "money bank", "--model", "idioms", "--notation", "lecture", "--show", "equations"
    ).text
    assert re.search(r"  money: w₁₁ = 0\.\d+; w₁₂ = 0\.\d+\n", said)
    np.save(tmp_path / "w.npy", np.array([[0.9, 0.1], [0.25, 0.75]]))
    said = command(
        "view", str(tmp_path / "w.npy"), "--tokens", "money bank", "--notation", "lecture"
    ).text
    assert "  bank: w₂₁ = 0.25; w₂₂ = 0.75\n" in said


def test_the_page_of_a_comparison_has_the_symbols(command, tmp_path):
    """Its sentences have equations; its tables have none, which is said."""
    pair = ("compare", "money bank grows", "river bank flows", "--notation", "lecture")
    path = tmp_path / "x.html"
    assert command(*pair, "-o", str(path)).code == 0
    text = plain(path.read_text(encoding="utf-8"), "html")
    for start in ("e_money(new) = w₁₁·e_m", "e_river(new) = w₁₁·e_r"):
        assert start in text
    assert "--notation has no effect on tables" in command(*pair).said


def test_python_saves_and_shows_the_symbols(tmp_path):
    """`save` and `show` take the notation; without it nothing changes."""
    result = attncli.explain("money bank grows")
    attncli.save(result, tmp_path / "x.md", notation="lecture")
    assert r"- e\_money(new) = w₁₁·e\_m + " in (tmp_path / "x.md").read_text(encoding="utf-8")
    assert "e_money(new) = w₁₁·" in attncli.show(result, notation="lecture")._repr_html_()
    assert attncli.show([result])._repr_html_() == result._repr_html_()
    with pytest.raises(attncli.AttnError, match="notation"):
        attncli.save(result, tmp_path / "x.md", notation="greek")
