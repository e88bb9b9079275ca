"""What a language model says of words, on a page: what comes next, what may stand at masked places."""

import html
from collections.abc import Sequence

from attncli.escape import apart, isolated
from attncli.results.predicted import Candidate
from attncli.results.result import AttentionResult
from attncli.views.ink import word
from attncli.views.page.tables import word_markup
from attncli.views.palette import palette_step
from attncli.views.predicted import (
    completion_sentence,
    predicted_title,
    sentence_of,
    spelled_out,
)


def said_markup(result: AttentionResult, level: int) -> str:
    """The likeliest continuations under a heading; of a masked text those of each of its places."""
    model = result.model
    if model is None or not model.predicts:
        return ""
    if model.next is not None:
        count = len(model.next)
        title = sentence_of(predicted_title(result, count))
        lists = _candidates(model.next, "the likeliest first")
    else:
        title = sentence_of(predicted_title(result))
        lists = "".join(
            f'<p class="place">{word_markup(result.words[place.token])} '
            f'<span class="note">token {place.token}, entropy {place.entropy:.2f} nats</span></p>'
            + _candidates(place.candidates, f"for token {place.token}, the likeliest first")
            for place in model.masks or ()
        )
    return f'<div class="said"><h{level}>{html.escape(title)}</h{level}>{lists}</div>'


def completion_markup(result: AttentionResult) -> str:
    """The text that the model wrote itself; nothing where it wrote none."""
    said = completion_sentence(result, apart)
    return f'<p class="label">{html.escape(sentence_of(said))}</p>' if said else ""


def _candidates(candidates: Sequence[Candidate], name: str) -> str:
    items = "".join(
        f"<li><bdi>{html.escape(spelled_out(candidate, _shown))}</bdi> "
        f'<span class="w{palette_step(candidate.probability)}">{candidate.probability:.3f}</span></li>'
        for candidate in candidates
    )
    return f'<ol class="candidates" aria-label="{html.escape(name)}">{items}</ol>'


def _shown(text: str) -> str:
    return isolated(word(text, 24))
