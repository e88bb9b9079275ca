"""Vectors as a mapping: `kv["bank"]`, `"bank" in kv`, the nearest words, and gensim's KeyedVectors."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attncli.arrays import Float32Array, read_only
from attncli.checks.arguments import count_of, text_of, texts_of, unexpected
from attncli.embeddings.protocols import (
    EmbeddingStore,
    VocabularyStore,
    has_vocabulary,
    is_store,
)
from attncli.errors import MissingWordError, UnknownWordError, UsageError, field_name
from attncli.errors.wording import quoted
from attncli.files.access import DEFAULT_ACCESS, Access
from attncli.reading.named_vectors import open_named_vectors
from attncli.results.cards import Card, Cell, Facts, ShowsCard

if TYPE_CHECKING:
    from attncli.embeddings.given import Vectors

_SHOWN = 12  # words in a notebook


class WordVectors(Mapping[str, Float32Array], ShowsCard):
    """Words and their vectors; what `open_vectors` gives.

    A word is looked up as sentences are read: as it is written, then in lower case, and so on; where
    vectors have subwords, a word that is not there is made of its parts. `words` are all words, the
    most frequent first, `vectors` (n_words, dim) theirs, read-only and perhaps mapped from a file.
    `name`, `dim` and `sha256` are those that a result's `vectors` say.
    """

    def __init__(self, store: EmbeddingStore) -> None:
        if not is_store(store):
            raise unexpected(store, "store", "a store; open_vectors makes one of what is at hand")
        self.store = store
        self.name: str = store.name
        self.dim: int = store.dim
        self._words: list[str] | None = None

    @property
    def sha256(self) -> str | None:
        """The hash of the words and their values; None where there is no list of words."""
        return self.store.sha256

    @property
    def words(self) -> list[str]:
        """All words, the most frequent first. Raises: UsageError where there is no list."""
        if self._words is None:
            store = self._vocabulary()
            self._words = [store.word(row) for row in range(store.words or 0)]
        return self._words

    @property
    def vectors(self) -> Float32Array:
        """The vectors of all words, (n_words, dim), read-only. Raises: UsageError where there is no list."""
        return read_only(self._vocabulary().matrix)

    def __getitem__(self, word: str) -> Float32Array:
        """The vector of a word, (dim,). Raises: MissingWordError, which is a KeyError."""
        return self._vector(text_of(word, "word"))

    def __contains__(self, word: object) -> bool:
        if not isinstance(word, str):
            return False
        from attncli.reading.neighbors import vector_of

        try:
            vector_of(self.store, word)
        except UnknownWordError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __len__(self) -> int:
        return self._vocabulary().words or 0

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, WordVectors):
            return NotImplemented
        ours, theirs = ((kv.name, kv.dim, kv.sha256, kv.store.words) for kv in (self, other))
        return ours == theirs

    def __hash__(self) -> int:
        return hash((self.name, self.dim))

    def __repr__(self) -> str:
        words = "any word" if self.store.words is None else f"{self.store.words:,} words"
        return f"WordVectors({self.name!r}, {words}, {self.dim} values each)"

    def card(self) -> Card:
        """Their name, their size and their first words."""
        count = self.store.words
        facts: dict[str, Cell] = {
            "words": "any word" if count is None else count,
            "values a word": self.dim,
        }
        if has_vocabulary(self.store) and count:
            facts["the first words"] = ", ".join(map(self.store.word, range(min(count, _SHOWN))))
        if self.sha256 is not None:
            facts["sha256"] = self.sha256
        return Card(f"Vectors {self.name}", "", [Facts(facts)])

    def most_similar(
        self,
        positive: str | Sequence[str] = (),
        negative: str | Sequence[str] = (),
        topn: int = 10,
    ) -> list[tuple[str, float]]:
        """The `topn` words with the highest cosine to a word, or to the mean of several, best first.

        Vectors of `negative` words count with a minus: king and woman without man. The words that
        are asked for are left out. As `most_similar` of gensim.
        Raises: MissingWordError, a KeyError; UsageError where there is no list of words.
        Source: Mikolov et al. 2013 (NAACL), "Linguistic Regularities in Continuous Space Word
        Representations".

        >>> from attncli import open_vectors
        >>> [word for word, _ in open_vectors("glove").most_similar("bank", topn=2)]
        ['banks', 'securities']
        """
        from attncli.reading.neighbors import combined_words, similar_words

        words, without = _words_of(positive, "positive"), _words_of(negative, "negative")
        count, store = count_of(topn, "topn", 1), self._vocabulary()
        if not words and not without:
            raise UsageError("found no word, expected one at least", place="positive")
        try:
            if len(words) == 1 and not without:
                return similar_words(store, words[0], count)
            return combined_words(store, words, without, count)
        except UnknownWordError as error:
            raise _missing(error) from None

    def similarity(self, first: str, second: str) -> float:
        """The cosine of two words, −1 to 1. Raises: MissingWordError, a KeyError."""
        from attncli.reading.neighbors import cosine

        one, other = text_of(first, "first"), text_of(second, "second")
        return cosine(self._vector(one), self._vector(other))

    def to_gensim(self) -> Any:
        """These words and vectors as KeyedVectors of gensim, a copy of equal numbers.

        Raises: MissingExtraError without gensim; UsageError where there is no list of words.
        """
        from attncli.embeddings.exporting import keyed_vectors

        return keyed_vectors(self.words, self._vocabulary().matrix)

    def _vector(self, word: str) -> Float32Array:
        from attncli.reading.neighbors import vector_of

        if self.store.words is None and not self.store.subwords and self.store.row(word) is None:
            raise MissingWordError(
                f"a word of {quoted(self.name)} has a vector in a sentence only",
                place=quoted(word),
                hints=("explain(…, vectors=…).embeddings has those of a sentence",),
            )
        try:
            return read_only(vector_of(self.store, word)[1])
        except UnknownWordError as error:
            raise _missing(error) from None

    def _vocabulary(self) -> VocabularyStore:
        if not has_vocabulary(self.store):
            raise UsageError("these vectors have no list of words", place=self.name)
        return self.store


def open_vectors(
    vectors: "Vectors | WordVectors",
    *,
    dim: int = 50,
    seed: int = 0,
    inline: str | None = None,
    no_cache: bool = False,
    access: Access | None = None,
) -> WordVectors:
    """Vectors by a name or a path, of a transformer (model:DIR[:LAYERS]), or at hand.

    "glove" is built in, "random" is seeded (`dim` values, `seed`); a name is one of imported or
    trained vectors, a path a file or folder. At hand are a dict of words and vectors, KeyedVectors of
    gensim, a table of pandas whose index is the words, or a matrix (n_words, dim) with its words:
    `(matrix, words)`, a dict of rows or a tokenizer in their place. They are copied. `inline` are
    vectors written out: "money=1,0;bank=.8,.6". `no_cache` neither reads nor writes converted vectors;
    `access`, an `attncli.files.access.Access`, is told warnings and how far a conversion is.
    Whatever takes `vectors` takes what this gives, which is quicker where it is used more than once.
    Raises: UsageError when there are no such vectors, DataError, ArgumentError for words and vectors
    that do not fit together, InputError, RefusedError, LimitError for files.

    >>> vectors = open_vectors({"money": [1, 0], "bank": [0.8, 0.6]})
    >>> vectors["bank"].tolist() == vectors.vectors[1].tolist(), "river" in vectors, len(vectors)
    (True, False, 2)
    """
    given = vectors.store if isinstance(vectors, WordVectors) else vectors
    access = DEFAULT_ACCESS if access is None else access
    return WordVectors(
        open_named_vectors(
            given, dim=dim, seed=seed, inline=inline, no_cache=no_cache, access=access
        )
    )


def store_of_vectors(
    vectors: "Vectors | WordVectors", access: Access = DEFAULT_ACCESS
) -> EmbeddingStore:
    """The store of vectors by name, by path or at hand. Raises: as `open_vectors`."""
    given = vectors.store if isinstance(vectors, WordVectors) else vectors
    return open_named_vectors(given, access=access)


def vocabulary_of(
    vectors: "Vectors | WordVectors", access: Access = DEFAULT_ACCESS
) -> VocabularyStore:
    """The store of vectors that list their words. Raises: UsageError for others; as `open_vectors`."""
    store = store_of_vectors(vectors, access)
    if not has_vocabulary(store):
        raise UsageError("these vectors have no list of words", place=field_name("vectors"))
    return store


def _words_of(given: Any, name: str) -> list[str]:
    return [text_of(given, name)] if isinstance(given, str) else texts_of(given, name)


def _missing(error: UnknownWordError) -> MissingWordError:
    """The error as a mapping raises it, with the words that may be meant in its message."""
    meant = "".join(f"; {hint}" for hint in error.hints[:1])
    return MissingWordError(error.message + meant, place=error.place, hints=error.hints[1:])
