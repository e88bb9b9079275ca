"""How a comparison is shown: the options that say so, and the one place that shows it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attncli.cli.manner import IN_A_FIGURE, Figures
from attncli.cli.running import hand_over
from attncli.cli.screen import ColorChoice, Screen
from attncli.cli.terminal import say_written, write, write_record
from attncli.cli.vain_options import COMPARISONS, FIGURED, looks, say_vain, warn_of_vain
from attncli.errors import UsageError
from attncli.settings import Notation
from attncli.settings.frozen import dataclass

if TYPE_CHECKING:
    from attncli.cli.manner import Manner
    from attncli.insight.movement import Movement
    from attncli.results.comparison import Comparison
    from attncli.results.result import AttentionResult


@dataclass(frozen=True, slots=True)
class ComparisonManner(Screen, Figures):
    """The options that say how a comparison is shown."""

    precision: int | None = None
    notation: Notation = "words"
    width: int | None = None
    color: ColorChoice = "auto"
    ascii_only: bool = False
    top: int | None = None
    output: str | None = None
    no_footer: bool = False
    json: bool = False

    def __post_init__(self) -> None:
        if self.output is not None:
            from attncli.views.files import COMPARISON_SUFFIXES, suffix_of

            if self.json:
                raise UsageError("found --output too, expected one of them", place="--json")
            suffix_of(self.output, COMPARISON_SUFFIXES)

    @property
    def kind(self) -> str:
        """What is written: "--json", "tables", or the suffix of a file."""
        if self.json or self.output is None:
            return "--json" if self.json else "tables"
        return self.output.rpartition(".")[2].lower()

    def warn_of_vain(self, neighbors: int | None, quiet: bool) -> None:
        """Says which of these options, and of the `neighbors` asked for, have no effect."""
        given: dict[str, object] = {"--precision": self.precision, "--top": self.top}
        given |= {"--no-footer": self.no_footer, "--neighbors": neighbors}
        given |= {"--notation": None if self.notation == "words" else self.notation}
        given |= looks(width=self.width, color=self.color, ascii_only=self.ascii_only)
        given |= self.figure_options()
        if self.kind in FIGURED and self.figure_settings():
            vain = [] if neighbors is None else ["--neighbors"]
            vain += self.unwritten_numbers(self.precision)
            say_vain(vain, IN_A_FIGURE, quiet=quiet)
            given = {name: value for name, value in given.items() if name not in vain}
        warn_of_vain(self.kind, given, COMPARISONS, quiet=quiet)


PLAINLY = ComparisonManner()


def show_comparison(
    comparison: "Comparison",
    manner: "ComparisonManner | Manner",
    results: "Sequence[AttentionResult]" = (),
    *,
    movements: "Sequence[Sequence[Movement]]" = (),
    notation: Notation = "words",
    quiet: bool,
) -> None:
    """Prints a comparison, as text or JSON, or writes it to the file of --output.

    A file has the `results` that were compared too, where they are at hand.
    """
    precision, top = manner.precision, manner.top
    if manner.json:
        write_record(comparison.to_record())
    elif manner.output is not None:
        from attncli.views.files import write_comparison

        asked = manner.file_request(quiet=quiet, movements=movements)
        write_comparison(manner.output, comparison, results, asked._replace(notation=notation))
        say_written(manner.output, quiet=quiet)
    elif not hand_over(comparison):
        from attncli.results.displayed import displayed_comparison
        from attncli.views.compare import comparison_lines

        ink, digits = manner.ink, 3 if precision is None else precision
        seen, width = displayed_comparison(comparison, results), manner.columns
        lines = comparison_lines(seen, ink, width=width, precision=digits, top=top)
        write(ink.rendered(lines))
