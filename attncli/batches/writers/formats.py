"""The formats of output: which a name asks for, and what writes it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from attncli.batches.part_file import Ending
from attncli.batches.work import Writer
from attncli.errors import UsageError, field_name
from attncli.errors.wording import did_you_mean, quoted
from attncli.results.layout import RecordLayout
from attncli.settings import FormatName

Packing: TypeAlias = Literal["", "gz", "bz2", "xz", "zst"]

_SUFFIXES: dict[str, FormatName] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".npz": "npz",
}
_PACKINGS: dict[str, Packing] = {".gz": "gz", ".bz2": "bz2", ".xz": "xz", ".zst": "zst"}
_TEXT: tuple[FormatName, ...] = ("jsonl", "csv")


@dataclass(frozen=True, slots=True)
class Format:
    """A format of output, and how its text is packed."""

    name: FormatName = "jsonl"
    packing: Packing = ""

    @property
    def is_text(self) -> bool:
        return self.name in _TEXT

    @property
    def needs_file(self) -> bool:
        """Whether it cannot go to a pipe as it comes: it is laid out anew at its end."""
        return not self.is_text

    @property
    def written(self) -> str:
        """How its part is written: one begun by another version in another way is not gone on with."""
        return f"{self.described} 2" if self.needs_file else self.described

    @property
    def described(self) -> str:
        return f"{self.name}.{self.packing}" if self.packing else self.name


def output_format(path: str | None, asked: FormatName | None) -> Format:
    """The format by what was asked for, else by the suffix, else JSON lines.

    Raises: UsageError for a suffix that names no format, or a packed format that is no text.
    """
    name = "" if path is None else Path(path.rstrip("/")).name.lower()
    packing: Packing = ""
    for suffix, packed in _PACKINGS.items():
        if name.endswith(suffix):
            name, packing = name.removesuffix(suffix), packed
    suffix = Path(name).suffix
    format_name = asked or _SUFFIXES.get(suffix)
    if format_name is None and suffix:
        known = " ".join(_SUFFIXES)
        raise UsageError(
            f"found the suffix {quoted(suffix)}, expected one of {known}{did_you_mean(suffix, _SUFFIXES)}",
            place=field_name("output"),
            hints=(f"{field_name('format')} jsonl, csv, parquet, arrow or npz says it",),
        )
    chosen = Format(format_name or "jsonl", packing)
    if packing and not chosen.is_text:
        raise UsageError(
            f"found .{packing}; {chosen.name} is packed itself", place=field_name("output")
        )
    return chosen


@dataclass(frozen=True, slots=True)
class MakeWriter:
    """Makes the writer of a format; can be pickled."""

    format: Format
    layout: RecordLayout

    def __call__(self) -> Writer:
        writer = _WRITERS[self.format.name](self.layout)
        if self.format.packing:
            from attncli.batches.writers.packed import PackedWriter

            return PackedWriter(writer, self.format.packing)
        return writer


def ending_of(chosen: Format, layout: RecordLayout, *, sync: bool = False) -> Ending:
    """How the part of a format becomes the output. Raises: MissingExtraError."""
    if chosen.name in ("parquet", "arrow"):
        from attncli.batches.writers.columnar import arrow_closing, assembly

        closing = arrow_closing(layout) if chosen.name == "arrow" else None
        return Ending(assembly(chosen.name, layout), closing, sync)
    if chosen.name == "npz":
        from attncli.batches.writers.npz import assemble

        return Ending(assemble, sync=sync)
    return Ending(sync=sync)


def _jsonl(layout: RecordLayout) -> Writer:
    from attncli.batches.writers.jsonl import JsonlWriter

    return JsonlWriter(layout)


def _csv(layout: RecordLayout) -> Writer:
    from attncli.batches.writers.long_csv import CsvWriter

    return CsvWriter(layout)


def _columnar(layout: RecordLayout) -> Writer:
    from attncli.batches.writers.columnar import ArrowWriter

    return ArrowWriter(layout)


def _npz(layout: RecordLayout) -> Writer:
    from attncli.batches.writers.npz import NpzWriter

    return NpzWriter(layout)


_WRITERS: dict[FormatName, Callable[[RecordLayout], Writer]] = {
    "jsonl": _jsonl,
    "csv": _csv,
    "parquet": _columnar,
    "arrow": _columnar,
    "npz": _npz,
}
