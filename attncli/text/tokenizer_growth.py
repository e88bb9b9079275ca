"""What a tokenizer may make of a text: each step that can lengthen it is bounded before it is done.

A step is known by how many times longer a text may be behind it at most. Twenty steps that each
double a text make a million letters of one, so steps of a normalizer that could be too many
together are done one by one, and the length is looked at in between.
"""

import base64
import binascii
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from attncli.errors import DataError, LimitError
from attncli.text.panics import quiet_panics

_MOST_TIMES = 1000  # that the replacements of a normalizer may lengthen a text
_MOST_LETTERS = 1 << 18  # that a normalizer may make of a short text: a second of cutting
_USUAL = 40  # times that one step may lengthen a letter, as the forms of Unicode do with a few
_MOST_ADDED = 10_000  # tokens, or 100 letters each, that are set around a sentence
_LONGEST_MARK = 1000  # letters of what stands for an unknown word, or before each part of one
_MARKS = ("unk_token", "continuing_subword_prefix", "end_of_word_suffix")
# Letters of the longest decomposition of a letter, of its bytes written as letters, of its lower case.
_OF_KIND = {"NFD": 4.0, "NFC": 3.0, "NFKD": 18.0, "NFKC": 18.0, "ByteLevel": 4.0, "Lowercase": 3.0,
            "BertNormalizer": 36.0}  # fmt: skip


def check_growth(tokenizer: Any, place: str) -> None:
    """Raises: DataError for a tokenizer under which a short text may become a huge one."""
    if math.prod(map(_of_replacing, _normalizers(tokenizer))) > _MOST_TIMES:
        raise DataError(
            f"its normalizer may make a text more than {_MOST_TIMES} times as long", place=place
        )
    if _of_splitting(tokenizer) > _MOST_TIMES:
        raise DataError(
            f"its pre-tokenizer may make a text more than {_MOST_TIMES} times as long", place=place
        )
    if any(len(getattr(tokenizer.model, mark, None) or "") > _LONGEST_MARK for mark in _MARKS):
        raise DataError(
            f"a mark of its vocabulary has more than {_LONGEST_MARK} letters", place=place
        )
    times, added = 1, 0
    for step in _steps(_told(tokenizer.post_processor), "processors"):
        repeats, more = _of_template(step)
        times, added = times * repeats, added * repeats + more
        if times > 1 or added > _MOST_ADDED:
            raise DataError(
                "its post-processor repeats a sentence, or adds more than "
                f"{_MOST_ADDED} tokens to it",
                place=place,
            )


class Growth:
    """How long a tokenizer may make a text."""

    def __init__(self, tokenizer: Any, place: str) -> None:
        self._place = place
        self._normalizers = list(_normalizers(tokenizer))
        self._at_most = [_at_most(step) for step in self._normalizers]
        self._splitting = _of_splitting(tokenizer)
        self._whole = math.prod(self._at_most) * self._splitting

    def check(self, *texts: str) -> None:
        """Raises: LimitError when the steps of the tokenizer may make too much of the texts."""
        for text in texts:
            if self._whole > 1 and len(text) * self._whole > _MOST_LETTERS:
                self._by_steps(text)

    def _by_steps(self, text: str) -> None:
        from tokenizers import normalizers

        grown, written = text, len(text)
        for step, times in zip(self._normalizers, self._at_most, strict=True):
            self._expect(
                written, _length_behind(step, grown, times), _MOST_LETTERS + _USUAL * written
            )
            one = normalizers.Sequence([])
            one.__setstate__(json.dumps(step).encode())
            try:
                with quiet_panics():
                    grown = one.normalize_str(grown)
            except Exception:  # the tokenizer will say it of the whole text
                return
            self._expect(written, len(grown), max(_MOST_LETTERS, 4 * written))
        if self._splitting > 1:
            most = max(_MOST_LETTERS, 4 * written)
            self._expect(written, len(grown) * self._splitting, most)

    def _expect(self, written: int, grown: float, most: int) -> None:
        if grown > most:
            raise LimitError(
                f"the tokenizer may make {int(grown)} characters of {written}, the limit is {most}",
                place=self._place,
            )


def _told(part: Any) -> dict[str, Any]:
    """What a part of a tokenizer says of itself."""
    try:
        settings = {} if part is None else json.loads(part.__getstate__())
    except Exception:  # of a part that Python made itself
        return {}
    return settings if isinstance(settings, dict) else {}


def _steps(settings: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    """The steps of a part, which may be lists of steps."""
    if settings.get("type") == "Sequence":
        for step in settings.get(name) or ():
            yield from _steps(step, name)
    elif settings:
        yield settings


def _normalizers(tokenizer: Any) -> Iterator[Mapping[str, Any]]:
    return _steps(_told(tokenizer.normalizer), "normalizers")


def _of_replacing(step: Mapping[str, Any]) -> float:
    """How many times longer a text may be when all of it is replaced."""
    content = len(step.get("content") or step.get("prepend") or "")
    pattern = step.get("pattern")
    replaced = len(pattern.get("String", "")) if isinstance(pattern, dict) else 1
    return max(1.0, content / max(1, replaced))


def _length_behind(step: Mapping[str, Any], text: str, times: float) -> float:
    """How long a text may be behind a step: exactly where texts are replaced, `times` as long elsewhere."""
    pattern = step.get("pattern")
    replaced = pattern.get("String") if isinstance(pattern, dict) else None
    if step.get("type") != "Replace" or not replaced:
        return len(text) * times
    return len(text) + text.count(replaced) * (len(step.get("content") or "") - len(replaced))


def _at_most(step: Mapping[str, Any]) -> float:
    """How many times longer a text may be after a step; a pattern may be between all letters."""
    pattern = step.get("pattern")
    if step.get("type") == "Replace" and not (isinstance(pattern, dict) and pattern.get("String")):
        return 1.0 + 2.0 * len(step.get("content") or "")
    if step.get("type") == "Precompiled":
        return _of_table(str(step.get("precompiled_charsmap") or ""))
    return max(_of_replacing(step), _OF_KIND.get(str(step.get("type")), 1.0))


def _of_table(table: str) -> float:
    """The longest entry of a table of characters: the length of an index, it, then the entries."""
    try:
        raw = base64.b64decode(table)
    except (binascii.Error, ValueError):
        return 1.0
    entries = raw[4 + int.from_bytes(raw[:4], "little") :].split(b"\0")
    return float(max(1, *map(len, entries), 1))


def _of_splitting(tokenizer: Any) -> float:
    """How many times longer the words of a text may be: bytes written as letters, and again."""
    kinds = [step.get("type") for step in _steps(_told(tokenizer.pre_tokenizer), "pretokenizers")]
    return 2.0 ** max(kinds.count("ByteLevel") - 1, 0)


def _of_template(step: Mapping[str, Any]) -> tuple[int, int]:
    """How often a processor repeats a sentence, and how many tokens it adds, long ones as more."""
    repeats, added = 1, 0
    ends = step.get("special_tokens") or {}
    for name in ("single", "pair"):
        pieces = step.get(name) or ()
        named = [piece["Sequence"]["id"] for piece in pieces if "Sequence" in piece]
        repeats = max(repeats, *(named.count(letter) for letter in "AB"), 1)
        more = 0
        for piece in pieces:
            about = ends.get(piece.get("SpecialToken", {}).get("id"), {})
            letters = sum(map(len, about.get("tokens", ())))
            more += len(about.get("ids", ())) + letters // 100
        added = max(added, more)
    return repeats, added
