"""Each shared option, defined once: same name, same meaning, on every command."""

from typing import Annotated, Any, Literal, TypeAlias

import typer

from attncli import settings
from attncli.errors import UsageError

# The titles under which help lists options, in their order; an option has its one on every command.
INPUT, VECTORS, ATTENTION, MODEL = "Input", "Vectors", "Attention", "Model"
CHOOSING, LEARNING, OUTPUT = "Choosing", "Learning", "Output"
RUNNING, LIMITS, OTHER = "Running", "Limits", "Other"
TITLES = (
    *(INPUT, VECTORS, ATTENTION, MODEL, CHOOSING, LEARNING, OUTPUT),
    *(RUNNING, LIMITS, OTHER),
)

Texts: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="TEXT...",
        help="Sentences; - reads lines from standard input.",
        show_default=False,
    ),
]
FileOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--file",
        "-f",
        metavar="FILE",
        help="Read the sentences of a file: one a line, or the column text of a table.",
        rich_help_panel=INPUT,
    ),
]
Vectors: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="NAME|FILE",
        help="Where words get their vectors: glove (built in), random, an imported name, a file of "
        "vectors, preset:NAME, or layers of a transformer: model:DIR[:LAYERS].",
        rich_help_panel=VECTORS,
    ),
]
Inline: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="VECTORS",
        help="Vectors written out: 'money=1,0;bank=.8,.6'.",
        rich_help_panel=VECTORS,
        show_default=False,
    ),
]
Preset: TypeAlias = Annotated[
    settings.PresetName | None,
    typer.Option(
        metavar="NAME",
        help="Small vectors with a worked example and its settings: lecture, thinking-machines, "
        "journey or by-hand.",
        rich_help_panel=VECTORS,
        show_default=False,
    ),
]
NoCache: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--no-cache", help="Neither read nor write converted vectors.", rich_help_panel=VECTORS
    ),
]
Dim: TypeAlias = Annotated[
    int,
    typer.Option(
        metavar="N", help="Values of a random vector.", rich_help_panel=VECTORS, min=1, max=65536
    ),
]
Seed: TypeAlias = Annotated[
    int, typer.Option(metavar="N", help="Seed of random vectors.", rich_help_panel=VECTORS)
]
Oov: TypeAlias = Annotated[
    settings.OovPolicy,
    typer.Option(
        metavar="POLICY",
        help="Unknown words: random, zero, mean, skip, error, subword or nearest.",
        rich_help_panel=VECTORS,
    ),
]
Tokenizer: TypeAlias = Annotated[
    settings.TokenizerName,
    typer.Option(
        metavar="NAME",
        help="How a sentence is cut: words (UAX #29), whitespace or chars.",
        rich_help_panel=VECTORS,
    ),
]
ScoreOption: TypeAlias = Annotated[
    settings.Score,
    typer.Option(
        metavar="SCORE",
        help="How scores are made: scaled (1/√d), dot or cosine.",
        rich_help_panel=ATTENTION,
    ),
]
Temperature: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="T",
        help="Divide the scores by T: small is sharp, large is flat (default 1).",
        rich_help_panel=ATTENTION,
        show_default=False,
    ),
]
AttentionKind: TypeAlias = Annotated[
    settings.AttentionKind,
    typer.Option(
        metavar="KIND",
        help="Without or with parameters: general (none) or task (random W_q, W_k, W_v, untrained).",
        rich_help_panel=ATTENTION,
    ),
]
RandomMatrices: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--random-matrices",
        help="The same as --attention task: W_q, W_k and W_v drawn at random by --seed, untrained.",
        rich_help_panel=ATTENTION,
    ),
]
Heads: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        max=256,
        help="Heads of --attention task (default 1).",
        rich_help_panel=ATTENTION,
        show_default=False,
    ),
]
KeySize: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        max=4096,
        help="Values of a query or key in --attention task (default: dim ÷ heads).",
        rich_help_panel=ATTENTION,
        show_default=False,
    ),
]
ValueSize: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        max=4096,
        help="Values of a new embedding, each head (default: dim ÷ heads).",
        rich_help_panel=ATTENTION,
        show_default=False,
    ),
]
PositionKind: TypeAlias = Annotated[
    settings.Positions,
    typer.Option(
        metavar="KIND",
        help="How --attention task sees order: none, sinusoidal, rope, learned, relative.",
        rich_help_panel=ATTENTION,
    ),
]


def _own(metavar: str, meaning: str) -> Any:
    return typer.Option(
        metavar=metavar, help=meaning, rich_help_panel=ATTENTION, show_default=False
    )


QueryMatrix: TypeAlias = Annotated[
    str | None,
    _own(
        "MATRIX",
        "Your own W_q (d × d_k) for task-specific attention: '1,0;0,1' (rows by ;, heads by |) "
        "or @FILE. Of W_q, W_k, W_v those not given are the identity.",
    ),
]
KeyMatrix: TypeAlias = Annotated[str | None, _own("MATRIX", "Your own W_k (d × d_k).")]
ValueMatrix: TypeAlias = Annotated[str | None, _own("MATRIX", "Your own W_v (d × d_v).")]
OutputMatrix: TypeAlias = Annotated[
    str | None, _own("MATRIX", "Your own W_o (heads·d_v × d) behind the heads; none if not given.")
]
Matrices: TypeAlias = Annotated[
    str | None,
    _own("FILE", "An exercise in one file, TOML or JSON: sentence, vectors, matrices."),
]
Model: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="MODEL",
        help="Show the attention of a model: a file that attn train wrote, idioms or lecture "
        "(they ship with attn), or a transformer: a checkpoint folder or its name in the Hugging Face cache.",
        rich_help_panel=MODEL,
        show_default=False,
    ),
]
Pair: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="A second sentence that a transformer reads with each.",
        rich_help_panel=MODEL,
        show_default=False,
    ),
]
Truncate: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--truncate",
        help="Cut a sentence too long for a transformer.",
        rich_help_panel=MODEL,
    ),
]
Against: TypeAlias = Annotated[
    Literal["general"] | None,
    typer.Option(
        metavar="general",
        help="Show general attention beside --model or --attention task.",
        rich_help_panel=ATTENTION,
        show_default=False,
    ),
]
Target: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="WORD",
        help="The word, or its number from 0, whose label --model predicts.",
        rich_help_panel=MODEL,
        show_default=False,
    ),
]
TargetSelf: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="W",
        help="Find the temperature whose mean self-weight is W.",
        rich_help_panel=ATTENTION,
    ),
]
Causal: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--causal", help="A word sees itself and earlier ones.", rich_help_panel=ATTENTION
    ),
]
Window: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="K", min=0, help="A word sees K words to each side.", rich_help_panel=ATTENTION
    ),
]
SeeSelf: TypeAlias = Annotated[
    bool,
    typer.Option("--self/--no-self", help="A word sees itself.", rich_help_panel=ATTENTION),
]
MaxTokens: TypeAlias = Annotated[
    int,
    typer.Option(metavar="N", min=1, help="Longest sentence allowed.", rich_help_panel=INPUT),
]
Show: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="A,B",
        help="Sections of the tables: tokens, weights, equations, embeddings, moved; or all.",
        rich_help_panel=OUTPUT,
    ),
]
Precision: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, max=9, help="Digits after the point.", rich_help_panel=OUTPUT),
]
Notation: TypeAlias = Annotated[
    settings.Notation,
    typer.Option(
        metavar="NAME",
        help="Symbols of equations: words, or lecture: e_money(new) = w11·e_m + w12·e_b.",
        rich_help_panel=OUTPUT,
    ),
]
Width: TypeAlias = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, max=10_000, help="Columns to use.", rich_help_panel=OUTPUT),
]
Color: TypeAlias = Annotated[
    Literal["auto", "always", "never"],
    typer.Option(metavar="WHEN", help="Color: auto, always or never.", rich_help_panel=OUTPUT),
]
Full: TypeAlias = Annotated[
    bool,
    typer.Option("--full", help="Show every word of a long sentence.", rich_help_panel=OUTPUT),
]
Json: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print JSON, one object a line.", rich_help_panel=OUTPUT)
]
Include: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="A,B",
        help="Add fields to the JSON: embeddings, query, key, value, scores, measures.",
        rich_help_panel=OUTPUT,
    ),
]
Exclude: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="A,B", help="Leave fields out of the JSON.", rich_help_panel=OUTPUT),
]
Quiet: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="No warnings on stderr.", rich_help_panel=OUTPUT)
]
Output: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write a file, of the kind that its suffix says: html svg png pdf json md tex csv tsv, "
        "and but for compare jsonl npz.",
        rich_help_panel=OUTPUT,
    ),
]
NoFooter: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--no-footer",
        help="Leave out of a page, picture, Markdown or TeX the command that made it.",
        rich_help_panel=OUTPUT,
    ),
]
Steps: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--steps", help="Every stage with its formula and numbers.", rich_help_panel=OUTPUT
    ),
]
Diagram: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--diagram",
        help="Draw one word's way: query, products, softmax, sum; also -o html, svg, png, pdf.",
        rich_help_panel=OUTPUT,
    ),
]
Row: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="WORD",
        help="Follow one word or a few through --steps or --diagram: words or places from 0, as A,B.",
        rich_help_panel=OUTPUT,
        show_default=False,
    ),
]
Top: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="K", min=1, help="Only the K strongest words of each row.", rich_help_panel=OUTPUT
    ),
]
Why: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--why",
        help="Say in six lines why the weights are these, and not those of the lecture's notes.",
        rich_help_panel=OUTPUT,
    ),
]
Speak: TypeAlias = Annotated[
    bool,
    typer.Option("--speak", help="Say the weights in plain sentences.", rich_help_panel=OUTPUT),
]
Ascii: TypeAlias = Annotated[
    bool, typer.Option("--ascii", help="Print ASCII characters only.", rich_help_panel=OUTPUT)
]


def is_place(text: str) -> bool:
    """Whether a text is a number that a place in a sentence can have."""
    return text.isdecimal() and len(text) < 10


def listed_names(value: str | None, allowed: tuple[str, ...], option: str) -> tuple[str, ...]:
    """The names in a comma-separated value. Raises: UsageError for one that is not allowed."""
    names = tuple(name.strip() for name in (value or "").split(",") if name.strip())
    for name in names:
        if name not in allowed:
            from attncli.escape import did_you_mean, quoted

            expected = f"expected one of {', '.join(allowed)}{did_you_mean(name, allowed)}"
            raise UsageError(f"found {quoted(name)}, {expected}", place=option)
    return names
