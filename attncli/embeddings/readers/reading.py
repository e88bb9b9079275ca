"""What every reader gives: blocks of words with their vectors, and warnings about the file."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from attncli.arrays import Float32Array
from attncli.embeddings.marks import Marks, marks_of
from attncli.embeddings.protocols import Subwords


@dataclass(frozen=True, slots=True, eq=False)
class VectorBlock:
    """Some words in file order, as bytes (UTF-8 where they are text), with their finite vectors.

    Shapes: values (len(words), dim), float32.
    """

    words: list[bytes]
    values: Float32Array


@dataclass(slots=True, eq=False)
class OpenedVectors:
    """A source that was opened and recognized; nothing but its head has been read.

    `blocks` may be walked once. `warnings`, `subwords` and `left_out`, what is wrong
    with lines that were skipped, are whole only when it has ended.
    `marks` tells from all words how the vocabulary marks words and pieces, if it does.
    `progress` tells the bytes of the file read so far, and of how many when that is known.
    """

    format: str
    dim: int
    blocks: Iterator[VectorBlock]
    warnings: list[str] = field(default_factory=list)
    claimed: int | None = None
    subwords: Callable[[], Subwords | None] = lambda: None
    left_out: list[str] = field(default_factory=list)
    progress: Callable[[], tuple[int, int | None]] = lambda: (0, None)
    marks: Callable[[Collection[bytes]], Marks | None] = marks_of
