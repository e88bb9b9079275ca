"""An option of config.json that changes numbers is computed as it says, or refused by its name."""

from typing import Any

import pytest

from attncli.errors import DataError
from attncli.models.config import ModelConfig
from attncli.models.families.reading import config_of

FULL, SLIDING = "full_attention", "sliding_attention"
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}
HALF = {**YARN, "partial_rotary_factor": 0.5}
ROPES = ("llama", "mistral", "qwen2", "qwen3", "gemma2", "olmo2", "smollm3")


def read(model_type: str, **changes: Any) -> ModelConfig:
    """What is read of a configuration that says only this; sizes are those of its family."""
    return config_of({"model_type": model_type, **changes}, "config.json")


@pytest.mark.parametrize("model_type", ROPES)
@pytest.mark.parametrize("place", ["rope_scaling", "rope_parameters", "beside"])
def test_a_rope_of_a_part_of_a_head_is_refused_where_all_turns(model_type: str, place: str) -> None:
    """Transformers makes too few angles of it and fails; only the layout of Phi-3 turns a part."""
    told: dict[str, Any] = {place: HALF}
    if place == "beside":
        told = {"rope_scaling": YARN, "partial_rotary_factor": 0.5}
    with pytest.raises(DataError, match=r"partial_rotary_factor is 0\.5"):
        read(model_type, **told)


@pytest.mark.parametrize("model_type", [*ROPES, "phi3", "gemma3_text", "modernbert", "gpt2", "t5"])
def test_a_last_hidden_state_before_the_last_norm_is_refused(model_type: str) -> None:
    """Where a norm follows the last layer, which transformers leaves out of the last hidden state."""
    for value in (False, 0):
        with pytest.raises(DataError, match="tie_last_hidden_states is false"):
            read(model_type, tie_last_hidden_states=value)
    read(model_type, tie_last_hidden_states=None)


@pytest.mark.parametrize("model_type", ["bert", "roberta", "distilbert", "bart", "marian"])
def test_a_last_hidden_state_without_a_last_norm_is_what_it_is(model_type: str) -> None:
    """Nothing follows the last layer: with the option and without it states are the same."""
    read(model_type, tie_last_hidden_states=False)


@pytest.mark.parametrize("model_type", ["mistral", "qwen2", "qwen3", "smollm3"])
def test_no_number_of_key_heads_is_one_for_each_query_head(model_type: str) -> None:
    """Null is no default of the family, of which other heads would share keys."""
    sizes = {"num_attention_heads": 12, "hidden_size": 96}
    assert read(model_type, **sizes, num_key_value_heads=None).n_kv_heads == 12
    assert read(model_type, num_attention_heads=64, hidden_size=1024).n_kv_heads < 64


@pytest.mark.parametrize("model_type", ["gemma3_text", "modernbert"])
def test_a_rope_of_a_part_of_a_head_is_refused_of_one_kind_of_layers(model_type: str) -> None:
    """Those that see all have it, the others none."""
    with pytest.raises(DataError, match=f"{FULL}.partial_rotary_factor is 0.5"):
        read(model_type, rope_parameters={FULL: HALF, SLIDING: {"rope_theta": 1e4}})


@pytest.mark.parametrize("model_type", ROPES)
def test_a_plain_rope_turns_all_of_a_head(model_type: str) -> None:
    """Whatever share stands beside it: transformers computes the same with it and without."""
    told = read(model_type, rope_parameters={"rope_type": "default", "partial_rotary_factor": 0.5})
    assert told.decoder is not None
    (cos, _) = next(rope for rope in told.decoder.ropes if rope is not None).tables(3)
    assert cos.shape == (3, told.d_k // 2)


def test_phi3_turns_a_part_wherever_its_share_stands() -> None:
    """In the object of the rope, of either name, or beside it; of a long rope too."""
    long = {"rope_type": "longrope", "short_factor": [1.0] * 24, "long_factor": [2.0] * 24}
    for told in (
        {"rope_parameters": {**long, "partial_rotary_factor": 0.5}},
        {"rope_scaling": {**long, "rope_type": "su", "partial_rotary_factor": 0.5}},
        {"rope_scaling": long, "partial_rotary_factor": 0.5},
    ):
        config = read("phi3", **told)
        assert config.decoder is not None
        rope = config.decoder.ropes[0]
        assert rope is not None
        assert rope.kind == "longrope"
        assert rope.tables(3)[0].shape == (3, 24)


@pytest.mark.parametrize(("share", "count"), [(0.03, 2), (0.05, 4), (1.0, 96)])
def test_phi3_turns_as_many_numbers_of_a_head_as_its_share_says(share: float, count: int) -> None:
    """Of 96."""
    config = read("phi3", partial_rotary_factor=share)
    assert config.decoder is not None
    assert config.decoder.ropes[0] is not None
    assert config.decoder.ropes[0].tables(3)[0].shape == (3, count // 2)


@pytest.mark.parametrize("share", [0.01, 0.04])
def test_a_share_of_a_head_that_is_no_pairs_of_numbers_is_refused(share: float) -> None:
    """Of 96 numbers none, of which all turned in silence, or three."""
    with pytest.raises(DataError, match=rf"partial_rotary_factor is {share} of 96 numbers"):
        read("phi3", partial_rotary_factor=share)


@pytest.mark.parametrize(
    ("model_type", "told", "named"),
    [
        ("gemma2", {"use_bidirectional_attention": True}, "use_bidirectional_attention"),
        ("gemma3_text", {"attn_logit_softcapping": 50.0}, "attn_logit_softcapping"),
        ("gemma3", {"text_config": {"final_logit_softcapping": 30.0}}, "final_logit_softcapping"),
        ("gemma3", {"text_config": {"use_bidirectional_attention": True}}, "bidirectional"),
        ("gemma3", {"text_config": {"attn_logit_softcapping": 50.0}}, "attn_logit_softcapping"),
        (
            "phi3",
            {"rope_scaling": {"type": "proportional"}, "partial_rotary_factor": 0.5},
            "partial_rotary_factor is 0.5 beside a proportional rope",
        ),
        (
            "llama",
            {"rope_scaling": {"type": "proportional", "partial_rotary_factor": 1.5}},
            "partial_rotary_factor is 1.5",
        ),
        ("llama", {"rope_parameters": {FULL: {"rope_theta": 5e5}}}, f"{FULL} has a rope"),
        ("phi3", {"rope_parameters": {SLIDING: {"rope_theta": 5e5}}}, f"{SLIDING} has a rope"),
        ("qwen3", {"rope_scaling": {FULL: YARN}}, f"{FULL} has a rope of its own"),
        (
            "gemma3_text",
            {"rope_parameters": {FULL: {**YARN, "truncate": False}}},
            f"{FULL}.truncate",
        ),
        ("gemma3_text", {"rope_scaling": {**YARN, "truncate": False}}, f"{FULL}.truncate"),
        ("modernbert", {"rope_parameters": {FULL: YARN, "truncate": False}}, "truncate is"),
        ("mistral", {"layer_types": [FULL, SLIDING] * 16}, "layer_types .* Ministral"),
        ("t5", {"is_causal": False}, "is_causal is false"),
        ("bart", {"is_causal": False}, "is_causal is false"),
        (
            "gemma3_text",
            {"is_causal": False, "use_bidirectional_attention": True},
            "is_causal is false beside use_bidirectional_attention",
        ),
        ("llama", {"per_layer_config": {"1": {"rms_norm_eps": 0.5}}}, "per_layer_config"),
        ("gemma3", {"text_config": {"per_layer_config": {"1": {"head_dim": 8}}}}, "per_layer"),
        ("modernbert", {"head_dim": 32}, "head_dim is 32, expected 64"),
        ("modernbert", {"rope_parameters": {"rope_theta": 99.0}}, "rope_parameters has none of"),
        ("t5", {"feed_forward_proj": "gated-gelu", "dense_act_fn": "relu"}, "dense_act_fn"),
        ("t5", {"feed_forward_proj": "relu", "is_gated_act": True}, "is_gated_act"),
    ],
)
def test_what_a_family_does_not_compute_is_refused_by_name(
    model_type: str, told: dict[str, Any], named: str
) -> None:
    """Each changes the numbers of transformers, or of another of its paths, or is used nowhere."""
    with pytest.raises(DataError, match=named):
        read(model_type, **told)


@pytest.mark.parametrize(
    ("model_type", "name", "other"),
    [
        ("gpt2", "n_head", "num_attention_heads"),
        ("gpt2", "n_layer", "num_hidden_layers"),
        ("distilbert", "n_heads", "num_attention_heads"),
        ("t5", "num_heads", "num_attention_heads"),
        ("t5", "num_layers", "num_hidden_layers"),
        ("t5", "d_kv", "head_dim"),
        ("bart", "encoder_attention_heads", "num_attention_heads"),
        ("marian", "encoder_layers", "num_hidden_layers"),
    ],
)
def test_two_names_of_one_size_say_the_same(model_type: str, name: str, other: str) -> None:
    """Either alone is read, both when they agree; transformers would take the one it met last."""
    expected = read(model_type, **{name: 4})
    assert read(model_type, **{other: 4}) == expected
    assert read(model_type, **{name: 4, other: 4}) == expected
    with pytest.raises(DataError, match=f'{name} is "4" and {other}, another name for it, "2"'):
        read(model_type, **{name: 4, other: 2})


def test_the_window_of_modernbert_may_be_told_for_one_side() -> None:
    """sliding_window, which transformers takes for half of local_attention, the token not counted."""
    one, both = read("modernbert", sliding_window=4), read("modernbert", local_attention=9)
    assert one.decoder is not None
    assert both.decoder is not None
    assert one.decoder.windows == both.decoder.windows
    assert one.window(1) == 4


def test_a_model_that_sees_pictures_says_itself_whether_its_head_is_tied() -> None:
    """What the part of it on text says of that is not used."""
    assert read("gemma3", text_config={"tie_word_embeddings": False}).tied
    assert not read("gemma3", tie_word_embeddings=False, text_config={}).tied


@pytest.mark.parametrize(
    ("model_type", "told"),
    [("gpt2", {}), ("bert", {"is_decoder": True}), ("llama", {}), ("olmo2", {}), ("smollm3", {})],
)
def test_is_causal_lets_tokens_see_later_ones(model_type: str, told: dict[str, Any]) -> None:
    """As transformers 5 reads it of every decoder: models that were made encoders have it."""
    assert read(model_type, **told).causal
    assert not read(model_type, **told, is_causal=False).causal


def test_a_mistral_whose_layers_are_all_of_one_kind_is_read() -> None:
    """layer_types that say what sliding_window says; another model reads those that differ."""
    assert read("mistral", layer_types=[SLIDING] * 32, sliding_window=5).window(0) == 4
    assert read("mistral", layer_types=[FULL] * 32, sliding_window=None).window(0) is None
