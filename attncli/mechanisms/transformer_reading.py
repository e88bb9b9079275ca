"""A text as a transformer reads it: its pieces, and what is to be said of them."""

from typing import NamedTuple

import numpy as np

from attncli.arrays import Float32Array
from attncli.errors import LimitError, setting
from attncli.errors.wording import quoted
from attncli.models.forward import Inputs
from attncli.models.model import TransformerModel
from attncli.models.pieces import Pieces, PieceTokenizer
from attncli.results.facts import ResultWarning, Token


class Target(NamedTuple):
    """A text as a decoder reads it, its pieces behind the one that it starts with."""

    text: str
    pieces: Pieces
    warnings: tuple[ResultWarning, ...] = ()
    written: bool = False  # by the model itself


class TextRead(NamedTuple):
    """A sentence or pair with its pieces, and what to warn of."""

    text: str
    pair: str | None
    pieces: Pieces
    warnings: tuple[ResultWarning, ...]
    completion: str | None = None
    n_given: int = 0
    target: Target | None = None


def at_most(
    model: TransformerModel, limit: int, longest: int | None = None, *, part: str = ""
) -> str:
    """What allows no more than `limit` tokens: the model, which reads `longest`, or a setting.

    `part` names what of the model reads them: "the decoder of ".
    """
    if limit >= (model.config.max_tokens if longest is None else longest):
        return f"{part}{model.name} reads at most {limit}"
    return f"{setting(max_tokens=limit)} allows no more"


def cut_short(model: TransformerModel, n: int, left: int, limit: int) -> ResultWarning:
    """That of n tokens so many are left. Raises: LimitError when these are still too many."""
    if left > limit:
        raise LimitError(
            f"the tokenizer adds so much that {left} tokens are left of {n}, {at_most(model, limit)}"
        )
    is_longest = limit >= model.config.max_tokens
    most = f"the most {model.name} reads" if is_longest else "the most that is to be read"
    message = f"cut to {left} of {n} tokens, {most}"
    return ResultWarning("truncated", message)


def segmented(
    model: TransformerModel, tokenizer: PieceTokenizer, pieces: Pieces
) -> tuple[Pieces, list[ResultWarning]]:
    """The pieces with the segments that Hugging Face would give the model, none or its own."""
    given = tokenizer.gives_segments
    config = model.config
    if (config.family == "bert" if given is None else given) or not any(pieces.types):
        return pieces, []
    without = pieces._replace(types=(0,) * len(pieces.types))
    if config.n_types < 2:
        return without, []
    message = f"both sentences are read as one segment: {model.name} is told of no second"
    return without, [ResultWarning("one-segment", message)]


def notes_on(
    model: TransformerModel, tokenizer: PieceTokenizer, pieces: Pieces
) -> list[ResultWarning]:
    """What to warn of: a long text, a tokenizer that may be another one, unknown words."""
    warnings: list[ResultWarning] = []
    n_positions = model.config.n_positions
    if len(pieces.ids) > n_positions:
        message = f"{len(pieces.ids)} tokens, {model.name} was made for at most {n_positions}"
        warnings.append(ResultWarning("beyond-context", message))
    if tokenizer.doubt is not None:
        warnings.append(ResultWarning("tokenizer-class", tokenizer.doubt))
    unknown = tuple(at for at, p in enumerate(pieces.pieces) if p.status == "unknown")
    if unknown:
        named = ", ".join(quoted(pieces.pieces[at].text) for at in unknown[:5])
        message = f"not in the vocabulary of {model.name}: {named}"
        warnings.append(ResultWarning("unknown-word", message, unknown))
    return warnings


def inputs_of(reading: TextRead) -> Inputs:
    """The ids and segments that the model is given."""
    return Inputs(np.array(reading.pieces.ids), np.array(reading.pieces.types))


def tokens_read(reading: TextRead) -> tuple[Token, ...]:
    """The tokens of the record."""
    return tuple(Token(p.text, p.start, p.end, p.key, p.status) for p in reading.pieces.pieces)


def no_rows(reading: TextRead) -> Float32Array:
    """Rows of a text that nothing is known of yet."""
    return np.zeros((len(reading.pieces.ids), 1), dtype=np.float32)
