"""What a model is: the checkpoint of a transformer, a model of `attn train`, those that ship."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from attncli.errors import AttnError, MissingExtraError, UsageError, field_name
from attncli.errors.wording import quoted, typed
from attncli.files.access import Say
from attncli.files.paths import is_file
from attncli.models.named import find_model, is_shipped, is_transformer, labeling_model
from attncli.models.shipped import TRAINED_BY, shipped_examples, shipped_file, shipped_names

if TYPE_CHECKING:
    from attncli.models.trained import TrainedModel


class ShippedModel(NamedTuple):
    """A model that ships with the package: the command that trained it, what it was trained on.

    `examples` are a table as `attn train` reads it; None where they do not ship.
    """

    name: str
    trained_by: str
    examples: str | None


class LocalModel(NamedTuple):
    """A model of this machine: the name that `model` takes, whose it is, its family and its bytes.

    `source` is attn, huggingface, ollama, lmstudio, llama.cpp, or folder (of ATTN_MODELS). `family` is
    None where the file does not say it. `readable` says whether attn knows the family.
    """

    name: str
    source: str
    family: str | None
    bytes: int
    path: str
    readable: bool


class ModelFacts(NamedTuple):
    """What a model is, as plain values by name; `is_trained` of `attn train`, else a checkpoint."""

    is_trained: bool
    facts: dict[str, Any]


def shipped_models() -> list[ShippedModel]:
    """The models that ship with the package, by name."""
    return [
        ShippedModel(name, TRAINED_BY[name], shipped_examples(name)) for name in shipped_names()
    ]


def labeler(name: str, target_column: str | None, say: Say) -> "tuple[TrainedModel, str | None]":
    """The model of this name, which labels sentences, and the column of the words that it reads.

    Of a model that reads whole sentences there is none, and `say` is told so.
    Raises: UsageError for a model without labels, or when there is none.
    """
    model = labeling_model(name)
    if target_column is None or model.architecture.readout == "target":
        return model, target_column
    field = field_name("target_column")
    say("warning", f"{field} has no effect here: the model reads whole sentences")
    return model, None


def local_models() -> Iterator[LocalModel | AttnError]:
    """The models of this machine, those that ship first, or why a part of a store cannot be read.

    Nothing but the head of each file is read, and nothing is downloaded.
    """
    from attncli.models.about import family_of, reads_family
    from attncli.models.listed import listed_models

    for name in shipped_names():
        file = shipped_file(name)
        yield LocalModel(name, "attn", "task", file.stat().st_size, str(file), True)
    for model in listed_models():
        if isinstance(model, AttnError):
            yield model
            continue
        try:
            family = family_of(model.path)
        except AttnError as fault:
            yield fault
            continue
        path, known = str(model.path), reads_family(model.path, family)
        yield LocalModel(model.name, model.source, family, model.size, path, known)


def model_facts(name: str, *, check: bool = False) -> ModelFacts:
    """What a model is: sizes, parameters, tokenizer and files, or labels, vectors and training.

    `name` is a folder, a name in the local cache of Hugging Face, a file of `attn train`, or a model
    that ships. With `check` every number of a checkpoint is read, and its SHA-256 is among the facts.
    Raises: InputError when there is no such model; DataError, RefusedError, LimitError.
    """
    if not is_transformer(name) and (is_file(name) or is_shipped(name)):
        from attncli.models.trained_summary import trained_facts

        shipped = is_shipped(name) and not is_file(name)
        return ModelFacts(True, trained_facts(find_model(name), shipped=shipped))
    from attncli.models.folders import find_checkpoint
    from attncli.models.model import TransformerModel
    from attncli.models.summary import summary

    folder = find_checkpoint(name)
    model = TransformerModel(folder.folder, folder.name)
    facts = {**summary(model), **_tokenizer_facts(folder.folder)}
    if check:
        model.checkpoint.check()
        facts["sha256"] = model.checkpoint.sha256()
    return ModelFacts(False, facts)


def model_examples(name: str) -> str:
    """What a model was trained on. Raises: UsageError where that does not ship."""
    shipped = {model.name: model.examples for model in shipped_models()}
    examples = shipped.get(name)
    if examples is None:
        others = ", ".join(other for other, text in shipped.items() if text is not None)
        raise UsageError(
            f"the examples of {quoted(name)} do not ship with attn, those of {others} do",
            place=field_name("examples"),
            hints=(f"attn model info {typed(name)}",) if name in shipped else (),
        )
    return examples


def _tokenizer_facts(folder: Path) -> dict[str, Any]:
    """The facts of the tokenizer, or the reason why it cannot be read: no file, or no library."""
    from attncli.models.pieces import PieceTokenizer

    try:
        tokenizer = PieceTokenizer(folder)
    except MissingExtraError as missing:
        return {"tokenizer": None, "tokenizer_fault": f"{missing.message}; {missing.hints[0]}"}
    except AttnError as fault:
        return {"tokenizer": None, "tokenizer_fault": str(fault)}
    return {
        "tokenizer": {
            "kind": tokenizer.kind,
            "entries": tokenizer.size,
            "special": tokenizer.special_tokens(),
        }
    }
