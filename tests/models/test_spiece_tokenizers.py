"""A T5 folder with spiece.model alone, as mT5's are, is read as transformers reads it."""

import json
from pathlib import Path
from typing import Any

import pytest
from text.spm_files import BPE, CONTROL, NORMAL, UNKNOWN, WORDS, charsmap, spm

from attncli.errors import DataError
from attncli.models.pieces import PieceTokenizer

pytest.importorskip("tokenizers")

SPECIAL = [("<pad>", 0.0, CONTROL), ("</s>", 0.0, CONTROL), ("<unk>", 0.0, UNKNOWN)]
PIECES = [*SPECIAL, *((word, -1.0 - at / 4, NORMAL) for at, word in enumerate(WORDS))]


def folder_of(folder: Path, content: bytes, config: dict[str, Any], **options: Any) -> Path:
    """A folder with a model of SentencePiece, config.json and tokenizer_config.json."""
    (folder / "spiece.model").write_bytes(content)
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(options), "utf-8")
    return folder


@pytest.mark.parametrize("model_type", ["t5", "mt5", "umt5"])
def test_pieces_are_those_of_the_model_and_its_sentinels_follow(
    tmp_path: Path, model_type: str
) -> None:
    """<extra_id_0> has the last id of all; full-width letters are spelled as the table says."""
    content = spm(PIECES, charsmap=charsmap({"Ｂ": "b", "ａ": "a"}))
    tokenizer = PieceTokenizer(folder_of(tmp_path, content, {"model_type": model_type}))
    found = tokenizer("the  Ｂａnk, <extra_id_0>s")
    assert found.ids == (8, 4, 2, len(PIECES) + 99, 9, 10, 1)
    assert tokenizer.entry(len(PIECES)) == "<extra_id_99>"
    assert tokenizer.entry(len(PIECES) + 99) == "<extra_id_0>"
    assert tokenizer.kind == "Unigram"
    plain = tokenizer("the banks")
    assert [(p.text, p.key, p.status) for p in plain.pieces] == [
        ("the", "▁the", "exact"),
        ("bank", "▁bank", "exact"),
        ("s", "s", "piece"),
        ("</s>", "</s>", "special"),
    ]
    assert plain.ids == (8, 4, 10, 1)


@pytest.mark.parametrize(
    ("content", "config", "options", "message"),
    [
        (b"", {"model_type": "t5"}, {}, "no pieces"),
        (spm(PIECES, BPE), {"model_type": "t5"}, {}, "expected unigram"),
        (spm(PIECES), {"model_type": "pegasus"}, {}, '"pegasus" alone'),
        (spm(PIECES), {}, {"tokenizer_class": "AlbertTokenizer"}, '"AlbertTokenizer" alone'),
        (spm(PIECES), {"model_type": "t5"}, {"extra_ids": "100"}, "extra_ids"),
        (spm(PIECES, charsmap=b"\xff" * 40), {"model_type": "t5"}, {}, "no tokenizer"),
    ],
    ids=["empty", "bpe", "model-type", "class", "extra-ids", "table"],
)
def test_what_is_not_read_is_one_error(
    tmp_path: Path, content: bytes, config: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    """With the file named."""
    folder = folder_of(tmp_path, content, config, **options)
    with pytest.raises(DataError, match=message) as caught:
        PieceTokenizer(folder)
    assert "spiece.model" in str(caught.value)
