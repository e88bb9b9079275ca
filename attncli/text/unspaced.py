"""Words in scripts that write no spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese …).

Where words end there is no matter of spelling: the longest word that the vocabulary has is taken, from
the left ("maximum matching", Wong and Chan 1996). What is in no word keeps its place.
"""

import unicodedata
from collections.abc import Callable, Collection, Iterator

from attncli.text.words import Span, no_spaces

LONGEST_WORD = 32  # characters

# The lengths of the vocabulary's words that a text begins with.
WordLengths = Callable[[str], Collection[int]]


def join_unspaced(sentence: str, words: list[Span], lengths: WordLengths) -> list[Span]:
    """The tokens of a sentence, those in scripts without spaces joined or cut to known words.

    Words in other scripts take part where they touch (T恤). What is in no word is one token between
    two known words; a run that holds no known word stays as it is.
    """
    if no_spaces().search(sentence) is None:
        return words
    joined: list[Span] = []
    for run in _runs(words):
        if any(no_spaces().match(span.text) for span in run):
            joined += _matched(sentence, run, lengths) or run
        else:
            joined += run
    return joined


def _runs(found: list[Span]) -> Iterator[list[Span]]:
    """The spans in runs without anything between them."""
    run: list[Span] = []
    for span in found:
        if run and span.start != run[-1].end:
            yield run
            run = []
        run.append(span)
    if run:
        yield run


def _matched(sentence: str, run: list[Span], lengths: WordLengths) -> list[Span] | None:
    """The words of a run and what lies between them; None when no word is known."""
    words = list(_words(sentence, run, lengths))
    if not any(is_known for _, _, is_known in words):
        return None
    tokens: list[Span] = []
    begin = run[0].start  # of what is in no word
    for start, end, is_known in words:
        is_word = is_known or no_spaces().match(sentence, start) is None
        if is_word:
            if begin < start:
                tokens.append(Span(sentence[begin:start], begin, start))
            tokens.append(Span(sentence[start:end], start, end))
            begin = end
    if begin < run[-1].end:
        tokens.append(Span(sentence[begin : run[-1].end], begin, run[-1].end))
    return tokens


def _words(sentence: str, run: list[Span], lengths: WordLengths) -> Iterator[tuple[int, int, bool]]:
    """Start and end of each word from the left, and whether the vocabulary has it."""
    ends = _ends(sentence, run)
    at, last = run[0].start, run[-1].end
    while at < last:
        window = sentence[at : min(at + LONGEST_WORD, last)]
        fitting = [at + length for length in lengths(window) if at + length in ends]
        end = max(fitting, default=0)
        if end:
            yield at, end, True
        else:
            end = _next(ends, at)
            yield at, end, False
        at = end


def _next(ends: Collection[int], at: int) -> int:
    at += 1
    while at not in ends:
        at += 1
    return at


def _ends(sentence: str, run: list[Span]) -> set[int]:
    """Where a word may end: not before a mark, and not inside a word of another script."""
    ends = {span.end for span in run}
    for span in run:
        if no_spaces().match(span.text) is not None:
            ends.update(
                place
                for place in range(span.start + 1, span.end)
                if unicodedata.category(sentence[place])[0] != "M"
                and unicodedata.category(sentence[place]) != "Cf"
            )
    return ends
