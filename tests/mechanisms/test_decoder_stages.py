"""Laws of what a decoder's weights are made of, and of what it expects, against transformers.

The oracle (eager, float32) is given the second text as labels; hooks hear its linear maps.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.word_translators import KINDS, ids_of, write_translator
from schema import validator

import attncli
from attncli.results.result import AttentionResult

for library in ("torch", "transformers", "tokenizers"):
    pytest.importorskip(library)

SOURCE, TARGET = "Das Haus ist klein", "The house is small ."
STAGES = ("query", "key", "value", "scores")


@pytest.fixture(scope="module", params=KINDS)
def translator(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, Path]:
    """A model of transformers and its folder, of each kind."""
    folder = tmp_path_factory.mktemp("stages") / request.param
    return write_translator(folder, request.param), folder


def _maps_of(model: Any, kind: str) -> list[tuple[Any, Any]]:
    """Of each layer of the decoder the attention to itself and that across."""
    if kind in ("t5", "mt5"):
        blocks = model.decoder.block
        return [(block.layer[0].SelfAttention, block.layer[1].EncDecAttention) for block in blocks]
    return [(layer.self_attn, layer.encoder_attn) for layer in model.model.decoder.layers]


def _heard(model: Any, folder: Path) -> tuple[Any, dict[tuple[str, str], list[Any]]]:
    """What the model says of the pair, and what its maps of queries, keys and values gave."""
    import torch

    heard: dict[tuple[str, str], list[Any]] = {}
    hooks = []
    for own, across in _maps_of(model, folder.name):
        for part, attention in (("decoder", own), ("cross", across)):
            for name in ("query", "key", "value"):
                short = name[0]
                module = getattr(attention, short, None) or getattr(attention, f"{short}_proj")

                def hear(_: Any, __: Any, out: Any, at: tuple[str, str] = (part, name)) -> None:
                    heard.setdefault(at, []).append(out[0].numpy())

                hooks.append(module.register_forward_hook(hear))
    with torch.no_grad():
        said = model(
            input_ids=torch.tensor([ids_of(folder, SOURCE)]),
            labels=torch.tensor([ids_of(folder, TARGET)]),
            output_attentions=True,
        )
    for hook in hooks:
        hook.remove()
    return said, heard


def _agree(mine: Any, theirs: Any) -> bool:
    """Within 1e-5, relative to the largest where that is above 1."""
    one, other = np.asarray(mine), np.asarray(theirs)
    return one.shape == other.shape and bool(
        np.abs(one - other).max() <= 1e-5 * max(1.0, np.abs(other).max())
    )


def test_queries_keys_values_and_scores_are_those_of_transformers(
    translator: tuple[Any, Path], command: Callable[..., Any]
) -> None:
    """Of the decoder and across; the softmax of the scores, masked, is the weights of transformers."""
    model, folder = translator
    said, heard = _heard(model, folder)
    more = ["--pair", TARGET, "--include", ",".join(STAGES), "--json"]
    record = json.loads(command("explain", SOURCE, "--model", str(folder), *more).text)
    validator().validate(record)
    for part in ("decoder", "cross"):
        theirs = np.stack([layer[0].numpy() for layer in said[f"{part}_attentions"]])
        for name in ("query", "key", "value"):
            rows = np.stack(heard[part, name])  # (n_layers, n, n_heads * d)
            expected = rows.reshape(*rows.shape[:2], theirs.shape[1], -1).swapaxes(1, 2)
            assert _agree(record[part][name], expected), (part, name)
        scores = np.array(record[part]["scores"], dtype=np.float64)
        if part == "decoder":
            scores[..., ~np.tri(scores.shape[-1], dtype=bool)] = -np.inf
        exps = np.exp(scores - scores.max(axis=-1, keepdims=True))
        assert np.abs(exps / exps.sum(axis=-1, keepdims=True) - theirs).max() < 2e-5
    assert (
        AttentionResult.from_dict(record).to_dict()
        == AttentionResult.from_dict(AttentionResult.from_dict(record).to_dict()).to_dict()
    )


def test_the_scale_is_that_of_the_heads_of_the_decoder(
    command: Callable[..., Any], translator: tuple[Any, Path]
) -> None:
    """q·k times the scale of the record is the score, whatever size the encoder's heads have."""
    more = ["--include", "query,key,scores", "--json"]
    record = json.loads(
        command("explain", SOURCE, "--pair", TARGET, "--model", str(translator[1]), *more).text
    )
    for part in (record, record["decoder"], record["cross"]):
        query, key = np.array(part["query"]), np.array(part["key"])
        scale = part["attention"]["scale"]
        expected = 1.0 if "t5" in translator[1].name else query.shape[-1] ** -0.5
        assert scale == pytest.approx(expected)
        if part is record["cross"] or "t5" not in translator[1].name:  # no bias of distances
            products = query @ key.swapaxes(-1, -2) * scale
            assert np.allclose(products, part["scores"], atol=1e-4)


def test_what_a_decoder_expects_is_the_softmax_of_its_logits(
    translator: tuple[Any, Path], tmp_path: Path
) -> None:
    """After its text, and of each of its tokens; JSON, npz and the formats of a batch hold it."""
    import torch

    model, folder = translator
    said, _ = _heard(model, folder)
    logs = torch.log_softmax(said.logits[0].double(), dim=-1).numpy()  # (n_q, n_vocab)
    result = attncli.explain(SOURCE, str(folder), pair=TARGET, include=("next",))
    for part in (result.decoder, result.cross):
        assert part is not None
        assert part.model is not None
        assert part.model.next is not None
        first, *others = part.model.log_probabilities or ()
        read = [*ids_of(folder, TARGET)[:-1]]
        assert first is None
        assert _agree(others, [logs[at, number] for at, number in enumerate(read)])
        for candidate in part.model.next:
            assert abs(candidate.probability - np.exp(logs[-1, candidate.id])) < 1e-5
        assert part.model.next[0].id == logs[-1].argmax()
    assert result.model is not None
    assert result.model.next is None
    assert AttentionResult.from_dict(result.to_dict()) == result
    attncli.save(result, tmp_path / "x.npz")
    assert attncli.read(tmp_path / "x.npz")[0].cross == result.cross


@pytest.mark.parametrize("suffix", ["jsonl", "npz", "parquet", "arrow"])
def test_a_batch_holds_stages_and_expectations_of_a_decoder(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, suffix: str
) -> None:
    """Every format that keeps all is read back to what explain says, merged pieces too."""
    pytest.importorskip("pyarrow")
    folder = tmp_path_factory.mktemp("batch") / "marian"
    write_translator(folder, "marian")
    (tmp_path / "x.csv").write_text(f"text,pair\n{SOURCE},{TARGET}\n", encoding="utf-8")
    include = (*STAGES, "next", "hidden_states", "embeddings", "measures")
    digits: dict[str, Any] = {"precision": "full"} if suffix == "jsonl" else {}
    path = tmp_path / f"x.{suffix}"
    attncli.batch(
        tmp_path / "x.csv",
        path,
        str(folder),
        pair_column="pair",
        include=include,
        workers=1,
        **digits,
    )
    (found,) = attncli.read(path)
    expected = attncli.explain(SOURCE, str(folder), pair=TARGET, include=include)
    for name in ("decoder", "cross"):
        mine, theirs = getattr(found, name).to_dict(), getattr(expected, name).to_dict()
        assert {**mine, "line": None} == theirs
