"""Static-embedding folders: model2vec (model.safetensors, `embeddings`) and sentence-transformers
(`0_StaticEmbedding/model.safetensors`, `embedding.weight`), each with a tokenizer.json.

The words are the tokens of the vocabulary. A word that is no token has a vector made of its pieces
(WordPiece, longest first) where the tokenizer says how.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from attncli.arrays import Float32Array
from attncli.embeddings.protocols import Subwords
from attncli.embeddings.readers.finite import check_finite
from attncli.embeddings.readers.limits import MIB, Limits, memory_budget
from attncli.embeddings.readers.reading import Block, Reading
from attncli.embeddings.readers.stream import ByteStream, file_stream, place_of
from attncli.embeddings.readers.tensors import (
    Tensor,
    check_tensor,
    choose_matrix,
    read_tensor_header,
    tensor_rows,
)
from attncli.errors import DataError, LimitError
from attncli.escape import quoted
from attncli.memory import size_text

_INNER = "0_StaticEmbedding"
_LARGEST_TOKENIZER = 64 * MIB
_ROWS = 8192


def static_files(folder: Path) -> tuple[Path, Path] | None:
    """The tensors and the tokenizer of a static-embedding folder, or None when it is none."""
    for base in (folder, folder / _INNER):
        tensors = base / "model.safetensors"
        tokenizer = next(
            (p for p in (base / "tokenizer.json", folder / "tokenizer.json") if p.is_file()), None
        )
        if tensors.is_file() and tokenizer is not None:
            return tensors, tokenizer
    return None


def is_static_model(folder: Path) -> bool:
    """Whether the folder holds static embeddings."""
    return static_files(folder) is not None


def read_static_model(folder: Path, limits: Limits) -> Reading:
    """The tokens of a static-embedding folder with their vectors.

    Raises: DataError when a file is damaged or the two do not fit, LimitError.
    """
    files = static_files(folder)
    if files is None:
        raise DataError("no static embeddings in this folder", place=place_of(folder))
    tensors, tokenizer = files
    settings = _json(tokenizer)
    tokens = _vocabulary(settings, place_of(tokenizer))
    matrix = _matrix(tensors, len(tokens), limits)
    words, rows = _as_words(tokens)
    subwords = _pieces(settings, tokens, matrix)
    blocks = _blocks(words, rows, matrix, place_of(tensors), limits)
    return Reading("static embeddings", matrix.shape[1], blocks, [], len(words), lambda: subwords)


def _json(path: Path) -> dict[str, Any]:
    with file_stream(path) as stream:
        data = stream.peek(_LARGEST_TOKENIZER + 1)
    if len(data) > _LARGEST_TOKENIZER:
        raise LimitError(f"more than {size_text(_LARGEST_TOKENIZER)}", place=place_of(path))
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise DataError("no tokenizer: this is no JSON", place=place_of(path)) from None
    if not isinstance(found, dict) or not isinstance(found.get("model"), dict):
        raise DataError('no tokenizer: expected an object with "model"', place=place_of(path))
    return found


def _vocabulary(settings: dict[str, Any], place: str) -> list[str]:
    """The tokens by their number. Raises: DataError when the numbers leave holes."""
    vocabulary = settings["model"].get("vocab")
    numbers: dict[int, str] = {}
    if isinstance(vocabulary, list):  # unigram: [token, score], numbered in order
        for i, entry in enumerate(vocabulary):
            if isinstance(entry, list) and entry and isinstance(entry[0], str):
                numbers[i] = entry[0]
    elif isinstance(vocabulary, dict):
        for token, number in vocabulary.items():
            if type(number) is int:
                numbers.setdefault(number, token)
    added = settings.get("added_tokens")
    for entry in added if isinstance(added, list) else []:
        if isinstance(entry, dict) and type(entry.get("id")) is int:
            numbers.setdefault(entry["id"], str(entry.get("content")))
    if not numbers or sorted(numbers) != list(range(len(numbers))):
        raise DataError("the vocabulary must number its tokens 0, 1, 2, …", place=place)
    return [numbers[i] for i in range(len(numbers))]


def _matrix(path: Path, n_tokens: int, limits: Limits) -> Float32Array:
    """The vector of each token: `embeddings` (by way of `mapping`), times `weights`."""
    with file_stream(path) as stream:
        tensors, _ = read_tensor_header(stream)
        start = stream.position
        tensor = choose_matrix(tensors, stream.place)
        check_tensor(tensor, limits, stream.place)
        if tensor.shape[0] * tensor.shape[1] * 4 > memory_budget(limits):
            raise LimitError("the vectors do not fit into memory", place=stream.place)
        matrix = np.concatenate(list(tensor_rows(stream, tensor, start)))
    mapping = _flat(path, tensors.get("mapping"), ("I64", "I32"))
    weights = _flat(path, tensors.get("weights"), ("F64", "F32", "F16"))
    if mapping is not None:
        if len(mapping) != n_tokens or mapping.min() < 0 or mapping.max() >= len(matrix):
            raise DataError("the mapping names rows that are not there", place=place_of(path))
        matrix = matrix[mapping.astype(np.int64)]
    if len(matrix) != n_tokens or (weights is not None and len(weights) != n_tokens):
        raise DataError(f"{n_tokens} tokens, but {len(matrix)} vectors", place=place_of(path))
    return matrix if weights is None else (matrix * weights[:, None]).astype(np.float32)


_NUMPY = {"I64": "<i8", "I32": "<i4", "F64": "<f8", "F32": "<f4", "F16": "<f2"}


def _flat(path: Path, tensor: Tensor | None, kinds: tuple[str, ...]) -> Any:
    """A tensor of rank 1, or None."""
    if tensor is None:
        return None
    if tensor.kind not in kinds or len(tensor.shape) != 1:
        raise DataError(f"{quoted(tensor.name)}: expected a list of numbers", place=place_of(path))
    with file_stream(path) as stream:
        read_tensor_header(stream)
        _discard(stream, tensor.start)
        raw = stream.exactly(tensor.end - tensor.start, tensor.name)
    return np.frombuffer(raw, dtype=_NUMPY[tensor.kind])


def _discard(stream: ByteStream, n: int) -> None:
    while n > 0:
        n -= len(stream.exactly(min(n, MIB), "a tensor"))


def _as_words(tokens: list[str]) -> tuple[list[bytes], list[int]]:
    """Tokens as words: marks of a word's beginning (▁, Ġ) are taken off where no word is lost."""
    known = set(tokens)
    words, rows = [], []
    for row, token in enumerate(tokens):
        bare = token[1:] if token[:1] in ("\u2581", "\u0120") and len(token) > 1 else token
        word = bare if bare == token or bare not in known else token
        words.append(word.encode("utf-8", "surrogatepass"))
        rows.append(row)
    return words, rows


def _blocks(
    words: list[bytes], rows: list[int], matrix: Float32Array, place: str, limits: Limits
) -> Iterator[Block]:
    for start in range(0, len(words), _ROWS):
        part = rows[start : start + _ROWS]
        block = Block(words[start : start + _ROWS], matrix[part])
        check_finite(block, start, place, limits)
        yield block


class PieceSubwords:
    """Vectors of words as the mean of their word pieces, longest first from the left."""

    kind = "word pieces"

    def __init__(
        self,
        row: Callable[[str], int | None],
        vectors: Callable[[list[int]], Float32Array],
        prefix: str,
        *,
        lower: bool,
    ) -> None:
        self.row, self.vectors, self.prefix, self.lower = row, vectors, prefix, lower

    def pieces(self, word: str) -> list[str] | None:
        """The pieces of a word, or None when some part of it is in none."""
        text = word.lower() if self.lower else word
        found: list[str] = []
        start = 0
        while start < len(text) and len(text) <= 100:
            for end in range(len(text), start, -1):
                piece = (self.prefix if start else "") + text[start:end]
                if self.row(piece) is not None:
                    found.append(piece)
                    start = end
                    break
            else:
                return None
        return found or None

    def vector(self, word: str) -> Float32Array | None:
        """The mean of the vectors of the pieces. Shape (dim,)."""
        pieces = self.pieces(word)
        if pieces is None:
            return None
        rows = [row for piece in pieces if (row := self.row(piece)) is not None]
        return np.asarray(self.vectors(rows).mean(axis=0, dtype=np.float32))


def _pieces(settings: dict[str, Any], tokens: list[str], matrix: Float32Array) -> Subwords | None:
    model = settings["model"]
    if model.get("type") != "WordPiece":
        return None
    prefix = model.get("continuing_subword_prefix")
    normalizer = settings.get("normalizer")
    lower = isinstance(normalizer, dict) and bool(normalizer.get("lowercase"))
    rows = {token: row for row, token in reversed(list(enumerate(tokens)))}
    prefix = prefix if isinstance(prefix, str) else "##"
    return PieceSubwords(rows.get, lambda chosen: matrix[chosen], prefix, lower=lower)
