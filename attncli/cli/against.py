"""`attn explain --against general`: task-specific attention beside general attention."""

from typing import TYPE_CHECKING

from attncli.cli.manner import Manner
from attncli.cli.notices import Notices
from attncli.cli.showing import moved_words, shown_movements
from attncli.cli.terminal import say_written, write, write_json
from attncli.cli.vain_options import Effects
from attncli.errors import AttnError, UsageError
from attncli.results.displayed import displayed

if TYPE_CHECKING:
    from attncli.api.analysis import Analysis, Outcomes
    from attncli.insight.space import VocabularySpace
    from attncli.results.result import AttentionResult
    from attncli.views.against_files import Beside


def show_against(
    outcomes: "Outcomes", general: "Analysis", manner: Manner, quiet: bool, effects: Effects
) -> None:
    """Each sentence's task-specific and general attention, and where they differ most.

    Printed, or written to the file of --output.
    """
    _expect_nothing_else(manner)
    notices, printed, space = Notices(quiet), 0, general.space
    pairs: list[Beside] = []
    for sentence, outcome in outcomes:
        if isinstance(outcome, AttnError):
            notices.set_aside(outcome)
            continue
        (beside,) = general.analyser([outcome.text])
        if manner.output is not None:
            from attncli.views import against_files

            one, other = _seen(beside), _seen(outcome)
            pairs.append(against_files.Beside(one, other, shown_movements(one, space)))
        elif manner.json:
            write_json(_record(beside, outcome))
        else:
            _show(_seen(beside), _seen(outcome), space, manner, first=not printed)
        effects.see(outcome)
        notices.warn(outcome, sentence.place)
        printed += 1
    if manner.output is not None and pairs:
        from attncli.views.files import write_against

        write_against(manner.output, pairs, manner.file_request(quiet=quiet))
        say_written(manner.output, quiet=quiet)
    effects.warn(quiet=quiet)
    notices.end()


def _expect_nothing_else(manner: Manner) -> None:
    """Raises: UsageError for another view, and for a file that cannot hold two side by side."""
    others = {"--steps": manner.steps, "--speak": manner.speak, "--why": manner.why}
    option = next((n for n, given in (others | {"--map": manner.head_map}).items() if given), None)
    if option is not None:
        raise UsageError(
            f"found {option} too, expected one of them: the two are shown side by side",
            place="--against",
        )
    if manner.output is not None:
        from attncli.views.files import AGAINST_SUFFIXES, suffix_of

        suffix_of(manner.output, AGAINST_SUFFIXES)


def _show(
    general: "AttentionResult",
    other: "AttentionResult",
    space: "VocabularySpace | None",
    manner: Manner,
    *,
    first: bool,
) -> None:
    from attncli.views.against import against_lines

    ink = manner.ink_of(general, other)
    lines = against_lines(
        general,
        other,
        ink,
        movements=moved_words(general, space, manner),
        width=manner.columns,
        precision=2 if manner.precision is None else manner.precision,
        everything=manner.full,
    )
    write(("" if first else "\n") + ink.rendered(lines))


def _seen(result: "AttentionResult") -> "AttentionResult":
    """The result whose blank tokens have signs."""
    return displayed(result, marks_written=False)


def _record(general: "AttentionResult", other: "AttentionResult") -> str:
    import json

    from attncli.insight.beside import cell_differences
    from attncli.results.json import result_json
    from attncli.results.names import mean_of_heads

    parts = [result_json(result, exclude=("contextual",)) for result in (general, other)]
    differences = [
        {"query": c.query, "key": c.key, "general": c.general, "task": c.other}
        for c in cell_differences(general, other)
    ]
    text = json.dumps(general.text, ensure_ascii=True)
    return (
        f'{{"type":"against","schema":"1.0","text":{text},"general":{parts[0]},'
        f'"task":{parts[1]},"weights_of":{json.dumps(mean_of_heads(other))},'
        f'"differences":{json.dumps(differences)}}}'
    )
