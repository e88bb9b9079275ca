"""What a checkpoint is, as lines of a terminal."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.segment import Segment

from attncli.errors.wording import counted_as, size_text
from attncli.views.ink import Ink, Line, left, wrapped

_NAME = 12  # columns of a fact's name
_TARGETS = 12  # words named
_PAIR_TASKS = {
    "relation": "relation: the label of a pair of sentences",
    "match": "match: which sentences belong together",
}
_POSITIONS = {
    "learned": "learned, added to the words",
    "sinusoidal": "sines and cosines, added to the words",
    "relative": "a bias of the distance, added to the scores",
}
_NORMED = {"before": "before", "after": "after", "around": "before and after"}
_TEMPLATES = {True: "there, and never run", False: "none", None: "not known"}
_KINDS = 16  # of tensors


def checkpoint_lines(facts: Mapping[str, Any], ink: Ink, *, width: int = 80) -> list[Line]:
    """The facts of `attncli.models.summary`, with those of the tokenizer, one line each."""
    lines: list[Line] = [[ink.bold(ink.word(str(facts["name"]), max(width, 20)))]]
    return lines + _fact_lines(_told(facts, ink), ink, width)


def _fact_lines(rows: Sequence[tuple[str, str]], ink: Ink, width: int) -> list[Line]:
    lines: list[Line] = []
    for name, text in rows:
        parts = wrapped(text, max(width - _NAME - 4, 16), 0)
        for number, part in enumerate(parts):
            shown = name if number == 0 else ""
            lines.append([ink.dim(f"  {left(shown, _NAME)}  "), Segment(part)])
    return lines


def trained_lines(facts: Mapping[str, Any], ink: Ink, *, width: int = 80) -> list[Line]:
    """The facts of `attncli.models.trained_summary`, one line each."""
    sizes, training = facts["architecture"], facts["training"]
    heads = "1 head" if sizes["n_heads"] == 1 else f"{sizes['n_heads']} heads"
    members = f"{sizes['committee']} members of " if sizes["committee"] > 1 else ""
    reads = {"target": "the target's new vector", "weights": "nothing: its weights were fitted"}
    rows = [
        ("sizes", f"{members}{heads}, d_k {sizes['d_k']}, d_v {sizes['d_v']}"),
        ("positions", str(sizes["positions"])),
        ("reads", reads.get(sizes["readout"], f"{sizes['readout']} over the new vectors")),
        ("parameters", f"{facts['parameters']:,}"),
        ("task", _task(facts)),
        ("labels", _labels(facts, ink)),
        ("targets", _targets(facts["targets"], ink)),
        (
            "vectors",
            f"{ink.word(facts['vectors']['name'])}, {facts['vectors']['dim']} values a word",
        ),
        ("learned of", f"{_count(training, 'examples')} {_of_what(facts)}"),
        ("best epoch", _count(training, "best_epoch")),
        ("held out", "" if sizes["readout"] == "weights" else _held_out(training, _of_what(facts))),
        ("trained by", str(facts.get("trained_by", ""))),
        ("sha256", str(facts["sha256"])),
    ]
    if training.get("whole") is False:
        rows.append(("stopped", "before its last epoch"))
    lines: list[Line] = [[ink.bold(ink.word(str(facts["name"]), max(width, 20)))]]
    return lines + _fact_lines([row for row in rows if row[1]], ink, width)


def _targets(targets: Sequence[str], ink: Ink) -> str:
    more = f" and {len(targets) - _TARGETS} more" if len(targets) > _TARGETS else ""
    return ", ".join(ink.word(target) for target in targets[:_TARGETS]) + more


def _task(facts: Mapping[str, Any]) -> str:
    """What a model of pairs learned; nothing of one that reads single sentences."""
    task = facts["architecture"].get("pair")
    if task == "similarity":
        low, high = facts["score_range"]
        return f"similarity: how alike two sentences are, from {low:g} to {high:g}"
    return _PAIR_TASKS.get(task, "")


def _labels(facts: Mapping[str, Any], ink: Ink) -> str:
    if facts["architecture"].get("pair") in ("similarity", "match"):
        return ""
    return ", ".join(ink.word(label) for label in facts["labels"]) or "none"


def _of_what(facts: Mapping[str, Any]) -> str:
    return "sentences" if facts["architecture"].get("pair") is None else "pairs of sentences"


def _held_out(told: Mapping[str, Any], what: str) -> str:
    names = {f"held_out_{name.lower()}": name for name in ("accuracy", "Spearman", "MRR")}
    kept = next((name for name in names if told.get(name) is not None), None)
    if kept is None:
        return "nothing; attn evaluate measures it"
    value = told[kept]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "unknown"
    return f"{names[kept]} {value:.3f} on {_count(told, 'held_out')} {what}"


def _count(told: Mapping[str, Any], name: str) -> str:
    """A count of a training, of which a file may say anything."""
    value = told.get(name)
    known = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63
    return str(value) if known else "unknown"


def _told(facts: Mapping[str, Any], ink: Ink) -> list[tuple[str, str]]:
    counted = facts["parameters"]
    direction = "causal: a token sees earlier ones" if facts["causal"] else "every token sees all"
    if "decoder" in facts:
        direction = "an encoder, whose tokens see all, and a decoder that reads it"
    rows = [
        ("family", f"{facts['model_type']} ({direction})"),
        (
            "layers",
            f"{facts['layers']} (0…{facts['layers'] - 1}), {facts['norm']} "
            f"{_NORMED[facts['layer_norm']]} attention{_query_norm(facts)}",
        ),
        (
            "heads",
            f"{facts['heads']} (0…{facts['heads'] - 1}) of {facts['d_k']} values{_shared(facts)}{_capped(facts)}",
        ),
        *_positions(facts),
        *_decoder(facts),
        (
            "sizes",
            f"d_model {facts['d_model']}, feed-forward {facts['d_inner']} ({facts['activation']})",
        ),
        ("longest", f"{facts['max_tokens']} tokens"),
        (
            "parameters",
            f"{counted['total']:,}: embeddings {counted['embeddings']:,}, layers "
            f"{counted['layers']:,}, on top {counted['unused']:,} (a head of words says next tokens, "
            "attention uses none of it)",
        ),
        ("tokenizer", _tokenizer(facts, ink)),
        ("files", _files(facts, ink)),
        *_gguf(facts, ink),
        ("template", _TEMPLATES[facts["chat_template"]]),
        ("license", ink.word(facts["license"] or "not stated", 80)),
    ]
    if "sha256" in facts:
        rows.append(("sha256", f"{facts['sha256']} (every number read, all finite)"))
    return rows


def _shared(facts: Mapping[str, Any]) -> str:
    """Of how many heads keys and values are, where they are fewer than those of queries."""
    count = facts.get("kv_heads", facts["heads"])
    return "" if count == facts["heads"] else f", {count} of keys and values"


def _query_norm(facts: Mapping[str, Any]) -> str:
    return "" if facts.get("query_norm", "none") == "none" else ", and of queries and keys"


def _capped(facts: Mapping[str, Any]) -> str:
    """The largest score that is left, where scores are capped softly."""
    cap = facts.get("softcap")
    return "" if cap is None else f", scores capped at {cap:g}"


def _positions(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How layers whose queries turn know places, and how far they see."""
    if "ropes" not in facts:
        return []
    kinds = [_rope(rope) for rope in facts["ropes"]]
    windows = [_window(width, causal=facts["causal"]) for width in facts["windows"]]
    return [("positions", _by_layers(kinds)), ("sees", _by_layers(windows))]


def _decoder(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How an encoder and its decoder know places, and the decoder's sizes."""
    if (decoder := facts.get("decoder")) is None:
        return []
    layers, heads = decoder["layers"], decoder["heads"]
    counts = f"{counted_as(layers, 'layer')} of {counted_as(heads, 'head')}"
    sizes = f"{counts}, feed-forward {decoder['d_inner']}"
    return [("positions", _POSITIONS[facts["positions"]]), ("decoder", sizes)]


def _by_layers(kinds: Sequence[str]) -> str:
    """What holds of layers, the commonest first, and which layers the others are."""
    (most, count), *others = Counter(kinds).most_common()
    if not others:
        return most
    texts = [f"{most} in {count} layer{'' if count == 1 else 's'}"]
    for kind, _ in others:
        layers = [str(number) for number, one in enumerate(kinds) if one == kind]
        texts.append(f"{kind} in layer{'' if len(layers) == 1 else 's'} {', '.join(layers)}")
    return ", ".join(texts)


def _rope(rope: Mapping[str, Any] | None) -> str:
    if rope is None:
        return "none"
    scaled = "" if rope["kind"] == "default" else f", {rope['kind']} × {rope['factor']:g}"
    return f"rope of base {rope['theta']:,.12g}{scaled}"


def _window(width: int | None, *, causal: bool) -> str:
    if width is None:
        return "all earlier tokens" if causal else "all tokens"
    return f"a window of {width}" if causal else f"{width - 1} tokens on each side"


def _tokenizer(facts: Mapping[str, Any], ink: Ink) -> str:
    told = facts.get("tokenizer")
    if told is None:
        return "not read: " + ink.word(str(facts.get("tokenizer_fault", "")), 200)
    special = " ".join(ink.word(name, 24) for name in told["special"][:8])
    text = f"{told['kind']}, {told['entries']:,} entries"
    if told["entries"] != facts["vocabulary"]:
        text += f" (the model has {facts['vocabulary']:,})"
    return f"{text}; special: {special}" if special else text


def _gguf(facts: Mapping[str, Any], ink: Ink) -> list[tuple[str, str]]:
    """What a GGUF file has besides: its version, and how each kind of tensor is stored."""
    if "format" not in facts:
        return []
    stored: dict[str, list[str]] = {}
    for kind, types in facts["quantization"].items():
        for name, count in types.items():
            some = f" ({count} of {sum(types.values())})" if len(types) > 1 else ""
            stored.setdefault(name, []).append(ink.word(kind, 40) + some)
    return [
        ("format", facts["format"]),
        *((name, _first(kinds)) for name, kinds in stored.items()),
    ]


def _first(kinds: Sequence[str]) -> str:
    more = len(kinds) - _KINDS
    return ", ".join(kinds[:_KINDS]) + (f" and {more} more" if more > 0 else "")


def _files(facts: Mapping[str, Any], ink: Ink) -> str:
    dtypes = ", ".join(facts["dtypes"])
    named = [
        f"{ink.word(file['name'], 60)} {size_text(file['bytes'])}" for file in facts["files"][:4]
    ]
    more = len(facts["files"]) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "") + f" ({dtypes})"
