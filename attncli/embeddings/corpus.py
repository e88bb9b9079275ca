"""Files of sentences → words, cut once into a file that is walked over again and again.

A model sees its corpus once an epoch. So the inputs, which may be packed, or standard input, are read
once, and what is kept is what counts: a line for a sentence, its words apart by a sign that no word
holds. Words are cut as a sentence is that is explained, and named as vocabularies name them: composed,
with straight apostrophes, without unseen characters and in small letters.
"""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TextIO, get_args

from attncli.checks.arguments import choice_of, count_of, flag_of
from attncli.embeddings.phrases import RunsFile, runs_of, with_phrases
from attncli.errors import (
    AttnError,
    DataError,
    EmptyError,
    LimitError,
    UsageError,
    field_name,
    setting,
)
from attncli.files.limits import Limits, memory_budget
from attncli.files.rows.inputs import text_of_row
from attncli.files.rows.reader import Shape, rows_of
from attncli.files.source import InputSource
from attncli.settings import CORPUS_LIMITS, CorpusSettings, LearningMethod
from attncli.text.forms import plain_form
from attncli.text.words import TOKENIZERS, plain_words, words

_BETWEEN = "\x1f"  # between words
_MOST_WORDS = 10_000  # of a sentence: gensim leaves out what is beyond
_A_COUNT = (
    200  # bytes a word takes: some 100 while words are counted, as many when gensim counts them
)

Watch = Callable[[str, int, int | None], None]


def unwatched(stage: str, done: int, total: int | None) -> None:
    """Passes over the progress: what `watch` is when no bar is drawn."""


def expect_learnable(settings: CorpusSettings) -> None:
    """Raises: ArgumentError, UsageError for a choice that is none, or is out of its range."""
    choice_of(settings.method, field_name("method"), get_args(LearningMethod))
    choice_of(settings.tokenizer, field_name("tokenizer"), TOKENIZERS)
    for name, most in CORPUS_LIMITS.items():
        least = 0 if name == "seed" else 1
        count_of(getattr(settings, name), field_name(name), least, most)
    for name in ("skip_gram", "phrases", "keep_case"):
        flag_of(getattr(settings, name), field_name(name))
    if settings.phrases and settings.tokenizer != "words":
        raise UsageError(
            f"found {settings.tokenizer}, expected words: only words are joined to phrases",
            place=field_name("tokenizer"),
        )


class Corpus:
    """Sentences of words that lie in a file; each walk begins anew.

    `counts` says how often each word occurs, of as many words as memory has room for. `watch` is
    told how far a walk is, in bytes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.n_sentences = self.n_tokens = self.left_out = 0
        self.counts: Counter[str] = Counter()
        self._most_words = memory_budget(Limits()) // _A_COUNT
        self.size = 0
        self.watch: Callable[[int, int], None] = lambda done, total: None

    def __iter__(self) -> Iterator[list[str]]:
        done = 0
        with self.path.open(encoding="utf-8", newline="\n") as file:
            for line in file:
                yield line[:-1].split(_BETWEEN)
                done += len(line)
                self.watch(done, self.size)

    def add(self, file: TextIO, sentence: Sequence[str]) -> None:
        """Appends a sentence, in pieces of what gensim takes.

        Raises: LimitError for more different words than there is memory for.
        """
        for start in range(0, len(sentence), _MOST_WORDS):
            piece = sentence[start : start + _MOST_WORDS]
            self.size += file.write(_BETWEEN.join(piece) + "\n")
            self.n_sentences += 1
            self.n_tokens += len(piece)
            self.counts.update(piece)
        if len(self.counts) > self._most_words:
            raise LimitError(
                f"more than {self._most_words:,} different words: the memory that is free does "
                "not hold how often they occur"
            )


def cut_corpus(
    inputs: Sequence[InputSource],
    shape: Shape,
    settings: CorpusSettings,
    folder: Path,
    *,
    skip_bad: bool = False,
    watch: Watch = unwatched,
) -> Corpus:
    """Cuts the sentences of the inputs into words, in a file of the folder.

    Raises: EmptyError when there is no word; what reading an input raises, for one line too unless
    such are skipped; OSError.
    """
    corpus = Corpus(folder / "corpus")
    texts = _texts(inputs, shape, corpus, skip_bad, watch)
    keep_case = settings.keep_case
    name = lru_cache(maxsize=1 << 16)(lambda word: word_name(word, keep_case=keep_case))
    sentences: Iterator[list[str]] = map(_cutter(settings, name), texts)
    if settings.phrases:
        runs = RunsFile(folder / "runs")
        with runs.path.open("w", encoding="utf-8", newline="\n") as file:
            for text in texts:
                if spans := words(text):
                    runs.add(file, [list(map(name, run)) for run in runs_of(text, spans)])
        sentences = with_phrases(runs, settings.min_count, watch)
    with corpus.path.open("w", encoding="utf-8", newline="\n") as file:
        for sentence in sentences:
            corpus.add(file, sentence)
    (folder / "runs").unlink(missing_ok=True)
    if not corpus.n_tokens:
        names = ", ".join(source.name for source in inputs)
        raise EmptyError("no sentence with a word, expected at least one", place=names[:200])
    return corpus


def _texts(
    inputs: Sequence[InputSource], shape: Shape, corpus: Corpus, skip_bad: bool, watch: Watch
) -> Iterator[str]:
    """The sentences of the inputs; those that cannot be read are counted or raised."""
    for source in inputs:
        for rows in rows_of(source, shape):
            for row in rows:
                try:
                    yield text_of_row(row, source.name)
                except AttnError as error:
                    if not skip_bad:
                        way_out = f"{setting(skip_bad=True)} goes on without such lines"
                        error.hints = (*error.hints, way_out)[:2]
                        raise
                    corpus.left_out += 1
            watch(f"reading {source.name[-40:]}", source.read, None)


def _cutter(settings: CorpusSettings, name: Callable[[str], str]) -> Callable[[str], list[str]]:
    """What cuts a sentence into the words of the vocabulary."""
    tokens_of, keep_case = TOKENIZERS[settings.tokenizer], settings.keep_case

    def cut(text: str) -> list[str]:
        plain = None
        if tokens_of is words and text.isascii():  # nothing but letter case is to be named
            plain = plain_words(text if keep_case else text.lower())
        return [name(token.text) for token in tokens_of(text)] if plain is None else plain

    return cut


def word_name(word: str, *, keep_case: bool = False) -> str:
    """How the vocabulary has a word.

    >>> word_name("Don\u2019t")
    "don't"
    """
    plain = plain_form(word)
    return plain if keep_case else unicodedata.normalize("NFC", plain.lower())


def check_counts(corpus: Corpus, settings: CorpusSettings, place: str) -> int:
    """How many words are learned. Raises: DataError when they are too few."""
    kept = sum(count >= settings.min_count for count in corpus.counts.values())
    if kept > 1:
        if corpus.n_sentences == corpus.n_tokens:
            raise DataError("found one word in each sentence, expected several", place=place)
        return kept
    if len(corpus.counts) == 1:
        raise DataError("found one word again and again, expected several words", place=place)
    often = sorted(corpus.counts.values(), reverse=True)[1]
    occur = "once" if often == 1 else f"{often} times"
    which = "no word occurs" if not kept else "only one word occurs"
    raise DataError(
        f"{which} {settings.min_count:,} times or more; the second most frequent occurs {occur}",
        place=place,
        hints=(f"{setting(min_count=often)} keeps words that occur {occur}",),
    )
