"""A SentencePiece model cuts a text as plain loops do, and a damaged file of one is one clear error."""

import math
import time
from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from text.spm_files import (
    BPE,
    BYTE,
    CONTROL,
    NORMAL,
    UNIGRAM,
    UNKNOWN,
    UNUSED,
    USER_DEFINED,
    charsmap,
    field,
    spm,
    spm_of_words,
    varint,
)

from attncli.errors import DataError, LimitError
from attncli.text.sentencepiece_cutting import SentencePieceCutter
from attncli.text.sentencepiece_model import byte_piece, parse_sentencepiece

SPECIAL = [("<unk>", 0.0, UNKNOWN), ("<s>", 0.0, CONTROL)]
BYTES = [(byte_piece(byte), 0.0, BYTE) for byte in range(256)]
TABLE = {"ﬁ": "fi", "½": "1/2", "\t": " ", "\u3000": " ", "e\u0301": "é", "\u200b": "", "A": "a"}


def cutter(content: bytes) -> SentencePieceCutter:
    """What cuts by the model in a file."""
    return SentencePieceCutter(parse_sentencepiece(content, "a.spm"))


def pieces(content: bytes, text: str) -> list[str]:
    """The pieces of a text."""
    return [cut.piece for cut in cutter(content)(text)]


def spans(content: bytes, text: str) -> list[str]:
    """What each piece stands for in the text given."""
    return [text[cut.start : cut.end] for cut in cutter(content)(text)]


def test_words_are_cut_with_the_space_before_them() -> None:
    """Several spaces are one, and none is left at the ends; unknown letters are one piece."""
    content = spm_of_words()
    text = "  the bank   grows.日本 the "
    found = cutter(content)(text)
    assert [cut.piece for cut in found] == ["▁the", "▁bank", "▁grows", ".", "日本", "▁the"]
    assert [cut.number for cut in found] == [8, 4, 5, 14, 0, 8]
    assert [text[cut.start : cut.end].strip() for cut in found] == [
        "the", "bank", "grows", ".", "日本", "the",
    ]  # fmt: skip
    assert pieces(content, "") == pieces(content, "   ") == []


vocabularies = st.dictionaries(
    st.text("ab▁", min_size=1, max_size=4), st.integers(-40, 10), min_size=1, max_size=14
)


@given(vocabularies, st.text("ab ", max_size=8))
def test_a_unigram_cut_has_the_largest_sum_of_all(scores: dict[str, int], text: str) -> None:
    """Of every cut that there is; a letter in no piece counts ten less than the least score."""
    known = [(piece, score / 4, NORMAL) for piece, score in scores.items()]
    content = spm([*SPECIAL, *known], removes_spaces=False)
    whole = "▁" + text.replace(" ", "▁") if text else ""
    least = min(scores.values()) / 4

    def worth(cut: tuple[str, ...]) -> float:
        lone = [-math.inf if len(one) > 1 else least - 10 for one in cut]
        return sum(scores.get(one, 4 * other) / 4 for one, other in zip(cut, lone, strict=True))

    every = [
        tuple(whole[a:b] for a, b in zip((0, *at), (*at, len(whole)), strict=True))
        for n in range(len(whole))
        for at in combinations(range(1, len(whole)), n)
    ]
    found = cutter(content)(text)
    assert "".join(cut.piece for cut in found) == whole
    parts = [one for cut in found for one in (cut.piece if cut.number == 0 else [cut.piece])]
    assert worth(tuple(parts)) == max(map(worth, every), default=0)


@given(vocabularies, st.text("ab ", max_size=12))
def test_a_bpe_cut_joins_the_best_pair_time_after_time(scores: dict[str, int], text: str) -> None:
    """The first of equally good ones, until no pair of neighbors is a piece."""
    known = [(piece, score / 4, NORMAL) for piece, score in scores.items()]
    content = spm([*SPECIAL, *known], BPE, removes_spaces=False)
    parts = list("▁" + text.replace(" ", "▁")) if text else []
    while pairs := [
        (-scores[a + b], at) for at, (a, b) in enumerate(pairwise(parts)) if a + b in scores
    ]:
        _, at = min(pairs)
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    found = [one for cut in cutter(content)(text) for one in (cut.piece, cut.number)]
    expected: list[Any] = []
    for part in parts:
        if part in scores:
            expected += [part, list(scores).index(part) + 2]
        elif expected and expected[-1] == 0:
            expected[-2] += part
        else:
            expected += [part, 0]
    assert found == expected


def test_letters_are_spelled_as_the_table_says_and_keep_their_place() -> None:
    """Longest entry first; a piece stands for all letters that it has a part of."""
    known = [(piece, -1.0, NORMAL) for piece in ("▁fi", "x", "1/", "2", "é", "▁a", "▁")]
    content = spm([*SPECIAL, *known], charsmap=charsmap(TABLE))
    text = "ﬁx½ \t\u3000e\u0301\u200bA"
    assert pieces(content, text) == ["▁fi", "x", "1/", "2", "▁", "é", "a"]
    assert spans(content, text) == ["ﬁ", "x", "½", "½", " ", "e\u0301", "A"]
    assert pieces(content, "\u200b \u200b") == []


@pytest.mark.parametrize("kind", [1, 2])
def test_the_flags_of_a_file_say_how_spaces_are_read(kind: int) -> None:
    """A space before the text, behind it, none; all of them kept; spelled as they are."""
    known = [(piece, -1.0, NORMAL) for piece in ("▁", " ", "a", "b")]
    text = " a  b "
    for flags, expected in (
        ({}, "▁ a ▁ b"),
        ({"dummy_prefix": False}, "a ▁ b"),
        ({"suffix": True}, "a ▁ b ▁"),
        ({"removes_spaces": False}, "▁ ▁ a ▁ ▁ b ▁"),
    ):
        assert pieces(spm([*SPECIAL, *known], kind, **flags), text) == expected.split(" "), flags
    plain = spm([*SPECIAL, *known], kind, escapes_spaces=False)
    assert pieces(plain, text) == [" ", "a", " ", "b"]


def test_what_is_in_no_piece_is_cut_into_bytes() -> None:
    """Where the model falls back; each byte stands for the whole letter."""
    content = spm([*SPECIAL, ("▁a", -1.0, NORMAL), *BYTES], bytes=True)
    assert pieces(content, "aé") == ["▁a", "<0xC3>", "<0xA9>"]
    assert spans(content, "aé") == ["a", "é", "é"]


@pytest.mark.parametrize("kind", [1, 2])
def test_pieces_of_a_user_stay_whole(kind: int) -> None:
    """The longest at each place, spelled as it is given, whatever the table or better scores say."""
    known = [("▁a", 1.0, NORMAL), ("▁", -1.0, NORMAL), ("b", 0.0, NORMAL), ("Ab", 0.5, NORMAL)]
    own = [("<x>", 0.0, USER_DEFINED), ("<x>A", 0.0, USER_DEFINED)]
    content = spm([*SPECIAL, *known, *own], kind, charsmap(TABLE))
    assert pieces(content, "<x>Ab <x>") == ["▁", "<x>A", "b", "▁", "<x>"]


def test_an_unused_piece_is_parted_again() -> None:
    """Into the two that it was joined of."""
    known = [("a", -3.0, NORMAL), ("b", -3.0, NORMAL), ("ab", -1.0, UNUSED), ("▁", -5.0, NORMAL)]
    for kind in (1, 2):
        assert pieces(spm([*SPECIAL, *known], kind), "ab") == ["▁", "a", "b"]


def test_a_table_that_makes_too_much_of_a_text_is_stopped() -> None:
    """A letter that is spelled with ten thousand."""
    content = spm([*SPECIAL, ("▁", -1.0, NORMAL)], charsmap=charsmap({"a": "b" * 10_000}))
    assert len(pieces(content, "aa")) == 2
    with pytest.raises(LimitError):
        pieces(content, "a" * 1000)


@pytest.mark.parametrize("kind", [UNIGRAM, BPE])
@pytest.mark.parametrize("spelled", ["a", "b", " "])
def test_letters_that_are_spelled_with_thousands_each_are_refused(kind: int, spelled: str) -> None:
    """Letters of a piece, of none, and spaces of which nothing stays."""
    known = [("▁", -1.0, NORMAL), ("a", -1.0, NORMAL)]
    table = charsmap({"ﬁ": spelled * 20_000})
    cut = cutter(spm([*SPECIAL, *known], kind, charsmap=table, dummy_prefix=False))
    assert len(cut("a ﬁa")) == {"a": 20_003, "b": 4, " ": 3}[spelled]
    with pytest.raises(LimitError, match="more than 262144 letters of 20"):
        cut("a " + "ﬁ" * 18)


def test_the_time_of_an_unknown_text_grows_with_its_length() -> None:
    """Its letters are one piece, which is not spelled anew for each of them."""
    before = time.process_time()
    assert pieces(spm_of_words(), "x" * 400_000)[1:] == ["x" * 400_000]
    assert time.process_time() - before < 5


@pytest.mark.parametrize("kind", [UNIGRAM, BPE])
def test_pieces_of_too_many_lengths_are_refused(kind: int) -> None:
    """Each length is looked up at each letter: 900 of them in a long text, but not in a short one."""
    state = USER_DEFINED if kind == BPE else NORMAL
    long = [("a" * n, -float(n), state) for n in range(1, 901)]
    content = spm([*SPECIAL, ("▁", -1.0, NORMAL), *long], kind)
    assert len(pieces(content, "a" * 900)) == 2
    with pytest.raises(LimitError, match="lengths"):
        pieces(content, "a" * 10_000)


WHOLE = spm_of_words(charsmap=charsmap(TABLE))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no pieces"),
        (b"\x00", "number 0"),
        (b"PK\x03\x04", "number 0"),
        (b"\x0b\x0b\x0b", "wire type 3"),
        (WHOLE[:-3], "are left"),
        (WHOLE[:5], "are left"),
        (varint(1 << 3 | 2) + varint(1 << 62), "are left"),
        (b"\x0a" + b"\xff" * 11, "ten bytes"),
        (b"\x0a", "ends within a number"),
        (field(1, 7) + WHOLE, "is a number"),
        (WHOLE + field(2, field(3, b"x")), "something else"),
        (WHOLE + field(3, field(2, 9)), "is a number"),
        (WHOLE + field(2, field(3, 4)), "of the kind char"),
        (WHOLE + field(2, field(3, 77)), "of the kind 77"),
        (WHOLE + field(2, field(35, 1)), "piece of a byte, <0x00>, is missing"),
        (WHOLE + field(1, field(1, b"\xff\xfe") + field(2, 0.0)), "UTF-8"),
        (WHOLE + field(1, field(1, b"x") + field(2, math.nan)), "finite"),
        (WHOLE + field(1, field(1, b"x") + field(2, math.inf)), "finite"),
        (WHOLE + field(1, field(1, b"x") + field(2, 3)), "four bytes"),
        (WHOLE + field(1, field(1, b"x") + field(3, 9)), "type 9"),
        (WHOLE + field(1, field(1, b"x" * 5000)), "5000 bytes"),
        (WHOLE + field(1, b""), "0 bytes"),
        (WHOLE + field(1, field(1, "▁bank".encode())), "twice"),
        (WHOLE + field(1, field(1, b"?") + field(3, UNKNOWN)), "2 pieces stand"),
        (field(1, field(1, b"x")), "0 pieces stand"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_damaged_file_is_one_error(content: bytes, message: str) -> None:
    """With what is wrong and the file named."""
    with pytest.raises(DataError, match=message) as caught:
        parse_sentencepiece(content, "a.spm")
    assert caught.value.place == "a.spm"


@pytest.mark.parametrize(
    "table", [b"abc", b"\x00\x00\x00\x00", b"\x05\0\0\0abcdefgh", b"\xff" * 40]
)
def test_a_damaged_table_of_characters_is_an_error(table: bytes) -> None:
    """Before a text is read."""
    with pytest.raises(ValueError, match="table of characters"):
        cutter(spm_of_words(charsmap=table))


@given(st.binary(min_size=4, max_size=80), st.text(max_size=12))
def test_any_table_of_characters_ends(units: bytes, text: str) -> None:
    """Units of any bits, which may point anywhere; every piece has a place in the text."""
    size = len(units) // 4 * 4
    table = size.to_bytes(4, "little") + units
    for cut in cutter(spm_of_words(charsmap=table))(text):
        assert 0 <= cut.start <= cut.end <= len(text)
