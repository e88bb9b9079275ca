"""How a byte-level tokenizer of a GGUF file splits a text before it merges, by the name that the file has for it.

A name that is not known is refused: pieces of another splitting are other tokens, and nothing says so.
Sources: the patterns are published with each model, in its tokenizer.json; which names stand for
the same, and which of them begin with the first token unless the file says otherwise: ggml-org/llama.cpp.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from attncli.errors.wording import quoted
from attncli.models.gguf.metadata import Metadata

_ENDS = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_SHORT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_CASED = rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+%s|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*%s"
_SLASHED = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_CONTRACTED = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_LLAMA3 = _SHORT + r"\p{N}{1,3}" + _ENDS
_QWEN = _SHORT + r"\p{N}" + _ENDS
_GPT4O = _CASED % (_CONTRACTED, _CONTRACTED) + r"|\p{N}{1,3}" + _SLASHED
_TEKKEN = _CASED % ("", "") + r"|\p{N}" + _SLASHED
_MARKS = r"[\p{P}\$\+<=>\^~\|]+"


class Splitting(NamedTuple):
    """How a kind of byte-level tokenizer splits a text: by patterns in turn, else as GPT-2.

    `digits`: each digit alone first. `composed`: letters and their accents are one first (NFC).
    `whole_first`: a piece that is a token is not merged. `begins`: the first token is set before
    a text where the file does not say whether.
    """

    patterns: tuple[str, ...] = ()
    digits: bool = False
    composed: bool = False
    whole_first: bool = False
    begins: bool = False

    def steps(self) -> list[dict[str, Any]]:
        """The steps of a tokenizer.json, the bytes last."""
        steps: list[dict[str, Any]] = []
        if self.digits:
            steps.append({"type": "Digits", "individual_digits": True})
        for pattern in self.patterns:
            split = {"pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
            steps.append({"type": "Split", **split})
        return [*steps, {"type": "ByteLevel", **bytes_step(use_regex=not self.patterns)}]


def bytes_step(*, use_regex: bool) -> dict[str, bool]:
    """The options of bytes as letters; `use_regex` splits as GPT-2 does."""
    return {"add_prefix_space": False, "trim_offsets": True, "use_regex": use_regex}


_LIKE_LLAMA3 = Splitting((_LLAMA3,), whole_first=True, begins=True)
_LIKE_QWEN = Splitting((_QWEN,), composed=True)
_AS_GPT2 = ("gpt-2", "olmo", "mpt", "jais", "phi-2", "roberta-bpe", "a.x-4.0", "mellum", "exaone4")
_KINDS: Mapping[str, Splitting] = {
    **dict.fromkeys((*_AS_GPT2, "gigachat", "trillion", "granite-docling"), Splitting()),
    "default": Splitting((_MARKS, _GPT2, r"\p{N}+", "[0-9][0-9][0-9]")),
    "modern-bert": Splitting(composed=True),
    **dict.fromkeys(("smollm", "starcoder", "refact", "command-r"), Splitting(digits=True)),
    **dict.fromkeys(("codeshell", "exaone", "minerva-7b", "mellum2"), Splitting(digits=True)),
    **dict.fromkeys(("qwen2", "deepseek-r1-qwen", "f2llmv2"), _LIKE_QWEN),
    **dict.fromkeys(("kormo", "megrez", "stablelm2", "hunyuan", "grok-2"), Splitting((_QWEN,))),
    **dict.fromkeys(("llama-bpe", "llama3", "llama-v3"), _LIKE_LLAMA3),
    **dict.fromkeys(("falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"), _LIKE_LLAMA3),
    **dict.fromkeys(("dbrx", "smaug-bpe"), Splitting((_LLAMA3,))),
    **dict.fromkeys(("gpt-4o", "llama4", "kanana2", "talkie"), Splitting((_GPT4O,))),
    "tekken": Splitting((_TEKKEN,), whole_first=True, begins=True),
}


def splitting_of(metadata: Metadata) -> tuple[Splitting, str | None]:
    """How the tokenizer of these metadata splits, and a doubt where they have no name for it.

    Raises: DataError for a name that is not known.
    """
    if name := metadata.text("pre", ""):
        if name not in _KINDS:
            raise metadata.fault(
                "pre",
                f"is {quoted(name)}, a way to split words that is not known here, expected one that "
                "is, such as gpt-2, llama-bpe or qwen2",
            )
        return _KINDS[name], None
    start = "a tokenizer of no kind that the file names"
    return Splitting(), f"{start}: words are split as those of GPT-2, perhaps otherwise"
