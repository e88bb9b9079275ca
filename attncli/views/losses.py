"""What each format keeps of a record: the one list of what is lost, for messages, docs and tests."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attncli.results.fields import OPTIONAL_ARRAYS, OPTIONAL_FIELDS, USUAL_FIELDS
from attncli.results.names import AXES, ranges
from attncli.results.result import AttentionResult

OF_TOKENS = ("tokens.start", "tokens.end", "tokens.key", "tokens.status")
_RARE = ("pair", "segments", "selection", "measures")
# A table holds words and weights, and the names of layers and heads.
_LONG = (
    *(name for name in USUAL_FIELDS if name not in ("index", "line", "tokens")),
    *OF_TOKENS,
    *OPTIONAL_ARRAYS,
    *_RARE,
)
# Fields that are lost in each format that is read back; "batch" is what attn batch writes.
LOSSES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("json", "jsonl", "npz", "parquet", "arrow", "feather"), ()),
    **dict.fromkeys(("csv", "tsv"), ("index", "line", *_LONG)),
    **dict.fromkeys(("batch jsonl", "batch parquet", "batch arrow", "batch npz"), ()),
    "batch csv": _LONG,
}
# Fields whose names alone say too little.
_IN_WORDS = {
    "attention": "attention settings",
    "contextual": "contextual (new) vectors",
    "vectors": "name of the vectors",
    "model": "model and what it says",
    "pair": "second sentence of the pair",
}


def losses_of(
    kind: str, results: Sequence[AttentionResult], include: Iterable[str] = ()
) -> list[str]:
    """The fields that these results hold and the format does not, optional ones when asked for."""
    lost = LOSSES.get(kind, ())
    asked = set(include)
    return [
        name
        for name in lost
        if (name not in OPTIONAL_FIELDS or name in asked)
        and any(_holds(result, name) for result in results)
    ]


def losses_asked(
    kind: str, include: Iterable[str], exclude: Iterable[str], rare: Iterable[str] = ()
) -> list[str]:
    """The fields that a run was asked for and the format does not hold.

    `rare` are those that only some runs have: pair, segments, selection.
    """
    asked, unwanted = set(include), set(exclude)
    return [
        name
        for name in LOSSES.get(kind, ())
        if name.partition(".")[0] not in unwanted
        and (name not in OPTIONAL_FIELDS or name in asked)
        and (name not in _RARE[:3] or name in rare)
    ]


def losses_line(
    path: str,
    lost: Sequence[str],
    *,
    selections: Iterable[Mapping[str, Any]] = (),
    untrained: bool = False,
    given: bool = False,
) -> str:
    """What a table does not hold, as one line in plain words; empty when it holds all.

    `selections` are those of the results: what a table can hold of a part is not said.
    """
    if not lost:
        return ""
    named = [
        _IN_WORDS.get(name, name)
        for name in lost
        if name not in (*OF_TOKENS, "index", "line", "segments", "selection")
    ]
    named += ["places, keys and statuses of tokens"] if set(OF_TOKENS) & set(lost) else []
    facts = [*(f for s in selections for f in selection_losses(s))] if "selection" in lost else []
    facts += ["that the matrices are untrained"] if untrained and "model" in lost else []
    facts += ["that the matrices were given"] if given and "model" in lost else []
    said = [f"no {', '.join(named)}"] if named else []
    said += [f"nor {', '.join(dict.fromkeys(facts))}"] if facts else []
    return f"{path} holds words and weights alone, {'; '.join(said)}; .json and .npz keep all"


def selection_losses(selection: Mapping[str, Any]) -> list[str]:
    """What of a choice of part a table does not hold.

    >>> selection_losses({"heads": [0, 1], "merged": True})
    ['that pieces were merged', 'that heads 0, 1 were chosen']
    """
    facts = ["that pieces were merged"] if selection.get("merged") else []
    if "hidden" in selection:
        facts.append("which tokens are hidden and how much weight they had")
    for axis in AXES:
        numbers = list(selection.get(axis, ()))
        plain = numbers == list(range(len(numbers)))
        if numbers and plain and f"{axis}_pooled" not in selection:
            verb = "was" if len(numbers) == 1 else "were"
            facts.append(f"that {ranges(axis, numbers)} {verb} chosen")
    return facts


def _holds(result: AttentionResult, name: str) -> bool:
    if name in result.unknown or (name in OF_TOKENS and "tokens" in result.unknown):
        return False
    value = getattr(result, name.partition(".")[0])
    return value is not None and (not isinstance(value, (tuple, str)) or bool(value))
