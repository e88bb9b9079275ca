"""Every choice of attention, batches, training, vectors and figures, with its default.

Options, help and `import attncli` are made of these. How a terminal shows a result is chosen in `cli/`.
No library is imported, so that help is shown before numpy is loaded. What a value may be is checked
where it is used.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

from attncli.settings.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Protocol

    class _Array(Protocol):
        """An array of numpy, a tensor of PyTorch."""

        def __array__(self) -> Any: ...

    Matrix: TypeAlias = (
        str | Sequence[Sequence[float]] | Sequence[Sequence[Sequence[float]]] | _Array
    )

AttentionKind: TypeAlias = Literal["general", "task"]
Score: TypeAlias = Literal["scaled", "dot", "cosine"]
Positions: TypeAlias = Literal["none", "sinusoidal", "rope", "learned", "relative"]
OovPolicy: TypeAlias = Literal["random", "zero", "mean", "skip", "error", "subword", "nearest"]
PresetName: TypeAlias = Literal["lecture", "thinking-machines", "journey", "by-hand"]
HeadMeasure: TypeAlias = Literal["first", "previous", "self", "next", "separators", "entropy"]
Notation: TypeAlias = Literal["words", "lecture"]
Which: TypeAlias = Literal["encoder", "decoder", "cross"]
Keeps: TypeAlias = Literal["all", "map", "page"]  # of the weights of a transformer
Palette: TypeAlias = Literal["viridis", "cividis", "magma", "blues", "greys"]
TokenizerName: TypeAlias = Literal["words", "whitespace", "chars"]
Pooling: TypeAlias = Literal["attention", "mean"]
InputFormat: TypeAlias = Literal["text", "csv", "tsv", "jsonl", "json", "parquet"]
FormatName: TypeAlias = Literal["jsonl", "csv", "parquet", "arrow", "npz"]
EngineName: TypeAlias = Literal["local", "dask"]
LearningMethod: TypeAlias = Literal["word2vec", "fasttext"]
ByteOrder: TypeAlias = Literal["little", "big"]
BadLine: TypeAlias = Literal["error", "skip"]
Symmetrization: TypeAlias = Literal[
    "none",
    "intersection",
    "union",
    "grow-diag",
    "grow-diag-final",
    "grow-diag-final-and",
    "itermax",
]
AlignedWith: TypeAlias = Literal["input", "output"]

MAX_TOKENS = 4096
MOST_WRITTEN = 4096  # tokens that a language model is asked for
TEMPERATURE = 1.0  # that scores are divided by where none is asked for
OF_MODEL = "model:"  # how the name of a transformer's vectors begins
OF_PRESET = "preset:"  # and that of a preset's
BUILT_IN = ("glove", "glove-6b-50d")  # two names of the vectors of the package
NEIGHBORS = 5  # nearest words that a comparison finds
TOLERANCE = 1e-6  # numbers of two results that differ by no more are equal
COUNTED_WORDS = 3  # of a prediction, the strongest
SIMILAR_WORDS, ANALOGOUS_WORDS = 10, 5  # that are listed, the nearest
ASKED_WORDS = 300_000  # of a vocabulary that is measured, as gensim has it
# Matrices of the user's own: each as a text, or "@" and the path of a file; all in one file.
MATRIX_FIELDS = ("w_q", "w_k", "w_v", "w_o", "matrices")


@dataclass(frozen=True, slots=True)
class MechanismSettings:
    """How a sentence becomes a result: its vectors, how it is read, and the attention on it.

    vectors, inline: the vectors of words, by name or written out; dim and seed are of random ones,
    no_cache converts no file into the cache. preset: small vectors with the score and temperature
    that go with them, where no others are given.
    tokenizer, oov, max_tokens: how a sentence is read. model: a trained model or a transformer;
    without one `attention` is general, or task with random matrices. score to see_self belong to
    general attention, heads to positions to random matrices, target to a trained model, pair,
    truncate and complete (how many tokens it writes on) to a transformer. w_q to w_o are matrices of
    the user's own, which make attention task-specific: rows parted by semicolons, heads by bars, or
    "@" and a file; matrices is the path of an exercise that holds them together with vectors and
    sentences.
    """

    vectors: str = "glove"
    inline: str | None = None
    preset: PresetName | None = None
    no_cache: bool = False
    dim: int = 50
    seed: int = 0
    oov: OovPolicy = "random"
    tokenizer: TokenizerName = "words"
    score: Score = "scaled"
    temperature: float | None = None
    target_self: float | None = None
    causal: bool = False
    window: int | None = None
    see_self: bool = True
    max_tokens: int = MAX_TOKENS
    attention: AttentionKind = "general"
    heads: int | None = None
    d_k: int | None = None
    d_v: int | None = None
    positions: Positions = "none"
    model: str | None = None
    target: str | int | None = None
    pair: str | None = None
    truncate: bool = False
    complete: int | None = None
    w_q: str | None = None
    w_k: str | None = None
    w_v: str | None = None
    w_o: str | None = None
    matrices: str | None = None


class Choices(TypedDict, total=False):
    """The fields of `MechanismSettings` as named arguments."""

    inline: str | None
    preset: PresetName | None
    no_cache: bool
    dim: int
    seed: int
    oov: OovPolicy
    tokenizer: TokenizerName
    score: Score
    temperature: float | None
    target_self: float | None
    causal: bool
    window: int | None
    see_self: bool
    max_tokens: int
    attention: AttentionKind
    heads: int | None
    d_k: int | None
    d_v: int | None
    positions: Positions
    target: str | int | None
    pair: "str | Sequence[str] | None"
    truncate: bool
    complete: int | None
    w_q: "Matrix | None"
    w_k: "Matrix | None"
    w_v: "Matrix | None"
    w_o: "Matrix | None"
    matrices: str | None


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """How a batch reads, writes and works.

    input_format to every_line: what the inputs are (None: seen from their content), the columns of
    the text, of an id to carry through and of a second text that a transformer reads with the first,
    and whether blank lines and comments have records. Beside the last all columns may be numbers, of a
    table without a header line.
    format to sync: None is told by the output's suffix; fields to add and to leave out; digits after
    the point, or full; the strongest keys of each row alone; an output that is replaced, and one
    that is waited for. resume goes on where an earlier run stopped; workers: None is every core; a
    chunk is a number of sentences (None: 1,000, of short ones up to 2,000); the rest is of a Dask
    cluster.
    """

    input_format: InputFormat | None = None
    column: str | None = None
    id_column: str | None = None
    pair_column: str | None = None
    every_line: bool = False
    format: FormatName | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    precision: int | str | None = None
    top: int | None = None
    force: bool = False
    sync: bool = False
    resume: bool = False
    workers: int | None = None
    chunk: int | None = None
    engine: EngineName = "local"
    scheduler: str | None = None
    tls_ca: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None


class BatchChoices(Choices, total=False):
    """The fields of `BatchSettings` and those of `MechanismSettings` as named arguments."""

    input_format: InputFormat | None
    column: str | None
    id_column: str | None
    pair_column: str | None
    every_line: bool
    format: FormatName | None
    include: Iterable[str]
    exclude: Iterable[str]
    precision: int | str | None
    top: int | None
    force: bool
    sync: bool
    resume: bool
    workers: int | None
    chunk: int | None
    engine: EngineName
    scheduler: str | None
    tls_ca: str | None
    tls_cert: str | None
    tls_key: str | None


_WORDS = MechanismSettings()


@dataclass(frozen=True, slots=True)
class WordSettings:
    """The words of labeled sentences: their vectors, how a sentence is cut, what unknown words get.

    dim is of random vectors; no_cache converts no file into the cache.
    """

    vectors: str = _WORDS.vectors
    no_cache: bool = _WORDS.no_cache
    dim: int = _WORDS.dim
    tokenizer: TokenizerName = _WORDS.tokenizer
    oov: OovPolicy = "zero"


@dataclass(frozen=True, slots=True)
class LayerSettings:
    """The sizes of a model that is trained; None: what its vectors ask for.

    heads, d_k, d_v are of each member of a committee. reach: the distances that relative positions
    tell apart on each side. pooling: how a sentence without a target is read.
    """

    heads: int = 8
    d_k: int = 16
    d_v: int = 32
    landmarks: int | None = None
    committee: int | None = None
    directions: int | None = None
    positions: Positions | None = None
    reach: int = 10
    causal: bool = False
    window: int | None = None
    pooling: Pooling = "attention"


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How a model is trained. The defaults were chosen by cross-validation: docs/training.md.

    epochs: how often all sentences are seen. held_out: the share of them kept aside, by label.
    patience: epochs without a better held-out result before it stops (0: never). balance: 0 counts
    all sentences alike, 1 gives each label the same say. weight_dropout acts on attention weights,
    dropout on the read-out's input, word_dropout on whole words. tolerance: given weights are met
    when no cell is further off. class_weights: how much the sentences of each label count, instead
    of balance: "balanced", LABEL=NUMBER,…, JSON, or a file of it. pair_temperature: cosines are
    divided by it where the sentences of a batch are told apart from the one that belongs to another.
    """

    epochs: int = 30
    batch_size: int = 32
    learning_rate: float = 5e-3
    weight_decay: float = 2.0
    dropout: float = 0.3
    weight_dropout: float = 0.5
    word_dropout: float = 0.2
    smoothing: float = 0.0
    balance: float = 0.7
    held_out: float = 0.1
    patience: int = 0
    tolerance: float = 0.0
    seed: int = 0
    class_weights: str | None = None
    pair_temperature: float = 0.05


@dataclass(frozen=True, slots=True)
class CorpusSettings:
    """How vectors are learned; the defaults are gensim's, but for seed, workers and buckets.

    window: words on each side that count as company. min_count: words that are rarer are left out.
    skip_gram: each word predicts its company, instead of the company the word. buckets: rows for the
    n-grams of fastText. phrases: pairs of words that often stand together become one word,
    `new_york`. keep_case: Bank and bank are two words. workers: with one, the same seed gives the
    same bytes.
    """

    method: LearningMethod = "word2vec"
    dim: int = 100
    window: int = 5
    epochs: int = 5
    min_count: int = 5
    skip_gram: bool = False
    buckets: int = 200_000
    phrases: bool = False
    tokenizer: TokenizerName = "words"
    keep_case: bool = False
    seed: int = 0
    workers: int = 1


# The most that each number of these may be; gensim's generator takes no longer seed.
CORPUS_LIMITS = {
    **{"dim": 4096, "window": 1000, "epochs": 100_000, "min_count": 10**9},
    **{"buckets": 10**8, "seed": 2**32 - 1, "workers": 256},
}


@dataclass(frozen=True, slots=True)
class ImportSettings:
    """How a file of vectors is read and kept: the first `limit` words, or those that a file lists.

    name: what it is called from then on. format: None is told by the content. byte_order is of binary
    files; on_bad_line says what becomes of a line that cannot be read.
    """

    name: str | None = None
    limit: int | None = None
    words: str | None = None
    format: str | None = None
    encoding: str = "utf-8"
    byte_order: ByteOrder = "little"
    on_bad_line: BadLine = "error"


@dataclass(frozen=True, slots=True)
class FigureSettings:
    """A figure for a paper: the weights alone, laid out as they are asked for.

    title: a line above. size: WIDTHxHEIGHT in px, or with a unit: cm, mm, in, pt. palette and scale:
    the colors, and which weights their ends stand for (LOW,HIGH or max). numbers in the cells (None:
    where they can be read), a legend of the colors, axes: titles of the axes too (None: words alone,
    False: neither). font_size in px or with a unit; grid: COLUMNSxROWS or auto; lines: two columns of
    words with lines between them. fragment: TeX to take in by \\input, not a document.
    """

    title: str | None = None
    size: str | None = None
    palette: Palette = "viridis"
    scale: str = "0,1"
    numbers: bool | None = None
    legend: bool = True
    axes: bool | None = None
    font_size: str | None = None
    grid: str | None = None
    lines: bool = False
    fragment: bool = False


class FigureChoices(TypedDict, total=False):
    """The fields of `FigureSettings` as named arguments; pairs of numbers are taken as such."""

    title: str | None
    size: str | tuple[float, float] | None
    palette: Palette
    scale: str | tuple[float, float]
    numbers: bool | None
    legend: bool
    axes: bool | None
    font_size: str | float | None
    grid: str | tuple[int, int] | None
    lines: bool
    fragment: bool
