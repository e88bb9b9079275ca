"""XLM-RoBERTa and CamemBERT with sentencepiece.bpe.model alone have the ids of transformers.

Two oracles: the class of transformers, given what its converter makes of the pieces of the file; and
SentencePiece itself, whose ids fairseq moves by one (by four in CamemBERT) behind its special tokens.
"""

import io
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from attncli.errors import DataError
from attncli.models.pieces import PieceTokenizer
from attncli.text.sentencepiece_model import parse_sentencepiece

sentencepiece = pytest.importorskip("sentencepiece")
transformers = pytest.importorskip("transformers")

from text.test_sentencepiece_parity import PARTS  # noqa: E402 - needs sentencepiece

ROOT = Path(__file__).parents[2]
CLASSES = {"xlm-roberta": "XLMRobertaTokenizer", "camembert": "CamembertTokenizer"}
OFFSETS = {"xlm-roberta": 1, "camembert": 4}
ENDS = {"xlm-roberta": (0, 2), "camembert": (5, 6)}
TOLD: dict[str, dict[str, Any]] = {
    "nothing": {},
    "names": {"pad_token": "[P]", "unk_token": "[U]", "mask_token": "[M]"},
    "no-space-before": {"add_prefix_space": False},
}
CONTROL, USER_DEFINED = 3, 4
texts = st.lists(
    st.sampled_from([*PARTS, "<mask>", "<s>", "<pad>", "[M]", " ", ". ", "bank", "river"]),
    max_size=12,
).map("".join)


@cache
def trained_piece_model(rule: str, kind: str = "unigram", own: tuple[str, ...] = ()) -> bytes:
    """A model as fairseq's are trained: <unk>, <s>, </s>, then pieces."""
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=filter(None, (ROOT / "README.md").read_text("utf-8").splitlines()),
        model_writer=out,
        vocab_size=400,
        model_type=kind,
        normalization_rule_name=rule,
        user_defined_symbols=list(own),
        hard_vocab_limit=False,
        minloglevel=2,
        num_threads=1,
    )
    return out.getvalue()


def folder_of(folder: Path, model_type: str, content: bytes, options: Mapping[str, Any]) -> Path:
    """A folder with the model alone, config.json, and tokenizer_config.json where it says anything."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sentencepiece.bpe.model").write_bytes(content)
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}), "utf-8")
    if options:
        (folder / "tokenizer_config.json").write_text(json.dumps(options), "utf-8")
    return folder


def of_transformers(model_type: str, content: bytes, options: Mapping[str, Any]) -> Any:
    """The tokenizer of a class of transformers, as its from_pretrained makes it of such a file."""
    from transformers.convert_slow_tokenizer import SLOW_TO_FAST_CONVERTERS

    model = parse_sentencepiece(content, "")
    kinds = list(zip(model.pieces, model.types, strict=True))
    extra = [
        transformers.AddedToken(piece, normalized=False, special=kind == CONTROL)
        for piece, kind in kinds
        if kind in (CONTROL, USER_DEFINED)
    ]
    converter = SLOW_TO_FAST_CONVERTERS[CLASSES[model_type]]
    made = converter.convert_from_spm(
        vocab=list(zip(model.pieces, model.scores, strict=True)), **options
    )
    return getattr(transformers, CLASSES[model_type])(
        **made,
        additional_special_tokens=extra,
        _spm_precompiled_charsmap=model.charsmap or None,
    )


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, PieceTokenizer]]:
    """Theirs and ours: both classes, both rules, own pieces, and what the files may say."""
    made = []
    for model_type in CLASSES:
        for rule, own in (("nmt_nfkc", ()), ("identity", ("bank", "▁x"))):
            for told in TOLD.values():
                content = trained_piece_model(rule, own=own)
                folder = folder_of(tmp_path_factory.mktemp("f") / "m", model_type, content, told)
                made.append((of_transformers(model_type, content, told), PieceTokenizer(folder)))
    return made


@given(texts)
@example("")
@example("the  river\u3000bank <mask> a <s>b")
@example("ﬁx x bank\tbanks")
def test_fairseq_ids_are_those_of_transformers(
    both: list[tuple[Any, PieceTokenizer]], text: str
) -> None:
    """Of both classes, with and without a table of characters, named tokens and pieces of one's own."""
    for theirs, ours in both:
        assert list(ours(text).ids) == theirs(text)["input_ids"]
        assert ours.size == len(theirs)


def test_a_pair_has_its_ends_as_in_transformers(both: list[tuple[Any, PieceTokenizer]]) -> None:
    """Two ends between both."""
    for theirs, ours in both:
        expected = theirs("the river", "a bank")["input_ids"]
        assert list(ours("the river", "a bank").ids) == expected


@pytest.mark.parametrize("model_type", CLASSES)
def test_ids_are_those_of_sentencepiece_moved(tmp_path: Path, model_type: str) -> None:
    """Of plain text: each piece has the id that SentencePiece gives it, and the offset of fairseq."""
    content = trained_piece_model("nmt_nfkc")
    library = sentencepiece.SentencePieceProcessor(model_proto=content)
    ours = PieceTokenizer(folder_of(tmp_path, model_type, content, {}))
    first, last = ENDS[model_type]
    seen = set[int]()
    for line in filter(None, (ROOT / "README.md").read_text("utf-8").splitlines()):
        words = " ".join(line.split())
        expected = [3 if one == 0 else one + OFFSETS[model_type] for one in library.encode(words)]
        assert list(ours(words).ids) == [first, *expected, last]
        seen |= set(expected)
    assert len(seen) > 200
    assert ours.mask_id == library.vocab_size() + OFFSETS[model_type]


@pytest.mark.parametrize(
    ("model_type", "content", "options", "message"),
    [
        ("xlm-roberta", b"", {}, "no pieces"),
        ("xlm-roberta", trained_piece_model("identity", "bpe"), {}, "expected unigram"),
        ("mbart", trained_piece_model("identity"), {}, '"mbart" alone'),
        (
            "bert",
            trained_piece_model("identity"),
            {"tokenizer_class": "MBartTokenizer"},
            '"MBartTokenizer" alone',
        ),
        (
            "t5",
            trained_piece_model("identity"),
            {"tokenizer_class": "T5Tokenizer"},
            '"T5Tokenizer" alone',
        ),
    ],
    ids=["empty", "bpe", "mbart", "class", "t5"],
)
def test_a_fairseq_model_of_another_kind_is_one_error(
    tmp_path: Path, model_type: str, content: bytes, options: dict[str, Any], message: str
) -> None:
    """With the file named."""
    with pytest.raises(DataError, match=message) as caught:
        PieceTokenizer(folder_of(tmp_path, model_type, content, options))
    assert "sentencepiece.bpe.model" in str(caught.value)
