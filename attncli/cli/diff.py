"""`attn diff`: what changed between two saved results; the exit code says whether they are equal."""

import math
from itertools import zip_longest
from typing import TYPE_CHECKING, Annotated, TypeAlias

from attncli.cli import options as opt
from attncli.cli.looks import LOOKS, Looks
from attncli.cli.notices import Notices
from attncli.cli.options import INPUT, option
from attncli.cli.running import hand_over
from attncli.cli.spreading import grouped
from attncli.cli.terminal import standard_input, write, write_record
from attncli.errors import AttnError, EmptyError, UsageError
from attncli.errors.wording import visible
from attncli.files.apart import expect_apart, files_given
from attncli.settings import TOLERANCE

if TYPE_CHECKING:
    from attncli.results.result import AttentionResult

    _Outcome: TypeAlias = AttentionResult | AttnError

First = Annotated[str, opt.argument("A", "A saved result or a matrix; - is stdin.")]
Second = Annotated[str, opt.argument("B", "Another one.")]
Tol = Annotated[float, option(INPUT, "T", "Numbers that differ by at most T are equal.", "--tol")]


@grouped
def diff(
    first: First,
    second: Second,
    tol: Tol = TOLERANCE,
    looks: Looks = LOOKS,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> int:
    """Tell what differs between two results.

    Exit 0: equal, 1: different, 3: some set aside.

    \b
    Examples:
      attn diff old.json new.json
      attn diff old.json new.json --tol 1e-4 --quiet && echo same
      attn explain "money bank grows" --json | attn diff saved.json -
    """
    from attncli.insight.difference import differences

    if not (math.isfinite(tol) and tol >= 0):
        raise UsageError(f"found {tol:g}, expected a number of 0 or more", place="--tol")
    if first == second == "-":
        raise UsageError("found - twice, expected one file at least", place="B")
    expect_apart([], files_given([first, second]))
    if json or quiet:
        looks.say_vain("with --json" if json else "with --quiet", quiet=False)
    notices = Notices(quiet)
    compared = differences(*_pairs(_outcomes(first), _outcomes(second), notices), tol)
    if json:
        from attncli.views.difference import difference_record

        write_record(difference_record(compared, tol))
    elif not (hand_over(compared) or quiet):
        from attncli.views.difference import difference_lines

        ink = looks.ink
        write(ink.rendered(difference_lines(compared, tol, ink, width=looks.columns)))
    if any(difference.changes for difference in compared):
        return 1
    notices.end()
    return 0


def _pairs(
    first: "list[_Outcome]", second: "list[_Outcome]", notices: Notices
) -> "tuple[list[AttentionResult], list[AttentionResult]]":
    """The results of both files, without the sentences that failed in one of them."""
    kept: tuple[list[AttentionResult], list[AttentionResult]] = ([], [])
    for pair in zip_longest(first, second):
        failed = next((outcome for outcome in pair if isinstance(outcome, AttnError)), None)
        if failed is not None:
            notices.set_aside(failed)
            continue
        notices.passed()
        for results, outcome in zip(kept, pair, strict=True):
            if outcome is not None:
                results.append(outcome)  # type: ignore[arg-type]  # errors were set aside
    return kept


def _outcomes(path: str) -> "list[_Outcome]":
    """All results of a file, and an error for each record of a sentence that failed."""
    from attncli.api.view import results_in

    outcomes = list(results_in(path, standard_input))
    if not outcomes:
        raise EmptyError("the file holds no result", place=visible(path)[:200])
    return outcomes
