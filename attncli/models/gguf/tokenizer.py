"""The tokenizer in the metadata of a GGUF file, as the tokenizer.json that it was made of.

Four models are built: byte-level BPE ("gpt2", whose `tokenizer.ggml.pre` names how a text is split
first), the BPE of SentencePiece ("llama", whose merges follow from its vocabulary), its Unigram
("t5") and WordPiece ("bert"). A chat template is a program of a stranger: it is never run.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

from attncli.arrays import AnyArray
from attncli.errors.wording import quoted, visible
from attncli.models.gguf.mapped import opened_gguf
from attncli.models.gguf.metadata import Metadata
from attncli.models.gguf.splitting import Splitting, bytes_step, splitting_of
from attncli.models.gguf.subwords import token_types, unigram, wordpiece
from attncli.text.tokenizer_content import tokenizer_of

# Types of tokens: what is unknown and special ones, and those that are matched as they stand.
_UNKNOWN, _CONTROL, _USER = 2, 3, 4
_NAMED = (
    "bos",
    "eos",
    "unknown",
    "seperator",
    "padding",
    "mask",
    "cls",
)  # spelled as in the format
_UNDERSCORE = "▁"  # what SentencePiece has for a space
_GEMMA = ("gemma", "gemma2", "gemma3")
_MOST_CUTS = 1 << 28  # letters looked at while merges are derived
_LONGEST = 1000  # letters of a token that is cut
_MOST_ADDED = 100_000
_PHI3 = ("phi-3", "phi3")
_NOT_STRIPPED = ("<unk>", "<s>", "<|endoftext|>")


def gguf_tokenizer(path: Path) -> tuple[Any, str | None]:
    """The tokenizers.Tokenizer of a GGUF file, and why its pieces may be others, None where not.

    Raises: MissingExtraError without the library; DataError when the metadata are damaged, or of a
    tokenizer that is not built here.
    """
    file = opened_gguf(path)
    metadata = Metadata(file.header.metadata, file.place, "tokenizer.ggml.")
    model = metadata.text("model")
    tokens = metadata.texts("tokens")
    if not tokens:
        raise metadata.fault("tokens", "is missing, expected a vocabulary")
    _expect_distinct(metadata, tokens)
    general = Metadata(file.header.metadata, file.place)
    architecture = general.text("general.architecture")
    doubt, kind = None, Splitting()
    if model == "gpt2":
        kind, doubt = splitting_of(metadata)
        parts = _byte_level(metadata, tokens, kind)
    elif model == "llama":
        parts, doubt = _sentencepiece(metadata, tokens, gemma=architecture in _GEMMA)
    elif model == "t5":
        parts = unigram(metadata, tokens)
    elif model == "bert":
        parts, tokens = wordpiece(metadata, tokens)
    else:
        raise metadata.fault("model", f"is {quoted(model)}, expected gpt2, llama, t5 or bert")
    vocabulary = _numbered(tokens) if model == "t5" else parts["model"]["vocab"]
    added = list(_added(metadata, tokens, vocabulary, named=model in ("t5", "bert")))
    if architecture in ("bert", "modern-bert"):
        strips = model != "bert"  # the space before a mask is the mask's
        added = [_stripping_left(metadata, token) if strips else token for token in added]
        around = _around_encoded(
            metadata, tokens, pieces=model == "bert", doubled=strips and architecture == "bert"
        )
    else:
        around = _around(
            metadata, tokens, begins=model == "llama" or kind.begins, ends=model == "t5"
        )
    if any(name in general.text("general.name", "").lower() for name in _PHI3):
        added = [token | {"rstrip": token["content"] not in _NOT_STRIPPED} for token in added]
    content = {**parts, "added_tokens": added, "post_processor": around}
    return tokenizer_of(_json(content), file.place), doubt


def _json(content: Mapping[str, Any]) -> bytes:
    """A vocabulary and its merges, which the standard library would write nine times as slowly."""
    import orjson

    return orjson.dumps(content)


def _expect_distinct(metadata: Metadata, tokens: Sequence[str]) -> None:
    """Raises: DataError for a token that comes twice, of which nobody knows the id; "" may."""
    if len(set(tokens)) + max(tokens.count("") - 1, 0) == len(tokens):
        return
    first: dict[str, int] = {}
    for number, token in enumerate(tokens):
        if token and first.setdefault(token, number) != number:
            raise metadata.fault(
                "tokens",
                f'has "{visible(token)}" twice, as {first[token]} and as {number}, expected each once',
            )


def _byte_level(metadata: Metadata, tokens: list[str], kind: Splitting) -> dict[str, Any]:
    merges = metadata.texts("merges")  # "a b": neither token has a space
    spaces = list(map(str.count, merges, repeat(" ")))
    if not set(spaces) <= {1}:
        number = next(number for number, count in enumerate(spaces, 1) if count != 1)
        raise metadata.fault("merges", f"value {number} is no pair of two tokens")
    return {
        "normalizer": {"type": "NFC"} if kind.composed else None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": kind.steps()},
        "decoder": {"type": "ByteLevel", **bytes_step(use_regex=True)},
        "model": {
            "type": "BPE",
            "ignore_merges": kind.whole_first,
            "vocab": _numbered(tokens),
            "merges": merges,
        },
    }


def _sentencepiece(
    metadata: Metadata, tokens: list[str], *, gemma: bool
) -> tuple[dict[str, Any], str | None]:
    """The BPE of SentencePiece, and a doubt where tokens of one score may be joined otherwise."""
    if gemma:  # which spells tokens of spaces alone as they are
        tokens = [token if token.strip(" ") else _UNDERSCORE * len(token) for token in tokens]
    vocabulary = _numbered(tokens)
    ranks = np.arange(0, -len(tokens), -1) if gemma else metadata.numbers("scores")
    if ranks is None or len(ranks) != len(tokens) or not np.isfinite(ranks).all():
        raise metadata.fault("scores", f"expected {len(tokens)} finite numbers, one for each token")
    steps = [{"type": "Replace", "pattern": {"String": " "}, "content": _UNDERSCORE}]
    if metadata.flag("add_space_prefix", not gemma):
        steps.insert(0, {"type": "Prepend", "prepend": _UNDERSCORE})
    unknown = metadata.whole("unknown_token_id", 0)
    merges, doubt = _merges(metadata, tokens, vocabulary, ranks)
    parts = {
        "normalizer": {"type": "Sequence", "normalizers": steps},
        "pre_tokenizer": None,
        "decoder": None,
        "model": {
            "type": "BPE",
            "unk_token": _token(metadata, tokens, unknown, "unknown_token_id"),
            "fuse_unk": True,
            "byte_fallback": True,
            "vocab": vocabulary,
            "merges": merges,
        },
    }
    return parts, doubt


def _merges(
    metadata: Metadata, tokens: Sequence[str], vocabulary: Mapping[str, int], ranks: AnyArray
) -> tuple[list[tuple[str, str]], str | None]:
    """Every cut of a token in two tokens, in the order in which SentencePiece would join them.

    Of two cuts with one rank the one with the longer left part comes first. Of two tokens with one
    rank SentencePiece joins what stands first in the text, which no order says: that is a doubt.
    """
    if sum(len(token) ** 2 for token in tokens) > _MOST_CUTS or max(map(len, tokens)) > _LONGEST:
        raise metadata.fault("tokens", f"has tokens of more than {_LONGEST} letters, or too many")
    lefts, rights, wholes = array("q"), array("q"), array("q")  # numbers take little memory
    for whole, token in enumerate(tokens):
        cuts = [
            (left, right)
            for at in range(1, len(token))
            if (left := vocabulary.get(token[:at])) is not None
            and (right := vocabulary.get(token[at:])) is not None
        ]
        for left, right in sorted(cuts):
            lefts.append(left)
            rights.append(right)
            wholes.append(whole)
    lengths = np.array([len(token) for token in tokens])
    left_of, right_of, whole_of = (np.array(part, np.int64) for part in (lefts, rights, wholes))
    rank_of = np.asarray(ranks, np.float64)[whole_of]
    order = np.lexsort((-lengths[right_of], -lengths[left_of], -rank_of))
    joined = np.unique(whole_of)
    has_ties = len(np.unique(np.asarray(ranks)[joined])) < len(joined)
    doubt = (
        "tokens of one score: of those that overlap, another may be joined" if has_ties else None
    )
    pairs = zip(left_of[order].tolist(), right_of[order].tolist(), strict=True)
    return [(tokens[left], tokens[right]) for left, right in pairs], doubt


def _numbered(tokens: Sequence[str]) -> dict[str, int]:
    return {token: number for number, token in enumerate(tokens)}


def _added(
    metadata: Metadata, tokens: Sequence[str], vocabulary: Mapping[str, int], *, named: bool
) -> Iterator[dict[str, Any]]:
    """The tokens that are matched before a text is split, but those that are spelled otherwise now.

    `named`: those that the metadata name are special too. Raises: DataError for too many of them.
    """
    types = token_types(metadata, len(tokens))
    if named:
        keys = [f"{name}_token_id" for name in _NAMED if metadata.has(f"{name}_token_id")]
        numbers = [metadata.whole(key) for key in keys]
        types = types.copy()
        types[[number for number in numbers if 0 <= number < len(tokens)]] = _CONTROL
    is_special = (types == _CONTROL) | (types == _UNKNOWN)
    places = np.flatnonzero(is_special | (types == _USER)).tolist()
    if len(places) > _MOST_ADDED:
        raise metadata.fault("token_type", f"has more than {_MOST_ADDED} special tokens")
    for place in places:
        if not tokens[place] or tokens[place] not in vocabulary:
            continue
        yield {
            "id": place,
            "content": tokens[place],
            "special": bool(is_special[place]),
            **dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False),
        }


def _stripping_left(metadata: Metadata, token: dict[str, Any]) -> dict[str, Any]:
    """An added token, which has the spaces before it if it is the mask."""
    return token | {"lstrip": token["id"] == metadata.whole("mask_token_id", -1)}


def _around_encoded(
    metadata: Metadata, tokens: Sequence[str], *, pieces: bool, doubled: bool
) -> dict[str, Any] | None:
    """What an encoder has around a sentence and between two: [CLS] A [SEP] B [SEP].

    `pieces`: WordPiece has both whatever the flags say, others as they do. `doubled`: as RoBERTa,
    which has its separator twice between two, and knows no segments.
    """
    if not pieces and not (
        metadata.flag("add_bos_token", True) and metadata.flag("add_eos_token", True)
    ):
        key = "add_eos_token" if metadata.flag("add_bos_token", True) else "add_bos_token"
        raise metadata.fault(key, "is false, expected an encoder that has both around a sentence")
    ids: list[int] = []
    for names in (("cls", "bos"), ("seperator", "eos")):
        name = next((name for name in names if metadata.has(f"{name}_token_id")), names[-1])
        ids.append(metadata.whole(f"{name}_token_id"))
    start, end = (_token(metadata, tokens, number, "token ids") for number in ids)

    def mark(token: str, segment: int) -> dict[str, Any]:
        return {"SpecialToken": {"id": token, "type_id": segment}}

    def sentence(name: str, segment: int) -> list[dict[str, Any]]:
        return [{"Sequence": {"id": name, "type_id": segment}}, mark(end, segment)]

    single = [mark(start, 0), *sentence("A", 0)]
    second = [mark(end, 0), *sentence("B", 0)] if doubled else sentence("B", 1)
    return {
        "type": "TemplateProcessing",
        "single": single,
        "pair": single + second,
        "special_tokens": {
            token: {"id": token, "ids": [number], "tokens": [token]}
            for token, number in zip((start, end), ids, strict=True)
        },
    }


def _around(
    metadata: Metadata, tokens: Sequence[str], *, begins: bool, ends: bool
) -> dict[str, Any] | None:
    """What is set around a sentence: the token that begins it, the one that ends it, or nothing."""
    marked: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for name, usual in (("bos", begins), ("eos", ends)):
        if metadata.flag(f"add_{name}_token", usual):
            number = metadata.whole(f"{name}_token_id")
            marked[name] = _token(metadata, tokens, number, f"{name}_token_id")
            numbers[marked[name]] = number
    if not marked:
        return None

    def template(sentence: str, segment: int) -> list[dict[str, Any]]:
        marks = {
            name: [{"SpecialToken": {"id": token, "type_id": segment}}]
            for name, token in marked.items()
        }
        middle = [{"Sequence": {"id": sentence, "type_id": segment}}]
        return [*marks.get("bos", []), *middle, *marks.get("eos", [])]

    return {
        "type": "TemplateProcessing",
        "single": template("A", 0),
        "pair": template("A", 0) + template("B", 1),
        "special_tokens": {
            token: {"id": token, "ids": [number], "tokens": [token]}
            for token, number in numbers.items()
        },
    }


def _token(metadata: Metadata, tokens: Sequence[str], number: int, key: str) -> str:
    """The token of a number. Raises: DataError for a number that no token has."""
    if not 0 <= number < len(tokens):
        raise metadata.fault(key, f"is {number}, expected a number below {len(tokens)}")
    return tokens[number]
