"""A T5 with spiece.model alone has the ids of transformers' T5Tokenizer, made of the same pieces."""

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from attncli.models.pieces import PieceTokenizer
from attncli.text.sentencepiece_model import parse_sentencepiece

sentencepiece = pytest.importorskip("sentencepiece")
transformers = pytest.importorskip("transformers")

from text.test_sentencepiece_parity import PARTS  # noqa: E402 - needs sentencepiece

RULES = ("nmt_nfkc", "identity")
SENTINELS = (0, 3, 100)
ROOT = Path(__file__).parents[2]
texts = st.lists(
    st.sampled_from([*PARTS, "<extra_id_0>", "<extra_id_2>", "<pad>", " ", ". "]), max_size=12
).map("".join)


@cache
def trained_t5(rule: str) -> bytes:
    """A model with the first ids of T5: <pad>, </s>, <unk>."""
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=filter(None, lines),
        model_writer=out,
        vocab_size=500,
        model_type="unigram",
        normalization_rule_name=rule,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        hard_vocab_limit=False,
        minloglevel=2,
        num_threads=1,
    )
    return out.getvalue()


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, PieceTokenizer]]:
    """Theirs and ours, with each rule and number of sentinels."""
    made = []
    for rule in RULES:
        content = trained_t5(rule)
        model = sentencepiece.SentencePieceProcessor(model_proto=content)
        pieces = [(model.id_to_piece(n), model.get_score(n)) for n in range(model.vocab_size())]
        for number in SENTINELS:
            own = [(f"<extra_id_{at}>", 0.0) for at in reversed(range(number))]
            theirs = transformers.T5Tokenizer(
                vocab=[*pieces, *own],
                extra_ids=number,
                _spm_precompiled_charsmap=parse_sentencepiece(content, "").charsmap or None,
            )
            folder = tmp_path_factory.mktemp("t5")
            (folder / "spiece.model").write_bytes(content)
            told = {"tokenizer_class": "T5Tokenizer", "extra_ids": number}
            (folder / "tokenizer_config.json").write_text(json.dumps(told), "utf-8")
            made.append((theirs, PieceTokenizer(folder)))
    return made


@given(texts)
@example("")
@example("the  river\u3000bank <extra_id_0>")
def test_ids_are_those_of_transformers(both: list[tuple[Any, PieceTokenizer]], text: str) -> None:
    """With each rule and number of sentinels."""
    for theirs, ours in both:
        assert list(ours(text).ids) == theirs(text)["input_ids"]
        assert ours.size == len(theirs)
