"""`attn vectors evaluate`: how good vectors are, by pairs of words and by analogies."""

import json as json_text
from collections.abc import Iterator
from typing import Annotated, Any

from attncli.cli import options as opt
from attncli.cli.options import CHOOSING, INPUT, option
from attncli.cli.terminal import write_json, write_lines
from attncli.cli.train.options import WORDS
from attncli.errors.wording import visible
from attncli.settings import ASKED_WORDS

Pairs = Annotated[
    list[str] | None,
    option(
        INPUT,
        "FILE",
        "Pairs of words with a number a line, such as WordSim-353; may be given again.",
    ),
]
Analogies = Annotated[
    list[str] | None,
    option(
        INPUT,
        "FILE",
        "Analogies, four words a line, such as questions-words.txt; may be given again.",
    ),
]
Limit = Annotated[int, option(CHOOSING, "N", "Ask the first N words of the vocabulary.", min=1)]


def evaluate(
    name: Annotated[str, opt.argument("NAME|FILE", "An imported name, or a file.")],
    pairs: Pairs = None,
    analogies: Analogies = None,
    limit: Limit = ASKED_WORDS,
    json: opt.Json = False,
    no_cache: opt.NoCache = WORDS.no_cache,
    quiet: opt.Quiet = False,
) -> None:
    """Measure vectors by word similarity and by analogies.

    The numbers are those of gensim. Without a file, those that come with gensim are taken: WordSim-353,
    SimLex-999 and the analogies of word2vec.

    \b
    Examples:
      attn vectors evaluate glove
      attn vectors evaluate mine --pairs wordsim353.tsv --analogies questions-words.txt --json
    """
    from attncli.api.vectors import evaluate_vectors
    from attncli.api.word_vectors import open_vectors
    from attncli.cli.conversion_bar import ConversionBar
    from attncli.cli.vectors.access import access_to

    with access_to(name, cached=not no_cache, quiet=quiet) as access:
        vectors = open_vectors(name, access=access)
    with ConversionBar(f"evaluating {visible(name)[-40:]}", quiet=quiet) as bar:
        facts = evaluate_vectors(
            vectors, pairs=pairs or None, analogies=analogies or None, limit=limit, tick=bar.tick
        )
    if json:
        write_json(json_text.dumps(facts, allow_nan=False))
    else:
        write_lines(_lines(facts))


def _lines(facts: dict[str, Any]) -> Iterator[str]:
    """The numbers of each file, one a line; below those of analogies their sections."""
    from attncli.views.ink import left, width_of

    for judged in facts["pairs"]:
        known = f"{judged['pairs']:,} of {judged['pairs'] + judged['unknown']:,} pairs known"
        yield _short(judged["file"])
        yield f"  Spearman {_digits(judged['spearman'])}  Pearson {_digits(judged['pearson'])}  {known}"
    for solved in facts["analogies"]:
        asked, unknown = solved["questions"], solved["unknown"]
        yield _short(solved["file"])
        yield (
            f"  accuracy {_digits(solved['accuracy'])}  {solved['correct']:,} of {asked:,} right, "
            f"{asked:,} of {asked + unknown:,} known"
        )
        names = [visible(section["section"]) for section in solved["sections"]]
        width = max(map(width_of, names), default=0)
        for name, section in zip(names, solved["sections"], strict=True):
            count = f"{section['correct']:,} of {section['questions']:,}"
            yield f"  {left(name, width)}  {_digits(section['accuracy'])}  {count}"


def _digits(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"


def _short(file: str) -> str:
    """The name of a file without its folder."""
    return visible(file.rpartition("/")[2])
