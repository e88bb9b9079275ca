"""Laws of every line on a terminal: as wide as it may be, numbers beside their words, obeyed by none."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from views.samples import result_of

from attncli.embeddings.store import MemoryStore
from attncli.escape import MARK
from attncli.insight.compare import compare
from attncli.insight.difference import differences
from attncli.insight.movement import movements
from attncli.insight.space import VocabularySpace
from attncli.views.against import against_lines
from attncli.views.compare import comparison_lines
from attncli.views.confusion import confusion_lines
from attncli.views.difference import difference_lines
from attncli.views.explain import explain_lines
from attncli.views.ink import Ink
from attncli.views.layout import Layout
from attncli.views.speak import spoken_text
from attncli.views.steps import Steps, step_lines

ANSI = re.compile(r"\x1b\[[0-9;]*m")
HEBREW, ARABIC = "אבגדהוזחטיכלמנס", "ابتثجحخدذرزسشص"
RTL = st.text(HEBREW, min_size=1, max_size=9) | st.text(ARABIC, min_size=1, max_size=9)
LTR = st.text("abcdeé", min_size=1, max_size=9) | st.sampled_from(["bank", "銀行", "ไทย", "नदी"])
ODD = st.text(min_size=1, max_size=70) | st.sampled_from(
    [
        "x" * 60,
        "銀" * 40,
        "👩‍👩‍👧" * 9,
        "e\u0301" * 50,
        "a\x1b[31m",
        "\u202eevil",
        "new york city",
        "שלום " * 8,
    ]
)
WORDS = st.lists(RTL | LTR | ODD, min_size=2, max_size=7)


def results_of(words):
    """Two results of the same words, with all that views show: one of two layers of two heads."""
    one = replace(result_of(words), contextual=result_of(words).embeddings[::-1].copy())
    shape = one.weights.shape[:2] + one.embeddings.shape
    one = replace(one, **dict.fromkeys(("query", "key", "value"), one.embeddings.reshape(shape)))
    return one, result_of(words, layers=2, heads=2)


def views_of(words, ink, width):
    """The text of every view of a terminal, by name."""
    one, many = results_of(words)
    vocabulary = dict.fromkeys(words)
    matrix = np.stack([one.embeddings[words.index(word)] for word in vocabulary])
    store = MemoryStore("s", list(vocabulary), matrix.astype(np.float32), sha256="0" * 64)
    near = movements(one, store, neighbors=3)
    layout = Layout(width=width)
    found = compare([one, one], words[0], VocabularySpace(store), neighbors=5)
    counts = {word: dict.fromkeys(vocabulary, 2) for word in vocabulary}
    other = replace(one, contextual=one.contextual + 1)
    lines = {
        "explain": explain_lines(one, near, ink, layout),
        "heads": explain_lines(many, [], ink, layout._replace(top=3)),
        "many words": explain_lines(result_of(words * 20), [], ink, layout),
        "steps": step_lines(one, ink, Steps(width=width)),
        "one row": step_lines(one, ink, Steps(width=width, rows=(0, 1))),
        "compare": comparison_lines(found, ink, width=width),
        "against": against_lines(one, one, ink, movements=near, width=width),
        "diff": difference_lines(differences([one], [other], 0), 0, ink, width=width),
        "evaluate": confusion_lines(counts, dict.fromkeys(vocabulary, 0.5), ink, width=width),
    }
    texts = {name: ink.rendered(part) for name, part in lines.items()}
    return texts | {"speak": spoken_text(one, ink), "heads spoken": spoken_text(many, ink, top=2)}


@settings(max_examples=20)
@given(WORDS, st.integers(20, 200), st.sampled_from([None, "256"]), st.booleans())
def test_no_line_is_wider_than_the_width(words, width, colors, unicode):
    """Whatever the words: long, wide, of marks alone, or many."""
    ink = Ink(colors=colors, unicode=unicode, width=width)
    for name, text in views_of(words, ink, width).items():
        for line in ANSI.sub("", text).splitlines():
            assert cell_len(line) <= width, (name, line)


@settings(max_examples=20)
@given(WORDS, st.sampled_from([None, "256"]), st.booleans())
def test_no_line_is_obeyed_by_a_terminal(words, colors, unicode):
    """No control but line ends and our own colors; no direction mark that is not one of a pair."""
    ink = Ink(colors=colors, unicode=unicode, width=80)
    for text in views_of(words, ink, 80).values():
        plain = ANSI.sub("", text)
        assert not re.search(
            "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", plain
        )
        for line in plain.split("\n"):
            assert line.count(MARK) % 2 == 0
        assert unicode or plain.isascii()


def reversed_words(line):
    """The line as it should be seen: each right-to-left word from its other end."""
    return re.sub(f"[{HEBREW}{ARABIC}]+", lambda found: found.group()[::-1], line)


@pytest.mark.parametrize("width", [24, 80, 200])
@settings(max_examples=20)
@given(words=st.lists(RTL | LTR, min_size=2, max_size=5, unique=True))
def test_numbers_stand_beside_their_words_after_reordering(width, words):
    """By UAX #9 only the letters of right-to-left words change places, on every line of every view."""
    pytest.importorskip("bidi")
    from bidi import get_display
    from bidi.algorithm import get_display as by_older_rules

    ink = Ink(width=width)
    one, _ = results_of(words)
    one = replace(one, text="x")
    spoken = dict.fromkeys(("speak", "heads spoken"), spoken_text(one, ink))
    for name, text in (views_of(words, ink, width) | spoken).items():
        for line in text.split("\n"):
            bare = line.replace(MARK, "")
            if " ".join(words)[:10] in bare or "…" in bare:  # the sentence itself, or cut words
                continue
            for shown in (get_display(line, base_dir="L"), get_display(line), by_older_rules(line)):
                seen = reversed_words(line).replace(MARK, "")  # marks part words that touch
                assert shown.replace(MARK, "") == seen, (name, line)


def test_a_right_to_left_sentence_reads_from_right_to_left():
    """The title of a Hebrew sentence is one run."""
    pytest.importorskip("bidi")
    from bidi import get_display

    result = replace(result_of(["שלום", "עולם"]), text="שלום עולם")
    title = Ink().rendered(explain_lines(result, [], Ink(), Layout())).split("\n")[0]
    assert get_display(title).replace(MARK, "") == "שלום עולם"[::-1]


@settings(max_examples=20)
@given(st.lists(LTR, min_size=2, max_size=6))
def test_words_of_other_scripts_have_no_marks(words):
    """What needs no mark has none, so that most outputs are what they were."""
    assert MARK not in "".join(views_of(words, Ink(), 80).values())
