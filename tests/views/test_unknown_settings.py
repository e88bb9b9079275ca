"""Settings that a file does not hold are not shown, in no view, and not written as found."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

INVENTED = ("scale", "temperature", "causal", "window", "see_self", "positions")


@pytest.fixture(params=["npy", "npz", "json", "csv", "batch.csv", "explain.csv"])
def saved(request: pytest.FixtureRequest, command: Callable, tmp_path: Path) -> Path:
    """Weights of three words, of another tool or of a format that holds no settings."""
    path = tmp_path / f"w.{request.param}"
    weights = np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.25, 0.25, 0.5]])
    if request.param == "npy":
        np.save(path, weights)
    elif request.param == "npz":
        np.savez(path, attention=weights)
    elif request.param == "json":
        path.write_text(json.dumps({"weights": weights.tolist(), "tokens": list("abc")}))
    elif request.param == "csv":
        np.savetxt(path, weights, delimiter=",")
    elif request.param == "explain.csv":
        assert command("explain", "money bank grows", "-o", str(path)).code == 0
    else:
        (tmp_path / "in.txt").write_text("money bank grows\n")
        assert command("batch", str(tmp_path / "in.txt"), "-o", str(path)).code == 0
    return path


@pytest.mark.parametrize("part", [(), ("--hide", "bank"), ("--agg", "mean")])
def test_no_view_invents_settings(
    command: Callable, saved: Path, tmp_path: Path, part: tuple
) -> None:
    """Neither the terminal nor a file says scale, temperature or sums of what is not there."""
    texts = [command("view", str(saved), *part, *way).text for way in ((), ("--speak",))]
    for suffix in ("html", "svg", "md", "tex"):
        path = tmp_path / f"out.{suffix}"
        assert command("view", str(saved), *part, "-o", str(path)).code == 0
        texts.append(path.read_text(encoding="utf-8").partition("<script")[0])
    for text in texts:
        for name in (
            "scaled scores",
            "scores ÷",
            "scale 1",
            "temperature 1",
            "not given",
            "(new) =",
        ):
            assert name not in text
        assert "weighted sum" not in text


def test_the_record_holds_no_invented_settings(command: Callable, saved: Path) -> None:
    """`view --json` says which fields are not known, and gives no numbers for the settings."""
    record = json.loads(command("view", str(saved), "--json").out)
    assert "attention" in record["unknown"]
    assert record["attention"]["kind"] == "matrix"
    assert record["attention"]["score"] == "given"
    assert not set(INVENTED) & set(record["attention"])


def test_such_a_record_is_read_back_as_it_was(
    command: Callable, saved: Path, tmp_path: Path
) -> None:
    """Once more through `view`, nothing has been found out."""
    once = command("view", str(saved), "--json").out
    (tmp_path / "again.json").write_bytes(once)
    assert command("view", str(tmp_path / "again.json"), "--json").out == once
