"""Families that are not read here, each with what it would need: its name alone tells little.

Their tensors may be called as those of Llama or BART are; read as one of these they would give
other numbers in silence. Names are those of model_type in config.json, and of general.architecture
in GGUF files. Sources: the models of Hugging Face transformers and of ggml-org/llama.cpp.
"""

from collections.abc import Mapping

_EXPERTS = "layers that choose experts for each token"
_STATES = "layers of states in the place of attention"
_SIDE_BY_SIDE = "attention and feed-forward side by side in a layer"
_BY_DISTANCE = "scores that fall with the distance (ALiBi)"
_BEFORE = "an encoder and a decoder that norm before each part"
_APART = "scores of words and of positions apart"

_NEEDS: Mapping[str, str] = {
    **dict.fromkeys(
        ("mixtral", "qwen2_moe", "qwen3_moe", "olmoe", "phimoe", "granitemoe"), _EXPERTS
    ),
    **dict.fromkeys(("dbrx", "jetmoe", "nllb_moe", "switch_transformers", "glm4_moe"), _EXPERTS),
    **dict.fromkeys(("ernie4_5_moe", "hunyuan_v1_moe", "minimax_m2", "dots1"), _EXPERTS),
    "llama4": f"{_EXPERTS}, and attention in chunks",
    "llama4_text": f"{_EXPERTS}, and attention in chunks",
    "gpt_oss": f"{_EXPERTS}, and weights that a sink takes from each row",
    **dict.fromkeys(
        ("deepseek_v2", "deepseek_v3"), f"{_EXPERTS}, and keys and values from one small vector"
    ),
    **dict.fromkeys(("mamba", "mamba2", "falcon_mamba", "rwkv", "recurrent_gemma"), _STATES),
    **dict.fromkeys(("jamba", "bamba", "zamba", "zamba2", "falcon_h1"), _STATES),
    **dict.fromkeys(("nemotron_h", "granitemoehybrid", "qwen3_next", "lfm2"), _STATES),
    **dict.fromkeys(("qwen3_5", "qwen3_5_text", "qwen3_5_moe"), _STATES),
    **dict.fromkeys(("phi", "gptj", "gpt_neox", "codegen", "falcon"), _SIDE_BY_SIDE),
    **dict.fromkeys(("cohere", "cohere2"), f"{_SIDE_BY_SIDE}, and a rope of neighbors"),
    **dict.fromkeys(("bloom", "mpt", "jina_bert_v2"), _BY_DISTANCE),
    "gpt_neo": "scores that are not divided, and windows in every second layer",
    "opt": "a decoder of learned positions that begin in row 2",
    "stablelm": "norms with a bias beside a rope of a part of each head",
    "starcoder2": "norms and a feed-forward with biases beside a rope",
    "qwen": "queries, keys and values in one matrix with a bias",
    "gemma": "words that are scaled, and norms before each part alone",
    "gemma3n": "several streams of rows through each layer",
    "gemma3n_text": "several streams of rows through each layer",
    "gemma4": "heads of two widths, and layers that share keys and values",
    "gemma4_text": "heads of two widths, and layers that share keys and values",
    "granite": "factors of words, scores, layers and logits",
    "olmo": "norms without weights",
    "olmo3": "windows in three of four layers",
    "longt5": "windows of the encoder's tokens and of blocks of them",
    "pegasus": f"{_BEFORE}, with positions of sines",
    "m2m_100": f"{_BEFORE}, with positions of sines from row 2 on",
    "mbart": f"{_BEFORE}, and the words as well",
    "blenderbot": f"{_BEFORE}, with learned positions from row 0 on",
    "blenderbot-small": "an encoder and a decoder with learned positions from row 0 on",
    "longformer": "windows, and tokens that see all by matrices of their own",
    "led": "windows, and tokens that see all by matrices of their own",
    "big_bird": "windows, random blocks and tokens that see all",
    "xlnet": "two streams of attention, with positions relative to each other",
    "deberta": _APART,
    "deberta-v2": _APART,
    "mpnet": "a bias of distances beside learned positions",
    "albert": "words of a smaller width, and one layer that is used again and again",
    "electra": "words of a width of their own",
    "xlm-roberta-xl": "norms before each part",
    "nomic_bert": "a rope and gates in an encoder",
}
# Names of GGUF files for those whose names differ by more than a hyphen.
_OF_GGUF = {
    "qwen2moe": "qwen2_moe",
    "qwen3moe": "qwen3_moe",
    "qwen3next": "qwen3_next",
    "qwen35": "qwen3_5",
    "qwen35moe": "qwen3_5_moe",
    "glm4moe": "glm4_moe",
    "gptneox": "gpt_neox",
    "phi2": "phi",
    "command-r": "cohere",
    "deepseek2": "deepseek_v3",
    "granitehybrid": "granitemoehybrid",
}


def need_of(name: str) -> str | None:
    """What a family would need that is not computed here, None for one that nothing is known of."""
    own = _OF_GGUF.get(name, name)
    return _NEEDS.get(own) or _NEEDS.get(own.replace("-", "_"))


def found_family(kind: str, shown: str, name: str) -> str:
    """The start of a message on a family: how its name is `shown`, and what it would need.

    `kind` is what the file calls it, the family or the architecture.
    """
    need = need_of(name)
    return f"found the {kind} {shown}" + ("" if need is None else f", which needs {need}")
