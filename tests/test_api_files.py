"""`attncli.save`, `read` and `from_attentions`: the same from Python."""

from pathlib import Path

import numpy as np
import pytest

import attncli
from attncli.errors import DataError, UsageError


@pytest.mark.parametrize("suffix", ["json", "jsonl", "npz"])
def test_what_is_saved_is_read_again(tmp_path: Path, suffix: str) -> None:
    """Every field comes back, one result or several."""
    one = attncli.explain("money bank grows", include=("embeddings", "scores", "query"))
    other = attncli.explain("river bank flows")
    path = tmp_path / f"saved.{suffix}"
    attncli.save(one, path)
    assert attncli.read(path) == [one]
    attncli.save([one, other], path)
    assert attncli.read(path) == [one, other]


def test_weights_of_elsewhere_show_themselves() -> None:
    """An array becomes a result with a notebook view; what is no weights is refused."""
    result = attncli.from_attentions(np.eye(2), ["</script>", "b"])
    assert "</script>" not in result._repr_html_().split("<h2", 1)[1].split("</h2>")[0]
    with pytest.raises(DataError):
        attncli.from_attentions(np.eye(2), ["a"])


def test_an_unknown_suffix_is_refused(tmp_path: Path) -> None:
    """And nothing is written."""
    with pytest.raises(UsageError):
        attncli.save(attncli.from_attentions(np.eye(2)), tmp_path / "x.doc")
    assert list(tmp_path.iterdir()) == []
