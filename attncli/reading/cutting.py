"""A sentence → its tokens, as the vocabulary of a store has them: compounds, contractions, phrases."""

from collections.abc import Callable, Sequence

from attncli.embeddings.protocols import EmbeddingStore
from attncli.reading.lookup import WordList, knows, word_lengths
from attncli.settings import TokenizerName
from attncli.text.forms import phrase_keys
from attncli.text.words import (
    JOINING,
    TOKENIZERS,
    Span,
    join_compounds,
    no_spaces,
    split_contraction,
)

_ASCII_JOINING = tuple(filter(str.isascii, JOINING))  # the others no ASCII text has


def may_hold_no_space(text: str) -> bool:
    """Whether a text is, in part, of a script whose sentences hold no space."""
    return no_spaces().search(text) is not None


def tokens_of(text: str, store: WordList, tokenizer: TokenizerName) -> list[Span]:
    """The tokens of a sentence, cut as the vocabulary of the store has them."""
    spans = TOKENIZERS[tokenizer](text)
    if tokenizer != "words":
        return spans
    if not text.isascii():
        from attncli.text.unspaced import join_unspaced

        spans = join_unspaced(text, spans, word_lengths(store))
    if not any(mark in text for mark in (_ASCII_JOINING if text.isascii() else JOINING)):
        return spans
    known = knows(store)
    joined = join_compounds(text, spans, known)
    return [part for span in joined for part in split_contraction(span, known)]


def spans_of(text: str, tokenizer: TokenizerName) -> list[tuple[str, int, int]]:
    """The words of a sentence with their places, as a tokenizer cuts it, whatever a vocabulary has."""
    return [(span.text, span.start, span.end) for span in TOKENIZERS[tokenizer](text)]


def joins_phrases(store: EmbeddingStore) -> bool:
    """Whether the vocabulary was learned with words joined to phrases."""
    training = store.meta.get("training")
    return isinstance(training, dict) and training.get("phrases") is True


def joined_phrases(text: str, spans: list[Span], store: WordList) -> list[Span]:
    """Two words that only space parts as one where the vocabulary has the phrase, from left to right."""
    joined: list[Span] = []
    at = 0
    while at < len(spans):
        span = spans[at]
        after = spans[at + 1] if at + 1 < len(spans) else None
        if after is not None and text[span.end : after.start].isspace():
            pair = Span(text[span.start : after.end], span.start, after.end)
            if any(map(store.has_word, phrase_keys(pair.text))):
                span = pair
        joined.append(span)
        at += 1 + (span is not spans[at])
    return joined


def words_asked(texts: Sequence[str], tokenizer: TokenizerName) -> list[str]:
    """The words that reading these texts may look up, whatever the vocabulary has."""
    asked = _Asked()
    for text in texts:
        for asked.answer in _ANSWERS:
            asked.asked += [span.text for span in tokens_of(text, asked, tokenizer)]
    return list(dict.fromkeys(asked.asked))


_ANSWERS: tuple[Callable[[str], bool], ...] = (
    lambda word: False,
    lambda word: True,
    lambda word: word.lstrip("nN").startswith("'"),  # the ends of contractions are known
)


class _Asked:
    """Stands for a store whose word list answers by a rule, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer = _ANSWERS[0]

    def has_word(self, word: str) -> bool:
        """The answer of the moment."""
        self.asked.append(word)
        return self.answer(word)

    def prefixes(self, text: str) -> None:
        """Only single words can be asked for."""
