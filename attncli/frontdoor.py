"""The functions of `import attncli`: the command's work, from Python."""

from collections.abc import Iterable

from attncli.embeddings.sources import open_vectors
from attncli.embeddings.store import EmbeddingStore
from attncli.pipeline import GeneralAnalyser, GeneralSettings
from attncli.reading import ReadingSettings
from attncli.result import AttentionResult


def explain(
    text: str,
    *,
    vectors: str | EmbeddingStore = "glove",
    settings: GeneralSettings | None = None,
    reading: ReadingSettings | None = None,
    include: Iterable[str] = ("embeddings",),
) -> AttentionResult:
    """The general attention of one sentence, as `attn explain` computes it.

    `vectors` is a name or an opened store; `include` names optional fields of the result to fill
    (embeddings, query, key, value, scores, measures).
    Raises: EmptyError, LimitError, UnknownWordError, UsageError, NumericError.

    >>> explain("river bank flows").words
    ['river', 'bank', 'flows']
    """
    store = open_vectors(vectors) if isinstance(vectors, str) else vectors
    analyser = GeneralAnalyser(
        store,
        reading or ReadingSettings(),
        settings or GeneralSettings(),
        include=frozenset(include),
    )
    return next(iter(analyser([text])))
