"""The vocabulary that a tokenizer class of transformers makes of the pieces of a SentencePiece model."""

from collections.abc import Mapping
from typing import Any

from attncli.errors import DataError
from attncli.errors.wording import quoted
from attncli.text.sentencepiece_model import CONTROL, USER_DEFINED, SentencePieceModel

_MOST_SENTINELS = 10_000
_FAIRSEQ = {"bos": "<s>", "pad": "<pad>", "eos": "</s>", "unk": "<unk>", "mask": "<mask>"}
NOT_USED = ("<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED")  # of CamembertTokenizer


def listed_pieces(
    kind: str, model: SentencePieceModel, names: Mapping[str, str], options: Mapping[str, Any]
) -> tuple[list[tuple[str, float]], None]:
    """The pieces of a model with their scores as a class lists them, and no merges.

    T5 has its sentinels behind them, the first of those last. XLM-RoBERTa and CamemBERT have the
    special tokens of fairseq in the place of the first pieces, and their mask last; `names` are those
    of the roles. `options` is tokenizer_config.json. Raises: DataError for sentinels that are none.
    """
    pieces = list(zip(model.pieces, model.scores, strict=True))
    if kind == "t5":
        return [*pieces, *((token, 0.0) for token in reversed(sentinels(options)))], None
    start, pad, end, unknown, mask = (
        names.get(f"{role}_token", usual) for role, usual in _FAIRSEQ.items()
    )
    if kind == "camembert":
        first, last, other = NOT_USED
        before = [(first, 0.0), (pad, 0.0), (last, 0.0), (unknown, 0.0), (other, -100.0)]
        return [*before, *pieces[1:], (mask, 0.0)], None
    before = [(token, 0.0) for token in (start, pad, end, unknown)]
    return [*before, *pieces[3:], (mask, 0.0)], None


def matched_pieces(library: Any, model: SentencePieceModel | None) -> list[Any]:
    """The pieces that are matched as they stand, the control ones special; none without a model."""
    pairs = [] if model is None else zip(model.pieces, model.types, strict=True)
    return [
        library.AddedToken(piece, normalized=False, special=kind == CONTROL)
        for piece, kind in pairs
        if kind in (CONTROL, USER_DEFINED)
    ]


def sentinels(given: Mapping[str, Any]) -> list[str]:
    """The tokens <extra_id_0> and on of a T5, as many as extra_ids of tokenizer_config.json says.

    Raises: DataError when it is no number, or too large.
    """
    number = given.get("extra_ids", 100)
    if not isinstance(number, int) or not 0 <= number <= _MOST_SENTINELS:
        raise DataError(f"extra_ids is {quoted(str(number))}, expected how many <extra_id_…> are")
    return [f"<extra_id_{at}>" for at in range(number)]
