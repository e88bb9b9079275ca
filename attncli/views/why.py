"""Six lines that say why weights are what they are, and where the lecture's notes differ."""

from rich.segment import Segment

from attncli.arrays import FloatArray
from attncli.errors import command_line, setting
from attncli.errors.wording import typed
from attncli.insight.why import SELF_WEIGHT, Why
from attncli.results.facts import MEANINGLESS
from attncli.results.names import full_name, is_named
from attncli.results.result import AttentionResult
from attncli.views.ink import Ink, Line, left, wrapped

_LABEL = 13  # columns of a label
_WORD, _NAME = 12, 20  # columns of a word, and of the name of vectors, at most
_SHOWN = 3  # weights of a row
_SENTENCE, _MODEL = "money bank grows", "lecture"  # of the notes
_PLAIN = Ink()
_ONE_WAY, _OTHER_WAY = "w₁₂w₂₃w₃₁", "w₁₃w₃₂w₂₁"


def why_lines(
    result: AttentionResult, why: Why, ink: Ink, *, width: int = 80, precision: int = 3
) -> list[Line]:
    """The six lines, each at most 80 columns wide; broken where the terminal is narrower."""
    lines: list[Line] = []
    for label, text in why_texts(result, why, ink, precision).items():
        first, *rest = wrapped(ink.plain(f"{left(label, _LABEL)}{text}"), width, 2)
        lines.append([ink.dim(first[:_LABEL]), Segment(first[_LABEL:])])
        lines += [[Segment(part)] for part in rest]
    return lines


def why_texts(
    result: AttentionResult, why: Why, ink: Ink = _PLAIN, precision: int = 3
) -> dict[str, str]:
    """What each of the six lines says, by its name."""
    name, command = _other_command(result, why)
    return {
        "weights": _weights(result, why, ink, precision),
        "vectors": _vectors(result, ink),
        "scale": _scale(result, why, precision),
        "temperature": _temperature(result, why, precision),
        "symmetry": _symmetry(why),
        name: command,
    }


def _row(weights: FloatArray, precision: int) -> str:
    """The first weights of a row."""
    more = " …" if len(weights) > _SHOWN else ""
    return " ".join(f"{weight:.{precision}f}" for weight in weights[:_SHOWN].tolist()) + more


def _weights(result: AttentionResult, why: Why, ink: Ink, precision: int) -> str:
    name = f" ({full_name(result, 0, 0)})" if is_named(result, "heads") else ""
    said = f"{ink.word(result.words[0], _WORD)} → itself: {why.weights[0]:.{precision}f}{name}"
    if why.notes is None:
        return f"{said}; the notes lack this sentence"
    return f"{said} here, {why.notes[0, 0]:g} in the notes"


def _vectors(result: AttentionResult, ink: Ink) -> str:
    said = f"{ink.word(result.vectors.name, _NAME)}, {result.vectors.dim} numbers a word"
    unknown = sum(token.status in MEANINGLESS for token in result.tokens)
    if unknown:
        return f"{said}; not in it: {unknown} of {len(result.tokens)}"
    if not result.attention.sums_embeddings:
        return f"{said}; compared: X·W_q, X·W_k"
    return f"{said}; the notes give none"


def _scale(result: AttentionResult, why: Why, precision: int) -> str:
    score = result.attention.score if result.attention.sums_embeddings else ""
    if score == "dot":
        return f"plain products, as in the notes; ÷ √{why.width}: {_row(why.scaled, precision)}"
    here = "cosines" if score == "cosine" else f"÷ √{why.width}"
    option = f" ({setting(score='dot')})" if score else ""
    return f"{here}; plain, as in the notes{option}: {_row(why.plain, precision)}"


def _temperature(result: AttentionResult, why: Why, precision: int) -> str:
    here = f"{result.attention.temperature:.4g}"
    if len(result.tokens) < 2:
        return f"{here}; a word alone has all the weight at any temperature"
    if why.solved is None or why.softer is None:
        return f"{here}; none gives a mean self-weight of {SELF_WEIGHT:g}"
    return (
        f"{here}; at {why.solved:.4g} the mean self-weight is {SELF_WEIGHT:g}: "
        f"{_row(why.softer, precision)}"
    )


def _symmetry(why: Why) -> str:
    pair = "s₁₂ = s₂₁" if why.symmetric else "s₁₂ ≠ s₂₁"
    if why.rounds is None:
        return f"{pair}; from three words on it shows in the weights"
    one, other = why.rounds
    notes = ""
    if why.notes_rounds is not None:
        notes = f"; notes {why.notes_rounds.one_way:.2g}, {why.notes_rounds.other_way:.2g}"
    if one == other == 0:
        return f"{pair}; masked: {_ONE_WAY} = {_OTHER_WAY} = 0{notes}"
    if why.symmetric:
        return f"{pair}, so {_ONE_WAY} = {_OTHER_WAY} = {one:.2g}{notes}"
    return f"none: {_ONE_WAY} = {one:.2g}, {_OTHER_WAY} = {other:.2g}{notes}"


def _other_command(result: AttentionResult, why: Why) -> tuple[str, str]:
    """The command for the weights of the notes; where these are shown, for general attention."""
    words = [_SENTENCE] if why.notes is None else result.words
    sentence = typed(" ".join(words).casefold())
    if result.model is not None and result.model.name == _MODEL and why.notes is not None:
        return "general", f"attn explain {sentence}"
    return "the notes", command_line(f"explain {sentence}", model=_MODEL)
