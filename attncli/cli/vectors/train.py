"""`attn vectors train`: a corpus → word vectors, under a name."""

import json as json_text
from typing import Annotated, Any

from attncli.cli import options as opt
from attncli.cli.batch.options import Column, InputFormat
from attncli.cli.options import INPUT, LEARNING, OUTPUT, RUNNING, VECTORS, option, switch
from attncli.cli.spreading import changed, grouped
from attncli.cli.terminal import message, write_json
from attncli.cli.train.options import SkipBad
from attncli.cli.vain_options import say_vain
from attncli.errors.wording import visible
from attncli.files.writing import ended_by_signals
from attncli.settings import CORPUS_LIMITS, CorpusSettings


def _number(field: str, meaning: str, panel: str = LEARNING, least: int = 1) -> Any:
    """The option of a number, within its bounds."""
    return option(panel, "N", meaning, min=least, max=CORPUS_LIMITS[field])


Corpora = Annotated[
    list[str],
    opt.argument(
        "FILE...",
        "Texts with a sentence a line, or tables with a column text, packed or not; - is "
        "standard input.",
    ),
]
Name = Annotated[str, option(OUTPUT, "NAME", "The name for --vectors NAME.")]
Force = Annotated[bool, switch(OUTPUT, "Replace vectors that have the name.", "--force")]
# The options of `CorpusSettings`.
CORPUS_OPTIONS: dict[str, Any] = {
    "method": option(
        LEARNING,
        "NAME",
        "What learns: word2vec, or fasttext, which has vectors of unknown words too.",
    ),
    "dim": _number("dim", "Values of a vector.", VECTORS),
    "window": _number("window", "Words on each side that count as company."),
    "epochs": _number("epochs", "Passes over the corpus."),
    "min_count": _number("min_count", "Leave out words that occur less often."),
    "skip_gram": switch(
        LEARNING,
        "Predict the company from a word, not a word from its company: better on small corpora, slower.",
        "--skip-gram",
    ),
    "buckets": _number("buckets", "Rows for parts of words, with --method fasttext."),
    "phrases": switch(
        LEARNING,
        "Join words that often stand together, as new_york; a sentence is read so as well.",
        "--phrases",
    ),
    "tokenizer": opt.MECHANISM_OPTIONS["tokenizer"],
    "keep_case": switch(INPUT, "Keep capital letters: Bank and bank are two words.", "--keep-case"),
    "seed": _number("seed", "Seed of the start and of what is left out.", least=0),
    "workers": _number(
        "workers", "Threads; with more than one, no two trainings are the same.", RUNNING
    ),
}


class CorpusOptions(CorpusSettings):
    """How vectors are learned."""

    OPTIONS = CORPUS_OPTIONS


@grouped
def train(
    files: Corpora,
    name: Name,
    learning: CorpusOptions = CorpusOptions(),  # noqa: B008 - frozen
    column: Column = None,
    input_format: InputFormat = None,
    skip_bad: SkipBad = False,
    force: Force = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Learn word vectors from a corpus of your own.

    gensim learns them, and --vectors NAME has them on every command from then on.

    \b
    Examples:
      attn vectors train corpus.txt --name mine
      attn vectors train examples/idioms.tsv --name idiom-words --dim 50 --min-count 2
      zcat news.gz | attn vectors train - --name news --method fasttext --workers 4
    """
    from attncli.api.vectors import train_vectors
    from attncli.cli.conversion_bar import ConversionBar

    if learning.method != "fasttext":
        values = {"buckets": learning.buckets}
        say_vain(changed(train, values, ("buckets",)), "with word2vec", quiet=quiet)
    bar = ConversionBar(f"learning {visible(name)[:40]}", quiet=quiet)
    with bar, ended_by_signals("SIGTERM"):
        facts = train_vectors(
            files,
            name,
            learning,
            column=column,
            input_format=input_format,
            skip_bad=skip_bad,
            force=force,
            watch=bar.of_stage,
        )
    if json:
        write_json(json_text.dumps(facts, allow_nan=False))
    elif not quiet:
        _say(facts)


def _say(facts: dict[str, Any]) -> None:
    """What was learned, on stderr."""
    training = facts["training"]
    loss = f", loss {training['loss'][-1]:.2f}" if training["loss"] else ""
    if training["left_out"]:
        count = training["left_out"]
        lines = (
            "1 line that cannot be read was"
            if count == 1
            else f"{count:,} lines that cannot be read were"
        )
        message("warning", f"{lines} left out")
    message("note", f"{training['sentences']:,} sentences of {training['tokens']:,} words{loss}")
    message(
        "note",
        f"{facts['words']:,} words of {facts['dim']} values; --vectors {visible(facts['name'])}",
    )
