"""Options of `attn batch` whose effect shows only in results: which of them did nothing."""

from typing import TYPE_CHECKING

from attncli.cli.guards import Effects
from attncli.cli.mechanism import Mechanism, may_be_vain

if TYPE_CHECKING:
    from attncli.batch.acts import Watch
    from attncli.batch.run import Report


def watch_of(mechanism: Mechanism) -> "Watch":
    """What the workers look for."""
    from attncli.batch.acts import Watch

    given = {
        "merged": mechanism.merge and mechanism.model is not None,
        "pooled": mechanism.agg is not None and mechanism.model is not None,
        "random": may_be_vain(mechanism, "seed"),
    }
    return Watch(frozenset(mechanism.hide or ()), frozenset(n for n in given if given[n]))


def say_unacted(mechanism: Mechanism, report: "Report", *, quiet: bool) -> None:
    """Says which options did nothing to any sentence, if this run made all results."""
    tally = report.tally
    if tally.records == 0 or report.new != tally.records:
        return
    effects = Effects(
        hide=mechanism.hide or (),
        merge=mechanism.merge and mechanism.model is not None,
        agg=None if mechanism.model is None else mechanism.agg,
        seed=may_be_vain(mechanism, "seed"),
    )
    hidden = {act.removeprefix("hide ") for act in tally.acts if act.startswith("hide ")}
    effects.count(hidden, dict.fromkeys(tally.acts, True))
    effects.warn(quiet=quiet)
