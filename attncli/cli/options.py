"""Each shared option, defined once: same name, same meaning, on every command."""

import os
from typing import TYPE_CHECKING, Annotated, Any, Literal

from attncli import settings
from attncli.cli.parameters import CommandParameter
from attncli.errors import UsageError

if TYPE_CHECKING:
    import typer

# The titles under which help lists options, in their order; an option has its one on every command.
INPUT, VECTORS, ATTENTION, MODEL = "Input", "Vectors", "Attention", "Model"
CHOOSING, LEARNING, OUTPUT, FIGURE = "Choosing", "Learning", "Output", "Figure"
RUNNING, LIMITS, OTHER = "Running", "Limits", "Other"
TITLES = (
    *(INPUT, VECTORS, ATTENTION, MODEL, CHOOSING, LEARNING, OUTPUT, FIGURE),
    *(RUNNING, LIMITS, OTHER),
)

_SHELL_ASKS = "_ATTN_COMPLETE" in os.environ


def option(
    title: str, metavar: str, meaning: str, *names: str, complete: str = "", **limits: Any
) -> Any:
    """An option with a value: its title in help, what stands for the value, what it means.

    `complete` is the kind of names that shells complete.
    """
    if complete and _SHELL_ASKS:
        from attncli.cli.completing import completer

        limits["autocompletion"] = completer(complete)
    return CommandParameter(*names, metavar=metavar, help=meaning, rich_help_panel=title, **limits)


def switch(title: str, meaning: str, *names: str) -> Any:
    """An option without a value, by its names: its title in help, what it means."""
    return CommandParameter(*names, help=meaning, rich_help_panel=title)


def argument(metavar: str, meaning: str, **shown: Any) -> Any:
    """An argument: what stands for it in help, and what it means."""
    return CommandParameter(is_argument=True, metavar=metavar, help=meaning, **shown)


def commands(name: str) -> "typer.Typer":
    """An app of several commands under one name."""
    import typer

    return typer.Typer(
        name=name,
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


Texts = Annotated[
    list[str] | None,
    argument("TEXT...", "Sentences; - reads lines from standard input.", show_default=False),
]
FileOption = Annotated[
    str | None,
    option(
        INPUT,
        "FILE",
        "Read the sentences of a file: one a line, or the column text of a table.",
        "--file",
        "-f",
    ),
]
# The options of `MechanismSettings`, in the order of its fields.
MECHANISM_OPTIONS: dict[str, Any] = {
    "vectors": option(
        VECTORS,
        "NAME|FILE",
        "Where words get their vectors: glove (built in), random, an imported name, a file of "
        "vectors, preset:NAME, or layers of a transformer: model:DIR[:LAYERS].",
        complete="vectors",
    ),
    "inline": option(VECTORS, "VECTORS", "Vectors written out: 'money=1,0;bank=.8,.6'."),
    "preset": option(
        VECTORS,
        "NAME",
        "Small vectors with a worked example and its settings: lecture, thinking-machines, "
        "journey or by-hand.",
    ),
    "no_cache": switch(VECTORS, "Neither read nor write converted vectors.", "--no-cache"),
    "dim": option(VECTORS, "N", "Values of a random vector.", min=1, max=65536),
    "seed": option(VECTORS, "N", "Seed of random vectors."),
    "oov": option(
        VECTORS, "POLICY", "Unknown words: random, zero, mean, skip, error, subword or nearest."
    ),
    "tokenizer": option(
        VECTORS, "NAME", "How a sentence is cut: words (UAX #29), whitespace or chars."
    ),
    "score": option(ATTENTION, "SCORE", "How scores are made: scaled (1/√d), dot or cosine."),
    "temperature": option(
        ATTENTION, "T", "Divide the scores by T: small is sharp, large is flat (default 1)."
    ),
    "target_self": option(ATTENTION, "W", "Find the temperature whose mean self-weight is W."),
    "causal": switch(ATTENTION, "A word sees itself and earlier ones.", "--causal"),
    "window": option(ATTENTION, "K", "A word sees K words to each side.", min=0),
    "see_self": switch(ATTENTION, "A word sees itself.", "--self/--no-self"),
    "max_tokens": option(INPUT, "N", "Longest sentence allowed.", min=1),
    "attention": option(
        ATTENTION,
        "KIND",
        "Without or with parameters: general (none) or task (random W_q, W_k, W_v, untrained).",
    ),
    "random_matrices": switch(
        ATTENTION,
        "The same as --attention task: W_q, W_k and W_v drawn at random by --seed, untrained.",
        "--random-matrices",
    ),
    "heads": option(ATTENTION, "N", "Heads of --attention task (default 1).", min=1, max=256),
    "d_k": option(
        ATTENTION,
        "N",
        "Values of a query or key in --attention task (default: dim ÷ heads).",
        min=1,
        max=4096,
    ),
    "d_v": option(
        ATTENTION,
        "N",
        "Values of a new embedding, each head (default: dim ÷ heads).",
        min=1,
        max=4096,
    ),
    "positions": option(
        ATTENTION,
        "KIND",
        "How --attention task sees order: none, sinusoidal, rope, learned, relative.",
    ),
    "model": option(
        MODEL,
        "MODEL",
        "Show the attention of a model: a file that attn train wrote, idioms or lecture "
        "(they ship with attn), or a transformer: a checkpoint folder, its name in the Hugging Face cache, or a GGUF file.",
        "--model",
        "-m",
        complete="models",
    ),
    "target": option(
        MODEL, "WORD", "The word, or its number from 0, whose label --model predicts."
    ),
    "pair": option(
        MODEL,
        "TEXT",
        "A second sentence that a transformer reads with each; a decoder after an encoder reads it alone.",
    ),
    "truncate": switch(MODEL, "Cut a sentence too long for a transformer.", "--truncate"),
    "complete": option(
        MODEL,
        "N",
        "Let a language model go on by up to N tokens, the likeliest each time, or a decoder "
        "write what --pair would give it.",
        min=1,
        max=settings.MOST_WRITTEN,
    ),
    "w_q": option(
        ATTENTION,
        "MATRIX",
        "Your own W_q (d × d_k) for task-specific attention: '1,0;0,1' (rows by ;, heads by |) "
        "or @FILE. Of W_q, W_k, W_v those not given are the identity.",
    ),
    "w_k": option(ATTENTION, "MATRIX", "Your own W_k (d × d_k)."),
    "w_v": option(ATTENTION, "MATRIX", "Your own W_v (d × d_v)."),
    "w_o": option(
        ATTENTION, "MATRIX", "Your own W_o (heads·d_v × d) behind the heads; none if not given."
    ),
    "matrices": option(
        ATTENTION, "FILE", "An exercise in one file, TOML or JSON: sentence, vectors, matrices."
    ),
}
Vectors = Annotated[str, MECHANISM_OPTIONS["vectors"]]
NoCache = Annotated[bool, MECHANISM_OPTIONS["no_cache"]]
Dim = Annotated[int, MECHANISM_OPTIONS["dim"]]
Oov = Annotated[settings.OovPolicy, MECHANISM_OPTIONS["oov"]]
Tokenizer = Annotated[settings.TokenizerName, MECHANISM_OPTIONS["tokenizer"]]
MaxTokens = Annotated[int, MECHANISM_OPTIONS["max_tokens"]]
Causal = Annotated[bool, MECHANISM_OPTIONS["causal"]]
Window = Annotated[int | None, MECHANISM_OPTIONS["window"]]

# The options of `FigureSettings`.
FIGURE_OPTIONS: dict[str, Any] = {
    "title": option(
        FIGURE,
        "TEXT",
        "A line above the figure; any of these options makes a picture or TeX a "
        "figure for a paper, the weights alone.",
    ),
    "size": option(FIGURE, "WxH", "Its exact size: 800x600 (px), 8cmx6cm; also mm, in, pt."),
    "palette": option(
        FIGURE,
        "NAME",
        "Colors, in tables and pages too: viridis, cividis, magma; blues or greys on white.",
    ),
    "scale": option(
        FIGURE,
        "LOW,HIGH",
        "Weights at the ends of the colors, or max: 0 and the largest; in tables too.",
    ),
    "numbers": switch(
        FIGURE, "The weights in the cells; else where they can be read.", "--numbers/--no-numbers"
    ),
    "legend": switch(FIGURE, "The scale of the colors.", "--legend/--no-legend"),
    "axes": switch(
        FIGURE,
        "Titles of the axes (attends from, attends to) beside the words; --no-axes: no words either.",
        "--axes/--no-axes",
    ),
    "font_size": option(
        FIGURE, "SIZE", "Size of letters: 12 (px), 9pt; smaller where words need it."
    ),
    "grid": option(
        FIGURE, "CxR", "Columns x rows of several matrices: 4x3, or auto; a PDF takes more pages."
    ),
    "lines": switch(FIGURE, "Two columns of words, and lines between them by weight.", "--lines"),
    "fragment": switch(FIGURE, "TeX as a part to \\input, not a document.", "--fragment"),
}


Against = Annotated[
    Literal["general"] | None,
    option(ATTENTION, "general", "Show general attention beside --model or --attention task."),
]
# What says how a result is shown: a field of a group that has no option of its own takes it here.
SHOWING_OPTIONS: dict[str, Any] = {
    "show": option(
        OUTPUT,
        "A,B",
        "Sections of the tables: tokens, next, weights, equations, embeddings, moved; or all. Without it: a first screen.",
        complete="sections",
    ),
    "precision": option(
        OUTPUT,
        "N",
        "Digits after the point; in --steps those of weights: vectors have 3 more, scores 1.",
        min=1,
        max=9,
    ),
    "notation": option(
        OUTPUT, "NAME", "Symbols of equations: words, or lecture: e_money(new) = w11·e_m + w12·e_b."
    ),
    "width": option(OUTPUT, "N", "Columns to use.", min=1, max=10_000),
    "color": option(OUTPUT, "WHEN", "Color: auto, always or never."),
    "full": switch(OUTPUT, "Show every word of a long sentence.", "--full"),
    "ascii_only": switch(OUTPUT, "Print ASCII characters only.", "--ascii"),
    "top": option(OUTPUT, "K", "Only the K strongest words of each row.", min=1),
    "steps": switch(OUTPUT, "Every stage with its formula and numbers.", "--steps"),
    "diagram": switch(
        OUTPUT,
        "Draw one word's way: query, products, softmax, sum; also -o html, svg, png, pdf.",
        "--diagram",
    ),
    "row": option(
        OUTPUT,
        "WORD",
        "Follow one word or a few through --steps or --diagram: words or places from 0, as A,B.",
        complete="words",
    ),
    "speak": switch(OUTPUT, "Say the weights in plain sentences.", "--speak"),
    "why": switch(
        OUTPUT,
        "Say in six lines why the weights are these, and not those of the lecture's notes.",
        "--why",
    ),
    "head_map": switch(
        OUTPUT,
        "A map of all layers and heads, a cell for each: what it looks at most; also -o html, "
        "svg, png, pdf, md, tex, csv, json.",
        "--map",
    ),
    "measure": option(
        OUTPUT,
        "NAME",
        "The number of --map: first, previous, self, next, separators (shares of the weight) or entropy.",
        "--measure",
    ),
    "output": option(
        OUTPUT,
        "FILE",
        "Write a file, of the kind that its suffix says: html svg png pdf json md tex csv tsv, "
        "and but for compare jsonl npz parquet arrow feather.",
        "--output",
        "-o",
    ),
    "no_footer": switch(
        OUTPUT,
        "Leave out of a page, picture, Markdown or TeX the command that made it.",
        "--no-footer",
    ),
    "json": switch(OUTPUT, "Print JSON, one object a line.", "--json"),
    "include": option(
        OUTPUT,
        "A,B",
        "Add fields to JSON, Parquet and Arrow: embeddings, query, key, value, scores, measures, hidden_states; "
        "next: what a language model expected at each token.",
        complete="fields",
    ),
    "exclude": option(
        OUTPUT, "A,B", "Leave fields out of JSON, Parquet and Arrow.", complete="left out"
    ),
    "quiet": switch(OUTPUT, "No warnings on stderr.", "--quiet", "-q"),
}
Json = Annotated[bool, SHOWING_OPTIONS["json"]]
Include = Annotated[str | None, SHOWING_OPTIONS["include"]]
Exclude = Annotated[str | None, SHOWING_OPTIONS["exclude"]]
Quiet = Annotated[bool, SHOWING_OPTIONS["quiet"]]


def is_place(text: str) -> bool:
    """Whether a text is a number that a place in a sentence can have."""
    return text.isdecimal() and len(text) < 10


def listed_names(value: str | None, allowed: tuple[str, ...], option: str) -> tuple[str, ...]:
    """The names in a comma-separated value. Raises: UsageError for one that is not allowed."""
    names = tuple(name.strip() for name in (value or "").split(",") if name.strip())
    for name in names:
        if name not in allowed:
            from attncli.errors.wording import did_you_mean, quoted

            expected = f"expected one of {', '.join(allowed)}{did_you_mean(name, allowed)}"
            raise UsageError(f"found {quoted(name)}, {expected}", place=option)
    return names


def chosen_fields(
    include: str | None, exclude: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The fields of a record that --include and --exclude name. Raises: UsageError."""
    from attncli.results.fields import EXCLUDED_FIELDS, INCLUDED_FIELDS

    return (
        listed_names(include, INCLUDED_FIELDS, "--include"),
        listed_names(exclude, EXCLUDED_FIELDS, "--exclude"),
    )
