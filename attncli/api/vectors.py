"""Vectors learned from a corpus, and vectors measured, from Python."""

import sys
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attncli.api.batching import paths_of
from attncli.checks.arguments import count_of, flag_of, text_of, unexpected
from attncli.embeddings.corpus_settings import CorpusSettings as CorpusSettings
from attncli.embeddings.protocols import has_vocabulary
from attncli.errors import UsageError
from attncli.results.cards import Card, Cell, Curve, Facts, Grid, Part, ShowsCard

if TYPE_CHECKING:
    from attncli.api.word_vectors import WordVectors
    from attncli.embeddings.given import Vectors

Files = str | PathLike[str] | Sequence[str | PathLike[str]]


class CorpusTraining(dict[str, Any], ShowsCard):
    """What was learned of a corpus: name, words, dim, sha256, and how (training)."""

    def __repr__(self) -> str:
        return (
            f"CorpusTraining({self['name']!r}, {self['words']:,} words, {self['dim']} values each)"
        )

    def card(self) -> Card:
        """What was learned, and the loss of each epoch where gensim tells it."""
        done, losses = self["training"], self["training"].get("loss") or []
        facts: dict[str, Cell] = {
            "learned from": f"{done['sentences']:,} sentences, {done['tokens']:,} words",
            "files": ", ".join(str(file or "standard input") for file in done["corpus"]),
            "left out": done["left_out"] or None,
            "by": f"gensim {done['gensim']}",
            "use": f"explain(…, vectors={self['name']!r})",
        }
        parts: list[Part] = [Facts({name: f for name, f in facts.items() if f is not None})]
        if losses:
            epochs = range(1, len(losses) + 1)
            parts.append(Curve(epochs, {"loss": losses}, "Loss by epoch", "epoch"))
        line = f"{self['words']:,} words, {self['dim']} values each"
        return Card(f"Vectors {self['name']}", line, parts)


class VectorScores(dict[str, Any], ShowsCard):
    """How good vectors are: name, words, pairs and analogies, a dict for each file."""

    def __repr__(self) -> str:
        judged = [f"{Path(file['file']).name} {file['spearman']}" for file in self["pairs"]]
        judged += [
            f"{Path(file['file']).name} {file['accuracy']:.4f}" for file in self["analogies"]
        ]
        return f"VectorScores({self['name']!r}: {', '.join(judged)})"

    def card(self) -> Card:
        """Correlations with what people say, and the analogies that are right."""
        parts: list[Part] = []
        if self["pairs"]:
            columns = ["pairs of words", "Spearman", "Pearson", "pairs", "unknown"]
            fields = ("spearman", "pearson", "pairs", "unknown")
            parts.append(Grid(columns, [_row(file, fields) for file in self["pairs"]]))
        if self["analogies"]:
            columns = ["analogies", "right", "of", "share", "unknown"]
            fields = ("correct", "questions", "accuracy", "unknown")
            parts.append(Grid(columns, [_row(file, fields) for file in self["analogies"]]))
        return Card(f"Vectors {self['name']}, measured", f"{self['words']:,} words", parts)


def _row(file: dict[str, Any], fields: Sequence[str]) -> list[Cell]:
    return [Path(file["file"]).name, *(file[field] for field in fields)]


def train_vectors(
    corpus: Files,
    name: str,
    settings: CorpusSettings | None = None,
    *,
    column: str | None = None,
    skip_bad: bool = False,
    force: bool = False,
    watch: Callable[[str, int, int | None], None] | None = None,
) -> "CorpusTraining":
    """Learns word vectors from files of sentences by gensim, as `attn vectors train` does.

    `vectors=name` has them from then on. `column` is that of the text in tables; with `skip_bad`
    lines that cannot be read are left out; with `force` vectors of that name are replaced. `watch`
    is told what is done, and how much of it. What is returned says what was learned: words, dim,
    sha256, and how.
    Raises: OutputError when the name is taken; MissingExtraError without gensim; EmptyError,
    DataError, LimitError, UsageError.
    """
    from attncli.embeddings.corpus import unwatched
    from attncli.embeddings.learned import learn_vectors
    from attncli.files.rows.reader import Shape
    from attncli.files.source import sources

    if settings is not None and not isinstance(settings, CorpusSettings):
        raise unexpected(settings, "settings", "CorpusSettings")
    if watch is not None and not callable(watch):
        raise unexpected(watch, "watch", "a function of a text and two numbers")
    chosen = None if column is None else text_of(column, "column")
    shape = Shape(column=chosen, fields=() if chosen is None else ("column",))
    learned = learn_vectors(
        sources(paths_of(corpus, "corpus"), lambda: sys.stdin.buffer),
        text_of(name, "name"),
        settings or CorpusSettings(),
        shape=shape,
        skip_bad=flag_of(skip_bad, "skip_bad"),
        force=flag_of(force, "force"),
        watch=watch or unwatched,
    )
    return CorpusTraining(learned)


def evaluate_vectors(
    vectors: "Vectors | WordVectors" = "glove",
    *,
    pairs: Files | None = None,
    analogies: Files | None = None,
    limit: int = 300_000,
) -> "VectorScores":
    """How good vectors are, by word similarity and analogies, as `attn vectors evaluate` says.

    `vectors` are a name, a file, or at hand, as `explain` takes them; `limit` words of them are asked.
    Without a file, those that come with gensim are taken.
    Raises: DataError when no word of a file is known; UsageError for vectors without a list of words.
    """
    from attncli.api.word_vectors import open_vectors
    from attncli.embeddings.evaluating import evaluation

    store = open_vectors(vectors).store
    if not has_vocabulary(store):
        raise UsageError("these vectors have no list of words", place="vectors")
    scores = evaluation(
        store,
        [] if pairs is None else paths_of(pairs, "pairs"),
        [] if analogies is None else paths_of(analogies, "analogies"),
        limit=count_of(limit, "limit", 1),
    )
    return VectorScores(scores)
