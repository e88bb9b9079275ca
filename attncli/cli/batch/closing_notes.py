"""What `attn batch` says at its end: options that did nothing, fields that are not there."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from attncli.cli.groups import Mechanism, effects_of
from attncli.cli.selecting import part_of
from attncli.cli.terminal import message
from attncli.cli.vain_options import Effects

if TYPE_CHECKING:
    from attncli.api.batching import CheckedBatch, OpenedBatch
    from attncli.results.batch_report import RunReport


def watched_effects(mechanism: Mechanism, batch: "CheckedBatch | OpenedBatch") -> Effects:
    """The options whose effect shows only in results; not fields that are left out anyway."""
    from attncli.insight.select import BY_HEAD

    include = batch.job.layout.include if batch.job.format.name != "csv" else ()
    drawn_together = mechanism.merge or mechanism.agg is not None
    gone = ("measures", *(BY_HEAD if drawn_together else ()))
    return effects_of(mechanism, include=[name for name in include if name not in gone])


def say_unacted(
    mechanism: Mechanism, batch: "OpenedBatch", report: "RunReport", *, quiet: bool
) -> None:
    """Says which options did nothing to any sentence, if this run made all results."""
    tally = report.tally
    if tally.records == tally.failed or report.new != tally.records:
        return
    effects = watched_effects(mechanism, batch)
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


def losses_text(path: str, batch: "OpenedBatch", mechanism: Mechanism) -> str:
    """A list of the fields in --include that the format cannot hold; often empty."""
    from attncli.views.losses import losses_asked, losses_line

    chosen, job = _chosen(mechanism, merges=mechanism.merge and batch.reads_pieces), batch.job
    rare = [*(["pair"] if mechanism.pair is not None else []), *(["selection"] if chosen else [])]
    return losses_line(
        path,
        losses_asked(f"batch {job.format.name}", job.layout.include, job.layout.exclude, rare),
        selections=[chosen],
        untrained=mechanism.attention == "task" and mechanism.model is None and not mechanism.gives,
        given=mechanism.gives,
    )


def _chosen(mechanism: Mechanism, *, merges: bool) -> dict[str, Any]:
    """What the options choose, as a selection says it, where that is known before any result."""
    part = part_of(layer=mechanism.layer, head=mechanism.head, agg=mechanism.agg)
    chosen: dict[str, Any] = {f"{axis}_pooled": part.how for axis in part.over}
    chosen |= {"merged": True} if merges else {}
    chosen |= {"hidden": mechanism.hide} if mechanism.hide else {}
    for axis, numbers in (("layers", part.layers), ("heads", part.heads)):
        chosen |= {axis: list(numbers)} if numbers is not None else {}
    return chosen
