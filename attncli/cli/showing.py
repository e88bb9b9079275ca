"""Results printed, as tables, strongest words, stages or sentences, or written to a file.

`Manner` says which of these.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from attncli.cli.manner import Fields, Manner
from attncli.cli.notices import Notices
from attncli.cli.running import hand_over, is_taken
from attncli.cli.terminal import message, say_written, write, write_json, write_record
from attncli.cli.vain_options import STAGED, Effects
from attncli.errors import AttnError
from attncli.errors.wording import visible
from attncli.insight.learned import NOTHING_LEARNED, Learned
from attncli.results.displayed import displayed

if TYPE_CHECKING:
    from attncli.api.reasons import Reasons
    from attncli.files.rows.sentences import Sentence
    from attncli.insight.diagram import Diagram
    from attncli.insight.movement import Movement
    from attncli.insight.space import VocabularySpace
    from attncli.results.result import AttentionResult
    from attncli.views.ink import Ink, Line
    from attncli.views.layout import Section

    Kept: TypeAlias = tuple[AttentionResult, Sequence[Movement], tuple[str, ...], list[Diagram]]

_NEIGHBORS_UP_TO = 16  # words; a longer sentence shows nearest words only when asked
_SOON = 1 << 24  # values of a whole vocabulary that are made unasked
_FILE_WIDTH = 100  # columns of the stages in a file


def shown_text(
    result: "AttentionResult",
    manner: Manner,
    movements: "Sequence[Movement]" = (),
    default: "tuple[Section, ...] | None" = None,
    learned: Learned = NOTHING_LEARNED,
) -> str:
    """One result as text for the terminal, each line ended by a newline."""
    ink, result = manner.ink, displayed(result, marks_written=False)
    if manner.speak:
        from attncli.views.speak import spoken_text

        top = len(result.tokens) if manner.full and manner.top is None else manner.top
        return spoken_text(result, ink, top=top, precision=manner.precision)
    if manner.why:
        return ink.rendered(_why_lines(result, manner, ink, manner.columns))
    if manner.head_map:
        from attncli.views.explain import title_lines
        from attncli.views.head_map import head_map_lines

        ink = ink._replace(palette=manner.palette)
        drawn = head_map_lines(result, ink, width=manner.columns, measure=manner.measure)
        return ink.rendered([*title_lines(result, ink, manner.columns), [], *drawn])
    if manner.diagram:
        from attncli.cli.drawing import diagram_text

        return diagram_text(result, manner, learned)
    from attncli.views.explain import explain_lines, title_lines

    layout = manner.layout(default)
    if not manner.steps:
        return ink.rendered(explain_lines(result, movements, manner.ink_of(result), layout))
    title = title_lines(result, ink, layout.width)
    return ink.rendered([*title, *_stage_lines(result, manner, ink, layout.width, learned)])


def stages_of(
    result: "AttentionResult", manner: Manner, learned: Learned = NOTHING_LEARNED
) -> "tuple[str, ...]":
    """Every stage of one result, or its drawing, as the text of a file; none if not asked for."""
    result = displayed(result, marks_written=False)
    if manner.diagram:
        from attncli.cli.drawing import diagram_of_file

        return diagram_of_file(result, manner, learned, manner.width or _FILE_WIDTH)
    if not (manner.steps or manner.why) or manner.kind not in STAGED:
        return ()
    from attncli.views.ink import Ink

    ink, width = Ink(unicode=not manner.ascii_only), manner.width or _FILE_WIDTH
    if manner.why:
        return (ink.rendered(_why_lines(result, manner, ink, width, titled=False)),)
    lines = _stage_lines(result, manner, ink, width, learned)
    return (ink.rendered(lines).lstrip("\n"),)


def _why_lines(
    result: "AttentionResult", manner: Manner, ink: "Ink", width: int, *, titled: bool = True
) -> "list[Line]":
    from attncli.views.explain import title_lines
    from attncli.views.why import why_lines

    why = _reasons(result).numbers
    title = [*title_lines(result, ink, width), []] if titled else []
    precision = 3 if manner.precision is None else manner.precision
    return title + why_lines(result, why, ink, width=width, precision=precision)


def given_over(result: "AttentionResult", manner: Manner) -> bool:
    """Gives a result, or the reasons for it, to who takes what would be drawn; whether there is one."""
    return is_taken() and hand_over(_reasons(result) if manner.why else result)


def _reasons(result: "AttentionResult") -> "Reasons":
    """Raises: UsageError, DataError at --why."""
    from attncli.api.reasons import reasons_of

    try:
        return reasons_of(result)
    except AttnError as error:
        error.place = "--why"
        raise


def _stage_lines(
    result: "AttentionResult", manner: Manner, ink: "Ink", width: int, learned: Learned
) -> "list[Line]":
    from attncli.insight.following import places_of_rows
    from attncli.views.steps import PRECISION, Steps, step_lines

    stages = Steps(
        rows=places_of_rows(
            result.words, manner.row or (), result.key_words if result.is_cross else ()
        ),
        width=width,
        precision=PRECISION if manner.precision is None else manner.precision,
        everything=manner.full,
        learned=learned,
        notation=manner.notation,
    )
    return step_lines(result, ink, stages)


def show_outcomes(
    outcomes: "Iterable[tuple[Sentence, AttentionResult | AttnError]]",
    among: "VocabularySpace | None",
    manner: Manner,
    fields: Fields,
    quiet: bool,
    learned: Learned = NOTHING_LEARNED,
    effects: Effects | None = None,
    pointer: str = "",
) -> None:
    """Prints the outcomes, as text or JSON, or writes them to the file of --output.

    Tables end with the `pointer`, a line about another view.
    """
    notices, effects = Notices(quiet), effects or Effects()
    kept: list[Kept] = []
    for index, (sentence, outcome) in enumerate(outcomes):
        if isinstance(outcome, AttnError):
            notices.set_aside(outcome)
            if manner.json:
                from attncli.results.json import error_record

                write_record(error_record(outcome, index, sentence.line))
            continue
        outcome = drawn_part(outcome, manner)
        effects.see(outcome)
        if manner.json:
            print_record(outcome, manner, *fields)
        elif manner.output is not None:
            kept.append(
                kept_for_file(outcome, manner, moved_words(outcome, among, manner), learned)
            )
        elif not given_over(outcome, manner):
            text = shown_text(outcome, manner, moved_words(outcome, among, manner), learned=learned)
            write("\n" + text if index else text)
        notices.warn(outcome, sentence.place)
    write_kept(kept, manner, fields, quiet)
    if pointer and not (quiet or is_taken()):
        write(manner.ink.rendered([[], [manner.ink.dim(pointer)]]))
    effects.warn(quiet=quiet)
    notices.end()


def drawn_part(result: "AttentionResult", manner: Manner) -> "AttentionResult":
    """The part of a result that is shown: what views show of it, or all where all is kept."""
    return result if manner.keeps_whole else result.shown


def print_record(
    result: "AttentionResult",
    manner: Manner,
    include: "Iterable[str]" = (),
    exclude: "Iterable[str]" = (),
) -> None:
    """One result as a line of JSON."""
    if manner.head_map:
        from attncli.views.head_map_files import head_map_record

        write_record(head_map_record(result))
        return
    from attncli.results.json import result_parts

    write_json(result_parts(result, include, exclude, precision=manner.precision, top=manner.top))


def kept_for_file(
    result: "AttentionResult",
    manner: Manner,
    moved: "Sequence[Movement]" = (),
    learned: Learned = NOTHING_LEARNED,
) -> "Kept":
    """A result with what a file has beside it."""
    stages = stages_of(result, manner, learned)
    if not manner.draws:
        return result, moved, stages, []
    from attncli.cli.drawing import diagrams_of

    drawn = displayed(result, marks_written=False)
    return result, moved, stages, diagrams_of(drawn, manner, learned)


def write_kept(kept: "Sequence[Kept]", manner: Manner, fields: Fields, quiet: bool) -> None:
    """Writes what was kept, if anything, to the file of --output."""
    if manner.output is None or not kept:
        return
    from attncli.views.files import write_results

    request = manner.file_request(
        quiet=quiet,
        movements=[moved for _, moved, _, _ in kept],
        stages=[text for _, _, stages, _ in kept for text in stages],
        stages_name=manner.stages_name,
        diagrams=[diagram for _, _, _, drawn in kept for diagram in drawn],
        fields=fields,
        top=manner.top,
        head_map=manner.head_map,
        measure=manner.measure,
    )
    write_results(manner.output, [result for result, _, _, _ in kept], request)
    say_written(manner.output, quiet=quiet)


def say_which_part(manner: Manner, *, is_shown: bool, is_decoder: bool, quiet: bool) -> None:
    """Says that a table holds cross-attention, where this is what is shown of three parts unasked.

    And that data of a decoder alone do not hold what it read.
    """
    if is_decoder and manner.keeps_fields and manner.output is not None and not quiet:
        message(
            "note",
            f"{visible(manner.output)} holds the decoder alone, which read an encoder too: a file "
            ".json, .npz or .parquet without --part has both",
        )
    if is_shown and manner.output is not None and manner.kind in ("csv", "tsv") and not quiet:
        message(
            "note",
            f"{visible(manner.output)} holds cross-attention alone: --part encoder and --part decoder "
            "give the others, a file .json, .npz or .parquet has all three",
        )


def moved_words(
    result: "AttentionResult", among: "VocabularySpace | None", manner: Manner
) -> "list[Movement]":
    """How far each word moved, where that is shown; nearest words where there is room for them."""
    alone = manner.steps or manner.diagram or manner.why or manner.head_map
    if manner.speak or (alone and manner.output is None):
        return []
    if manner.output is not None:
        if not manner.output.lower().endswith((".html", ".htm")):
            return []
    elif "moved" not in manner.sections():
        return []
    from attncli.insight.movement import movements

    if manner.show is None:
        return shown_movements(result, among)
    return movements(result, among)


def shown_movements(result: "AttentionResult", among: "VocabularySpace | None") -> "list[Movement]":
    """How far each word moved; nearest words only where they are few and soon found."""
    from attncli.insight.movement import movements

    few = len(result.tokens) <= _NEIGHBORS_UP_TO and getattr(among, "size", 0) <= _SOON
    return movements(result, among, neighbors=5 if few else 0)
