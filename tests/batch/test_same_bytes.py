"""The bytes of a batch in every mode: the same however it is run, and what `explain` says."""

import hashlib
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import attncli
from tests.batch.conftest import corpus
from tests.batch.runs import records

_ARRAYS = ("weights", "contextual")
_LABELED = b"""He kicked the bucket and spilled the beans
an ice cold fence of water
the tip of the iceberg
ice
break the ice with cold feet before the horse of another table sees the light
"""

# name → model, choices: general attention, matrices drawn at random, trained models.
MODES: dict[str, tuple[str | None, dict[str, Any]]] = {
    "everything": (None, {}),
    "strongest": (None, {"top": 3, "exclude": ("contextual", "tokens")}),
    "new embeddings alone": (None, {"exclude": ("weights", "tokens", "warnings")}),
    "weights alone": (None, {"exclude": ("contextual", "tokens", "warnings")}),
    "tokens and warnings": (None, {"exclude": _ARRAYS}),
    "tokens alone": (
        None,
        {"exclude": (*_ARRAYS, "attention", "vectors", "model", "warnings")},
    ),
    "causal": (None, {"causal": True, "exclude": ("contextual",)}),
    "causal tokens": (None, {"causal": True, "exclude": _ARRAYS}),
    "without itself": (None, {"see_self": False, "window": 2}),
    "skipped words": (None, {"oov": "skip", "exclude": _ARRAYS}),
    "required words": (None, {"oov": "error", "top": 1}),
    "every line": (None, {"every_line": True, "exclude": ("contextual",)}),
    "float64": (None, {"score": "dot", "temperature": 0.2, "exclude": ("contextual",)}),
    "float64 tokens": (None, {"score": "dot", "temperature": 0.2, "exclude": _ARRAYS}),
    "one self-weight": (None, {"target_self": 0.6, "exclude": _ARRAYS}),
    "optional fields": (
        None,
        {"include": ("embeddings", "query", "scores", "measures"), "exclude": ("weights",)},
    ),
    "optional fields alone": (None, {"include": ("key", "value", "scores"), "exclude": _ARRAYS}),
    "random matrices": (None, {"attention": "task", "heads": 24}),
    "random matrices, waves": (
        None,
        {"attention": "task", "heads": 2, "positions": "sinusoidal", "causal": True},
    ),
    "random matrices, turned": (None, {"attention": "task", "heads": 5, "positions": "rope"}),
    "random matrices, distances": (
        None,
        {"attention": "task", "heads": 4, "positions": "relative", "exclude": ("weights",)},
    ),
    "random matrices, tokens": (None, {"attention": "task", "heads": 4, "exclude": _ARRAYS}),
    "random matrices, optional": (
        None,
        {"attention": "task", "heads": 4, "include": ("value", "query"), "exclude": _ARRAYS},
    ),
    "labels": ("idioms", {"exclude": (*_ARRAYS, "tokens")}),
    "labels and weights": ("idioms", {"top": 2, "exclude": ("contextual",)}),
    "labels of a place": ("idioms", {"target": "0", "exclude": _ARRAYS}),
    "model without its label": ("idioms", {"exclude": (*_ARRAYS, "model")}),
    "labels of sentences": ("lecture", {"exclude": _ARRAYS}),
}
_FORMATS = ("jsonl", "csv", "parquet", "arrow", "npz")


def _lines() -> bytes:
    return corpus(50, seed=5) + _LABELED + corpus(20, seed=6)


def _written(folder: Path, mode: str, suffix: str = "jsonl", **choices: Any) -> bytes:
    """The bytes of a run of `s.txt`."""
    model, chosen = MODES[mode]
    target = folder / f"out.{suffix}"
    attncli.batch(
        folder / "s.txt", target, model, force=True, **{"workers": 1, **chosen, **choices}
    )
    return target.read_bytes()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("mode", MODES)
def test_chunks_and_workers_change_no_byte_of_lines(folder: Path, mode: str) -> None:
    """JSON lines of any mode are the same from one chunk, many, and several processes."""
    (folder / "s.txt").write_bytes(_lines())
    whole = _digest(_written(folder, mode))
    assert _digest(_written(folder, mode, chunk=7)) == whole
    assert _digest(_written(folder, mode, chunk=5, workers=2)) == whole


@pytest.mark.parametrize("suffix", _FORMATS[1:])
@pytest.mark.parametrize(
    "mode",
    ["everything", "strongest", "tokens alone", "optional fields", "random matrices", "labels"],
)
def test_chunks_and_workers_change_no_byte_of_files(folder: Path, mode: str, suffix: str) -> None:
    """So are the files of other formats, which have chunks of their own."""
    if suffix in ("parquet", "arrow"):
        pytest.importorskip("pyarrow")
    (folder / "s.txt").write_bytes(_lines())
    whole = _digest(_written(folder, mode, suffix))
    assert _digest(_written(folder, mode, suffix, chunk=7)) == whole
    assert _digest(_written(folder, mode, suffix, chunk=5, workers=2)) == whole


def _by_text(data: bytes) -> dict[str, dict[str, Any]]:
    """The results by their texts, without their places."""
    found: dict[str, dict[str, Any]] = {}
    for record in records(data):
        kept = {name: value for name, value in record.items() if name not in ("index", "line")}
        if record["type"] == "result":
            found[str(record["text"])] = kept
    return found


@pytest.mark.parametrize("mode", MODES)
def test_a_record_does_not_depend_on_its_company(folder: Path, mode: str) -> None:
    """Alone, in another order and beside other sentences a record has the same digits."""
    lines = _lines().splitlines()
    (folder / "s.txt").write_bytes(b"\n".join(lines))
    together = _by_text(_written(folder, mode))
    random.Random(1).shuffle(lines)
    (folder / "s.txt").write_bytes(b"\n".join(lines))
    assert _by_text(_written(folder, mode, chunk=9)) == together
    (folder / "s.txt").write_bytes(_LABELED.splitlines()[0])
    for text, record in _by_text(_written(folder, mode)).items():
        assert record == together[text]


@pytest.mark.parametrize("mode", MODES)
def test_leaving_out_changes_nothing_else(folder: Path, mode: str) -> None:
    """A record with few fields has what the record with all of them has in these fields.

    Labels may differ where float32 ends: without weights they are read from single rows in float64.
    """
    (folder / "s.txt").write_bytes(_lines())
    fewer = records(_written(folder, mode))
    whole = records(_written(folder, mode, exclude=()))
    assert len(fewer) == len(whole)
    for few, all_of_it in zip(fewer, whole, strict=True):
        assert set(few) <= set(all_of_it)
        for name, value in few.items():
            if name == "model" and value is not None:
                _expect_same_label(value, all_of_it[name])
            else:
                assert value == all_of_it[name], name


def _expect_same_label(one: Any, other: Any) -> None:
    others = {name: value for name, value in other.items() if name != "probabilities"}
    assert {name: value for name, value in one.items() if name != "probabilities"} == others
    assert one["probabilities"] == pytest.approx(other["probabilities"], abs=3e-6)


@pytest.mark.parametrize("mode", MODES)
def test_records_say_what_explain_says(folder: Path, mode: str) -> None:
    """The same fields in the same order with the same values, numbers to the last digit but one."""
    (folder / "s.txt").write_bytes(_lines())
    model, chosen = MODES[mode]
    choices = {name: value for name, value in chosen.items() if name not in _OF_FILES}
    include, excluded = chosen.get("include", ()), set(chosen.get("exclude", ()))
    for record in records(_written(folder, mode, precision=6))[::3]:
        if record["type"] != "result" or "text" not in record:
            continue
        (result,) = attncli.explain([str(record["text"])], model, include=include, **choices)
        expected = result.to_dict()
        names = [name for name in expected if name in record]
        assert names == [name for name in record if name in expected]
        assert set(record) - set(expected) <= {"top"}
        assert not excluded & set(record)
        for name in names:
            if name not in ("index", "line"):
                _expect_alike(record[name], expected[name], name)


def test_labels_alone_have_the_digits_of_explain(folder: Path) -> None:
    """Where no attention is written, labels are computed in float64, as for one sentence."""
    (folder / "s.txt").write_bytes(_LABELED)
    for record in records(_written(folder, "labels")):
        model: Any = record["model"]
        alone = attncli.explain(str(record["text"]), "idioms").model
        assert alone is not None
        assert model["label"] == alone.label
        assert model["probabilities"] == pytest.approx(alone.probabilities, abs=1e-7)


_OF_FILES = ("exclude", "include", "top", "every_line")


def _expect_alike(found: Any, expected: Any, name: str) -> None:
    if name in (*_ARRAYS, "embeddings", "query", "key", "value", "scores"):
        np.testing.assert_allclose(np.array(found), np.array(expected), atol=3e-6, rtol=3e-6)
    elif name == "measures":
        assert set(found) == set(expected)
    elif name == "model" and found is not None:
        _expect_same_label(found, expected)
    elif name == "warnings":
        assert [w["code"] for w in found] == [w["code"] for w in expected]
    else:
        assert found == expected, name
