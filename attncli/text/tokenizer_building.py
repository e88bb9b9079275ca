"""Tokenizers built as transformers 5 builds them, where it does not take tokenizer.json as it is.

The class that tokenizer_config.json names (config.json's model_type, if it names none) makes the
normalizer and the pre-tokenizer of its own options (`tokenizer_classes`); of tokenizer.json it
takes the vocabulary, the merges and what is added to a text. Other classes take the file whole.
Both add the tokens that tokenizer_config.json has beyond it. Tests hold all of it to the ids and
offsets of transformers.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from attncli.errors import DataError
from attncli.errors.wording import quoted
from attncli.text.sentencepiece_model import SentencePieceModel
from attncli.text.sentencepiece_normalizing import expect_whole_table
from attncli.text.sentencepiece_vocabulary import (
    NOT_USED,
    listed_pieces,
    matched_pieces,
    sentinels,
)
from attncli.text.tokenizer_classes import (
    DEFAULTS,
    ENDS_OF_FILE,
    ROLES,
    Vocabulary,
    end_roles,
    ends_of,
    flag,
    id_of_token,
    mask_strips,
    model_of,
    steps_of,
)

_MOST_LETTERS = 10_000  # of a word in WordPiece, whose time grows with their square
_LIST, _OLD_LIST = "extra_special_tokens", "additional_special_tokens"


class Told(NamedTuple):
    """What the files beside a vocabulary say, {} for those that are not there.

    `options` is tokenizer_config.json, `roles` special_tokens_map.json, `added` added_tokens.json;
    `whole` is the tokenizer that tokenizer.json describes, if there is one; `model` a model of
    SentencePiece that stands in its place.
    """

    options: Mapping[str, Any]
    roles: Mapping[str, Any]
    added: Mapping[str, Any]
    whole: Any = None
    model: SentencePieceModel | None = None


def build(library: Any, kind: str, settings: Told, vocabulary: Callable[[], Vocabulary]) -> Any:
    """The tokenizer of a kind, as its class is built; `vocabulary` is called where it is needed,
    which it is not beside a model of SentencePiece.

    The model of tokenizer.json stays where it is what the class would make of it.
    Raises: DataError for options that are none; what the library raises.
    """
    roles = _roles(library, kind, settings)
    names = {role: token.content for role, token in roles.items()}
    normalizer, given_ends = None, None
    if settings.whole is not None:
        normalizer, given_ends = settings.whole.normalizer, settings.whole.post_processor
    if settings.model is not None and settings.model.charsmap:
        try:
            expect_whole_table(settings.model.charsmap)
        except ValueError as fault:
            raise DataError(f"this is no tokenizer: {fault}") from None
        normalizer = library.normalizers.Precompiled(settings.model.charsmap)
    if settings.whole is not None and _stays(library, kind, settings, names):
        tokenizer = settings.whole
    else:
        given = settings.model
        entries = (
            vocabulary() if given is None else listed_pieces(kind, given, names, settings.options)
        )
        tokenizer = library.Tokenizer(model_of(library, kind, settings.options, names, entries))
    if settings.whole is None or kind == "albert":  # which names them before tokens are added
        _require_ends(library, kind, tokenizer, settings, names)
    tokenizer.normalizer, tokenizer.pre_tokenizer = steps_of(
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
    added, named = settings.whole.get_added_tokens_decoder().values(), set(names.values())
    if any(_state(t) not in listed or (t.content in named and not t.special) for t in added):
        return False  # an added token cannot be taken away again, nor be made special
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


def _require_ends(library: Any, kind: str, made: Any, told: Told, names: dict[str, str]) -> None:
    """Raises: DataError when the model has no row for what is set around every sentence."""
    listed = {token.content for token in _listed(library, told).values()}
    listed = set() if kind == "albert" else listed
    for role in end_roles(kind):
        if names[role] not in listed:
            id_of_token(made, names[role])


def _ends(library: Any, tokenizer: Any, kind: str, names: dict[str, str], settings: Told) -> Any:
    """What a kind adds to a sentence and to a pair; None where tokenizer.json decides."""
    if kind in ENDS_OF_FILE:
        if settings.whole is not None and settings.whole.post_processor is not None:
            return None
        if kind != "albert":
            return _marks(library, tokenizer, names, settings)
    return ends_of(library, tokenizer, kind, names, settings.options)


def _marks(library: Any, tokenizer: Any, names: dict[str, str], settings: Told) -> Any:
    """The ends that add_bos_token and add_eos_token ask for, which act without tokenizer.json."""
    asked = {
        role: settings.whole is None and bool(flag(settings.options, f"add_{role}", default=False))
        for role in ("bos_token", "eos_token")
    }
    bos, eos = (names[role] if on else None for role, on in asked.items())
    single = [*([f"{bos}:0"] if bos else []), "$A:0", *([f"{eos}:0"] if eos else [])]
    second = [*([f"{bos}:1"] if bos else []), "$B:1", *([f"{eos}:1"] if eos else [])]
    ends = [(name, id_of_token(tokenizer, name)) for name in dict.fromkeys((bos, eos)) if name]
    return library.processors.TemplateProcessing(
        single=single, pair=[*single, *second], special_tokens=ends
    )


def _roles(library: Any, kind: str | None, settings: Told) -> dict[str, Any]:
    """The special tokens by role: of the files, else those of the kind."""
    given = {**settings.options, **_legacy(settings)}
    defaults = DEFAULTS[kind] if kind is not None else (None,) * len(ROLES)
    names = [f"{role}_token" for role in ROLES]
    own = [key for key in given if key.endswith("_token") and key not in names]
    known = {token.content: token for token in _listed(library, settings).values()}
    roles = {}
    for name, default in [*zip(names, defaults, strict=True), *((key, None) for key in own)]:
        value = given.get(name, default)
        if name in own and not isinstance(value, str):
            continue  # add_bos_token and its kind
        if value is None:
            continue
        strips = {"lstrip": True} if mask_strips(kind, name) else {}
        token = _token(library, {"content": value, "special": True, **strips}, name)
        if isinstance(value, dict):
            token = _token(library, {**value, "special": True}, name)
        roles[name] = known.get(token.content, token)
    return roles


def _legacy(told: Told) -> Mapping[str, Any]:
    """What counts of special_tokens_map.json: nothing beside a list of added tokens."""
    return {} if "added_tokens_decoder" in told.options else told.roles


def _further(settings: Told, kind: str | None) -> tuple[dict[str, Any], list[Any]]:
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
    if kind == "t5":
        given[_OLD_LIST] = _with_sentinels(given)
    return named, list(given.get(_LIST, given.get(_OLD_LIST)) or ())


def _with_sentinels(given: Mapping[str, Any]) -> list[Any]:
    """The special tokens of T5: its sentinels beside those that are listed."""
    listed, own = given.get(_OLD_LIST), sentinels(given)
    before = [] if listed is None else list(listed)
    there = [token for token in before if "<extra_id_" in str(token)]
    if there and len(own) not in (0, len(there)):
        raise DataError(f"extra_ids is {len(own)}, but {len(there)} of <extra_id_…> are listed")
    return before if there else [*before, *own]


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
    named_too, extra = _further(settings, kind)
    if kind == "camembert" and not extra and settings.model is None:
        extra = list(NOT_USED)

    def as_role(text: Any) -> Any:
        return _token(library, {"content": text, "special": True}, "a special token")

    special = [*(as_role(text) for text in extra), *matched_pieces(library, settings.model)]
    roles = {**roles, **{key: as_role(text) for key, text in named_too.items()}}
    states = set(map(_state, listed))
    for token in (*roles.values(), *special):
        if token.content not in texts and _state(token) not in states:
            states.add(_state(token))
            listed.append(token)
    named = {token.content for token in roles.values()}
    tokenizer.add_tokens([_as_special(library, t) if t.content in named else t for t in listed])
    tokenizer.encode_special_tokens = bool(flag(options, "split_special_tokens", default=False))
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
