"""What a language model says of a text: which token may follow, how probable each was, what fills a mask.

All of it is a softmax over the logits of the head on top, in natural logarithms.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from attncli.arrays import Float32Array, IntArray
from attncli.errors import NumericError
from attncli.models.model import TransformerModel
from attncli.models.pieces import PieceTokenizer
from attncli.models.word_head import WordHead
from attncli.results.predicted import Candidate, MaskedPlace

CANDIDATES = 10  # of each place, in the record
_BLOCK = 1 << 24  # logits that are made at once


def predictions(
    model: TransformerModel,
    tokenizer: PieceTokenizer,
    ids: Sequence[int],
    last: Float32Array,
    *,
    of_each: bool,
) -> dict[str, Any]:
    """The fields of `ModelInfo` that a head gives of one text; none where there is no head.

    `last` (n, d_model) is what the head reads. A causal model says what follows the last token, and
    with `of_each` how probable each token of the text was; a masked one what fills its masks.
    Raises: DataError for a head that does not fit; NumericError when logits overflow float32.
    """
    head = model.head
    if head is None:
        return {}
    if not model.config.causal:
        places = [at for at, number in enumerate(ids) if number == tokenizer.mask_id]
        return {"masks": tuple(_masks(head, tokenizer, ids, last, places))} if places else {}
    return following(head, tokenizer, ids, last, of_each=of_each)


def following(
    head: WordHead,
    tokenizer: PieceTokenizer,
    ids: Sequence[int],
    last: Float32Array,
    *,
    of_each: bool,
) -> dict[str, Any]:
    """What may follow the last token, and with `of_each` how probable each token of the text was.

    `last` (n, d_model) is what the head reads. Raises: as `predictions`.
    """
    (after,) = _logs(head, last[-1:])  # (n_vocab,)
    said: dict[str, Any] = {
        "next": _candidates(tokenizer, ids, after),
        "next_entropy": _entropy(after),
    }
    if of_each:
        said["log_probabilities"] = (None, *_of_each(head, last, ids))
    return said


def _masks(
    head: WordHead,
    tokenizer: PieceTokenizer,
    ids: Sequence[int],
    last: Float32Array,
    places: Sequence[int],
) -> Iterator[MaskedPlace]:
    for place in places:
        (here,) = _logs(head, last[place : place + 1])  # (n_vocab,)
        yield MaskedPlace(place, _candidates(tokenizer, ids[:place], here), _entropy(here))


def _of_each(head: WordHead, last: Float32Array, ids: Sequence[int]) -> Iterator[float]:
    """The log-probability of each token but the first, some rows at a time."""
    step = max(1, _BLOCK // head.size)
    for start in range(0, len(ids) - 1, step):
        rows = last[start : min(start + step, len(ids) - 1)]
        follows = np.array(ids[start + 1 : start + 1 + len(rows)])  # (m,)
        logs = _logs(head, rows)  # (m, n_vocab)
        yield from (_short(log) for log in logs[np.arange(len(rows)), follows].tolist())


def _logs(head: WordHead, rows: Float32Array) -> Any:
    """The logarithm of each entry's probability. Shapes: (m, d_model) → (m, n_vocab).

    Raises: NumericError.
    """
    logits = head.logits(rows)
    if not np.isfinite(logits).all():
        raise NumericError("the logits of the vocabulary overflow float32")
    logits -= logits.max(axis=-1, keepdims=True)
    sums = np.exp(logits).sum(axis=-1, keepdims=True, dtype=np.float64)  # (m, 1)
    logits -= np.log(sums).astype(np.float32)
    return logits


def _entropy(logs: Float32Array) -> float:
    """−Σ p·log p, in nats. Shape (n_vocab,)."""
    return _short(max(0.0, -float((np.exp(logs) * logs).sum(dtype=np.float64))))


def _candidates(
    tokenizer: PieceTokenizer, before: Sequence[int], logs: Float32Array
) -> tuple[Candidate, ...]:
    """The likeliest entries, likeliest first; of equal ones that with the lower id."""
    return tuple(
        Candidate(
            tokenizer.entry(number),
            tokenizer.added_text(before, number),
            number,
            _short(float(np.exp(logs[number]))),
        )
        for number in _likeliest(logs).tolist()
    )


def _likeliest(logs: Float32Array) -> IntArray:
    """The ids of the largest numbers. Shapes: (n_vocab,) → (at most CANDIDATES,)."""
    count = min(CANDIDATES, logs.size)
    least = np.partition(logs, -count)[-count]
    among = np.flatnonzero(logs >= least)
    return among[np.argsort(-logs[among], kind="stable")][:count]


def _short(number: float) -> float:
    """The number with the digits that float32 has."""
    return float(f"{number:.7g}")
