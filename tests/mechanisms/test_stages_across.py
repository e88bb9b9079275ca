"""Laws of the stages and the drawing of a decoder and of cross-attention, against transformers."""

import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.word_translators import KINDS, attentions_of, ids_of, write_translator

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


def _flat(text: str) -> str:
    """A text without the places where lines were folded."""
    return " ".join(text.split())


def _cross_stage(n_tokens: int) -> str:
    """What is said of the stage that follows self-attention in a decoder's layer."""
    return (
        f"cross-attention: the layer reads the encoder's last hidden states, {n_tokens} tokens; "
        "--part cross shows its weights"
    )


@pytest.mark.parametrize("view", [["--steps"], ["--diagram"], ["--diagram", "--width", "300"]])
def test_a_decoders_layer_reads_the_encoder_after_its_own_tokens(
    command: Callable[..., Any], translator: tuple[Any, Path], view: list[str]
) -> None:
    """In each layer, once, with as many tokens as the encoder read; then its hidden states follow."""
    model, folder = translator
    name = "decoder_layers" if folder.name in ("bart", "marian") else "num_decoder_layers"
    n_layers = getattr(model.config, name)
    for source in (SOURCE, "Milch am Abend und Milch"):
        stage = _cross_stage(len(ids_of(folder, source)))
        for layer in (0, n_layers - 1):
            chosen = ["--layer", str(layer), "--head", "0", "--row", "small", "--part", "decoder"]
            base = ["explain", source, "--pair", TARGET, "--model", str(folder)]
            ended = command(*base, *chosen, *view)
            text = _flat(ended.text)
            assert "decoder self-attention, causal" in text
            assert text.count(stage) == 1, text
            before, _, after = text.partition(stage)
            assert "v(small)" in before if "--steps" in view else "the sum: what" in before
            words = _flat(re.sub(r"[-+]?\d\S*", "", after))  # numbers stand between the lines
            listed = "W_o, residual, layer norm, cross-attention, feed-forward net"
            assert (listed in words) == (layer == n_layers - 1)


@pytest.mark.parametrize("view", ["--steps", "--diagram"])
def test_files_say_what_a_decoders_layer_reads(
    command: Callable[..., Any], translator: tuple[Any, Path], view: str, tmp_path: Path
) -> None:
    """The picture and its description, the page and Markdown, of this run and of a record of it."""
    folder, record = translator[1], tmp_path / "r.json"
    stage = _cross_stage(len(ids_of(folder, SOURCE)))
    base, stages = _explained(folder), ["--include", "query,key,value,scores"]
    assert command(*base, *stages, "-o", str(record)).code == 0
    chosen = ["--part", "decoder", "--layer", "-1", "--head", "1", view]
    for suffix in ("html", "md", *(["svg"] if view == "--diagram" else [])):
        for start in (base, ["view", str(record)]):
            path = tmp_path / f"x.{suffix}"
            assert command(*start, *chosen, "-o", str(path)).code == 0
            text = html.unescape(re.sub(r"<[^>]+>", " ", path.read_text(encoding="utf-8")))
            assert stage in _flat(text), (suffix, start)


def test_tokens_that_are_not_shown_are_counted_where_they_were_read(
    command: Callable[..., Any], translator: tuple[Any, Path], tmp_path: Path
) -> None:
    """A decoder reads what is hidden of the encoder too; of a record that lost it no number is said."""
    folder, record = translator[1], tmp_path / "r.json"
    base, chosen = _explained(folder), ["--part", "decoder", "--steps", "--layer", "0"]
    hidden = ["--hide", "special"]
    stage = _cross_stage(len(ids_of(folder, SOURCE)))
    assert stage in _flat(command(*base, *chosen, *hidden).text)
    stages = ["--include", "query,key,value,scores"]
    assert command(*base, *hidden, *stages, "-o", str(record)).code == 0
    text = _flat(command("view", str(record), *chosen).text)
    assert "the layer reads the encoder's last hidden states; --part cross shows" in text
    across = command("view", str(record), "--part", "cross", "--steps", "--layer", "0").text
    sides = "the decoder's tokens, after the layer's self-attention; H: the encoder's last hidden states"
    assert f"1. X: {sides} head 0 " in _flat(across)


def test_each_side_of_cross_attention_is_named(
    command: Callable[..., Any], translator: tuple[Any, Path], tmp_path: Path
) -> None:
    """Queries are of the decoder's tokens, keys and values of the encoder's, as many as it read."""
    folder = translator[1]
    n_keys, n_rows = len(ids_of(folder, SOURCE)), len(ids_of(folder, TARGET))
    chosen = ["--layer", "1", "--head", "0", "--row", "small"]
    text = _flat(command(*_explained(folder), *chosen, "--steps").text)
    said = f"X: the decoder's {n_rows} tokens, after the layer's self-attention"
    assert f"1. {said}; H: the encoder's last hidden states, {n_keys} tokens 2." in text
    assert "Q = X·W_q of the decoder, keys K = H·W_k and values V = H·W_v of the encoder" in text
    assert "what a head takes of the encoder's values" in text
    path = tmp_path / "x.svg"
    assert command(*_explained(folder), *chosen, "--diagram", "-o", str(path)).code == 0
    drawn = html.unescape(re.sub(r"<[^>]+>", " ", path.read_text(encoding="utf-8")))
    for shown in (command(*_explained(folder), *chosen, "--diagram").text, drawn):
        text = _flat(shown)
        states = f"k and v of the encoder's last hidden states, {n_keys} tokens"
        assert f"q of the decoder's token, after self-attention; {states}" in text
        for name in ("query q, the decoder's", "key k, the encoder's", "value v, the encoder's"):
            assert name in text, name


def test_no_other_attention_reads_an_encoder(
    command: Callable[..., Any], translator: tuple[Any, Path], tmp_path: Path
) -> None:
    """The encoder's own attention and cross-attention have no such stage, and no record says it."""
    base, record = _explained(translator[1]), tmp_path / "r.json"
    for part in ("encoder", "cross"):
        for view in ("--steps", "--diagram"):
            text = command(*base, "--part", part, "--layer", "-1", "--head", "0", view).text
            assert "cross-attention: the layer" not in text
            assert "cross-attention, feed" not in _flat(text)
    assert "reads" not in json.loads(command(*base, "--json").text)["decoder"]
    stages = ["--part", "decoder", "--include", "query,key,value,scores", "-o", str(record)]
    assert command(*base, *stages).code == 0
    assert "reads" not in json.loads(record.read_text(encoding="utf-8"))


def test_of_several_layers_each_is_said_to_read_the_encoder(
    command: Callable[..., Any], translator: tuple[Any, Path]
) -> None:
    """Once for all that are shown, behind the last head, and of either side of cross-attention."""
    stages = ["--steps", "--row", "small", "--head", "0"]
    text = _flat(command(*_explained(translator[1]), *stages, "--part", "decoder").text)
    assert text.count("cross-attention: each layer reads the encoder's last hidden states") == 1
    heads, _, after = text.partition("cross-attention: each layer")
    assert heads.count("what a head takes") > 1
    assert "what a head takes" not in after
    across = _flat(command(*_explained(translator[1]), *stages).text)
    assert across.count("tokens, after each layer's self-attention; H: the encoder's last") == 1
