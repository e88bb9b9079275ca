"""`attn compare`: one word in two or more sentences."""

from itertools import chain
from typing import TYPE_CHECKING, Annotated

from attncli.cli import options as opt
from attncli.cli.explain import analyzed, given_sentences, worked_sentences
from attncli.cli.groups import DEFAULTS, Mechanism, analyser_of_options, grouped, may_be_vain
from attncli.cli.looks import LOOKS, Looks
from attncli.cli.notices import Notices
from attncli.cli.options import CHOOSING, OUTPUT, option
from attncli.cli.showing import shown_movements
from attncli.cli.terminal import say_written, warning, write, write_json
from attncli.cli.vain_options import COMPARISONS, Effects, say_vain, warn_of_vain
from attncli.errors import AttnError, UsageError
from attncli.files.apart import expect_writable, files_given, written
from attncli.mechanisms.files_read import files_read
from attncli.mechanisms.open import Opened, space_of
from attncli.settings import NEIGHBORS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from attncli.files.rows.sentences import Sentence
    from attncli.results.result import AttentionResult

WordOption = Annotated[
    str | None,
    option(CHOOSING, "WORD", "The word to compare. Found by itself when only one is shared."),
]
Neighbors = Annotated[int, option(OUTPUT, "N", "Nearest words to show.", min=0, max=50)]


@grouped
def compare(
    texts: opt.Texts = None,
    file: opt.FileOption = None,
    word: WordOption = None,
    neighbors: Neighbors = NEIGHBORS,
    mechanism: Mechanism = DEFAULTS,
    precision: opt.Precision = None,
    notation: opt.Notation = "words",
    looks: Looks = LOOKS,
    top: opt.Top = None,
    output: opt.Output = None,
    no_footer: opt.NoFooter = False,
    json: opt.Json = False,
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
    from attncli.insight.compare import compare as compared
    from attncli.insight.compare import shared_word

    if output is not None:
        from attncli.views.files import COMPARISON_SUFFIXES, suffix_of

        if json:
            raise UsageError("found --output too, expected one of them", place="--json")
        suffix_of(output, COMPARISON_SUFFIXES)
    expect_writable(
        written("output", output),
        chain(
            files_given([file]),
            files_read(mechanism.vectors, mechanism.model, mechanism.matrix_texts),
        ),
    )
    kind = "--json" if json else "tables" if output is None else output.rpartition(".")[2].lower()
    given: dict[str, object] = {"--precision": precision, "--top": top, "--no-footer": no_footer}
    given |= {"--neighbors": None if neighbors == NEIGHBORS else neighbors}
    given |= {"--notation": None if notation == "words" else notation}
    given |= looks.given()
    warn_of_vain(kind, given, COMPARISONS, quiet=quiet)
    merges = ["--merge"] if mechanism.merge and mechanism.model is not None else []
    say_vain(merges, "here: pieces are always merged", quiet=quiet)
    wanted = frozenset({"embeddings", "value", "scores"})
    opened = analyser_of_options(mechanism, wanted, quiet=quiet)
    notices = Notices(quiet)
    worked = worked_sentences(mechanism.preset)
    sentences = given_sentences(texts, file, mechanism.matrices, worked)
    results = _results(opened, sentences, notices)
    seed = may_be_vain(mechanism, "seed")
    agg = mechanism.agg if mechanism.gives or mechanism.model is not None else None
    effects = Effects(hide=mechanism.hide or (), agg=agg, seed=seed)
    for result in results:
        effects.see(result)
    effects.warn(quiet=quiet)
    space = space_of(opened)
    comparison = compared(results, word or shared_word(results), space, neighbors=neighbors)
    if json:
        from attncli.results.json import record_json

        write_json(record_json(comparison.to_record()))
    elif output is not None:
        from attncli.cli.footer import made_by
        from attncli.views.files import write_comparison

        html = output.lower().endswith((".html", ".htm"))
        movements = [shown_movements(result, space) for result in results] if html else []
        say = None if quiet else warning
        write_comparison(
            output,
            comparison,
            results,
            movements=movements,
            precision=precision,
            notation=notation,
            made_by=made_by(output, no_footer=no_footer),
            say=say,
        )
        say_written(output, quiet=quiet)
    else:
        from attncli.views.compare import comparison_lines

        ink, digits = looks.ink, 3 if precision is None else precision
        lines = comparison_lines(comparison, ink, width=looks.columns, precision=digits, top=top)
        write(ink.rendered(lines))
    notices.end()


def _results(
    opened: Opened, sentences: "Iterable[Sentence]", notices: Notices
) -> "list[AttentionResult]":
    """The results of the sentences; where fewer than two are left, the first failure is raised."""
    from attncli.insight.tokens import merge_pieces

    results: list[AttentionResult] = []
    failed: list[AttnError] = []
    for sentence, outcome in analyzed(opened.analyser, sentences):
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
