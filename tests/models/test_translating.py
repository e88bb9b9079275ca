"""What an encoder–decoder writes is what transformers' generate writes, and what decode reads of it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.encoder_decoders import KINDS, made

from attncli.errors import DataError, ShapeError
from attncli.models.encoder_decoder import decode
from attncli.models.forward import Inputs, encode
from attncli.models.model import TransformerModel
from attncli.models.translating import KeptTarget, translate
from attncli.models.writing_rules import WritingRules

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

COUNT = 24
RULES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "first": {"forced_bos_token_id": 7},
    "barred": {"bad_words_ids": [[40], [41], [5, 6], [95], [2], [0], [0, 2]]},
    "suppressed": {"suppress_tokens": [3, 4, 44, 50]},
    "not-at-first": {"begin_suppress_tokens": list(range(3, 60))},
    "not-after-the-first": {
        "forced_bos_token_id": 9,
        "begin_suppress_tokens": list(range(3, 60)),
    },
    "no-pair-twice": {"no_repeat_ngram_size": 2},
    "no-token-twice": {"no_repeat_ngram_size": 1},
    "shortest": {"min_length": 15},
    "least-new": {"min_new_tokens": 9, "min_length": 3},
    "penalty": {"repetition_penalty": 1.7},
    "reward": {"repetition_penalty": 0.6},
    "all": {
        "forced_bos_token_id": 9,
        "bad_words_ids": [[12], [13, 14]],
        "no_repeat_ngram_size": 3,
        "min_length": 8,
        "repetition_penalty": 1.2,
    },
}


def source_of(model: TransformerModel, ids: list[int]) -> Any:
    """The last hidden state of the encoder."""
    (states,) = encode(model, [Inputs(np.array(ids), np.zeros(len(ids), dtype=int))])
    return states.contextual


def spread(folder: Path, name: str, seed: int) -> Any:
    """A random model whose layers say more than its last token does, so that it writes many tokens."""
    theirs, _ = made(folder, name, seed)
    with torch.no_grad():
        for key, values in theirs.named_parameters():
            if not any(part in key for part in ("embed", "shared", "lm_head", "norm", "bias")):
                values.mul_(4.0)
        if hasattr(theirs, "final_logits_bias"):
            theirs.final_logits_bias.normal_(0.0, 0.5)
    theirs.save_pretrained(folder)
    return theirs


def generated(theirs: Any, ids: list[int], count: int, **options: Any) -> list[int]:
    """The ids that transformers writes, its start left out."""
    written = theirs.generate(
        torch.tensor([ids]),
        attention_mask=torch.ones(1, len(ids), dtype=torch.long),
        do_sample=False,
        num_beams=1,
        max_new_tokens=count,
        forced_eos_token_id=None,
        **options,
    )
    return list(written[0, 1:].tolist())


def without_end(ids: list[int], end: int | list[int] | None) -> list[int]:
    """Ids up to the first that ends a text."""
    ends = end if isinstance(end, list) else [end]
    return next((ids[:at] for at, one in enumerate(ids) if one in ends), ids)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", KINDS)
def test_the_ids_are_those_of_transformers(tmp_path: Path, name: str, seed: int) -> None:
    """generate(do_sample=False, num_beams=1): up to an end, and no token twice without any end."""
    theirs = spread(tmp_path, name, seed)
    path, usual = tmp_path / "generation_config.json", theirs.generation_config.eos_token_id
    told = json.loads(path.read_text("utf-8"))
    written = set[int]()
    for repeated, end in ((0, usual), (1, None)):
        rules = {"no_repeat_ngram_size": repeated, "eos_token_id": end}
        path.write_text(json.dumps({**told, **rules}), "utf-8")
        model = TransformerModel(tmp_path)
        for n in (1, 9, 33):
            ids = np.random.default_rng(n + seed).integers(3, 60, n).tolist()
            expected = generated(theirs, ids, COUNT, **rules)
            ours = translate(model, source_of(model, ids), COUNT)
            assert list(ours.ids) == without_end(expected, end), (repeated, n)
            assert ours.has_ended == (len(ours.ids) < len(expected))
            written |= set(ours.ids)
    assert len(written) >= COUNT  # one token over and over would prove little


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("name", ["t5", "bart", "marian"])
def test_the_rules_of_a_folder_are_those_of_transformers(
    tmp_path: Path, name: str, rules: str
) -> None:
    """Each key of generation_config.json that changes the likeliest token, and all at once."""
    theirs = spread(tmp_path, name, 4)
    path = tmp_path / "generation_config.json"
    told = json.loads(path.read_text("utf-8"))
    ids = np.random.default_rng(2).integers(3, 60, 11).tolist()
    usual = generated(theirs, ids, COUNT, eos_token_id=None)
    told |= {**RULES[rules], "eos_token_id": [usual[4], 60]}
    path.write_text(json.dumps(told), "utf-8")
    theirs = type(theirs).from_pretrained(tmp_path, attn_implementation="eager").eval()
    expected = generated(theirs, ids, COUNT)
    ours = translate(TransformerModel(tmp_path), source_of(TransformerModel(tmp_path), ids), COUNT)
    assert list(ours.ids) == without_end(expected, told["eos_token_id"])


@pytest.mark.parametrize("end", [5, [5, 6], None])
def test_without_a_generation_config_the_configuration_tells(tmp_path: Path, end: Any) -> None:
    """Old folders have the keys in config.json: bad_words_ids of a Marian, forced_bos_token_id of a BART."""
    theirs = spread(tmp_path, "marian", 1)
    ids = [5, 9, 30]
    usual = generated(theirs, ids, COUNT, eos_token_id=None)
    (tmp_path / "generation_config.json").unlink()
    told = json.loads((tmp_path / "config.json").read_text("utf-8"))
    barred = [[usual[0]], [usual[2]]]
    told |= {"bad_words_ids": barred, "eos_token_id": end, "forced_bos_token_id": 11}
    (tmp_path / "config.json").write_text(json.dumps(told), "utf-8")
    theirs = type(theirs).from_pretrained(tmp_path, attn_implementation="eager").eval()
    expected = generated(theirs, ids, COUNT)
    model = TransformerModel(tmp_path)
    ours = translate(model, source_of(model, ids), COUNT)
    assert list(ours.ids) == without_end(expected, end)
    assert ours.ids[0] == 11
    assert not {usual[0], usual[2]} & set(ours.ids)


@pytest.mark.parametrize("name", KINDS)
def test_reading_a_target_on_is_reading_it_at_once(tmp_path: Path, name: str) -> None:
    """Both attentions and the hidden states are those of decode, however the target is parted."""
    made(tmp_path, name)
    model = TransformerModel(tmp_path)
    assert model.decoder is not None
    config = model.config.target
    assert config is not None
    rng = np.random.default_rng(1)
    source, ids = source_of(model, rng.integers(0, 70, 13).tolist()), rng.integers(0, 70, 40)
    whole = decode(model.decoder, config, ids, source)
    target, start = KeptTarget(model.decoder, config, source), 0
    for end in (1, 2, 3, 9, 10, 25, 40):
        rows = target.read(ids[start:end].tolist())
        own, cross = np.stack(target.weights), np.stack(target.cross)
        np.testing.assert_allclose(rows, whole.contextual[start:end], atol=3e-6)
        np.testing.assert_allclose(own, whole.weights[:, :, start:end, :end], atol=1e-6)
        np.testing.assert_allclose(cross, whole.cross[:, :, start:end], atol=1e-6)
        start = end


def test_what_is_written_can_be_as_long_as_the_table_of_positions(tmp_path: Path) -> None:
    """64 tokens of a BART for 64; one more is refused before anything is written."""
    spread(tmp_path, "bart", 0)
    told = json.loads((tmp_path / "generation_config.json").read_text("utf-8"))
    (tmp_path / "generation_config.json").write_text(json.dumps({**told, "eos_token_id": None}))
    model = TransformerModel(tmp_path)
    source = source_of(model, [4, 5])
    assert len(translate(model, source, 64).ids) == 64
    with pytest.raises(ShapeError, match="65 tokens, expected 1 to 64"):
        translate(model, source, 65)


@pytest.mark.parametrize("end", [None, 7])
def test_a_t5_in_a_gguf_file_writes_the_same(tmp_path: Path, end: int | None) -> None:
    """From the start that its metadata say to the end that they say."""
    pytest.importorskip("gguf")
    from models.test_gguf_encoders import written

    ids = [5, 9, 30]
    more = {} if end is None else {"tokenizer.ggml.eos_token_id": end}
    theirs, path = written(tmp_path / "m.gguf", "t5", more=more)
    model = TransformerModel(path)
    ours = translate(model, source_of(model, ids), COUNT)
    expected = generated(theirs, ids, COUNT, eos_token_id=end, decoder_start_token_id=0)
    assert list(ours.ids) == without_end(expected, end)


def test_a_token_is_barred_after_its_sequence_alone() -> None:
    """By hand: the end before the shortest, sequences, pairs that were there."""
    rules = WritingRules(0, frozenset({9}), shortest=3, barred=((4,), (1, 2)), repeated=2)
    logits = np.arange(10, dtype=np.float32)
    assert rules.next_id(logits, [0]) == 8
    assert rules.next_id(logits, [0, 8, 8]) == 9
    logits[2] = 20
    assert rules.next_id(logits, [0, 3]) == 2
    assert rules.next_id(logits, [0, 1]) == 8
    logits[4] = 30
    assert rules.next_id(logits, [0, 5, 2, 5]) == 9


@pytest.mark.parametrize(
    "wrong",
    [
        {"decoder_start_token_id": 96},
        {"decoder_start_token_id": "pad"},
        {"forced_bos_token_id": 10**9},
        {"forced_bos_token_id": -1},
        {"bad_words_ids": [[]]},
        {"bad_words_ids": [7]},
        {"bad_words_ids": {"a": 1}},
        {"suppress_tokens": 3},
        {"suppress_tokens": [True]},
        {"suppress_tokens": [5] * ((1 << 16) + 1)},
        {"begin_suppress_tokens": 3},
        {"min_length": 1.5},
        {"no_repeat_ngram_size": -1},
        {"repetition_penalty": 0},
        {"repetition_penalty": "1"},
    ],
    ids=lambda wrong: str(wrong)[:60],
)
def test_a_damaged_rule_is_one_error(tmp_path: Path, wrong: dict[str, Any]) -> None:
    """Of generation_config.json, before a token is written."""
    made(tmp_path, "bart")
    path = tmp_path / "generation_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **wrong}), "utf-8")
    model = TransformerModel(tmp_path)
    with pytest.raises(DataError):
        translate(model, source_of(model, [4, 5]), 3)


@pytest.mark.parametrize(
    ("unknown", "nothing"),
    [
        ({"encoder_repetition_penalty": 3.0}, 1.0),
        ({"encoder_no_repeat_ngram_size": 2}, 0),
        ({"exponential_decay_length_penalty": [2, 1.5]}, None),
        ({"sequence_bias": [[[5], -9.0]]}, []),
        ({"guidance_scale": 2.0}, 1.0),
        ({"watermarking_config": {"bias": 9.0}}, {}),
        ({"penalty_alpha": 0.6}, 0),
        ({"dola_layers": "low"}, None),
        ({"stop_strings": ["x"]}, []),
    ],
    ids=str,
)
def test_a_rule_that_is_not_computed_is_refused_by_name(
    tmp_path: Path, unknown: dict[str, Any], nothing: Any
) -> None:
    """Each changes what generate writes, or needs more than a model; with a value of no effect it is read."""
    made(tmp_path, "bart")
    path = tmp_path / "generation_config.json"
    usual = json.loads(path.read_text("utf-8"))
    (name,) = unknown
    expected = translate(
        TransformerModel(tmp_path), source_of(TransformerModel(tmp_path), [4, 5]), 3
    )
    path.write_text(json.dumps({**usual, **unknown}), "utf-8")
    model = TransformerModel(tmp_path)
    with pytest.raises(DataError, match=f"{name} is .* expected none"):
        translate(model, source_of(model, [4, 5]), 3)
    path.write_text(json.dumps({**usual, name: nothing}), "utf-8")
    assert translate(model, source_of(model, [4, 5]), 3) == expected
