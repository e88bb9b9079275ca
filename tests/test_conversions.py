"""Laws of floats that become integers: none whose range was not looked at."""

import ast
from pathlib import Path

import numpy as np
import pytest

import attncli
from attncli.arrays import nearest_whole

PACKAGE = Path(attncli.__file__).parent
# Files whose conversions were read: of integers and booleans, of bytes, or after a look at the range.
LOOKED_AT = {
    "views/training_page.py": "steps of a palette, which are integers of one byte",
    "checks/arguments.py": "rows that were checked to be whole numbers",
    "arrays/__init__.py": "nearest_whole itself",
    "results/columns/tokens.py": "places in a text, which are integers",
    "results/columns/records.py": "numbers of stacks, which are integers",
    "batches/writers/digits.py": "_in_range comes first",
    "batches/writers/npz.py": "places of keys, which are integers",
    "embeddings/cache/building.py": "rows of n-grams, which are integers",
    "embeddings/readers/ngrams.py": "hashes and counts, which are integers",
    "embeddings/readers/text/numbers.py": "bits of integers",
    "embeddings/readers/static_model.py": "a mapping that was checked",
    "embeddings/readers/text/scan.py": "bits of integers",
    "files/tensors.py": "halves of bfloat16, which are integers",
    "models/relative.py": "logarithms of distances, which are finite and below the number of buckets",
    "models/gguf/unpacking.py": "bits of integers",
    "insight/squares.py": "edges between 0 and the number of tokens",
    "matrices/top.py": "keys whose kind and range were checked",
    "results/top.py": "bits of integers",
    "views/figures/drawing.py": "edges between 0 and the number of tokens",
    "views/page/thumbnails.py": "edges between 0 and the number of tokens, and steps of a palette",
}


def conversions():
    """The files of the package that call astype with a type of integers."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            if is_call and node.func.attr == "astype" and node.args:
                kind = ast.unparse(node.args[0])
                if "int" in kind or kind.strip("'\"<>").startswith(("i", "u")):
                    found.add(path.relative_to(PACKAGE).as_posix())
    return found


def test_every_file_that_converts_to_integers_was_looked_at():
    """A new one calls nearest_whole, or is read and added with its reason."""
    assert conversions() <= set(LOOKED_AT)


EDGES = [
    edge * sign
    for power in (31, 32, 53, 63, 64)
    for edge in (2.0**power - 1, 2.0**power, np.nextafter(2.0**power, np.inf))
    for sign in (1, -1)
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_value_beyond_the_range_is_the_nearest_in_it(dtype):
    """At the edges of 32, 53 and 64 bits, for infinities, and the lowest for NaN."""
    values = np.array([*EDGES, np.inf, -np.inf, np.nan, 0.5, 1.5, 254.6], dtype=dtype)
    expected = [
        255 if v > 255 else 0 if v < 0 or np.isnan(v) else round(v) for v in values.tolist()
    ]
    for at in range(len(values)):  # the last of an array are converted by other instructions
        turned = np.roll(values, at)
        assert nearest_whole(turned, 0, 255).tolist() == np.roll(expected, at).tolist()
