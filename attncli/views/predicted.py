"""What a language model says of words: what may come next, what may stand at a masked place."""

from collections.abc import Sequence

from rich.segment import Segment

from attncli.results.predicted import Candidate
from attncli.results.result import AttentionResult
from attncli.views.ink import Ink, Line, left, width_of, wrapped

_SHOWN = 5  # of the candidates that the record has
_WIDEST = 24  # columns of one


def predicted_title(result: AttentionResult, count: int = _SHOWN) -> str:
    """The heading: of what these are the likeliest; empty where the model says nothing of words."""
    model = result.model
    if model is None or not model.predicts:
        return ""
    if model.next is None:
        return "what may stand there, with probabilities"
    shown = min(count, len(model.next))
    open_by = "" if model.next_entropy is None else f"; entropy {model.next_entropy:.2f} nats"
    return f"what may come next: the {shown} likeliest of {result.vectors.words or 0:,}{open_by}"


def predicted_lines(
    result: AttentionResult, ink: Ink, *, width: int = 80, precision: int = 3
) -> list[Line]:
    """The likeliest continuations; of a masked text a line for each of its places."""
    model = result.model
    if model is None:
        return []
    if model.next is not None:
        return _candidate_lines("  ", model.next, ink, width, precision)
    masks = model.masks or ()
    labels = [f"{place.token}  {ink.word(result.words[place.token], 16)}" for place in masks]
    indent = max(map(width_of, labels), default=0)
    lines: list[Line] = []
    for label, place in zip(labels, masks, strict=True):
        start = f"  {left(label, indent)}  "
        lines += _candidate_lines(start, place.candidates, ink, width, precision)
        entropy = f"{' ' * width_of(start)}entropy {place.entropy:.2f} nats"
        lines += [[ink.dim(part)] for part in wrapped(entropy, width, 2)]
    return lines


def _candidate_lines(
    start: str, candidates: Sequence[Candidate], ink: Ink, width: int, precision: int
) -> list[Line]:
    """The candidates beside each other after `start`, those with no room below."""
    lines: list[Line] = []
    line, used = [Segment(start)], width_of(start)
    for candidate in candidates[:_SHOWN]:
        name = spelled_out(candidate, ink)
        cell = ink.weight(f" {candidate.probability:.{precision}f} ", candidate.probability)
        size = width_of(name) + len(cell.text) + 2
        if used + size > width and len(line) > 1:
            lines.append(line)
            line, used = [Segment(" " * width_of(start))], width_of(start)
        line += [Segment(name), cell, Segment("  ")]
        used += size
    return [*lines, line]


def spelled_out(candidate: Candidate, ink: Ink) -> str:
    """The text of a candidate in quotes, so that spaces count; its entry where it is no whole text."""
    whole = candidate.text and "\ufffd" not in candidate.text
    return f'"{ink.word(candidate.text, _WIDEST)}"' if whole else ink.word(candidate.token, _WIDEST)


def completion_line(result: AttentionResult, ink: Ink) -> str:
    """The text that the model wrote itself; empty where it wrote none."""
    model = result.model
    if model is None or model.completion is None:
        return ""
    if model.written is None:
        return ink.plain(f'the model wrote: "{ink.word(model.completion, 1000)}"')
    written = written_places(result)
    count = "1 token" if len(written) == 1 else f"{len(written)} tokens"
    marked = ", marked with +" if written else ""
    return ink.plain(f'the model went on by {count}{marked}: "{ink.word(model.completion, 1000)}"')


def written_places(result: AttentionResult) -> tuple[int, ...]:
    """The places of the tokens that the model wrote."""
    return () if result.model is None else result.model.written or ()


def words_marked(result: AttentionResult) -> list[str]:
    """The words of a result, with a mark those that the model wrote."""
    written = set(written_places(result))
    return [f"+{word}" if at in written else word for at, word in enumerate(result.words)]
