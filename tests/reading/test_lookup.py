"""Laws of looking words up: the best form, its status, and every policy for unknown words."""

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading.readings import read_sentence

from attncli.embeddings.seeded import SeededStore, random_vector
from attncli.embeddings.store import MemoryStore
from attncli.errors import UnknownWordError, UsageError
from attncli.reading.lookup import find, knows
from attncli.reading.reader import ReadingSettings
from attncli.text.forms import forms, places_of_word

STORE = MemoryStore(
    "few", ["bank", "Bank", "café", "n't", "i̇"], np.arange(10, dtype=np.float32).reshape(5, 2)
)


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("bank", (0, "bank", "exact")),
        ("Bank", (1, "Bank", "exact")),
        ("BANK", (0, "bank", "lower")),
        ("cafe\u0301", (2, "café", "canonical")),  # the same letters, composed
        ("CAFE\u0301", (2, "café", "lower")),
        ("n’t", (3, "n't", "apostrophe")),
        ("b\u00adank", (0, "bank", "invisible")),
        ("\ufeffca\u200bfe\u0301\u200e", (2, "café", "invisible")),
        ("B\u2060ANK", (0, "bank", "lower")),
        ("N’T", (3, "n't", "lower")),
        ("İ", (4, "i̇", "lower")),
        ("banks", None),
        ("", None),
    ],
)
def test_exact_before_lower_case(word, found):
    """The form as written counts first, then what looks the same, then lower case; the status says
    which.
    """
    assert find(STORE, word) == found
    assert knows(STORE)(word) is (found is not None)


@given(st.text(max_size=10))
def test_a_word_is_looked_for_as_written_first(word):
    """The first form is the word itself, and the only one that is called exact; no form comes twice."""
    found = list(forms(word))
    assert found[0] == (word, "exact")
    assert [status for _, status in found].count("exact") == 1
    assert len({form for form, _ in found}) == len(found)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("don't", ["don't", "don’t", "donʼt"]),
        ("O'N", ["O'N", "O’N", "OʼN", "o'n", "o’n", "oʼn"]),
    ],
)
def test_an_apostrophe_may_be_another(word, expected):
    """A word of plain letters with an apostrophe is looked for with each of three, then in lower case."""
    statuses = ["exact", "apostrophe", "apostrophe", "lower", "lower", "lower"]
    assert list(forms(word)) == list(zip(expected, statuses, strict=False))


# Words that other words become by a change that is taken for harmless.
TWINS = [
    *(
        "हয়",
        "\u09b9\u09df",
        "\u09b9\u09af\u09bc",
        "\u0938\u095c\u0915",
        "\u0938\u0921\u093c\u0915",
        "café",
        "cafe\u0301",
    ),
    *(
        "l’eau",
        "l'eau",
        "lʼeau",
        "שלום",
        "\ufb2aלום",
        "\u05e9\u05c1לום",
        "한국",
        "\u1112\u1161\u11ab국",
        "Å",
        "\u212b",
    ),
    *(
        "soft",
        "so\u00adft",
        "می\u200cخواهم",
        "میخواهم",
        "\u00ad",
        "\u200d",
        "\ufe0f",
        "❤\ufe0f",
        "❤",
        "\ufeffbank",
        "bank",
        "Bank",
    ),
]
vocabularies = st.lists(
    st.one_of(st.sampled_from(TWINS), st.text(max_size=8)), min_size=1, max_size=12, unique=True
)


@given(vocabularies)
def test_every_entry_is_found_as_it_is_written(words):
    """In any vocabulary each entry gives its own row: no form of another word comes before it."""
    store = MemoryStore("any", words, np.eye(len(words), dtype=np.float32))
    assert [find(store, word) for word in words] == [
        (row, word, "exact") for row, word in enumerate(words)
    ]


@pytest.mark.parametrize(
    "entry", ["\u0938\u095c\u0915", "cafe\u0301", "aujourd’hui", "\ufb2aלום", "E\u0301cole"]
)
@pytest.mark.parametrize("other", ["NFC", "NFD", "straight", "soft hyphen"])
def test_what_looks_the_same_is_found(entry, other):
    """An entry that is not in NFC, or has a typographic apostrophe, is found from its twins too."""
    straight = entry.replace("’", "'")
    written = {"straight": straight, "soft hyphen": f"{entry[:2]}\u00ad{entry[2:]}"}
    word = written.get(other) or unicodedata.normalize(other, entry)
    hit = find(MemoryStore("one", ["x", entry], np.eye(2, dtype=np.float32)), word)
    assert hit is not None
    assert hit[:2] == (1, entry)
    assert (hit[2] == "exact") == (word == entry)


@pytest.mark.parametrize(
    ("word", "other"),
    [("\u09b9\u09df", "\u09b9\u09af"), ("がき", "かき"), ("ไม่", "ไม"), ("क्ष", "कष")],
)
def test_a_mark_that_makes_another_letter_is_no_accent(word, other):
    """Nuktas, voicing marks, tones and viramas are not left out: that would be another word."""
    assert find(MemoryStore("one", [other], np.ones((1, 2), np.float32)), word) is None


@pytest.mark.parametrize(
    "entry", ['צה"ל', "צה\u05f4ל", "צה\u201dל", "ג'ירפה", "ג\u05f3ירפה", "ג\u2019ירפה"]
)
@pytest.mark.parametrize("marks", ["\"'", "\u05f4\u05f3"])
def test_hebrew_marks_are_found_from_what_is_typed_for_them(entry, marks):
    """Geresh and gershayim are found from apostrophes and quotes, and the other way about."""
    plain = entry.translate(dict.fromkeys(map(ord, "\u05f4\u201d"), marks[0]))
    word = plain.translate({ord(mark): marks[1] for mark in "'\u05f3\u2019"})
    word = word.replace('"', marks[0])
    store = MemoryStore("v", [entry, "x"], np.eye(2, dtype=np.float32))
    row, key, status = find(store, word) or (None, None, None)
    assert (row, key) == (0, entry)
    assert status == ("exact" if word == entry else "apostrophe")


def test_words_that_look_the_same_have_one_random_vector():
    """Seeded vectors do not see how a word is encoded, nor what nobody sees in it."""
    store = SeededStore(4, 1)
    rows = [store.row(word) for word in ("café", "cafe\u0301", "ca\u00adfé", "\ufeffcafé")]
    assert len(set(rows)) == 1
    assert store.row("\u00ad") != store.row("\u200d")  # nothing else is left of these


def reading_of(text, **settings):
    """How the sentence is read with these settings."""
    return read_sentence(text, STORE, ReadingSettings(**settings))


def test_a_random_stand_in_depends_on_seed_dimension_and_word():
    """It is the vector of the seeded store, marked random, and keeps its place."""
    found = reading_of("xyzzy bank xyzzy", oov="random", seed=5)
    assert [token.status for token in found.tokens] == ["random", "exact", "random"]
    assert [token.key for token in found.tokens] == ["xyzzy", "bank", "xyzzy"]
    expected = [random_vector("xyzzy", 2, 5), [0, 1], random_vector("xyzzy", 2, 5)]
    np.testing.assert_array_equal(found.embeddings, expected)


@pytest.mark.parametrize(("oov", "expected"), [("zero", [0, 0]), ("mean", [4, 5])])
def test_zero_and_mean_stand_in(oov, expected):
    """Zeros, or the mean of the vocabulary, marked as such."""
    found = reading_of("xyzzy", oov=oov)
    assert [token.status for token in found.tokens] == [oov]
    np.testing.assert_array_equal(found.embeddings, [expected])


def test_words_that_are_skipped_leave_the_places_of_the_others():
    """The words that stay have the offsets that they have in the sentence."""
    found = reading_of("xyzzy bank plugh BANK", oov="skip")
    assert [(token.text, token.start, token.status) for token in found.tokens] == [
        ("bank", 6, "exact"),
        ("BANK", 17, "lower"),
    ]
    assert found.embeddings.shape == (2, 2)


def test_error_names_the_unknown_words():
    """All of them up to five, then how many more."""
    with pytest.raises(UnknownWordError, match='"w0", "w1", "w2", "w3", "w4" and 2 more'):
        reading_of(" ".join(f"w{i}" for i in range(7)), oov="error")
    assert [token.status for token in reading_of("bank", oov="error").tokens] == ["exact"]


def test_a_seeded_store_knows_every_word_but_lists_none():
    """Its words are found, so that they are not called unknown; contractions stay whole."""
    store = SeededStore(4, 1)
    assert find(store, "anything")[1:] == ("anything", "exact")
    assert find(store, "Else")[1:] == ("Else", "exact")
    assert not knows(store)("n't")
    with pytest.raises(UsageError, match="no vocabulary"):
        read_sentence(
            "b",
            MemoryStore("scan", ["a"], np.ones((1, 2), np.float32), complete=False),
            ReadingSettings(oov="mean"),
        )


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("straße", {"STRASSE": "compatible", "Strasse": "compatible", "STRAẞE": "lower"}),
        ("strasse", {"Straße": "compatible"}),
        ("gross", {"GROẞ": "compatible"}),
        ("masse", {"masse": "exact", "Maße": "compatible"}),
        ("ılık", {"ILIK": "lower", "Ilık": "lower"}),
        ("İstanbul", {"istanbul": "capitalised", "İSTANBUL": "capitalised"}),
        ("diyarbakır", {"DİYARBAKIR": "lower"}),
        ("istanbul", {"ISTANBUL": "lower", "İstanbul": "lower"}),
        ("οδος", {"ΟΔΟΣ": "lower", "οδοσ": "lower"}),
        ("οδοσ", {"ΟΔΟΣ": "compatible", "οδος": "compatible"}),
        (
            "e-mail",
            {"e\u2011mail": "compatible", "E\u2010Mail": "lower", "ｅ－ｍａｉｌ": "compatible"},
        ),
        ("Cafes", {"Cafés": "unaccented"}),
        ("BANK", {"ＢＡＮＫ": "compatible"}),
        ("❤\ufe0f", {"❤": "invisible"}),
        ("❤\ufe0f\u200d🔥", {"❤\u200d🔥": "invisible"}),
        ("كتاب", {"كتـــاب": "compatible"}),
    ],
)
def test_case_and_signs_are_those_of_each_script(entry, words):
    """Cases of German, Turkish and Greek, hyphens of typesetting, emoji typed without a selector and
    stretched Arabic are found, the case as written first.
    """
    store = MemoryStore("v", ["x", entry], np.eye(2, dtype=np.float32))
    assert {word: find(store, word) for word in words} == {
        word: (1, entry, status) for word, status in words.items()
    }


@pytest.mark.parametrize("hyphen", ["-", "\u2010", "\u2011", "\uff0d"])
@pytest.mark.parametrize("mark", ["'", "\u2019", "\u02bc", "\uff07"])
def test_compounds_and_contractions_are_found_with_any_sign(hyphen, mark):
    """What joins or cuts a word with the signs of keyboards does so with those of typesetting."""
    words = ["e-mail", "bank", "'s", "x"]
    store = MemoryStore("v", words, np.eye(4, dtype=np.float32))
    text = f"e{hyphen}mail bank{mark}s"
    found = read_sentence(text, store, ReadingSettings())
    assert [token.key for token in found.tokens] == ["e-mail", "bank", "'s"]
    assert [text[token.start : token.end] for token in found.tokens] == [
        f"e{hyphen}mail",
        "bank",
        f"{mark}s",
    ]
    assert places_of_word("e-mail", [token.text for token in found.tokens]) == [0]
