"""Weights as CSV in long form: a row for each query and key of each head.

    line,head,query,key,weight,layer,query_word,key_word,error

`query` and `key` are positions in the sentence; layers and heads have their numbers in the model,
counted from 0, or say what they were drawn together from ("mean of heads 0–11"). Where a decoder reads
a second text, a column `part` behind these says whose weights they are: those of the encoder, then of the
decoder, then across, whose queries are the decoder's tokens. Of cross-attention alone with the strongest
keys, a key that no row names has a row without a weight, so that its word is there. A record that failed
has one row, with its line and its error. Words that a spreadsheet would run get an apostrophe, which
reading takes off again.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from attncli.batches.chunks import Chunk
from attncli.batches.work import Coming, Failures, Placed
from attncli.batches.writers.digits import json_matrices
from attncli.files.safe_cells import cell, guarded, guarded_id
from attncli.results.layout import RecordLayout
from attncli.results.names import AXES, axis_labels
from attncli.results.stack import Stack, TokenRun, stack_of
from attncli.results.top import strongest_of_rows

_COLUMNS = ("line", "head", "query", "key", "weight", "layer", "query_word", "key_word", "error")


class CsvWriter:
    """Writes stacks as CSV in long form."""

    in_blocks = False

    def __init__(self, layout: RecordLayout) -> None:
        self._layout = layout
        extra = [
            *(["part"] if layout.parts else []),
            *(["file"] if layout.with_file else []),
            *(["id"] if layout.with_id else []),
        ]
        self.head = (",".join((*_COLUMNS, *extra)) + "\n").encode()

    def coming(self, chunk: Chunk, stacks: Placed, failures: Failures) -> Coming:
        """The rows of a chunk, in its order."""
        texts = [""] * len(chunk)
        for stack, places in stacks:
            for part, of_part in self._parts(stack):
                for place, text in zip(
                    places, self._rows(chunk, of_part, places, part), strict=True
                ):
                    texts[place] += text
        for place, error in failures:
            empty = [""] * (len(_COLUMNS) - 2)
            what = cell(guarded(f"{error.name}: {error.message}"))
            blank = [""] if self._layout.parts else []
            row = [str(chunk.line(place)), *empty, what, *blank, *self._extra(chunk, place)]
            texts[place] = ",".join(row) + "\n"
        return Coming.of(["".join(texts).encode("utf-8", "surrogateescape")])

    def _parts(self, stack: Stack) -> list[tuple[str | None, Stack]]:
        """The parts of the results of a stack, each named; the stack without a name where it has none."""
        result = stack.finished
        if result is None or not self._layout.parts:
            return [(None, stack)]
        decoder, cross = result.decoder, result.cross
        if decoder is None or cross is None:
            return [("cross", stack)]
        parts = {"decoder": decoder, "cross": cross}
        return [("encoder", stack), *((name, stack_of(part, 0)) for name, part in parts.items())]

    def _rows(
        self, chunk: Chunk, stack: Stack, places: Sequence[int], part: str | None
    ) -> Iterable[str]:
        keys, weights = None, stack.made("weights")  # (B, n_layers, n_heads, n, n)
        if self._layout.top is not None:
            keys, weights = strongest_of_rows(weights, self._layout.top)
        printed = json_matrices(np.ascontiguousarray(weights), self._layout.precision, signed=False)
        n_heads, n_queries, n_kept = weights.shape[2:]
        layers, heads = (list(map(cell, axis_labels(stack, axis))) for axis in AXES)
        for i, place in enumerate(places):
            numbers = printed[i].translate(None, b"[]").decode().split(",")
            columns = range(n_kept) if keys is None else keys[i].reshape(-1).tolist()
            words = key_words = _words(stack.tokens[i])
            if stack.finished is not None and stack.finished.keys is not None:
                key_words = [cell(guarded(word)) for word in stack.finished.key_words]
            named_nowhere = {*range(len(key_words))} - {*columns} if self._is_across else ()
            named = [] if part is None else [part]
            end = "".join(f",{text}" for text in (*named, *self._extra(chunk, place)))
            line = chunk.line(place)
            rows = []
            for number, weight in enumerate(numbers):
                row, column = divmod(number, n_kept)
                key = columns[column] if keys is None else columns[number]
                outer, query = divmod(row, n_queries)
                layer, head = divmod(outer, n_heads)
                rows.append(
                    f"{line},{heads[head]},{query},{key},{weight},{layers[layer]},"
                    f"{words[query]},{key_words[key]},{end}\n"
                )
            start = f"{line},{heads[0]},0,"
            without = (
                f"{start}{at},,{layers[0]},{words[0]},{key_words[at]},{end}\n"
                for at in sorted(named_nowhere)
            )
            rows[n_kept:n_kept] = without  # behind the first query's own
            yield "".join(rows)

    @property
    def _is_across(self) -> bool:
        """Whether there is cross-attention alone, whose columns stand nowhere else."""
        return self._layout.parts == ("keys",)

    def _extra(self, chunk: Chunk, place: int) -> list[str]:
        """The cells of the file and the id, as they stand in the line."""
        texts: list[str] = []
        if self._layout.with_file:
            texts.append(cell(guarded(chunk.file or "")))
        if self._layout.with_id:
            given = None if chunk.ids is None else chunk.ids[place]
            texts.append("" if given is None else cell(guarded_id(str(given))))
        return texts


def _words(run: TokenRun) -> list[str]:
    return [cell(guarded(part.text)) for part in run.parts]
