"""What a model of pairs says of two sentences that are explained side by side."""

from typing import TYPE_CHECKING

from attncli.cli.terminal import message, write, write_json
from attncli.errors.wording import quoted, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attncli.api.analysis import Analysis
    from attncli.api.predicting import Prediction
    from attncli.cli.groups import Mechanism
    from attncli.cli.manner import Manner

_WORDS = 6  # that counted, of both sentences


def say_of_both(
    texts: "Sequence[str] | None",
    analysis: "Analysis",
    mechanism: "Mechanism",
    manner: "Manner",
    *,
    quiet: bool,
) -> None:
    """Prints what a model of pairs says of two sentences; nothing of other models, or of others than two."""
    model = analysis.learned.model if mechanism.model is not None else None
    if model is None or model.architecture.pair is None or texts is None:
        return
    if len(texts) != 2:
        if not quiet:
            message("note", "the model compares two sentences: it says how alike two TEXTs are")
        return
    from attncli.api.predicting import predict

    said = predict(
        texts[0],
        str(mechanism.model),
        mechanism.vectors,
        pairs=texts[1],
        top=_WORDS,
        no_cache=mechanism.no_cache,
    )
    if manner.json:
        write_json(_record(texts, said))
        return
    line = f"{quoted(texts[0])} and {quoted(texts[1])}: {_outcome(said)}"
    counted = " | ".join(map(_listed, (said.words, said.pair_words)))
    if manner.output is not None:
        message("note", line)
        return
    write(f"\n{line}\nwords that counted: {counted}\n")


def _outcome(said: "Prediction") -> str:
    if said.score is not None:
        return f"score {said.score:.4f}"
    return f"label {said.label} ({said.probability or 0:.1%})"


def _listed(words: "Sequence[tuple[str, int, float]]") -> str:
    return " ".join(f"{visible(word)} ({adds:+.2f})" for word, _, adds in words) or "none"


def _record(texts: "Sequence[str]", said: "Prediction") -> str:
    from attncli.cli.train.report import json_line
    from attncli.results.fields import SCHEMA_VERSION

    words = {
        name: [word._asdict() for word in getattr(said, name)] for name in ("words", "pair_words")
    }
    outcome = {"score": said.score, "label": said.label, "probability": said.probability}
    return json_line(
        {
            "type": "pair",
            "schema": SCHEMA_VERSION,
            "text": texts[0],
            "pair": texts[1],
            "said": {**outcome, **words, "unknown": list(said.unknown)},
        }
    )
