"""How good vectors are: similarity as people judge it, and analogies, with the numbers of gensim.

A file of pairs has two words and a number a line (WordSim-353, SimLex-999, MEN); a file of analogies
has four words a line, in sections that begin ": NAME" (questions-words of word2vec). Letter case makes
no difference. Of words that differ in it alone the first of the vocabulary counts, as in gensim's
evaluate_word_pairs and evaluate_word_analogies, which these numbers equal.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from attncli.arrays import Float32Array, FloatArray, IntArray
from attncli.attention.products import product
from attncli.embeddings.protocols import VocabularyStore
from attncli.embeddings.vocabulary import unit_vectors
from attncli.errors import Blank, DataError, UsageError, command_line, field_name
from attncli.errors.wording import quoted, typed
from attncli.files.access import Tick
from attncli.files.paths import is_file
from attncli.files.rows.lines import all_lines
from attncli.files.rows.sentences import decoded
from attncli.files.source import InputSource, source_of
from attncli.settings import ASKED_WORDS

_PAIR_FILES = ("wordsim353.tsv", "simlex999.txt")
_ANALOGY_FILES = ("questions-words.txt",)
_QUESTIONS, _ROWS = 512, 16_384  # in work at once


def untold(done: int, total: int | None) -> None:
    """Passes over the progress: what `tick` is when nobody is told."""


@dataclass(frozen=True, slots=True, eq=False)
class AskedVocabulary:
    """The first words of a store by their capitals. Shapes: matrix (n_words, dim)."""

    rows: dict[str, int]
    others: dict[str, list[int]]  # rows of words that differ from an earlier one in case alone
    matrix: Float32Array

    @classmethod
    def of(cls, store: VocabularyStore, limit: int) -> "AskedVocabulary":
        """The first `limit` words."""
        matrix = store.matrix[:limit]
        rows, others = dict[str, int](), dict[str, list[int]]()
        for row in range(len(matrix)):
            word = store.word(row).upper()
            if rows.setdefault(word, row) != row:
                others.setdefault(word, []).append(row)
        return cls(rows, others, matrix)


def evaluation(
    store: VocabularyStore,
    pairs: Sequence[str],
    analogies: Sequence[str],
    *,
    limit: int = ASKED_WORDS,
    tick: Tick = untold,
) -> dict[str, Any]:
    """What files of pairs and analogies say of vectors; without a file, those of gensim.

    A file of which every word is unknown has no number; where there are only such files, that is an error.
    Raises: UsageError when there is no file, DataError when nothing is known, and what reading one raises.
    """
    if not pairs and not analogies:
        pairs, analogies = own_files()
        expect_files(pairs, analogies)
    vocabulary = AskedVocabulary.of(store, limit)
    judged = [judged_pairs(vocabulary, source_of(path)) for path in pairs]
    solved = [solved_analogies(vocabulary, source_of(path), tick) for path in analogies]
    if not any(facts["pairs"] for facts in judged) and not any(f["questions"] for f in solved):
        raise _nothing_known(store.name, judged + solved)
    return {
        "name": store.name,
        "words": len(vocabulary.matrix),
        "pairs": judged,
        "analogies": solved,
    }


def _nothing_known(name: str, files: list[dict[str, Any]]) -> DataError:
    """The error for vectors that know no pair and no analogy of the files."""
    asked = sum(facts["unknown"] for facts in files)
    hint = command_line(f"vectors evaluate {typed(name)}", pairs=Blank("FILE"))
    return DataError(
        f"no pair or analogy can be asked: of 0 of {asked:,} all words are in the vocabulary of "
        f"{quoted(name)}",
        place=files[0]["file"] if len(files) == 1 else None,
        hints=(f"name a file of words that they have: {hint}",),
    )


def judged_pairs(vocabulary: AskedVocabulary, source: InputSource) -> dict[str, Any]:
    """How the cosines of pairs of words go with the numbers of a file.

    Raises: DataError when no line is a pair, and what reading the file raises.
    """
    rows, numbers, unknown, skipped = list[tuple[int, int]](), list[float](), 0, 0
    for line in _lines(source):
        pair = _pair(line)
        if pair is None:
            skipped += 1
            continue
        places = [vocabulary.rows.get(word.upper()) for word in pair[:2]]
        if places[0] is None or places[1] is None:
            unknown += 1
        else:
            rows.append((places[0], places[1]))
            numbers.append(pair[2])
    if not rows and not unknown:
        expected = "expected two words and a number a line"
        raise DataError(f"no pair can be judged: {expected}", place=source.name)
    chosen = np.array(rows, dtype=np.int64).reshape(-1, 2)  # (n_pairs, 2)
    first, _ = unit_vectors(vocabulary.matrix[chosen[:, 0]])
    second, _ = unit_vectors(vocabulary.matrix[chosen[:, 1]])
    cosines = np.einsum("ij,ij->i", first, second, dtype=np.float64)  # (n_pairs,)
    theirs = np.array(numbers)
    return {
        "file": source.name,
        "pairs": len(rows),
        "unknown": unknown,
        "skipped": skipped,
        "spearman": correlation(ranks(theirs), ranks(cosines)),
        "pearson": correlation(theirs, cosines),
    }


def solved_analogies(
    vocabulary: AskedVocabulary, source: InputSource, tick: Tick = untold
) -> dict[str, Any]:
    """How many analogies of a file the vectors complete: "a is to b as c is to …".

    Raises: DataError when no line is an analogy, and what reading the file raises.
    """
    sections, questions, unknown, skipped = list[str](), list[tuple[int, list[str]]](), 0, 0
    for line in _lines(source):
        if line.startswith(": "):
            sections.append(line.lstrip(": ").strip())
            continue
        words = line.upper().split()
        if len(words) != 4:
            skipped += 1
        elif all(word in vocabulary.rows for word in words):
            questions.append((len(sections) - 1, words))
        else:
            unknown += 1
    if not questions and not unknown:
        raise DataError("no analogy can be asked: expected four words a line", place=source.name)
    right = _right(vocabulary, [words for _, words in questions], tick)
    counts = {place: [0, 0] for place in sorted({place for place, _ in questions})}
    for (place, _), is_right in zip(questions, right, strict=True):
        counts[place][0] += is_right
        counts[place][1] += 1
    correct = sum(right)
    return {
        "file": source.name,
        "questions": len(questions),
        "unknown": unknown,
        "skipped": skipped,
        "correct": correct,
        "accuracy": correct / len(questions) if questions else None,
        "sections": [
            {
                "section": sections[place] if place >= 0 else "",
                "questions": asked,
                "correct": solved,
                "accuracy": solved / asked,
            }
            for place, (solved, asked) in counts.items()
        ],
    }


def own_files() -> tuple[list[str], list[str]]:
    """The files of pairs and of analogies that come with gensim, if it is installed."""
    spec = find_spec("gensim")
    folders = [] if spec is None else spec.submodule_search_locations or []
    found = [Path(folder) / "test" / "test_data" for folder in folders][:1]
    pairs, analogies = (
        [str(folder / name) for folder in found for name in names if is_file(folder / name)]
        for names in (_PAIR_FILES, _ANALOGY_FILES)
    )
    return pairs, analogies


def expect_files(pairs: Sequence[str], analogies: Sequence[str]) -> None:
    """Raises: UsageError when there is nothing to evaluate by."""
    if not pairs and not analogies:
        raise UsageError(
            "found no file, and gensim, which has some, is not installed",
            place=field_name("pairs"),
            hints=("pip install gensim",),
        )


def correlation(first: FloatArray, second: FloatArray) -> float | None:
    """Pearson's correlation of two rows of numbers; None where one of them does not vary, or is empty."""
    if not len(first):
        return None
    a, b = first - first.mean(), second - second.mean()
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    return None if lengths == 0 else float(np.clip(product(a, b) / lengths, -1, 1))


def ranks(values: FloatArray) -> FloatArray:
    """The rank of each value; equal ones have the mean of their ranks. Shape (n,)."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[place])


def _lines(source: InputSource) -> Iterator[str]:
    for number, raw in enumerate(all_lines(source.blocks(), source.name), 1):
        line = decoded(raw, f"{source.name}:{number}")
        if line.strip() and not line.startswith("#"):
            yield line


def _pair(line: str) -> tuple[str, str, float] | None:
    """Two words and the first number after them, however they are parted; None where there is none."""
    separator = next((mark for mark in ("\t", ";", ",") if line.count(mark) >= 2), None)
    fields = line.split(separator)
    for field in fields[2:]:
        if re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", field):
            return fields[0].strip(), fields[1].strip(), float(field)
    return None


def _right(vocabulary: AskedVocabulary, questions: list[list[str]], tick: Tick) -> list[bool]:
    """Whether the nearest word to b − a + c, of unit vectors, is the fourth of each question."""
    matrix, right = vocabulary.matrix, list[bool]()
    for start in range(0, len(questions), _QUESTIONS):
        some = questions[start : start + _QUESTIONS]
        rows = np.array([[vocabulary.rows[word] for word in words] for words in some])  # (n, 4)
        a, b, c = (unit_vectors(matrix[rows[:, place]])[0] for place in range(3))  # (n, dim) each
        wanted = unit_vectors((b - a + c).astype(np.float32))[0].astype(np.float32)
        nearest = _nearest(matrix, wanted, [_asked(vocabulary, words) for words in some])
        same = [vocabulary.others.get(words[3], []) for words in some]
        right += [
            row == expected or row in alike
            for row, expected, alike in zip(
                nearest.tolist(), rows[:, 3].tolist(), same, strict=True
            )
        ]
        tick(start + len(some), len(questions))
    return right


def _asked(vocabulary: AskedVocabulary, words: list[str]) -> list[int]:
    """The rows of the words of a question, which are no answers."""
    return [
        row
        for word in words[:3]
        for row in (vocabulary.rows[word], *vocabulary.others.get(word, ()))
    ]


def _nearest(matrix: Float32Array, wanted: Float32Array, without: list[list[int]]) -> IntArray:
    """The row of the highest cosine to each vector, but for some rows. Shapes: wanted (n, dim) → (n,)."""
    best = np.full(len(wanted), -np.inf, dtype=np.float32)
    nearest = np.zeros(len(wanted), dtype=np.int64)
    for start in range(0, len(matrix), _ROWS):
        units, lengths = unit_vectors(matrix[start : start + _ROWS])  # (rows, dim), (rows,)
        cosines = product(units.astype(np.float32), wanted.T)  # (rows, n)
        cosines[lengths == 0] = -np.inf
        for column, rows in enumerate(without):
            here = [row - start for row in rows if 0 <= row - start < len(cosines)]
            cosines[here, column] = -np.inf
        top = cosines.argmax(axis=0)  # (n,)
        values = cosines[top, np.arange(len(wanted))]
        higher = values > best
        best[higher], nearest[higher] = values[higher], top[higher] + start
    return nearest
