"""Marks of subword vocabularies → words: the token that begins a word is the word, others are pieces.

SentencePiece writes `▁bank` for a word and `bank` for the piece inside "embank"; byte-level BPE writes
`Ġbank`, and `ĠcafÃ©` for "café"; the first BPE writes `bank</w>` for an end; WordPiece and subword-nmt
write the word as it is, and `##s` or `ba@@` for its pieces. Here all of them become the last: `bank` is
the word, `##bank` a piece that goes on, `bank@@` a piece that does not end. No two tokens become one.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["begins", "bytes", "ends", "continues"]

# How vocabularies become words; an entry of the cache that was made in another way is made again.
NAMING = 2

_BEGIN, _BYTE_BEGIN, _END, _GOES_ON = "\u2581".encode(), "\u0120".encode(), b"</w>", b"##"
_GOES_ON_BEFORE = b"@@"
_SHARE = 0.2  # of the entries that carry the mark, from which on a vocabulary is a marked one
_OF_BYTES = 0.98  # of the entries that are made of the letters for bytes only
_ONE_BYTE = re.compile(rb"<0x([0-9A-F]{2})>")
_SPECIAL = re.compile(rb"<[^<>\s]*>|\[[A-Za-z0-9_]+\]")  # <unk>, <0x0A>, [CLS]


@dataclass(frozen=True, slots=True)
class Marks:
    """How a vocabulary marks words and pieces.

    `kind` begins: words begin with `mark`. bytes: so they do, and letters stand for bytes. ends:
    words end with `mark` (and letters stand for bytes where they are `letters`, as CLIP has it).
    continues: pieces begin with it. `fixed` are tokens without marks.
    """

    kind: Kind
    mark: bytes
    fixed: frozenset[bytes] = frozenset()
    letters: bool = False

    def name(self, token: bytes) -> bytes:
        """The word or the piece that a token stands for."""
        if token in self.fixed or _SPECIAL.fullmatch(token):
            return token
        if self.kind == "continues":
            goes_on = token.startswith(self.mark) and len(token) > len(self.mark)
            return self._piece(token[len(self.mark) :], token) if goes_on else token
        if self.kind == "ends":
            return self._ended(token)
        return self._begun(token)

    def _ended(self, token: bytes) -> bytes:
        bare = token.removesuffix(self.mark)
        word = _decoded(bare) if self.letters else bare
        if word is None:
            return token
        if bare == token:
            return word + _GOES_ON_BEFORE
        return word if _is_plain(word, self.mark) else token

    def _begun(self, token: bytes) -> bytes:
        word = token.removeprefix(self.mark)
        begins = word != token
        if not word.replace(self.mark, b""):
            return token
        if self.kind == "bytes":
            decoded = _decoded(word)
            if decoded is None:
                return token
            word = decoded
        if not begins:
            return self._piece(word, token)
        return word if _is_plain(word, self.mark) else token

    def _piece(self, text: bytes, token: bytes) -> bytes:
        return _GOES_ON + text if text else token


def _is_plain(word: bytes, mark: bytes) -> bool:
    """Whether a word can lose its mark and be no other token's name."""
    odd = word.startswith((_GOES_ON, mark)) or word.endswith((_GOES_ON_BEFORE, mark))
    return bool(word) and not odd and _SPECIAL.fullmatch(word) is None


def marks_of(words: Collection[bytes]) -> Marks | None:
    """The marks of a vocabulary, None where words are simply words.

    A fifth of the entries has to carry the mark, and two at least: a single "▁", or the few words of
    Maltese that begin with Ġ, make no vocabulary of pieces.
    """
    enough = max(2, _SHARE * len(words))
    lines = b"\n%b\n" % b"\n".join(words)  # seldom has a vocabulary marks: most is counted at once
    for kind, mark in (("begins", _BEGIN), ("bytes", _BYTE_BEGIN)):
        if lines.count(b"\n" + mark) < enough:
            continue
        marked = sum(word.startswith(mark) and len(word) > len(mark) for word in words)
        if marked >= enough and (kind == "begins" or _is_of_bytes(words)):
            return Marks(kind, mark)  # type: ignore[arg-type]  # one of the kinds
    if lines.count(_END + b"\n") < enough:
        return None
    if sum(word.endswith(_END) and word != _END for word in words) >= enough:
        return Marks("ends", _END, letters=_are_letters(words))
    return None


def names(words: list[bytes], marks: Marks | None) -> list[bytes]:
    """The words and pieces that tokens stand for, all different; the very list without marks."""
    if marks is None:
        return words
    named = [marks.name(word) for word in words]
    if len(set(named)) == len(named):
        return named
    taken = set(words)  # two tokens of one name: the second stays as it is
    kept: list[bytes] = []
    for word, name in zip(words, named, strict=True):
        kept.append(word if name in taken and name != word else name)
        taken.add(kept[-1])
    return kept


def are_named_anew(named: Sequence[bytes], rule: object) -> bool:
    """Whether words of an entry that was made by this rule (None for none) are called otherwise now."""
    if rule is None:
        return marks_of(named) is not None
    if rule == NAMING or not any(word.endswith(_GOES_ON_BEFORE) for word in named):
        return False
    tokens = [  # the first rule took letters for bytes for what they look like
        word.removesuffix(_GOES_ON_BEFORE) if word.endswith(_GOES_ON_BEFORE) else word + _END
        for word in named
    ]
    marks = marks_of(tokens)
    return marks is not None and marks.letters


def marked_forms(words: Collection[bytes]) -> frozenset[bytes]:
    """The tokens that may stand for these words and pieces in a vocabulary with marks."""
    found: set[bytes] = set(words)
    for word in words:
        inner = word.removeprefix(_GOES_ON).removesuffix(_GOES_ON_BEFORE)
        found |= {_BEGIN + word, word + _END, _BYTE_BEGIN + _in_letters(word)}
        found.add(_in_letters(word) + _END)
        found |= {inner, _in_letters(inner)}
    return frozenset(found)


def marks_of_tokenizer(settings: dict[str, Any], tokens: Sequence[str]) -> Marks | None:
    """The marks of a tokenizer.json, by what it says of itself, else by its tokens."""
    added = settings.get("added_tokens")
    contents = [entry.get("content") for entry in added if isinstance(entry, dict)] if isinstance(
        added, list
    ) else []  # fmt: skip
    fixed = frozenset(_encoded(text) for text in contents if isinstance(text, str))
    model = settings["model"]
    prefix, suffix = model.get("continuing_subword_prefix"), model.get("end_of_word_suffix")
    steps = list(
        _steps([settings.get(part) for part in ("normalizer", "pre_tokenizer", "decoder")])
    )
    if model.get("type") == "WordPiece":
        return Marks("continues", _encoded(prefix), fixed) if isinstance(prefix, str) else None
    if model.get("type") == "WordLevel":
        return None
    letters = any(step.get("type") == "ByteLevel" for step in steps)
    if isinstance(suffix, str) and suffix:
        return Marks("ends", _encoded(suffix), fixed, letters)
    if letters:
        return Marks("bytes", _BYTE_BEGIN, fixed)
    for step in steps:
        mark = step.get("replacement" if step.get("type") == "Metaspace" else "prepend")
        if isinstance(mark, str) and mark and not mark.isspace():
            return Marks("begins", _encoded(mark), fixed)
    if isinstance(prefix, str) and prefix:
        return Marks("continues", _encoded(prefix), fixed)
    by_share = marks_of([_encoded(token) for token in tokens])
    return None if by_share is None else Marks(by_share.kind, by_share.mark, fixed)


def _steps(parts: Sequence[object]) -> list[dict[str, Any]]:
    """All steps of a tokenizer, those of sequences one by one."""
    flat: list[dict[str, Any]] = []
    waiting = list(reversed(parts))
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += reversed(part)
        elif isinstance(part, dict):
            inner = [part.get(key) for key in ("normalizers", "pretokenizers", "decoders")]
            if any(isinstance(steps, list) for steps in inner):
                waiting += reversed(inner)
            else:
                flat.append(part)
    return flat


def _is_of_bytes(words: Collection[bytes]) -> bool:
    """Whether nearly all entries are made of the letters that stand for bytes."""
    letters = frozenset(_letters())
    fitting = sum(letters.issuperset(word.decode("utf-8", "replace")) for word in words)
    return fitting >= _OF_BYTES * len(words)


def _are_letters(words: Collection[bytes]) -> bool:
    """Whether ended words that are not ASCII are letters for bytes: most of them then make a text."""
    if not _is_of_bytes(words):
        return False
    ended = [word.removesuffix(_END) for word in words if word.endswith(_END)]
    foreign = [word for word in ended if not word.isascii()]
    texts = sum(_ONE_BYTE.search(_decoded(word) or b"<0x00>") is None for word in foreign)
    return 2 * texts > len(foreign)


def _decoded(word: bytes) -> bytes | None:
    """The bytes that letters stand for; those that are no text, and controls, as <0x0A>."""
    numbers = _numbers()
    try:
        raw = bytes(numbers[letter] for letter in word.decode("utf-8", "surrogateescape"))
    except KeyError:
        return None
    shown = raw.decode("utf-8", "surrogateescape")
    return "".join(
        f"<0x{ord(char) & 0xFF:02X}>" if char < " " or "\x7f" <= char < "\xa0" or "\udc80" <= char <= "\udcff" else char
        for char in shown
    ).encode()  # fmt: skip


def _in_letters(word: bytes) -> bytes:
    """The letters that stand for the bytes of a word, <0x0A> being one byte."""
    letters = _letters()
    raw = _ONE_BYTE.sub(lambda shown: bytes([int(shown.group(1), 16)]), word)
    return "".join(letters[byte] for byte in raw).encode()


@cache
def _letters() -> list[str]:
    """The letter that stands for each byte (GPT-2's): itself where it can be seen, else from U+0100."""
    seen = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters = {byte: chr(byte) for byte in seen}
    for byte in range(0x100):
        if byte not in letters:
            letters[byte] = chr(0x100 + len(letters) - len(seen))
    return [letters[byte] for byte in range(0x100)]


@cache
def _numbers() -> dict[str, int]:
    return {letter: byte for byte, letter in enumerate(_letters())}


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
