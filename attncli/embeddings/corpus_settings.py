"""How vectors are learned from a corpus: every choice, with its default and its bounds.

Only the command that learns vectors loads this, so that no other command waits for it.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from attncli.errors import UsageError, field_name
from attncli.settings import TokenizerName

LearningMethod: TypeAlias = Literal["word2vec", "fasttext"]

MAX_DIM, MAX_SEED = 4096, 2**32 - 1  # gensim's generator takes no longer seed


@dataclass(frozen=True)
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

    def __post_init__(self) -> None:
        from attncli.checks.arguments import choice_of, count_of, flag_of  # help needs no numpy
        from attncli.text.words import TOKENIZERS

        choice_of(self.method, field_name("method"), get_args(LearningMethod))
        choice_of(self.tokenizer, field_name("tokenizer"), TOKENIZERS)
        bounds = {"dim": MAX_DIM, "window": 1000, "epochs": 100_000, "min_count": 10**9}
        for name, most in {**bounds, "buckets": 10**8, "workers": 256}.items():
            count_of(getattr(self, name), field_name(name), 1, most)
        count_of(self.seed, field_name("seed"), 0, MAX_SEED)
        for name in ("skip_gram", "phrases", "keep_case"):
            flag_of(getattr(self, name), field_name(name))
        if self.phrases and self.tokenizer != "words":
            raise UsageError(
                f"found {self.tokenizer}, expected words: only words are joined to phrases",
                place=field_name("tokenizer"),
            )
