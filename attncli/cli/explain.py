"""`attn explain`: one sentence or a few, shown or as JSON."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from attncli.cli import options as opt
from attncli.cli.groups import DEFAULTS, Mechanism, analysis_of_options, effects_of
from attncli.cli.manner import IN_A_FIGURE, PLAIN, Fields, Manner
from attncli.cli.running import is_taken
from attncli.cli.selecting import part_of
from attncli.cli.showing import say_which_part, show_outcomes
from attncli.cli.spreading import grouped
from attncli.cli.terminal import message, standard_input
from attncli.cli.vain_options import say_vain
from attncli.errors import UsageError
from attncli.errors.wording import typed, visible
from attncli.files.apart import expect_writable, files_given, written
from attncli.insight.learned import NOTHING_LEARNED

if TYPE_CHECKING:
    from attncli.api.analysis import Analysis
    from attncli.files.rows.sentences import Sentence
    from attncli.settings import Keeps

EVERYTHING = "everything: --show all"
POINTER = f"{EVERYTHING}; where these weights come from: --why"


@grouped
def explain(
    texts: opt.Texts = None,
    file: opt.FileOption = None,
    mechanism: Mechanism = DEFAULTS,
    manner: Manner = PLAIN,
    include: opt.Include = None,
    exclude: opt.Exclude = None,
    quiet: opt.Quiet = False,
    against: opt.Against = None,
) -> None:
    """Show the self-attention of a sentence: weights, new embeddings.

    \b
    Examples:
      attn explain "money bank grows"
      attn explain "money bank grows" "river bank flows" --show weights,moved
      attn explain "money bank grows" --target-self 0.7
      attn explain "dogs chase cats" --vectors random --seed 7 --causal
      attn explain "money bank grows" --steps --row bank
      attn explain "money bank grows" --why
      attn explain "money bank grows" --model lecture
      attn explain --preset by-hand --steps
      attn explain "money bank grows" --attention task --heads 2 --d-k 3 --seed 1
      attn explain "money bank grows" --diagram --row bank -o drawing.svg
      attn explain "cat sat" --inline 'cat=1,0;sat=0,1' --w-q '1,0;0,1' --w-k '0,1;1,0' --steps
      attn explain "that exam was a piece of cake" --model idioms --against general
      attn explain "money bank grows" --model ./all-MiniLM-L6-v2 --layer 5 --hide special
      attn explain "money bank grows" "river bank flows" -o banks.html
      attn explain "money bank grows" -o bank.pdf --size 8cmx6cm --palette blues --axes
      attn explain --file sample_sentences.txt --json
      echo "river bank flows" | attn explain - --json --include scores,measures
    """
    _expect_one_head(mechanism, manner, against)
    expect_writable(written("output", manner.output), _inputs(file, mechanism))
    fields = manner.fields(*opt.chosen_fields(include, exclude))
    kind = None if against is None else _against_kind(manner)
    asks_next = _asks_next(manner, mechanism)
    manner.warn_of_vain(quiet, asks_next=asks_next, kind=kind, include=include, exclude=exclude)
    say_vain(_left_out_anyway(fields), "(these fields come only with --include)", quiet=quiet)
    _say_vain_of_mechanism(mechanism, manner, against, quiet)
    waited_for = fields[0] if include is not None and (manner.json or manner.output) else ()
    effects = effects_of(mechanism, include=waited_for)
    chooses = mechanism.chooses or (mechanism.has_one_matrix and not mechanism.hide)
    analysis = analysis_of_options(
        mechanism,
        frozenset(fields[0]) | _needed(manner, mechanism),
        asked=frozenset(fields[0] if manner.keeps_fields else ()),
        in_short=manner.pools and against is None and not chooses,
        foresees=against is None and "next" not in fields[1],
        keeps=_kept(manner, fields),
        drawn=not manner.keeps_whole,
        whole=False,
        quiet=quiet,
    )
    if against is None and _reads_no_weights(manner, fields):
        analysis = analysis.without_weights()
    loose, texts = texts, joined_words(texts)
    if asks_next and against is None and not analysis.analyser.has_parts:
        manner.warn_of_show(quiet)
    with _said_below(_read_as_one(loose, texts), quiet=quiet):
        given = given_sentences(texts, file, mechanism, most=1, quiet=quiet)
        outcomes = analysis.outcomes(given, None if file is None else visible(file))
        if against is not None:
            from attncli.cli.against import show_against

            general = analysis.general(part_of(hide=mechanism.hide))
            show_against(outcomes, general, manner, quiet, effects)
            return
        learned = analysis.learned if manner.steps or manner.diagram else NOTHING_LEARNED
        among = None if manner.json else analysis.space  # JSON has no nearest words
        pointer = _pointer(manner, mechanism, analysis)
        show_outcomes(outcomes, among, manner, fields, quiet, learned, effects, pointer)
        of_three = mechanism.part is None and analysis.analyser.has_parts
        is_decoder = mechanism.part == "decoder"
        say_which_part(manner, is_shown=of_three, is_decoder=is_decoder, quiet=quiet)
        if mechanism.model is not None:
            from attncli.cli.pairs import say_of_both

            say_of_both(texts, analysis, mechanism, manner, quiet=quiet)


def _kept(manner: Manner, fields: Fields) -> "Keeps":
    """What is kept of the weights: the numbers of a map alone, what a page holds, or all."""
    if fields[0] or is_taken():
        return "all"
    if manner.kind in ("html", "htm"):
        return "all" if manner.steps or manner.why or manner.diagram else "page"
    return "map" if manner.head_map else "all"


def _reads_no_weights(manner: Manner, fields: Fields) -> bool:
    """Whether JSON is all that is made, without weights and without what is made of them."""
    drawn = manner.head_map or manner.steps or manner.why or manner.diagram
    is_json = manner.json or manner.kind in ("json", "jsonl")
    return is_json and "weights" in fields[1] and not drawn and not is_taken()


def _needed(manner: Manner, mechanism: Mechanism) -> frozenset[str]:
    """The optional fields that are shown; a drawing of a decoder's part needs no scores, its stages do.

    What may come next is said of a decoder only where it is asked for.
    """
    needed = manner.needs()
    if mechanism.pair is None and mechanism.complete is None:
        return needed
    follows = manner.steps or manner.diagram
    if mechanism.part != "encoder" and manner.kind != "npz" and not follows:
        needed -= {"scores"}
    return needed | ({"next"} if _asks_next(manner, mechanism) else set())


def _asks_next(manner: Manner, mechanism: Mechanism) -> bool:
    """Whether it is asked what a decoder expects after its text, which it says in every view."""
    reads = mechanism.pair is not None or mechanism.complete is not None
    return reads and manner.show is not None and "next" in manner.show


def _say_vain_of_mechanism(
    mechanism: Mechanism, manner: Manner, against: str | None, quiet: bool
) -> None:
    """Says which options of the mechanism do not show in weights alone."""
    if against is not None:
        vain = ["--d-v"] if mechanism.d_v is not None else []
        say_vain(vain, "with --against, which shows weights", quiet=quiet)
    elif manner.is_figure:
        unseen = {"--d-v": mechanism.d_v, "--target": mechanism.target}
        say_vain([name for name, value in unseen.items() if value], IN_A_FIGURE, quiet=quiet)


def _expect_one_head(mechanism: Mechanism, manner: Manner, against: str | None) -> None:
    """Raises: UsageError where a view follows one head, and something leaves no single one."""
    for name, given in (("--agg", mechanism.agg), ("--merge", mechanism.merge)):
        if (manner.steps or manner.why) and given:
            option = "--steps" if manner.steps else "--why"
            raise UsageError(
                f"found {option} too, which follows one head piece by piece; expected one of them",
                place=name,
            )
    if manner.diagram:
        from attncli.cli.drawing import expect_whole

        m = mechanism
        expect_whole(agg=m.agg, merge=m.merge, hide=m.hide, against=against)


def _against_kind(manner: Manner) -> str:
    """What is written with --against, as `warn_of_vain` takes it."""
    return "--against" + (" --json" if manner.json else " -o" if manner.output is not None else "")


def _pointer(manner: Manner, mechanism: Mechanism, analysis: "Analysis") -> str:
    """The line below a first screen: how to see everything, and why the weights are what they are;
    of an encoder with a decoder the way to the other attentions.
    """
    if manner.kind != "tables" or manner.show is not None:
        return ""
    if analysis.analyser.idle_decoder:
        return f"{EVERYTHING}; with a text for the decoder: --pair TEXT"
    if analysis.analyser.has_parts:
        across = mechanism.part in (None, "cross")
        others = "self-attention: --part decoder, --part encoder"
        return f"{EVERYTHING}; {others if across else 'cross-attention: --part cross'}"
    return POINTER if mechanism.is_plain and manner.top is None else EVERYTHING


def _inputs(file: str | None, mechanism: Mechanism) -> "Iterator[str | None]":
    """What is read here; asked for only where something is written to a file."""
    from attncli.api.files_read import files_read

    yield from files_given([file])
    yield from files_read(mechanism.settings())


def _left_out_anyway(fields: Fields) -> list[str]:
    """--exclude, when it names only fields that nobody asked for."""
    from attncli.results.fields import OPTIONAL_FIELDS

    include, exclude = fields
    vain = exclude and all(n in OPTIONAL_FIELDS and n not in include for n in exclude)
    return [f"--exclude {','.join(exclude)}"] if vain else []


def joined_words(texts: list[str] | None) -> list[str] | None:
    """The texts of the command line; several words without quotes are one sentence."""
    if texts is None or len(texts) < 2:
        return texts
    from attncli.api.analysis import sentence_of_words

    sentence = sentence_of_words(texts)
    return texts if sentence is None else [sentence]


def _read_as_one(words: list[str] | None, texts: list[str] | None) -> str:
    """What is said of words that were read as one sentence, in a line of a terminal; else nothing."""
    if words is None or texts is None or len(words) == len(texts):
        return ""
    whole = typed(texts[0])
    return f"read as one sentence: {whole if len(whole) <= 40 else f'{len(words)} words'}"


@contextmanager
def _said_below(note: str, *, quiet: bool) -> "Iterator[None]":
    """Says a note below what is drawn, where it does not scroll away, or above the error that ends it."""
    try:
        yield
    finally:
        if note and not quiet:
            message("note", note)


def given_sentences(
    texts: list[str] | None,
    file: str | None,
    mechanism: Mechanism = DEFAULTS,
    *,
    most: int | None = None,
    quiet: bool = False,
) -> "Iterator[Sentence]":
    """The sentences of the arguments, of a file, of an exercise, or of standard input ("-" or a pipe).

    Where none of them is named, `most` of those that a preset works out.
    """
    if file is not None and texts:
        raise UsageError("found TEXT too, expected one of them", place="--file")
    if file is not None and file != "-":
        return _sentences_of(file, quiet)
    if not texts and file is None and (mechanism.matrices or mechanism.preset):
        from attncli.api.analysis import worked_sentences

        texts = worked_sentences(mechanism.matrices, mechanism.preset, most)
    if file == "-" or texts == ["-"] or (not texts and not standard_input().isatty()):
        return _sentences_of("-", quiet)
    if not texts:
        raise UsageError(
            "found no sentence, expected TEXT, --file FILE or - for standard input",
            hints=('attn explain "money bank grows"', "attn explain --help"),
        )
    from attncli.files.rows.sentences import well_formed

    return well_formed(texts, "TEXT")


def _sentences_of(file: str, quiet: bool) -> "Iterator[Sentence]":
    from attncli.files.rows.inputs import sentences
    from attncli.files.rows.reader import Shape
    from attncli.files.source import source_of

    note = None if quiet else partial(message, "note")
    return sentences(source_of(file, standard_input), Shape(note=note))
