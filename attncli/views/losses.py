"""What each format keeps of a record: the one list of what is lost, for messages, docs and tests."""

from collections.abc import Iterable, Sequence

from attncli.result import OPTIONAL_ARRAYS, OPTIONAL_FIELDS, USUAL_FIELDS, AttentionResult

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
    **dict.fromkeys(("json", "jsonl", "npz"), ()),
    **dict.fromkeys(("csv", "tsv"), ("index", "line", *_LONG)),
    **dict.fromkeys(("batch jsonl", "batch parquet", "batch arrow", "batch npz"), ()),
    "batch csv": _LONG,
}
# Formats to look at, which nothing reads back.
WRITE_ONLY = ("html", "svg", "png", "pdf", "md", "tex")


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


def losses_asked(kind: str, include: Iterable[str], exclude: Iterable[str]) -> list[str]:
    """The fields that a run was asked for and the format does not hold."""
    asked, unwanted = set(include), set(exclude)
    return [
        name
        for name in LOSSES.get(kind, ())
        if name.partition(".")[0] not in unwanted
        and (name not in OPTIONAL_FIELDS or name in asked)
        and name not in _RARE[:3]  # only some results have these
    ]


def losses_line(path: str, lost: Sequence[str]) -> str:
    """What a table does not hold, as one line; empty when it holds all."""
    if not lost:
        return ""
    named = [name for name in lost if name not in (*OF_TOKENS, "index", "line")]
    if set(OF_TOKENS) & set(lost):
        named.append("offsets, keys and statuses of tokens")
    return f"{path} holds words and weights alone, no {', '.join(named)}; .json and .npz keep all"


def _holds(result: AttentionResult, name: str) -> bool:
    if name in result.unknown or (name in OF_TOKENS and "tokens" in result.unknown):
        return False
    value = getattr(result, name.partition(".")[0])
    return value is not None and (not isinstance(value, (tuple, str)) or bool(value))
