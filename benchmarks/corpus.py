"""100,000 sentences of about 18 words from the Lee corpus that ships with gensim, the same each time."""

import random
from collections import Counter
from pathlib import Path

MEAN_LOG, SPREAD, LONGEST = 2.708, 0.6, 120


def lee_words() -> list[str]:
    """The running text, as words."""
    import gensim

    path = Path(gensim.__file__).parent / "test" / "test_data" / "lee_background.cor"
    return path.read_text().split()


def sentences(count: int, seed: int = 0) -> list[str]:
    """Cuts of the running text: lengths are lognormal with median 15, mean 18."""
    words, rng = lee_words(), random.Random(seed)
    found = []
    for _ in range(count):
        length = min(LONGEST, max(1, round(rng.lognormvariate(MEAN_LOG, SPREAD))))
        start = rng.randrange(len(words) - LONGEST)
        found.append(" ".join(words[start : start + length]))
    return found


def sentences_of_rare_words(count: int, seed: int = 0) -> list[str]:
    """18 words each of 300,000 by Zipf's law: the corpus's own, most frequent first, then random letters.

    Two words of five are in few other sentences, as in very large files.
    """
    import numpy as np

    types = [word for word, _ in Counter(lee_words()).most_common()]
    rng = np.random.default_rng(seed)
    letters = rng.integers(ord("a"), ord("z") + 1, (300_000 - len(types), 8), dtype=np.uint8)
    joined = letters.tobytes().decode()
    types += [joined[i : i + 8] for i in range(0, len(joined), 8)]
    likely = 1 / (np.arange(len(types)) + 2.7)
    chosen = rng.choice(len(types), (count, 18), p=likely / likely.sum())
    return [" ".join(types[word] for word in row) for row in chosen.tolist()]
