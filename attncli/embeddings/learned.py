"""A corpus → word vectors, learned by gensim, in the cache under a name.

Sources: Mikolov et al. 2013, "Efficient Estimation of Word Representations in Vector Space"; Bojanowski
et al. 2017, "Enriching Word Vectors with Subword Information". The model is gensim's; with one worker
its arrays are those of gensim called directly with the same sentences, settings and seed.
"""

import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attncli.embeddings.corpus import (
    Corpus,
    Watch,
    check_counts,
    cut_corpus,
    expect_learnable,
    unwatched,
)
from attncli.errors import (
    LimitError,
    MissingExtraError,
    NumericError,
    OutputError,
    field_name,
    setting,
)
from attncli.errors.wording import quoted, size_text, visible
from attncli.files.limits import Limits, memory_budget
from attncli.files.rows.reader import Shape
from attncli.files.source import InputSource
from attncli.settings import CorpusSettings

if TYPE_CHECKING:
    from attncli.embeddings.cache.entries import Cache
    from attncli.embeddings.store import FolderStore

_ROWS = 8192


def learn_vectors(
    inputs: Sequence[InputSource],
    name: str,
    settings: CorpusSettings,
    *,
    shape: Shape = Shape(),  # noqa: B008  (frozen)
    skip_bad: bool = False,
    force: bool = False,
    watch: Watch = unwatched,
) -> dict[str, Any]:
    """Learns vectors from the sentences of the inputs, keeps them under a name, and tells of them.

    Nothing is kept unless all is done. Raises: UsageError, MissingExtraError, EmptyError, DataError,
    LimitError, NumericError; OutputError when the name is taken or the cache cannot be written.
    """
    from attncli.embeddings.cache.entries import Cache, check_name
    from attncli.embeddings.cache.writing import writing_cache

    expect_learnable(settings)
    check_name(name)
    cache = Cache()
    if not force and cache.key_named(name) is not None:
        raise OutputError(
            f"the vectors {quoted(name)} are there already",
            place=field_name("name"),
            hints=(f"{setting(force=True)} replaces them",),
        )
    require_gensim("learning vectors")
    with writing_cache(cache.root), cache.workspace(f"train {name}") as folder:
        corpus = cut_corpus(inputs, shape, settings, folder, skip_bad=skip_bad, watch=watch)
        place = ", ".join(source.name for source in inputs)[:200]
        model, losses = _learned(corpus, settings, place, watch)
        facts = {
            **asdict(settings),
            "corpus": [source.file and str(Path(source.file).absolute()) for source in inputs],
            "sentences": corpus.n_sentences,
            "tokens": corpus.n_tokens,
            "left_out": corpus.left_out,
            "loss": losses,
            "gensim": gensim_version(),
        }
        store = _kept(cache, name, model.wv, facts)
    return {
        "name": name,
        "words": store.words,
        "dim": store.dim,
        "sha256": store.sha256,
        "training": facts,
    }


def require_gensim(purpose: str) -> None:
    """Makes sure that gensim is there. Raises: MissingExtraError."""
    import logging

    try:
        import gensim.models  # noqa: F401
    except ImportError:
        missing = MissingExtraError.of("gensim", purpose)
        if sys.version_info >= (3, 14):
            missing.hints = (*missing.hints, "gensim is made for Python 3.11 to 3.13")
        raise missing from None
    logging.getLogger("gensim").addHandler(logging.NullHandler())  # it warns of small corpora


def gensim_version() -> str:
    """The version of gensim that is installed."""
    import gensim

    return str(gensim.__version__)


def _learned(
    corpus: Corpus, settings: CorpusSettings, place: str, watch: Watch
) -> tuple[Any, list[float] | None]:
    """gensim's model of a corpus, and the mean loss of a word in each epoch, if it tells it."""
    n_words = check_counts(corpus, settings, place)
    _check_memory(n_words, settings)
    model = _new_model(settings)
    model.build_vocab_from_freq(dict(corpus.counts), corpus_count=corpus.n_sentences)
    corpus.counts.clear()
    losses = _Losses(model) if settings.method == "word2vec" else None
    progress = _Progress(corpus, settings, losses, watch)
    model.train(
        progress,
        total_examples=corpus.n_sentences,
        total_words=corpus.n_tokens,
        epochs=settings.epochs,
        compute_loss=losses is not None,
        callbacks=[] if losses is None else [losses.callback()],
    )
    _check_finite(model.wv, settings)
    return model, None if losses is None else losses.of_epochs


def _new_model(settings: CorpusSettings) -> Any:
    from gensim.models import FastText, Word2Vec

    s = settings
    choices: dict[str, Any] = {
        "vector_size": s.dim,
        "window": s.window,
        "min_count": s.min_count,
        "sg": int(s.skip_gram),
        "seed": s.seed,
        "workers": s.workers,
        "epochs": s.epochs,
        "hashfxn": _hash,
    }
    if s.method == "fasttext":
        return FastText(bucket=s.buckets, **choices)
    return Word2Vec(compute_loss=True, **choices)


def _hash(text: str) -> int:
    """A number of a text that no PYTHONHASHSEED changes."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


def _check_memory(n_words: int, settings: CorpusSettings) -> None:
    """Raises: LimitError when the matrices of a model need more memory than is free."""
    rows = 2 * n_words  # of words, and of their company
    if settings.method == "fasttext":
        rows += n_words + settings.buckets
    needed, budget = 4 * rows * settings.dim, memory_budget(Limits())
    if needed > budget:
        raise LimitError(
            f"{n_words:,} words of {settings.dim} values need {size_text(needed)}; "
            f"the limit is {size_text(budget)}",
            hints=(f"{setting(min_count=10 * settings.min_count)} keeps fewer words",),
        )


class _Losses:
    """The loss of each epoch, for a word. gensim's own sum is a float32 that stops growing."""

    def __init__(self, model: Any) -> None:
        self.of_epochs: list[float] = []
        self._sum, self._words = 0.0, 0
        self._model, self._job = model, model._do_train_job
        model._do_train_job = self._run

    def _run(self, sentences: Any, alpha: float, inits: Any) -> Any:
        """A batch, with the loss begun anew."""
        self._model.running_training_loss = 0.0
        tally, raw = self._job(sentences, alpha, inits)
        self._sum += float(self._model.running_training_loss)
        self._words += int(tally)
        return tally, raw

    def callback(self) -> Any:
        """What gensim calls at the end of an epoch."""
        from gensim.models.callbacks import CallbackAny2Vec

        losses = self

        class EpochEnds(CallbackAny2Vec):  # type: ignore[misc]  # gensim has no types
            """Closes the sum of an epoch."""

            def on_epoch_end(self, model: Any) -> None:
                losses.of_epochs.append(losses._sum / max(losses._words, 1))
                losses._sum, losses._words = 0.0, 0

        return EpochEnds()


class _Progress:
    """The sentences of a corpus; each walk is an epoch, and tells the loss of the one before."""

    def __init__(
        self, corpus: Corpus, settings: CorpusSettings, losses: _Losses | None, watch: Watch
    ) -> None:
        self._corpus, self._epochs = corpus, settings.epochs
        self._losses, self._watch, self._epoch = losses, watch, 0

    def __iter__(self) -> Iterator[list[str]]:
        self._epoch += 1
        losses = self._losses.of_epochs if self._losses is not None else []
        loss = f", loss {losses[-1]:.3f}" if losses else ""
        label = f"learning, epoch {self._epoch} of {self._epochs}{loss}"
        self._corpus.watch = lambda done, total: self._watch(label, done, total)
        return iter(self._corpus)


def _check_finite(vectors: Any, settings: CorpusSettings) -> None:
    """Raises: NumericError when learning ran away."""
    import numpy as np

    for start in range(0, len(vectors.vectors), _ROWS):
        if not np.isfinite(vectors.vectors[start : start + _ROWS]).all():
            raise NumericError(
                "the training diverged: a value is not finite",
                hints=(f"{setting(epochs=max(1, settings.epochs // 2))} learns less",),
            )


def _kept(cache: "Cache", name: str, vectors: Any, facts: dict[str, Any]) -> "FolderStore":
    """The vectors of a gensim model in the cache, under a name. Raises: CacheUnusable, OSError."""
    import hashlib
    import json

    from attncli.embeddings.cache.building import build_store
    from attncli.embeddings.protocols import encoded_word
    from attncli.embeddings.readers.ngrams import NgramSubwords
    from attncli.embeddings.readers.reading import OpenedVectors, VectorBlock
    from attncli.embeddings.source import VectorsSource

    words = [encoded_word(word) for word in vectors.index_to_key]
    matrix, method = vectors.vectors, facts["method"]
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    digest.update(b"\n".join(words))
    digest.update(matrix.data)
    subwords = None
    if method == "fasttext":
        digest.update(vectors.vectors_ngrams.data)
        subwords = NgramSubwords(vectors.vectors_ngrams, vectors.min_n, vectors.max_n)
    blocks = (
        VectorBlock(words[start : start + _ROWS], matrix[start : start + _ROWS])
        for start in range(0, len(words), _ROWS)
    )
    source = VectorsSource(name, trained=digest.hexdigest())
    key = str(source.key())
    files = [file for file in facts["corpus"] if file is not None]
    origin = {"name": name, "source": files[0] if len(files) == 1 else None, "training": facts}

    def build(folder: Path) -> None:
        opened = OpenedVectors(
            method, matrix.shape[1], blocks, [], len(words), lambda: subwords, marks=_unmarked
        )
        build_store(folder, opened, visible(name), facts=origin)

    store = cache.make(key, build)
    cache.name_entry(name, key, source)
    return store


def _unmarked(words: object) -> None:
    """Words of a corpus carry no marks."""
