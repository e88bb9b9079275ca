"""Static-embedding folders: model2vec (model.safetensors, `embeddings`) and sentence-transformers
(`0_StaticEmbedding/model.safetensors`, `embedding.weight`), each with a tokenizer.json.

The words are the tokens that begin a word, without their marks (`attncli.embeddings.marks`). A word
that is no token has a vector made of the pieces that the folder's own tokenizer cuts it into.
"""

from pathlib import Path
from typing import Any

import numpy as np

from attncli.arrays import Float32Array
from attncli.embeddings.marks import marks_of_tokenizer, names
from attncli.embeddings.pieces import TokenizerSubwords, settings_of, tokens_by_number
from attncli.embeddings.readers.finite import finite_blocks
from attncli.embeddings.readers.reading import OpenedVectors
from attncli.embeddings.readers.tensors import check_tensor, choose_matrix, tensor_rows
from attncli.errors import DataError, LimitError
from attncli.errors.wording import quoted, size_text
from attncli.files.limits import MIB, Limits, memory_budget
from attncli.files.paths import is_file
from attncli.files.stream import file_stream, place_of
from attncli.files.tensors import Tensor, read_tensor_header, tensor_array

_INNER = "0_StaticEmbedding"
_LARGEST_TOKENIZER = 64 * MIB


def static_files(folder: Path) -> tuple[Path, Path] | None:
    """The tensors and the tokenizer of a static-embedding folder, or None when it holds none."""
    for base in (folder, folder / _INNER):
        tensors = base / "model.safetensors"
        tokenizer = next(
            (p for p in (base / "tokenizer.json", folder / "tokenizer.json") if is_file(p)), None
        )
        if is_file(tensors) and tokenizer is not None:
            return tensors, tokenizer
    return None


def is_static_model(folder: Path) -> bool:
    """Whether the folder holds static embeddings."""
    return static_files(folder) is not None


def read_static_model(folder: Path, limits: Limits) -> OpenedVectors:
    """The tokens of a static-embedding folder with their vectors.

    Raises: DataError when a file is damaged or the two do not fit, LimitError.
    """
    files = static_files(folder)
    if files is None:
        raise DataError("no static embeddings in this folder", place=place_of(folder))
    tensors, tokenizer = files
    content = _content(tokenizer)
    settings = settings_of(content, place_of(tokenizer))
    tokens = tokens_by_number(settings, place_of(tokenizer))
    matrix = _matrix(tensors, len(tokens), limits)
    words = [token.encode("utf-8", "surrogatepass") for token in tokens]
    marks = marks_of_tokenizer(settings, tokens)
    rows = {name: row for row, name in reversed(list(enumerate(names(words, marks))))}
    subwords = TokenizerSubwords(
        content,
        place_of(tokenizer),
        lambda word: rows.get(word.encode("utf-8", "surrogateescape")),
        lambda chosen: matrix[chosen],
    )
    return OpenedVectors(
        "static embeddings",
        matrix.shape[1],
        finite_blocks(words, matrix, place_of(tensors), limits),
        [],
        len(words),
        lambda: subwords,
        marks=lambda words: marks,
    )


def _content(path: Path) -> bytes:
    with file_stream(path) as stream:
        data = stream.peek(_LARGEST_TOKENIZER + 1)
    if len(data) > _LARGEST_TOKENIZER:
        raise LimitError(f"more than {size_text(_LARGEST_TOKENIZER)}", place=place_of(path))
    return data


def _matrix(path: Path, n_tokens: int, limits: Limits) -> Float32Array:
    """The vector of each token: `embeddings` (by way of `mapping`), times `weights`."""
    with file_stream(path) as stream:
        tensors, _ = read_tensor_header(stream)
        tensor = choose_matrix(tensors, stream.place)
        check_tensor(tensor, limits, stream.place)
        if tensor.shape[0] * tensor.shape[1] * 4 > memory_budget(limits):
            raise LimitError("the vectors do not fit into memory", place=stream.place)
        matrix = np.concatenate(list(tensor_rows(stream, tensor)))
    mapping = _flat(path, tensors.get("mapping"), ("I64", "I32"))
    weights = _flat(path, tensors.get("weights"), ("F64", "F32", "F16"))
    if mapping is not None:
        if len(mapping) != n_tokens or mapping.min() < 0 or mapping.max() >= len(matrix):
            raise DataError("the mapping names rows that are not there", place=place_of(path))
        matrix = matrix[mapping.astype(np.int64)]
    if len(matrix) != n_tokens or (weights is not None and len(weights) != n_tokens):
        raise DataError(f"{n_tokens} tokens, but {len(matrix)} vectors", place=place_of(path))
    return matrix if weights is None else (matrix * weights[:, None]).astype(np.float32)


def _flat(path: Path, tensor: Tensor | None, kinds: tuple[str, ...]) -> Any:
    """A tensor of rank 1, or None."""
    if tensor is None:
        return None
    if tensor.dtype not in kinds or len(tensor.shape) != 1:
        raise DataError(f"{quoted(tensor.name)}: expected a list of numbers", place=place_of(path))
    with file_stream(path) as stream:
        stream.skip(tensor.start, "a tensor")
        raw = stream.exactly(tensor.end - tensor.start, tensor.name)
    return tensor_array(raw, tensor._replace(start=0))
