"""`attn align`: which word of a text is which word of its translation."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Annotated, NamedTuple

from attncli.cli import options as opt
from attncli.cli.aligning import ALIGNED, ON_LINES, AlignManner, AlignOptions
from attncli.cli.notices import Notices
from attncli.cli.options import CHOOSING, INPUT, option, switch
from attncli.cli.progress import SentenceProgress
from attncli.cli.spreading import grouped
from attncli.cli.terminal import message, say_written, write, write_json
from attncli.cli.vain_options import say_vain
from attncli.errors import AttnError, EmptyError, UsageError
from attncli.errors.wording import quoted, typed, visible
from attncli.files.apart import expect_writable, files_given, written
from attncli.files.paths import exists, is_file
from attncli.files.writing import ended_by_signals

if TYPE_CHECKING:
    from attncli.api.aligned_files import AlignedRow, ChosenHead, GoldScoring
    from attncli.api.aligning import Aligner
    from attncli.api.pair_files import GoldFile, PairRow

_NAMED = 5  # words without a vector that a warning names

Source = Annotated[
    str,
    opt.argument(
        "SOURCE",
        "A text; without TARGET a file of pairs, a line each: a text, a tab, its translation; - "
        "is standard input.",
        show_default=False,
    ),
]
Target = Annotated[
    str | None,
    opt.argument("TARGET", "The translation of SOURCE.", show_default=False),
]
Gold = Annotated[
    str | None,
    option(
        INPUT,
        "FILE",
        "Links that people made, to measure by: a line of Pharaoh a pair (0-0 sure, 0?1 or 0p1 "
        "possible), or lines of NAACL 2003.",
    ),
]
OneBased = Annotated[
    bool, switch(INPUT, "Words of a Pharaoh file of --gold count from 1.", "--one-based")
]
ChooseHead = Annotated[
    bool,
    switch(
        CHOOSING,
        "Read the head that agrees best with the first half of --gold. The other half measures it.",
        "--choose-head",
    ),
]


@grouped
def align(
    source: Source,
    target: Target = None,
    gold: Gold = None,
    one_based: OneBased = False,
    options: AlignOptions = ALIGNED,
    choose_head: ChooseHead = False,
    manner: AlignManner = ON_LINES,
    quiet: opt.Quiet = False,
) -> None:
    """Find which word of a text is which word of its translation.

    Printed is a line of links for each pair, i-j: word i of the source is word j of the target, from
    0. With --model the links are those of its cross-attention; without one, of words whose vectors
    are each other's nearest. With --gold the last line is precision, recall and alignment error rate.

    \b
    Examples:
      attn align "the old bank" "the bank is old"
      attn align "Das Haus ist klein" "The house is small" --model ./opus-mt-de-en --table
      attn align pairs.tsv --model ./opus-mt-de-en -o links.txt
      attn align pairs.tsv --model ./opus-mt-de-en --gold links.gold --choose-head
      paste text.de text.en | attn align - --vectors de.vec --target-vectors en.vec
    """
    is_pair, output = target is not None, manner.named_output()
    _expect_gold(gold, choose_head=choose_head, one_based=one_based, quiet=quiet)
    if gold == source == "-" and not is_pair:
        raise UsageError("found -, which are the pairs too; expected a file", place="--gold")
    options.say_vain(quiet=quiet)
    manner.say_vain_of(is_pair=is_pair, is_measured=gold is not None, quiet=quiet)
    read = chain(files_given([gold, None if is_pair else source]), options.files_read())
    expect_writable(written("output", output), read)
    manner.expect_lines()
    lots = _lots(source, target)
    links = None if gold is None else _gold_file(gold, one_based=one_based)
    aligner = options.opened(every_layer=choose_head, quiet=quiet)
    name = "SOURCE" if is_pair else "<stdin>" if source == "-" else visible(source)[:120]
    measure = None
    if links is not None:
        lots, aligner, measure = _measured(lots, aligner, links, name, choose_head=choose_head)
    notices, count = Notices(quiet), _Count(name, is_pair=is_pair)
    rows = count.each(_aligned(lots, aligner), notices, measure)
    _write(rows, manner, count, quiet=quiet)
    if measure is not None:
        _show_scores(measure, aligner, json=manner.json, quiet=quiet)
    count.say(quiet=quiet)
    if output is not None:
        say_written(output, quiet=quiet)
    notices.end()


class _Measure(NamedTuple):
    """What measures pairs by links of people, and how the heads were chosen, if they were."""

    scoring: "GoldScoring"
    chosen: "ChosenHead | None"


def _measured(
    lots: "Iterator[list[PairRow]]",
    aligner: "Aligner",
    links: "GoldFile",
    name: str,
    *,
    choose_head: bool,
) -> "tuple[Iterator[list[PairRow]], Aligner, _Measure]":
    """The pairs, what aligns them, by the best head if one is to be chosen, and what measures them."""
    from attncli.api.aligned_files import GoldScoring, with_chosen_head

    if not choose_head:
        return lots, aligner, _Measure(GoldScoring(links, name), None)
    lots, aligner, chosen = with_chosen_head(lots, aligner, links)
    return lots, aligner, _Measure(GoldScoring(links, name, chosen.pairs), chosen)


def _write(
    rows: "Iterator[list[AlignedRow]]", manner: AlignManner, count: "_Count", *, quiet: bool
) -> None:
    """Writes all rows where they go; a file is whole or not at all."""
    progress = SentenceProgress(lambda: None, quiet=quiet or manner.named_output() is None)
    try:
        with ended_by_signals("SIGTERM"), manner.opened(is_pair=count.is_pair) as put:
            for some in rows:
                put(some)
                progress.update(count.rows, count.rows)
    finally:
        progress.clear()


class _Count:
    """Counts what was read, and what is to be said of it at the end."""

    def __init__(self, name: str, *, is_pair: bool) -> None:
        self.name, self.is_pair = name, is_pair
        self.rows = self.empty = self.n_unknown = 0
        self.unknown: dict[str, None] = {}

    def each(
        self, lots: "Iterator[list[AlignedRow]]", notices: Notices, measure: _Measure | None
    ) -> "Iterator[list[AlignedRow]]":
        """The rows, each counted and measured.

        Raises: of two texts alone, what is wrong with them; EmptyError for a file without lines; DataError
        for links of people that do not fit.
        """
        for lot in lots:
            for row in lot:
                self._see(row, notices)
                if measure is not None:
                    measure.scoring.see(row)
            yield lot
        if not self.rows:
            raise EmptyError("found no line, expected pairs of texts", place=self.name)
        if measure is not None:
            measure.scoring.end()

    def _see(self, row: "AlignedRow", notices: Notices) -> None:
        from attncli.api.aligning import expect_words

        self.rows += 1
        alignment = row.outcome
        if isinstance(alignment, AttnError):
            if self.is_pair:
                raise alignment
            alignment.place = alignment.place or f"{self.name}:{row.line}"
            notices.set_aside(alignment)
            return
        if self.is_pair:
            expect_words(alignment)
        notices.passed()
        self.empty += not (alignment.source and alignment.target)
        self.n_unknown += len(alignment.unknown)
        if len(self.unknown) < _NAMED:
            self.unknown |= dict.fromkeys(alignment.unknown[:_NAMED])

    def say(self, *, quiet: bool) -> None:
        """Says which words have no vector, and how many sides were empty."""
        if quiet:
            return
        if self.n_unknown:
            named = ", ".join(map(quoted, list(self.unknown)[:_NAMED]))
            more = self.n_unknown - min(len(self.unknown), _NAMED)
            rest = f" and {more:,} more" if more > 0 else ""
            message(
                "warning",
                f"without a vector: {named}{rest}; linked only to words that are spelled just so",
            )
        if self.empty:
            pairs = "1 pair has" if self.empty == 1 else f"{self.empty:,} pairs have"
            message("note", f"{pairs} a side without words, and no links")


def _expect_gold(gold: str | None, *, choose_head: bool, one_based: bool, quiet: bool) -> None:
    """Raises: UsageError where heads are to be chosen by nothing."""
    if gold is not None:
        return
    if choose_head:
        raise UsageError(
            "found no --gold, expected the links that a head is to agree with",
            place="--choose-head",
        )
    say_vain(["--one-based"] if one_based else [], "without --gold", quiet=quiet)


def _gold_file(path: str, *, one_based: bool) -> "GoldFile":
    from attncli.api.pair_files import read_gold

    return read_gold(path, one_based=one_based)


def _aligned(lots: "Iterable[list[PairRow]]", aligner: "Aligner") -> "Iterator[list[AlignedRow]]":
    from attncli.api.aligned_files import aligned_rows

    return aligned_rows(lots, aligner)


def _lots(source: str, target: str | None) -> "Iterator[list[PairRow]]":
    """The pair of the command line, or the lines of a file. Raises: UsageError, DataError."""
    from attncli.api.pair_files import PairRow, pair_rows

    if target is None:
        if source != "-" and not exists(source) and any(map(str.isspace, source)):
            raise UsageError(
                "found a text alone, expected its translation too, or a file of pairs",
                place="TARGET",
                hints=(f"attn align {typed(source)[:80]} TRANSLATION",),
            )
        return pair_rows(source)
    if is_file(source) and is_file(target):
        raise UsageError(
            f"found the names of two files, {quoted(source)} and {quoted(target)}; expected texts, or "
            "one file of pairs",
            hints=(f"paste {typed(source)} {typed(target)} | attn align -",),
        )
    from attncli.files.rows.sentences import well_formed

    one, other = (sentence.text for sentence in well_formed((source, target), "TEXT"))
    return iter([[PairRow(None, (one, other))]])


def _show_scores(measure: _Measure, aligner: "Aligner", *, json: bool, quiet: bool) -> None:
    """Prints precision, recall and AER; of a head that was chosen, how."""
    scoring, chosen = measure
    if json:
        from attncli.results.json import plain_json

        write_json(plain_json(scoring.to_record(aligner, chosen)))
    else:
        from attncli.views.alignment import chosen_line, score_line

        write(score_line(scoring.scores) + "\n")
        if chosen is not None:
            write(chosen_line(chosen.best.choice, chosen.best.scores, chosen.pairs) + "\n")
    if scoring.unscored and not quiet:
        pairs = "1 pair was" if scoring.unscored == 1 else f"{scoring.unscored:,} pairs were"
        message("warning", f"{pairs} not aligned, and counts in no score")
