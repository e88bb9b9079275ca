"""Laws of the stages and the drawing of a decoder and of cross-attention, against transformers."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.word_translators import KINDS, attentions_of, write_translator

for library in ("torch", "transformers", "tokenizers"):
    pytest.importorskip(library)

SOURCE, TARGET = "Das Haus ist klein", "The house is small ."
NUMBER = re.compile(r"-?\d+\.\d+|−∞")


@pytest.fixture(scope="module", params=KINDS)
def translator(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, Path]:
    """A model of transformers and its folder, of each kind."""
    folder = tmp_path_factory.mktemp("across") / request.param
    return write_translator(folder, request.param), folder


def _explained(folder: Path) -> list[str]:
    return ["explain", SOURCE, "--pair", TARGET, "--model", str(folder)]


def _tables(text: str, stage: int) -> list[list[float]]:
    """The numbers of each row of the tables of a stage."""
    block = text.partition(f"\n{stage}. ")[2].partition(f"\n{stage + 1}. ")[0]
    rows = [
        [float(n.replace("−∞", "-inf")) for n in NUMBER.findall(line)]
        for line in block.splitlines()[1:]
        if "Σ e" not in line
    ]
    return [row for row in rows if row]


@pytest.mark.parametrize("part", ["decoder", "cross"])
def test_every_stage_leads_to_the_weights_of_transformers(
    command: Callable[..., Any], translator: tuple[Any, Path], part: str
) -> None:
    """q·k as printed is the product, its softmax the weight, and that is the weight of transformers.

    Of each word of the columns, those of the source in cross-attention; a distance has its bias.
    """
    model, folder = translator
    theirs = attentions_of(model, folder, SOURCE, TARGET)[part]
    for layer, head in ((0, 0), (theirs.shape[0] - 1, theirs.shape[1] - 1)):
        chosen = ["--layer", str(layer), "--head", str(head), "--precision", "6", "--width", "300"]
        more = [*chosen, "--part", part, "--steps", "--row", "house"]
        text = command(*_explained(folder), *more).text
        (row,) = theirs[layer, head][[3 if folder.name == "bart" else 2]]
        vectors = {
            name: np.array(list(map(float, NUMBER.findall(numbers))))
            for name, numbers in re.findall(r"\n  ([qk]\(.*?\)) =\n(.*)", text)
        }
        products = [vectors["q(house)"] @ v for name, v in vectors.items() if name[0] == "k"]
        if len(vectors) == len(row) + 1:  # no word of the columns occurs twice
            assert np.allclose(products, _tables(text, 3)[-1], atol=1e-4)
        scores, powers, weights = np.array(_tables(text, 5)).T
        assert np.allclose(_tables(text, 4)[-1], scores, atol=1e-5)
        assert np.allclose(np.exp(scores - scores.max()), powers, atol=1e-5)
        assert np.allclose(powers / powers.sum(), weights, atol=1e-5)
        assert np.abs(weights - row).max() < 2e-5


def test_words_of_the_columns_are_those_of_the_source(
    command: Callable[..., Any], translator: tuple[Any, Path]
) -> None:
    """Without a choice of the part --steps follows cross-attention, and no line is wider than 80."""
    more = ["--steps", "--layer", "0", "--head", "0", "--width", "80"]
    for row in ([], ["--row", "small"], ["--notation", "lecture"]):
        text = command(*_explained(translator[1]), *more, *row).text
        assert max(map(len, text.splitlines())) <= 80
        for word in SOURCE.split():
            assert re.search(rf"\n  v(\({word}\)|_{word[0]}) =", text), word
        assert not re.search(r"\n  [kv][(_]small", text)


@pytest.mark.parametrize("part", ["decoder", "cross"])
def test_a_record_with_stages_is_followed_as_it_was_explained(
    command: Callable[..., Any], translator: tuple[Any, Path], part: str, tmp_path: Path
) -> None:
    """`--include query,key,value,scores --json` has what `attn view --steps` and --diagram need."""
    path, base = tmp_path / "r.json", _explained(translator[1])
    path.write_bytes(command(*base, "--include", "query,key,value,scores", "--json").out)
    chosen = ["--part", part, "--layer", "1", "--head", "2", "--row", "small"]
    for view, start in (("--steps", "\n2. "), ("--diagram", "\nquery q")):
        stored = command("view", str(path), view, *chosen).text
        drawn = command(*base, view, *chosen).text
        assert start in stored
        assert stored.partition(start)[2] == drawn.partition(start)[2]


def test_reasons_are_those_of_words(
    command: Callable[..., Any], translator: tuple[Any, Path]
) -> None:
    """--why explains general attention; of a transformer it says so, whatever part is shown."""
    for part in ("encoder", "decoder", "cross"):
        ended = command(*_explained(translator[1]), "--why", "--part", part)
        assert ended.code == 2
        assert "--why: found a transformer, expected general or task-specific" in ended.said
