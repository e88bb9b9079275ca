"""100,000 sentences of about 18 words from the Lee corpus that ships with gensim, the same each time."""

import random
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
