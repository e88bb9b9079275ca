"""Laws of the whole page of one sentence, and its golden files at 80 and 40 columns."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.cli.explain import POINTER
from attncli.errors import names_as
from attncli.insight.movement import movements
from attncli.mechanisms.general import GeneralAnalyser, GeneralSettings
from attncli.reading.reader import ReadingSettings
from attncli.views.explain import explain_lines
from attncli.views.ink import Ink, width_of
from attncli.views.layout import SECTIONS, Layout
from attncli.views.warnings import warning_texts


def page(result, store, ink=Ink(), **layout):  # noqa: B008 - an Ink never changes
    """What is printed for a result."""
    return ink.rendered(explain_lines(result, movements(result, store), ink, Layout(**layout)))


def analyzed(store, text, reading=None, **settings):
    """The result of one sentence."""
    analyser = GeneralAnalyser(
        store,
        reading or ReadingSettings(),
        GeneralSettings(**settings),
        include=frozenset({"embeddings"}),
    )
    return next(analyser([text]))


@pytest.mark.parametrize("width", [80, 40])
def test_the_page_is_the_golden_one(golden, results, six_words, width):
    """Three sentences over six words, without colors."""
    text = "\n".join(page(result, six_words, width=width) for result in results)
    golden(f"explain-{width}.txt", text)


@pytest.mark.parametrize("colors", ["truecolor", "256", "16"])
def test_the_colored_page_is_the_golden_one(golden, results, six_words, colors):
    """The heat map in each color system."""
    golden(
        f"explain-{colors}.txt",
        page(results[0], six_words, Ink(colors=colors), sections=("weights",)),
    )


def test_the_ascii_page_is_the_golden_one(golden, six_words):
    """Unknown words of other scripts on a terminal that shows ASCII only."""
    result = analyzed(six_words, "naïve बैंक money")
    text = page(result, six_words, Ink(unicode=False), width=60)
    assert text.isascii()
    golden("explain-ascii.txt", text)


def test_settings_and_statuses_are_the_golden_ones(golden, six_words):
    """Every mask, every status and what is said of them."""
    pages = []
    for reading, settings in [
        (ReadingSettings(oov="zero"), {"causal": True, "temperature": 0.5}),
        (ReadingSettings(oov="mean"), {"window": 1, "score": "cosine"}),
        (ReadingSettings(oov="skip"), {"see_self": False, "score": "dot"}),
        (ReadingSettings(oov="random"), {"target_self": 0.6}),
    ]:
        result = analyzed(six_words, "Money xyzzy BANK", reading, **settings)
        pages.append(page(result, six_words, width=72, sections=("tokens", "weights", "equations")))
        pages.append("".join(f"! {text}\n" for text in warning_texts(result)))
    golden("explain-settings.txt", "\n".join(pages))


def test_real_vectors_are_the_golden_ones(golden, glove):
    """The lecture's sentence on GloVe, as the command shows it first and with everything."""
    result = analyzed(glove, "money bank grows")
    with names_as("attncli.cli.naming:Options"):
        golden("explain-glove.txt", page(result, glove))
        golden("explain-first.txt", f"{page(result, glove, overview=True)}\n{POINTER}\n")


@given(st.sets(st.sampled_from(SECTIONS)), st.integers(10, 200))
def test_sections_are_those_asked_for(results, six_words, sections, width):
    """Each section once, in the order of the page; lines that can be broken fit."""
    chosen = tuple(section for section in SECTIONS if section in sections)
    text = page(results[0], six_words, width=width, sections=chosen)
    starts = {
        **{"tokens": "tokens", "weights": "weights:", "equations": "new embeddings as"},
        **{"embeddings": "new embeddings", "moved": "how far each"},
    }
    flat = " ".join(text.split())
    for section, start in starts.items():
        if section == "embeddings":
            continue
        assert (start in flat) is (section in chosen)
    if width >= 40:
        assert max(width_of(line) for line in text.splitlines()) <= width


@pytest.mark.parametrize("width", [10, 40, 80, 200])
def test_hidden_dimensions_are_counted(glove, width):
    """The table shows as many dimensions as fit and says how many do not."""
    result = analyzed(glove, "money bank grows")
    text = page(result, glove, width=width, sections=("embeddings",))
    flat = " ".join(text.split())
    found = re.search(r"dimensions 1–(\d+) of 50; (\d+) are hidden", flat)
    assert int(found[1]) + int(found[2]) == 50
    numbers = [line.split()[1:] for line in text.splitlines() if line.startswith("  bank")]
    assert [len(row) for row in numbers] == [int(found[1])]
    expected = [f"{x:.3f}" for x in result.contextual[1, : int(found[1])]]
    assert numbers == [expected]


def test_few_dimensions_are_all_shown(results, six_words):
    """Nothing is said to be hidden when nothing is."""
    assert "hidden" not in page(results[0], six_words, sections=("embeddings",))


def test_a_long_sentence_says_what_is_hidden(six_words):
    """Each section of a sentence of 120 tokens shows 64 and says so."""
    result = analyzed(six_words, "money bank " * 60)
    for section in ("tokens", "weights", "equations", "embeddings"):
        assert "56 of 120 words are hidden" in page(result, six_words, sections=(section,))
    full = page(result, six_words, sections=("tokens",), everything=True)
    assert "hidden" not in full
    assert len(full.splitlines()) == 120 + 4


HOSTILE = ["\x1b[31mred", "[red]x[/]", ":skull:", "\u202eabc", "a\x07\x08b", "[link=x]y", "%n{0}"]


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("colors", [None, "truecolor"])
def test_words_are_shown_and_not_obeyed(six_words, hostile, colors):
    """In every section: no control from the sentence, no markup, no emoji code."""
    result = analyzed(six_words, f"money {hostile} bank", ReadingSettings(tokenizer="whitespace"))
    text = page(result, six_words, Ink(colors=colors), width=200)
    text = re.sub(r"\x1b\[[0-9;]*m", "", text) if colors else text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)
    assert "💀" not in text
    if hostile.isprintable():
        assert hostile in text


def test_an_empty_row_is_named(six_words):
    """A word that may see nothing has its warning with its name."""
    result = analyzed(six_words, "money bank", see_self=False, causal=True)
    assert warning_texts(result)[0].startswith('"money": nothing to attend to')
    assert "money(new) = 0 (nothing to attend to)" in page(result, six_words)


def test_layers_and_heads_are_named(results, six_words):
    """A result of several layers and heads says which matrix is which."""
    one = results[0]
    attention = one.attention._replace(n_layers=2, n_heads=2)
    many = replace(one, attention=attention, weights=one.weights.repeat(2, 0).repeat(2, 1))
    text = page(many, six_words, sections=("weights",))
    assert [m.group() for m in re.finditer(r"layer \d, head \d", text)] == [
        f"layer {layer}, head {head}" for layer in range(2) for head in range(2)
    ]
