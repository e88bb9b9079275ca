"""Laws of what a language model says, of what it wrote, and of blank tokens: each view shows them."""

import csv
import json
import re

import numpy as np
import pytest
from models.stories import write_stories

import attncli
from attncli.results.displayed import displayed, spoken_blank, visible_blank
from attncli.results.facts import AttentionSettings, ModelInfo, Token, VectorsInfo
from attncli.results.predicted import Candidate, MaskedPlace
from attncli.results.result import AttentionResult
from attncli.views.files import write_results
from attncli.views.notebook import printed_results, shown_results

TEXT = "One  day, Lily saw a  big"
DRAWN = ("html", "svg", "md", "tex")


@pytest.fixture(scope="module")
def stories(tmp_path_factory):
    """A real language model of 1 MB."""
    pytest.importorskip("tokenizers")
    folder = tmp_path_factory.mktemp("stories")
    write_stories(folder)
    return str(folder)


def masked(**more):
    """A result of a masked text, of which the model says what may stand at its two masks."""
    words = ["[CLS]", "the", "[MASK]", "of", "[MASK]", " "]
    places = [
        MaskedPlace(
            at,
            tuple(
                Candidate(name, name, number, share)
                for number, (name, share) in enumerate(of.items())
            ),
            0.5 * at,
        )
        for at, of in ((2, {"bank": 0.625, "<b>&": 0.25}), (4, {"money": 0.5, "river": 0.125}))
    ]
    return AttentionResult(
        text="the [MASK] of [MASK]",
        tokens=tuple(Token(word, 0, 0, word, "exact") for word in words),
        attention=AttentionSettings(kind="transformer"),
        weights=np.full((1, 1, 6, 6), 1 / 6, dtype=np.float32),
        contextual=np.zeros((6, 2), dtype=np.float32),
        vectors=VectorsInfo("made", 2, 99),
        model=ModelInfo("made", masks=tuple(places), **more),
    )


def texts_of(result, tmp_path):
    """The text of a result in each view that is text."""
    texts = {}
    for suffix in DRAWN:
        file = tmp_path / f"r.{suffix}"
        write_results(str(file), [result])
        texts[suffix] = file.read_text(encoding="utf-8")
    texts["notebook"], texts["printed"] = shown_results([result]), printed_results([result])
    return texts


def test_every_view_says_what_comes_next(command, stories, tmp_path):
    """The likeliest tokens of the record with their probabilities, and how open it is."""
    result = attncli.explain("One day, Lily saw a big", stories)
    views = texts_of(result, tmp_path)
    for more in ([], ["--speak"], ["--show", "next"]):
        ended = command("explain", result.text, "--model", stories, *more, "--width", "300")
        views["".join(more) or "terminal"] = ended.text
    for name, text in views.items():
        assert "may come next" in text, name
        assert f"entropy {result.model.next_entropy:.2f} nats" in text, name
        for candidate in result.model.next[:5]:
            assert f"{candidate.probability:.3f}" in text, name
            assert candidate.text.strip() in text, name


def test_every_view_says_what_may_stand_at_a_mask(tmp_path):
    """A line for each place, its candidates as text and never as markup."""
    result = masked()
    views = texts_of(result, tmp_path)
    for name, text in views.items():
        assert "may stand" in text, name
        assert "<b>&" not in text or name in ("tex", "printed"), name
        for number in ("0.625", "0.250", "0.500", "0.125", "entropy 1.00 nats", "entropy 2.00"):
            assert number in text, (name, number)
        for word in ("bank", "money", "river"):
            assert word in text, name


def test_a_masked_text_is_read_aloud(command, tmp_path):
    """Each place is a sentence."""
    file = tmp_path / "masked.json"
    attncli.save(masked(), file)
    said = command("view", str(file), "--speak", "--width", "200").text
    assert 'What may stand at [MASK], token 2: "bank" 0.625' in said
    assert 'What may stand at [MASK], token 4: "money" 0.500' in said


def test_what_the_model_wrote_is_marked_in_every_view(command, stories, tmp_path):
    """Each token with +, the text that was written beside it; records and tables keep the texts."""
    result = attncli.explain(TEXT, stories, complete=3, part=attncli.Part(layers=(1,), heads=(3,)))
    written = [result.words[at] for at in result.model.written]
    views = texts_of(result, tmp_path)
    options = ["--model", stories, "--complete", "3", "--layer", "1", "--head", "3"]
    for section in ("weights", "embeddings", "moved"):
        views[section] = command("explain", TEXT, *options, "--show", section).text
    for name, text in views.items():
        assert "went on by 3 tokens, marked with +" in text, name
        assert result.model.completion.strip(" ") in text, name
        for word in written:
            assert f"+{word}" in text, (name, word)
    said = command("explain", TEXT, *options, "--speak").text
    first = result.model.written[0] + 1
    assert f"It wrote the words {first} to {first + 2}." in said
    record = json.loads(command("explain", TEXT, *options, "--json").text)
    assert [token["text"] for token in record["tokens"]] == result.words
    file = tmp_path / "r.csv"
    attncli.save(result, file)
    with file.open(encoding="utf-8", newline="") as lines:
        cells = {cell for row in csv.reader(lines) for cell in row}
    assert not any(f"+{word}" in cells or f"'+{word}" in cells for word in written)


def test_a_blank_token_is_seen_in_every_view(command, stories, tmp_path):
    """As a sign where a label would be empty; records and tables keep the blank."""
    part = attncli.Part(layers=(1,), heads=(3,))
    result = attncli.explain(TEXT, stories, part=part)
    blanks = [at for at, word in enumerate(result.words) if word == " "]
    assert len(blanks) == 2
    options = ["explain", TEXT, "--model", stories, "--layer", "1", "--head", "3"]
    views = texts_of(result, tmp_path)
    views["terminal"] = command(*options, "--show", "all").text
    for name, text in views.items():
        assert text.count("␣") >= 2, name
    rows = re.findall(r"^  (\S+) +[01]\.\d", command(*options, "--show", "weights").text, re.M)
    assert rows == displayed(result).words
    assert re.search(r"^space \(word 3\) attends", command(*options, "--speak").text, re.M)
    followed = command(*options, "--steps", "--row", " ")
    assert followed.code == 0
    assert "␣" in followed.text
    record = json.loads(command(*options, "--json").text)
    assert [token["text"] for token in record["tokens"]] == result.words
    assert [displayed(result).words[at] for at in blanks] == ["␣", "␣"]


@pytest.mark.parametrize(
    ("text", "shown", "spoken"),
    [
        (" ", "␣", "space"),
        ("   ", "␣␣␣", "3 spaces"),
        ("\n\n", "⏎⏎", "2 line breaks"),
        (" \n\t", "␣⏎⇥", "space, line break, tab"),
        ("\u00a0", "␣", "space"),
        ("a b", "a b", "a b"),
        (" a", " a", " a"),
    ],
)
def test_blanks_have_signs_and_words(text, shown, spoken):
    """Of a text of blanks alone; every other text stays."""
    assert visible_blank(text) == shown
    assert spoken_blank(shown) == spoken
    assert visible_blank(shown) == shown


def test_an_empty_token_is_called_by_its_entry():
    """A piece of a letter has no text of its own."""
    assert visible_blank("", "<0xE2>") == "<0xE2>"
    assert visible_blank("", " ") == "␣"
    assert visible_blank("x", "▁") == "▁"
    assert visible_blank("x", "▁x") == "x"
    assert visible_blank("▁", "▁") == "▁"


def test_a_result_without_blanks_is_drawn_as_it_is():
    """Nothing is copied, so that what was drawn before is drawn as before."""
    result = attncli.explain("money bank grows")
    assert displayed(result) is result
    cut = attncli.Part(hide=(" ",)).of(masked())
    assert displayed(cut).selection["hidden"] == ["␣"]
