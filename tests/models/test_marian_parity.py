"""Marian's tokenizer gives the ids and texts that MarianTokenizer of transformers gives."""

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from models.marian_files import LANGUAGES, numbered

from attncli.models.pieces import PieceTokenizer

sentencepiece = pytest.importorskip("sentencepiece")
transformers = pytest.importorskip("transformers")

from text.test_sentencepiece_parity import PARTS, trained  # noqa: E402 - needs sentencepiece

texts = st.lists(
    st.sampled_from(
        [*PARTS, *LANGUAGES, ">>xx<<", ">>", "<<", "</s>", "<pad>", "<unk>", " ", ". "]
    ),
    max_size=14,
).map("".join)


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, PieceTokenizer, str]]:
    """Both sides of a trained Marian, with one vocabulary and with two, each theirs and ours."""
    made = []
    for separate in (False, True):
        folder = tmp_path_factory.mktemp("marian")
        vocabularies: list[list[str]] = []
        for name, kind in (("source", "unigram"), ("target", "bpe")):
            content = trained(kind, "nmt")
            (folder / f"{name}.spm").write_bytes(content)
            model = sentencepiece.SentencePieceProcessor(model_proto=content)
            pieces = [model.id_to_piece(number) for number in range(3, model.get_piece_size())]
            kept = [piece for at, piece in enumerate(pieces) if at % 9]  # some stay unknown
            vocabularies.append(["</s>", "<unk>", *kept, *LANGUAGES, "<pad>"])
        source, target = vocabularies
        whole = list(dict.fromkeys([*source[:-1], *target])) if not separate else source
        (folder / "vocab.json").write_text(json.dumps(numbered(whole)), "utf-8")
        (folder / "target_vocab.json").write_text(json.dumps(numbered(target)), "utf-8")
        told = {"tokenizer_class": "MarianTokenizer", "separate_vocabs": separate}
        (folder / "tokenizer_config.json").write_text(json.dumps(told), "utf-8")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it recommends sacremoses, which it does not use here
            theirs = _theirs(folder, separate)
        ours = PieceTokenizer(folder)
        made += [(theirs, ours, "text"), (theirs, ours.target, "text_target")]
    return made


def _theirs(folder: Path, separate: bool) -> Any:
    """The tokenizer of transformers, of the files themselves."""
    return transformers.MarianTokenizer(
        source_spm=str(folder / "source.spm"),
        target_spm=str(folder / "target.spm"),
        vocab=str(folder / "vocab.json"),
        target_vocab_file=str(folder / "target_vocab.json"),
        separate_vocabs=separate,
    )


@given(texts)
@example("")
@example(">>fra<<")
@example(">>fra<< the  river\u3000bank ")
def test_ids_are_those_of_transformers(
    sides: list[tuple[Any, PieceTokenizer, str]], text: str
) -> None:
    """Of both sides, with one vocabulary and with two."""
    for theirs, ours, side in sides:
        assert list(ours(text).ids) == theirs(**{side: text})["input_ids"]


@given(texts)
def test_texts_of_ids_are_those_of_transformers(
    sides: list[tuple[Any, PieceTokenizer, str]], text: str
) -> None:
    """Without the special tokens, and the spaces that transformers takes away at the ends."""
    for theirs, ours, side in sides:
        if side == "text" and theirs.separate_vocabs:
            continue  # it decodes what was written alone
        ids = [one for one in ours(text).ids if ours.entry(one) not in ours.special_tokens()]
        assert ours.text_of(ids).strip() == theirs.decode(ids)
