"""The options that say how a result is shown, one group for every command that shows results.

`manner` holds what was asked for and rejects what excludes each other; `showing` prints or writes a
result accordingly, and `drawing` makes the diagram among it. `looks` is the smaller group of
commands that print other things: width, colors, characters.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from attncli.cli import options as opt
from attncli.cli.running import is_taken
from attncli.cli.screen import ColorChoice, Screen
from attncli.cli.terminal import warning
from attncli.cli.vain_options import (
    COLUMNS,
    FIGURED,
    PREDICTING,
    STAGED,
    acting_on,
    looks,
    say_vain,
    warn_of_vain,
)
from attncli.errors import UsageError
from attncli.settings import FigureSettings, HeadMeasure, Notation
from attncli.settings.frozen import dataclass

if TYPE_CHECKING:
    from attncli.results.result import AttentionResult
    from attncli.views.files import FileRequest
    from attncli.views.ink import Ink
    from attncli.views.layout import Layout, Section

TEXTS = ("md", "tex")  # files that hold the drawing as the terminal shows it
DRAWN = ("html", "htm", "svg", "png", "pdf", *TEXTS)

Fields = tuple[tuple[str, ...], tuple[str, ...]]
_FIGURE = FigureSettings()
IN_A_FIGURE = "in this figure"


class Figures(FigureSettings):
    """The options of a figure for a paper, among those of a file."""

    OPTIONS = opt.FIGURE_OPTIONS

    precision: int | None
    notation: Notation
    output: str | None
    no_footer: bool

    @property
    def made_by(self) -> str:
        """The command for the footer of a file; empty where none is wanted."""
        from attncli.cli.footer import made_by

        return made_by(self.output, no_footer=self.no_footer)

    def file_request(self, *, quiet: bool, **more: Any) -> "FileRequest":
        """What these options ask of a file, and `more`."""
        from attncli.views.files import FileRequest

        return FileRequest(
            precision=self.precision,
            notation=self.notation,
            figure=self.figure_settings(),
            made_by=self.made_by,
            say=None if quiet else warning,
            **more,
        )

    def figure_settings(self) -> FigureSettings | None:
        """What is asked of a figure; None where nothing is."""
        values = {name: getattr(self, name) for name in FigureSettings.__slots__}
        given = {n: value for n, value in values.items() if value != getattr(_FIGURE, n)}
        return FigureSettings(**given) if given else None

    def figure_options(self) -> dict[str, object]:
        """Those of these options that were given, as `warn_of_vain` takes them."""
        asked = self.figure_settings()
        if asked is None:
            return {}
        given = [n for n in asked.__slots__ if getattr(asked, n) != getattr(_FIGURE, n)]
        names = {n: n.replace("_", "-") for n in given}
        return {
            f"--no-{name}" if getattr(asked, n) is False else f"--{name}": True
            for n, name in names.items()
        }

    def unwritten_numbers(self, precision: int | None) -> list[str]:
        """The options of numbers that were given for a figure that has none."""
        without = self.lines or self.numbers is False
        named = ["--precision"] if without and precision is not None else []
        options = self.figure_options() if self.lines else {}
        return named + [name for name in options if name.endswith("numbers")]


@dataclass(frozen=True, slots=True)
class Manner(Screen, Figures):
    """The options that say how results are shown; `show` None is the command's default."""

    show: str | None = None
    precision: int | None = None
    notation: Notation = "words"
    width: int | None = None
    color: ColorChoice = "auto"
    full: bool = False
    ascii_only: bool = False
    top: int | None = None
    steps: bool = False
    diagram: bool = False
    row: list[str] | None = None
    speak: bool = False
    why: bool = False
    head_map: bool = False
    measure: HeadMeasure | None = None
    output: str | None = None
    no_footer: bool = False
    json: bool = False

    def __post_init__(self) -> None:
        if self.output is not None:
            from attncli.views.files import suffix_of

            for name in ("--json", "--speak"):
                self._expect_no("--output", name, given=self._views[name])
            suffix_of(self.output)
            self._expect_weights_alone()
        if self.speak:
            self._expect_alone("--speak", "--json", "--steps")
        if self.show is not None:
            self.sections()  # a wrong name is said whatever is shown
        if self.diagram:
            self._expect_alone("--diagram", "--steps", "--speak")
        if self.why:
            self._expect_alone("--why", "--json", "--speak", "--steps", "--diagram")
        self._expect_map_alone()
        if self.row and not (self.steps or self.diagram):
            raise UsageError("found no --steps or --diagram, expected one of them", place="--row")

    def _expect_map_alone(self) -> None:
        if self.head_map:
            self._expect_alone("--map", "--speak", "--steps", "--diagram", "--why")
            if self.kind in ("npz", *COLUMNS):
                raise UsageError(
                    f"found a .{self.kind} file, which holds whole results, expected another",
                    place="--map",
                )
        elif self.measure is not None:
            raise UsageError("found no --map, expected both", place="--measure")

    @property
    def _views(self) -> dict[str, bool]:
        """The options that choose another view than tables, and whether each was given."""
        return {
            **{"--json": self.json, "--speak": self.speak, "--steps": self.steps},
            **{"--diagram": self.diagram, "--why": self.why, "--map": self.head_map},
        }

    def _expect_alone(self, place: str, *others: str) -> None:
        """Raises: UsageError where one of these views is asked for too."""
        for other in others:
            self._expect_no(other, place, given=self._views[other])

    @staticmethod
    def _expect_no(other: str, place: str, *, given: bool) -> None:
        if given:
            raise UsageError(f"found {other} too, expected one of them", place=place)

    def _expect_weights_alone(self) -> None:
        """Raises: UsageError where a figure is asked for, and another view in it."""
        views = self._views
        asked = next((n for n in ("--steps", "--diagram", "--why", "--map") if views[n]), None)
        options = self.figure_options() if asked and self.kind in FIGURED else {}
        if options:
            raise UsageError(
                f"found {asked} too; a figure holds the weights alone, expected one of them",
                place=next(iter(options)),
            )

    @property
    def pools(self) -> bool:
        """Whether many layers and heads are drawn together: files and JSON keep all."""
        alone = self.steps or self.diagram or self.why or self.head_map
        return not (self.json or self.output is not None or is_taken() or alone)

    @property
    def keeps_fields(self) -> bool:
        """Whether what is written holds the optional fields of a record."""
        return self.kind in ("--json", "json", "jsonl", "npz", *COLUMNS)

    @property
    def keeps_whole(self) -> bool:
        """Whether what is written holds every part of a result."""
        return self.keeps_fields and not self.head_map

    @property
    def kind(self) -> str:
        """What is written: "tables", the option that chooses something else, or a suffix."""
        if self.output is not None:
            return self.output.rpartition(".")[2].lower()
        return next((name for name, given in self._views.items() if given), "tables")

    @property
    def kind_of_map(self) -> str:
        """What is written of a map of heads, as `warn_of_vain` takes it; empty where none is."""
        if not self.head_map or self.kind == "--map":
            return ""
        return f"--map {'--json' if self.json else self.kind}"

    @property
    def is_figure(self) -> bool:
        """Whether a figure for a paper is written."""
        return self.kind in FIGURED and self.figure_settings() is not None

    def warn_of_show(self, quiet: bool) -> None:
        """Says that sections have no effect where they would have said what a decoder expects."""
        kind = self.kind_of_map or self.kind
        if kind in PREDICTING:
            warn_of_vain(kind, {"--show": self.show}, quiet=quiet)

    def warn_of_vain(self, quiet: bool, *, asks_next: bool = False, **given: str | None) -> None:
        """Says which options, of these and of those given besides, have no effect.

        With `asks_next` the sections hold what a decoder expects next, which other views say too.
        """
        kind = given.pop("kind", None) or self.kind_of_map or self.kind
        options = {
            "--show": None if asks_next and kind in PREDICTING else self.show,
            "--precision": self.precision,
            "--notation": None if self.notation == "words" else self.notation,
            "--top": self.top,
            "--steps": self.steps or None,
            "--row": self.row or None,
            "--diagram": self.diagram or None,
            "--why": self.why or None,
            "--no-footer": self.no_footer or None,
            "--measure": self.measure,
        }
        if self.draws:  # both act on the drawing of the file
            options = options | {"--row": None, "--diagram": None}
        figure = self.figure_options()
        self._say_vain_of_colors(kind, figure, quiet=quiet)
        if figure and self.kind in FIGURED:
            vain = ["--notation"] if options["--notation"] else []
            vain += self.unwritten_numbers(self.precision)
            say_vain(vain, IN_A_FIGURE, quiet=quiet)
            options = options | {"--notation": None, "--precision": None}
            figure = {name: True for name in figure if name not in vain}
            if kind == "--against -o":  # a figure has both
                figure = {name: True for name in figure if name not in acting_on(self.kind)}
        if options["--notation"] is not None and not self._has_equations():
            say_vain(["--notation"], f"on the sections {self.show}", quiet=quiet)
            options = options | {"--notation": None}
        warn_of_vain(
            kind,
            options | self.looks() | figure | {f"--{name}": value for name, value in given.items()},
            quiet=quiet,
        )

    def _say_vain_of_colors(self, kind: str, figure: dict[str, object], *, quiet: bool) -> None:
        """Says where the options of colors do nothing, and takes them out."""
        where = {"--palette": "", "--scale": ""}
        if kind in ("tables", "--against", "--map") and figure:
            colors = self.ink.colors
            where = dict.fromkeys(where, "" if colors else "without color")
            where["--palette"] = (
                "on a terminal of 16 colors" if colors == "16" else where["--scale"]
            )
        elif kind in ("html", "htm") and self.scale.strip().lower() != "max":
            where["--scale"] = "on a page, but for max"
        for name, reason in where.items():
            if reason and figure.pop(name, None):
                say_vain([name], reason, quiet=quiet)

    def ink_of(self, *results: "AttentionResult") -> "Ink":
        """The ink for the weights of these results, in the palette and scale asked for."""
        if self.palette == _FIGURE.palette and self.scale == _FIGURE.scale:
            return self.ink
        from attncli.views.figures.panels import scale_of_weights
        from attncli.views.figures.wishes import scale_of

        low, high = scale_of_weights([r.weights for r in results], scale_of(self.scale))
        return self.ink._replace(palette=self.palette, low=low, high=high)

    def _has_equations(self) -> bool:
        """Whether what is shown holds equations or a heading of weights, where it could."""
        return self.kind != "tables" or not {"weights", "equations"}.isdisjoint(self.sections())

    @property
    def stages_name(self) -> str:
        """What the text below the weights of a file is."""
        return "Why" if self.why else "Every stage"

    @property
    def draws(self) -> bool:
        """Whether the drawing is shown, or in the file that is written."""
        if not self.diagram:
            return False
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
        from attncli.results.fields import STAGE_FIELDS

        if self.steps or self.why:
            return frozenset(STAGE_FIELDS)
        if (self.head_map and self.kind not in ("html", "htm")) or self.kind in COLUMNS:
            return frozenset()
        if self.draws:
            return frozenset((*STAGE_FIELDS, "hidden_states"))
        if self.output is None:
            return frozenset() if self.json or self.speak else frozenset({"embeddings"})
        every = self.output.lower().endswith(".npz")
        return frozenset(STAGE_FIELDS) if every else frozenset({"embeddings", "scores"})

    def fields(self, include: Sequence[str], exclude: Sequence[str]) -> Fields:
        """The fields of the JSON: those asked for, and the stages with --steps."""
        from attncli.results.fields import STAGE_FIELDS

        added = STAGE_FIELDS if self.steps else ()
        return tuple(dict.fromkeys((*include, *added))), tuple(exclude)

    def sections(self, default: "tuple[Section, ...] | None" = None) -> "tuple[Section, ...]":
        """The sections of tables, in their order."""
        from attncli.views.layout import SECTIONS

        asked = opt.listed_names(self.show, (*SECTIONS, "all"), "--show")
        if not asked:
            return SECTIONS if default is None else default
        return SECTIONS if "all" in asked else tuple(s for s in SECTIONS if s in asked)

    def layout(self, default: "tuple[Section, ...] | None" = None) -> "Layout":
        """What the tables show, and how wide."""
        from attncli.views.layout import Layout

        return Layout(
            sections=self.sections(default),
            width=self.columns,
            precision=3 if self.precision is None else self.precision,
            digits=2 if self.precision is None else self.precision,
            everything=self.full,
            top=self.top,
            notation=self.notation,
            overview=self.show is None and default is None,
        )


PLAIN = Manner()
