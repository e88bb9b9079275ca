"""The tokenizer of a checkpoint folder: its files, each read within bounds.

There is tokenizer.json, or in older checkpoints only vocab.txt (BERT, DistilBERT) or vocab.json
with merges.txt (GPT-2, RoBERTa), spiece.model (T5, mT5, UMT5), or sentencepiece.bpe.model
(XLM-RoBERTa, CamemBERT); Marian has source.spm, target.spm and vocab.json. What
tokenizer_config.json makes of them: `tokenizer_building`.
"""

import json
from functools import partial
from pathlib import Path
from typing import Any

from attncli.errors import AttnError, DataError, InputError, LimitError
from attncli.errors.wording import quoted, visible
from attncli.files.paths import exists, is_file, is_folder
from attncli.models.marian_tokenizer import SOURCE, is_marian_folder, open_marian_tokenizer
from attncli.text.panics import quiet_panics
from attncli.text.sentencepiece_model import SentencePieceModel, parse_sentencepiece
from attncli.text.tokenizer_building import Told, build, complete
from attncli.text.tokenizer_classes import (
    names_class,
    not_built,
    suits,
    takes_whole,
    tokenizer_kind,
)
from attncli.text.tokenizer_content import tokenizer_of, tokenizers_library

MAX_FILE = 256 * 1024 * 1024  # bytes
_WORDPIECE, _BYTES, _SPIECE = ("vocab.txt",), ("vocab.json", "merges.txt"), ("spiece.model",)
_T5 = ("t5", "mt5", "umt5")
_FAIRSEQ = ("sentencepiece.bpe.model",)


def tokenizer_file(folder: Path) -> Path:
    """The file that messages about the folder's tokenizer name."""
    if _is_marian(folder):
        return folder / SOURCE
    for names in (("tokenizer.json",), _WORDPIECE, _BYTES, _SPIECE, _FAIRSEQ):
        if all(is_file(folder / name) for name in names):
            return folder / names[0]
    return folder / "tokenizer.json"


def open_tokenizer(folder: Path, *, is_target: bool = False) -> Any:
    """The tokenizers.Tokenizer of a folder; of Marian one that answers the same, of either side.

    Raises: MissingExtraError without the library; InputError when there is no tokenizer; DataError
    when it is damaged; LimitError when it is too large.
    """
    if _is_marian(folder):
        return open_marian_tokenizer(
            folder,
            _content,
            lambda name: json_object(folder / f"{name}.json") or {},
            is_target=is_target,
        )
    path = tokenizer_file(folder)
    place = visible(str(path))
    if not exists(path):
        raise InputError(
            "found no tokenizer.json, no vocab.txt, and no vocab.json with merges.txt",
            place=visible(str(folder)),
            hints=_ways_out(folder),
        )
    library = tokenizers_library()
    options, roles, added, config = (
        json_object(folder / f"{name}.json") or {}
        for name in ("tokenizer_config", "special_tokens_map", "added_tokens", "config")
    )
    kind = tokenizer_kind(options, config)
    model = None
    whole, vocabulary = None, partial(_listed_vocabulary, library, folder, path.name)
    if path.name == "tokenizer.json":
        content = _content(path)
        whole = tokenizer_of(content, place)
        if kind is not None and not (names_class(options, config) or suits(kind, whole)):
            kind = None  # no file says that its vocabulary is to be read as another kind
        if takes_whole(options, config, content):
            kind = None
        vocabulary = partial(_vocabulary_of, content)
    elif path.name in (*_SPIECE, *_FAIRSEQ):
        kind = _kind_of_spiece(path.name, kind, options, config, place)
        model = _spiece(_content(path), place)
    else:
        kind = _kind_of_files(path.name, kind, not_built(options, config), place)
    settings = Told(options, roles, added, whole, model)
    try:
        with quiet_panics():
            if kind is None:
                return complete(library, settings)
            return build(library, kind, settings, vocabulary)
    except AttnError as fault:
        raise fault if fault.place else DataError(fault.message, place=place) from None
    except Exception as fault:  # the library raises bare Exceptions for damage
        raise DataError(f"this is no tokenizer: {quoted(str(fault))}", place=place) from None


def _kind_of_files(name: str, kind: str | None, other: str | None, place: str) -> str:
    """The kind that these vocabulary files are of; `other` is a class that is not built here.

    Raises: DataError when the class reads no such files, or reads them in its own way.
    """
    kinds = ("bert", "mpnet") if name in _WORDPIECE else ("roberta", "gpt2", "clip")
    if other is not None or kind not in (None, *kinds):
        whose = quoted(other or str(kind))
        raise DataError(f"the vocabulary of {whose} alone, expected a tokenizer.json", place=place)
    return kind or kinds[0]


def _kind_of_spiece(
    name: str, kind: str | None, options: dict[str, Any], config: dict[str, Any], place: str
) -> str:
    """The kind that reads a model of SentencePiece of this name alone. Raises: DataError for another one."""
    named = names_class(options, config)
    if name in _FAIRSEQ and kind in ("xlm-roberta", "camembert"):
        return kind
    is_t5 = kind == "t5" or (named is None and config.get("model_type") in _T5)
    if name in _SPIECE and is_t5:
        return "t5"
    whose = quoted(named or str(kind or config.get("model_type")))
    raise DataError(f"the vocabulary of {whose} alone, expected a tokenizer.json", place=place)


def _spiece(content: bytes, place: str) -> SentencePieceModel:
    """The model of a file. Raises: DataError for one of another kind than Unigram."""
    model = parse_sentencepiece(content, place)
    if model.kind != "unigram":
        raise DataError(f"it is of the kind {model.kind}, expected unigram", place=place)
    return model


def foreign_class(folder: Path) -> str | None:
    """The tokenizer class that transformers builds its own way, where attn takes tokenizer.json."""
    if _is_marian(folder):
        return None
    return not_built(*_options_and_config(folder))


def has_two_sides(folder: Path) -> bool:
    """Whether a folder has another tokenizer for what its model writes than for what it reads.

    Raises: InputError, LimitError, DataError for a damaged file that says it.
    """
    return is_folder(folder) and _is_marian(folder)


def _is_marian(folder: Path) -> bool:
    """Whether the tokenizer is that of Marian: its files are there, and no other class is named."""
    if not is_marian_folder(folder):
        return False
    options, config = _options_and_config(folder)
    name = names_class(options, config)
    return config.get("model_type") == "marian" if name is None else name == "MarianTokenizer"


def _options_and_config(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    options, config = (
        json_object(folder / f"{name}.json") or {} for name in ("tokenizer_config", "config")
    )
    return options, config


def _vocabulary_of(content: bytes) -> tuple[Any, Any]:
    """The entries and merges in a tokenizer.json."""
    model = json.loads(content)["model"]
    return model["vocab"], model.get("merges")


def _listed_vocabulary(library: Any, folder: Path, name: str) -> tuple[Any, Any]:
    """The entries and merges of vocab.txt, or of vocab.json and merges.txt."""
    if name in _WORDPIECE:
        _content(folder / name)
        return library.models.WordPiece.read_file(str(folder / name)), None
    for part in _BYTES:
        _content(folder / part)
    read: tuple[Any, Any] = library.models.BPE.read_file(*(str(folder / part) for part in _BYTES))
    return read


def _ways_out(folder: Path) -> tuple[str, ...]:
    if not any(folder.glob("*.model")):
        return ()
    return (
        "save it once with AutoTokenizer.from_pretrained(…).save_pretrained(…) of transformers",
    )


def told_names(folder: Path, role: str) -> list[str]:
    """The tokens that the files of a folder give a role, such as mask_token; of the first file first.

    Raises: InputError, LimitError, DataError.
    """
    given = [
        (json_object(folder / f"{name}.json") or {}).get(role)
        for name in ("tokenizer_config", "special_tokens_map")
    ]
    contents = [one.get("content") if isinstance(one, dict) else one for one in given]
    return [one for one in contents if isinstance(one, str)]


def json_object(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file, None when there is no such file.

    Raises: InputError, LimitError, DataError.
    """
    if not exists(path):
        return None
    try:
        value = json.loads(_content(path))
    except (ValueError, RecursionError):
        raise DataError("this is no JSON", place=visible(str(path))) from None
    if not isinstance(value, dict):
        raise DataError("expected a JSON object", place=visible(str(path)))
    return value


def _content(path: Path) -> bytes:
    place = visible(str(path))
    if exists(path) and not is_file(path):  # a pipe would block, a device never end
        raise InputError("cannot open: this is no file", place=place)
    try:
        size = path.stat().st_size
        if size > MAX_FILE:
            raise LimitError(f"{size} bytes, the limit is {MAX_FILE}", place=place)
        return path.read_bytes()
    except OSError as fault:
        raise InputError(f"cannot open: {(fault.strerror or '').lower()}", place=place) from None
