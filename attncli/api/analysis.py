"""Attention as it was chosen, opened once: sentences → outcomes, and what is asked beside them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from attncli.errors import (
    AttnError,
    Blank,
    EmptyError,
    UsageError,
    command_line,
    field_name,
    setting,
)
from attncli.files.rows.sentences import in_lots
from attncli.mechanisms.open import open_analyser, store_of
from attncli.settings.frozen import dataclass, replace

if TYPE_CHECKING:
    from attncli.embeddings.protocols import EmbeddingStore
    from attncli.files.access import Access
    from attncli.files.rows.sentences import Sentence
    from attncli.insight.chosen_part import Part
    from attncli.insight.learned import Learned
    from attncli.insight.space import VocabularySpace
    from attncli.mechanisms.analyser import Analyser
    from attncli.models.trained import TrainedModel
    from attncli.results.comparison import Comparison
    from attncli.results.result import AttentionResult
    from attncli.settings import Keeps, MechanismSettings

Outcomes: TypeAlias = "Iterator[tuple[Sentence, AttentionResult | AttnError]]"

# About the numbers of a token in a forward pass of a model of 768 dimensions: its row, and the row
# between the two linear maps of a layer, which is four times as wide.
_TRANSFORMER_WIDTH = 4096


@dataclass(frozen=True, slots=True)
class Analysis:
    """An Analyser and the store its words come from; a transformer has none."""

    analyser: "Analyser"
    store: "EmbeddingStore | None"

    @property
    def space(self) -> "VocabularySpace | None":
        """Where the nearest words of new vectors are: the vocabulary, turned by W_v where it is learned.

        None where there is no list of words.
        """
        from attncli.embeddings.protocols import has_vocabulary

        if self.store is None or not has_vocabulary(self.store):
            return None
        from attncli.insight.space import VocabularySpace

        projections = self.learned.projections
        if projections is None:
            return VocabularySpace(self.store)
        from attncli.attention.projections import value_map

        return VocabularySpace(self.store, value_map(projections), projections.landmarks)

    @property
    def reads_pieces(self) -> bool:
        """Whether a transformer reads pieces of words."""
        return self.store is None

    @property
    def width(self) -> int:
        """About how many numbers a token takes beside its weights; a batch is cut into chunks by it.

        A transformer counts as `_TRANSFORMER_WIDTH`, whatever its size.
        """
        return _TRANSFORMER_WIDTH if self.store is None else self.store.dim

    @property
    def learned(self) -> "Learned":
        """The matrices of task-specific attention, and the model whose label it adds."""
        return self.analyser.learned

    def general(self, part: "Part") -> "Analysis":
        """General attention of the same words, to stand beside task-specific attention.

        Raises: UsageError where this is no task-specific attention.
        """
        from attncli.mechanisms.general import GeneralAnalyser
        from attncli.mechanisms.part_analyser import PartAnalyser

        store, reading = self.store, self.analyser.reading
        if self.learned.projections is None or reading is None or store is None:
            raise UsageError(
                f"found no task-specific attention, expected {setting(attention='task')} or a model "
                "of attn train",
                place=field_name("against"),
            )
        general = GeneralAnalyser(store, reading, include=frozenset({"embeddings"}), advise=False)
        return Analysis(PartAnalyser(general, part), store)

    def without_weights(self) -> "Analysis":
        """The same for who reads no weights: those of long texts may be unknown to the results."""
        return replace(self, analyser=self.analyser.lean(frozenset({"weights"})))

    def parts_kept(self, part: "Part | None") -> tuple[str, ...]:
        """What records of a part hold of a decoder: its own and cross-attention, or keys of their own."""
        if not self.analyser.has_parts:
            return ()
        which = None if part is None else part.which or ("cross" if part.shown else None)
        from attncli.results.fields import PARTS

        return PARTS if which is None else ("keys",) if which == "cross" else ()

    def expect_own_attention(self, part: "Part | None", what: str) -> None:
        """Raises: UsageError where a decoder reads a second text, and the part is not one text's own.

        `what` says who takes no other: "a batch writes".
        """
        if self.analyser.has_parts and (part is None or part.which in (None, "cross")):
            raise UsageError(
                f"found a text that a decoder reads; {what} the attention of one text to itself, "
                f"expected {field_name('part.which')} encoder or decoder",
                place=field_name("pair"),
                hints=(command_line("explain TEXT", pair="TEXT", part=Blank("cross")),),
            )

    def outcomes(self, sentences: "Iterable[Sentence]", place: str | None = None) -> Outcomes:
        """Each sentence with its outcome, numbered; some are computed together, in order.

        A sentence that fails alone raises its own error; among others it is an outcome of its own.
        Raises: EmptyError, at the `place`, when there is no sentence.
        """
        index = 0
        for chunk in in_lots(sentences):
            computed = self.analyser.outcomes([s.text for s in chunk if s.error is None])
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
            raise EmptyError(
                "found no sentence, expected at least one",
                place=place,
                hints=('attn explain "money bank grows"',),
            )

    def comparison(
        self, results: "Sequence[AttentionResult]", word: str | None, neighbors: int
    ) -> "Comparison":
        """A word, or without one the word that they share, in results whose pieces are merged.

        Raises: UsageError when it is not in each of them, or they share none or several.
        """
        from attncli.insight.compare import compare, shared_word

        return compare(results, word or shared_word(results), self.space, neighbors=neighbors)


def open_analysis(
    settings: "MechanismSettings",
    include: frozenset[str] = frozenset(),
    *,
    asked: frozenset[str] = frozenset(),
    part: "Part | None" = None,
    in_short: bool = False,
    foresees: bool = False,
    keeps: "Keeps" = "all",
    store: "EmbeddingStore | None" = None,
    access: "Access | None" = None,
    trained: "TrainedModel | None" = None,
    paired_by: str | None = None,
) -> Analysis:
    """Attention as the settings choose it, of the part that is chosen of its results.

    `include` names optional fields to fill; where a part loses one of those that were `asked` for,
    its record says so. `in_short` chooses, beside the part, what a terminal shows where nobody
    chooses layers or heads. With `foresees` a language model says what comes next; `keeps` says what
    is kept of the weights of a transformer, of a map the numbers of each head alone. The
    vectors are those of a `store` at hand, or opened in the way of `access`; a `trained` model at
    hand stands in the place of the one that the settings name. `paired_by` is the field that gives
    each text a second one, where one does.
    Raises: UsageError for settings out of range or that exclude each other; what opening the
    vectors or the model raises.
    """
    shown = None
    if in_short:
        from attncli.insight.chosen_part import Part, ShownPart
        from attncli.models.named import is_transformer

        part = Part() if part is None else part
        shown = ShownPart(Part(hide=part.hide, hide_special=part.hide_special))
        layers = (-1,) if is_transformer(settings.model) else None  # the others are never kept
        part = replace(part, hide=(), hide_special=False, layers=layers)

    def opened_store(settings: "MechanismSettings") -> "EmbeddingStore":
        return store_of(settings, access) if store is None else store

    opened = open_analyser(
        settings,
        include,
        asked=asked,
        part=part,
        foresees=foresees,
        keeps=keeps,
        open_store=opened_store,
        trained=trained,
        paired_by=paired_by,
    )
    if shown is None:
        return Analysis(*opened)
    from attncli.mechanisms.part_analyser import PartAnalyser

    return Analysis(PartAnalyser(opened.analyser, shown), opened.store)


def worked_sentences(
    exercise: str | None, preset: str | None, most: int | None = None
) -> list[str]:
    """The sentences of an exercise's file, else `most` of a preset's, for where no others are named.

    Raises: InputError, LimitError, DataError for a file that is no exercise.
    """
    if exercise is not None:
        from attncli.mechanisms.exercise import read_exercise

        if sentences := read_exercise(exercise).sentences:
            return list(sentences)
    if preset is None:
        return []
    from attncli.embeddings.presets import preset_named

    return list(preset_named(preset).sentences[:most])


def sentence_of_words(texts: Sequence[str]) -> str | None:
    """The one sentence that several texts of a word each are; None where they are sentences.

    A sentence of a script without spaces may be one word, as far as can be seen.
    """
    if len(texts) < 2 or any(" " in text or text == "-" for text in texts):
        return None
    from attncli.reading.cutting import may_hold_no_space

    return None if any(map(may_hold_no_space, texts)) else " ".join(texts)
