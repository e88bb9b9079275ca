"""Landmarks of a training: which words they are, and examples that tell each word's likeness.

Landmarks are chosen once, before learning, and stay. What is learned from is F·M: the likeness of a
word to them, mixed so that no direction of it outweighs the others (Nyström features: Williams and
Seeger 2001). M goes into W_v when a model is used, [X F·M]·W_v = [X F]·W′_v.
"""

from dataclasses import replace

import numpy as np

from attncli.arrays import FloatArray
from attncli.attention.general import unit_rows
from attncli.attention.landmarks import likeness
from attncli.attention.parameters import Parameters
from attncli.attention.products import product
from attncli.learning.minibatches import Examples

_MOST_WORDS = 20_000  # distinct vectors that landmarks are chosen among: the most frequent
_FREQUENT = 2e-3  # the share of all tokens from which on a word counts no more for being frequent
_FLOOR = 1e-3  # smallest direction of the likeness that is evened out


def chosen_landmarks(examples: Examples, count: int) -> dict[str, FloatArray]:
    """The landmarks (count, d_model) and their mixing (count, count), float32.

    Each next landmark is the word that those before tell worst, frequent words counting more:
    Cholesky decomposition of the likeness of all words, with pivoting (Fine and Scheinberg 2001).
    Where the examples have fewer words, the last landmarks are zeros.
    """
    rows, counts = np.unique(np.concatenate(examples.all_rows), return_counts=True)
    often = np.sort(np.argsort(-counts, kind="stable")[:_MOST_WORDS])
    table = examples.table[rows[often]].astype(np.float64)  # (n_words, d_model)
    share = counts[often] / counts.sum()
    says = np.sqrt(share * _FREQUENT / (_FREQUENT + share))  # (n_words,)
    says[~table.any(axis=1)] = 0
    picks = _pivots(unit_rows(table), says, count)
    landmarks = np.zeros((count, table.shape[1]))
    landmarks[: len(picks)] = unit_rows(table[picks])
    mixing = _mixing(landmarks, len(picks), table[says > 0])
    return {"landmarks": landmarks.astype(np.float32), "mixing": mixing.astype(np.float32)}


def with_landmarks(examples: Examples, parameters: Parameters) -> Examples:
    """The examples with a table of [X F·M] for the words they have; as they are without landmarks."""
    if "landmarks" not in parameters.fixed or not len(examples):
        return examples
    rows = examples.all_rows
    used, places = np.unique(np.concatenate(rows), return_inverse=True)
    vectors = examples.table[used]  # (n_used, d_model)
    landmarks, mixing = (
        parameters.fixed[name].astype(vectors.dtype) for name in ("landmarks", "mixing")
    )
    mixed = product(likeness(vectors, landmarks), mixing)  # (n_used, n_landmarks)
    own = np.split(places.reshape(-1), np.cumsum(list(map(len, rows)))[:-1])
    return replace(
        examples,
        table=np.concatenate([vectors, mixed], axis=1),
        rows=own[: len(examples)],
        pairs=None if examples.pairs is None else own[len(examples) :],
    )


def _pivots(words: FloatArray, says: FloatArray, count: int) -> list[int]:
    """The places of `count` words at most; words (n_words, d_model), says (n_words,)."""
    left = says**2  # what is not told yet of each word
    nothing = 1e-9 * float(left.max(initial=0.0))
    columns = np.zeros((len(words), min(count, len(words))))
    picks: list[int] = []
    for i in range(columns.shape[1]):
        pick = int(left.argmax())
        if left[pick] <= nothing:
            break
        picks.append(pick)
        column = likeness(words, words[pick : pick + 1])[:, 0] * says * says[pick]  # (n_words,)
        column -= product(columns[:, :i], columns[pick, :i])
        columns[:, i] = column / np.sqrt(left[pick])
        left -= columns[:, i] ** 2
        left[picks] = 0
    return picks


def _mixing(landmarks: FloatArray, used: int, known: FloatArray) -> FloatArray:
    """K^(−1/2), K the likeness of the landmarks; F·M is as long as the embeddings on average."""
    mixing = np.zeros((len(landmarks), len(landmarks)))
    if not used:
        return mixing
    values, vectors = np.linalg.eigh(likeness(landmarks[:used], landmarks[:used]))
    inverse = product(vectors / np.sqrt(np.maximum(values, _FLOOR)), vectors.T)
    mixing[:used, :used] = inverse
    lengths = np.linalg.norm(product(likeness(known, landmarks), mixing), axis=1)  # (n_words,)
    return mixing * float(np.linalg.norm(known, axis=1).mean() / lengths.mean())
