"""`attn compare`: one word in two or more sentences."""

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Annotated

from attncli.api.files_read import files_read
from attncli.cli import options as opt
from attncli.cli.comparing import PLAINLY, ComparisonManner, show_comparison
from attncli.cli.explain import given_sentences
from attncli.cli.groups import (
    DEFAULTS,
    Mechanism,
    analysis_of_options,
    effects_of,
    part_chosen,
)
from attncli.cli.notices import Notices
from attncli.cli.options import CHOOSING, OUTPUT, option
from attncli.cli.showing import shown_movements
from attncli.cli.spreading import grouped
from attncli.cli.vain_options import say_vain
from attncli.errors import AttnError
from attncli.files.apart import expect_writable, files_given, written
from attncli.settings import NEIGHBORS

if TYPE_CHECKING:
    from attncli.api.analysis import Outcomes
    from attncli.results.result import AttentionResult

WordOption = Annotated[
    str | None,
    option(
        CHOOSING,
        "WORD",
        "The word to compare. Found by itself when only one is shared.",
        complete="word",
    ),
]
Neighbors = Annotated[int, option(OUTPUT, "N", "Nearest words to show.", min=0, max=50)]


@grouped
def compare(
    texts: opt.Texts = None,
    file: opt.FileOption = None,
    word: WordOption = None,
    neighbors: Neighbors = NEIGHBORS,
    mechanism: Mechanism = DEFAULTS,
    manner: ComparisonManner = PLAINLY,
    quiet: opt.Quiet = False,
) -> None:
    """Compare one word in two or more sentences.

    Shown are its row, its new vector, its neighbors and a map.

    \b
    Examples:
      attn compare "money bank grows" "river bank flows"
      attn compare "money bank grows" "river bank flows" --word bank --json
      attn compare "the river bank" "the bank loan" --word bank -o bank.html
    """
    read = files_read(mechanism.settings())
    expect_writable(written("output", manner.output), chain(files_given([file]), read))
    manner.warn_of_vain(None if neighbors == NEIGHBORS else neighbors, quiet)
    merges = ["--merge"] if mechanism.merge and mechanism.model is not None else []
    say_vain(merges, "here: pieces are always merged", quiet=quiet)
    from attncli.api.compare import COMPARED, results_to_compare

    analysis = analysis_of_options(mechanism, COMPARED, quiet=quiet)
    analysis.expect_own_attention(part_chosen(mechanism), "words are compared by")
    notices = Notices(quiet)
    outcomes = analysis.outcomes(given_sentences(texts, file, mechanism))
    results, failed = results_to_compare(_heard(outcomes, notices))
    for error in failed:
        notices.set_aside(error)
    effects = effects_of(mechanism, merges=False)
    for result in results:
        effects.see(result)
    effects.warn(quiet=quiet)
    comparison = analysis.comparison(results, word, neighbors)
    html = manner.kind in ("html", "htm")
    space = analysis.space if html else None
    movements = [shown_movements(result, space) for result in results] if html else []
    show_comparison(
        comparison, manner, results, movements=movements, notation=manner.notation, quiet=quiet
    )
    notices.end()


def _heard(outcomes: "Outcomes", notices: Notices) -> "Iterator[AttentionResult | AttnError]":
    """The outcomes one by one, the warnings of each result said."""
    for sentence, outcome in outcomes:
        if not isinstance(outcome, AttnError):
            notices.warn(outcome, sentence.place)
        yield outcome
