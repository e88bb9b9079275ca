"""Models that the library sentencepiece trained cut texts here as they do there."""

import io
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from attncli.text.sentencepiece_cutting import SentencePieceCutter
from attncli.text.sentencepiece_model import parse_sentencepiece

sentencepiece = pytest.importorskip("sentencepiece")

_BELOW = Path(__file__).parents[2]
OTHER = (
    "Der Fluß fließt über die Brücke.", "日本語のテキスト、全角ＡＢＣ１２３", "مرحبا بالعالم، السلام عليكم",
    "café naïve e\u0301 ½ ﬁ ①", "שלום עולם", "😀 🎉 👩‍👩‍👧", "हिन्दी पाठ", "한국어 문장",
)  # fmt: skip
OPTIONS: dict[str, dict[str, Any]] = {
    "nmt": {"normalization_rule_name": "nmt_nfkc"},
    "identity": {"normalization_rule_name": "identity"},
    "lower-bytes": {"normalization_rule_name": "nmt_nfkc_cf", "byte_fallback": True},
    "kept-spaces": {
        "normalization_rule_name": "nfkc",
        "remove_extra_whitespaces": False,
        "add_dummy_prefix": False,
        "user_defined_symbols": ["<sep>", "USR", "US"],
    },
    "suffix": {
        "normalization_rule_name": "nmt_nfkc",
        "treat_whitespace_as_suffix": True,
        "split_by_whitespace": False,
        "control_symbols": ["<ctl>"],
    },
}
MODELS = [(kind, name) for kind in ("unigram", "bpe") for name in OPTIONS]
PARTS = [
    *[
        "the",
        "river",
        "bank",
        "of",
        "money",
        "attention",
        "<sep>",
        "USR",
        "US",
        "§§",
        "§",
        "<ctl>",
        "<s>",
        "</s>",
        "<unk>",
        ">>fra<<",
    ],
    *[
        "ＡＢ１",
        "½",
        "ﬁ",
        "é",
        "̈",
        "日本",
        "語",
        "مرحبا",
        "שלום",
        "😀",
        "👩\u200d👧",
        "▁",
        "<0x41>",
        "ss",
        "ß",
        "İ",
    ],
    *(" ", "  ", "\t", "\n", "\r\n", "\u200b", "\u200d", "\u00a0", "\u3000", "\x00", "\ufeff"),
]
texts = st.one_of(
    st.lists(st.sampled_from([*PARTS, " "]), max_size=14).map("".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)


@cache
def trained(kind: str, name: str) -> bytes:
    """A small model of the project's own words."""
    lines = (_BELOW / "sample_sentences.txt").read_text("utf-8").splitlines()
    lines += (_BELOW / "README.md").read_text("utf-8").splitlines()
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([*filter(None, lines), *OTHER * 3]),
        model_writer=out,
        vocab_size=700,
        model_type=kind,
        character_coverage=0.98,
        hard_vocab_limit=False,
        minloglevel=2,
        num_threads=1,
        **OPTIONS[name],
    )
    return out.getvalue()


@cache
def both(kind: str, name: str) -> tuple[Any, SentencePieceCutter]:
    """A model as the library reads it, and as attn does."""
    content = trained(kind, name)
    theirs = sentencepiece.SentencePieceProcessor(model_proto=content)
    return theirs, SentencePieceCutter(parse_sentencepiece(content, "a.spm"))


@pytest.mark.parametrize(("kind", "name"), MODELS)
@given(texts)
@example("")
@example("  \t ")
@example(" the  river\u3000bank ")
def test_pieces_are_those_of_the_library(kind: str, name: str, text: str) -> None:
    """Their texts and ids, for both kinds and each way to prepare a text."""
    theirs, ours = both(kind, name)
    found = ours(text)
    assert [cut.piece for cut in found] == theirs.encode(text, out_type=str)
    assert [cut.number for cut in found] == theirs.encode(text)


@pytest.mark.parametrize("name", OPTIONS)
@given(texts)
def test_places_cover_what_the_pieces_say(name: str, text: str) -> None:
    """In order, within the text; all letters but spaces and what the table leaves out."""
    cuts = both("unigram", name)[1](text)
    assert all(0 <= cut.start <= cut.end <= len(text) for cut in cuts)
    assert [cut.start for cut in cuts] == sorted(cut.start for cut in cuts)
    assert [cut.end for cut in cuts] == sorted(cut.end for cut in cuts)
    covered = {at for cut in cuts for at in range(cut.start, cut.end)}
    missing = [text[at] for at in range(len(text)) if at not in covered]
    left_out = {"Cc", "Cf", "Zs", "Zl", "Zp"}
    assert all(unicodedata.category(one) in left_out or one == "▁" for one in missing)


@pytest.mark.parametrize(("kind", "name"), MODELS)
def test_the_model_is_what_the_library_says(kind: str, name: str) -> None:
    """Every piece, score and special type; the id of what is unknown."""
    theirs, ours = both(kind, name)
    model = ours.model
    for number in range(theirs.get_piece_size()):
        assert model.pieces[number] == theirs.id_to_piece(number)
        assert model.scores[number] == theirs.get_score(number)
        assert (model.types[number] == 3) == theirs.is_control(number)
        assert (model.types[number] == 6) == theirs.is_byte(number)
    assert len(model.pieces) == theirs.get_piece_size()
    assert (model.unknown, model.kind) == (theirs.unk_id(), kind)
