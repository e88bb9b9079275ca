"""`attn model`: what a transformer checkpoint, or a model of attn train, is."""

from typing import Annotated

from attncli.cli import options as opt
from attncli.cli.looks import COLORED, Colored
from attncli.cli.model_export import export_to_torch
from attncli.cli.options import INPUT, OUTPUT, switch
from attncli.cli.spreading import grouped
from attncli.cli.terminal import message, write, write_json, write_lines
from attncli.cli.vain_options import say_vain
from attncli.errors import AttnError

app = opt.commands("model")

Checkpoint = Annotated[
    str,
    opt.argument(
        "DIR|FILE",
        "A checkpoint folder, a name in the local Hugging Face cache, a GGUF file, or a file of attn train.",
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
    """List models, look at a checkpoint, or export a trained model.

    \b
    Examples:
      attn model list
      attn model info ./all-MiniLM-L6-v2
      attn model info idioms
      attn model export idioms -o idioms-torch.safetensors
    """


app.command("export")(export_to_torch)


@app.command("list")
def list_models(json: opt.Json = False) -> None:
    """List the models of this machine, with their names.

    Those that ship, what Hugging Face, Ollama, LM Studio and llama.cpp keep, and the folders that
    ATTN_MODELS names. Nothing is downloaded.

    \b
    Examples:
      attn model list
      attn model list --json
      attn explain "The capital of France is" --model ollama:smollm2:135m
    """
    from attncli.api.models import local_models
    from attncli.views.model_list import model_lines

    models = []
    for model in local_models():
        if isinstance(model, AttnError):
            message("warning", str(model))
        else:
            models.append(model)
    if json:
        from attncli.cli.train.report import json_line

        write_json(json_line({"models": [model._asdict() for model in models]}))
        return
    write_lines(model_lines(models))


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
    from attncli.api.models import model_examples, model_facts

    if examples:
        looks.say_vain("with --examples", quiet=False, check=check, json=json)
        write(model_examples(checkpoint))
        return
    if json:
        looks.say_vain("with --json", quiet=False)
    model = model_facts(checkpoint, check=check)
    if check and model.is_trained:
        where = "on a model of attn train, which is read whole anyway"
        say_vain(["--check"], where, quiet=False)
    if json:
        from attncli.cli.train.report import json_line

        write_json(json_line(model.facts))
        return
    from attncli.views.checkpoint import checkpoint_lines, trained_lines

    lines_of, ink = trained_lines if model.is_trained else checkpoint_lines, looks.ink
    write(ink.rendered(lines_of(model.facts, ink, width=looks.columns)))
