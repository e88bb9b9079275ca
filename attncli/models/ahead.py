"""Layers one after the other; where they are unpacked, a thread unpacks the next while this one computes.

numpy and the BLAS compute without Python's lock, so the two share the processors. Only one layer is
unpacked ahead, and none where that would take much memory, where another process of a batch needs the
processors, or where many rows go through a layer: then its products take most of the time.
"""

import os
import sys
import threading
from collections.abc import Generator

import numpy as np

from attncli.attention.products import may_share_rows
from attncli.models.layers import Block
from attncli.models.model import TransformerModel

_LARGEST_AHEAD = 64 << 20  # bytes of a layer as float32
_MOST_ROWS = 512


def blocks_in_turn(model: TransformerModel, n_layers: int, n_rows: int) -> Generator[Block]:
    """The first layers of a model, through which so many rows go. Close it where not all are taken.

    Raises: as `TransformerModel.block`, when the layer's turn comes.
    """
    if n_layers < 2 or n_rows > _MOST_ROWS or not _pays(model, n_layers):
        yield from map(model.block, range(n_layers))
        return
    try:
        ahead = _Ahead(model)
    except RuntimeError:  # the system gives no thread
        yield from map(model.block, range(n_layers))
        return
    try:
        ahead.begin(0)
        for layer in range(n_layers):
            yield ahead.finished(layer, range(layer + 1, n_layers))
    finally:
        ahead.end()


def _pays(model: TransformerModel, n_layers: int) -> bool:
    """Whether layers are unpacked, are small, and a processor is free for it."""
    sizes = [model.unpacked_bytes(layer) for layer in range(n_layers)]
    return 0 < max(sizes) <= _LARGEST_AHEAD and may_share_rows() and _has_free_processor()


def _has_free_processor() -> bool:
    """Whether this process may use two processors, and is none of several that share a work."""
    of_several = getattr(sys.modules.get("multiprocessing.process"), "parent_process", lambda: None)
    if of_several() is not None:
        return False
    asked = getattr(os, "sched_getaffinity", None)
    return (len(asked(0)) if asked else os.cpu_count() or 1) > 1


class _Ahead:
    """A thread that unpacks one layer at a time, when it is asked to."""

    def __init__(self, model: TransformerModel) -> None:
        import queue

        self._model = model
        self._asked: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._blocks: queue.SimpleQueue[Block | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._unpack, daemon=True)
        self._thread.start()

    def begin(self, layer: int) -> None:
        """Asks for a layer, whose memory is taken here: what a thread takes itself lies apart."""
        self._model.make_room(layer)
        self._asked.put(layer)

    def finished(self, layer: int, later: range) -> Block:
        """The layer that was asked for, while that after it begins; one that failed is read again, and fails here."""
        block = self._blocks.get()
        if block is None:
            block = self._model.block(layer)
        if later:
            self.begin(later[0])
        return block

    def end(self) -> None:
        """Waits until the thread is gone."""
        self._asked.put(None)
        self._thread.join()

    def _unpack(self) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            while (layer := self._asked.get()) is not None:
                try:
                    self._blocks.put(self._model.block(layer))
                except BaseException:  # whatever it is, `finished` meets it again
                    self._blocks.put(None)
