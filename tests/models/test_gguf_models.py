"""Models in GGUF files are those of the checkpoints they were made of: weights, states, logits."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.gguf_files import PERMUTED, converted, turned_by_neighbors, write_gguf, write_tiny
from models.test_decoders import KINDS, LLAMA3, LONG, WIDE, made
from safetensors.numpy import load_file, save_file

from attncli.errors import DataError, InputError
from attncli.models.continuing import continued
from attncli.models.folders import find_checkpoint
from attncli.models.forward import Inputs, Wanted, encode
from attncli.models.model import TransformerModel
from attncli.models.writing_rules import WritingRules, read_writing_rules

pytest.importorskip("gguf")
torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

EVERYTHING = Wanted(hidden_states=True)
D_K = 24  # of WIDE
GEMMA3 = {"hidden_activation": "gelu_pytorch_tanh", "query_pre_attn_scalar": D_K}
OWN = {
    "gemma2": ("Gemma2", {**WIDE, "sliding_window": 5, "query_pre_attn_scalar": D_K}),
    "gemma3": (
        "Gemma3",
        {**WIDE, **GEMMA3, "num_hidden_layers": 7, "sliding_window": 5},
    ),
    "gemma2-each-layer": (
        "Gemma2",
        {
            **WIDE,
            "sliding_window": 5,
            "query_pre_attn_scalar": D_K,
            "layer_types": [
                "sliding_attention",
                "full_attention",
                "full_attention",
                "sliding_attention",
            ],
        },
    ),
    "gemma3-no-windows": (
        "Gemma3",
        {**WIDE, **GEMMA3, "layer_types": ["full_attention"] * 4},
    ),
    "gemma3-linear": (
        "Gemma3",
        {
            **WIDE,
            **GEMMA3,
            "num_hidden_layers": 7,
            "sliding_window": 6,
            "rope_parameters": {
                "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
                "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
            },
        },
    ),
}
YARN = {
    "rope.scaling.type": "yarn",
    "rope.scaling.factor": 4.0,
    "rope.scaling.original_context_length": 16,
}
LINEAR = {"rope.scaling.type": "linear"}
# Name: the architecture, and what its metadata have beyond the usual.
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("llama", {"rope.dimension_count": 8}),
    "llama-all-heads": ("llama", {}),
    "llama-one-kv-head": ("llama", {}),
    "llama-biases": ("llama", {}),
    "llama-tied": ("llama", {}),
    "llama-linear": ("llama", {**LINEAR, "rope.scaling.factor": 4.0}),
    "llama-yarn": ("llama", YARN),
    "llama-3.1": ("llama", {}),
    "mistral-no-window": ("llama", {}),
    "qwen2": ("qwen2", {}),
    "qwen3": ("qwen3", {}),
    "qwen3-yarn": ("qwen3", YARN),
    "gemma2": (
        "gemma2",
        {
            "attention.sliding_window": 5,
            "attn_logit_softcapping": 50.0,
            "final_logit_softcapping": 30.0,
        },
    ),
    "gemma2-each-layer": (
        "gemma2",
        {
            "attention.sliding_window": 5,
            "attention.sliding_window_pattern": [True, False, False, True],
        },
    ),
    "gemma3": ("gemma3", {"attention.sliding_window": 5}),
    "gemma3-no-windows": ("gemma3", {}),
    "gemma3-linear": (
        "gemma3",
        {**LINEAR, "rope.scaling.factor": 8.0, "attention.sliding_window": 6},
    ),
    "phi3": ("phi3", {"attention.sliding_window": 7, "rope.dimension_count": 8}),
    "phi3-partial": ("phi3", {"attention.sliding_window": 0, "rope.dimension_count": 6}),
    "phi3-longrope": (
        "phi3",
        {"rope.scaling.original_context_length": 16, "rope.dimension_count": 8},
    ),
    "olmo2": ("olmo2", {}),
    "olmo2-biases": ("olmo2", {}),
    "smollm3": ("smollm3", {}),
}


def checkpoint(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a small random checkpoint of a kind; Gemma's with the scale that GGUF implies."""
    for own, choices in OWN.items():
        monkeypatch.setitem(KINDS, own, choices)
    return made(folder, name)[1]


def as_gguf(folder: Path, name: str, **choices: Any) -> tuple[Path, dict[str, np.ndarray]]:
    """The checkpoint of a folder as a GGUF file, and its tensors as that file has them."""
    arch, more = CASES[name]
    config = json.loads((folder / "config.json").read_text())
    tensors = converted(folder, arch)
    if name == "llama-3.1":
        tensors["rope_freqs.weight"] = llama3_factors(8)
    if name == "phi3-longrope":
        for length in ("short", "long"):
            factors = np.array(LONG[f"{length}_factor"], np.float32)
            tensors[f"rope_factors_{length}.weight"] = factors
    keys = {f"{arch}.{key}": value for key, value in more.items()}
    path = folder / "model.gguf"
    return path, write_gguf(path, arch, config, tensors, more=keys, **choices)


def llama3_factors(d_k: int) -> np.ndarray:
    """What the speed of each pair is divided by, as the conversion of llama.cpp writes it."""
    low, high = LLAMA3["low_freq_factor"], LLAMA3["high_freq_factor"]
    first, factor = LLAMA3["original_max_position_embeddings"], LLAMA3["factor"]
    factors = []
    for pair in range(0, d_k, 2):
        wave = 2 * np.pi * 500_000.0 ** (pair / d_k)
        smooth = (first / wave - low) / (high - low)
        slow, fast = wave > first / low, wave < first / high
        factors.append(factor if slow else 1.0 if fast else 1 / ((1 - smooth) / factor + smooth))
    return np.array(factors, np.float32)


def states_of(path: Path, seed: int = 0) -> list[Any]:
    """What two texts become, one longer than every window, and the logits after them."""
    model = TransformerModel(path)
    rng = np.random.default_rng(seed)
    ids = [rng.integers(3, 96, n) for n in (5, 40)]
    states = encode(model, [Inputs(one, one * 0) for one in ids], EVERYTHING)
    found = [part for state in states for part in (state.weights, state.hidden_states)]
    return [*found, model.head.logits(states[0].contextual)] if model.head else found


@pytest.mark.parametrize("name", CASES)
def test_a_file_of_floats_is_its_checkpoint(tmp_path, name, monkeypatch):
    """Every architecture: weights of all layers and heads, states and logits, to 2e-5."""
    folder = checkpoint(tmp_path, name, monkeypatch)
    path, _ = as_gguf(folder, name)
    found, expected = states_of(path), states_of(folder)
    assert len(found) == len(expected) == 5
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("kind", ["F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"])
@pytest.mark.parametrize("name", ["llama", "qwen3", "gemma3", "phi3"])
def test_a_quantized_file_is_the_checkpoint_of_its_numbers(tmp_path, name, kind, monkeypatch):
    """Of a model whose matrices are quantized, all is as with the unpacked numbers in safetensors."""
    monkeypatch.setitem(WIDE, "intermediate_size", 64)  # a row has whole blocks
    folder = checkpoint(tmp_path / "floats", name, monkeypatch)

    def choose(tensor: str, values: np.ndarray) -> str:
        return kind if values.shape[-1] % 32 == 0 else "F32"

    path, kept = as_gguf(folder, name, choose=choose)
    unquantized(folder, tmp_path / "back", CASES[name][0], kept)
    for ours, theirs in zip(states_of(path), states_of(tmp_path / "back"), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-6)


def unquantized(folder: Path, back: Path, arch: str, kept: dict[str, np.ndarray]) -> None:
    """Writes a checkpoint with the numbers that a GGUF file has of it."""
    config = json.loads((folder / "config.json").read_text())
    heads = {".q_proj.": "num_attention_heads", ".k_proj.": "num_key_value_heads"}
    names = {}
    for name in load_file(folder / "model.safetensors"):
        from models.gguf_files import gguf_name

        values = kept[gguf_name(name, arch)]
        part = next((key for key in heads if key in name), None)
        if arch in PERMUTED and part is not None:
            count = config[heads[part]]
            place = turned_by_neighbors(np.arange(len(values)), count)
            values = values[np.argsort(place)]
        if "gemma" in arch and "norm" in name:
            values = values - np.float32(1)
        names[name] = np.ascontiguousarray(values)
    back.mkdir()
    save_file(names, back / "model.safetensors")
    (back / "config.json").write_text((folder / "config.json").read_text())


SMALL = {
    "hidden_size": 32,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_hidden_layers": 1,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5,
}
SHAPES = {
    "token_embd": (40, 32), "output_norm": (32,), "blk.0.attn_norm": (32,), "blk.0.ffn_norm": (32,),
    "blk.0.attn_q": (32, 32), "blk.0.attn_k": (16, 32), "blk.0.attn_v": (16, 32),
    "blk.0.attn_output": (32, 32), "blk.0.ffn_gate": (64, 32), "blk.0.ffn_up": (64, 32),
    "blk.0.ffn_down": (32, 64),
}  # fmt: skip
# What is wrong: metadata (None: left out), tensors (None: left out), and what is said of it.
WRONG: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "experts": ({"llama.expert_count": 8}, {}, "experts are not read"),
    "an adapter": ({"general.type": "adapter"}, {}, "expected a model"),
    "one of three files": ({"split.count": 3}, {}, "one of 3 files of a model, expected a name"),
    "one of very many files": ({"split.count": 2**31}, {}, "one of 2147483648 files"),
    "no heads": ({"llama.attention.head_count": 0}, {}, "head_count is 0"),
    "heads that share unevenly": ({"llama.attention.head_count_kv": 3}, {}, "share evenly"),
    "heads that differ": ({"llama.attention.head_count_kv": [1, 2]}, {}, "in every layer"),
    "a width that is a text": ({"llama.embedding_length": "32"}, {}, "expected a whole number"),
    "a huge number of layers": ({"llama.block_count": 10**9}, {}, "expected a whole number from"),
    "more layers than any model has": (
        {"llama.block_count": 13_959_170},
        {},
        "num_hidden_layers is \"13959170\", expected a whole number from 1 to 10000",
    ),
    "a rope that turns too fast": ({"llama.rope.freq_base": 1e-40}, {}, "too fast to be computed"),
    "a scaled rope that turns too fast": (
        {"llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": 1e-38},
        {},
        "too fast to be computed",
    ),
    "two layers of one": ({"llama.block_count": 2}, {}, "is missing"),
    "no layers of one": ({"llama.block_count": 0}, {}, "expected a whole number from 1"),
    "a part of a head turns": ({"llama.rope.dimension_count": 4}, {}, "expected 8, all of a head"),
    "an epsilon that is none": (
        {"llama.attention.layer_norm_rms_epsilon": float("nan")},
        {},
        "rms_norm_eps",
    ),
    "a key length of nothing": ({"llama.attention.key_length": 0}, {}, "above 0"),
    "another scaling": ({"llama.rope.scaling.type": "dynamic"}, {}, "expected linear or yarn"),
    "no embeddings": ({}, {"token_embd": None}, "token_embd.weight"),
    "a matrix is missing": ({}, {"blk.0.ffn_up": None}, "up_proj.weight\" is missing"),
    "a matrix of another shape": ({}, {"blk.0.ffn_up": (60, 32)}, "its metadata asks for"),
    "a layer more": ({}, {"blk.1.attn_norm": (32,)}, "its metadata says 1 layers"),
    "a part that llama has not": ({}, {"blk.0.attn_sinks": (4,)}, "is no part of llama"),
    "norms that llama has not": ({}, {"blk.0.attn_q_norm": (8,)}, "is no part of llama"),
    "rows that heads do not divide": ({}, {"blk.0.attn_q": (33, 32)}, "do not divide"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_contradicts_itself_is_refused(tmp_path, name):
    """One line says what is wrong, before a number is used."""
    facts, changed, message = WRONG[name]
    shapes = {**SHAPES, **changed}
    tensors = {
        f"{key}.weight": np.ones(shape, np.float32) for key, shape in shapes.items() if shape
    }
    write_gguf(tmp_path / "w.gguf", "llama", SMALL, tensors, more=facts)
    with pytest.raises(DataError, match=message):
        TransformerModel(tmp_path / "w.gguf")


@pytest.mark.parametrize("scale", [np.inf, np.nan])
def test_a_scale_that_is_no_number_is_named(tmp_path, scale):
    """A block whose scale is infinite or NaN: the layer's matrix is named when it is used."""
    tensors = {f"{key}.weight": np.ones(shape, np.float32) for key, shape in SHAPES.items()}
    path = tmp_path / "w.gguf"
    write_gguf(path, "llama", SMALL, tensors, choose=lambda *_: "Q8_0")
    raw = bytearray(path.read_bytes())
    model = TransformerModel(path)
    place = model.checkpoint.files[0].entries["model.layers.0.mlp.up_proj.weight"].tensor.start
    raw[place : place + 2] = np.float16(scale).tobytes()
    (tmp_path / "damaged.gguf").write_bytes(raw)
    with pytest.raises(DataError, match=r'up_proj\.weight": value 1 is not finite'):
        TransformerModel(tmp_path / "damaged.gguf").block(0)


def in_parts(folder: Path, count: int = 3) -> list[Path]:
    """A model in several files, as llama.cpp splits one: the first has all metadata."""
    import gguf

    tensors = {f"{key}.weight": np.ones(shape, np.float32) for key, shape in SHAPES.items()}
    rng = np.random.default_rng(0)
    tensors = {name: rng.standard_normal(one.shape).astype("f4") for name, one in tensors.items()}
    write_gguf(folder / "whole.gguf", "llama", SMALL, tensors)
    facts = [
        {"split.no": no, "split.count": count, "split.tensors.count": len(tensors)}
        for no in range(count)
    ]
    chosen = [list(tensors)[no::count] for no in range(count)]
    paths = [folder / f"m-{no + 1:05}-of-{count:05}.gguf" for no in range(count)]
    first = {name: tensors[name] for name in chosen[0]}
    write_gguf(paths[0], "llama", SMALL, first, more=facts[0])
    for path, told, names in zip(paths[1:], facts[1:], chosen[1:], strict=True):
        writer = gguf.GGUFWriter(path, "llama")
        writer.kv_data[0].clear()  # parts but the first have no architecture
        for key, value in told.items():
            (writer.add_int32 if "tensors" in key else writer.add_uint16)(key, value)
        for name in names:
            writer.add_tensor(name, tensors[name])
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    return paths


def test_a_model_in_several_files_is_that_of_one(tmp_path):
    """Whichever part is named, all are read: what a text becomes has the same bits."""
    paths = in_parts(tmp_path)
    ids = np.array([1, 5, 9, 30])

    def weights(path: Path) -> bytes:
        (state,) = encode(TransformerModel(path), [Inputs(ids, ids * 0)])
        return bytes(np.ascontiguousarray(state.weights).tobytes())

    whole = weights(tmp_path / "whole.gguf")
    assert [weights(path) for path in paths] == [whole] * 3
    assert find_checkpoint(str(paths[1])).name == "m"


def test_a_part_that_is_missing_is_named(tmp_path):
    """Without one of three files the others say which it is."""
    first, second, third = in_parts(tmp_path)
    third.unlink()
    for path in (first, second):
        with pytest.raises(InputError, match=r'1 are not beside it: "m-00003-of-00003\.gguf"'):
            TransformerModel(path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda one, other: other.write_bytes(one.read_bytes()), "expected 1 of 3"),
        (lambda one, other: one.write_bytes(other.read_bytes()), "expected 0 of 3"),
        (lambda one, other: other.write_bytes(b"GGUF"), "cut off"),
        (
            lambda one, other: other.write_bytes((one.parent / "whole.gguf").read_bytes()),
            "expected 1 of 3",
        ),
    ],
    ids=["twice the first", "twice the second", "cut", "of no parts"],
)
def test_parts_that_do_not_belong_together_are_refused(tmp_path, damage, message):
    """A part in the place of another, one that is cut, and one that is a model of its own."""
    first, second, _ = in_parts(tmp_path)
    damage(first, second)
    with pytest.raises(DataError, match=message):
        TransformerModel(first)


def test_of_the_words_only_those_of_the_text_are_unpacked(tmp_path, monkeypatch):
    """Looking up five words unpacks five rows."""
    from attncli.models.gguf import mapped

    tensors = {f"{key}.weight": np.ones(shape, np.float32) for key, shape in SHAPES.items()}
    write_gguf(tmp_path / "w.gguf", "llama", SMALL, tensors, choose=lambda *_: "Q4_0")
    model, rows = TransformerModel(tmp_path / "w.gguf"), []
    real = mapped.numbers_of_blocks

    def counted(raw: np.ndarray, kind: Any, room: Any) -> Any:
        rows.append(len(raw))
        return real(raw, kind, room)

    monkeypatch.setattr(mapped, "numbers_of_blocks", counted)
    model.tensors.words(np.array([3, 9, 9, 1, 39]))
    assert rows == [5]


def test_a_file_goes_on_with_a_text(tmp_path):
    """Its metadata say what ends a text; layers that are unpacked once write what is read anew each time."""
    path = write_tiny(tmp_path / "tiny.gguf")
    model = TransformerModel(path)
    assert read_writing_rules(path, model.config).ends == {1}
    ids = [0, 70, 71]
    for number in continued(model, ids, 12, WritingRules(0, frozenset())).ids:
        (state,) = encode(model, [Inputs(np.array(ids), np.zeros(len(ids), dtype=int))])
        assert number == model.head.logits(state.contextual[-1:]).argmax()
        ids.append(number)
