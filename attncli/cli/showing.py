"""How results are shown: tables, strongest words, stages or plain sentences; or written to a file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from attncli.cli import options as opt
from attncli.cli.notices import Notices
from attncli.cli.terminal import ink_for, say_written, warning, width_for, write, write_json
from attncli.cli.vain_options import STAGED, Effects, looks, say_vain, warn_of_vain
from attncli.errors import AttnError, UsageError
from attncli.insight.learned import NOTHING, Learned

if TYPE_CHECKING:
    from attncli.embeddings.protocols import EmbeddingStore
    from attncli.files.rows.sentences import Sentence
    from attncli.insight.diagram import Diagram
    from attncli.insight.movement import Movement
    from attncli.insight.space import VocabularySpace
    from attncli.results.result import AttentionResult
    from attncli.views.explain import Layout, Section
    from attncli.views.ink import Ink, Line

_NEIGHBORS_UP_TO = 16  # words; a longer sentence shows nearest words only when asked
_SOON = 1 << 24  # values of a whole vocabulary that are made unasked
_FILE_WIDTH = 100  # columns of the stages in a file

Fields = tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, repr=False, eq=False)
class Manner:
    """The options that say how results are shown; `show` None is the command's default."""

    show: opt.Show = None
    precision: opt.Precision = None
    notation: opt.Notation = "words"
    width: opt.Width = None
    color: opt.Color = "auto"
    full: opt.Full = False
    ascii_only: opt.Ascii = False
    top: opt.Top = None
    steps: opt.Steps = False
    diagram: opt.Diagram = False
    row: opt.Row = None
    speak: opt.Speak = False
    why: opt.Why = False
    output: opt.Output = None
    no_footer: opt.NoFooter = False
    json: opt.Json = False

    def __post_init__(self) -> None:
        if self.output is not None:
            from attncli.views.files import suffix_of

            for name, given in (("--json", self.json), ("--speak", self.speak)):
                if given:
                    raise UsageError("found --output too, expected one of them", place=name)
            suffix_of(self.output)
        if self.speak and (self.json or self.steps):
            other = "--json" if self.json else "--steps"
            raise UsageError(f"found {other} too, expected one of them", place="--speak")
        if self.show is not None:
            self.sections()  # a wrong name is said whatever is shown
        if self.diagram and (self.steps or self.speak):
            other = "--steps" if self.steps else "--speak"
            raise UsageError(f"found {other} too, expected one of them", place="--diagram")
        if self.why:
            self._expect_alone("--why")
        if self.row and not (self.steps or self.diagram):
            raise UsageError("found no --steps or --diagram, expected one of them", place="--row")

    def _expect_alone(self, name: str) -> None:
        """Raises: UsageError where another view is asked for too."""
        others = {"--json": self.json, "--speak": self.speak, "--steps": self.steps}
        for other, given in (others | {"--diagram": self.diagram}).items():
            if given:
                raise UsageError(f"found {other} too, expected one of them", place=name)

    @property
    def pools(self) -> bool:
        """Whether many layers and heads are drawn together: files and JSON keep all."""
        return not (self.json or self.output is not None or self.steps or self.diagram or self.why)

    @property
    def keeps_fields(self) -> bool:
        """Whether what is written holds the optional fields of a record."""
        return self.kind in ("--json", "json", "jsonl", "npz")

    @property
    def kind(self) -> str:
        """What is written: "tables", the option that chooses something else, or a suffix."""
        if self.output is not None:
            return self.output.rpartition(".")[2].lower()
        chosen = (
            *(("--json", self.json), ("--speak", self.speak)),
            *(("--steps", self.steps), ("--diagram", self.diagram), ("--why", self.why)),
        )
        return next((name for name, given in chosen if given), "tables")

    def warn_of_vain(self, quiet: bool, **given: str | None) -> None:
        """Says which options, of these and of those given besides, have no effect."""
        options = {
            "--show": self.show,
            "--precision": self.precision,
            "--notation": None if self.notation == "words" else self.notation,
            "--top": self.top,
            "--steps": self.steps or None,
            "--row": self.row or None,
            "--diagram": self.diagram or None,
            "--why": self.why or None,
            "--no-footer": self.no_footer or None,
        }
        if self.draws:  # both act on the drawing of the file
            options = options | {"--row": None, "--diagram": None}
        if options["--notation"] is not None and not self._has_equations():
            say_vain(["--notation"], f"on the sections {self.show}", quiet=quiet)
            options = options | {"--notation": None}
        warn_of_vain(
            given.pop("kind", None) or self.kind,
            options | self.looks() | {f"--{name}": value for name, value in given.items()},
            quiet=quiet,
        )

    def _has_equations(self) -> bool:
        """Whether what is shown holds equations or a heading of weights, where it could."""
        return self.kind != "tables" or not {"weights", "equations"}.isdisjoint(self.sections())

    @property
    def stages_name(self) -> str:
        """What the text below the weights of a file is."""
        return "Why" if self.why else "Every stage"

    @property
    def made_by(self) -> str:
        """The command for the footer of a file; empty where none is wanted."""
        from attncli.cli.footer import made_by

        return made_by(self.output, no_footer=self.no_footer)

    @property
    def draws(self) -> bool:
        """Whether the drawing is shown, or in the file that is written."""
        if not self.diagram:
            return False
        from attncli.cli.drawing import DRAWN

        return self.kind in ("--diagram", *DRAWN)

    def looks(self) -> dict[str, object]:
        """The options of the terminal, those that were given; stages in a file obey most of them."""
        if self.draws and self.output is not None:
            is_text = self.kind in ("md", "tex")
            width, ascii_only = (None, False) if is_text else (self.width, self.ascii_only)
            return looks(width=width, color=self.color, ascii_only=ascii_only, full=False)
        if (self.steps or self.why) and self.kind in STAGED:
            return looks(width=None, color=self.color, ascii_only=False, full=False)
        return looks(width=self.width, color=self.color, ascii_only=self.ascii_only, full=self.full)

    def needs(self) -> frozenset[str]:
        """The optional fields that a result must hold to be shown so."""
        from attncli.results.result import STAGE_FIELDS

        if self.steps or self.why:
            return frozenset(STAGE_FIELDS)
        if self.draws:
            return frozenset((*STAGE_FIELDS, "hidden_states"))
        if self.output is None:
            return frozenset() if self.json or self.speak else frozenset({"embeddings"})
        every = self.output.lower().endswith(".npz")
        return frozenset(STAGE_FIELDS) if every else frozenset({"embeddings", "scores"})

    def fields(self, include: Sequence[str], exclude: Sequence[str]) -> Fields:
        """The fields of the JSON: those asked for, and the stages with --steps."""
        from attncli.results.result import STAGE_FIELDS

        added = STAGE_FIELDS if self.steps else ()
        return tuple(dict.fromkeys((*include, *added))), tuple(exclude)

    def sections(self, default: "tuple[Section, ...] | None" = None) -> "tuple[Section, ...]":
        """The sections of tables, in their order."""
        from attncli.views.explain import SECTIONS

        asked = opt.listed_names(self.show, (*SECTIONS, "all"), "--show")
        if not asked:
            return SECTIONS if default is None else default
        return SECTIONS if "all" in asked else tuple(s for s in SECTIONS if s in asked)

    def layout(self, default: "tuple[Section, ...] | None" = None) -> "Layout":
        """What the tables show, and how wide."""
        from attncli.views.explain import Layout

        return Layout(
            sections=self.sections(default),
            width=width_for(self.width),
            precision=3 if self.precision is None else self.precision,
            digits=2 if self.precision is None else self.precision,
            everything=self.full,
            top=self.top,
            notation=self.notation,
        )


PLAIN = Manner()


def shown_text(
    result: "AttentionResult",
    manner: Manner,
    movements: "Sequence[Movement]" = (),
    default: "tuple[Section, ...] | None" = None,
    learned: Learned = NOTHING,
) -> str:
    """One result as text for the terminal, each line ended by a newline."""
    ink = ink_for(manner.color, unicode=not manner.ascii_only, width=manner.width)
    if manner.speak:
        from attncli.views.speak import spoken_text

        top = len(result.tokens) if manner.full and manner.top is None else manner.top
        return spoken_text(result, ink, top=top, precision=manner.precision)
    if manner.why:
        return ink.rendered(_why_lines(result, manner, ink, width_for(manner.width)))
    if manner.diagram:
        from attncli.cli.drawing import diagram_text

        return diagram_text(result, manner, learned)
    from attncli.views.explain import explain_lines, title_lines

    layout = manner.layout(default)
    if not manner.steps:
        return ink.rendered(explain_lines(result, movements, ink, layout))
    title = title_lines(result, ink, layout.width)
    return ink.rendered([*title, *_stage_lines(result, manner, ink, layout.width, learned)])


def stages_of(
    result: "AttentionResult", manner: Manner, learned: Learned = NOTHING
) -> "tuple[str, ...]":
    """Every stage of one result, or its drawing, as the text of a file; none if not asked for."""
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
    from attncli.insight.why import why_of
    from attncli.views.explain import title_lines
    from attncli.views.why import why_lines

    try:
        why = why_of(result)
    except AttnError as error:
        error.place = "--why"
        raise
    title = [*title_lines(result, ink, width), []] if titled else []
    precision = 3 if manner.precision is None else manner.precision
    return title + why_lines(result, why, ink, width=width, precision=precision)


def _stage_lines(
    result: "AttentionResult", manner: Manner, ink: "Ink", width: int, learned: Learned
) -> "list[Line]":
    from attncli.cli.following import places_of_rows
    from attncli.views.steps import PRECISION, Steps, step_lines

    stages = Steps(
        rows=places_of_rows(result.words, manner.row or ()),
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
    learned: Learned = NOTHING,
    effects: Effects | None = None,
    pointer: str = "",
) -> None:
    """Prints the outcomes, as text or JSON, or writes them to the file of --output.

    Tables end with the `pointer`, a line about another view.
    """
    notices, effects = Notices(quiet), effects or Effects()
    written: list[tuple[AttentionResult, list[Movement], tuple[str, ...]]] = []
    drawn: list[Diagram] = []
    for index, (sentence, outcome) in enumerate(outcomes):
        if isinstance(outcome, AttnError):
            notices.set_aside(outcome)
            if manner.json:
                _write_error(outcome, index, sentence.line)
            continue
        effects.see(outcome)
        if manner.json:
            from attncli.views.json import result_parts

            include, exclude = fields
            write_json(
                result_parts(outcome, include, exclude, precision=manner.precision, top=manner.top)
            )
        elif manner.output is not None:
            stages = stages_of(outcome, manner, learned)
            if manner.draws:
                from attncli.cli.drawing import diagrams_of

                drawn += diagrams_of(outcome, manner, learned)
            written.append((outcome, moved_words(outcome, among, manner), stages))
        else:
            text = shown_text(outcome, manner, moved_words(outcome, among, manner), learned=learned)
            write("\n" + text if index else text)
        notices.warn(outcome, sentence.place)
    if manner.output is not None and written:
        from attncli.views.files import write_results

        write_results(
            manner.output,
            [result for result, _, _ in written],
            movements=[moved for _, moved, _ in written],
            stages=[text for _, _, stages in written for text in stages],
            stages_name=manner.stages_name,
            diagrams=drawn,
            precision=manner.precision,
            fields=fields,
            top=manner.top,
            notation=manner.notation,
            made_by=manner.made_by,
            say=None if quiet else warning,
        )
        say_written(manner.output, quiet=quiet)
    if pointer and not quiet:
        ink = ink_for(manner.color, unicode=not manner.ascii_only, width=manner.width)
        write(ink.rendered([[], [ink.dim(pointer)]]))
    effects.warn(quiet=quiet)
    notices.end()


def moved_words(
    result: "AttentionResult", among: "EmbeddingStore | VocabularySpace | None", manner: Manner
) -> "list[Movement]":
    """How far each word moved, where that is shown; nearest words where there is room for them."""
    if manner.speak or ((manner.steps or manner.diagram or manner.why) and manner.output is None):
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


def shown_movements(
    result: "AttentionResult", among: "EmbeddingStore | VocabularySpace | None"
) -> "list[Movement]":
    """How far each word moved; nearest words only where they are few and soon found."""
    from attncli.insight.movement import movements

    few = len(result.tokens) <= _NEIGHBORS_UP_TO and getattr(among, "size", 0) <= _SOON
    return movements(result, among, neighbors=5 if few else 0)


def _write_error(error: AttnError, index: int, line: int | None) -> None:
    from attncli.views.json import error_record, record_json

    write_json(record_json(error_record(error, index, line)))
