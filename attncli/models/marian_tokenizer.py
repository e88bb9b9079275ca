"""The tokenizer of a Marian folder: source.spm and target.spm cut texts, vocab.json has the ids.

A text may begin with the language that it is to become, as in ">>fra<< How are you?": that is one
token, and the rest is cut alone. A text ends with </s>. It answers what the pieces of this room ask
of a tokenizer of the library `tokenizers`, which is not needed for it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from attncli.errors import DataError, LimitError
from attncli.errors.wording import quoted, visible
from attncli.files.paths import exists
from attncli.text.sentencepiece_cutting import SentencePieceCutter
from attncli.text.sentencepiece_model import parse_sentencepiece
from attncli.text.sentencepiece_normalizing import SPACE

SOURCE, TARGET, VOCABULARY = "source.spm", "target.spm", "vocab.json"
_OTHER_VOCABULARY = "target_vocab.json"  # of a model with a vocabulary for each side
_ROLES = {"unk_token": "<unk>", "eos_token": "</s>", "pad_token": "<pad>"}
_LARGEST_ID = 1 << 24
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


class PlacedToken(NamedTuple):
    """A token with its id, and text[start:end] of its sequence: 0, of the pair 1, None for an end."""

    number: int
    token: str
    start: int
    end: int
    word: int | None
    sequence: int | None


class Encoded(NamedTuple):
    """The tokens of a text or a pair; each list has a value a token, as `tokenizers` names them."""

    rows: tuple[PlacedToken, ...]

    @property
    def ids(self) -> list[int]:
        """Their ids."""
        return [row.number for row in self.rows]

    @property
    def tokens(self) -> list[str]:
        """What they are called."""
        return [row.token for row in self.rows]

    @property
    def offsets(self) -> list[tuple[int, int]]:
        """Where each begins and ends in its text."""
        return [(row.start, row.end) for row in self.rows]

    @property
    def word_ids(self) -> list[int | None]:
        """The number of the word that each is a part of."""
        return [row.word for row in self.rows]

    @property
    def sequence_ids(self) -> list[int | None]:
        """Which text each is of."""
        return [row.sequence for row in self.rows]

    @property
    def special_tokens_mask(self) -> list[int]:
        """1 for what is set around a text."""
        return [int(row.sequence is None) for row in self.rows]

    @property
    def type_ids(self) -> list[int]:
        """Marian knows no segments."""
        return [0] * len(self.rows)


class MarianModel(NamedTuple):
    """What is asked of the model of a tokenizer: the token of what is in no piece, and its kind."""

    unk_token: str
    kind: str


class MarianTokenizer:
    """Cuts texts as one side of a Marian does.

    `added` are tokens that are matched as they stand wherever they are, and `ids` those of all
    tokens. Raises: DataError for roles without an id.
    """

    normalizer = pre_tokenizer = post_processor = None  # done by SentencePiece

    def __init__(
        self,
        cutter: SentencePieceCutter,
        ids: Mapping[str, int],
        roles: Mapping[str, str],
        added: Mapping[str, int],
        place: str,
    ) -> None:
        self._cutter, self._place = cutter, place
        self._ids = {**ids, **added}
        for role, token in roles.items():
            if token not in self._ids:
                raise DataError(f"the {role} {quoted(token)} is not in the vocabulary", place=place)
        self._texts = {number: token for token, number in self._ids.items()}
        self._added = {*added, *roles.values()}
        every = sorted(self._added, key=len, reverse=True)
        self._parting = re.compile(f"({'|'.join(map(re.escape, every))})")
        self._unknown, self._end = self._ids[roles["unk_token"]], roles["eos_token"]
        kind = {"unigram": "Unigram", "bpe": "BPE"}[cutter.model.kind]
        self.model = MarianModel(roles["unk_token"], kind)
        self.decoder = self
        self._most: int | None = None

    def no_padding(self) -> None:
        """It never pads."""

    def no_truncation(self) -> None:
        """Texts are cut into all of their pieces from now on."""
        self._most = None

    def enable_truncation(self, most: int) -> None:
        """Texts are cut into so many pieces at most from now on."""
        self._most = most

    def get_vocab_size(self, with_added_tokens: bool = True) -> int:
        """How many entries there are."""
        del with_added_tokens  # they are in vocab.json
        return len(self._ids)

    def get_added_tokens_decoder(self) -> dict[int, "AddedMark"]:
        """The tokens that are matched as they stand, by their ids."""
        return {self._ids[token]: AddedMark(token) for token in self._added}

    def token_to_id(self, token: str) -> int | None:
        """The id of an entry, None where there is none."""
        return self._ids.get(token)

    def id_to_token(self, number: int) -> str | None:
        """The entry of an id, None where there is none."""
        return self._texts.get(number)

    def encode(self, text: str, pair: str | None = None) -> Encoded:
        """The pieces of a text, or of two, with the token that ends them.

        Raises: LimitError when the table of characters makes too much of a text.
        """
        first = self._pieces(text, 0)
        second = [] if pair is None else self._pieces(pair, 1)
        if self._most is not None:
            first, second = _fitting(first, second, self._most - 1)
        end = PlacedToken(self._ids[self._end], self._end, 0, 0, None, None)
        return Encoded((*first, *second, end))

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = False) -> str:
        """The text that ids stand for; bytes that are no character are U+FFFD."""
        tokens = [self._texts.get(number, self.model.unk_token) for number in ids]
        if skip_special_tokens:
            tokens = [token for token in tokens if token not in self._added]
        raw = b"".join(map(self._bytes_of, tokens))
        text = raw.decode("utf-8", "replace").replace(SPACE, " ")
        has_prefix = self._cutter.model.has_dummy_prefix and not self._cutter.model.is_suffix
        return text[1:] if has_prefix and text.startswith(" ") else text

    def _bytes_of(self, token: str) -> bytes:
        byte = _BYTE.fullmatch(token) if self._cutter.model.falls_back else None
        if byte is not None:
            return bytes([int(byte[1], 16)])
        return token.encode("utf-8", "replace")

    def _pieces(self, text: str, sequence: int) -> list[PlacedToken]:
        """The pieces of a text alone: what is added as it stands, the language, and the rest."""
        cut = list[tuple[str, int, int]]()
        at = 0
        for part in self._parting.split(text):
            if part in self._added:
                cut.append((part, at, at + len(part)))
            else:
                cut += self._cut(part, at)
            at += len(part)
        rows, word, before = list[PlacedToken](), -1, ""
        for token, start, end in cut:
            begins = token.startswith(SPACE) or self._is_whole(token) or self._is_whole(before)
            word += begins or word < 0
            number = self._ids.get(token, self._unknown)
            rows.append(PlacedToken(number, token, start, end, word, sequence))
            before = token
        return rows

    def _is_whole(self, token: str) -> bool:
        """Whether a token is no part of a word: a language, or one that is added."""
        return token in self._added or token.startswith(">>")

    def _cut(self, part: str, at: int) -> list[tuple[str, int, int]]:
        """The pieces of a part of a text that begins at a place."""
        end = part.find("<<") + 2 if part.startswith(">>") else 0
        code = [(part[:end], at, at + end)] if end > 1 else []
        rest = part[end:] if code else part
        at += len(part) - len(rest)
        try:
            pieces = self._cutter(rest)
        except LimitError as fault:
            raise LimitError(fault.message, place=self._place) from None
        return [*code, *((one.piece, at + one.start, at + one.end) for one in pieces)]


class AddedMark(NamedTuple):
    """A token that is matched as it stands."""

    content: str
    special: bool = True


def is_marian_folder(folder: Path) -> bool:
    """Whether a folder has the files of a Marian tokenizer."""
    return all(exists(folder / name) for name in (SOURCE, TARGET, VOCABULARY))


def open_marian_tokenizer(
    folder: Path,
    content: Callable[[Path], bytes],
    fields: Callable[[str], Mapping[str, Any]],
    *,
    is_target: bool,
) -> MarianTokenizer:
    """The tokenizer of one side; `content` reads a file, `fields` the object in one of its JSON files.

    Raises: DataError when a file is damaged; what `content` and `fields` raise.
    """
    options, roles = fields("tokenizer_config"), fields("special_tokens_map")
    name = _OTHER_VOCABULARY if is_target and options.get("separate_vocabs") is True else VOCABULARY
    path = folder / (TARGET if is_target else SOURCE)
    place = visible(str(path))
    model = parse_sentencepiece(content(path), place)
    try:
        cutter = SentencePieceCutter(model)
    except ValueError as fault:
        raise DataError(str(fault), place=place) from None
    beside = visible(str(folder / name))
    ids = _numbered(fields(name.removesuffix(".json")), beside)
    named = {role: _text({**roles, **options}.get(role), usual) for role, usual in _ROLES.items()}
    listed = options.get("added_tokens_decoder")
    added = {
        about["content"]: int(number)
        for number, about in (listed.items() if isinstance(listed, dict) else ())
        if isinstance(about, dict) and isinstance(about.get("content"), str) and about["content"]
        if number.isascii() and number.isdecimal() and len(number) < 9
    }
    return MarianTokenizer(cutter, ids, named, added, beside)


def _numbered(given: Mapping[str, Any], place: str) -> dict[str, int]:
    """The ids of a vocabulary. Raises: DataError for what is none."""
    for token, number in given.items():
        if isinstance(number, bool) or not isinstance(number, int):
            raise DataError(f"{quoted(token)} has no number, expected its id", place=place)
        if not 0 <= number <= _LARGEST_ID:
            raise DataError(
                f"{quoted(token)} has the id {number}, expected 0 to {_LARGEST_ID}", place=place
            )
    return dict(given)


def _text(given: Any, usual: str) -> str:
    """A token as files name it: its text, or an object with it."""
    value = given.get("content") if isinstance(given, dict) else given
    return value if isinstance(value, str) and value else usual


def _fitting(
    first: list[PlacedToken], second: list[PlacedToken], most: int
) -> tuple[list[PlacedToken], list[PlacedToken]]:
    """Both cut from the end of the longer one until `most` pieces are left."""
    a, b = len(first), len(second)
    over = max(a + b - max(most, 0), 0)
    ahead = min(over, abs(a - b))  # what the longer one has more, it loses first
    a, b = (a - ahead, b) if a >= b else (a, b - ahead)
    rest = over - ahead
    return first[: a - (rest + 1) // 2], second[: b - rest // 2]
