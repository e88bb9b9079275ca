"""--speak, --top and --steps: nothing lost, nothing that cannot be recomputed."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from views.samples import result_of

from attncli.mechanisms.general import GeneralAnalyser, GeneralSettings
from attncli.results.fields import STAGE_FIELDS
from attncli.results.result import AttentionResult
from attncli.views.ink import Ink, width_of
from attncli.views.speak import spoken_text
from attncli.views.steps import Steps, step_lines
from attncli.views.strongest import strongest, strongest_lines

PLAIN = Ink()


@pytest.fixture(scope="module")
def staged() -> AttentionResult:
    """Three words over the built-in vectors with every stage."""
    from attncli.embeddings.named_stores import builtin_store

    settings = GeneralSettings(temperature=2.0)
    (result,) = GeneralAnalyser(
        builtin_store(), settings=settings, include=frozenset(STAGE_FIELDS)
    )(["money bank grows"])
    return result


def test_speech_is_as_agreed(golden: Callable[[str, str], None], staged: AttentionResult) -> None:
    """The sentences are those of tests/golden."""
    golden("speak.txt", spoken_text(staged, PLAIN))


def test_spoken_percentages_add_up() -> None:
    """What is said of a row adds up to 100 %, also when only the strongest are named."""
    result = result_of([f"w{i}" for i in range(30)])
    for top in (1, 3, 40):
        lines = spoken_text(result, PLAIN, top=top).splitlines()[2:]
        assert len(lines) == 30
        for line in lines:
            assert sum(int(percent) for percent in re.findall(r"(?<!under )(\d+) %", line)) == 100


def test_speech_tells_equal_words_apart() -> None:
    """A word that occurs twice is named with its place."""
    assert "the (word 3) attends" in spoken_text(result_of(["the", "cat", "the"]), PLAIN)


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_the_strongest_are_listed_within_the_width(width: int) -> None:
    """Each row shows its K largest weights and the sum of the others, at any width."""
    result = result_of([f"word{i}" for i in range(12)])
    weights = result.weights[0, 0]
    lines = strongest_lines(result.words, weights, PLAIN, range(12), top=3, width=width)
    texts = ["".join(part.text for part in line) for line in lines]
    assert all(width_of(text.rstrip()) <= max(width, 24) for text in texts)
    numbers = [float(text) for text in re.findall(r"\d\.\d{3}", " ".join(texts))]
    expected = []
    for row in weights:
        kept, rest = strongest(row, 3)
        expected += [*row[kept], row[rest].sum()]
    assert np.allclose(numbers, expected, atol=6e-4)


def test_steps_look_as_agreed(golden: Callable[[str, str], None], staged: AttentionResult) -> None:
    """All stages, and the stages of one word, are those of tests/golden."""
    golden("steps.txt", PLAIN.rendered(step_lines(staged, PLAIN, Steps())))
    golden("steps-bank.txt", PLAIN.rendered(step_lines(staged, PLAIN, Steps(rows=(1,)))))


def test_a_hand_can_follow_the_steps(staged: AttentionResult) -> None:
    """Each printed number follows from the numbers printed before it, to its last digit but one."""
    text = PLAIN.rendered(step_lines(staged, PLAIN, Steps(rows=(1,))))
    parts = re.split(r"^\d\. ", text, flags=re.MULTILINE)
    floats = re.compile(r"-?\d+\.\d+")
    vectors = np.array(floats.findall(parts[1]), dtype=float).reshape(3, 50)
    products = np.array(floats.findall(parts[3]), dtype=float)
    assert np.abs(vectors[1] @ vectors.T - products).max() < 2e-5
    heading, _, rows = parts[4].partition("\n")
    assert "÷ √50 ÷ temperature 2" in heading
    scaled = np.array(floats.findall(rows), dtype=float)
    assert np.abs(products / 50**0.5 / 2 - scaled).max() < 2e-5
    table = np.array(floats.findall(parts[5]), dtype=float)
    (scores, powers, weights), total = table[:9].reshape(3, 3).T, table[9]
    assert np.abs(np.exp(scores - scores.max()) - powers).max() < 2e-5
    assert abs(powers.sum() - total) < 2e-5
    assert np.abs(powers / total - weights).max() < 2e-5
    new = np.array(floats.findall(parts[6].partition("\n")[2].partition("=\n")[2]), dtype=float)
    assert np.abs(weights @ vectors - new).max() < 2e-3


def test_steps_of_a_mask_say_so() -> None:
    """A masked score is printed as −∞, and the stages still lead to the weights."""
    base = result_of(["a", "b", "c"], causal=True)
    from dataclasses import replace

    rows = base.embeddings[None, None]  # type: ignore[index]  # the sample holds them
    result = replace(base, query=rows, key=rows, value=rows)
    text = PLAIN.rendered(step_lines(result, PLAIN, Steps()))
    assert "masked ones −∞" in text
    assert text.count("−∞") == 4  # the heading and the three cells above the diagonal


@pytest.mark.parametrize("positions", ["none", "sinusoidal"])
def test_a_hand_can_follow_task_attention(command: Callable, positions: str) -> None:
    """From the printed X and W_q, W_k, W_v follow the printed q, k, v, scores, weights and sums."""
    text = command(
        "explain", "dogs chase cats", "--attention", "task", "--heads", "1", "--d-k", "3",
        "--d-v", "2", "--vectors", "random", "--dim", "4", "--seed", "3", "--steps",
        "--positions", positions,
    ).text  # fmt: skip

    def vectors(letter: str, part: str) -> np.ndarray:
        rows = re.findall(rf"^  {letter}\(.*?\) =\n((?:   .*\n)+)", part, re.MULTILINE)
        return np.array([re.findall(r"-?\d+\.\d+", row) for row in rows], dtype=float)

    def table(title: str) -> np.ndarray:
        part = text.partition(title)[2].partition("\n\n")[0].splitlines()[2:]
        return np.array([re.findall(r"-?\d+\.\d+", row) for row in part], dtype=float)

    x = vectors("x", text.partition("1b.")[2] or text.partition("W_q, ")[0])
    assert x.shape == (3, 4)
    for letter in "qkv":
        matrix = table(f"W_{letter}, ")
        assert np.abs(x @ matrix - vectors(letter, text)).max() < 1e-5
    products = table("3. scores")
    assert np.abs(vectors("q", text) @ vectors("k", text).T - products).max() < 2e-5
    scaled = table("4. scaled")
    assert np.abs(products / 3**0.5 - scaled).max() < 2e-5
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    weights = np.array(
        re.findall(r"\d\.\d{4,5}(?=·v)", text.partition("6. new")[2]), dtype=float
    ).reshape(3, 3)
    assert np.abs(powers / powers.sum(axis=1, keepdims=True) - weights).max() < 1.1e-4
    rows = re.findall(r"\(new\) =\n((?:    .*\n)+)", text)
    new = np.array([re.findall(r"-?\d+\.\d+", row) for row in rows], dtype=float)
    assert np.abs(weights @ vectors("v", text) - new).max() < 2e-3


@pytest.mark.parametrize(
    ("limits", "said", "named"),
    [
        ({}, "", [4, 4, 4, 4]),
        ({"causal": True}, ", a word sees itself and earlier ones", [1, 2, 3, 4]),
        ({"causal": True, "see_self": False}, ", a word sees earlier ones", [0, 1, 2, 3]),
        ({"see_self": False}, ", no word sees itself", [3, 3, 3, 3]),
        ({"window": 1}, ", none sees further than 1 word", [2, 3, 3, 2]),
        (
            {"causal": True, "window": 1},
            ", a word sees itself and earlier ones, none sees further than 1 word",
            [1, 2, 2, 2],
        ),
    ],
)
def test_speech_names_what_a_word_may_see(
    limits: dict[str, Any], said: str, named: list[int]
) -> None:
    """What it may not see is said once, and has no share of 0 % in any row."""
    from attncli.embeddings.named_stores import builtin_store

    settings = GeneralSettings(**limits)
    (result,) = GeneralAnalyser(builtin_store(), settings=settings)(["the money bank grows"])
    _, kind, *rows = spoken_text(result, PLAIN, precision=9).splitlines()
    assert kind == f"4 words, general attention{said}."
    rows = [row for row in rows if " attends " in row]
    assert [len(re.findall(r"\d %", row)) for row in rows] == named
