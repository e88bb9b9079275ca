"""Vectors learned from a corpus, measured, and searched, as `attn vectors` does."""

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from attncli.api.word_vectors import store_of_vectors, vocabulary_of
from attncli.arrays import Float32Array
from attncli.checks.arguments import choice_of, count_of, flag_of, text_of, unexpected
from attncli.errors import UnknownWordError
from attncli.errors.wording import quoted
from attncli.files.access import DEFAULT_ACCESS, Access
from attncli.results.cards import Card, Cell, Curve, Facts, Grid, Part, ShowsCard
from attncli.settings import ANALOGOUS_WORDS, SIMILAR_WORDS, InputFormat
from attncli.settings import CorpusSettings as CorpusSettings

if TYPE_CHECKING:
    from attncli.api.word_vectors import WordVectors
    from attncli.embeddings.given import Vectors
    from attncli.embeddings.protocols import EmbeddingStore

Files = str | PathLike[str] | Sequence[str | PathLike[str]]


class CorpusTraining(dict[str, Any], ShowsCard):
    """What was learned of a corpus: name, words, dim, sha256, and how (training)."""

    def __repr__(self) -> str:
        return (
            f"CorpusTraining({self['name']!r}, {self['words']:,} words, {self['dim']} values each)"
        )

    def card(self) -> Card:
        """What was learned, and the loss of each epoch where gensim tells it."""
        done, losses = self["training"], self["training"].get("loss") or []
        facts: dict[str, Cell] = {
            "learned from": f"{done['sentences']:,} sentences, {done['tokens']:,} words",
            "files": ", ".join(str(file or "standard input") for file in done["corpus"]),
            "left out": done["left_out"] or None,
            "by": f"gensim {done['gensim']}",
            "use": f"explain(…, vectors={self['name']!r})",
        }
        parts: list[Part] = [Facts({name: f for name, f in facts.items() if f is not None})]
        if losses:
            epochs = range(1, len(losses) + 1)
            parts.append(Curve(epochs, {"loss": losses}, "Loss by epoch", "epoch"))
        line = f"{self['words']:,} words, {self['dim']} values each"
        return Card(f"Vectors {self['name']}", line, parts)


class VectorScores(dict[str, Any], ShowsCard):
    """How good vectors are: name, words, pairs and analogies, a dict for each file."""

    def __repr__(self) -> str:
        judged = [f"{Path(file['file']).name} {file['spearman']}" for file in self["pairs"]]
        judged += [
            f"{Path(file['file']).name} "
            + ("None" if file["accuracy"] is None else f"{file['accuracy']:.4f}")
            for file in self["analogies"]
        ]
        return f"VectorScores({self['name']!r}: {', '.join(judged)})"

    def card(self) -> Card:
        """Correlations with what people say, and the analogies that are right."""
        parts: list[Part] = []
        if self["pairs"]:
            columns = ["pairs of words", "Spearman", "Pearson", "pairs", "unknown"]
            fields = ("spearman", "pearson", "pairs", "unknown")
            parts.append(Grid(columns, [_row(file, fields) for file in self["pairs"]]))
        if self["analogies"]:
            columns = ["analogies", "right", "of", "share", "unknown"]
            fields = ("correct", "questions", "accuracy", "unknown")
            parts.append(Grid(columns, [_row(file, fields) for file in self["analogies"]]))
        return Card(f"Vectors {self['name']}, measured", f"{self['words']:,} words", parts)


def _row(file: dict[str, Any], fields: Sequence[str]) -> list[Cell]:
    return [Path(file["file"]).name, *(file[field] for field in fields)]


def train_vectors(
    corpus: Files,
    name: str,
    settings: CorpusSettings | None = None,
    *,
    column: str | None = None,
    input_format: InputFormat | None = None,
    skip_bad: bool = False,
    force: bool = False,
    watch: Callable[[str, int, int | None], None] | None = None,
) -> "CorpusTraining":
    """Learns word vectors from files of sentences by gensim, as `attn vectors train` does.

    `vectors=name` has them from then on. `column` is that of the text in tables, `input_format` what
    the files are where that is not to be seen from their content; with `skip_bad` lines that cannot
    be read are left out; with `force` vectors of that name are replaced. `watch` is told what is
    done, and how much of it. What is returned says what was learned: words, dim, sha256, and how.
    Raises: OutputError when the name is taken; MissingExtraError without gensim; EmptyError,
    DataError, LimitError, UsageError.
    """
    from attncli.api.batching import paths_of
    from attncli.embeddings.corpus import unwatched
    from attncli.embeddings.learned import learn_vectors
    from attncli.files.rows.columns import column_number
    from attncli.files.rows.reader import Shape
    from attncli.files.source import bytes_of_stdin, sources

    if settings is not None and not isinstance(settings, CorpusSettings):
        raise unexpected(settings, "settings", "CorpusSettings")
    if watch is not None and not callable(watch):
        raise unexpected(watch, "watch", "a function of a text and two numbers")
    chosen = None if column is None else text_of(column, "column")
    if input_format is not None:
        choice_of(input_format, "input_format", get_args(InputFormat))
    named = frozenset[str]() if chosen is None else None
    shape = Shape(
        kind=input_format,
        column=chosen,
        fields=("column",),
        chosen=named,
        by_number=chosen is not None and column_number(chosen) is not None,
    )
    learned = learn_vectors(
        sources(paths_of(corpus, "corpus"), bytes_of_stdin),
        text_of(name, "name"),
        settings or CorpusSettings(),
        shape=shape,
        skip_bad=flag_of(skip_bad, "skip_bad"),
        force=flag_of(force, "force"),
        watch=watch or unwatched,
    )
    return CorpusTraining(learned)


def evaluate_vectors(
    vectors: "Vectors | WordVectors" = "glove",
    *,
    pairs: Files | None = None,
    analogies: Files | None = None,
    limit: int = 300_000,
    tick: Callable[[int, int | None], None] | None = None,
) -> "VectorScores":
    """How good vectors are, by word similarity and analogies, as `attn vectors evaluate` says.

    `vectors` are a name, a file, or at hand, as `explain` takes them; `limit` words of them are asked.
    Without a file, those that come with gensim are taken. `tick` is told how much is done.
    A file of which nothing is known has no number. Raises: DataError when nothing of any file is known; UsageError for vectors without a list of words.
    """
    from attncli.api.batching import paths_of
    from attncli.embeddings.evaluating import evaluation, untold

    if tick is not None and not callable(tick):
        raise unexpected(tick, "tick", "a function of two numbers")
    scores = evaluation(
        vocabulary_of(vectors),
        [] if pairs is None else paths_of(pairs, "pairs"),
        [] if analogies is None else paths_of(analogies, "analogies"),
        limit=count_of(limit, "limit", 1),
        tick=tick or untold,
    )
    return VectorScores(scores)


def similar(
    word: str,
    vectors: "Vectors | WordVectors" = "glove",
    *,
    count: int = SIMILAR_WORDS,
    access: Access = DEFAULT_ACCESS,
) -> list[tuple[str, float]]:
    """The words nearest to a word, best first, with their cosines; the word itself is left out.

    Raises: UnknownWordError with words that are spelled alike; UsageError for vectors without a list
    of words; what opening them raises.

    >>> [word for word, _ in similar("bank", count=2)]
    ['banks', 'securities']
    """
    from attncli.reading.neighbors import similar_words

    return similar_words(vocabulary_of(vectors, access), word, count)


def analogy(
    a: str,
    b: str,
    c: str,
    vectors: "Vectors | WordVectors" = "glove",
    *,
    count: int = ANALOGOUS_WORDS,
    access: Access = DEFAULT_ACCESS,
) -> list[tuple[str, float]]:
    """The words that are to `c` as `b` is to `a`, best first, with their cosines.

    Raises: as `similar`.
    Source: Mikolov et al. 2013, "Linguistic Regularities in Continuous Space Word Representations".

    >>> analogy("man", "king", "woman")[0][0]
    'queen'
    """
    from attncli.reading.neighbors import analogous_words

    return analogous_words(vocabulary_of(vectors, access), a, b, c, count)


class FoundWords(NamedTuple):
    """What vectors have of some words.

    vectors: of each word that is there, in any form, (dim,). forms: the key and the status of those
    that are there in another form. missing: the others.
    """

    store: "EmbeddingStore"
    vectors: dict[str, Float32Array]
    forms: dict[str, tuple[str, str]]
    missing: list[str]

    def expect_some(self) -> None:
        """Raises: UnknownWordError where no word is there, with words that are spelled alike."""
        if self.vectors:
            return
        from attncli.reading.lookup import spelled_alike

        named = ", ".join(quoted(word) for word in self.missing[:5])
        raise UnknownWordError(
            f"no vector in {quoted(self.store.name)} for {named}",
            hints=spelled_alike(self.store, self.missing),
        )


def find_words(
    words: Sequence[str],
    vectors: "Vectors | WordVectors" = "glove",
    *,
    access: Access = DEFAULT_ACCESS,
) -> FoundWords:
    """The vectors of words, each looked up as sentences are read; a file is searched, not converted.

    Raises: what opening the vectors raises.
    """
    from attncli.reading.lookup import find

    store = store_of_vectors(vectors, access._replace(whole=False))
    store.prefetch(words)
    hits = {word: find(store, word) for word in dict.fromkeys(words)}
    known = {word: hit for word, hit in hits.items() if hit is not None}
    return FoundWords(
        store,
        {word: store.vectors([row])[0] for word, (row, _, _) in known.items()},
        {word: (key, status) for word, (_, key, status) in known.items() if status != "exact"},
        [word for word, hit in hits.items() if hit is None],
    )
