"""What a batch is of, by which a later run knows whether it may go on; and how far it has read."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attncli.cli.batch.options import InputOptions, WriteOptions
from attncli.cli.groups import Mechanism
from attncli.cli.terminal import message
from attncli.files.paths import is_file, is_folder
from attncli.mechanisms.open import Opened

if TYPE_CHECKING:
    from attncli.batches.writers.formats import Format
    from attncli.batches.writers.options import RecordLayout
    from attncli.files.source import InputSource


def job_of(
    mechanism: Mechanism,
    reading: InputOptions,
    chosen: "Format",
    layout: "RecordLayout",
    opened: "Opened",
    found: "list[InputSource]",
) -> dict[str, Any]:
    """What a run is of, beside its input, as plain values."""
    from attncli.mechanisms.part import whole
    from attncli.reading.reader import vectors_info

    options = asdict(mechanism)
    vectors: dict[str, Any] = {"asked": options.pop("vectors")}
    if opened.store is not None:
        vectors |= vectors_info(opened.store)._asdict()
    named = {"vectors": mechanism.vectors, "model": mechanism.model}
    for name in [name for name, text in named.items() if text and not _ships(text)]:
        path = Path(str(named[name]))
        files = sorted(path.iterdir()) if is_folder(path) else [path]
        stats = [file.stat() for file in files if is_file(file)]
        if stats:
            vectors[f"{name} file"] = [[stat.st_size, stat.st_mtime_ns] for stat in stats]
    entire = whole(opened.analyser)
    digest = getattr(getattr(entire, "model", None), "sha256", None)
    # Journals of parts of a transformer, whose files stand above, name no model.
    if digest is not None or getattr(opened.analyser, "model", None) is not None:
        vectors["model"] = digest
    return {
        "vectors": vectors,
        "options": {
            **options,
            "reading": _described(reading, found),
            "format": chosen.written,
            **layout.described(),
        },
    }


def _ships(name: str) -> bool:
    """Whether a name means vectors or a model of the package, whatever lies here under it."""
    from attncli.cli.outputs import SHIPPED
    from attncli.models.named import means_shipped

    return name in SHIPPED or means_shipped(name)


def as_begun(
    reading: InputOptions, writing: WriteOptions, chosen: "Format", found: "list[InputSource]"
) -> InputOptions:
    """How a run that goes on reads: each line has its record where that is how it began.

    Runs of before always did so, and no option says it.
    """
    from attncli.batches.journal import job_begun
    from attncli.batches.part import ENDINGS

    options = job_begun(Path(f"{writing.output}{ENDINGS[1]}")).get("options")
    now = _described(reading, found)
    as_now = {"reading": now | {"comments": False}, "format": chosen.written}
    if not (isinstance(options, dict) and now["comments"] and options | as_now == options):
        return reading
    return replace(reading, every_line=True)


def _described(reading: InputOptions, found: "list[InputSource]") -> dict[str, Any]:
    """How inputs are read, as journals have always said it; tables have no lines to leave out."""
    return {
        "input_format": reading.input_format,
        "column": reading.column,
        "id_column": reading.id_column,
        "comments": not (reading.every_line or _are_tables(reading, found)),
    }


def _are_tables(reading: InputOptions, found: "list[InputSource]") -> bool:
    """Whether all inputs are tables by what is said of them."""
    from attncli.files.rows.kinds import named_kind

    if reading.input_format is not None:
        return reading.input_format != "text"
    return all(named_kind(source.path) is not None for source in found)


def say_of_vain_reading(reading: InputOptions, found: "list[InputSource]") -> None:
    """Says which options of reading have no effect."""
    if reading.comments:
        message("note", "blank lines and comments are left out anyway: --comments has no effect")
    if reading.every_line and _are_tables(reading, found):
        message("note", "tables have rows and not lines: --every-line has no effect")


def provenance_of(job: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """What binary formats keep in their metadata of where their numbers come from."""
    from attncli import __version__
    from attncli.views.json import plain_json

    facts = {f"attn.{name}": plain_json(value) for name, value in sorted(job.items())}
    return (("attn.version", __version__), *facts.items())


def share_read(found: "list[InputSource]") -> float | None:
    """How much of the inputs was read, when they are files."""
    sizes = [_size(source) for source in found]
    if None in sizes:
        return None
    total = sum(size or 0 for size in sizes)
    return sum(source.read for source in found) / total if total else None


def _size(source: "InputSource") -> int | None:
    try:
        path = Path(source.file or source.path)
        return path.stat().st_size if is_file(path) else None
    except OSError:
        return None
