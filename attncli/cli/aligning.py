"""How `attn align` weighs and links words, as options; and where its alignments go."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from attncli import settings
from attncli.cli import options as opt
from attncli.cli import selecting as part
from attncli.cli.looks import Colored
from attncli.cli.options import CHOOSING, MODEL, OUTPUT, VECTORS, option, switch
from attncli.cli.running import hand_over, is_taken
from attncli.cli.terminal import write, write_json
from attncli.cli.train.options import WORDS
from attncli.cli.vain_options import say_vain
from attncli.cli.vectors.access import access_to
from attncli.errors import AttnError, UsageError, field_name
from attncli.errors.wording import quoted
from attncli.escape import harmless
from attncli.settings.frozen import dataclass

if TYPE_CHECKING:
    from attncli.api.aligned_files import AlignedRow
    from attncli.api.aligning import Aligner

_LINES_OF_JSON = (".json", ".jsonl", ".ndjson")  # suffixes of such a file

# The options of `attn align`, in groups by the names of their fields.
ALIGN_OPTIONS: dict[str, Any] = {
    "vectors": opt.MECHANISM_OPTIONS["vectors"],
    "target_vectors": option(
        VECTORS,
        "NAME|FILE",
        "Vectors of the target's words, in one space with --vectors (default: the same).",
        complete="vectors",
    ),
    **{name: opt.MECHANISM_OPTIONS[name] for name in ("no_cache", "tokenizer", "max_tokens")},
    "model": option(
        MODEL,
        "MODEL",
        "Align by the cross-attention of a transformer with a decoder (T5, mT5, BART, Marian): a "
        "checkpoint folder, or its name in the Hugging Face cache.",
        "--model",
        "-m",
        complete="models",
    ),
    "align_with": option(
        MODEL,
        "STEP",
        "The decoder's step that is a target word's: input, which reads it, or output, which "
        "foretells it (default: input; --choose-head tries both).",
    ),
    "layer": option(
        CHOOSING,
        "N",
        "Decoder layers to read: 0, 2,5, 0-3 or -1, the mean of them (default: one at a third of the "
        "layers, with --align-with output the last but one).",
        "--layer",
    ),
    "head": option(
        CHOOSING, "N", "Heads to read, as --layer: the mean of them (default: all).", "--head"
    ),
    "symmetrize": option(
        CHOOSING,
        "NAME",
        "How both ways of looking are joined: none (each target word's strongest source word; default "
        "with --model), intersection (default of vectors), union, grow-diag, grow-diag-final, "
        "grow-diag-final-and or itermax.",
    ),
    "threshold": option(CHOOSING, "W", "Make no link of a weight or cosine below W."),
    "output": option(
        OUTPUT,
        "FILE",
        "Write the links to a file, whole or not at all: JSON lines for .jsonl, else Pharaoh.",
        "--output",
        "-o",
    ),
    "table": switch(
        OUTPUT,
        "Show words and weights, a line a link (default of two texts at a terminal).",
        "--table/--no-table",
    ),
}


@dataclass(frozen=True, slots=True)
class AlignOptions:
    """How words are weighed, and which become links."""

    OPTIONS: ClassVar = ALIGN_OPTIONS

    vectors: str = WORDS.vectors
    target_vectors: str | None = None
    no_cache: bool = WORDS.no_cache
    tokenizer: settings.TokenizerName = "whitespace"
    max_tokens: int = settings.MAX_TOKENS
    model: str | None = None
    align_with: settings.AlignedWith | None = None
    layer: str | None = None
    head: str | None = None
    symmetrize: settings.Symmetrization | None = None
    threshold: float | None = None

    def say_vain(self, *, quiet: bool) -> None:
        """Says which of them have no effect beside the others."""
        if self.model is None:
            given = {
                "--layer": self.layer is not None,
                "--head": self.head is not None,
                "--align-with": self.align_with is not None,
            }
            where = "without --model: vectors have no heads"
        else:
            given = {
                "--vectors": self.vectors != WORDS.vectors,
                "--target-vectors": self.target_vectors is not None,
                "--no-cache": self.no_cache,
            }
            where = "with --model"
        say_vain([name for name, was in given.items() if was], where, quiet=quiet)

    def opened(self, *, every_layer: bool, quiet: bool) -> "Aligner":
        """What aligns pairs so. Raises: UsageError; what opening the model or the vectors raises."""
        from attncli.api.aligning import open_aligner

        chosen = part.part_of(layer=self.layer, head=self.head)
        with access_to(self.vectors, cached=not self.no_cache, quiet=quiet) as access:
            return open_aligner(
                model=self.model,
                vectors=self.vectors,
                target_vectors=self.target_vectors,
                layers=chosen.layers,
                heads=chosen.heads,
                align_with=self.align_with,
                symmetrize=self.symmetrize,
                threshold=self.threshold,
                tokenizer=self.tokenizer,
                max_tokens=self.max_tokens,
                every_layer=every_layer,
                access=access,
            )

    def files_read(self) -> Iterator[str]:
        """What they lead to."""
        from attncli.api.files_read import model_read, vectors_read

        if self.model is not None:
            yield from model_read(self.model)
            return
        yield from vectors_read(self.vectors)
        if self.target_vectors is not None:
            yield from vectors_read(self.target_vectors)


@dataclass(frozen=True, slots=True)
class AlignManner(Colored):
    """Where alignments go, and how they are written there."""

    OPTIONS: ClassVar = {
        name: opt.SHOWING_OPTIONS[name] for name in ("width", "color")
    } | ALIGN_OPTIONS

    output: str | None = None
    table: bool | None = None
    json: bool = False

    def named_output(self) -> str | None:
        """The file that is written, None for standard output."""
        return None if self.output == "-" else self.output

    def expect_lines(self) -> None:
        """Raises: UsageError for an output whose suffix promises a table, a picture or packed lines."""
        from attncli.files.rows.kinds import PACKED
        from attncli.views.files import SUFFIXES

        suffix = PurePath(self.named_output() or "").suffix.lower()
        if suffix in PACKED or (suffix in SUFFIXES and suffix not in _LINES_OF_JSON):
            raise UsageError(
                f"found the suffix {quoted(suffix)}, expected {' '.join(_LINES_OF_JSON)} for JSON, one "
                "such as .txt for lines of links",
                place=field_name("output"),
            )

    def shows_words(self, *, is_pair: bool) -> bool:
        """Whether words and weights are shown, and no lines for a program."""
        if self.json or self.named_output() is not None:
            return False
        at_terminal = sys.stdout is not None and sys.stdout.isatty()
        return is_pair and (at_terminal or is_taken()) if self.table is None else self.table

    def say_vain_of(self, *, is_pair: bool, is_measured: bool, quiet: bool) -> None:
        """Says which of these options have no effect; scores are printed beside a file, as JSON too."""
        where = "in a file" if self.named_output() is not None else "with --json"
        if self.json or self.named_output() is not None:
            named = {f"{'no-' if self.table is False else ''}table": self.table is not None}
            is_json = str(self.named_output()).lower().endswith(_LINES_OF_JSON)
            json = self.json and is_json and not is_measured
            self.say_vain(where, quiet=quiet, **named, json=json)
        elif not self.shows_words(is_pair=is_pair):
            self.say_vain("on lines of links: --table shows words", quiet=quiet)

    @contextmanager
    def opened(self, *, is_pair: bool) -> "Iterator[Callable[[Sequence[AlignedRow]], None]]":
        """What writes alignments: to a file, whole or not at all, or to standard output.

        Each is a line of Pharaoh, a record of JSON, or a few lines of words. A pair that could not be
        aligned keeps its line, which says why.
        """
        name = self.named_output()
        if name is None:
            yield partial(self._print, words=self.shows_words(is_pair=is_pair))
            return
        from attncli.files.writing import whole_file

        text = _record if self.json or name.lower().endswith(_LINES_OF_JSON) else _pharaoh
        with whole_file(name) as file:
            yield lambda rows: _put(file, "".join(f"{text(row)}\n" for row in rows))

    def _print(self, rows: "Sequence[AlignedRow]", *, words: bool) -> None:
        if self.json:
            for row in rows:
                write_json(_record(row))
        elif words:
            write(
                "".join(
                    self._words(row)
                    for row in rows
                    if isinstance(row.outcome, AttnError) or not hand_over(row.outcome)
                )
            )
        else:
            write("".join(f"{_pharaoh(row)}\n" for row in rows))

    def _words(self, row: "AlignedRow") -> str:
        if isinstance(row.outcome, AttnError):
            return f"{_pharaoh(row)}\n"
        from attncli.views.alignment import alignment_lines

        apart = "\n" if row.number else ""
        return apart + self.ink.rendered(alignment_lines(row.outcome, self.ink))


ALIGNED, ON_LINES = AlignOptions(), AlignManner()


def _put(file: BinaryIO, text: str) -> None:
    file.write(text.encode("utf-8"))


def _pharaoh(row: "AlignedRow") -> str:
    """A line of links, or of what is wrong with a pair."""
    if isinstance(row.outcome, AttnError):
        return f"# {harmless(row.outcome.message)}"
    return row.outcome.to_pharaoh()


def _record(row: "AlignedRow") -> str:
    """The record of a pair, or of what is wrong with it."""
    from attncli.results.json import error_record, plain_json, record_json

    if isinstance(row.outcome, AttnError):
        return plain_json(error_record(row.outcome, row.number, row.line))
    record = row.outcome.to_record()
    places = {"index": row.number, "line": row.line}
    return record_json(
        {"type": record.pop("type"), "schema": record.pop("schema"), **places, **record}
    )
