"""What each tokenizer class of transformers 5 makes by itself, whatever tokenizer.json says.

A class builds its model, normalizer and pre-tokenizer of its own options, from the vocabulary and
the merges of the file alone. The classes here are built as there; those of `NOT_BUILT` are named in
a warning, and all others take tokenizer.json whole. Tests hold every class to one of the three.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

from attncli.errors import DataError
from attncli.errors.wording import quoted

Vocabulary = tuple[Any, Any]  # the entries and the merges of a model, as tokenizer.json has them

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
    "LlamaTokenizer": "llama",
    "GemmaTokenizer": "gemma",
    "CLIPTokenizer": "clip",
    "T5Tokenizer": "t5",
    "AlbertTokenizer": "albert",
    "DebertaV2Tokenizer": "deberta-v2",
}
NOT_BUILT = frozenset(
    """
    BarthezTokenizer BartphoTokenizer BertGenerationTokenizer BertJapaneseTokenizer BertTokenizerLegacy
    BertweetTokenizer BigBirdTokenizer BioGptTokenizer BlenderbotSmallTokenizer BlenderbotTokenizer
    ByT5Tokenizer CTRLTokenizer CanineTokenizer ClvpTokenizer CodeGenTokenizer CodeLlamaTokenizer
    CohereTokenizer CpmAntTokenizer CpmTokenizer DPRContextEncoderTokenizer
    DPRQuestionEncoderTokenizer DPRReaderTokenizer DebertaTokenizer DiaTokenizer EsmTokenizer
    EsmcTokenizer FSMTTokenizer FastSpeech2ConformerTokenizer FlaubertTokenizer FunnelTokenizer
    GPTNeoXJapaneseTokenizer GPTNeoXTokenizer GPTSw3Tokenizer HerbertTokenizer LasrTokenizer
    LayoutLMv2Tokenizer LayoutLMv3Tokenizer LayoutXLMTokenizer LukeTokenizer M2M100Tokenizer
    MBart50Tokenizer MBartTokenizer MLukeTokenizer MarianTokenizer MarkupLMTokenizer MgpstrTokenizer
    MyT5Tokenizer NllbTokenizer NougatTokenizer OpenAIGPTTokenizer PLBartTokenizer PegasusTokenizer
    PerceiverTokenizer PhobertTokenizer Pop2PianoTokenizer ProphetNetTokenizer Qwen2Tokenizer
    Qwen3_5Tokenizer ReformerTokenizer RemBertTokenizer RoCBertTokenizer RoFormerTokenizer
    SeamlessM4TTokenizer Siglip2Tokenizer SiglipTokenizer Speech2TextTokenizer SpeechT5Tokenizer
    SplinterTokenizer TapasTokenizer Tipsv2Tokenizer UdopTokenizer VideoPrismTokenizer VitsTokenizer
    Wav2Vec2CTCTokenizer Wav2Vec2PhonemeCTCTokenizer WhisperTokenizer XGLMTokenizer XLMTokenizer
    XLNetTokenizer
    """.split()  # noqa: SIM905 - eighty names, a line each, hide what follows
)
ROLES = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")
_SENTENCEPIECE = ("<s>", "</s>", "<unk>", "</s>", "<pad>", "<s>", "<mask>")
_END_OF_TEXT = "<|endoftext|>"
DEFAULTS: dict[str, tuple[str | None, ...]] = {
    "bert": (None, None, "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"),
    "roberta": _SENTENCEPIECE,
    "mpnet": ("<s>", "</s>", "[UNK]", "</s>", "<pad>", "<s>", "<mask>"),
    "gpt2": (*(_END_OF_TEXT,) * 3, None, None, None, None),
    "xlm-roberta": _SENTENCEPIECE,
    "camembert": _SENTENCEPIECE,
    "llama": ("<s>", "</s>", "<unk>", None, None, None, None),
    "gemma": ("<bos>", "<eos>", "<unk>", None, "<pad>", None, "<mask>"),
    "clip": ("<|startoftext|>", _END_OF_TEXT, _END_OF_TEXT, None, _END_OF_TEXT, None, None),
    "t5": (None, "</s>", "<unk>", None, "<pad>", None, None),
    "albert": ("[CLS]", "[SEP]", "<unk>", "[SEP]", "<pad>", "[CLS]", "[MASK]"),
    "deberta-v2": ("[CLS]", "[SEP]", "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"),
}
_MODELS = {
    **dict.fromkeys(("bert", "mpnet"), "WordPiece"),
    **dict.fromkeys(("roberta", "gpt2", "llama", "gemma", "clip"), "BPE"),
}
ENDS_OF_FILE = ("gpt2", "llama", "gemma", "albert")  # tokenizer.json decides what is set around
_CLIP_WORDS = (
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
)


def names_class(options: Mapping[str, Any], config: Mapping[str, Any]) -> str | None:
    """The class that the files name, if they name one."""
    named = options.get("tokenizer_class") or config.get("tokenizer_class")
    return named if isinstance(named, str) else None


def suits(kind: str, tokenizer: Any) -> bool:
    """Whether a tokenizer has the sort of model that the class of this kind builds."""
    return type(tokenizer.model).__name__ == _MODELS.get(kind, "Unigram")


def tokenizer_kind(options: Mapping[str, Any], config: Mapping[str, Any]) -> str | None:
    """The kind of tokenizer that transformers builds; None for one that takes tokenizer.json whole.

    `options` are those of tokenizer_config.json, `config` is config.json.
    """
    named = names_class(options, config)
    registered = _OF_MODEL.get(str(config.get("model_type")))
    name = named or registered
    return None if name is None else _ALIKE.get(name.removesuffix("Fast"))


def takes_whole(options: Mapping[str, Any], config: Mapping[str, Any], content: bytes) -> bool:
    """Whether a named LlamaTokenizer is none: one that reads bytes, as those of Llama 3 are saved."""
    named = names_class(options, config) or ""
    return named.removesuffix("Fast") == "LlamaTokenizer" and b'"ByteLevel"' in content


def not_built(options: Mapping[str, Any], config: Mapping[str, Any]) -> str | None:
    """The class that the files name and transformers builds anew, where attn does not."""
    named = names_class(options, config)
    return named if named is not None and named.removesuffix("Fast") in NOT_BUILT else None


def model_of(
    library: Any,
    kind: str,
    options: Mapping[str, Any],
    names: Mapping[str, str],
    vocabulary: Vocabulary,
) -> Any:
    """The model of a kind, of the entries and merges of tokenizer.json; `names` are the roles."""
    models, (entries, merges) = library.models, vocabulary
    if _MODELS.get(kind) is None:
        scores = [(str(piece), float(score)) for piece, score in entries]
        unknown = _unknown(kind, options, names, scores)
        return models.Unigram(scores, unk_id=unknown, byte_fallback=False)
    if isinstance(entries, list):
        texts = (token[0] if isinstance(token, list) else token for token in entries)
        entries = {text: number for number, text in enumerate(texts)}
    if kind in ("bert", "mpnet"):
        return models.WordPiece(entries, unk_token=names["unk_token"])
    pairs = [tuple(m.split(" ")) if isinstance(m, str) else tuple(m) for m in merges or ()]
    settings: dict[str, Any] = {"continuing_subword_prefix": "", "end_of_word_suffix": ""}
    if kind in ("llama", "gemma"):
        settings = {"fuse_unk": True, "byte_fallback": True}
    if kind == "clip":
        settings["end_of_word_suffix"] = "</w>"
    if kind in ("gemma", "clip"):
        settings["unk_token"] = names["unk_token"]
    return models.BPE(vocab=entries, merges=pairs, dropout=None, **settings)


def _unknown(
    kind: str,
    options: Mapping[str, Any],
    names: Mapping[str, str],
    scores: list[tuple[str, float]],
) -> int:
    """The row of what is in no piece, as the class of a Unigram model finds it."""
    if kind == "camembert":
        pieces = [piece for piece, _ in scores]
        return pieces.index(names["unk_token"]) if names["unk_token"] in pieces else 0
    if kind == "deberta-v2":
        entry, given = (names["unk_token"], 0.0), options.get("unk_id", 1)
        if not isinstance(given, int) or isinstance(given, bool):
            raise DataError(f"unk_id is {quoted(str(given))}, expected the number of a token")
        return scores.index(entry) if entry in scores else given
    return {"t5": 2, "albert": 1}.get(kind, 3)


def steps_of(
    library: Any, kind: str, options: Mapping[str, Any], normalizer: Any
) -> tuple[Any, Any]:
    """The normalizer and the pre-tokenizer of a kind; `normalizer` is that of tokenizer.json."""
    pre = library.pre_tokenizers
    if kind in ("bert", "mpnet"):
        bert = library.normalizers.BertNormalizer(
            clean_text=True,
            handle_chinese_chars=flag(options, "tokenize_chinese_chars", default=True),
            strip_accents=flag(options, "strip_accents", default=None),
            lowercase=flag(options, "do_lower_case", default=True),
        )
        return bert, pre.BertPreTokenizer()
    if kind in ("roberta", "gpt2"):
        return None, pre.ByteLevel(add_prefix_space=_yes_or_no(options, "add_prefix_space", False))
    if kind == "llama":
        return None, _llama_signs(library, options)
    if kind == "gemma":
        split = pre.Split(pattern=" ", behavior="merged_with_previous", invert=False)
        return library.normalizers.Replace(" ", "▁"), split
    if kind == "clip":
        return _clip_steps(library)
    if kind == "deberta-v2":
        return _deberta_steps(library, options)
    always = kind == "t5" or flag(options, "add_prefix_space", default=True)
    signs = pre.Metaspace(replacement="▁", prepend_scheme="always" if always else "never")
    words = pre.Sequence([pre.WhitespaceSplit(), signs])
    return _charsmap_steps(library, kind, options, normalizer), words


def _llama_signs(library: Any, options: Mapping[str, Any]) -> Any:
    space, scheme = flag(options, "add_prefix_space", default=None), "never"
    if space is None or space:
        scheme = "always" if flag(options, "legacy", default=False) else "first"
    metaspace = library.pre_tokenizers.Metaspace
    return metaspace(replacement="▁", prepend_scheme=scheme, split=False)


def _clip_steps(library: Any) -> tuple[Any, Any]:
    normalizers, pre, regex = library.normalizers, library.pre_tokenizers, library.Regex
    spaces = normalizers.Replace(regex(r"\s+"), " ")
    words = pre.Split(regex(_CLIP_WORDS), behavior="removed", invert=True)
    return (
        normalizers.Sequence([normalizers.NFC(), spaces, normalizers.Lowercase()]),
        pre.Sequence([words, pre.ByteLevel(add_prefix_space=False)]),
    )


def _deberta_steps(library: Any, options: Mapping[str, Any]) -> tuple[Any, Any]:
    normalizers, pre = library.normalizers, library.pre_tokenizers
    lower = [normalizers.Lowercase()] if flag(options, "do_lower_case", default=False) else []
    spaces = normalizers.Replace(library.Regex(r"\s{2,}|[\n\r\t]"), " ")
    signs = [pre.Punctuation(behavior="isolated")]
    if not flag(options, "split_by_punct", default=False):
        signs = []
    scheme = "always" if flag(options, "add_prefix_space", default=True) else "first"
    signs.append(pre.Metaspace(replacement="▁", prepend_scheme=scheme))
    strip = normalizers.Strip(left=False, right=True)
    return normalizers.Sequence([*lower, spaces, normalizers.NFC(), strip]), pre.Sequence(signs)


def _charsmap_steps(library: Any, kind: str, options: Mapping[str, Any], normalizer: Any) -> Any:
    """The table of a SentencePiece model, after what ALBERT does before it."""
    normalizers, table = library.normalizers, _charsmap(normalizer)
    precompiled = [] if table is None else [normalizers.Precompiled(table)]
    if kind != "albert":
        return precompiled[0] if precompiled else None
    steps = [normalizers.Replace("``", '"'), normalizers.Replace("''", '"')]
    if not flag(options, "keep_accents", default=False):
        steps += [normalizers.NFKD(), normalizers.StripAccents()]
    if flag(options, "do_lower_case", default=True):
        steps.append(normalizers.Lowercase())
    return normalizers.Sequence([*steps, *precompiled])


def _charsmap(normalizer: Any) -> bytes | None:
    """The table of the first precompiled step of a normalizer."""
    if normalizer is None:
        return None
    step = json.loads(normalizer.__getstate__())
    for one in step.get("normalizers", [step]):
        if one.get("type") == "Precompiled":
            return base64.b64decode(one["precompiled_charsmap"])
    return None


def end_roles(kind: str) -> tuple[str, ...]:
    """The roles of what is set before and after a sentence."""
    if kind in ("gpt2", "llama", "gemma"):
        return ()
    if kind == "t5":
        return ("eos_token",)
    named = kind in ("xlm-roberta", "camembert", "clip")
    return ("bos_token", "eos_token") if named else ("cls_token", "sep_token")


def ends_of(
    library: Any, tokenizer: Any, kind: str, names: Mapping[str, str], options: Mapping[str, Any]
) -> Any:
    """What a kind sets around a sentence and a pair."""
    template = library.processors.TemplateProcessing
    numbers = [id_of_token(tokenizer, names[role]) for role in end_roles(kind)]
    if kind == "t5":  # it is called so whatever its row is
        end, ends = "</s>", [("</s>", numbers[0])]
        return template(single=["$A", end], pair=["$A", end, "$B", end], special_tokens=ends)
    first, last = (names[role] for role in end_roles(kind))
    if kind == "albert":
        first, last = "[CLS]", "[SEP]"
    ends = [(first, numbers[0]), (last, numbers[1])]
    if kind in ("bert", "albert", "deberta-v2"):
        return template(
            single=[f"{first}:0", "$A:0", f"{last}:0"],
            pair=[f"{first}:0", "$A:0", f"{last}:0", "$B:1", f"{last}:1"],
            special_tokens=ends,
        )
    if kind in ("roberta", "mpnet", "clip"):
        own = kind == "roberta"
        trims = _yes_or_no(options, "trim_offsets", True) if own else kind == "mpnet"
        space = own and _yes_or_no(options, "add_prefix_space", False)
        return library.processors.RobertaProcessing(ends[1], ends[0], trims, space)
    return template(
        single=[first, "$A", last],
        pair=[first, "$A", last, last, "$B", last],
        special_tokens=ends,
    )


def mask_strips(kind: str | None, name: str) -> bool:
    """Whether the class of a kind lets its mask take the space before it."""
    return name == "mask_token" and kind in ("mpnet", "camembert")


def flag(options: Mapping[str, Any], name: str, *, default: bool | None) -> bool | None:
    """An option that is true or false, or null. Raises: DataError when it is neither."""
    value = options.get(name, default)
    if value is not None and not isinstance(value, bool):
        raise DataError(f"{name} is {quoted(str(value))}, expected true or false")
    return value


def _yes_or_no(options: Mapping[str, Any], name: str, default: bool) -> bool:
    """An option that must not be null. Raises: DataError when it is."""
    value = flag(options, name, default=default)
    if value is None:
        raise DataError(f"{name} is null, expected true or false")
    return value


def id_of_token(tokenizer: Any, token: str) -> int:
    """The id of a token. Raises: DataError without one."""
    number = tokenizer.token_to_id(token)
    if number is None:
        raise DataError(f"no {quoted(token)} in this vocabulary")
    return int(number)
