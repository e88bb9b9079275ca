"""Pairs of words that often stand together → one word, `new_york`, found by gensim.

Words are a pair only where nothing but space parts them, as a sentence is read afterwards.
Source: Mikolov et al. 2013, "Distributed Representations of Words and Phrases", section 4.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from attncli.text.words import Span

_BETWEEN, _PAUSE = "\x1f", "\x1e"  # between words; between runs of words
_MOST_PAIRS = 2_000_000  # remembered while they are counted: some 300 MB; rare ones are forgotten


def runs_of(sentence: str, words: Sequence[Span]) -> list[list[str]]:
    """The words of a sentence in runs whose words only space parts.

    >>> from attncli.text.words import words
    >>> runs_of("New York, my home", words("New York, my home"))
    [['New', 'York'], ['my', 'home']]
    """
    runs: list[list[str]] = []
    end = 0
    for word in words:
        if not runs or not sentence[end : word.start].isspace():
            runs.append([])
        runs[-1].append(word.text)
        end = word.end
    return runs


class RunsFile:
    """Sentences in runs that lie in a file. Each walk begins anew and gives the runs one by one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0

    def add(self, file: TextIO, runs: Sequence[Sequence[str]]) -> None:
        """Appends a sentence."""
        self.size += file.write(_PAUSE.join(map(_BETWEEN.join, runs)) + "\n")

    def sentences(self, tick: Callable[[int, int], None]) -> Iterator[list[list[str]]]:
        """The runs of each sentence."""
        done = 0
        with self.path.open(encoding="utf-8", newline="\n") as file:
            for line in file:
                yield [run.split(_BETWEEN) for run in line[:-1].split(_PAUSE)]
                done += len(line)
                tick(done, self.size)


def with_phrases(
    runs: RunsFile, min_count: int, watch: Callable[[str, int, int | None], None]
) -> Iterator[list[str]]:
    """The words of each sentence, those that belong together joined by "_"."""
    from gensim.models.phrases import Phrases

    counted = runs.sentences(lambda done, total: watch("finding phrases", done, total))
    model = Phrases(
        (run for sentence in counted for run in sentence),
        min_count=min_count,
        max_vocab_size=_MOST_PAIRS,
    )
    frozen = model.freeze()
    del model
    for sentence in runs.sentences(lambda done, total: watch("joining phrases", done, total)):
        yield [word for run in sentence for word in frozen[run]]
