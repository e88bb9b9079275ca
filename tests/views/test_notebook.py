"""Laws of the notebook's table: the numbers, escaped words, and nothing active."""

from html.parser import HTMLParser

import pytest

from attncli import show
from attncli.errors import UsageError
from attncli.mechanisms.general import GeneralAnalyser
from attncli.reading.reader import ReadingSettings

HOSTILE = [
    *("<script>alert(1)</script>", '"onmouseover="x', "<img/src=x>", "&lt;b&gt;", "</td>", "<!--"),
    *("javascript:x", "\x1b[31m", "\u202ex", "]]>", "'", "`", "${x}"),
]


class Read(HTMLParser):
    """The elements, attributes and texts of a fragment, read strictly."""

    def __init__(self, html):
        super().__init__()
        self.opened, self.stack, self.attributes, self.texts = [], [], set(), []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.opened.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in ("br", "input", "meta", "link"):
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def handle_comment(self, data):
        raise AssertionError(data)


def test_a_notebook_shows_every_number(results):
    """A row for each query, a column for each key."""
    result = results[0]
    read = Read(result._repr_html_())
    assert not read.stack
    for word in result.words:
        assert sum(text == word for text in read.texts) >= 2
    for weight in result.weights.ravel():
        assert any(f"{weight:.3f}" in text or f"{weight:.2f}" in text for text in read.texts)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_words_are_escaped(six_words, hostile):
    """No element, attribute or comment comes from a word, and the word is shown."""
    reading = ReadingSettings(tokenizer="whitespace")
    plain, attacked = GeneralAnalyser(six_words, reading)(["money x bank", f"money {hostile} bank"])
    expected, read = Read(plain._repr_html_()), Read(attacked._repr_html_())
    assert read.opened == expected.opened
    assert read.attributes == expected.attributes
    assert not any("\x1b" in text or "\u202e" in text for text in read.texts)
    if hostile.isprintable():
        assert any(hostile in text for text in read.texts)


def test_a_long_sentence_says_what_is_hidden(six_words):
    """A notebook of 120 tokens is told what it does not show."""
    result = next(GeneralAnalyser(six_words)(["money bank " * 60]))
    html = result._repr_html_()
    assert "hidden" in html
    assert html.count("<td") <= 70 * 70


def test_fragments_of_several_palettes_keep_their_colors(results):
    """The rules of one say nothing of another that stands in the same notebook."""
    plain = show(results[0])._repr_html_()
    blues = show(results[0], palette="blues", scale="max")._repr_html_()
    assert results[0]._repr_html_() == plain
    assert ".attn .w0{background:#440154" in plain
    assert blues.startswith('<div class="attn blues ')
    assert ".attn.blues .w0{background:#f7fbff" in blues
    assert ".attn .w0{" not in blues
    assert 'name="stretch" checked' in blues
    with pytest.raises(UsageError, match="scale: found"):
        show(results[0], scale="0,0.5")
