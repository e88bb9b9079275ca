"""Which tokens of a result are pieces of one word, and which are none: what their marks say."""

import re
from collections.abc import Sequence

from attncli.results.facts import Token

_LOOKS_SPECIAL = re.compile(r"\[[A-Z]+\]|<[^<>]+>|</?s>")
_WORD_STARTS = ("Ġ", "▁")  # byte-level BPE and SentencePiece mark the space before a word


def continues_word(tokens: Sequence[Token]) -> list[bool]:
    """For each token whether it belongs to the word of the token before it.

    Tokens of our own tokenizers say it by their status "piece". Of tokens from elsewhere the marks
    decide: ## before a continuation (WordPiece), Ġ or ▁ before a start (byte-level BPE,
    SentencePiece; marks of punctuation start a word of their own).
    """
    if any(token.status in ("piece", "special") for token in tokens):
        return [at > 0 and token.status == "piece" for at, token in enumerate(tokens)]
    names = [token.key or token.text for token in tokens]
    if not any(name.startswith(_WORD_STARTS) for name in names):
        return [at > 0 and len(name) > 2 and name.startswith("##") for at, name in enumerate(names)]
    return [at > 0 and _glued(names[at - 1], name) for at, name in enumerate(names)]


def unmarked(piece: str) -> str:
    """A piece without the mark that says whether it continues or starts a word."""
    bare = piece[2:] if piece.startswith("##") and len(piece) > 2 else piece
    return bare.lstrip("Ġ▁") or bare


def looks_special(text: str) -> bool:
    """Whether a token of another tool is none of the text, such as [CLS] or <s>."""
    return _LOOKS_SPECIAL.fullmatch(text) is not None


def _glued(before: str, name: str) -> bool:
    if name.startswith(_WORD_STARTS) or looks_special(name):
        return False
    if looks_special(before):
        return False
    return before[-1:].isalnum() and name[:1].isalnum()
