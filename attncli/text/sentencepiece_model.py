"""A model of SentencePiece (.spm, .model), read from its file: pieces, scores, and how a text is prepared.

The file is one message of protocol buffers; its fields are those of sentencepiece_model.proto of
https://github.com/google/sentencepiece. Of what it holds nothing is executed.
"""

import math
from typing import NamedTuple

from attncli.errors import DataError
from attncli.text.protobuf import WireError, field_bytes, field_float, field_whole, message_fields

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)  # types of pieces
_KINDS = {1: "unigram", 2: "bpe", 3: "word", 4: "char"}
_MOST_PIECES = 1 << 21
_LONGEST_PIECE = 1000  # letters


class SentencePieceModel(NamedTuple):
    """What a file says: pieces with their scores and types, and how a text is prepared for them.

    `kind` is unigram or bpe; `unknown` the id of the piece for what is in none. `charsmap` is a table
    of characters that are spelled otherwise (empty: none). `has_dummy_prefix` puts a space before a
    text, or behind it with `is_suffix`; `removes_spaces` leaves one space of several and none at the
    ends; `escapes_spaces` spells them ▁. `falls_back` says that what is in no piece is cut into bytes.
    """

    pieces: tuple[str, ...]
    scores: tuple[float, ...]
    types: tuple[int, ...]
    kind: str
    unknown: int
    charsmap: bytes
    has_dummy_prefix: bool
    removes_spaces: bool
    escapes_spaces: bool
    is_suffix: bool
    falls_back: bool


def parse_sentencepiece(content: bytes, place: str) -> SentencePieceModel:
    """The model in the content of a file; `place` stands in messages. Raises: DataError."""
    try:
        return _model(memoryview(content))
    except WireError as fault:
        what = f"this is no model of SentencePiece: {fault}"
    except _Damage as fault:
        what = str(fault)
    raise DataError(what, place=place)


class _Damage(ValueError):
    """A message whose values contradict each other, or are not read here."""


def _model(data: memoryview) -> SentencePieceModel:
    pieces, scores, types = list[str](), list[float](), list[int]()
    trainer, normalizer = dict[int, int | memoryview](), dict[int, int | memoryview]()
    for field, value in message_fields(data):
        if field == 1:
            piece, score, kind = _piece(field_bytes(value), len(pieces))
            pieces.append(piece)
            scores.append(score)
            types.append(kind)
            if len(pieces) > _MOST_PIECES:
                raise _Damage(f"it has more than {_MOST_PIECES} pieces")
        elif field in (2, 3):
            (trainer if field == 2 else normalizer).update(message_fields(field_bytes(value)))
    kind = field_whole(trainer.get(3, 1))
    if not pieces:
        raise _Damage("this is no model of SentencePiece: it has no pieces")
    if kind not in (1, 2):
        raise _Damage(f"it is of the kind {_KINDS.get(kind, kind)}, expected unigram or bpe")
    falls_back = _flag(trainer, 35, default=False)
    _check_pieces(pieces, types, falls_back=falls_back)
    return SentencePieceModel(
        tuple(pieces),
        tuple(scores),
        tuple(types),
        _KINDS[kind],
        types.index(UNKNOWN),
        bytes(field_bytes(normalizer.get(2, memoryview(b"")))),
        has_dummy_prefix=_flag(normalizer, 3, default=True),
        removes_spaces=_flag(normalizer, 4, default=True),
        escapes_spaces=_flag(normalizer, 5, default=True),
        is_suffix=_flag(trainer, 24, default=False),
        falls_back=falls_back,
    )


def _piece(data: memoryview, number: int) -> tuple[str, float, int]:
    """The text, the score and the type of a piece."""
    text, score, kind = memoryview(b""), 0.0, NORMAL
    for field, value in message_fields(data):
        if field == 1:
            text = field_bytes(value)
        elif field == 2:
            score = field_float(value)
        elif field == 3:
            kind = field_whole(value)
    if not 0 < len(text) <= 4 * _LONGEST_PIECE:
        raise _Damage(f"piece {number} has {len(text)} bytes, expected 1 to {4 * _LONGEST_PIECE}")
    try:
        piece = str(text, "utf-8")
    except UnicodeDecodeError:
        raise _Damage(f"piece {number} is no text in UTF-8") from None
    if not math.isfinite(score):
        raise _Damage(f"the score of piece {number} is {score}, expected a finite number")
    if not NORMAL <= kind <= BYTE:
        raise _Damage(f"piece {number} is of the type {kind}, expected 1 to {BYTE}")
    return piece, score, kind


def _check_pieces(pieces: list[str], types: list[int], *, falls_back: bool) -> None:
    """Raises _Damage when the pieces are not those of one vocabulary."""
    if len(set(pieces)) < len(pieces):
        raise _Damage("a piece is there twice")
    if types.count(UNKNOWN) != 1:
        raise _Damage(f"{types.count(UNKNOWN)} pieces stand for what is unknown, expected one")
    if falls_back:
        there = {piece for piece, kind in zip(pieces, types, strict=True) if kind == BYTE}
        missing = next((one for one in map(byte_piece, range(256)) if one not in there), None)
        if missing is not None:
            raise _Damage(f"the piece of a byte, {missing}, is missing")


def byte_piece(byte: int) -> str:
    """The piece that stands for a byte."""
    return f"<0x{byte:02X}>"


def _flag(values: dict[int, int | memoryview], field: int, *, default: bool) -> bool:
    return bool(field_whole(values.get(field, int(default))))
