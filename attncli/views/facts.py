"""What a result is, in a few words: for captions and headings of every view."""

from collections.abc import Callable

from attncli.results.fields import NOT_GIVEN
from attncli.results.names import describe
from attncli.results.result import AttentionResult


def facts_line(result: AttentionResult, shown: Callable[[str], str] = str) -> str:
    """One line: the mechanism, its settings, the vectors and the model, names as `shown` gives them."""
    settings = result.attention
    parts = [result.title]
    if settings.is_foreign:
        if result.vectors.name != NOT_GIVEN:
            parts = [f"{parts[0]} from {shown(result.vectors.name)}"]
    else:
        parts += [f"{settings.score} scores", f"scale {settings.scale:.6g}"]
        parts.append(f"temperature {settings.temperature:.6g}")
    if result.is_cross and result.pair is not None:
        parts[0] += f', to "{shown(result.pair)}"'
    if settings.causal:
        parts.append("causal")
    if settings.window is not None:
        parts.append(f"window {settings.window}")
    if not settings.see_self:
        parts.append("no word sees itself")
    if settings.positions != "none":
        parts.append(f"{settings.positions} positions")
    if result.vectors.dim:
        parts.append(f"vectors {shown(result.vectors.name)} ({result.vectors.dim} dimensions)")
    if result.model is not None:
        parts.append(shown(result.model.title))
    selected = describe(result.selection, shown)
    return " · ".join([*parts, selected] if selected else parts)


def model_line(result: AttentionResult, shown: Callable[[str], str] = str) -> str:
    """What the model says of the sentence, each label as `shown` gives it; or an empty text."""
    if result.model is None or result.model.label is None:
        return ""
    likely = sorted(result.model.probabilities.items(), key=lambda item: -item[1])[:3]
    shares = ", ".join(f"{shown(name)} {share:.1%}" for name, share in likely)
    return f"label: {shown(result.model.label)}" + (f" ({shares})" if shares else "")
