"""Arrays for numpy: everything of one kind behind each other in one flat array, and the lengths.

    line, index, n_tokens            one a record; n_tokens is 0 for a record that failed
    weights, contextual, …           flat float32; a record's share is its shape's size
    weights_count, …                 how many numbers each record has of them: 0 where it has none
    keys                             with top: positions of the kept keys, beside weights
    tokens_utf8, tokens_bytes        the words' bytes, and each word's number of bytes
    text_utf8, text_bytes            the same for the texts; so error_utf8, label_utf8, id_utf8
    record_utf8, record_bytes        each record's JSON without its arrays, as in JSON lines
    layout                           JSON: the shape of each array's share, in "n" (tokens), numbers,
                                     and [K] (tokens, but at most K: what `top` keeps of a row)

Where a decoder reads a second text, `decoder.weights`, `cross.weights` and so on stand beside these,
with `n_decoder` and `decoder_tokens_utf8`; in their shapes "m" counts the decoder's tokens. Of
cross-attention alone "k" counts those of the columns: `n_keys` and `key_tokens_utf8`. [K, "k"] are at
most K of these.

A part holds frames, one a chunk: a line of JSON that lists arrays, then their bytes. At the end the
frames are laid out anew as members of a zip file, read piece by piece.
"""

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np

from attncli.batches.chunks import Chunk
from attncli.batches.work import Failures, Placed
from attncli.batches.writers.jsonl import JsonlWriter
from attncli.batches.writers.options import RecordLayout
from attncli.errors import AttnError
from attncli.results.result import PART_FIELDS, AttentionResult
from attncli.results.stack import Stack
from attncli.results.top import strongest_of_rows

# What became of a record: its place in a stack, or its error.
_Outcome: TypeAlias = tuple[Stack, int] | AttnError | None

_PIECE = 1 << 20
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


class NpzWriter:
    """Writes stacks as frames of flat arrays."""

    in_blocks = False
    head = b""

    def __init__(self, layout: RecordLayout) -> None:
        self._layout = layout
        self._records = JsonlWriter(replace(layout, exclude=(*layout.exclude, *layout.arrays)))

    def chunk(self, chunk: Chunk, stacks: Placed, failures: Failures) -> bytes:
        """The frame of a chunk."""
        where: list[_Outcome] = [None] * len(chunk)
        stacks, failures = list(stacks), list(failures)
        for stack, places in stacks:
            for i, place in enumerate(places):
                where[place] = (stack, i)
        for place, error in failures:
            where[place] = error
        computed = [item for item in where if isinstance(item, tuple)]
        arrays: dict[str, Any] = {
            "line": np.array([chunk.line(i) for i in range(len(chunk))], dtype=np.int64),
            "index": np.arange(chunk.first_index, chunk.first_index + len(chunk), dtype=np.int64),
            "n_tokens": np.array(
                [len(w[0].tokens[w[1]]) if isinstance(w, tuple) else 0 for w in where],
                dtype=np.int32,
            ),
        }
        shapes: dict[str, Any] = {}
        for part, axes in self._parts():
            self._numbers(where, part, axes, arrays, shapes)
        self._other_tokens(where, arrays)
        parts = chain.from_iterable(stack.tokens[i].parts for stack, i in computed)
        _texts(arrays, "tokens", list(map(attrgetter("text"), parts)))
        _texts(arrays, "text", [w[0].texts[w[1]] if isinstance(w, tuple) else "" for w in where])
        _texts(arrays, "error", [_error(w) if isinstance(w, AttnError) else "" for w in where])
        _texts(arrays, "label", [_label(w) if isinstance(w, tuple) else "" for w in where])
        if self._layout.with_id:
            ids = chunk.ids or [None] * len(chunk)
            _texts(arrays, "id", ["" if one is None else str(one) for one in ids])
        if self._layout.with_file:
            _texts(arrays, "file", [chunk.file or ""] * len(chunk))
        lines = self._records.chunk(chunk, stacks, failures).splitlines(keepends=True)
        arrays["record_utf8"] = np.frombuffer(b"".join(lines), dtype=np.uint8)
        arrays["record_bytes"] = np.array([len(line) for line in lines], dtype=np.int64)
        return _frame(arrays, shapes)

    def _parts(self) -> Iterator[tuple[str, tuple[str, str]]]:
        """The parts of a record, "" for itself, each with what counts its rows and its columns."""
        yield "", ("n", "k" if "keys" in self._layout.parts else "n")
        if "decoder" in self._layout.parts:
            yield "decoder", ("m", "m")
            yield "cross", ("m", "n")

    def _other_tokens(self, where: list[_Outcome], arrays: dict[str, Any]) -> None:
        """Adds the tokens that are not those of the records' rows, where there are any."""
        for part, count, texts in (
            ("decoder", "n_decoder", "decoder_tokens"),
            ("keys", "n_keys", "key_tokens"),
        ):
            if part not in self._layout.parts:
                continue
            words = [_words_of(outcome, part) for outcome in where]
            arrays[count] = np.array([len(of) for of in words], dtype=np.int32)
            _texts(arrays, texts, list(chain.from_iterable(words)))

    def _numbers(
        self,
        where: list[_Outcome],
        part: str,
        axes: tuple[str, str],
        arrays: dict[str, Any],
        shapes: dict[str, Any],
    ) -> None:
        """Adds the arrays of a part of all records, and the shapes of the shares."""
        names = [n for n in self._layout.arrays if not part or n in PART_FIELDS[part]]
        before = f"{part}." if part else ""
        for name in names:
            top = self._layout.top if name == "weights" else None
            shares = [_array_of(outcome, part, name) for outcome in where]
            if top is not None:
                kept = [
                    (None, None) if share is None else strongest_of_rows(share, top)
                    for share in shares
                ]
                arrays[f"{before}keys"] = _flat([keys for keys, _ in kept], np.int32)
                shares = [share for _, share in kept]
            for share in shares:
                if share is not None:
                    shapes[before + name] = self._share(name, share.shape, axes)
            arrays[before + name] = _flat(shares, np.float32)
            sizes = [0 if share is None else share.size for share in shares]
            arrays[f"{before}{name}_count"] = np.array(sizes, dtype=np.int64)

    def _share(self, name: str, shape: Sequence[int], axes: tuple[str, str]) -> list[Any]:
        """The shape of a sentence's share of an array, its axes of tokens as "n", "m" or "k"."""
        rows, columns = axes
        listed: list[Any] = list(shape)
        listed[-2] = columns if name in ("key", "value") else rows
        if name in ("weights", "scores"):
            listed[-1] = columns
        if name == "weights" and self._layout.top is not None:
            listed[-1] = [self._layout.top] if columns == "n" else [self._layout.top, columns]
        return listed


def _array_of(outcome: _Outcome, part: str, name: str) -> Any:
    """An array of a part of a record; None where it has none."""
    if not isinstance(outcome, tuple):
        return None
    stack, i = outcome
    return getattr(_part_of(stack, part), name) if part else stack.array(name, i)


def _part_of(stack: Stack, part: str) -> AttentionResult:
    found: AttentionResult | None = (
        None if stack.finished is None else getattr(stack.finished, part)
    )
    if found is None:
        raise ValueError(f"no {part} was made")
    return found


def _words_of(outcome: _Outcome, part: str) -> list[str]:
    """The words of a decoder, or of the keys."""
    if not isinstance(outcome, tuple):
        return []
    result = outcome[0].result(outcome[1])
    return result.key_words if part == "keys" else _part_of(outcome[0], part).words


def _flat(shares: Sequence[Any], dtype: Any) -> Any:
    """All numbers behind each other. Shapes: any → (n,)."""
    flat = [share.astype(dtype, copy=False).reshape(-1) for share in shares if share is not None]
    return np.concatenate(flat) if flat else np.zeros(0, dtype=dtype)


def assemble(part: Path, target: Path) -> None:
    """Lays the frames of a part out as an npz file."""
    totals: dict[str, int] = {}
    dtypes: dict[str, str] = {}
    shapes: dict[str, Any] = {}
    with part.open("rb") as stream:
        for listed, more in _frames(stream):
            for name, dtype, count in listed:
                totals[name] = totals.get(name, 0) + count
                dtypes[name] = dtype
            shapes.update(more)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            _add(archive, "layout", _header("|u1", _described(shapes)[0]), _described(shapes)[1])
            for name, total in totals.items():
                shares = _shares(stream, name)
                _add(archive, name, _header(dtypes[name], total), shares)


def _described(shapes: dict[str, Any]) -> tuple[int, Iterator[bytes]]:
    text = json.dumps(shapes, sort_keys=True).encode()
    return len(text), iter([text])


def _add(archive: zipfile.ZipFile, name: str, header: bytes, pieces: Iterable[bytes]) -> None:
    info = zipfile.ZipInfo(f"{name}.npy", _LONG_AGO)
    with archive.open(info, "w", force_zip64=True) as member:
        member.write(header)
        for piece in pieces:
            member.write(piece)


def _header(dtype: str, total: int) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        out, {"descr": dtype, "fortran_order": False, "shape": (total,)}
    )
    return out.getvalue()


def _frame(arrays: dict[str, Any], shapes: dict[str, Any]) -> bytes:
    listed = [[name, array.dtype.str, array.size] for name, array in arrays.items()]
    head = json.dumps({"arrays": listed, "shapes": shapes}).encode() + b"\n"
    return b"".join([head, *(np.ascontiguousarray(a).tobytes() for a in arrays.values())])


def _frames(stream: BinaryIO) -> Iterator[tuple[list[tuple[str, str, int]], dict[str, Any]]]:
    """What each frame lists; the bytes are passed over."""
    stream.seek(0)
    while head := stream.readline():
        told = json.loads(head)
        yield told["arrays"], told["shapes"]
        sizes = (np.dtype(dtype).itemsize * count for _, dtype, count in told["arrays"])
        stream.seek(sum(sizes), io.SEEK_CUR)


def _shares(stream: BinaryIO, name: str) -> Iterator[bytes]:
    """The bytes of one array, frame by frame."""
    stream.seek(0)
    while head := stream.readline():
        after = stream.tell()
        for listed, dtype, count in json.loads(head)["arrays"]:
            size = np.dtype(dtype).itemsize * count
            if listed == name:
                stream.seek(after)
                for start in range(0, size, _PIECE):
                    yield stream.read(min(_PIECE, size - start))
            after += size
        stream.seek(after)


def _texts(arrays: dict[str, Any], name: str, texts: Sequence[str]) -> None:
    together = "".join(texts)
    encoded: Sequence[str] | Sequence[bytes] = texts
    if not together.isascii():  # a character of another kind is several bytes
        encoded = [text.encode("utf-8", "surrogateescape") for text in texts]
    whole = together.encode("utf-8", "surrogateescape")
    arrays[f"{name}_utf8"] = np.frombuffer(whole, dtype=np.uint8)
    arrays[f"{name}_bytes"] = np.fromiter(map(len, encoded), np.int64, len(encoded))


def _label(where: tuple[Stack, int]) -> str:
    stack, i = where
    return "" if stack.models is None else stack.models[i].label or ""


def _error(error: AttnError) -> str:
    return f"{error.name}: {error.message}"
