"""A decoder that reads a second text beside its encoder: its own attention, and its cross-attention.

What it reads begins with the id that the model starts with, and ends before the token that would end
the text: each row is what the decoder looks at to write the token that follows.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import compress
from typing import Any

import numpy as np

from attncli.arrays import Float32Array
from attncli.errors import (
    DataError,
    EmptyError,
    LimitError,
    NumericError,
    field_name,
    setting,
)
from attncli.errors.wording import quoted
from attncli.insight.measures import with_measures
from attncli.mechanisms.transformer_reading import Target, at_most
from attncli.models.encoder_decoder import Decoded, Stages, decode
from attncli.models.model import TransformerModel
from attncli.models.pieces import Piece, Pieces, PieceTokenizer
from attncli.results.decoded import on_each_part
from attncli.results.facts import ResultWarning, Token
from attncli.results.result import AttentionResult


def read_target(
    model: TransformerModel, tokenizer: PieceTokenizer, text: str, limit: int, *, truncate: bool
) -> Target:
    """The text as the decoder of a model reads it, of at most `limit` tokens.

    Raises: EmptyError for a text without a word; LimitError for one that is too long and is not to be
    cut; DataError for ids beyond the decoder's vocabulary.
    """
    assert model.config.target is not None
    tokenizer, warnings = tokenizer.target, []
    pieces = tokenizer(text)
    if not pieces.has_words:
        raise EmptyError(f"no word in {quoted(text)}", place=field_name("pair"))
    read = _shifted(pieces, model, tokenizer)
    if len(read.ids) > limit:
        message = f"{len(read.ids)} tokens, {at_most(model, limit, part='the decoder of ')}"
        if not truncate:
            hint = f"{setting(truncate=True)} cuts a text that is too long"
            raise LimitError(message, place=field_name("pair"), hints=(hint,))
        read = Pieces(read.pieces[:limit], read.ids[:limit], read.types[:limit])
        warnings.append(ResultWarning("truncated", f"the second text is cut: {message}"))
    if max(read.ids) >= model.config.target.n_vocab:
        raise DataError(
            f"the tokenizer gives the id {max(read.ids)}, but the decoder has "
            f"{model.config.target.n_vocab} words",
            place=model.place,
        )
    unknown = tuple(at for at, piece in enumerate(read.pieces) if piece.status == "unknown")
    if unknown:
        named = ", ".join(quoted(read.pieces[at].text) for at in unknown[:5])
        message = f"not in the vocabulary of {model.name}: {named}"
        warnings.append(ResultWarning("unknown-word", message, unknown))
    return Target(text, read, tuple(warnings))


def _shifted(pieces: Pieces, model: TransformerModel, tokenizer: PieceTokenizer) -> Pieces:
    """The pieces behind the start of a decoder, without the one that ends the text."""
    assert model.config.sides is not None
    start, ids = model.config.sides.start, pieces.ids
    kept = len(ids) - 1 if ids[-1] in model.config.ends else len(ids)
    key = tokenizer.entry(start)
    first = Piece(key, 0, 0, key, "special", 0)
    return Pieces(
        (first, *pieces.pieces[:kept]), (start, *ids[:kept]), (0, *(0 for _ in ids[:kept]))
    )


def written_target(
    model: TransformerModel, tokenizer: PieceTokenizer, source: Float32Array, count: int
) -> Target:
    """What the model itself writes of the encoder's last rows (n_k, d_model), the likeliest tokens.

    Where it does not end within `count` tokens a warning says so. Raises: as `translate`.
    """
    from attncli.models.translating import translate
    from attncli.models.writing_rules import read_writing_rules
    from attncli.models.written import spelled_on

    more, tokenizer = translate(model, source, count), tokenizer.target
    start, special = (
        read_writing_rules(model.folder, model.config).start,
        tokenizer.special_tokens(),
    )
    ids = (start, *more.ids)
    entries = [tokenizer.entry(number) for number in ids]
    is_text = [at > 0 and entry not in special for at, entry in enumerate(entries)]
    written = spelled_on(tokenizer, "", (), list(compress(ids, is_text)))
    spelled, pieces, end = iter(written.pieces), list[Piece](), 0
    for entry, has_text in zip(entries, is_text, strict=True):
        pieces.append(next(spelled) if has_text else Piece(entry, end, end, entry, "special", 0))
        end = pieces[-1].end
    message = f"{model.name} was stopped after {len(more.ids)} tokens, before it ended its text"
    warnings = () if more.has_ended else (ResultWarning("text-stopped", message),)
    return Target(written.text, Pieces(tuple(pieces), ids, (0,) * len(ids)), warnings, written=True)


def decoded_target(
    model: TransformerModel,
    target: Target,
    source: Float32Array,
    listener: Callable[[int, Float32Array, Float32Array], None] | None = None,
    *,
    stages: bool = False,
) -> Decoded:
    """What the decoder makes of a target, beside the encoder's last rows (n_k, d_model).

    A `listener` hears of the weights as `decode` says them, and they are not kept. With `stages`
    queries, keys, values and scores are.
    Raises: NumericError when numbers overflow; DataError for tensors that do not fit.
    """
    assert model.decoder is not None
    assert model.config.target is not None
    ids = np.array(target.pieces.ids)
    decoded = decode(model.decoder, model.config.target, ids, source, listener, stages=stages)
    arrays = [decoded.contextual, decoded.weights, decoded.cross]
    arrays += [*(decoded.own or ()), *(decoded.other or ())]
    if not all(np.isfinite(array).all() for array in arrays):
        raise NumericError(f"the hidden states of {quoted(target.text)} overflow float32")
    return decoded


def foreseen(
    model: TransformerModel, tokenizer: PieceTokenizer, target: Target, decoded: Decoded
) -> dict[str, Any]:
    """What a decoder says of a target: what may follow it, how probable each of its tokens was.

    Nothing where it was saved without its head. Raises: NumericError when logits overflow float32;
    DataError for a head that does not fit.
    """
    head = None if model.decoder is None else model.decoder.head()
    if head is None:
        return {}
    from attncli.mechanisms.foreseeing import following

    ids, last = target.pieces.ids, decoded.contextual
    return following(head, tokenizer.target, ids, last, of_each=True)


def with_decoder(
    result: AttentionResult,
    target: Target,
    decoded: Decoded,
    include: frozenset[str],
    said: Mapping[str, Any] | None = None,
    *,
    scale: float,
) -> AttentionResult:
    """The result of an encoder with what its decoder made of another text beside it.

    `scale` is that of the decoder's scores, whose heads may be of another size. The parts are
    measured where the result was, and hold optional fields on request; what the decoder
    `said` of its text stands in their model.
    """
    n_layers, n_heads = decoded.weights.shape[:2]
    own = result.attention._replace(causal=True, n_layers=n_layers, n_heads=n_heads, scale=scale)
    shared: dict[str, Any] = {
        "text": target.text,
        "tokens": tuple(
            Token(p.text, p.start, p.end, p.key, p.status) for p in target.pieces.pieces
        ),
        "contextual": decoded.contextual,
        "vectors": result.vectors,
        "model": None if result.model is None else result.model._replace(**(said or {})),
    }
    held = {name: getattr(decoded, name) for name in include & {"embeddings", "hidden_states"}}
    if "measures" in include:
        held["before"] = decoded.embeddings
    of_own, of_other = (
        {} if of is None else {name: getattr(of, name) for name in include & {*Stages._fields}}
        for of in (decoded.own, decoded.other)
    )
    decoder = AttentionResult(
        attention=own, weights=decoded.weights, warnings=target.warnings, **shared, **held, **of_own
    )
    cross = AttentionResult(
        attention=own._replace(causal=False, positions="none"),
        weights=decoded.cross,
        keys=result.tokens,
        pair=result.text,
        warnings=(*target.warnings, *(w._replace(tokens=()) for w in result.warnings)),
        **shared,
        **of_other,
    )
    whole = replace(result_of_target(result, target), decoder=decoder, cross=cross)
    return on_each_part(whole, with_measures) if "measures" in include else whole


def result_of_target(result: AttentionResult, target: Target) -> AttentionResult:
    """The result of an encoder with the text that its decoder wrote, where it wrote one."""
    if result.model is None or not target.written:
        return result
    return replace(result, model=result.model._replace(completion=target.text))
