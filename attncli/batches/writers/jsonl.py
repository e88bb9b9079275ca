"""Records as JSON lines: the same records as `attn explain` prints, numbers with fixed digits."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, groupby
from typing import Any

import numpy as np

from attncli.arrays import Float32Array
from attncli.batches.chunks import Chunk
from attncli.batches.work import Coming, Failures, Placed
from attncli.batches.writers.keys import key_texts
from attncli.batches.writers.lines import joined_lines, separate_lines
from attncli.batches.writers.models import label_columns, model_texts
from attncli.batches.writers.placed_lines import Column, Numbers
from attncli.batches.writers.tokens import TokenTexts
from attncli.errors import AttnError
from attncli.results.facts import AttentionSettings, ResultWarning, VectorsInfo, nested_plain
from attncli.results.fields import CROSS_SCHEMA, SCHEMA_VERSION
from attncli.results.json import error_record, plain_json, plain_json_texts
from attncli.results.labeled import Labeled
from attncli.results.layout import RecordLayout
from attncli.results.stack import Stack
from attncli.results.top import strongest_of_rows

_HEAD = '{"type":"result","schema":"%s"'


class JsonlWriter:
    """Writes stacks as lines of JSON."""

    in_blocks = False
    head = b""

    def __init__(self, layout: RecordLayout) -> None:
        self._layout = layout
        self._tokens = TokenTexts()

    def coming(self, chunk: Chunk, stacks: Placed, failures: Failures) -> Coming:
        """The lines of a chunk, in its order; places count in the chunk."""
        lots = [
            ([stack for stack, _ in lot], list(chain.from_iterable(places for _, places in lot)))
            for lot in _lots(stacks)
        ]
        if len(lots) == 1 and len(lots[0][1]) == len(chunk):
            together, places = lots[0]
            return joined_lines(self._columns(chunk, together, places), np.argsort(places))
        lines = [b""] * len(chunk)
        for together, places in lots:
            written = separate_lines(self._columns(chunk, together, places), len(places))
            for place, line in zip(places, written, strict=True):
                lines[place] = line
        for place, error in failures:
            lines[place] = self._failure(chunk, place, error)
        return Coming.of([b"".join(lines)])

    def _failure(self, chunk: Chunk, place: int, error: AttnError) -> bytes:
        record = error_record(error, chunk.first_index + place, chunk.line(place))
        if self._layout.with_file:
            record["file"] = chunk.file
        if self._layout.with_id:
            record["id"] = None if chunk.ids is None else chunk.ids[place]
        return (plain_json(record) + "\n").encode()

    def _columns(
        self, chunk: Chunk, stacks: Sequence[Stack], places: Sequence[int]
    ) -> list[Column]:
        """What the sentences' lines are put together from."""
        columns = self._beginnings(chunk, stacks, places)
        for name, column in self._fields(stacks):
            columns += [f',"{name}":', *column]
        return [*columns, "}\n"]

    def _beginnings(
        self, chunk: Chunk, stacks: Sequence[Stack], places: Sequence[int]
    ) -> list[Column]:
        """Each record up to its attention: what differs from sentence to sentence."""
        layout = self._layout
        columns: list[Column] = [_HEAD % (CROSS_SCHEMA if layout.parts else SCHEMA_VERSION)]

        def add(name: str, column: Column) -> None:
            columns.extend([f',"{name}":', column])

        if layout.has("index"):
            add("index", [str(chunk.first_index + place) for place in places])
        if layout.has("line"):
            lines = range(chunk.first_line, chunk.first_line + len(chunk))
            add("line", list(map(str, map((chunk.lines or lines).__getitem__, places))))
        if layout.with_file:
            add("file", plain_json(chunk.file))
        if layout.with_id:
            ids = chunk.ids
            add("id", "null" if ids is None else [plain_json(ids[place]) for place in places])
        if layout.has("text"):
            add("text", plain_json_texts([text for stack in stacks for text in stack.texts]))
        if layout.has("tokens"):
            add("tokens", self._tokens.lists([stack.tokens for stack in stacks]))
        return columns

    def _fields(self, stacks: Sequence[Stack]) -> Iterable[tuple[str, list[Column]]]:
        """The fields behind the tokens, in the order of the record."""
        has, arrays = self._layout.has, self._layout.arrays
        if has("attention"):
            yield "attention", [_of_stacks([stack.attention for stack in stacks], stacks)]
        if "weights" in arrays:
            yield self._weights([stack.made("weights") for stack in stacks])
        if "contextual" in arrays:
            yield "contextual", self._matrices([stack.made("contextual") for stack in stacks])
        if has("vectors"):
            yield "vectors", [_of_stacks([stack.vectors for stack in stacks], stacks)]
        if has("model"):
            yield "model", _models(stacks)
        if has("warnings"):
            yield "warnings", [_warning_texts(stacks)]
        yield from self._rare(stacks)

    def _weights(self, weights: Sequence[Float32Array]) -> tuple[str, list[Column]]:
        if self._layout.top is None:
            return "weights", self._matrices(weights, signed=False)
        strongest = [strongest_of_rows(array, self._layout.top) for array in weights]
        keys = key_texts([keys for keys, _ in strongest])
        kept = self._numbers([kept for _, kept in strongest], signed=False)
        return "top", ['{"keys":', keys, ',"weights":', kept, "}"]

    def _matrices(self, stacks: Sequence[Float32Array], *, signed: bool = True) -> list[Column]:
        return [self._numbers(stacks, signed=signed)]

    def _numbers(self, stacks: Sequence[Float32Array], *, signed: bool) -> Numbers:
        return Numbers(stacks, self._layout.precision, signed)

    def _rare(self, stacks: Sequence[Stack]) -> Iterable[tuple[str, list[Column]]]:
        """What only some results have: a second sentence, a selection, optional fields."""
        for name in self._layout.arrays:
            if name not in ("weights", "contextual"):
                held = [stack.arrays(name) for stack in stacks]
                if known := [array for array in held if array is not None]:
                    yield name, self._matrices(known)
        for name, value in stacks[0].rare().items():
            if self._layout.wants(name):
                yield name, [plain_json(value)]
        if (result := stacks[0].finished) is not None and self._layout.parts:
            if result.keys is not None:
                yield "keys", [plain_json(list(map(nested_plain, result.keys)))]
            parts = result.part_records(self._layout.include, self._layout.exclude)
            for name, record in parts.items():
                yield name, self._object(record)

    def _object(self, record: Mapping[str, Any]) -> list[Column]:
        """A part of a record as an object of its own."""
        columns: list[Column] = ["{"]
        for place, (name, value) in enumerate(record.items()):
            texts: list[Column] = [plain_json(value)] if not isinstance(value, np.ndarray) else []
            if name == "weights":
                name, texts = self._weights([value[None]])
            elif not texts:
                texts = self._matrices([value[None]])
            columns += [f'{"," if place else ""}"{name}":', *texts]
        return [*columns, "}"]


def _lots(
    stacks: Iterable[tuple[Stack, Sequence[int]]],
) -> Iterable[list[tuple[Stack, Sequence[int]]]]:
    """The stacks whose records are made together: all with the same fields, a finished one alone."""

    def kind(item: tuple[Stack, Sequence[int]]) -> tuple[object, ...]:
        stack = item[0]
        selection = None if stack.selection is None else plain_json(stack.selection)
        return id(stack.finished), stack.models is None, tuple(stack.extras), selection

    return (list(lot) for _, lot in groupby(stacks, kind))


def _of_stacks(
    facts: Sequence[AttentionSettings] | Sequence[VectorsInfo], stacks: Sequence[Stack]
) -> Column:
    """What is the same for all sentences of a stack, once if it is the same for all stacks."""
    if all(fact == facts[0] for fact in facts):
        return _constant(facts[0])
    return [
        _constant(fact) for fact, stack in zip(facts, stacks, strict=True) for _ in stack.places
    ]


@lru_cache(maxsize=64)
def _constant(part: AttentionSettings | VectorsInfo) -> str:
    return plain_json(_facts(part))


def _facts(part: Any) -> dict[str, Any]:
    found: dict[str, Any] = part._asdict()
    return found


def _models(stacks: Sequence[Stack]) -> list[Column]:
    found = [stack.models for stack in stacks]
    if found[0] is None:
        return ["null"]
    if (labeled := Labeled.joined(found)) is not None:
        return label_columns(labeled)
    return [model_texts([model for models in found for model in models or ()])]


def _warning_texts(stacks: Sequence[Stack]) -> Column:
    if not any(stack.warnings for stack in stacks):
        return "[]"
    listed = [stack.warnings.get(i, ()) for stack in stacks for i in range(len(stack))]
    texts = [
        text for warnings in listed for code, message, _ in warnings for text in (code, message)
    ]
    quoted = iter(plain_json_texts(texts))
    return [_warnings_text(warnings, quoted) if warnings else "[]" for warnings in listed]


def _warnings_text(warnings: Sequence[ResultWarning], quoted: Iterator[str]) -> str:
    """The JSON list of a sentence's warnings; next of `quoted` are their codes and messages."""
    texts = [
        f'{{"code":{next(quoted)},"message":{next(quoted)},"tokens":[{",".join(map(str, tokens))}]}}'
        for _, _, tokens in warnings
    ]
    return f"[{','.join(texts)}]"
