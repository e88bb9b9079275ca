"""`attn compare`: one word in two or more sentences."""

from itertools import chain
from typing import TYPE_CHECKING, Annotated

from attncli.api.files_read import files_read
from attncli.cli import options as opt
from attncli.cli.comparing import PLAINLY, ComparisonManner, show_comparison
from attncli.cli.explain import given_sentences
from attncli.cli.groups import DEFAULTS, Mechanism, analysis_of_options, effects_of, grouped
from attncli.cli.notices import Notices
from attncli.cli.options import CHOOSING, OUTPUT, option
from attncli.cli.showing import shown_movements
from attncli.cli.vain_options import say_vain
from attncli.errors import AttnError, UsageError
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
    wanted = frozenset({"embeddings", "value", "scores"})
    analysis = analysis_of_options(mechanism, wanted, quiet=quiet)
    notices = Notices(quiet)
    results = _results(analysis.outcomes(given_sentences(texts, file, mechanism)), notices)
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


def _results(outcomes: "Outcomes", notices: Notices) -> "list[AttentionResult]":
    """The results of the sentences; where fewer than two are left, the first failure is raised."""
    from attncli.insight.tokens import merge_pieces

    results: list[AttentionResult] = []
    failed: list[AttnError] = []
    for sentence, outcome in outcomes:
        if isinstance(outcome, AttnError):
            failed.append(outcome)
            continue
        notices.warn(outcome, sentence.place)
        results.append(merge_pieces(outcome))
    if failed and len(results) < 2:
        raise failed[0]
    for error in failed:
        notices.set_aside(error)
    if len(results) < 2:
        raise UsageError(
            "found 1 sentence, expected two or more",
            hints=('attn compare "money bank grows" "river bank flows" --word bank',),
        )
    return results
