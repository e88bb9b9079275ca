"""A text that goes on token by token is the text read at once, and greedy ids are those of transformers."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.test_decoders import KINDS, SMALL, made
from models.test_translating import RULES
from models.test_word_heads import OLDER, older

from attncli.errors import DataError
from attncli.models.continuing import KeptText, continued
from attncli.models.forward import Inputs, Wanted, encode
from attncli.models.model import TransformerModel
from attncli.models.writing_rules import WritingRules, read_writing_rules

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

CAUSAL = [name for name in KINDS if not name.startswith("modernbert") and "both-ways" not in name]
FREE = WritingRules(0, frozenset())  # nothing ends a text
# Ropes that turn long texts otherwise.
GROWING = ("llama-dynamic", "llama-dynamic-50", "phi3-longrope")


def opened(folder: Path, name: str) -> tuple[Any, TransformerModel]:
    """A random model of a name, theirs and ours."""
    theirs = older(folder, name) if name in OLDER else made(folder, name)[0]
    return theirs, TransformerModel(folder)


@pytest.mark.parametrize("name", [*CAUSAL, "gpt2", "bert-causal"])
def test_reading_on_is_reading_at_once(tmp_path: Path, name: str) -> None:
    """Rows of weights, hidden states and logits, past every window, however the text is parted."""
    _, model = opened(tmp_path, name)
    head = model.head
    assert head is not None
    ids = np.random.default_rng(3).integers(3, SMALL["vocab_size"], 75)
    (whole,) = encode(model, [Inputs(ids, np.zeros(75, dtype=int))], Wanted(last=True))
    assert whole.last is not None
    text, start = KeptText(model), 0
    for end in (9, 10, 11, 16, 17, 18, 30, 74, 75):
        weights: list[Any] = []
        rows = text.read(ids[start:end].tolist(), weights)
        (now,) = encode(model, [Inputs(ids[:end], np.zeros(end, dtype=int))], Wanted(last=True))
        expected = whole if name not in GROWING else now
        assert expected.last is not None
        m = len(rows)
        scale = max(1.0, float(np.abs(expected.last).max()))
        np.testing.assert_allclose(rows, expected.last[end - m : end], atol=1e-5 * scale)
        for layer, mine in enumerate(weights):
            rows_of = expected.weights[layer, :, end - m : end, :end]
            np.testing.assert_allclose(mine, rows_of, atol=1e-5)
        logits = head.logits(expected.last[end - 1 : end])
        scale = max(1.0, float(np.abs(logits).max()))
        np.testing.assert_allclose(head.logits(rows[-1:]), logits, atol=1e-5 * scale)
        start = end


@pytest.mark.parametrize("name", [*CAUSAL, "gpt2", "gpt2-untied", "llama-untied-named-so"])
def test_greedy_ids_are_those_of_transformers(tmp_path: Path, name: str) -> None:
    """generate(do_sample=False), from short and long texts, over windows and what was trained for."""
    theirs, model = opened(tmp_path, name)
    for n in (1, 12, 50):
        ids = np.random.default_rng(n).integers(3, SMALL["vocab_size"], n).tolist()
        expected = theirs.generate(
            torch.tensor([ids]),
            attention_mask=torch.ones(1, n, dtype=torch.long),
            do_sample=False,
            max_new_tokens=30,
            eos_token_id=None,
            pad_token_id=0,
            use_cache=name not in GROWING,
        )[0, n:].tolist()
        assert list(continued(model, ids, 30, FREE).ids) == expected, n


def test_a_text_ends_where_the_model_ends_it(tmp_path: Path) -> None:
    """At any id of eos_token_id, which is not among the ids; as transformers stops, but for that id."""
    theirs, model = opened(tmp_path, "llama")
    every = continued(model, [5, 9], 12, FREE).ids
    end = every[5]
    stop = every.index(end)
    found = continued(model, [5, 9], 12, WritingRules(0, frozenset({end, 1000})))
    assert (list(found.ids), found.has_ended) == (list(every[:stop]), True)
    expected = theirs.generate(
        torch.tensor([[5, 9]]), do_sample=False, max_new_tokens=12, eos_token_id=[end, 1000]
    )[0, 2:].tolist()
    assert expected == [*found.ids, end]


@pytest.mark.parametrize(
    ("config", "generation", "ends"),
    [
        ({"eos_token_id": 2}, None, {2}),
        ({"eos_token_id": [2, 7]}, None, {2, 7}),
        ({"eos_token_id": None}, None, set()),
        ({"eos_token_id": 2}, {"eos_token_id": [7, 8]}, {7, 8}),
        ({"eos_token_id": 2}, {}, set()),
        ({"eos_token_id": "</s>"}, None, set()),
    ],
    ids=str,
)
def test_the_files_of_a_model_say_what_ends_a_text(
    tmp_path: Path, config: dict[str, Any], generation: dict[str, Any] | None, ends: set[int]
) -> None:
    """generation_config.json first, as in transformers; a number or a list."""
    made(tmp_path, "llama")
    (tmp_path / "generation_config.json").unlink()
    told = json.loads((tmp_path / "config.json").read_text("utf-8"))
    (tmp_path / "config.json").write_text(json.dumps({**told, **config}), "utf-8")
    if generation is not None:
        (tmp_path / "generation_config.json").write_text(json.dumps(generation), "utf-8")
    model = TransformerModel(tmp_path)
    assert read_writing_rules(tmp_path, model.config).ends == ends
    (tmp_path / "generation_config.json").write_text("{", "utf-8")
    with pytest.raises(DataError, match=r"generation_config\.json"):
        read_writing_rules(tmp_path, model.config)


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("name", ["llama", "gpt2", "gemma3"])
def test_the_rules_of_a_folder_are_those_of_transformers(
    tmp_path: Path, name: str, rules: str
) -> None:
    """Each key of generation_config.json that changes the likeliest token, with what was given before."""
    theirs, _ = opened(tmp_path, name)
    path = tmp_path / "generation_config.json"
    usual = theirs.generate(
        torch.tensor([[5, 9, 44]]), do_sample=False, max_new_tokens=9, eos_token_id=None
    )[0].tolist()
    told = {**RULES[rules], "eos_token_id": [usual[-1], 60], "pad_token_id": 0}
    path.write_text(json.dumps(told), "utf-8")
    theirs = type(theirs).from_pretrained(tmp_path, attn_implementation="eager").eval()
    model = TransformerModel(tmp_path)
    for ids in ([5], [5, 9, 44], [7, 7, 40, 5, 6, 12, 13, 9, 9]):
        expected = theirs.generate(
            torch.tensor([ids]),
            attention_mask=torch.ones(1, len(ids), dtype=torch.long),
            do_sample=False,
            max_new_tokens=20,
        )[0, len(ids) :].tolist()
        found = continued(model, ids, 20, read_writing_rules(tmp_path, model.config, len(ids)))
        end = [expected[-1]] if found.has_ended else []
        assert [*found.ids, *end] == expected
        assert not found.has_ended or expected[-1] in told["eos_token_id"]


def test_a_rule_that_is_not_computed_is_refused(tmp_path: Path) -> None:
    """By its name, as of a decoder behind an encoder."""
    made(tmp_path, "llama")
    (tmp_path / "generation_config.json").write_text('{"guidance_scale": 1.5}', "utf-8")
    with pytest.raises(DataError, match=r"guidance_scale is .*1\.5.*not computed"):
        read_writing_rules(tmp_path, TransformerModel(tmp_path).config, 3)


def test_little_memory_changes_no_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Layers and the head are read again for each token where they cannot be kept."""
    model, _ = made(tmp_path / "whole", "gemma2")
    model.to(torch.bfloat16).save_pretrained(tmp_path)
    expected = continued(TransformerModel(tmp_path), [5, 6], 8, FREE)
    for available in (None, 0, 40_000):
        monkeypatch.setattr("attncli.models.kept.available_memory", lambda v=available: v)
        assert continued(TransformerModel(tmp_path), [5, 6], 8, FREE) == expected
