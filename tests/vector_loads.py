"""What loading some bytes comes to: the vectors, or the message of an error."""

from pathlib import Path
from typing import Any

import pytest
from vector_files import MATRIX, WORDS, written

from attncli.embeddings.readers.loading import load
from attncli.errors import AttnError


def failing(tmp_path: Path, data: bytes, kind: type[AttnError], name: str = "g.txt.gz") -> str:
    """The message of the error that these bytes give."""
    with pytest.raises(kind) as caught:
        load(written(tmp_path, name, data))
    return str(caught.value)


def same(path: Path) -> bool:
    """Whether a file gives WORDS and MATRIX."""
    found = load(path)
    return found.words == list(WORDS) and found.matrix.tobytes() == MATRIX.tobytes()


def is_right(store: Any) -> bool:
    """Whether a store has WORDS and MATRIX, asked row by row and as a whole."""
    rows = [store.row(word) for word in WORDS]
    return (
        rows == list(range(len(WORDS)))
        and store.vectors(rows).tobytes() == MATRIX.tobytes()
        and store.matrix.tobytes() == MATRIX.tobytes()
        and [store.word(row) for row in rows] == list(WORDS)
    )
