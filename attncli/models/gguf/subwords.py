"""Unigram and WordPiece of the metadata of a GGUF file, as parts of a tokenizer.json.

Source: ggml-org/llama.cpp, conversion: what it writes of the vocabularies of T5 and BERT.
"""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from attncli.arrays import AnyArray
from attncli.models.gguf.metadata import Metadata
from attncli.text.sentencepiece_normalizing import expect_whole_table

# Types of tokens: usual ones, what is unknown, special ones, those that are none, bytes.
_NORMAL, _UNKNOWN, _CONTROL, _UNUSED, _BYTE = 1, 2, 3, 5, 6
_BEGIN, _GO_ON = "▁", "##"  # how a word begins in the metadata, how a piece goes on in WordPiece
_LONGEST_WORD = 100  # letters; a longer one is unknown, as in BERT


def token_types(metadata: Metadata, count: int) -> AnyArray:
    """What each token is, by the numbers of the format; without a word of it all are usual ones (1).

    Raises: DataError for another number of them.
    """
    types = metadata.numbers("token_type")
    if types is None:
        return np.ones(count, np.int32)
    if len(types) != count:
        raise metadata.fault("token_type", f"has {len(types)} values for {count} tokens")
    return types


def unigram(metadata: Metadata, tokens: Sequence[str]) -> dict[str, Any]:
    """The Unigram model of SentencePiece, its normalizer and what stands for a space.

    Raises: DataError for scores that are none, or no token for what is unknown.
    """
    types, scores = token_types(metadata, len(tokens)), metadata.numbers("scores")
    if scores is None or len(scores) != len(tokens) or not np.isfinite(scores).all():
        raise metadata.fault("scores", f"expected {len(tokens)} finite numbers, one for each token")
    usual = np.isin(types, (_NORMAL, _BYTE))
    least = scores[usual].min(initial=0)  # others are matched before, or never
    unknown = metadata.whole("unknown_token_id", 2)
    used = np.flatnonzero(types != _UNUSED)  # a table is filled up with names that are no tokens
    count = int(used[-1]) + 1 if len(used) else 0
    if not 0 <= unknown < count:
        raise metadata.fault("unknown_token_id", f"is {unknown}, expected a number below {count}")
    scored = np.where(usual, scores, least).tolist()
    prepend = "always" if metadata.flag("add_space_prefix", False) else "never"
    return {
        "normalizer": {"type": "Sequence", "normalizers": _normalizers(metadata)},
        "pre_tokenizer": {
            "type": "Metaspace",
            "replacement": _BEGIN,
            "prepend_scheme": prepend,
            "split": True,
        },
        "decoder": None,
        "model": {
            "type": "Unigram",
            "unk_id": unknown,
            "vocab": list(zip(tokens[:count], scored[:count], strict=True)),
            "byte_fallback": bool((types == _BYTE).any()),
        },
    }


def _normalizers(metadata: Metadata) -> list[dict[str, Any]]:
    """What is done to a text first: the table of SentencePiece, and spaces taken away."""
    steps: list[dict[str, Any]] = []
    table = metadata.numbers("precompiled_charsmap")
    if table is not None and len(table):
        if table.dtype.itemsize != 1:
            raise metadata.fault("precompiled_charsmap", "is no array of bytes")
        try:
            expect_whole_table(table.tobytes())
        except ValueError as fault:
            raise metadata.fault("precompiled_charsmap", f"is damaged: {fault}") from None
        steps.append(
            {
                "type": "Precompiled",
                "precompiled_charsmap": base64.b64encode(table.tobytes()).decode(),
            }
        )
    if metadata.flag("remove_extra_whitespaces", False):
        spaces = {"pattern": {"Regex": " {2,}"}, "content": _BEGIN}
        steps.append({"type": "Strip", "strip_left": False, "strip_right": True})
        steps.append({"type": "Replace", **spaces})
    return steps


def wordpiece(metadata: Metadata, tokens: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """WordPiece, and its tokens as BERT spells them: the metadata mark how words begin, not how they go on.

    Words are made small, and accents taken away, as the metadata say, else unless the vocabulary
    has a capital letter.
    """
    types = token_types(metadata, len(tokens)).tolist()
    spelled = [_spelled(token, kind) for token, kind in zip(tokens, types, strict=True)]
    unknown = metadata.whole("unknown_token_id", -1)
    unk_token = spelled[unknown] if 0 <= unknown < len(spelled) else "[UNK]"
    if unk_token not in spelled:
        raise metadata.fault("unknown_token_id", "is missing, expected the number of a token")
    lowercase = metadata.flag("normalizer.lowercase", not any(map(_has_capital, spelled)))
    parts = {
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": metadata.flag("normalizer.strip_accents", lowercase),
            "lowercase": lowercase,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "decoder": None,
        "model": {
            "type": "WordPiece",
            "unk_token": unk_token,
            "continuing_subword_prefix": _GO_ON,
            "max_input_chars_per_word": _LONGEST_WORD,
            "vocab": {token: number for number, token in enumerate(spelled)},
        },
    }
    return parts, spelled


def _spelled(token: str, kind: int) -> str:
    """A token as BERT spells it."""
    if token.startswith(_BEGIN) and token != _BEGIN:
        return token.removeprefix(_BEGIN)
    is_special = kind in (_UNKNOWN, _CONTROL) or (token[:1], token[-1:]) == ("[", "]")
    return token if is_special and len(token) > 1 else _GO_ON + token


def _has_capital(token: str) -> bool:
    """Whether a token, which is no special one, has a capital letter."""
    return not token.startswith("[") and token != token.lower() and token.isascii()
