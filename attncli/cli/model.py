"""`attn model`: what a transformer checkpoint, or a model of attn train, is."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from attncli.cli import options as opt
from attncli.cli.groups import grouped
from attncli.cli.looks import COLORED, Colored
from attncli.cli.model_export import export_to_torch
from attncli.cli.options import INPUT, OUTPUT, switch
from attncli.cli.terminal import write, write_json
from attncli.cli.vain_options import say_vain
from attncli.errors import AttnError, MissingExtraError, UsageError
from attncli.errors.wording import quoted, typed
from attncli.files.paths import is_file
from attncli.models.named import is_transformer

app = opt.commands("model")

Checkpoint = Annotated[
    str,
    typer.Argument(
        metavar="DIR",
        help="A checkpoint folder, a name in the local Hugging Face cache, or a file of attn train.",
        show_default=False,
    ),
]
Check = Annotated[bool, switch(INPUT, "Read every number too, and print the SHA-256.", "--check")]
Examples = Annotated[
    bool,
    switch(
        OUTPUT,
        "Print what a model that ships was trained on, as attn train reads it.",
        "--examples",
    ),
]


@app.callback()
def _commands() -> None:
    """Look at a transformer checkpoint, or export a trained model.

    \b
    Examples:
      attn model info ./all-MiniLM-L6-v2
      attn model info idioms
      attn model export idioms -o idioms-torch.safetensors
    """


app.command("export")(export_to_torch)


@app.command()
@grouped
def info(
    checkpoint: Checkpoint,
    check: Check = False,
    examples: Examples = False,
    looks: Colored = COLORED,
    json: opt.Json = False,
) -> None:
    """Show a checkpoint: family, sizes, parameters, tokenizer, files.

    Of a file that attn train wrote: sizes, labels, vectors, and what came of the training.

    \b
    Examples:
      attn model info ./all-MiniLM-L6-v2
      attn model info gpt2 --json
      attn model info idioms
      attn model info lecture --examples
      attn model info ./all-MiniLM-L6-v2 --check
    """
    from attncli.models.folders import find_checkpoint
    from attncli.models.model import TransformerModel
    from attncli.models.named import is_shipped
    from attncli.models.summary import summary

    if examples:
        looks.say_vain("with --examples", quiet=False, check=check, json=json)
        _print_examples(checkpoint)
        return
    if json:
        looks.say_vain("with --json", quiet=False)
    if not is_transformer(checkpoint) and (is_file(checkpoint) or is_shipped(checkpoint)):
        where = "on a model of attn train, which is read whole anyway"
        say_vain(["--check"] if check else [], where, quiet=False)
        _show_trained(checkpoint, looks, json)
        return
    folder = find_checkpoint(checkpoint)
    model = TransformerModel(folder.folder, folder.name)
    facts = {**summary(model), **_tokenizer_facts(folder.folder)}
    if check:
        model.checkpoint.check()
        facts["sha256"] = model.checkpoint.sha256()
    from attncli.views.checkpoint import checkpoint_lines

    _print_facts(facts, checkpoint_lines, looks, json)


def _show_trained(name: str, looks: Colored, json: bool) -> None:
    """Prints what a model of attn train is."""
    from attncli.models.named import find_model, is_shipped
    from attncli.models.trained_summary import trained_facts

    facts = trained_facts(find_model(name), shipped=is_shipped(name) and not is_file(name))
    from attncli.views.checkpoint import trained_lines

    _print_facts(facts, trained_lines, looks, json)


def _print_facts(
    facts: dict[str, Any], lines_of: Callable[..., Any], looks: Colored, json: bool
) -> None:
    """Prints facts as JSON, or as the lines that a view makes of them."""
    if json:
        from attncli.cli.train.report import json_line

        write_json(json_line(facts))
        return
    ink = looks.ink
    write(ink.rendered(lines_of(facts, ink, width=looks.columns)))


def _print_examples(name: str) -> None:
    """Prints what a model was trained on. Raises: UsageError where that does not ship."""
    from attncli.models.shipped import TRAINED_BY, shipped_examples, shipped_names

    examples = shipped_examples(name) if name in shipped_names() else None
    if examples is None:
        with_examples = ", ".join(n for n in shipped_names() if shipped_examples(n) is not None)
        raise UsageError(
            f"the examples of {quoted(name)} do not ship with attn, those of {with_examples} do",
            place="--examples",
            hints=(f"attn model info {typed(name)}",) if name in TRAINED_BY else (),
        )
    write(examples)


def _tokenizer_facts(folder: "Path") -> dict[str, Any]:
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
