"""What a language model says of words: what may come next, what may stand at a masked place."""

from collections.abc import Callable, Sequence

from rich.segment import Segment

from attncli.results.displayed import WRITTEN
from attncli.results.predicted import Candidate
from attncli.results.result import AttentionResult
from attncli.views.ink import Ink, Line, left, width_of, word, wrapped

SHOWN = 5  # of the candidates that the record has
_WIDEST = 24  # columns of one
_LONGEST = 1000  # columns of what was written


def predicted_title(result: AttentionResult, count: int = SHOWN) -> str:
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


def predicted_sentences(result: AttentionResult, shown: Callable[[str], str] = str) -> list[str]:
    """What comes next, or what stands at each masked place, a line each; names as `shown` gives them.

    Nothing where the model says nothing of words.
    """
    model = result.model
    if model is None or not model.predicts:
        return []
    if model.next is not None:
        return [f"{predicted_title(result)}: {_listed(model.next, shown)}"]
    return [
        f"what may stand at {shown(result.words[place.token])}, token {place.token}: "
        f"{_listed(place.candidates, shown)}; entropy {place.entropy:.2f} nats"
        for place in model.masks or ()
    ]


def _listed(candidates: Sequence[Candidate], shown: Callable[[str], str]) -> str:
    return ", ".join(
        f"{spelled_out(candidate, shown)} {candidate.probability:.3f}"
        for candidate in candidates[:SHOWN]
    )


def _candidate_lines(
    start: str, candidates: Sequence[Candidate], ink: Ink, width: int, precision: int
) -> list[Line]:
    """The candidates beside each other after `start`, those with no room below."""
    lines: list[Line] = []
    line, used = [Segment(start)], width_of(start)
    for candidate in candidates[:SHOWN]:
        name = spelled_out(candidate, lambda text: ink.word(text, _WIDEST))
        cell = ink.weight(f" {candidate.probability:.{precision}f} ", candidate.probability)
        size = width_of(name) + len(cell.text) + 2
        if used + size > width and len(line) > 1:
            lines.append(line)
            line, used = [Segment(" " * width_of(start))], width_of(start)
        line += [Segment(name), cell, Segment("  ")]
        used += size
    return [*lines, line]


def spelled_out(candidate: Candidate, shown: Callable[[str], str]) -> str:
    """The text of a candidate in quotes, so that spaces count; its entry where it is no whole text."""
    whole = candidate.text and "\ufffd" not in candidate.text
    return f'"{shown(candidate.text)}"' if whole else shown(candidate.token)


def completion_line(result: AttentionResult, ink: Ink) -> str:
    """The text that the model wrote itself, for a terminal; empty where it wrote none."""
    return ink.plain(completion_sentence(result, lambda text: ink.word(text, _LONGEST)))


def completion_sentence(result: AttentionResult, shown: Callable[[str], str] = word) -> str:
    """The text that the model wrote itself, and how its tokens are marked; empty where it wrote none."""
    model = result.model
    if model is None or model.completion is None:
        return ""
    if model.written is None:
        return f'the model wrote: "{shown(model.completion)}"'
    written = written_places(result)
    count = "1 token" if len(written) == 1 else f"{len(written)} tokens"
    marked = f", marked with {WRITTEN}" if written else ""
    return f'the model went on by {count}{marked}: "{shown(model.completion)}"'


def sentence_of(text: str) -> str:
    """A line as a sentence begins."""
    return text[:1].upper() + text[1:]


def written_places(result: AttentionResult) -> tuple[int, ...]:
    """The places of the tokens that the model wrote."""
    return () if result.model is None else result.model.written or ()


def words_marked(result: AttentionResult) -> list[str]:
    """The words of a result, with a mark those that the model wrote."""
    written = set(written_places(result))
    return [f"{WRITTEN}{word}" if at in written else word for at, word in enumerate(result.words)]
