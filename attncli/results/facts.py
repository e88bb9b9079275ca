"""What stands beside the numbers of a result: tokens, mechanism, vectors, model and warnings."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from attncli.results.fields import RARE_OF_MODELS
from attncli.results.predicted import PREDICTED, Candidate, MaskedPlace
from attncli.settings import OF_MODEL, TEMPERATURE

_TITLES = {
    "task": "task-specific attention",
    "matrix": "attention weights",
}  # but for "… attention"
_OLD_FIELDS = {"general": "embeddings", "task": "value", "transformer": "embeddings"}
_UNTRAINED = "untrained, seed "
_GIVEN = "given "

# The statuses of words whose vector says nothing of their meaning.
MEANINGLESS = frozenset({"random", "zero", "mean"})


class Token(NamedTuple):
    """One token: `text[start:end]` of the sentence in code points, and how its vector was found.

    `key` is the form that was looked up; `status` says how: exact, lower, random, zero, mean, …
    """

    text: str
    start: int
    end: int
    key: str
    status: str


class AttentionSettings(NamedTuple):
    """How the weights were computed."""

    kind: str = "general"
    score: str = "scaled"
    scale: float = 1.0
    temperature: float = TEMPERATURE
    causal: bool = False
    n_layers: int = 1
    n_heads: int = 1
    window: int | None = None
    see_self: bool = True
    positions: str = "none"

    # What is asked of a mechanism; a new one answers here.

    @property
    def title(self) -> str:
        """The mechanism in words."""
        return _TITLES.get(self.kind, f"{self.kind} attention")

    @property
    def is_foreign(self) -> bool:
        """Whether the weights are those of another tool, made nobody knows how."""
        return self.kind == "matrix"

    @property
    def is_of_words(self) -> bool:
        """Whether one layer reads the vectors of words."""
        return self.kind in ("general", "task")

    @property
    def has_layers(self) -> bool:
        """Whether layers follow each other, in each of which much comes after the sums of a head."""
        return self.kind == "transformer"

    @property
    def masks_by_layer(self) -> bool:
        """Whether a layer may see less than another, so that only the weights tell what was seen."""
        return self.has_layers and self.positions == "rope"

    @property
    def sums_embeddings(self) -> bool:
        """Whether new embeddings are sums of the old ones: no matrix makes values of them."""
        return self.kind == "general"

    @property
    def compares_embeddings(self) -> bool:
        """Whether scores are products of the embeddings as they are."""
        return self.sums_embeddings and self.score != "cosine"

    @property
    def old_field(self) -> str | None:
        """The field that new embeddings are compared with, None where that is not known."""
        return _OLD_FIELDS.get(self.kind)


class VectorsInfo(NamedTuple):
    """Which embeddings were used; `words` and `sha256` are None when a file was only scanned."""

    name: str
    dim: int
    words: int | None = None
    sha256: str | None = None

    @property
    def of_layers(self) -> tuple[str, str] | None:
        """The name of the transformer that they come from and its layers, "bert" and "words,1,2"."""
        if not self.name.startswith(OF_MODEL):
            return None
        checkpoint, _, layers = self.name.removeprefix(OF_MODEL).rpartition(":")
        return checkpoint, layers


class ModelInfo(NamedTuple):
    """Which learned model was used, and what it says of the sentence, or of the token `target`.

    Of a language model: `next` is what may follow the text, likeliest first, and `next_entropy` how
    open that is, in nats; `log_probabilities` has for each token the natural logarithm of its
    probability after those before it (None for the first, and for what was not predicted); `masks`
    is what may stand at each masked place; `completion` the text that the model itself wrote, and
    `written` the tokens that are of it, None where a decoder wrote all of its text.
    Matrices drawn at random, in which nothing was learned, are named so: "untrained, seed 0". Those
    that somebody wrote down are named one by one: "given W_q, W_v; W_k the identity".
    `quantization` names how a file stores the matrices of the attention that is shown, "Q4_1"; None
    where their numbers are floats.
    """

    name: str
    sha256: str | None = None
    label: str | None = None
    probabilities: Mapping[str, float] = {}
    target: int | None = None
    quantization: str | None = None
    next: tuple[Candidate, ...] | None = None
    next_entropy: float | None = None
    log_probabilities: tuple[float | None, ...] | None = None
    masks: tuple[MaskedPlace, ...] | None = None
    completion: str | None = None
    written: tuple[int, ...] | None = None

    @property
    def told(self) -> dict[str, Any]:
        """What a record says of it: how it is stored and what it predicts only where that is known."""
        named = plain_part(self).items()
        return {n: v for n, v in named if v is not None or n not in RARE_OF_MODELS}

    def silent(self) -> "ModelInfo":
        """The model without what it says of words."""
        nothing: dict[str, Any] = dict.fromkeys(PREDICTED)
        return self._replace(**nothing)

    @property
    def predicts(self) -> bool:
        """Whether it says what comes next, or what stands at a masked place."""
        return self.next is not None or self.masks is not None

    @classmethod
    def untrained(cls, seed: int) -> "ModelInfo":
        """Matrices drawn at random with this seed."""
        return cls(f"{_UNTRAINED}{seed}")

    @classmethod
    def given(cls, names: Sequence[str]) -> "ModelInfo":
        """Matrices that somebody wrote down; W_q, W_k and W_v that are not named are identities."""
        others = [name for name in ("W_q", "W_k", "W_v") if name not in names]
        rest = f"; {', '.join(others)} the identity" if others else ""
        return cls(f"{_GIVEN}{', '.join(names)}{rest}")

    @property
    def title(self) -> str:
        """The model in a heading: "model idioms", or "untrained, seed 0"."""
        return f"model {self.name}" if self.is_of_file else self.name

    @property
    def is_of_file(self) -> bool:
        """Whether there is a model, rather than matrices drawn at random or written down."""
        return not (self.is_untrained or self.is_given)

    @property
    def is_given(self) -> bool:
        """Whether somebody wrote the matrices down."""
        return self.sha256 is None and self.name.startswith(_GIVEN)

    @property
    def has_output(self) -> bool:
        """Whether the matrices written down hold W_o, which turns the heads side by side."""
        return self.is_given and "W_o" in self.name.partition(";")[0]

    @property
    def is_untrained(self) -> bool:
        """Whether nothing was learned."""
        return self.sha256 is None and self.name.startswith(_UNTRAINED)


class ResultWarning(NamedTuple):
    """Something a reader should know; `tokens` are positions in the token list."""

    code: str
    message: str
    tokens: tuple[int, ...] = ()


class EncoderStates(NamedTuple):
    """The last hidden states of an encoder, which each layer of its decoder reads by cross-attention.

    `n_tokens` counts them, None where nobody knows: tokens of the encoder were hidden or merged.
    `text` is the sentence that they are of.
    """

    n_tokens: int | None
    text: str | None = None


def plain_part(part: Any) -> dict[str, Any]:
    """A named tuple as an object of a record, the parts in it too."""
    return {name: nested_plain(value) for name, value in part._asdict().items()}


def nested_plain(value: Any) -> Any:
    """The value with lists for tuples, and objects for parts that have names."""
    if isinstance(value, tuple):
        return plain_part(value) if hasattr(value, "_asdict") else [nested_plain(v) for v in value]
    return dict(value) if isinstance(value, Mapping) else value
