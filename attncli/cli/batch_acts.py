"""Options of `attn batch` whose effect shows only in results: which of them did nothing."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attncli.cli.guards import Effects
from attncli.cli.mechanism import Mechanism, may_be_vain
from attncli.cli.terminal import message

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


def say_of_single_heads(mechanism: Mechanism, include: Sequence[str]) -> None:
    """A note that records may lack fields that were asked for: most files are never looked into."""
    from attncli.insight.select import BY_HEAD

    options = [f"--{name}" for name in ("merge", "agg") if getattr(mechanism, name)]
    at_stake = [name for name in include if name in BY_HEAD]
    if options and at_stake:
        message(
            "note",
            f"{', '.join(at_stake)}: left out of records that {' or '.join(options)} draws "
            "together; a warning in each says so",
        )
