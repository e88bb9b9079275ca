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
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np

from attncli.arrays import AnyArray, IntArray
from attncli.batches.chunks import Chunk
from attncli.batches.work import Coming, Failures, Placed
from attncli.batches.writers.jsonl import JsonlWriter
from attncli.errors import AttnError
from attncli.results.fields import PART_FIELDS
from attncli.results.layout import RecordLayout
from attncli.results.placed import PlacedRecords
from attncli.results.stack import Fragment, Stack
from attncli.results.stacked_tokens import FragmentColumns, Tokens

_Places: TypeAlias = "array[int]"

_PIECE = 1 << 20
_NO_TOKENS = Tokens((), *(np.zeros(0, np.intp) for _ in range(3)))
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


class NpzWriter:
    """Writes stacks as frames of flat arrays."""

    in_blocks = False
    head = b""

    def __init__(self, layout: RecordLayout) -> None:
        self._layout = layout
        self._words = FragmentColumns(_encoded)
        self._records = JsonlWriter(replace(layout, exclude=(*layout.exclude, *layout.arrays)))

    def coming(self, chunk: Chunk, stacks: Placed, failures: Failures) -> Coming:
        """The frame of a chunk."""
        stacks, errors = [item for item in stacks if len(item[1])], dict(failures)
        rows = PlacedRecords(len(chunk), stacks, errors)
        tokens = Tokens.of([stack.tokens for stack, _ in stacks]) if stacks else _NO_TOKENS
        counts = np.zeros(len(chunk), dtype=np.int32)
        counts[rows.present] = tokens.counts[rows.number[rows.present]]
        arrays: dict[str, Any] = {
            "line": _lines(chunk),
            "index": np.arange(chunk.first_index, chunk.first_index + len(chunk), dtype=np.int64),
            "n_tokens": counts,
        }
        shapes: dict[str, Any] = {}
        for part, axes in self._parts():
            self._numbers(rows.part(part) if part else rows, part, axes, arrays, shapes)
        self._other_tokens(rows, arrays)
        at = tokens.in_order(rows.number[rows.present])
        (words, widths), which = self._words.of(tokens)
        which = which[at]
        whole = b"".join(words[which].tolist())
        arrays["tokens_utf8"] = np.frombuffer(whole, dtype=np.uint8)
        arrays["tokens_bytes"] = widths[which]
        _texts(arrays, "text", rows.values(lambda stack: stack.texts))
        _texts(arrays, "error", [_error(errors.get(place)) for place in range(len(chunk))])
        _texts(arrays, "label", rows.values(_labels))
        if self._layout.with_id:
            ids = chunk.ids or [None] * len(chunk)
            _texts(arrays, "id", [None if one is None else str(one) for one in ids])
        if self._layout.with_file:
            _texts(arrays, "file", [chunk.file] * len(chunk))
        records = self._records.coming(chunk, stacks, errors.items()).whole()
        arrays["record_utf8"] = np.frombuffer(records, dtype=np.uint8)
        ends = np.flatnonzero(arrays["record_utf8"] == ord("\n")) + 1
        arrays["record_bytes"] = np.diff(ends, prepend=0)
        return _frame(arrays, shapes)

    def _parts(self) -> Iterator[tuple[str, tuple[str, str]]]:
        """The parts of a record, "" for itself, each with what counts its rows and its columns."""
        yield "", ("n", "k" if "keys" in self._layout.parts else "n")
        if "decoder" in self._layout.parts:
            yield "decoder", ("m", "m")
            yield "cross", ("m", "n")

    def _other_tokens(self, rows: PlacedRecords, arrays: dict[str, Any]) -> None:
        """Adds the tokens that are not those of the records' rows, where there are any."""
        for part, count, texts in (
            ("decoder", "n_decoder", "decoder_tokens"),
            ("keys", "n_keys", "key_tokens"),
        ):
            if part not in self._layout.parts:
                continue
            words = rows.values(lambda stack, part=part: _words_of(stack, part))  # type: ignore[misc]
            lists = [of or [] for of in words]
            arrays[count] = np.array([len(of) for of in lists], dtype=np.int32)
            _texts(arrays, texts, list(chain.from_iterable(lists)))

    def _numbers(
        self,
        rows: PlacedRecords,
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
            if top is None:
                shares = rows.arrays(lambda stack, name=name: stack.arrays(name))  # type: ignore[misc]
            else:
                keys, shares = rows.strongest(top)
                arrays[f"{before}keys"] = keys.joined().astype(np.int32)
            if shares.numbers:
                shape = shares.shapes[shares.present][-1].tolist()
                shapes[before + name] = self._share(name, shape, axes)
            arrays[before + name] = shares.joined().astype(np.float32, copy=False)
            arrays[f"{before}{name}_count"] = shares.shapes.prod(axis=1) * shares.present

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


def _words_of(stack: Stack, part: str) -> list[list[str]]:
    """The words of a decoder, or of the keys, of each sentence."""
    results = map(stack.result, range(len(stack)))
    if part == "keys":
        return [result.key_words for result in results]
    return [result.decoder.words for result in results if result.decoder is not None]


def _lines(chunk: Chunk) -> IntArray:
    """The line of each record."""
    if chunk.lines is not None:
        return np.array(chunk.lines, dtype=np.int64)
    return np.arange(chunk.first_line, chunk.first_line + len(chunk), dtype=np.int64)


def assemble(part: Path, target: Path) -> None:
    """Lays the frames of a part out as an npz file."""
    dtypes: dict[str, str] = {}
    shapes: dict[str, Any] = {}
    places: dict[str, _Places] = {}  # begin, size, begin, size … of an array's shares
    with part.open("rb") as stream:
        for at, listed, more in _frames(stream):
            for name, dtype, count in listed:
                dtypes[name] = dtype
                size = np.dtype(dtype).itemsize * count
                places.setdefault(name, array("q")).extend((at, size))
                at += size
            shapes.update(more)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            _add(archive, "layout", _header("|u1", _described(shapes)[0]), _described(shapes)[1])
            for name, dtype in dtypes.items():
                total = sum(places[name][1::2]) // np.dtype(dtype).itemsize
                _add(archive, name, _header(dtype, total), _shares(stream, places[name]))


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


def _frame(arrays: dict[str, Any], shapes: dict[str, Any]) -> Coming:
    listed = [[name, values.dtype.str, values.size] for name, values in arrays.items()]
    head = json.dumps({"arrays": listed, "shapes": shapes}).encode() + b"\n"
    flat = (np.ascontiguousarray(values).reshape(-1) for values in arrays.values())
    return Coming.of([head, *(values.view(np.uint8).data for values in flat)])


def _frames(stream: BinaryIO) -> Iterator[tuple[int, list[tuple[str, str, int]], dict[str, Any]]]:
    """Where the bytes of each frame begin, which are passed over, and what it lists."""
    stream.seek(0)
    while head := stream.readline():
        at, said = stream.tell(), json.loads(head)
        yield at, said["arrays"], said["shapes"]
        sizes = (np.dtype(dtype).itemsize * count for _, dtype, count in said["arrays"])
        stream.seek(at + sum(sizes))


def _shares(stream: BinaryIO, places: _Places) -> Iterator[bytes]:
    """The bytes of one array, frame by frame."""
    for begin, size in zip(places[0::2], places[1::2], strict=True):
        stream.seek(begin)
        for start in range(0, size, _PIECE):
            yield stream.read(min(_PIECE, size - start))


def _texts(arrays: dict[str, Any], name: str, given: Sequence[str | None]) -> None:
    texts = [text or "" for text in given]
    together = "".join(texts)
    encoded: Sequence[str] | Sequence[bytes] = texts
    if not together.isascii():  # a character of another kind is several bytes
        encoded = [text.encode("utf-8", "surrogateescape") for text in texts]
    whole = together.encode("utf-8", "surrogateescape")
    arrays[f"{name}_utf8"] = np.frombuffer(whole, dtype=np.uint8)
    arrays[f"{name}_bytes"] = np.fromiter(map(len, encoded), np.int64, len(encoded))


def _encoded(fragments: Sequence[Fragment]) -> tuple[AnyArray, AnyArray]:
    """The bytes of the word of each fragment, and how many they are. Shapes: (n,), (n,)."""
    texts = np.empty(len(fragments), dtype=np.object_)
    texts[:] = [part.text.encode("utf-8", "surrogateescape") for part in fragments]
    return texts, np.fromiter(map(len, texts), np.int64, len(texts))


def _labels(stack: Stack) -> list[str | None] | None:
    return None if stack.models is None else [model.label for model in stack.models]


def _error(error: AttnError | None) -> str:
    return "" if error is None else f"{error.name}: {error.message}"
