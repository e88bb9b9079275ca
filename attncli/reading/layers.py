"""Which of a transformer's vectors of a word are meant: model:DIR:words,2-3,-1.

A list names the vectors that stand side by side, each by the layers it is the mean of: Devlin et
al. 2019 (arXiv:1810.04805, table 7) put layers side by side, Peters et al. 2018 (arXiv:1802.05365)
contextual vectors beside static ones.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from attncli.arrays import Float32Array, IntArray
from attncli.embeddings.named_stores import builtin_store, is_imported
from attncli.errors import UsageError, field_name
from attncli.errors.wording import quoted
from attncli.settings import BUILT_IN, OF_MODEL

if TYPE_CHECKING:
    from attncli.models.forward import States, Wanted
    from attncli.models.model import TransformerModel
    from attncli.results.facts import VectorsInfo

MIX = "mix"
_PART = r"(?:-?[0-9]{1,5}|[0-9]{1,5}-[0-9]{1,5}|input|words|glove)"
_LIST = re.compile(rf"(.+):(mix|{_PART}(?:,{_PART})*)", re.DOTALL)
_SEVERAL = re.compile(r"(.+):([^:/\\]*,[^:/\\]*)", re.DOTALL)
_MOST = 16  # vectors side by side
_MEAN_OF = 4  # layers, when none is named


class LayerVector(NamedTuple):
    """One vector of a word: the mean of what leaves consecutive layers, counted from 0.

    With no layer it is what enters the first ("input"), the word's own vector, to which nothing is
    added yet ("words"), or the word's vector in the GloVe that is built in ("glove").
    """

    name: str
    layers: tuple[int, ...] = ()


class SideBySide:
    """The vectors of a model's words, one for each of `chosen`, `sizes` values each."""

    def __init__(self, chosen: Sequence[LayerVector], model: "TransformerModel") -> None:
        self._chosen, self._model = chosen, model
        self._glove = builtin_store() if any(v.name == "glove" for v in chosen) else None
        self.name = ",".join(vector.name for vector in chosen)
        glove = 0 if self._glove is None else self._glove.dim
        wide = model.config.d_model
        self.sizes = tuple(glove if vector.name == "glove" else wide for vector in chosen)

    def sha256(self) -> str:
        """SHA-256 of the checkpoint's own hash, that of GloVe where it is used, and the list."""
        parts = [self._model.checkpoint.sha256(), self.name]
        if self._glove is not None:
            parts.append(self._glove.sha256)
        return hashlib.sha256(":".join(parts).encode()).hexdigest()

    def wanted(self) -> "Wanted":
        """What has to be kept of a pass."""
        from attncli.models.forward import Wanted

        used = sorted({layer for vector in self._chosen for layer in vector.layers})
        return Wanted(layers=tuple(used[-1:]), hidden_states=len(used) > 1, weights=False)

    def of_tokens(self, ids: IntArray, states: "States") -> Float32Array:
        """Shape (n_tokens, dim); zeros for GloVe, which knows words and no pieces of them."""
        found = [self._of(vector, ids, states) for vector in self._chosen]
        return found[0] if len(found) == 1 else np.concatenate(found, axis=1)

    def add_glove(self, words: Sequence[str], vectors: Float32Array) -> None:
        """Writes the vectors of words into their place, (n_words, dim); unknown words stay zero."""
        if self._glove is None:
            return
        rows = [self._glove.row(word.lower()) for word in words]
        known = [at for at, row in enumerate(rows) if row is not None]
        glove = self._glove.vectors([row for row in rows if row is not None])
        ends = np.cumsum(self.sizes)
        for vector, size, end in zip(self._chosen, self.sizes, ends, strict=True):
            if vector.name == "glove":
                vectors[known, end - size : end] = glove

    def _of(self, vector: LayerVector, ids: IntArray, states: "States") -> Float32Array:
        if vector.name == "glove":
            return np.zeros((len(ids), self.sizes[self._chosen.index(vector)]), dtype=np.float32)
        if vector.name == "words":
            return self._model.tensors.words(ids)
        if not vector.layers:
            return states.embeddings
        if states.hidden_states is None:
            return states.contextual
        chosen = states.hidden_states[vector.layers[0] + 1 : vector.layers[-1] + 2]
        with np.errstate(over="ignore"):  # who reads the vectors refuses what is not finite
            return np.asarray(chosen.mean(axis=0))


def split_name(name: str) -> tuple[str, str]:
    """The checkpoint and the list after it: "DIR:2-3,5" → ("DIR", "2-3,5"); "" where there is none.

    Raises: UsageError for what is a list, but not one of layers.
    """
    if (match := _LIST.fullmatch(name)) is not None:
        return match[1], match[2]
    if (match := _SEVERAL.fullmatch(name)) is not None:
        raise UsageError(
            f"found the layers {quoted(match[2])}, expected a list such as words,2-3,-1",
            place=field_name("vectors"),
        )
    return name, ""


def for_training(vectors: str) -> str:
    """The name of vectors to learn from: for a transformer without a list of layers, a mix of layers."""
    return _with_list(vectors, MIX)


def for_model(vectors: str, learned_from: "VectorsInfo", *, cached: bool = True) -> str:
    """The name of vectors for a model: for a transformer without a list of layers, those it learned from.

    In the place of the built-in ones, which a model of others cannot read, are those that it learned
    from, where the cache has them.
    """
    name = learned_from.name
    if name.startswith(OF_MODEL):
        return _with_list(vectors, name.rpartition(":")[2])
    if vectors in BUILT_IN and name not in BUILT_IN and cached:
        return name if is_imported(name, learned_from.sha256) else vectors
    return vectors


def _with_list(vectors: str, layers: str) -> str:
    named = vectors.startswith(OF_MODEL) and not split_name(vectors.removeprefix(OF_MODEL))[1]
    return f"{vectors}:{layers}" if named else vectors


def layer_vectors(text: str, n_layers: int) -> tuple[LayerVector, ...]:
    """What the list names; without one the mean of the last four layers.

    "mix" is what differs most: the words, GloVe, the mean of the middle third of the layers, and
    the last layer.
    Raises: UsageError when there is no such layer, or more than 16 vectors are named.
    """
    if not text:
        return (_mean_of(range(max(0, n_layers - _MEAN_OF), n_layers)),)
    if text == MIX:
        middle = range(n_layers // 3, max(1, n_layers * 2 // 3))
        of_layers = (_mean_of(middle), _mean_of([n_layers - 1]))
        # one layer is its own middle
        return (LayerVector("words"), LayerVector("glove"), *dict.fromkeys(of_layers))
    named = text.split(",")
    if len(named) > _MOST:
        raise UsageError(
            f"found {len(named)} layers, expected at most {_MOST}", place=field_name("vectors")
        )
    return tuple(_layer_vector(part, n_layers) for part in named)


def _layer_vector(text: str, n_layers: int) -> LayerVector:
    from attncli.results.names import checked_numbers

    if text in ("input", "words", "glove"):
        return LayerVector(text)
    first, _, last = text.partition("-") if not text.startswith("-") else (text, "", "")
    asked = range(int(first), int(last or first) + 1)
    try:
        if not asked:
            raise UsageError(f"found {text}, expected the first of the layers before the last")
        return _mean_of(checked_numbers(asked, range(n_layers), "layers"))
    except UsageError as error:
        error.place = field_name("vectors")
        raise


def _mean_of(layers: Sequence[int]) -> LayerVector:
    ends = dict.fromkeys((layers[0], layers[-1]))
    return LayerVector("-".join(map(str, ends)), tuple(layers))
