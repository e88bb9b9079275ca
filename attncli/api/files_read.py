"""What the names of vectors and models lead to: the files they read, and what tells these apart."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attncli.errors import AttnError, UsageError
from attncli.files.apart import files_given
from attncli.files.paths import is_file, is_folder
from attncli.settings import BUILT_IN, MATRIX_FIELDS, OF_MODEL, OF_PRESET, MechanismSettings

if TYPE_CHECKING:
    from attncli.api.analysis import Analysis

_SHIPPED = (*BUILT_IN, "random")  # no file of the user


def files_read(settings: MechanismSettings) -> Iterator[str]:
    """What matrices, vectors and a model read: the texts, and where the names among them lead."""
    for name in MATRIX_FIELDS:
        text = getattr(settings, name)
        if text is not None and (name == "matrices" or text.startswith("@")):
            yield text if name == "matrices" else text[1:]
    yield from vectors_read(settings.vectors)
    if settings.model is not None:
        yield from model_read(settings.model)


def files_learned_from(file: str, vectors: str, class_weights: str | None) -> Iterator[str | None]:
    """What a training reads: its examples, a file of weights of labels, and what vectors lead to."""
    from attncli.training.class_weights import weights_file

    yield from files_given([file, weights_file(class_weights)])
    yield from vectors_read(vectors)


def files_measured_with(file: str, model: str | None, vectors: str | None) -> Iterator[str | None]:
    """What is read where a trained model predicts: the rows, and where model and vectors lead.

    None for what is at hand.
    """
    yield from files_given([file])
    if model is not None:
        yield from model_read(model)
    if vectors is not None:
        yield from vectors_read(vectors)


def vectors_read(name: str) -> Iterator[str]:
    """What a name or file of vectors leads to: itself, the file it was imported from, a folder."""
    if name in _SHIPPED or name.startswith(OF_PRESET):  # whatever lies here under that name
        return
    yield name
    if name.startswith(OF_MODEL):
        from attncli.reading.layers import split_name

        with suppress(UsageError):  # whoever opens it says what is wrong with its layers
            yield from model_read(split_name(name.removeprefix(OF_MODEL))[0])
        return
    from attncli.embeddings.cache.entries import Cache, is_name
    from attncli.embeddings.named_stores import gensim_file

    if is_name(name):
        source = Cache().source_named(name)
        if source is not None:
            yield source.path
        if (file := gensim_file(name)) is not None:
            yield str(file)


def model_read(name: str) -> Iterator[str]:
    """What a model leads to: itself, or the folder of a checkpoint in the Hugging Face cache."""
    from attncli.models.named import means_shipped

    if means_shipped(name):
        return
    yield name
    if os.path.isfile(name):  # noqa: PTH113 - likewise
        return
    from attncli.models.folders import find_checkpoint

    try:
        yield str(find_checkpoint(name).folder)
    except (AttnError, OSError, RuntimeError):
        return


def source_facts(vectors: str, model: str | None, analysis: "Analysis") -> dict[str, Any]:
    """What vectors and model hold, as plain values: equal of two runs where it is the same."""
    from attncli.reading.reader import vectors_info

    facts: dict[str, Any] = {"asked": vectors}
    if analysis.store is not None:
        facts |= vectors_info(analysis.store)._asdict()
    named = {"vectors": vectors, "model": model}
    for name in [name for name, text in named.items() if text and not _ships(text)]:
        path = Path(str(named[name]))
        files = sorted(path.iterdir()) if is_folder(path) else [path]
        stats = [file.stat() for file in files if is_file(file)]
        if stats:
            facts[f"{name} file"] = [[stat.st_size, stat.st_mtime_ns] for stat in stats]
    return facts | analysis.analyser.facts


def _ships(name: str) -> bool:
    """Whether a name means vectors or a model of the package, even if a file of this name lies here."""
    from attncli.models.named import means_shipped

    return name in _SHIPPED or name.startswith(OF_PRESET) or means_shipped(name)
