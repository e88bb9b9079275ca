"""`attn explain --against general`: task-specific attention beside general attention."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from attncli.cli.manner import Manner
from attncli.cli.notices import Notices
from attncli.cli.selecting import part_of
from attncli.cli.showing import moved_words, shown_movements
from attncli.cli.terminal import say_written, warning, write, write_json
from attncli.cli.vain_options import Effects
from attncli.errors import AttnError, UsageError
from attncli.mechanisms.open import Opened, space_of

if TYPE_CHECKING:
    from attncli.files.rows.sentences import Sentence
    from attncli.insight.beside import CellDifference
    from attncli.results.result import AttentionResult
    from attncli.views.against_files import Beside


def show_against(
    outcomes: "Iterable[tuple[Sentence, AttentionResult | AttnError]]",
    opened: Opened,
    manner: Manner,
    quiet: bool,
    effects: Effects,
    hide: Sequence[str] = (),
) -> None:
    """Each sentence's task-specific and general attention, and where they differ most.

    Printed, or written to the file of --output.
    """
    from attncli.mechanisms.general import GeneralAnalyser

    analyser = opened.analyser
    reading, store = analyser.reading, opened.store
    if analyser.learned.projections is None or reading is None or store is None:
        raise UsageError(
            "found no task-specific attention, expected --attention task or a model of attn train",
            place="--against",
        )
    _expect_nothing_else(manner)
    general = GeneralAnalyser(store, reading, include=frozenset({"embeddings"}), advise=False)
    notices, printed = Notices(quiet), 0
    pairs: list[Beside] = []
    for sentence, outcome in outcomes:
        if isinstance(outcome, AttnError):
            notices.set_aside(outcome)
            continue
        (beside,) = general([outcome.text])
        beside = part_of(hide=hide).of(beside)
        if manner.output is not None:
            from attncli.views import against_files

            moved = shown_movements(beside, space_of(opened))
            pairs.append(against_files.Beside(beside, outcome, moved))
        else:
            _show(beside, outcome, opened, manner, first=not printed)
        effects.see(outcome)
        notices.warn(outcome, sentence.place)
        printed += 1
    if manner.output is not None and pairs:
        from attncli.views.files import write_against

        say, made_by = None if quiet else warning, manner.made_by
        write_against(
            manner.output,
            pairs,
            precision=manner.precision,
            figure=manner.figure_settings(),
            made_by=made_by,
            say=say,
        )
        say_written(manner.output, quiet=quiet)
    effects.warn(quiet=quiet)
    notices.end()


def _expect_nothing_else(manner: Manner) -> None:
    """Raises: UsageError for another view, and for a file that cannot hold two side by side."""
    if manner.steps or manner.speak or manner.why:
        option = next(n for n in ("steps", "speak", "why") if getattr(manner, n))
        raise UsageError(
            f"found --{option} too, expected one of them: the two are shown side by side",
            place="--against",
        )
    if manner.output is not None:
        from attncli.views.files import AGAINST_SUFFIXES, suffix_of

        suffix_of(manner.output, AGAINST_SUFFIXES)


def _show(
    general: "AttentionResult",
    other: "AttentionResult",
    opened: Opened,
    manner: Manner,
    *,
    first: bool,
) -> None:
    from attncli.insight.beside import cell_differences
    from attncli.views.against import against_lines

    if manner.json:
        write_json(_record(general, other, cell_differences(general, other)))
        return
    ink = manner.ink_of(general, other)
    lines = against_lines(
        general,
        other,
        ink,
        movements=moved_words(general, opened.store, manner),
        width=manner.columns,
        precision=2 if manner.precision is None else manner.precision,
        everything=manner.full,
    )
    write(("" if first else "\n") + ink.rendered(lines))


def _record(
    general: "AttentionResult", other: "AttentionResult", cells: "list[CellDifference]"
) -> str:
    import json

    from attncli.results.json import result_json
    from attncli.results.names import mean_of_heads

    parts = [result_json(result, exclude=("contextual",)) for result in (general, other)]
    differences = [
        {"query": c.query, "key": c.key, "general": c.general, "task": c.other} for c in cells
    ]
    text = json.dumps(general.text, ensure_ascii=True)
    return (
        f'{{"type":"against","schema":"1.0","text":{text},"general":{parts[0]},'
        f'"task":{parts[1]},"weights_of":{json.dumps(mean_of_heads(other))},'
        f'"differences":{json.dumps(differences)}}}'
    )
