"""The tokeniser of a checkpoint folder: tokenizer.json, or built from the vocabulary files.

Older checkpoints have only vocab.txt (BERT, DistilBERT) or vocab.json with merges.txt (GPT-2,
RoBERTa). The tokenizers of transformers 5 build these with the classes and settings used here:
BertTokenizer, GPT2Tokenizer and RobertaTokenizer; tests hold them to the same ids and offsets.
"""

import json
import math
from pathlib import Path
from typing import Any

from attncli.errors import DataError, InputError, LimitError, MissingExtraError
from attncli.escape import quoted, visible

MAX_FILE = 256 * 1024 * 1024  # bytes
_GROWTH = 1000
_BERT = {
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}
_ROBERTA = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "cls_token": "<s>",
    "mask_token": "<mask>",
}
_GPT2 = dict.fromkeys(("unk_token", "bos_token", "eos_token"), "<|endoftext|>")
_WORDPIECE, _BYTES = ("vocab.txt",), ("vocab.json", "merges.txt")


def tokenizer_file(folder: Path) -> Path:
    """The file that messages about the folder's tokeniser name."""
    for names in (("tokenizer.json",), _WORDPIECE, _BYTES):
        if all((folder / name).is_file() for name in names):
            return folder / names[0]
    return folder / "tokenizer.json"


def open_tokenizer(folder: Path) -> Any:
    """The tokenizers.Tokenizer of a folder.

    Raises: MissingExtraError without the library; InputError when there is no tokeniser; DataError
    when it is damaged; LimitError when it is too large.
    """
    path = tokenizer_file(folder)
    place = visible(str(path))
    if not path.exists():
        raise InputError(
            "found no tokenizer.json, no vocab.txt, and no vocab.json with merges.txt",
            place=visible(str(folder)),
            hints=_ways_out(folder),
        )
    if path.name == "tokenizer.json":
        return tokenizer_of(_content(path), place)
    for name in _WORDPIECE if path.name in _WORDPIECE else _BYTES:
        _content(folder / name)
    build = _wordpiece if path.name in _WORDPIECE else _byte_level
    library = _library()
    try:
        return build(library, folder, json_object(folder / "tokenizer_config.json") or {})
    except (DataError, InputError):
        raise
    except Exception as fault:  # the library raises bare Exceptions for damage
        raise DataError(f"this is no vocabulary: {quoted(str(fault))}", place=place) from None


def tokenizer_of(content: bytes, place: str) -> Any:
    """The tokenizers.Tokenizer of the content of a tokenizer.json.

    Raises: MissingExtraError without the library; DataError when it is damaged.
    """
    library = _library()
    try:
        made = library.Tokenizer.from_buffer(content)
    except Exception as fault:  # the library raises bare Exceptions for damage
        raise DataError(f"this is no tokeniser: {quoted(str(fault))}", place=place) from None
    _check_growth(made, place)
    return made


def _ways_out(folder: Path) -> tuple[str, ...]:
    if not any(folder.glob("*.model")):
        return ()
    return (
        "save it once with AutoTokenizer.from_pretrained(…).save_pretrained(…) of transformers",
    )


def _check_growth(made: Any, place: str) -> None:
    """Raises: DataError for a normaliser under which a short text may become a huge one."""
    if (
        made.normalizer is not None
        and _growth(json.loads(made.normalizer.__getstate__())) > _GROWTH
    ):
        raise DataError(
            f"its normaliser may make a text more than {_GROWTH} times as long", place=place
        )


def _growth(step: dict[str, Any]) -> float:
    """How many times longer a text may be after a step."""
    if step.get("type") == "Sequence":
        return math.prod(map(_growth, step.get("normalizers", ())))
    content = len(step.get("content") or step.get("prepend") or "")
    pattern = step.get("pattern")
    replaced = len(pattern.get("String", "")) if isinstance(pattern, dict) else 1
    return max(1.0, content / max(1, replaced))


def json_object(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file, None when there is no such file.

    Raises: InputError, LimitError, DataError.
    """
    if not path.exists():
        return None
    try:
        found = json.loads(_content(path))
    except (ValueError, RecursionError):
        raise DataError("this is no JSON", place=visible(str(path))) from None
    if not isinstance(found, dict):
        raise DataError("expected a JSON object", place=visible(str(path)))
    return found


def _library() -> Any:
    try:
        import tokenizers
    except ImportError:
        raise MissingExtraError.of("tokenizers", "reading tokenizer.json") from None
    return tokenizers


def _content(path: Path) -> bytes:
    place = visible(str(path))
    if path.exists() and not path.is_file():  # a pipe would block, a device never end
        raise InputError("cannot open: this is no file", place=place)
    try:
        size = path.stat().st_size
        if size > MAX_FILE:
            raise LimitError(f"{size} bytes, the limit is {MAX_FILE}", place=place)
        return path.read_bytes()
    except OSError as fault:
        raise InputError(f"cannot open: {(fault.strerror or '').lower()}", place=place) from None


def _wordpiece(library: Any, folder: Path, told: dict[str, Any]) -> Any:
    """As BertTokenizer is built."""
    special = _special_tokens(folder, told, _BERT)
    model = library.models.WordPiece
    vocabulary = model.read_file(str(folder / "vocab.txt"))
    made = library.Tokenizer(model(vocabulary, unk_token=special["unk_token"]["content"]))
    made.normalizer = library.normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=_flag(told, "tokenize_chinese_chars", default=True),
        strip_accents=_flag(told, "strip_accents", default=None),
        lowercase=_flag(told, "do_lower_case", default=True),
    )
    made.pre_tokenizer = library.pre_tokenizers.BertPreTokenizer()
    _add_tokens(library, made, folder, told, special)
    cls, sep = (special[role]["content"] for role in ("cls_token", "sep_token"))
    made.post_processor = library.processors.TemplateProcessing(
        single=[f"{cls}:0", "$A:0", f"{sep}:0"],
        pair=[f"{cls}:0", "$A:0", f"{sep}:0", "$B:1", f"{sep}:1"],
        special_tokens=[(cls, _id(made, folder, cls)), (sep, _id(made, folder, sep))],
    )
    return made


def _byte_level(library: Any, folder: Path, told: dict[str, Any]) -> Any:
    """As GPT2Tokenizer and RobertaTokenizer are built."""
    config = json_object(folder / "config.json") or {}
    is_gpt2 = config.get("model_type") == "gpt2"
    special = _special_tokens(folder, told, _GPT2 if is_gpt2 else _ROBERTA)
    model = library.models.BPE
    vocabulary, merges = model.read_file(*(str(folder / name) for name in _BYTES))
    made = library.Tokenizer(
        model(vocab=vocabulary, merges=merges, continuing_subword_prefix="", end_of_word_suffix="")
    )
    space = bool(_flag(told, "add_prefix_space", default=False))
    made.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=space)
    _add_tokens(library, made, folder, told, special)
    if is_gpt2:
        return made
    cls, sep = (special[role]["content"] for role in ("cls_token", "sep_token"))
    made.post_processor = library.processors.RobertaProcessing(
        (sep, _id(made, folder, sep)),
        (cls, _id(made, folder, cls)),
        bool(_flag(told, "trim_offsets", default=True)),
        space,
    )
    return made


def _flag(told: dict[str, Any], name: str, *, default: bool | None) -> bool | None:
    value = told.get(name, default)
    if value is not None and not isinstance(value, bool):
        raise DataError(f"{name} is {quoted(str(value))}, expected true or false")
    return default if value is None else value


def _special_tokens(
    folder: Path, told: dict[str, Any], defaults: dict[str, str]
) -> dict[str, dict[str, Any]]:
    """The special tokens by role: of tokenizer_config.json, of special_tokens_map.json."""
    mapped = json_object(folder / "special_tokens_map.json") or {}
    found = {}
    for role, default in defaults.items():
        value = told.get(role) or mapped.get(role) or default
        about = value if isinstance(value, dict) else {"content": value}
        if not isinstance(about.get("content"), str) or not about["content"]:
            raise DataError(f"{role} is {quoted(str(value))}, expected a token")
        found[role] = {**about, "special": True, "normalized": False}
    return found


def _add_tokens(
    library: Any,
    made: Any,
    folder: Path,
    told: dict[str, Any],
    special: dict[str, dict[str, Any]],
) -> None:
    """The special tokens, and tokens that were added to the vocabulary, with their own ids."""
    added: dict[str, tuple[int | None, dict[str, Any]]] = {}
    decoder = told.get("added_tokens_decoder")
    for number, about in (decoder if isinstance(decoder, dict) else {}).items():
        if isinstance(about, dict) and isinstance(about.get("content"), str) and number.isdecimal():
            added[about["content"]] = int(number), about
    for about in special.values():
        known = made.token_to_id(about["content"])
        if known is not None:
            added.setdefault(about["content"], (known, about))
    for text, number in (json_object(folder / "added_tokens.json") or {}).items():
        added.setdefault(text, (number if isinstance(number, int) else None, {}))
    for text, (number, about) in sorted(added.items(), key=lambda item: item[1][0] or 0):
        _add_token(library, made, text, about)
        if made.token_to_id(text) != number:
            raise DataError(
                f"the added token {quoted(text)} has the id {number}, expected "
                f"{made.token_to_id(text)}, the next one",
                place=visible(str(folder)),
            )


def _add_token(library: Any, made: Any, text: str, about: dict[str, Any]) -> None:
    is_special = about.get("special") is True
    flags = {flag: about.get(flag) is True for flag in ("lstrip", "rstrip", "single_word")}
    normalized = about.get("normalized", not is_special) is True
    token = library.AddedToken(text, special=is_special, normalized=normalized, **flags)
    (made.add_special_tokens if is_special else made.add_tokens)([token])


def _id(made: Any, folder: Path, token: str) -> int:
    number = made.token_to_id(token)
    if number is None:
        raise DataError(
            f"no {quoted(token)} in this vocabulary", place=visible(str(tokenizer_file(folder)))
        )
    return int(number)
