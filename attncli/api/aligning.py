"""Words of texts and of their translations: what belongs together, one pair or many."""

from collections.abc import Callable, Iterator, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict, Unpack, cast, get_args, overload

from attncli.api.word_vectors import store_of_vectors
from attncli.checks.arguments import (
    choice_of,
    count_of,
    flag_of,
    is_column,
    number_of,
    path_of,
    text_of,
    texts_of,
    unexpected,
)
from attncli.errors import AttnError, EmptyError, UsageError, field_name
from attncli.files.access import Access
from attncli.mechanisms.aligning import (
    CrossWeighing,
    HeadChoice,
    Linking,
    Pair,
    VectorWeighing,
    Weighing,
    candidates,
    decoder_and_start,
    usual_choice,
)
from attncli.reading.reader import ReadingSettings, reader_for
from attncli.results.alignment import Alignment, Alignments
from attncli.results.gold_links import AlignmentScores, GoldLinks, link_scores
from attncli.settings import MAX_TOKENS, AlignedWith, Symmetrization, TokenizerName

if TYPE_CHECKING:
    from attncli.api.several import Texts
    from attncli.api.word_vectors import WordVectors
    from attncli.embeddings.given import Vectors
    from attncli.models.model import TransformerModel
    from attncli.models.pieces import PieceTokenizer

_LOT = 256  # pairs that are weighed together


class MeasuredHead(NamedTuple):
    """Heads that may be chosen, and how their links agree with those that people made."""

    choice: HeadChoice
    scores: AlignmentScores


class Aligner:
    """What aligns pairs: opened once, used for many.

    `choice`: the heads whose attention is read, None where vectors are compared.
    """

    def __init__(
        self,
        weighing: Weighing,
        linking: Linking,
        choice: HeadChoice | None = None,
        weighing_of: Callable[[Sequence[HeadChoice]], Weighing] | None = None,
        steps: Sequence[AlignedWith] = (),
    ) -> None:
        self._weighing, self._linking, self.choice = weighing, linking, choice
        self._weighing_of, self._steps = weighing_of, steps

    def __call__(self, pairs: Sequence[Pair]) -> Iterator[Alignment | AttnError]:
        """The alignment of each pair in order, or why there is none."""
        for pair in self._weighing(pairs):
            yield pair if isinstance(pair, AttnError) else self._linking.alignment(pair)

    def with_best_head(
        self, pairs: Sequence[Pair], gold: Sequence[Callable[[Alignment], GoldLinks]]
    ) -> "tuple[Aligner, list[MeasuredHead]]":
        """This aligner with the heads that have the lowest error rate on these pairs; all, best first.

        Each head alone and the mean of each layer are tried, at the steps that are not settled. Each
        of `gold` is asked for the links of its pair. A pair that cannot be read counts for none.
        Raises: UsageError where there are no heads.
        """
        if self.choice is None or self._weighing_of is None:
            raise UsageError(
                f"found no {field_name('model')}, expected a transformer: vectors have no heads",
                place=field_name("choose_head"),
            )
        tried = candidates(self.choice, self._steps)
        totals = [AlignmentScores()] * len(tried)
        for pair, asked in zip(self._weighing_of(tried)(pairs), gold, strict=True):
            if isinstance(pair, AttnError):
                continue
            for at in range(len(tried)):
                alignment = self._linking.alignment(pair, at)
                totals[at] = totals[at].plus(link_scores(alignment.links, asked(alignment)))
        measured = [MeasuredHead(*both) for both in zip(tried, totals, strict=True)]
        measured.sort(key=lambda one: 1.0 if one.scores.aer is None else one.scores.aer)
        best = measured[0].choice
        return Aligner(self._weighing_of([best]), self._linking, best), measured


def open_aligner(
    *,
    model: str | None = None,
    vectors: "Vectors | WordVectors" = "glove",
    target_vectors: "Vectors | WordVectors | None" = None,
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    align_with: AlignedWith | None = None,
    symmetrize: Symmetrization | None = None,
    threshold: float | None = None,
    tokenizer: TokenizerName = "whitespace",
    max_tokens: int = MAX_TOKENS,
    every_layer: bool = False,
    access: Access | None = None,
) -> Aligner:
    """What aligns pairs by the cross-attention of a model, or without one by vectors.

    `every_layer`: where no layer is named, all are kept to choose among.
    Raises: UsageError for choices out of range, and what opening the model or vectors raises.
    """
    if threshold is not None and not -1 <= threshold <= 1:
        raise UsageError(
            f"found {threshold:g}, expected a number from -1 to 1", place=field_name("threshold")
        )
    if model is not None:
        linking = Linking(symmetrize or "none", threshold)
        transformer, pieces = _opened(model)
        config = transformer.config.target
        assert config is not None  # it has a decoder
        if every_layer and layers is None:
            layers = range(config.n_layers)
        choice = usual_choice(transformer, layers, heads, align_with)

        def weighing_of(choices: Sequence[HeadChoice]) -> Weighing:
            return CrossWeighing(
                transformer,
                pieces,
                choices,
                cut=tokenizer,
                max_tokens=max_tokens,
            )

        steps = get_args(AlignedWith) if align_with is None else (align_with,)
        return Aligner(weighing_of([choice]), linking, choice, weighing_of, steps)
    access = Access() if access is None else access
    reading = ReadingSettings("chars" if tokenizer == "chars" else "words", "zero", 0, max_tokens)
    source = target = reader_for(store_of_vectors(vectors, access), reading)
    if target_vectors is not None:
        target = reader_for(store_of_vectors(target_vectors, access), reading)
    weighing = VectorWeighing(source, target, tokenizer)
    return Aligner(weighing, Linking(symmetrize or "intersection", threshold))


def _opened(name: str) -> "tuple[TransformerModel, PieceTokenizer]":
    """A model with a decoder, and its tokenizer. Raises: UsageError for another."""
    from attncli.models.folders import find_checkpoint
    from attncli.models.model import TransformerModel
    from attncli.models.named import is_transformer
    from attncli.models.pieces import PieceTokenizer

    if not is_transformer(name):
        from attncli.models.named import find_model

        find_model(name)  # which says what is wrong with it
        raise UsageError(
            "found a model of attn train, expected a transformer with a decoder: T5, BART, Marian",
            place=field_name("model"),
        )
    checkpoint = find_checkpoint(name)
    model = TransformerModel(checkpoint.folder, checkpoint.name)
    decoder_and_start(model, name)
    return model, PieceTokenizer(checkpoint.folder)


class _Choices(TypedDict, total=False):
    model: str | PathLike[str] | None
    vectors: "Vectors | WordVectors"
    target_vectors: "Vectors | WordVectors | None"
    layer: int | Sequence[int] | None
    head: int | Sequence[int] | None
    align_with: AlignedWith | None
    symmetrize: Symmetrization | None
    threshold: float | None
    tokenizer: TokenizerName
    max_tokens: int
    no_cache: bool


@overload
def align(source: str, target: str, **choices: Unpack[_Choices]) -> Alignment: ...
@overload
def align(source: "Texts", target: "Texts", **choices: Unpack[_Choices]) -> Alignments: ...
def align(
    source: Any,
    target: Any,
    *,
    model: str | PathLike[str] | None = None,
    vectors: "Vectors | WordVectors" = "glove",
    target_vectors: "Vectors | WordVectors | None" = None,
    layer: int | Sequence[int] | None = None,
    head: int | Sequence[int] | None = None,
    align_with: AlignedWith | None = None,
    symmetrize: Symmetrization | None = None,
    threshold: float | None = None,
    tokenizer: TokenizerName = "whitespace",
    max_tokens: int = MAX_TOKENS,
    no_cache: bool = False,
) -> Alignment | Alignments:
    """Which word of a text is which word of its translation; of several pairs a list.

    With a `model` (T5, mT5, BART, Marian) each target word is linked to the source word to which its
    cross-attention is strongest: the mean of all heads of a decoder layer, or of `layer` and `head`,
    numbers from 0. `align_with` "input", the default, is the step that reads the word, "output" the one
    that foretells it; without `layer` one at a third of the layers, or the last but one.
    Without a model two words are linked that are each other's nearest by the cosine of their vectors,
    which are of one space; `target_vectors` are those of the target's words where they stand elsewhere.
    A word without a vector is linked to one that is spelled just so.
    `symmetrize` joins both ways of looking: none, intersection, union, grow-diag, grow-diag-final,
    grow-diag-final-and or itermax; no link is weaker than `threshold`. Words are what stands between
    spaces, or as `tokenizer` cuts them.
    A side without words has no links. Raises: LimitError for a text too long; UsageError, DataError.
    Sources: Vaswani et al. 2017 (arXiv:1706.03762), section 3.2.3; Jalili Sabet et al. 2020
    (arXiv:2004.08728).

    >>> alignment = align("the old bank grows", "the bank is old")
    >>> alignment.to_pharaoh()
    '0-0 1-3 2-1 3-2'
    >>> alignment.words[1]
    ('old', 'old')
    """
    pairs, is_one = _pairs_of(source, target)
    aligner = open_aligner(
        model=None if model is None else path_of(model, "model"),
        vectors=vectors,
        target_vectors=target_vectors,
        layers=_numbers(layer, "layer"),
        heads=_numbers(head, "head"),
        align_with=_one_of(align_with, "align_with", AlignedWith),
        symmetrize=_one_of(symmetrize, "symmetrize", Symmetrization),
        threshold=None if threshold is None else number_of(threshold, "threshold"),
        tokenizer=cast("TokenizerName", choice_of(tokenizer, "tokenizer", get_args(TokenizerName))),
        max_tokens=count_of(max_tokens, "max_tokens", 1),
        access=Access(cached=not flag_of(no_cache, "no_cache")),
    )
    alignments = Alignments()
    for start in range(0, len(pairs), _LOT):
        for place, alignment in enumerate(aligner(pairs[start : start + _LOT]), start):
            if isinstance(alignment, AttnError):
                alignment.place = alignment.place or ("" if is_one else f"pair {place}")
                raise alignment
            alignments.append(alignment)
    return alignments[0] if is_one else alignments


def expect_words(alignment: Alignment) -> None:
    """Raises: EmptyError where a side of a pair has no word."""
    for side, words in (("source", alignment.source), ("target", alignment.target)):
        if not words:
            raise EmptyError(f"the {side} is empty, expected at least one word")


def _pairs_of(source: Any, target: Any) -> tuple[list[Pair], bool]:
    if isinstance(source, str) and isinstance(target, str):
        return [(text_of(source, "source"), text_of(target, "target"))], True
    if not is_column(source):
        raise unexpected(source, "source", "a text, or a list of texts")
    if not is_column(target):
        raise unexpected(target, "target", "a text, or a list of texts, as the source")
    sources, targets = texts_of(source, "source"), texts_of(target, "target")
    if len(sources) != len(targets):
        raise UsageError(
            f"found {len(targets)} texts, expected {len(sources)} as of the source", place="target"
        )
    return list(zip(sources, targets, strict=True)), False


def _numbers(given: Any, name: str) -> list[int] | None:
    """A number or several. Raises: ArgumentError."""
    if given is None:
        return None
    if not isinstance(given, list | tuple | range):
        return [count_of(given, name, None)]
    return [count_of(number, name, None) for number in given]


def _one_of(given: Any, name: str, choices: Any) -> Any:
    """One of a few names, or None. Raises: UsageError, ArgumentError."""
    return None if given is None else choice_of(given, name, get_args(choices))
