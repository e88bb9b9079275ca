"""The quick way of reading gives what the plain way gives."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_lookup import look_up
from reading.readings import read_sentence

from attncli.embeddings.protocols import EmbeddingStore, PlainStore
from attncli.embeddings.store import FolderStore
from attncli.errors import AttnError, LimitError
from attncli.reading.cutting import tokens_of
from attncli.reading.reader import Reader, ReadingSettings
from attncli.results.stack import TokenRun
from attncli.settings import TokenizerName

ALPHABET = "abcdnt ABZ019_-'’.,:@/ \t\x1c\u0301\u200d\u00a0é한中👍🏽ा\U0001f1e9"
WORDS = [
    "bank",
    "don't",
    "e-mail",
    "New",
    "York-based",
    "a@b.com",
    "https://x.org/a",
    "http:///",
    "3.5%",
    "—",
]


def plain(text: str, store: EmbeddingStore, settings: ReadingSettings) -> list[tuple[object, ...]]:
    """The tokens and vectors of a sentence without any memory: cut whole, looked up word by word."""
    spans = tokens_of(text, store, settings.tokenizer)
    found = look_up(store, [s.text for s in spans], oov=settings.oov, seed=settings.seed)
    return [
        (spans[i].text, spans[i].start, spans[i].end, key, status, found.vectors[place].tobytes())
        for place, (i, key, status) in enumerate(
            zip(found.kept, found.keys, found.statuses, strict=True)
        )
    ]


AROUND = st.text(alphabet=".,;:!?\"'()[]-/@_’“", max_size=3)  # marks before or after a word

texts = st.one_of(
    st.text(alphabet=ALPHABET, max_size=30),
    st.text(max_size=30),
    st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join),
    st.tuples(AROUND, st.sampled_from(["bank", "Bank", "www", "http", "qqqx", "s"]), AROUND).map(
        "".join
    ),
)


@given(
    texts=st.lists(texts, max_size=6), tokenizer=st.sampled_from(["words", "whitespace", "chars"])
)
@pytest.mark.parametrize("oov", ["random", "zero", "skip"])
def test_pieces_give_the_tokens_of_the_whole_sentence(
    glove: FolderStore, texts: list[str], tokenizer: TokenizerName, oov: str
) -> None:
    """A reader that remembers pieces finds the same tokens, offsets, statuses and vectors."""
    settings = ReadingSettings(tokenizer=tokenizer, oov=oov)  # type: ignore[arg-type]  # drawn
    reader = Reader(glove, settings)
    for text in texts:
        expected = plain(text, glove, settings)
        if not expected:
            with pytest.raises(AttnError):
                reader.run(text)
            continue
        run = reader.run(text)
        vectors = reader.vectors(run)
        got = [
            (t.text, t.start, t.end, t.key, t.status, vectors[i].tobytes())
            for i, t in enumerate(run.tokens())
        ]
        assert got == expected


def described(found: TokenRun | AttnError, reader: Reader) -> object:
    """What a sentence was found to hold, or the words of its error."""
    if isinstance(found, AttnError):
        return type(found), found.message, found.hints
    vectors = reader.vectors(found)
    return [(*token, vectors[i].tobytes()) for i, token in enumerate(found.tokens())]


@given(
    texts=st.lists(
        st.one_of(texts, st.sampled_from(["bank\ud800", "", "x" * 70, "a-b " * 30, "bank " * 12])),
        max_size=9,
    ),
    tokenizer=st.sampled_from(["words", "whitespace", "chars"]),
    oov=st.sampled_from(["random", "skip", "error"]),
)
def test_sentences_read_together_are_those_read_alone(
    glove: FolderStore, texts: list[str], tokenizer: TokenizerName, oov: str
) -> None:
    """Company changes neither tokens nor vectors nor errors, known pieces or new ones."""
    settings = ReadingSettings(tokenizer=tokenizer, oov=oov, max_tokens=10)  # type: ignore[arg-type]  # drawn
    reader = Reader(glove, settings)
    alone = []
    for text in texts:
        fresh = Reader(glove, settings)
        alone += [described(found, fresh) for found in fresh.runs([text])]
    for _ in range(2):
        assert [described(found, reader) for found in reader.runs(texts)] == alone


def test_lots_of_moderate_length_lose_no_text(glove: FolderStore) -> None:
    """Texts too long to be cut in pieces together are read in several lots, all and in order."""
    texts = ["money bank " * 500, "river", "bank " * 1000, "", "flows " * 900, "the river"] * 9
    reader = Reader(glove, ReadingSettings(oov="zero"))
    found = reader.runs(texts)
    for text, run in zip(texts, found, strict=True):
        words = text.split()
        assert isinstance(run, TokenRun) == bool(words)
        if isinstance(run, TokenRun):
            assert [token.text for token in run.tokens()] == words
            assert all(text[t.start : t.end] == t.text for t in run.tokens())


@pytest.mark.parametrize("oov", ["random", "zero", "skip", "error"])
def test_sentences_of_one_length_have_the_tokens_of_each_alone(
    glove: FolderStore, oov: Any
) -> None:
    """Pieces that are too long to be remembered, unknown and missing words change no neighbor."""
    long = "bank-" * 20 + "river"
    texts = ["money bank grows", long, "a qqqx b", "", f"river {long}  bank", "qqqx", "the, bank;"]
    settings = ReadingSettings(oov=oov, max_tokens=23)
    reader = Reader(glove, settings)
    reader.by_length(texts)
    for more in ("", "flows", "it's"):  # at first only long pieces are new, then others too
        texts = [*texts, more]
        failures, groups = reader.by_length(texts)
        expected = [Reader(glove, settings).runs([text])[0] for text in texts]
        assert {f.place: str(f.error) for f in failures} == {
            i: str(one) for i, one in enumerate(expected) if isinstance(one, AttnError)
        }
        for group in groups:
            for place, run, rows in zip(group.places, group.runs, group.rows, strict=True):
                alone = expected[place]
                assert isinstance(alone, TokenRun)
                assert run.tokens() == alone.tokens()
                assert [part.row for part in run.parts] == rows.tolist()
            assert [r.tokens() for r in group.runs[1:]] == [r.tokens() for r in group.runs][1:]


def test_forgetting_changes_nothing(glove: FolderStore) -> None:
    """After a new start the same sentence has the same vectors."""
    reader = Reader(glove)
    before = reader.vectors(reader.run("money bank grows"))
    reader.lexicon.forget()
    reader._pieces.forget()
    reader.run("river flows")
    assert np.array_equal(reader.vectors(reader.run("money bank grows")), before)


def test_memory_is_bounded(glove: FolderStore) -> None:
    """Never-ending new words do not pile up."""
    reader = Reader(glove)
    for i in range(30):
        reader.by_length([f"word{i}x{j} bank" for j in range(1000)])
        reader.lexicon.vectors()
    assert len(reader.lexicon) < 18_000
    assert len(reader._pieces._known) < 18_000


class Counting(PlainStore):
    """A store that has no word, and counts how often it is asked for each."""

    name, dim, words, sha256 = "counting", 4, 0, None

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    def has_word(self, word: str) -> bool:
        return False

    def row(self, word: str) -> int | None:
        self.asked[word] += 1
        return None

    def vectors(self, rows: Any) -> Any:
        return np.zeros((len(rows), self.dim), dtype=np.float32)


def rare_words(count: int, begin: int) -> str:
    """Words that no store has."""
    return " ".join(f"rare{i}" for i in range(begin, begin + count))


@pytest.fixture(params=[(512, 1 << 14), (1 << 14, 512)], ids=["words", "pieces"])
def little_room(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that a short text meets: of words, or of pieces."""
    words, pieces = request.param
    monkeypatch.setattr("attncli.reading.lexicon._MAX_WORDS", words)
    monkeypatch.setattr("attncli.reading.piecewise._MAX_PIECES", pieces)


@pytest.mark.usefixtures("little_room")
def test_frequent_words_are_looked_up_once() -> None:
    """However many words come once, a word of every sentence is not looked for again."""
    store = Counting()
    reader = Reader(store)
    for begin in range(0, 3000, 300):
        reader.by_length([f"the bank {rare_words(18, at)}" for at in range(begin, begin + 300, 18)])
    assert store.asked["rare17"] == store.asked["the"] == store.asked["bank"] == 1
    reader.by_length(["rare17 the"])
    assert store.asked["the"] == 1
    assert store.asked["rare17"] == 2  # it was forgotten


@pytest.mark.usefixtures("little_room")
@pytest.mark.parametrize("oov", ["random", "zero", "mean", "skip", "error"])
def test_what_is_forgotten_changes_no_sentence(glove: FolderStore, oov: Any) -> None:
    """Tokens, vectors and faults are those of a new reader after hundreds of words were forgotten."""
    settings = ReadingSettings(oov=oov, max_tokens=4000)
    reader = Reader(glove, settings)
    reader.lexicon.projection(1, lambda vectors: vectors[:, :1])
    asked = ["money bank grows", "rare1 bank, rare1700", "it's rare2-rare3 (bank)", "flows"]
    for begin in range(0, 2400, 150):
        texts = [*asked, rare_words(150, begin), f"the bank flows rare{begin} bank"]
        failures, groups = reader.by_length(texts)
        fresh = Reader(glove, settings)
        expected_failures, expected = fresh.by_length(texts)
        assert list(map(str, failures)) == list(map(str, expected_failures))
        for group, plain in zip(groups, expected, strict=True):
            assert group.places == plain.places
            assert [r.tokens() for r in group.runs] == [r.tokens() for r in plain.runs]
            kept, alone = reader.lexicon.vectors(), fresh.lexicon.vectors()
            assert np.array_equal(kept[group.rows], alone[plain.rows])
            assert np.array_equal(reader.lexicon.projected(0)[:, 0], kept[:, 0])
            known = [lexicon.known() for lexicon in (reader.lexicon, fresh.lexicon)]
            assert np.array_equal(known[0][group.rows], known[1][plain.rows])


@pytest.mark.parametrize("oov", ["random", "zero", "mean", "nearest", "skip"])
def test_what_is_said_of_many_sentences_is_said_of_each_alone(glove: FolderStore, oov: Any) -> None:
    """Warnings of a group are those of its sentences, and none is there that says nothing."""
    reader = Reader(glove, ReadingSettings(oov=oov))
    texts = [
        "money bank",
        "qqqx bank",
        "qqqx zzzzq",
        "banq riverr",
        "a qqqx b zzzzq qqqx",
        "the, a",
    ]
    said: dict[str, Any] = {}
    for group in reader.by_length(texts)[1]:
        warned = reader.warned(texts, group)
        assert all(warned.values())
        for i, (place, run) in enumerate(zip(group.places, group.runs, strict=True)):
            said[texts[place]] = warned.get(i, ())
            assert said[texts[place]] == reader.warnings(run, texts[place])
    assert [note.code for note in said["qqqx bank"]] == ["unknown-word"]
    assert said["money bank"] == ()


@pytest.mark.parametrize("text", ["a " * 50, "a-b-" * 30, "a " + "1-x " * 40, "x;" * 40])
def test_too_many_tokens_are_counted(glove: FolderStore, text: str) -> None:
    """The message of a sentence over the limit names the whole number of its tokens."""
    settings = ReadingSettings(max_tokens=20)
    count = len(tokens_of(text, glove, "words"))
    with pytest.raises(LimitError, match=f"^{count} tokens"):
        read_sentence(text, glove, settings)
