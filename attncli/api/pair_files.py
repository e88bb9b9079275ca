"""Files of texts and their translations, and of the links that people made of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple

from attncli.errors import AttnError, DataError
from attncli.errors.wording import counted_as, quoted
from attncli.files.rows.inputs import text_of_row
from attncli.files.rows.lines import all_lines
from attncli.files.rows.reader import InputRow, Shape, rows_of
from attncli.files.rows.sentences import decoded
from attncli.files.source import InputSource, bytes_of_stdin, expect_no_url, source_of
from attncli.results.gold_links import (
    GoldLinks,
    Link,
    links_of_pharaoh,
    looks_numbered,
    naacl_link,
)

_LOT = 256  # pairs that are read together
_BARS = "|||"  # between a text and its translation, as fast_align has it
_MOST_PAIRS = 1_000_000  # of a file of links


class PairRow(NamedTuple):
    """A text and its translation, or why there is none, and the line that it stands on, from 1."""

    line: int | None
    pair: tuple[str, str] | AttnError


class GoldFile(NamedTuple):
    """The links of a file, one for each pair in order.

    `lines`: where those of each pair stand; `counted`: whether the file numbers its pairs, so that
    pairs after the last one have no links; `first`: the number of the first word.
    """

    name: str
    links: list[GoldLinks]
    lines: list[int]
    counted: bool
    first: int

    def of_pair(self, index: int, place: str) -> GoldLinks:
        """The links of a pair, from 0, that stands at `place`. Raises: DataError where there are none."""
        if index < len(self.links):
            return self.links[index]
        if self.counted:
            return GoldLinks()
        count = len(self.links)
        raise DataError(
            f"found {counted_as(count, 'line')}, expected one for each pair: {place} is one more",
            place=self.name,
        )

    def place(self, index: int) -> str:
        """Where the links of a pair stand."""
        return f"{self.name}:{self.lines[index]}" if index < len(self.lines) else self.name

    def expect_no_more(self, n_pairs: int) -> None:
        """Raises: DataError where the file has links of more pairs than there are."""
        if len(self.links) > n_pairs:
            raise DataError(
                f"found links of pair {len(self.links):,}, expected {counted_as(n_pairs, 'pair')}",
                place=self.place(len(self.links) - 1),
            )


def pair_rows(path: str) -> Iterator[list[PairRow]]:
    """The lines of a file ("-": standard input), some at a time, each a text, a tab, its translation.

    `|||` may stand in the place of the tab. Every line is one, an empty one too.
    Raises: UsageError for an address; what reading the file as a whole raises.
    """
    source = _local(path)
    rows = (
        PairRow(row.line, _pair_of(row, source.name))
        for lot in rows_of(source, Shape(kind="text", every_line=True))
        for row in lot
    )
    while lot := list(islice(rows, _LOT)):
        yield lot


def read_gold(path: str, *, one_based: bool = False) -> GoldFile:
    """The links of a file: a line of Pharaoh for each pair, or the lines of NAACL 2003.

    Words of Pharaoh count from 0, or with `one_based` from 1; those of NAACL 2003 always from 1.
    Raises: DataError with the line, UsageError, InputError, LimitError.
    """
    source = _local(path)
    lines: Iterator[tuple[int, str]] = (
        (number, decoded(raw, f"{source.name}:{number}"))
        for number, raw in enumerate(all_lines(source.blocks(), source.name), 1)
    )
    head = list(islice(lines, 64))
    first_filled = next((text for _, text in head if text.strip()), "")

    def every() -> Iterator[tuple[int, str]]:
        yield from head
        yield from lines

    if looks_numbered(first_filled):
        return _numbered(every(), source.name)
    links, first = [], int(one_based)
    for number, text in every():
        with _at(f"{source.name}:{number}"):
            links.append(links_of_pharaoh(text, first=first))
    if not any(gold.possible for gold in links):
        raise DataError("found no link, expected lines such as 0-0 1-2", place=source.name)
    return GoldFile(source.name, links, list(range(1, len(links) + 1)), False, first)


def _numbered(lines: Iterator[tuple[int, str]], name: str) -> GoldFile:
    sure: dict[int, set[Link]] = {}
    possible: dict[int, set[Link]] = {}
    where: dict[int, int] = {}
    for number, text in lines:
        if not text.strip():
            continue
        with _at(f"{name}:{number}"):
            pair, link, is_sure = naacl_link(text)
            if pair >= _MOST_PAIRS:
                raise DataError(f"found pair {pair + 1:,}, the most is {_MOST_PAIRS:,}")
        where[pair] = number
        if link is not None:
            possible.setdefault(pair, set()).add(link)
            if is_sure:
                sure.setdefault(pair, set()).add(link)
    pairs = range(max(where) + 1)
    links = [
        GoldLinks(frozenset(sure.get(pair, ())), frozenset(possible.get(pair, ())))
        for pair in pairs
    ]
    return GoldFile(name, links, [where.get(pair, 1) for pair in pairs], True, 1)


@contextmanager
def _at(place: str) -> Iterator[None]:
    """Gives the errors inside a place."""
    try:
        yield
    except AttnError as error:
        error.place = error.place or place
        raise


def _pair_of(row: InputRow, name: str) -> tuple[str, str] | AttnError:
    try:
        text = text_of_row(row, name)
    except AttnError as error:
        return error
    parts = text.split("\t")
    if len(parts) == 1 and _BARS in text:
        parts = text.split(_BARS)
    if len(parts) == 2:
        return parts[0], parts[1]
    what = "no tab" if len(parts) == 1 else f"{len(parts)} cells"
    return DataError(
        f"found {what} in {quoted(text)}, expected a text, a tab, its translation",
        place=f"{name}:{row.line}",
    )


def _local(path: str) -> InputSource:
    source = source_of(path, bytes_of_stdin)
    expect_no_url(path, source.name)
    return source
