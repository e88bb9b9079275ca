"""What `attn train` and `attn evaluate` say of the rows they were given."""

from typing import TYPE_CHECKING

from attncli.cli.terminal import message
from attncli.errors.wording import quoted, visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from attncli.models.trained import TrainedModel
    from attncli.training.examples import Prepared
    from attncli.training.rows import Bad, Row

_NAMED = 8  # labels named with their counts


def say_of_splits(rows: "Iterable[Row]") -> None:
    """Says that rows of several parts are used together."""
    from attncli.training.rows import splits_of

    named = [visible(name) for name in splits_of(rows)]
    if named:
        message("warning", f"all rows are learned from; --split takes one of: {', '.join(named)}")


def say_of_rows(
    bad: "Bad", prepared: "Prepared", *, skip_bad: bool, quiet: bool, labels: bool = False
) -> None:
    """Says which rows were left out, which targets could be meant in two ways, and of `labels`.

    Raises: DataError for rows that cannot be used, unless these are to be skipped.
    """
    if not skip_bad:
        bad.expect_none()
    if quiet:
        return
    if bad.errors:
        rows = f"{len(bad.errors):,} of {bad.total:,} rows"
        message("warning", f"{visible(bad.name)}: {rows} left out: {bad.listed()}")
    if prepared.ambiguous:
        count = len(prepared.ambiguous)
        rows = "1 target is a number" if count == 1 else f"{count:,} targets are numbers"
        message(
            "warning",
            f"{visible(prepared.ambiguous[0])}: {rows} and also a word of the sentence: taken as "
            "the place of a word, 0 the first, where there is one; the column start says which",
        )
    if labels:
        _say_of_pairs(prepared)
        _say_of_labels(prepared)


def _say_of_pairs(prepared: "Prepared") -> None:
    """Says what is learned of pairs, as their columns tell it."""
    if prepared.pair is None:
        return
    count = f"{len(prepared.texts):,} pairs of sentences"
    if prepared.score_range is not None:
        low, high = prepared.score_range
        message(
            "note",
            f"{count} with a score: similarity is learned, a cosine of 0 is {low:g}, of 1 {high:g}",
        )
    elif prepared.pair == "relation":
        message("note", f"{count} with a label: the label of a pair is learned")
    else:
        message(
            "note",
            f"{count} and no score or label: which belong together is learned, each beside the "
            "others of its step",
        )


def _say_of_labels(prepared: "Prepared") -> None:
    """Says how often each label occurs, what always guessing one gives, and which look alike."""
    from attncli.training.labels import majority, remarks

    counts = prepared.counts
    if not counts:
        return
    named = ", ".join(f"{quoted(label)} {n:,}" for label, n in list(counts.items())[:_NAMED])
    more = f" and {len(counts) - _NAMED} more labels" if len(counts) > _NAMED else ""
    most, share = majority(counts)
    message("note", f"{named}{more}; always saying {quoted(most)} is right in {share:.3f} of them")
    for remark in remarks(tuple(counts)):
        message("warning", remark)


def say_of_seen(prepared: "Prepared", trained: "TrainedModel", *, quiet: bool) -> int | None:
    """Says how many sentences the model was trained on; the number, None when it is not known."""
    from attncli.training.seen import seen_in

    seen = seen_in(prepared.whole_texts, trained.training.get("sentences"))
    if seen is None:
        return None
    if seen.seen and not quiet:
        of_all = (
            "" if seen.known == len(prepared.texts) else f" (of {len(prepared.texts):,} in all)"
        )
        what = "sentences" if prepared.pair is None else "pairs"
        message(
            "warning",
            f"the model was trained on {seen.seen:,} of {seen.known:,} of these {what}{of_all}: "
            "the figures say little of new ones",
        )
    return seen.seen
