"""The attention of sentences."""

from collections.abc import Iterable
from os import PathLike
from typing import TYPE_CHECKING, Unpack, overload

from attncli.api.mechanism import analysis_of
from attncli.api.several import Results, Texts, results_of
from attncli.api.word_vectors import WordVectors, open_vectors
from attncli.checks.arguments import is_column, names_of, one_of_kind, text_of, texts_of
from attncli.checks.choices import expect_names
from attncli.errors import UsageError
from attncli.errors.wording import counted_as
from attncli.insight.heads import HeadMap, head_map
from attncli.mechanisms.analyser import Analyser
from attncli.mechanisms.general import GeneralAnalyser, GeneralSettings
from attncli.reading.reader import ReadingSettings
from attncli.results.result import AttentionResult
from attncli.settings import Choices

if TYPE_CHECKING:
    from attncli.embeddings.given import Vectors
    from attncli.insight.chosen_part import Part
    from attncli.models.trained import TrainedModel


def analyser(
    model: "str | PathLike[str] | TrainedModel | None" = None,
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
    expect_names(choices, analyser, Choices.__optional_keys__)
    return analysis_of(model, vectors, include, part, choices).analyser


@overload
def map_heads(
    text: str,
    model: "str | PathLike[str] | TrainedModel | None" = None,
    **given: Unpack["_Mapped"],
) -> HeadMap: ...
@overload
def map_heads(
    text: Texts,
    model: "str | PathLike[str] | TrainedModel | None" = None,
    **given: Unpack["_Mapped"],
) -> list[HeadMap]: ...
def map_heads(
    text: str | Texts,
    model: "str | PathLike[str] | TrainedModel | None" = None,
    *,
    vectors: "Vectors | WordVectors" = "glove",
    part: "Part | None" = None,
    **choices: Unpack[Choices],
) -> HeadMap | list[HeadMap]:
    """What every head of a sentence looks at, as `explain(…).head_map()`; of several texts a list.

    The weights of a transformer are measured a layer at a time and not kept, so that a long text takes
    the memory of one layer. Arguments, and what it raises, are those of `explain`.

    >>> map_heads("river bank flows", attention="task", heads=4)
    HeadMap('river bank flows', 1 × 4 heads)
    """
    expect_names(choices, map_heads, Choices.__optional_keys__)
    several = is_column(text)
    expected = "one text, or a list of texts"
    texts = texts_of(text, "text", expected) if several else [text_of(text, "text", expected)]
    analysis = analysis_of(model, vectors, (), part, choices, foresees=False, keeps="map")
    maps = [head_map(result.shown) for result in results_of(analysis.analyser, texts, several)]
    return maps if several else maps[0]


class _Mapped(Choices, total=False):
    vectors: "Vectors | WordVectors"
    part: "Part | None"


class Explained(Choices, total=False):
    """What may be given beside a text and a model."""

    vectors: "Vectors | WordVectors"
    settings: GeneralSettings | None
    reading: ReadingSettings | None
    include: Iterable[str]
    part: "Part | None"


@overload
def explain(
    text: str,
    model: "str | PathLike[str] | TrainedModel | None" = None,
    **given: Unpack[Explained],
) -> AttentionResult: ...
@overload
def explain(
    text: Texts,
    model: "str | PathLike[str] | TrainedModel | None" = None,
    **given: Unpack[Explained],
) -> Results: ...
def explain(
    text: str | Texts,
    model: "str | PathLike[str] | TrainedModel | None" = None,
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
    or numpy. `model` is a trained model (its file, or what `train` gave), one that ships (idioms) or a
    transformer. `vectors` are a name, a path, or at hand: what `open_vectors` gives, a dict of words
    and vectors, KeyedVectors of gensim, a matrix (n_words, dim) with its words. `include` names
    optional fields of the result to fill (embeddings, query, key, value, scores, measures,
    hidden_states; next: what a language model expected at each token); `part` chooses layers, heads
    and tokens. `pair`, a second text that a transformer reads too, may be a list, one for each text.
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
    expect_names(choices, explain, Choices.__optional_keys__)
    several = is_column(text)
    expected = "one text, or a list of texts"
    texts = texts_of(text, "text", expected) if several else [text_of(text, "text", expected)]
    pairs = _pairs_of(choices.get("pair"), texts, several=several)
    if pairs is not None:
        choices["pair"] = None
    if settings is None and reading is None:
        by = None if pairs is None else "pair"
        analysis = analysis_of(model, vectors, include, part, choices, paired_by=by)
        results = results_of(analysis.analyser, texts, several, pairs)
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


def _pairs_of(given: object, texts: list[str], *, several: bool) -> list[str] | None:
    """The second text of each text, where they are a list; None where one is given, or none.

    Raises: ArgumentError for what is no list of texts; UsageError for another number of them.
    """
    if not is_column(given):
        return None
    pairs = texts_of(given, "pair", "a text, or a list of as many as there are")
    if not several:
        raise UsageError("found a list beside one text, expected a text", place="pair")
    if len(pairs) != len(texts):
        raise UsageError(
            f"found {counted_as(len(pairs), 'text')}, expected {len(texts)}, one for each",
            place="pair",
        )
    return pairs
