"""Matrices in which nothing was learned are called so wherever they are shown or kept."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

SAID = "untrained, seed 3"
TASK = ("--attention", "task", "--heads", "2", "--seed", "3")
TEXT = "money bank grows"


@pytest.mark.parametrize("manner", [(), ("--speak",), ("--steps", "--row", "bank"), ("--json",)])
@pytest.mark.parametrize("part", [(), ("--head", "0"), ("--agg", "mean"), ("--hide", "bank")])
def test_every_way_of_showing_says_it(command: Callable, manner: tuple, part: tuple) -> None:
    """The terminal, sentences, stages and the record."""
    manner = tuple("money" if name == "bank" else name for name in manner)
    ended = command("explain", TEXT, *TASK, *part, *manner)
    if "--steps" in manner and "--agg" in part:
        assert ended.code == 2  # the two exclude each other
        return
    assert ended.code == 0
    assert SAID in ended.out.decode()


@pytest.mark.parametrize("suffix", ["html", "svg", "md", "tex", "json", "npz"])
def test_every_file_that_can_says_it(command: Callable, tmp_path: Path, suffix: str) -> None:
    """Also what is viewed again."""
    path = tmp_path / f"out.{suffix}"
    assert command("explain", TEXT, *TASK, "-o", str(path)).code == 0
    if suffix in ("json", "npz"):
        assert SAID in command("view", str(path)).out.decode()
    else:
        assert SAID in path.read_text(encoding="utf-8").replace("\\", "")


def test_records_name_it(command: Callable, tmp_path: Path) -> None:
    """The model of a result, of a batch and of the weights of a comparison."""
    explained = json.loads(command("explain", TEXT, *TASK, "--json").out)
    assert explained["model"]["name"] == SAID
    (tmp_path / "in.txt").write_text(f"{TEXT}\n", encoding="utf-8")
    batched = json.loads(command("batch", str(tmp_path / "in.txt"), *TASK).out)
    assert batched["model"] == explained["model"]
    compared = command("compare", TEXT, "river bank flows", *TASK, "--json")
    assert SAID in json.loads(compared.out)["weights_of"]
    beside = json.loads(command("explain", TEXT, *TASK, "--against", "general", "--json").out)
    assert beside["task"]["model"]["name"] == SAID
    assert beside["general"]["model"] is None


@pytest.mark.parametrize("suffix", ["md", "html", "svg", "json"])
def test_a_comparison_in_a_file_says_it(command: Callable, tmp_path: Path, suffix: str) -> None:
    """Beside the weights that it tells."""
    path = tmp_path / f"out.{suffix}"
    assert command("compare", TEXT, "river bank flows", *TASK, "-o", str(path)).code == 0
    assert SAID in path.read_text(encoding="utf-8")


def test_what_was_learned_is_called_by_its_name(command: Callable) -> None:
    """A trained model is not untrained, and general attention has no model."""
    assert "untrained" not in command("explain", TEXT).out.decode()
    assert "untrained" not in command("explain", TEXT, "--model", "idioms").out.decode()


@pytest.mark.parametrize("part", [(), ("--hide", "bank"), ("--head", "0"), ("--agg", "mean")])
@pytest.mark.parametrize("manner", [(), ("--json",)])
def test_two_mechanisms_are_shown_of_the_same_words(
    command: Callable, part: tuple, manner: tuple
) -> None:
    """What is hidden is hidden of both, and the title says which heads are shown."""
    ended = command("explain", TEXT, *TASK, "--against", "general", *part, *manner)
    assert ended.code == 0
    if manner:
        record = json.loads(ended.out)
        shapes = {len(record[name]["weights"][0][0]) for name in ("general", "task")}
        assert shapes == {2 if "--hide" in part else 3}
        return
    text = ended.out.decode()
    titles = {"--head": f"{SAID}, head 0", "--agg": f"{SAID}, mean of heads 0, 1"}
    assert titles.get(part[0] if part else "", f"{SAID}, mean of 2 heads") in text
    assert ("general, hidden: bank" in text) == ("--hide" in part)


def test_a_difference_is_that_of_the_printed_numbers(command: Callable) -> None:
    """What one line prints is worked out by a reader of the line."""
    text = command("explain", TEXT, "river bank flows", *TASK, "--against", "general").out.decode()
    rows = [line.split()[-3:] for line in text.splitlines() if " → " in line]
    assert len(rows) == 16
    for one, two, apart in rows:
        assert round(float(two) - float(one), 2) == float(apart)
