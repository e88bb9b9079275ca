"""What `--diagram` draws: the words it follows, for the terminal and for files."""

from typing import TYPE_CHECKING

from attncli.cli.manner import TEXTS, Manner
from attncli.errors import AttnError, DataError, UsageError
from attncli.insight.following import places_of_rows
from attncli.insight.learned import NOTHING_LEARNED, Learned

if TYPE_CHECKING:
    from attncli.insight.diagram import Diagram
    from attncli.results.result import AttentionResult
    from attncli.views.ink import Ink

_STAGES = 'attn explain "money bank grows" --steps --json'
_WHY = "found --diagram too, which follows one head of the whole sentence; expected one of them"


def expect_whole(**given: object) -> None:
    """Raises: UsageError for an option that leaves no single head, or no whole sentence."""
    for name, value in given.items():
        if value:
            raise UsageError(_WHY, place=f"--{name}")


def diagrams_of(
    result: "AttentionResult", manner: Manner, learned: Learned = NOTHING_LEARNED
) -> "list[Diagram]":
    """The drawings of a result, one for each word that is followed.

    Raises: UsageError, DataError where it has no stages to draw.
    """
    from attncli.insight.diagram import MOST_WORDS, diagram_of

    words = result.words
    others = result.key_words if result.is_cross else ()
    places = places_of_rows(words, manner.row or (), others) or (_first(result),)
    most = len(words) if manner.full else MOST_WORDS
    try:
        return [diagram_of(result, place, learned, most=most) for place in places]
    except AttnError as error:
        error.place = error.place or "--diagram"
        if isinstance(error, DataError):
            error.hints = (f"{_STAGES} | attn view - --diagram",)
        raise


def diagram_text(
    result: "AttentionResult", manner: Manner, learned: Learned = NOTHING_LEARNED
) -> str:
    """The drawings of a result as text for the terminal."""
    from attncli.views.explain import title_lines

    ink, width = manner.ink, manner.columns
    drawings = _texts(result, manner, learned, ink, width)
    return "\n".join([ink.rendered(title_lines(result, ink, width)), *drawings])


def diagram_of_file(
    result: "AttentionResult", manner: Manner, learned: Learned, width: int
) -> tuple[str, ...]:
    """The drawings of a result as one text for a file that holds texts, else nothing."""
    if manner.kind not in TEXTS:
        return ()
    from attncli.views.ink import Ink

    return ("\n".join(_texts(result, manner, learned, Ink(unicode=not manner.ascii_only), width)),)


def _texts(
    result: "AttentionResult", manner: Manner, learned: Learned, ink: "Ink", width: int
) -> list[str]:
    from attncli.views.diagram_lines import diagram_lines

    precision, notation = manner.precision, manner.notation
    return [
        ink.rendered(
            diagram_lines(diagram, ink, width=width, precision=precision, notation=notation)
        )
        for diagram in diagrams_of(result, manner, learned)
    ]


def _first(result: "AttentionResult") -> int:
    """The first token that is a word of the sentence."""
    statuses = [token.status for token in result.tokens]
    return next((i for i, status in enumerate(statuses) if status != "special"), 0)
