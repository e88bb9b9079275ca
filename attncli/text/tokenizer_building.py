"""Tokenizers built as transformers 5 builds them, where it does not take tokenizer.json as it is.

The class that tokenizer_config.json names (config.json's model_type, if it names none) makes the
normalizer and the pre-tokenizer of its own options; of tokenizer.json it takes the vocabulary, the
merges and what is added to a text. Other classes take the file whole. Both add the tokens that
tokenizer_config.json has beyond it. Tests hold all of it to the ids and offsets of transformers.
"""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from attncli.errors import DataError
from attncli.escape import quoted

_OF_MODEL = {
    "bert": "BertTokenizer",
    "distilbert": "BertTokenizer",
    "roberta": "RobertaTokenizer",
    "gpt2": "GPT2Tokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
    "camembert": "CamembertTokenizer",
}
_ALIKE = {
    **dict.fromkeys(
        ("BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer"), "bert"
    ),
    **dict.fromkeys(("LxmertTokenizer", "SqueezeBertTokenizer", "LayoutLMTokenizer"), "bert"),
    **dict.fromkeys(
        ("RobertaTokenizer", "LongformerTokenizer", "BartTokenizer", "LEDTokenizer"), "roberta"
    ),
    "MvpTokenizer": "roberta",
    "MPNetTokenizer": "mpnet",
    "GPT2Tokenizer": "gpt2",
    "XLMRobertaTokenizer": "xlm-roberta",
    "CamembertTokenizer": "camembert",
}
_ROLES = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")
_SENTENCEPIECE = ("<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>")
_DEFAULTS: dict[str, tuple[str | None, ...]] = {
    "bert": (None, None, "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"),
    "roberta": _SENTENCEPIECE,
    "mpnet": ("<s>", "</s>", "[UNK]", "</s>", "<pad>", "<s>", "<mask>"),
    "gpt2": (*("<|endoftext|>",) * 3, None, None, None, None),
    "xlm-roberta": _SENTENCEPIECE,
    "camembert": _SENTENCEPIECE,
}
_MOST_LETTERS = 10_000  # of a word in WordPiece, whose time grows with their square
_LIST, _OLD_LIST = "extra_special_tokens", "additional_special_tokens"
_NOT_USED = ("<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED")  # of CamembertTokenizer


Vocabulary = tuple[Any, Any]  # the entries and the merges of a model, as tokenizer.json has them


class Told(NamedTuple):
    """What the files beside a vocabulary say, {} for those that are not there.

    `options` is tokenizer_config.json, `roles` special_tokens_map.json, `added` added_tokens.json;
    `whole` is the tokenizer that tokenizer.json describes, if there is one.
    """

    options: Mapping[str, Any]
    roles: Mapping[str, Any]
    added: Mapping[str, Any]
    whole: Any = None


def names_class(options: Mapping[str, Any], config: Mapping[str, Any]) -> str | None:
    """The class that the files name, if they name one."""
    named = options.get("tokenizer_class") or config.get("tokenizer_class")
    return named if isinstance(named, str) else None


def suits(kind: str, made: Any) -> bool:
    """Whether a tokenizer has the sort of model that the class of this kind builds."""
    models = {"bert": "WordPiece", "mpnet": "WordPiece", "roberta": "BPE", "gpt2": "BPE"}
    return type(made.model).__name__ == models.get(kind, "Unigram")


def tokenizer_kind(options: Mapping[str, Any], config: Mapping[str, Any]) -> str | None:
    """The kind of tokenizer that transformers builds; None for one that takes tokenizer.json whole.

    `options` are those of tokenizer_config.json, `config` is config.json.
    """
    named = names_class(options, config)
    registered = _OF_MODEL.get(str(config.get("model_type")))
    name = named or registered
    return None if name is None else _ALIKE.get(name.removesuffix("Fast"))


def build(library: Any, kind: str, settings: Told, vocabulary: Callable[[], Vocabulary]) -> Any:
    """The tokenizer of a kind, as its class is built; `vocabulary` is called where it is needed.

    The model of tokenizer.json stays where it is what the class would make of it.
    Raises: DataError for options that are none; what the library raises.
    """
    roles = _roles(library, kind, settings)
    names = {role: token.content for role, token in roles.items()}
    normalizer, given_ends = None, None
    if settings.whole is not None:
        normalizer, given_ends = settings.whole.normalizer, settings.whole.post_processor
    if settings.whole is not None and _stays(library, kind, settings, names):
        tokenizer = settings.whole
    else:
        tokenizer = library.Tokenizer(_model(library, kind, names, vocabulary()))
    if settings.whole is None:
        _require_ends(library, kind, tokenizer, settings, names)
    tokenizer.normalizer, tokenizer.pre_tokenizer = _steps(
        library, kind, settings.options, normalizer
    )
    _add_tokens(library, tokenizer, settings, roles, kind)
    tokenizer.post_processor = _ends(library, tokenizer, kind, names, settings) or given_ends
    return tokenizer


def complete(library: Any, settings: Told) -> Any:
    """The tokenizer of a whole tokenizer.json, with the tokens that the other files add."""
    tokenizer = settings.whole
    if isinstance(tokenizer.model, library.models.WordPiece):  # it looks at each part of a word
        letters = min(tokenizer.model.max_input_chars_per_word, _MOST_LETTERS)
        tokenizer.model.max_input_chars_per_word = letters
    _add_tokens(library, tokenizer, settings, _roles(library, None, settings), None)
    if tokenizer.post_processor is None:
        tokenizer.post_processor = library.processors.TemplateProcessing(
            single="$A:0", pair="$A:0 $B:1", special_tokens=[]
        )
    return tokenizer


def _stays(library: Any, kind: str, settings: Told, names: dict[str, str]) -> bool:
    """Whether the model of tokenizer.json is what the class makes of it, once set as there."""
    model = settings.whole.model
    listed = {_state(token) for token in _listed(library, settings).values()}
    if any(_state(t) not in listed for t in settings.whole.get_added_tokens_decoder().values()):
        return False  # an added token cannot be taken away again
    if kind in ("bert", "mpnet"):
        if not isinstance(model, library.models.WordPiece):
            return False
        model.unk_token, model.max_input_chars_per_word = names["unk_token"], 100
        return bool(model.continuing_subword_prefix == "##")
    if kind not in ("roberta", "gpt2") or not isinstance(model, library.models.BPE):
        return False
    model.dropout, model.fuse_unk, model.byte_fallback, model.ignore_merges = (None, *(False,) * 3)
    affixes = (model.continuing_subword_prefix, model.end_of_word_suffix)
    return model.unk_token is None and not any(affixes)


def _model(library: Any, kind: str, names: dict[str, str], vocabulary: Vocabulary) -> Any:
    models, (entries, merges) = library.models, vocabulary
    if kind in ("xlm-roberta", "camembert"):
        scores = [(str(piece), float(score)) for piece, score in entries]
        pieces = [piece for piece, _ in scores]
        unknown = 3 if kind == "xlm-roberta" else _place(pieces, names["unk_token"])
        return models.Unigram(scores, unk_id=unknown, byte_fallback=False)
    if isinstance(entries, list):
        texts = (token[0] if isinstance(token, list) else token for token in entries)
        entries = {text: number for number, text in enumerate(texts)}
    if kind in ("bert", "mpnet"):
        return models.WordPiece(entries, unk_token=names["unk_token"])
    pairs = [tuple(m.split(" ")) if isinstance(m, str) else tuple(m) for m in merges or ()]
    return models.BPE(
        vocab=entries,
        merges=pairs,
        dropout=None,
        continuing_subword_prefix="",
        end_of_word_suffix="",
        fuse_unk=False,
    )


def _steps(library: Any, kind: str, options: Mapping[str, Any], normalizer: Any) -> tuple[Any, Any]:
    """The normalizer and the pre-tokenizer of a kind; `normalizer` is that of tokenizer.json."""
    pre = library.pre_tokenizers
    if kind in ("bert", "mpnet"):
        bert = library.normalizers.BertNormalizer(
            clean_text=True,
            handle_chinese_chars=_flag(options, "tokenize_chinese_chars", default=True),
            strip_accents=_flag(options, "strip_accents", default=None),
            lowercase=_flag(options, "do_lower_case", default=True),
        )
        return bert, pre.BertPreTokenizer()
    if kind in ("roberta", "gpt2"):
        space = bool(_flag(options, "add_prefix_space", default=False))
        return None, pre.ByteLevel(add_prefix_space=space)
    scheme = "always" if _flag(options, "add_prefix_space", default=True) else "never"
    signs = pre.Metaspace(replacement="▁", prepend_scheme=scheme)
    table = _charsmap(normalizer)
    precompiled = None if table is None else library.normalizers.Precompiled(table)
    return precompiled, pre.Sequence([pre.WhitespaceSplit(), signs])


def _place(pieces: list[str], piece: str) -> int:
    return pieces.index(piece) if piece in pieces else 0


def _charsmap(normalizer: Any) -> bytes | None:
    """The table of the first precompiled step of a normalizer."""
    if normalizer is None:
        return None
    step = json.loads(normalizer.__getstate__())
    for one in step.get("normalizers", [step]):
        if one.get("type") == "Precompiled":
            return base64.b64decode(one["precompiled_charsmap"])
    return None


def _ends_of(kind: str) -> tuple[str, str]:
    """The roles of what is set before and after a sentence."""
    named = kind in ("xlm-roberta", "camembert")
    return ("bos_token", "eos_token") if named else ("cls_token", "sep_token")


def _require_ends(library: Any, kind: str, made: Any, told: Told, names: dict[str, str]) -> None:
    """Raises: DataError when the model has no row for what is set around every sentence."""
    listed = {token.content for token in _listed(library, told).values()}
    for role in () if kind == "gpt2" else _ends_of(kind):
        if names[role] not in listed:
            _id(made, names[role])


def _ends(library: Any, tokenizer: Any, kind: str, names: dict[str, str], settings: Told) -> Any:
    """What a kind adds to a sentence and to a pair; None where tokenizer.json decides."""
    processors = library.processors
    if kind == "gpt2":
        decided = settings.whole is not None and settings.whole.post_processor is not None
        return None if decided else _marks(library, tokenizer, names, settings)
    first, last = (names[role] for role in _ends_of(kind))
    ends = [(first, _id(tokenizer, first)), (last, _id(tokenizer, last))]
    if kind == "bert":
        return processors.TemplateProcessing(
            single=[f"{first}:0", "$A:0", f"{last}:0"],
            pair=[f"{first}:0", "$A:0", f"{last}:0", "$B:1", f"{last}:1"],
            special_tokens=ends,
        )
    if kind in ("roberta", "mpnet"):
        trims = kind == "mpnet" or bool(_flag(settings.options, "trim_offsets", default=True))
        space = kind == "roberta" and bool(
            _flag(settings.options, "add_prefix_space", default=False)
        )
        return processors.RobertaProcessing(ends[1], ends[0], trims, space)
    return processors.TemplateProcessing(
        single=[first, "$A", last],
        pair=[first, "$A", last, last, "$B", last],
        special_tokens=ends,
    )


def _marks(library: Any, tokenizer: Any, names: dict[str, str], settings: Told) -> Any:
    """The ends that add_bos_token and add_eos_token ask for, which act without tokenizer.json."""
    asked = {
        role: settings.whole is None and bool(_flag(settings.options, f"add_{role}", default=False))
        for role in ("bos_token", "eos_token")
    }
    bos, eos = (names[role] if on else None for role, on in asked.items())
    single = [*([f"{bos}:0"] if bos else []), "$A:0", *([f"{eos}:0"] if eos else [])]
    second = [*([f"{bos}:1"] if bos else []), "$B:1", *([f"{eos}:1"] if eos else [])]
    ends = [(name, _id(tokenizer, name)) for name in dict.fromkeys((bos, eos)) if name]
    return library.processors.TemplateProcessing(
        single=single, pair=[*single, *second], special_tokens=ends
    )


def _roles(library: Any, kind: str | None, settings: Told) -> dict[str, Any]:
    """The special tokens by role: of the files, else those of the kind."""
    given = {**settings.options, **_legacy(settings)}
    defaults = _DEFAULTS[kind] if kind is not None else (None,) * len(_ROLES)
    names = [f"{role}_token" for role in _ROLES]
    own = [key for key in given if key.endswith("_token") and key not in names]
    known = {token.content: token for token in _listed(library, settings).values()}
    roles = {}
    for name, default in [*zip(names, defaults, strict=True), *((key, None) for key in own)]:
        value = given.get(name, default)
        if name in own and not isinstance(value, str):
            continue  # add_bos_token and its kind
        if value is None:
            continue
        strips = {"lstrip": True} if _mask_strips(kind, name) else {}
        token = _token(library, {"content": value, "special": True, **strips}, name)
        if isinstance(value, dict):
            token = _token(library, {**value, "special": True}, name)
        roles[name] = known.get(token.content, token)
    return roles


def _legacy(told: Told) -> Mapping[str, Any]:
    """What counts of special_tokens_map.json: nothing beside a list of added tokens."""
    return {} if "added_tokens_decoder" in told.options else told.roles


def _further(settings: Told) -> tuple[dict[str, Any], list[Any]]:
    """Special tokens beyond the roles, of both files in turn: those with a name, and a list."""
    named, given, more = dict[str, Any](), dict(settings.options), _legacy(settings)
    if _OLD_LIST in given and not given.get(_LIST):
        given[_LIST] = given.pop(_OLD_LIST)
    if isinstance(given.get(_LIST), dict):
        named.update(given.pop(_LIST))
    before = given.get(_LIST) or ()
    given.update({key: more[key] for key in (_LIST, _OLD_LIST) if key in more})
    if isinstance(more.get(_LIST), list):
        given[_LIST] = [*before, *(token for token in more[_LIST] if token not in before)]
    if isinstance(given.get(_LIST), dict):
        named.update(given.pop(_LIST))
    return named, list(given.get(_LIST, given.get(_OLD_LIST)) or ())


def _mask_strips(kind: str | None, name: str) -> bool:
    return name == "mask_token" and kind in ("mpnet", "camembert")


def _listed(library: Any, settings: Told) -> dict[int, Any]:
    """The added tokens by id: of tokenizer_config.json, else of added_tokens.json and the file."""
    listed = settings.options.get("added_tokens_decoder")
    tokens: dict[int, Any] = {}
    if isinstance(listed, dict):
        for number, about in listed.items():
            if not isinstance(about, dict) or not number.isdecimal() or len(number) > 9:
                raise DataError(f"added_tokens_decoder has {quoted(str(number))}: no added token")
            tokens[int(number)] = _token(library, about, "added_tokens_decoder")
        return tokens
    for text, number in settings.added.items():
        if not isinstance(number, int) or isinstance(number, bool):
            raise DataError(f"the added token {quoted(text)} has no number, expected its id")
        tokens[number] = _token(library, {"content": text}, text)
    if settings.whole is not None:
        tokens.update(settings.whole.get_added_tokens_decoder())
    return tokens


def _add_tokens(
    library: Any, tokenizer: Any, settings: Told, roles: dict[str, Any], kind: str | None
) -> None:
    """Adds, in the order of transformers, the tokens that are not there as they are listed."""
    before = tokenizer.get_added_tokens_decoder().values()
    there = {_state(token) for token in before}
    listed = [t for _, t in sorted(_listed(library, settings).items()) if _state(t) not in there]
    texts = {token.content for token in before} | {token.content for token in listed}
    options = settings.options
    named_too, extra = _further(settings)
    if kind == "camembert" and not extra:
        extra = list(_NOT_USED)

    def as_role(text: Any) -> Any:
        return _token(library, {"content": text, "special": True}, "a special token")

    special = [as_role(text) for text in extra]
    roles = {**roles, **{key: as_role(text) for key, text in named_too.items()}}
    states = set(map(_state, listed))
    for token in (*roles.values(), *special):
        if token.content not in texts and _state(token) not in states:
            states.add(_state(token))
            listed.append(token)
    named = {token.content for token in roles.values()}
    tokenizer.add_tokens([_as_special(library, t) if t.content in named else t for t in listed])
    tokenizer.encode_special_tokens = bool(_flag(options, "split_special_tokens", default=False))
    for text, number in settings.added.items():
        if "added_tokens_decoder" not in options and tokenizer.token_to_id(text) != number:
            raise DataError(
                f"the added token {quoted(text)} has the id {number}, expected "
                f"{tokenizer.token_to_id(text)}, the next one"
            )


def _state(token: Any) -> tuple[Any, ...]:
    flags = (token.lstrip, token.rstrip, token.single_word, token.normalized, token.special)
    return token.content, *flags


def _as_special(library: Any, token: Any) -> Any:
    content, lstrip, rstrip, single_word, normalized, _ = _state(token)
    flags = {"lstrip": lstrip, "rstrip": rstrip, "single_word": single_word}
    return library.AddedToken(content, normalized=normalized, special=True, **flags)


def _token(library: Any, about: Mapping[str, Any], place: str) -> Any:
    """An added token of its fields in a file; a list of texts may hold fields as well."""
    content = about.get("content")
    if isinstance(content, dict):
        return _token(library, {**content, "special": True}, place)
    if not isinstance(content, str) or not content:
        raise DataError(f"{place} is {quoted(str(content))}, expected a token")
    special = about.get("special") is True
    flags = {flag: about.get(flag) is True for flag in ("lstrip", "rstrip", "single_word")}
    normalized = about.get("normalized", not special) is True
    return library.AddedToken(content, special=special, normalized=normalized, **flags)


def _flag(options: Mapping[str, Any], name: str, *, default: bool | None) -> bool | None:
    value = options.get(name, default)
    if value is not None and not isinstance(value, bool):
        raise DataError(f"{name} is {quoted(str(value))}, expected true or false")
    return value


def _id(made: Any, token: str) -> int:
    number = made.token_to_id(token)
    if number is None:
        raise DataError(f"no {quoted(token)} in this vocabulary")
    return int(number)
