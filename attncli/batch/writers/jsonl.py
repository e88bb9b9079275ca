"""Records as JSON lines: the same records as `attn explain --json`, numbers with fixed digits."""

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np

from attncli.arrays import Float32Array
from attncli.batch.chunks import Chunk
from attncli.batch.writers.digits import json_matrices
from attncli.batch.writers.options import Layout
from attncli.errors import AttnError
from attncli.insight.top import strongest
from attncli.result import SCHEMA_VERSION, AttentionSettings, VectorsInfo
from attncli.stacks import Part, Stack, TokenRun
from attncli.views.json import error_record, plain_json

_HEAD = f'{{"type":"result","schema":"{SCHEMA_VERSION}"'

_NUMBERS = [str(i) for i in range(4096)]  # printing an integer costs more than finding it here

# A piece of a record: the same for the whole stack, or one for each sentence.
_Column = str | Sequence[str] | Sequence[bytes]


class JsonlWriter:
    """Writes stacks as lines of JSON."""

    in_blocks = False
    head = b""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def chunk(
        self,
        chunk: Chunk,
        stacks: Iterable[tuple[Stack, Sequence[int]]],
        failures: Iterable[tuple[int, AttnError]],
    ) -> bytes:
        """The lines of a chunk, in its order; places count in the chunk."""
        records: list[Sequence[bytes]] = [()] * len(chunk)
        for stack, places in stacks:
            for place, record in zip(places, self._records(chunk, stack, places), strict=True):
                records[place] = record
        for place, error in failures:
            records[place] = (self._failure(chunk, place, error),)
        return b"".join(chain.from_iterable(records))

    def _failure(self, chunk: Chunk, place: int, error: AttnError) -> bytes:
        record = error_record(error, chunk.first_index + place, chunk.line(place))
        if self._layout.with_file:
            record["file"] = chunk.file
        if self._layout.with_id:
            record["id"] = None if chunk.ids is None else chunk.ids[place]
        return (plain_json(record) + "\n").encode()

    def _records(
        self, chunk: Chunk, stack: Stack, places: Sequence[int]
    ) -> Iterable[Sequence[bytes]]:
        """Each sentence's line, as fragments to be joined."""
        columns: list[_Column] = [self._beginnings(chunk, stack, places)]
        for name, column in self._fields(stack):
            columns += [f',"{name}":', column]
        columns.append("}\n")
        return zip(*_merged(columns, len(stack)), strict=True)

    def _beginnings(self, chunk: Chunk, stack: Stack, places: Sequence[int]) -> list[str]:
        """Each record up to its tokens: what differs from sentence to sentence."""
        has = self._layout.has
        begun: list[str] = []
        for i, place in enumerate(places):
            text = _HEAD
            if has("index"):
                text += f',"index":{chunk.first_index + place}'
            if has("line"):
                text += f',"line":{chunk.line(place)}'
            if self._layout.with_file:
                text += f',"file":{plain_json(chunk.file)}'
            if self._layout.with_id:
                given = None if chunk.ids is None else chunk.ids[place]
                text += f',"id":{plain_json(given)}'
            if has("text"):
                text += f',"text":{plain_json(stack.texts[i])}'
            if has("tokens"):
                text += f',"tokens":{_tokens(stack.tokens[i])}'
            begun.append(text)
        return begun

    def _fields(self, stack: Stack) -> Iterable[tuple[str, _Column]]:
        """The fields behind the tokens, in the order of the record."""
        has, arrays = self._layout.has, self._layout.arrays
        if has("attention"):
            yield "attention", _constant(stack.attention)
        if "weights" in arrays:
            yield self._weights(stack.weights)
        if "contextual" in arrays:
            yield "contextual", self._matrices(stack.contextual)
        if has("vectors"):
            yield "vectors", _constant(stack.vectors)
        if has("model"):
            if stack.models is None:
                yield "model", "null"
            else:
                yield "model", [plain_json(_facts(model)) for model in stack.models]
        if has("warnings"):
            yield "warnings", _warning_texts(stack)
        yield from self._rare(stack)

    def _weights(self, weights: Float32Array) -> tuple[str, _Column]:
        if self._layout.top is None:
            return "weights", self._matrices(weights, signed=False)
        keys, kept = strongest(weights, self._layout.top)
        printed = self._matrices(kept, signed=False)
        listed = [json.dumps(k.tolist(), separators=(",", ":")).encode() for k in keys]
        return "top", [
            b'{"keys":' + k + b',"weights":' + w + b"}"
            for k, w in zip(listed, printed, strict=True)
        ]

    def _matrices(self, stack: Float32Array, *, signed: bool = True) -> list[bytes]:
        return json_matrices(np.ascontiguousarray(stack), self._layout.precision, signed=signed)

    def _rare(self, stack: Stack) -> Iterable[tuple[str, _Column]]:
        """What only some results have: a second sentence, a selection, optional fields."""
        result, include = stack.finished, self._layout.include
        for name in self._layout.arrays:
            array = stack.extras.get(name) if result is None else getattr(result, name)
            if array is not None and name not in ("weights", "contextual"):
                yield name, self._matrices(array if result is None else array[None])
        if result is None:
            return
        record = result.to_record(include=[n for n in include if n == "measures"])
        for name in ("pair", "segments", "selection", "measures"):
            if name in record and self._layout.has(name):
                yield name, plain_json(record[name])


def _merged(columns: Sequence[_Column], count: int) -> list[Sequence[bytes]]:
    """The columns as bytes; what is the same for all sentences is joined to what it follows."""
    merged: list[Sequence[bytes]] = []
    constant = ""
    for column in columns:
        if isinstance(column, str):
            constant += column
            continue
        if constant:
            merged.append([constant.encode()] * count)
            constant = ""
        merged.append([part.encode() if isinstance(part, str) else part for part in column])
    if constant:
        merged.append([constant.encode()] * count)
    return merged


def _tokens(run: TokenRun) -> str:
    texts = []
    last = run.places[-1] + run.parts[-1].end
    shown = _NUMBERS.__getitem__ if last < len(_NUMBERS) else str
    for part, place in zip(run.parts, run.places, strict=True):
        before, after = part.memo or _remembered(part)
        start, end = shown(place + part.start), shown(place + part.end)
        texts.append(f'{before}{start},"end":{end}{after}')
    return f"[{','.join(texts)}]"


def _remembered(part: Part) -> tuple[str, str]:
    """The JSON of a token before its start and after its end, made once for its piece."""
    before = f'{{"text":{plain_json(part.text)},"start":'
    after = f',"key":{plain_json(part.key)},"status":"{part.status}"}}'
    part.memo = before, after
    return part.memo


@lru_cache(maxsize=64)
def _constant(part: AttentionSettings | VectorsInfo) -> str:
    return plain_json(_facts(part))


def _facts(part: Any) -> dict[str, Any]:
    found: dict[str, Any] = part._asdict()
    return found


def _warning_texts(stack: Stack) -> _Column:
    if not stack.warnings:
        return "[]"
    return [plain_json([_facts(w) for w in stack.warnings.get(i, ())]) for i in range(len(stack))]
