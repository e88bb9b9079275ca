"""The whole tool from Python: what `import attncli` offers, by the names of the command's options."""

from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack, get_args, overload

from attncli.api.several import Results as Results
from attncli.api.several import Texts, results_of, several_of
from attncli.api.word_vectors import WordVectors as WordVectors
from attncli.api.word_vectors import open_vectors as open_vectors
from attncli.checks.arguments import (
    choice_of,
    count_of,
    flag_of,
    is_column,
    names_of,
    number_of,
    one_of_kind,
    path_of,
    text_of,
    texts_of,
)
from attncli.checks.choices import checked_choices
from attncli.embeddings.protocols import EmbeddingStore
from attncli.errors import AttnError as AttnError
from attncli.errors import DataError, UsageError
from attncli.mechanisms.analyser import Analyser
from attncli.mechanisms.general import GeneralAnalyser, GeneralSettings
from attncli.mechanisms.open import Opened, open_analyser, space_of, store_of
from attncli.mechanisms.presets import with_preset
from attncli.reading.reader import ReadingSettings
from attncli.results.result import AttentionResult as AttentionResult
from attncli.settings import (
    MATRIX_FIELDS,
    NEIGHBORS,
    TOLERANCE,
    Choices,
    FigureChoices,
    MechanismSettings,
    Notation,
    Palette,
)

if TYPE_CHECKING:
    from attncli.embeddings.given import Vectors
    from attncli.insight.difference import Difference
    from attncli.insight.part import Part
    from attncli.matrices.outputs import Which
    from attncli.models.trained import TrainedModel
    from attncli.results.comparison import Comparison
    from attncli.views.notebook import Shown


def analyser(
    model: str | PathLike[str] | None = None,
    *,
    vectors: "Vectors | WordVectors" = "glove",
    include: Iterable[str] = ("embeddings",),
    part: "Part | None" = None,
    **choices: Unpack[Choices],
) -> Analyser:
    """An Analyser: call it with texts, and it gives their results in order.

    `model` is a trained model, one that ships (idioms) or a transformer; without one attention is
    general, or task with random matrices. `part` chooses layers, heads and tokens of the results.
    The other names, and their defaults, are those of `attncli.settings.MechanismSettings`.
    Raises: UsageError for choices that exclude each other; what opening the model or the vectors
    raises.

    >>> [result.words for result in analyser(causal=True)(["river bank", "money bank"])]
    [['river', 'bank'], ['money', 'bank']]
    """
    return _opened(model, vectors, include, part, choices).analyser


class _Explained(Choices, total=False):
    vectors: "Vectors | WordVectors"
    settings: GeneralSettings | None
    reading: ReadingSettings | None
    include: Iterable[str]
    part: "Part | None"


@overload
def explain(
    text: str, model: str | PathLike[str] | None = None, **given: Unpack[_Explained]
) -> AttentionResult: ...
@overload
def explain(
    text: Texts,
    model: str | PathLike[str] | None = None,
    **given: Unpack[_Explained],
) -> Results: ...
def explain(
    text: str | Texts,
    model: str | PathLike[str] | None = None,
    *,
    vectors: "Vectors | WordVectors" = "glove",
    settings: GeneralSettings | None = None,
    reading: ReadingSettings | None = None,
    include: Iterable[str] = ("embeddings",),
    part: "Part | None" = None,
    **choices: Unpack[Choices],
) -> AttentionResult | Results:
    """The attention of a sentence, as `attn explain` computes it; of several a list of results.

    Several texts are a list, or a column of a table: a Series of pandas or polars, an array of Arrow
    or numpy. `model` is a trained model, one that ships (idioms) or a transformer. `vectors` are a
    name, a path, or at hand: what `open_vectors` gives, a dict of words and vectors, KeyedVectors of
    gensim, a matrix (n_words, dim) with its words. `include` names optional fields of the result to
    fill (embeddings, query, key, value, scores, measures); `part` chooses layers, heads and tokens.
    The choices, and their defaults, are those of `attncli.settings.MechanismSettings`; `settings` and
    `reading` say the same of general attention. Weights are (n_layers, n_heads, n_tokens, n_tokens).
    Raises: ArgumentError for a value of another kind; EmptyError, LimitError, UnknownWordError,
    UsageError, NumericError; what opening the model or the vectors raises.
    Source: Vaswani et al. 2017, arXiv:1706.03762, equation 1.

    >>> explain("river bank flows", temperature=0.5).words
    ['river', 'bank', 'flows']
    >>> [result.words for result in explain(["river bank", "money bank"])]
    [['river', 'bank'], ['money', 'bank']]
    """
    several = is_column(text)
    expected = "one text, or a list of texts"
    texts = texts_of(text, "text", expected) if several else [text_of(text, "text", expected)]
    if settings is None and reading is None:
        opened = _opened(model, vectors, include, part, choices)
        results = results_of(opened.analyser, texts, several)
        return results if several else results[0]
    if model is not None or part is not None or choices:
        raise UsageError("found other choices too, expected one of them", place="settings")
    reading = ReadingSettings() if reading is None else reading
    settings = GeneralSettings() if settings is None else settings
    one_of_kind(reading, "reading", ReadingSettings, "ReadingSettings")
    one_of_kind(settings, "settings", GeneralSettings, "GeneralSettings")
    names = names_of(include, "include")
    store = open_vectors(vectors).store
    analyser = GeneralAnalyser(store, reading, settings, include=names)
    results = results_of(analyser, texts, several)
    return results if several else results[0]


def compare(
    texts: Sequence[str] | Texts,
    word: str | None = None,
    model: str | PathLike[str] | None = None,
    *,
    vectors: "Vectors | WordVectors" = "glove",
    neighbors: int = NEIGHBORS,
    part: "Part | None" = None,
    **choices: Unpack[Choices],
) -> "Comparison":
    """One word in two or more sentences; without `word` the one that they share.

    `neighbors` nearest words are found; `part` chooses layers, heads and tokens.

    Raises: UsageError when the word is not in each of them, or several are; as `explain`.

    >>> compare(["money bank grows", "river bank flows"]).word
    'bank'
    """
    from attncli.insight.compare import compare as compared
    from attncli.insight.compare import shared_word
    from attncli.insight.tokens import merge_pieces

    sentences = texts_of(texts, "texts")
    word = None if word is None else text_of(word, "word")
    count_of(neighbors, "neighbors")
    opened = _opened(model, vectors, ("embeddings", "value", "scores"), part, choices)
    results = [merge_pieces(result) for result in opened.analyser(sentences)]
    if len(results) < 2:
        raise UsageError("expected two sentences or more", place="texts")
    shared = word or shared_word(results)
    return compared(results, shared, space_of(opened), neighbors=neighbors)


def diff(
    first: AttentionResult | Sequence[AttentionResult] | str | PathLike[str],
    second: AttentionResult | Sequence[AttentionResult] | str | PathLike[str],
    *,
    tol: float = TOLERANCE,
) -> "list[Difference]":
    """What differs between results or files of them, pair by pair; equal pairs have no changes.

    >>> [pair.changes for pair in diff(explain("river bank"), explain("river bank"))]
    [()]
    """
    from attncli.insight.difference import differences

    tolerance = number_of(tol, "tol")
    if tolerance < 0:
        raise UsageError(f"found {tolerance:g}, expected a number of 0 or more", place="tol")
    return differences(_read_or_given(first), _read_or_given(second), tolerance)


def from_attentions(
    attentions: Any,
    tokens: Any = None,
    *,
    scores: bool = False,
    which: "Which | None" = None,
    index: int | None = None,
    source_tokens: Any = None,
) -> AttentionResult:
    """The result of attention weights of another tool, to be shown, saved or compared.

    `attentions` is an array of shape (n, n) to (n_layers, n_heads, n, n), one array a layer, or what
    a model of Hugging Face returned under `output_attentions=True`; arrays of every library are
    taken (`__array__`, `__dlpack__`). `tokens` are n texts, or the encoding of a tokenizer, whose
    padding is left out. With `scores` the numbers are scores before the softmax.
    Of an encoder with a decoder, `which` is "encoder", "decoder" or "cross"; `index` is the sentence
    of a batch. Weights of cross-attention (n_q, n_k) make a pair of texts: `source_tokens` are the n_k
    that are looked at, and their own rows are zeros.
    Raises: DataError when they are no weights, or the tokens are of another number; UsageError
    where `which` or `index` has to choose; its kind ArgumentError, a TypeError, for what is no array
    and no list of texts.

    >>> from_attentions([[0.9, 0.1], [0.2, 0.8]], ["money", "bank"]).words
    ['money', 'bank']
    """
    from attncli.matrices.outputs import result_from_outputs

    try:
        return result_from_outputs(
            attentions,
            tokens,
            scores=flag_of(scores, "scores"),
            which=which,
            index=index,
            source_tokens=source_tokens,
        )
    except DataError as error:
        error.place = error.place or "attentions"
        raise


def view(
    path: str | PathLike[str],
    *,
    tokens: Sequence[str] | None = None,
    scores: bool = False,
    array: str | None = None,
    index: int | None = None,
    part: "Part | None" = None,
) -> Results:
    """What `attn view` draws of a file: our results, or weights of another tool.

    `tokens` name the tokens of weights; with `scores` the numbers are scores before the softmax;
    `array` names one array of several; `index` is the one result to read, 0 the first; `part`
    chooses layers, heads and tokens.
    Raises: InputError, DataError, LimitError, RefusedError; UsageError for an `array`, `index` or
    `part` that is not there.
    """
    from attncli.matrices.reading import open_matrix_file, read_results

    file, results = path_of(path), Results()
    names = None if tokens is None else texts_of(tokens, "tokens")
    array = None if array is None else text_of(array, "array")
    place = None if index is None else count_of(index, "index", 0)
    expect_part(part)
    with open_matrix_file(file) as stream:
        for outcome in read_results(
            stream, file, tokens=names, scores=flag_of(scores, "scores"), member=array, index=place
        ):
            if isinstance(outcome, AttnError):
                raise outcome
            results.append(outcome if part is None else part.of(outcome))
    return results


def read(path: str | PathLike[str]) -> Results:
    """The results of a file: our records, or weights of another tool; `view` has choices.

    Raises: InputError, DataError, LimitError, RefusedError.
    """
    return view(path)


def save(
    results: "AttentionResult | Sequence[AttentionResult] | TrainedModel",
    path: str | PathLike[str],
    *,
    precision: int | None = None,
    top: int | None = None,
    exclude: Iterable[str] = (),
    notation: Notation = "words",
    **figure: Unpack[FigureChoices],
) -> None:
    """Writes one result or several in the format of the suffix, as `attn explain -o` does.

    html, svg, png, pdf, json, jsonl, npz, csv, tsv, md or tex; JSON holds every field of the result
    but those to `exclude`, and with `top` the strongest weights of each row alone. `precision` is a
    number of digits after the point. A trained model is written as a safetensors file, whatever the
    suffix. With the `notation` "lecture" equations are written in the symbols of the lecture's notes.

    Any of title, size, palette, scale, numbers, legend, axes, font_size, grid, lines and fragment
    makes a picture or TeX a figure for a paper, the weights alone, as `attncli.settings` says in
    `FigureSettings`: `size="8cmx6cm"` or `size=(800, 600)`, `scale="max"` or `scale=(0, 0.5)`.
    A page takes title, palette and scale.
    Raises: UsageError for another suffix, or a choice that cannot be read; MissingExtraError,
    OutputError.
    """
    from attncli.models.trained import TrainedModel, save_model
    from attncli.results.saving import save_results

    file = path_of(path)
    if isinstance(results, TrainedModel):
        save_model(results, Path(file))
        return
    save_results(
        several_of(results),
        file,
        precision=precision,
        top=top,
        exclude=exclude,
        notation=notation,
        figure=figure,
    )


def show(
    results: AttentionResult | Sequence[AttentionResult],
    *,
    notation: Notation = "words",
    palette: Palette = "viridis",
    scale: Literal["0,1", "max"] = "0,1",
) -> "Shown":
    """Results as a notebook shows them, in a notation and in colors of one's choice.

    With the `scale` max the colors go to the largest weight.

    >>> show(explain("money bank"), notation="lecture")
    Shown('money bank', notation='lecture')
    """
    from attncli.views.notebook import Shown

    choice_of(notation, "notation", get_args(Notation))
    choice_of(palette, "palette", get_args(Palette))
    choice_of(scale, "scale", ("0,1", "max"))
    return Shown(tuple(several_of(results)), notation, palette, scale == "max")


def _opened(
    model: str | PathLike[str] | None,
    vectors: "Vectors | WordVectors",
    include: Iterable[str],
    part: "Part | None",
    choices: Choices,
) -> Opened:
    name, store = vectors_given(vectors, choices.get("inline"))
    path = None if model is None else path_of(model, "model")
    checked = checked_choices(choices, MechanismSettings, matrices=MATRIX_FIELDS)
    settings = MechanismSettings(vectors=name, model=path, **checked)
    if store is not None:  # a preset does not replace it
        settings = with_preset(settings, {*choices, "vectors"})
    settings = with_preset(settings, choices)
    names = names_of(include, "include")
    expect_part(part)
    return open_analyser(
        settings,
        names,
        part=part,
        open_store=lambda asked: store_of(asked) if store is None else store,
    )


def vectors_given(vectors: Any, inline: Any = None) -> tuple[str, EmbeddingStore | None]:
    """The name of vectors; or the store of those at hand, beside the name of the built-in ones.

    Raises: ArgumentError, DataError; UsageError where they are written out beside.
    """
    if isinstance(vectors, str | bytes | PathLike):
        return path_of(vectors, "vectors"), None
    store = open_vectors(vectors).store
    if inline is not None:
        raise UsageError("found vectors too, expected one of them", place="inline")
    return MechanismSettings().vectors, store


def expect_part(part: Any) -> None:
    """Raises: ArgumentError for what is neither a Part nor None."""
    from attncli.insight.part import Part

    if part is not None:
        one_of_kind(part, "part", Part, "a Part of attncli.insight.part")


def _read_or_given(results: Any) -> list[AttentionResult]:
    return read(results) if isinstance(results, str | PathLike) else several_of(results)
