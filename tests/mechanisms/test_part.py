"""The laws of a part: its stacks are its results, and its measures are those of what it shows."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models.made import write_checkpoint, write_tokenizer

from attncli.attention.projections import random_projections
from attncli.embeddings.seeded import SeededStore
from attncli.insight.chosen_part import Part
from attncli.mechanisms.general import GeneralAnalyser
from attncli.mechanisms.part_analyser import PartAnalyser
from attncli.mechanisms.task import TaskAnalyser
from attncli.mechanisms.transformer import open_transformer
from attncli.results.result import AttentionResult
from attncli.results.stack import Failure, in_order

pytest.importorskip("tokenizers")

TEXTS = [
    "the unhappiness grows",
    "money",
    "river bank flows",
    "",
    "old money bank grows",
    "bank the",
]
FIELDS = frozenset({"embeddings", "query", "key", "value", "scores"})
PARTS = st.builds(
    Part,
    layers=st.none() | st.permutations([0]),
    heads=st.none() | st.lists(st.integers(0, 2), min_size=1, unique=True).map(tuple),
    merge=st.booleans(),
    hide=st.sampled_from([(), ("bank",), ("money", "grows"), ("first",), ("special", "first")]),
    hide_special=st.booleans(),
    over=st.sampled_from([(), ("heads",), ("layers", "heads"), ("layers",)]),
    how=st.sampled_from(["mean", "max"]),
    which=st.none(),
)


@cache
def analyser(kind: str, include: frozenset[str], dtype: type = np.float64):
    """An Analyser of each mechanism, with several heads where it has any."""
    if kind == "transformer":
        folder = Path(mkdtemp())
        write_checkpoint(folder, num_attention_heads=3, num_hidden_layers=2)
        write_tokenizer(folder)
        return open_transformer(folder, include=include)
    store = SeededStore(12, 7)
    if kind == "general":
        return GeneralAnalyser(store, include=include, dtype=dtype)
    layer = random_projections(store.dim, n_heads=3, seed=1)
    return TaskAnalyser(store, layer, include=include, dtype=dtype)


def fitting(kind: str, part: Part) -> Part:
    """The part without heads that the mechanism lacks; of a transformer its second layer."""
    if kind == "general":
        return replace(part, heads=None if part.heads is None else (0,))
    if kind == "transformer" and part.layers is not None:
        return replace(part, layers=(1,))
    return part


@settings(max_examples=40, deadline=None)
@given(kind=st.sampled_from(["general", "task", "transformer"]), part=PARTS)
def test_measures_are_those_of_the_matrix_that_is_shown(kind: str, part: Part) -> None:
    """Whatever is chosen, plain loops over the shown weights give the measures of the record."""
    include = FIELDS | {"measures"}
    chosen = PartAnalyser(analyser(kind, include), fitting(kind, part))
    for result in chosen.outcomes(TEXTS):
        if not isinstance(result, AttentionResult):
            continue
        assert result.measures is not None
        own = []
        for layer, heads in enumerate(result.weights.tolist()):
            for head, rows in enumerate(heads):
                for i, row in enumerate(rows):
                    entropy = -sum(w * math.log(w) for w in row if w > 0)
                    told = result.measures["entropy"][layer][head][i]
                    assert told == pytest.approx(max(entropy, 0), abs=1e-5)
                    assert result.measures["self_weight"][layer][head][i] == row[i]
                    own.append(row[i])
        assert result.measures["mean_self_weight"] == pytest.approx(sum(own) / len(own), abs=1e-6)
        assert all(
            len(moves) == len(result.tokens)
            for moves in [result.measures.get("moved", result.tokens)]
        )


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(["general", "task", "transformer"]),
    part=PARTS,
    include=st.sampled_from([frozenset(), FIELDS, frozenset({"measures"})]),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_the_stacks_of_a_part_are_its_results(
    kind: str, part: Part, include: frozenset[str], dtype: type
) -> None:
    """A batch, which asks for stacks, gets the very numbers, words and warnings of each result."""
    whole = analyser(kind, include, dtype)
    chosen = PartAnalyser(whole, fitting(kind, part))
    singly = [
        outcome if isinstance(outcome, AttentionResult) else str(outcome)
        for outcome in chosen.outcomes(TEXTS)
    ]
    stacked = [
        outcome if isinstance(outcome, AttentionResult) else str(outcome)
        for outcome in in_order(chosen.stacks(TEXTS), len(TEXTS))
    ]
    assert stacked == singly


def test_a_part_keeps_the_sentences_of_a_batch_together() -> None:
    """Heads are cut from whole stacks, not from one sentence after another."""
    whole = analyser("task", frozenset(), np.float32)
    texts = ["money bank grows", "river bank flows"] * 8
    for part in (Part(heads=(2, 0)), Part(over=("heads",), how="max")):
        stacks = [
            item
            for item in PartAnalyser(whole, part).stacks(texts)
            if not isinstance(item, Failure)
        ]
        assert [len(stack) for stack in stacks] == [len(s) for s in whole.stacks(texts)]


def test_a_saved_record_is_measured_anew_when_it_is_cut() -> None:
    """A part of a record has the measures of the part, and keeps how far its words moved."""
    (result,) = analyser("general", FIELDS | {"measures"})(["money bank grows"])
    bare = replace(result, embeddings=None)  # as a file holds it that kept the measures alone
    part = Part(hide=("money",)).of(bare)
    assert part.measures is not None
    assert part.measures["mean_self_weight"] == pytest.approx(
        np.mean(np.diagonal(part.weights[0, 0]))
    )
    assert part.measures["moved"] == result.measures["moved"][1:]


@pytest.mark.parametrize(
    "part", [["--head", "1"], ["--head", "2,0"], ["--agg", "mean"], ["--agg", "max"]]
)
def test_a_batch_of_a_part_prints_the_part_of_the_batch(
    command: Callable, tmp_path: Path, part: list[str]
) -> None:
    """The digits of `attn batch --head 1` are those of head 1 of `attn batch`."""
    text = tmp_path / "t.txt"
    text.write_text(
        "money bank grows\nthat exam was a piece of cake\nriver bank\n", encoding="utf-8"
    )
    options = ["--model", "idioms", "--precision", "full", "--include", "scores"]
    paths = [str(tmp_path / name) for name in ("whole.jsonl", "part.jsonl")]
    for path, chosen in zip(paths, ([], part), strict=True):
        assert command("batch", str(text), *options, *chosen, "-o", path).code == 0
    whole, cut = (
        [json.loads(line) for line in Path(p).read_text("utf-8").splitlines()] for p in paths
    )
    heads = [int(number) for number in part[1].split(",")] if part[0] == "--head" else None
    for one, other in zip(whole, cut, strict=True):
        weights = np.array(one["weights"], dtype=np.float32)
        expected = weights[:, heads] if heads else getattr(weights, part[1])(axis=1, keepdims=True)
        np.testing.assert_array_equal(np.array(other["weights"], dtype=np.float32), expected)
        assert other["contextual"] == one["contextual"]
        assert other["model"] == one["model"]
        assert other["selection"]["heads"] == (heads or list(range(24)))


def test_a_batch_of_a_part_knows_its_model(command: Callable, tmp_path: Path) -> None:
    """What binary formats tell of their making names the model by its hash, part or whole."""
    parquet = pytest.importorskip("pyarrow.parquet")
    text = tmp_path / "t.txt"
    text.write_text("money bank grows\n", encoding="utf-8")
    told = []
    for number, part in enumerate(([], ["--head", "1"])):
        path = str(tmp_path / f"{number}.parquet")
        assert command("batch", str(text), "--model", "idioms", *part, "-o", path).code == 0
        told.append(json.loads(parquet.read_schema(path).metadata[b"attn.vectors"]))
    assert told[0] == told[1]
    assert len(told[1]["model"]) == 64
