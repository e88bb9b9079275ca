"""A sentence read by what reads sentences."""

from attncli.embeddings.protocols import EmbeddingStore
from attncli.reading.reader import Reading, ReadingSettings, reader_for


def read_sentence(text: str, store: EmbeddingStore, settings: ReadingSettings) -> Reading:
    """A sentence's tokens and vectors.

    Raises: EmptyError (no word), LimitError (too many tokens), UnknownWordError.
    """
    reader = reader_for(store, settings)
    run = reader.run(text)
    return Reading(text, run.tokens(), reader.vectors(run), reader.warnings(run, text))
