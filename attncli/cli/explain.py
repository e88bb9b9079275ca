"""`attn explain`: one sentence or a few, shown or as JSON."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from attncli.cli import options as opt
from attncli.cli.notices import Notices
from attncli.cli.terminal import ink_for, standard_input, width_for, write, write_json
from attncli.errors import AttnError, EmptyError, UsageError
from attncli.escape import visible

if TYPE_CHECKING:
    from attncli.embeddings.store import EmbeddingStore
    from attncli.pipeline import Analyser, GeneralSettings
    from attncli.result import AttentionResult
    from attncli.text.sentences import Sentence
    from attncli.views.explain import Layout

_CHUNK = 256  # sentences computed together
_NEIGHBORS_UP_TO = 16  # words; a longer sentence shows nearest words only when asked


def explain(
    texts: opt.Texts = None,
    file: opt.FileOption = None,
    vectors: opt.Vectors = "glove",
    dim: opt.Dim = 50,
    seed: opt.Seed = 0,
    oov: opt.Oov = "random",
    tokenizer: opt.Tokenizer = "words",
    score: opt.ScoreOption = "scaled",
    temperature: opt.Temperature = None,
    target_self: opt.TargetSelf = None,
    causal: opt.Causal = False,
    window: opt.Window = None,
    see_self: opt.SeeSelf = True,
    max_tokens: opt.MaxTokens = 4096,
    show: opt.Show = None,
    precision: opt.Precision = None,
    width: opt.Width = None,
    color: opt.Color = "auto",
    full: opt.Full = False,
    json: opt.Json = False,
    include: opt.Include = None,
    exclude: opt.Exclude = None,
    quiet: opt.Quiet = False,
) -> None:
    """Show the self-attention of a sentence: its weights and its new embeddings.

    \b
    Examples:
      attn explain "money bank grows"
      attn explain "money bank grows" "river bank flows" --show weights,moved
      attn explain "money bank grows" --target-self 0.7
      attn explain "dogs chase cats" --vectors random --seed 7 --causal
      attn explain --file sample_sentences.txt --json
      echo "river bank flows" | attn explain - --json --include scores,measures
    """
    from attncli.embeddings.sources import open_vectors
    from attncli.pipeline import GeneralAnalyser
    from attncli.reading import ReadingSettings

    fields = _fields(include, exclude)
    settings = general_settings(score, temperature, target_self, causal, window, see_self)
    store = open_vectors(vectors, dim=dim, seed=seed)
    reading = ReadingSettings(tokenizer=tokenizer, oov=oov, seed=seed, max_tokens=max_tokens)
    filled = frozenset(fields[0]) | (frozenset() if json else frozenset({"embeddings"}))
    analyser = GeneralAnalyser(store, reading, settings, include=filled)
    place = None if file is None else visible(file)
    outcomes = analysed(analyser, given_sentences(texts, file), place)
    if json:
        _print_json(outcomes, fields, quiet)
    else:
        layout = _layout(show, precision, width, full)
        _print_tables(outcomes, store, layout, color, quiet, chosen=show is not None)


def general_settings(
    score: str,
    temperature: float | None,
    target_self: float | None,
    causal: bool,
    window: int | None,
    see_self: bool,
) -> "GeneralSettings":
    """The settings of general attention. Raises: UsageError for a value out of range."""
    from attncli.pipeline import GeneralSettings

    if target_self is not None:
        if temperature is not None:
            raise UsageError("found --temperature too, expected one of them", place="--target-self")
        if not see_self:
            raise UsageError("found --no-self too, expected one of them", place="--target-self")
        if not 0 < target_self < 1:
            raise UsageError(
                f"found {target_self:g}, expected a number between 0 and 1", place="--target-self"
            )
    return GeneralSettings(
        score=score,  # type: ignore[arg-type]  # typer has checked it
        temperature=1.0 if temperature is None else opt.positive(temperature, "--temperature"),
        target_self=target_self,
        causal=causal,
        window=window,
        see_self=see_self,
    )


def given_sentences(texts: list[str] | None, file: str | None) -> "Iterator[Sentence]":
    """The sentences of the arguments, of a file, or of standard input ("-" or a pipe)."""
    from attncli.text.sentences import read_sentences, sentences, well_formed

    if file is not None and texts:
        raise UsageError("found TEXT too, expected one of them", place="--file")
    if file is not None and file != "-":
        return read_sentences(file)
    stdin = standard_input()
    if file == "-" or texts == ["-"] or (not texts and not stdin.isatty()):
        return sentences(stdin, "<stdin>")
    if not texts:
        raise UsageError(
            "found no sentence, expected TEXT, --file FILE or - for standard input",
            hints=('attn explain "money bank grows"', "attn explain --help"),
        )
    return well_formed(texts, "TEXT")


def analysed(
    analyser: "Analyser", given: "Iterable[Sentence]", place: str | None = None
) -> "Iterator[tuple[Sentence, AttentionResult | AttnError]]":
    """Each sentence with its outcome, numbered. Raises: EmptyError when there is no sentence.

    A sentence that fails alone raises its own error; among others it is an outcome of its own.
    """
    remaining, index = iter(given), 0
    while chunk := list(islice(remaining, _CHUNK)):
        computed = analyser.outcomes([s.text for s in chunk if s.error is None])
        for sentence in chunk:
            outcome = sentence.error or next(computed)
            if isinstance(outcome, AttnError):
                outcome.place = outcome.place or sentence.place
                if len(chunk) == 1 and index == 0:
                    raise outcome
                yield sentence, outcome
            else:
                yield sentence, replace(outcome, index=index, line=sentence.line)
            index += 1
    if index == 0:
        raise EmptyError("found no sentence, expected at least one", place=place)


def _fields(include: str | None, exclude: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    from attncli.result import DEFAULT_FIELDS, OPTIONAL_FIELDS

    optional = (*OPTIONAL_FIELDS, *DEFAULT_FIELDS)
    parts = ("index", "line", "text", "tokens", "attention", "vectors", "model", "warnings")
    return (
        opt.names_of(include, optional, "--include"),
        opt.names_of(exclude, (*optional, *parts), "--exclude"),
    )


def _layout(show: str | None, precision: int | None, width: int | None, full: bool) -> "Layout":
    from attncli.views.explain import SECTIONS, Layout

    asked = opt.names_of(show, (*SECTIONS, "all"), "--show")
    sections = SECTIONS if not asked or "all" in asked else asked
    return Layout(
        sections=tuple(s for s in SECTIONS if s in sections),
        width=width_for(width),
        precision=3 if precision is None else precision,
        digits=2 if precision is None else precision,
        everything=full,
    )


def _print_json(
    outcomes: "Iterable[tuple[Sentence, AttentionResult | AttnError]]",
    fields: tuple[tuple[str, ...], tuple[str, ...]],
    quiet: bool,
) -> None:
    from attncli.views.json import error_record, record_json, result_json

    notices = Notices(quiet)
    for index, (sentence, outcome) in enumerate(outcomes):
        if isinstance(outcome, AttnError):
            notices.set_aside(outcome)
            write_json(record_json(error_record(outcome, index, sentence.line)))
        else:
            write_json(result_json(outcome, *fields))
            notices.warn(outcome, sentence.place)
    notices.end()


def _print_tables(
    outcomes: "Iterable[tuple[Sentence, AttentionResult | AttnError]]",
    store: "EmbeddingStore",
    layout: "Layout",
    color: opt.Color,
    quiet: bool,
    *,
    chosen: bool,
) -> None:
    from attncli.insight.movement import movements
    from attncli.views.explain import explain_lines

    ink, notices = ink_for(color), Notices(quiet)
    for index, (sentence, outcome) in enumerate(outcomes):
        if isinstance(outcome, AttnError):
            notices.set_aside(outcome)
            continue
        few = len(outcome.tokens) <= _NEIGHBORS_UP_TO or chosen
        asked = "moved" in layout.sections
        found = movements(outcome, store, neighbors=5 if few else 0) if asked else []
        lines = explain_lines(outcome, found, ink, layout)
        write(ink.rendered([[], *lines] if index else lines))
        notices.warn(outcome, sentence.place)
    notices.end()
