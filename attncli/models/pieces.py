"""Sentences → the pieces a transformer reads, by the tokenizer of its checkpoint.

The library `tokenizers` does the work; truncation and padding that the file asks for are switched
off, so that nothing is cut or added in silence. Offsets are code points of the sentence as given,
without the space that byte-level tokenizers count to a piece.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from attncli.errors import DataError, LimitError
from attncli.errors.wording import quoted, visible
from attncli.files.paths import is_file
from attncli.models.tokenizer_files import (
    foreign_class,
    has_two_sides,
    json_object,
    open_tokenizer,
    tokenizer_file,
    told_names,
)
from attncli.text.panics import quiet_panics
from attncli.text.tokenizer_classes import tokenizer_kind
from attncli.text.tokenizer_content import tokenizers_library
from attncli.text.tokenizer_growth import Growth

_MASKS = ("[MASK]", "<mask>")
_CONTEXT = 8  # ids that decide how the next is spelled
_UNKNOWN = ("[UNK]", "<unk>")
_SEGMENTED = ("bert", "deberta-v2")
_SPACE = "▁"  # SentencePiece: a space stands before


class Piece(NamedTuple):
    """One piece: `text[start:end]` of its sentence, and the vocabulary entry `key`.

    `status` is exact or lower (it begins a word, spelled as given or not), piece (it continues
    the word before it), unknown, or special: added by the tokenizer, with no text of its own.
    `segment` is 1 in the second sentence of a pair.
    """

    text: str
    start: int
    end: int
    key: str
    status: str
    segment: int


class Pieces(NamedTuple):
    """The pieces of a sentence or a pair, with the ids and segments that the model reads."""

    pieces: tuple[Piece, ...]
    ids: tuple[int, ...]
    types: tuple[int, ...]

    @property
    def has_words(self) -> bool:
        """Whether any piece comes from the text."""
        return any(piece.status != "special" for piece in self.pieces)

    def has_words_of(self, segment: int) -> bool:
        """Whether any piece comes from this text of two, 0 the first."""
        return any(p.status != "special" and p.segment == segment for p in self.pieces)


class PieceTokenizer:
    """The tokenizer of a checkpoint folder, tokenizer.json or older files, or that of a GGUF file.

    `gives_segments` says whether the model is told which sentence of a pair a piece belongs to,
    as tokenizer_config.json decides it in transformers 5; None when there is no such file. A Marian
    has two tokenizers, of which this is that of the source, or `is_target` that of the target. `doubt`
    says why the pieces may be others than those of transformers, None where they are its own.
    Raises: MissingExtraError without the `tokenizers` library; InputError when there is no such
    file; DataError when it is damaged; LimitError when it is too large.
    """

    def __init__(self, folder: Path, *, is_target: bool = False) -> None:
        self.place = visible(str(folder))
        self.gives_segments: bool | None = None
        if is_file(folder):
            from attncli.models.gguf.tokenizer import gguf_tokenizer

            self._tokenizer, self.doubt = gguf_tokenizer(folder)
        else:
            self.place = visible(str(tokenizer_file(folder)))
            self.gives_segments = _gives_segments(folder / "tokenizer_config.json")
            self._tokenizer = open_tokenizer(folder, is_target=is_target)
            self.doubt = _doubt(foreign_class(folder))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        if self._tokenizer.decoder is None:
            self._tokenizer.decoder = _decoder_of(self._tokenizer)
        self._growth = Growth(self._tokenizer, self.place)
        unknown = getattr(self._tokenizer.model, "unk_token", None)
        names = {unknown} if unknown else set(_UNKNOWN)
        self._unknown_ids = {self._tokenizer.token_to_id(name) for name in names} - {None}
        self._folder = folder

    @property
    def kind(self) -> str:
        """The kind of its model: WordPiece, BPE, Unigram or WordLevel."""
        model = self._tokenizer.model
        return str(getattr(model, "kind", type(model).__name__))

    @cached_property
    def target(self) -> "PieceTokenizer":
        """The tokenizer of what the model writes: another one for a Marian, else this one.

        Raises: InputError, LimitError, DataError for damaged files.
        """
        if not has_two_sides(self._folder):
            return self
        return PieceTokenizer(self._folder, is_target=True)

    @property
    def size(self) -> int:
        """How many entries its vocabulary has, added ones included."""
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    @cached_property
    def mask_id(self) -> int | None:
        """The id of the token that stands for what is masked, None where there is none.

        Raises: DataError, InputError, LimitError for a damaged file that would tell it.
        """
        names = [*told_names(self._folder, "mask_token"), *_MASKS]
        known = self._tokenizer.get_added_tokens_decoder()
        special = {token.content: number for number, token in known.items() if token.special}
        return next((special[name] for name in names if name in special), None)

    def entry(self, number: int) -> str:
        """The entry of the vocabulary with this id; "[id N]" where a model has more than its tokenizer."""
        found = self._tokenizer.id_to_token(number)
        return f"[id {number}]" if found is None else str(found)

    def text_of(self, ids: Sequence[int]) -> str:
        """The text that these ids stand for, special tokens as they are spelled.

        Bytes that are no character are U+FFFD. Raises: DataError when the tokenizer fails.
        """
        try:
            with quiet_panics():
                return str(self._tokenizer.decode(list(ids), skip_special_tokens=False))
        except Exception as fault:  # the library raises bare Exceptions
            raise DataError(
                f"the tokenizer failed: {quoted(str(fault))}", place=self.place
            ) from None

    def added_text(self, before: Sequence[int], number: int) -> str:
        """What an id adds to the text of those before it, such as " bank"; U+FFFD for a part of a character."""
        start = self.text_of(before[-_CONTEXT:])
        whole = self.text_of([*before[-_CONTEXT:], number])
        return whole.removeprefix(start) if whole.startswith(start) else "\ufffd"

    def special_tokens(self) -> list[str]:
        """The tokens that it knows as special, in the order of their ids."""
        added = self._tokenizer.get_added_tokens_decoder()
        return [token.content for _, token in sorted(added.items()) if token.special]

    def __call__(self, text: str, pair: str | None = None, limit: int | None = None) -> Pieces:
        """The pieces of a sentence, or of a pair; at most `limit` of them when it is given, cut
        from the end of the longer sentence.

        Raises: DataError when the tokenizer fails on the text; LimitError when its normalizer may
        make too much of it.
        """
        self._growth.check(text, pair or "")
        if limit is not None:
            self._tokenizer.enable_truncation(limit)
        try:
            with quiet_panics():
                encoding = self._tokenizer.encode(
                    _encodable(text), None if pair is None else _encodable(pair)
                )
        except LimitError:
            raise
        except Exception as fault:  # the library raises bare Exceptions
            raise DataError(
                f"the tokenizer failed: {quoted(str(fault))}", place=self.place
            ) from None
        finally:
            if limit is not None:
                self._tokenizer.no_truncation()
        return self._pieces(encoding, (text, pair))

    def _pieces(self, encoding: Any, pair: tuple[str, str | None]) -> Pieces:
        if len(encoding.ids) != len(encoding.tokens):  # a post-processor may say so
            raise DataError(
                f"the tokenizer gives {len(encoding.ids)} ids and {len(encoding.tokens)} tokens",
                place=self.place,
            )
        rows = zip(
            encoding.ids,
            encoding.tokens,
            encoding.offsets,
            encoding.word_ids,
            encoding.sequence_ids,
            encoding.special_tokens_mask,
            strict=True,
        )
        pieces: list[Piece] = []
        before: tuple[int, int] | None = None  # segment and word of the piece before
        for number, key, span, word, sequence, special in rows:
            segment = sequence or 0
            if special or sequence is None:
                pieces.append(_special(key, pieces))
                before = None
                continue
            text = (pair[0] if segment == 0 else pair[1]) or ""
            start, end = without_spaces(text, *span)
            here = None if word is None else (segment, word)
            joins = here is not None and here == before and number not in self._unknown_ids
            joins = joins and not key.startswith(_SPACE)  # where nothing cut the text into words
            status = self._status(number, key, text[start:end], joins=joins)
            pieces.append(Piece(text[start:end], start, end, key, status, segment))
            before = here
        return Pieces(tuple(pieces), tuple(encoding.ids), tuple(encoding.type_ids))

    def _status(self, number: int, key: str, text: str, *, joins: bool) -> str:
        if number in self._unknown_ids:
            return "unknown"
        if joins:
            return "piece"
        return "lower" if text != key and text.lower() == key else "exact"


def _decoder_of(tokenizer: Any) -> Any:
    """What joins entries to a text, by the marks of the vocabulary: ##, a letter a byte, or ▁."""
    decoders = tokenizers_library().decoders
    if type(tokenizer.model).__name__ == "WordPiece":
        return decoders.WordPiece()
    if tokenizer.token_to_id("▁") is None and tokenizer.token_to_id("Ġ") is not None:
        return decoders.ByteLevel()
    spaces = decoders.Replace("▁", " ")
    return decoders.Sequence([spaces, decoders.ByteFallback(), decoders.Fuse()])


def _special(key: str, before: Sequence[Piece]) -> Piece:
    end, segment = (before[-1].end, before[-1].segment) if before else (0, 0)
    return Piece(key, end, end, key, "special", segment)


def without_spaces(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without white space at its ends, unless there is nothing else in it."""
    inner = text[start:end]
    if not inner.strip():
        return start, end
    return start + len(inner) - len(inner.lstrip()), end - len(inner) + len(inner.rstrip())


def _encodable(text: str) -> str:
    """`text` with lone surrogates as U+FFFD; the length, and so every offset, stays."""
    if text.isascii():
        return text
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)


def _gives_segments(path: Path) -> bool | None:
    config = json_object(path)
    if config is None:
        return None
    names = config.get("model_input_names")
    if isinstance(names, list):
        return "token_type_ids" in names
    named = config.get("tokenizer_class")
    if not isinstance(named, str):
        return None
    return tokenizer_kind(config, {}) in _SEGMENTED and not named.startswith("DistilBert")


def _doubt(name: str | None) -> str | None:
    if name is None:
        return None
    return (
        f"tokenizer.json is read as it is; {quoted(name)} of transformers may cut words otherwise"
    )
