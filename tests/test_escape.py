"""Laws of showing text: nothing obeyed, nothing lost."""

import ast
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.errors.wording import quoted, visible

# Any code point, with those that attack an output more often than chance would have it.
TEXT = st.text(
    st.characters(codec=None)
    | st.sampled_from(
        "\x1b\x07\x08\r\n\t\x7f\x85\x9b\u200b\u200f\u202e\u2066\u2028\ufeff\U000e0041\\"
    )
)


@given(TEXT)
def test_nothing_that_a_terminal_obeys_is_left(text):
    """No control, no bidi or other format character, no surrogate, no line end."""
    allowed = {"\u200c", "\u200d"}  # joiners that Indic and Arabic words and emoji need
    for char in set(visible(text)) - allowed:
        assert unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp")
        assert unicodedata.bidirectional(char) not in (
            *("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"),
        )


@given(TEXT)
def test_different_texts_stay_different(text):
    """What is shown reads back as what was there."""
    shown = visible(text)
    literal = shown.replace('"', '\\"')
    assert ast.literal_eval(f'"{literal}"') == text


@given(st.text(st.characters(categories=["L", "N", "P", "Zs"], exclude_characters="\\")))
def test_plain_text_is_shown_as_it_is(text):
    """Letters, digits, punctuation and spaces of any script are not touched."""
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", r"\x1b[31m"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\u202eabc", r"\u202eabc"),
        ("\U000e0041", r"\U000e0041"),
        ("\ud800", r"\ud800"),
        ("[red]x[/]", "[red]x[/]"),
        (":skull:", ":skull:"),
        ("%s {0} $(id)", "%s {0} $(id)"),
    ],
)
def test_examples(text, shown):
    """Controls become escapes; markup is text like any other."""
    assert visible(text) == shown


def test_a_quotation_is_cut_with_its_length_said():
    """40 characters, then how many there were."""
    assert quoted("bank") == '"bank"'
    assert quoted("x" * 41) == f'"{"x" * 40}…" (41 characters)'
