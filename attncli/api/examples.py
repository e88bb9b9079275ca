"""Rows of examples, of a file or from Python → what a model learns from or is measured on."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from os import PathLike
from typing import Any, NamedTuple

from attncli.checks.arguments import (
    count_of,
    flag_of,
    has,
    one_of_kind,
    path_of,
    text_of,
    unexpected,
)
from attncli.errors import UsageError, field_name
from attncli.errors.wording import quoted, visible
from attncli.files.access import DEFAULT_ACCESS, Say
from attncli.files.source import bytes_of_stdin
from attncli.models.trained import TrainedModel
from attncli.reading.embedder import Embedder
from attncli.reading.reader import Tick, ignored
from attncli.training.columns import COLUMN_FIELDS, Columns
from attncli.training.examples import Prepared, prepare
from attncli.training.labels import majority, remarks
from attncli.training.rows import Bad, Row, read_table, splits_of
from attncli.training.seen import seen_in

_MANY_UNKNOWN = 0.2  # of all words
_WORDS = 5  # unknown ones that are named
_NAMED = 8  # labels named with their counts


class ExampleSource(NamedTuple):
    """Where examples come from: the path of a file, or rows; which of them, and which columns.

    With `skip_bad` rows that cannot be used are left out.
    """

    rows: str | Sequence[Row]
    split: str | None = None
    columns: Columns = Columns()
    skip_bad: bool = False

    @property
    def place(self) -> str:
        """Where an error is that all rows together cause."""
        return visible(self.rows)[:200] if isinstance(self.rows, str) else "rows"

    def read(self, say: Say = DEFAULT_ACCESS.say) -> tuple[list[Row], Bad]:
        """The rows that can be used, and those that cannot. Raises: what reading a file raises."""
        if isinstance(self.rows, str):
            return read_table(
                self.rows,
                bytes_of_stdin(),
                split=self.split,
                columns=self.columns,
                note=partial(say, "note"),
            )
        chosen = [row for row in self.rows if self.split is None or row.split == self.split]
        return chosen, Bad("rows", total=len(chosen))

    def prepared(
        self,
        embedder: Embedder,
        *,
        model: TrainedModel | None = None,
        say: Say = DEFAULT_ACCESS.say,
        tick: Tick = ignored,
    ) -> Prepared:
        """The examples that are learned from; with `model` those that it is measured on.

        `say` is told which rows are left out, and what there is to learn; `tick` how far a transformer
        that encodes the sentences is. Raises: DataError for rows that cannot be used, EmptyError.
        """
        rows, bad = self.read(say)
        if model is None and self.split is None:
            _say_splits(rows, say)
        lists = self.skip_bad or isinstance(self.rows, str)
        prepared = prepare(rows, embedder, model=model, tick=tick, bad=bad if lists else None)
        if not self.skip_bad:
            bad.expect_none()
        _say_rows(bad, prepared, say)
        _say_unknown(embedder, say)
        if model is None:
            _say_pairs(prepared, say)
            _say_labels(prepared, say)
        return prepared


def examples_given(
    rows: Any, split: Any, columns: Iterable[str | int | None], skip_bad: Any
) -> ExampleSource:
    """The examples that a caller from Python gives; the columns are those of `COLUMN_FIELDS`.

    Raises: ArgumentError for what is no file and no list of rows, or for a choice of another kind.
    """
    named = named_columns(*columns)
    split = None if split is None else text_of(split, "split")
    skip = flag_of(skip_bad, "skip_bad")
    if isinstance(rows, str | bytes | PathLike):
        return ExampleSource(path_of(rows, "rows"), split, named, skip)
    for field in sorted(named.chosen):
        raise UsageError("found it, but rows have no columns, expected a file", place=field)
    if isinstance(rows, Mapping) or not isinstance(rows, Iterable) or has(rows, "shape"):
        raise unexpected(rows, "rows", "a file, or a list of rows")
    several = list(rows)
    for place, row in enumerate(several):
        one_of_kind(row, f"rows[{place}]", Row, "a Row of attncli.training.rows")
    return ExampleSource(several, split, named, skip)


def named_columns(*given: str | int | None) -> Columns:
    """The columns that are named, as they are asked for in a file: those of `COLUMN_FIELDS`, in order."""
    return Columns(*map(_column_named, given, COLUMN_FIELDS))


def _column_named(given: str | int | None, field: str) -> str | None:
    """The name of a column, or its number as text. Raises: ArgumentError for what is neither."""
    if given is None:
        return None
    return str(count_of(given, field)) if isinstance(given, int) else text_of(given, field)


def known_to(trained: TrainedModel, prepared: Prepared, say: Say) -> int | None:
    """How many of the sentences the model was trained on; None when it is not known."""
    seen = seen_in(prepared.whole_texts, trained.training.get("sentences"))
    if seen is None:
        return None
    if seen.seen:
        count = len(prepared.texts)
        of_all = "" if seen.known == count else f" (of {count:,} in all)"
        what = "sentences" if prepared.pair is None else "pairs"
        say(
            "warning",
            f"the model was trained on {seen.seen:,} of {seen.known:,} of these {what}{of_all}: "
            "the figures say little of new ones",
        )
    return seen.seen


def _say_splits(rows: Sequence[Row], say: Say) -> None:
    """Says that rows of several parts are used together."""
    if named := ", ".join(map(visible, splits_of(rows))):
        say("warning", f"all rows are learned from; {field_name('split')} takes one of: {named}")


def _say_rows(bad: Bad, prepared: Prepared, say: Say) -> None:
    """Says which rows were left out, and which targets could be meant in two ways."""
    if bad.errors:
        rows = f"{len(bad.errors):,} of {bad.total:,} rows"
        say("warning", f"{visible(bad.name)}: {rows} left out: {bad.listed()}")
    if prepared.ambiguous:
        count = len(prepared.ambiguous)
        rows = "1 target is a number" if count == 1 else f"{count:,} targets are numbers"
        say(
            "warning",
            f"{visible(prepared.ambiguous[0])}: {rows} and also a word of the sentence: taken as "
            "the place of a word, 0 the first, where there is one; the column start says which",
        )


def _say_unknown(embedder: Embedder, say: Say) -> None:
    """Says which share of the words has no vector of its own, where it is large."""
    share = embedder.n_unknown / max(1, embedder.n_words)
    if share < _MANY_UNKNOWN:
        return
    words = list(embedder.unknown)
    listed = ", ".join(map(quoted, words[:_WORDS])) + (", …" if len(words) > _WORDS else "")
    name = visible(embedder.name)
    say("warning", f"{share:.0%} of the words are unknown to {name}: {listed}")


def _say_pairs(prepared: Prepared, say: Say) -> None:
    """Says what is learned of pairs, as their columns tell it."""
    if prepared.pair is None:
        return
    count = f"{len(prepared.texts):,} pairs of sentences"
    if prepared.score_range is not None:
        low, high = prepared.score_range
        learned = f"a score: similarity is learned, a cosine of 0 is {low:g}, of 1 {high:g}"
        say("note", f"{count} with {learned}")
    elif prepared.pair == "relation":
        say("note", f"{count} with a label: the label of a pair is learned")
    else:
        say(
            "note",
            f"{count} and no score or label: which belong together is learned, each beside the "
            "others of its step",
        )


def _say_labels(prepared: Prepared, say: Say) -> None:
    """Says how often each label occurs, what always guessing one gives, and which look alike."""
    counts = prepared.counts
    if not counts:
        return
    named = ", ".join(f"{quoted(label)} {n:,}" for label, n in list(counts.items())[:_NAMED])
    more = f" and {len(counts) - _NAMED} more labels" if len(counts) > _NAMED else ""
    most, share = majority(counts)
    say("note", f"{named}{more}; always saying {quoted(most)} is right in {share:.3f} of them")
    for remark in remarks(tuple(counts)):
        say("warning", remark)
