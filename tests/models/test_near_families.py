"""A family that is not read here is refused by its name, whatever its tensors are called."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from models.gguf_files import write_tiny

from attncli.errors import DataError
from attncli.models.families.reading import config_of, model_types
from attncli.models.gguf.architectures import ARCHITECTURES
from attncli.models.model import TransformerModel
from attncli.models.near_families import need_of

# model_type: a family whose tensors have the same names or nearly, and a word of what it would need.
FOLDERS = {
    "longt5": ("t5", "blocks"),
    "switch_transformers": ("t5", "experts"),
    "pegasus": ("bart", "norm before"),
    "mbart": ("bart", "norm before"),
    "m2m_100": ("bart", "norm before"),
    "nllb-moe": ("bart", "experts"),
    "blenderbot": ("bart", "norm before"),
    "blenderbot-small": ("bart", "row 0"),
    "led": ("bart", "see all"),
    "longformer": ("bert", "see all"),
    "big_bird": ("bert", "random blocks"),
    "xlnet": ("bert", "two streams"),
    "deberta": ("bert", "apart"),
    "deberta-v2": ("bert", "apart"),
    "albert": ("bert", "again"),
    "electra": ("bert", "width"),
    "mpnet": ("bert", "distances"),
    "xlm-roberta-xl": ("bert", "norms before"),
    "nomic_bert": ("bert", "rope"),
    "mixtral": ("llama", "experts"),
    "qwen2_moe": ("llama", "experts"),
    "qwen3_moe": ("llama", "experts"),
    "olmoe": ("llama", "experts"),
    "gpt_oss": ("llama", "sink"),
    "deepseek_v3": ("llama", "experts"),
    "llama4": ("llama", "chunks"),
    "llama4_text": ("llama", "chunks"),
    "mamba": ("llama", "states"),
    "mamba2": ("llama", "states"),
    "jamba": ("llama", "states"),
    "qwen3_next": ("llama", "states"),
    "lfm2": ("llama", "states"),
    "phi": ("llama", "side by side"),
    "gptj": ("llama", "side by side"),
    "gpt_neox": ("llama", "side by side"),
    "falcon": ("llama", "side by side"),
    "cohere": ("llama", "neighbors"),
    "cohere2": ("llama", "neighbors"),
    "bloom": ("llama", "ALiBi"),
    "mpt": ("llama", "ALiBi"),
    "gpt_neo": ("llama", "windows"),
    "opt": ("llama", "row 2"),
    "stablelm": ("llama", "norms"),
    "starcoder2": ("llama", "norms"),
    "gemma": ("llama", "scaled"),
    "qwen": ("llama", "one matrix"),
    "gemma3n": ("llama", "streams"),
    "gemma4": ("llama", "two widths"),
    "granite": ("llama", "factors"),
    "olmo": ("llama", "norms"),
    "olmo3": ("llama", "windows"),
}
FILES = {
    "llama4": "chunks",
    "qwen2moe": "experts",
    "qwen3moe": "experts",
    "gpt-oss": "sink",
    "deepseek2": "experts",
    "mamba": "states",
    "jamba": "states",
    "qwen3next": "states",
    "phi2": "side by side",
    "gptj": "side by side",
    "gptneox": "side by side",
    "falcon": "side by side",
    "command-r": "neighbors",
    "cohere2": "neighbors",
    "bloom": "ALiBi",
    "mpt": "ALiBi",
    "jina-bert-v2": "ALiBi",
    "nomic-bert": "rope",
    "stablelm": "norms",
    "starcoder2": "norms",
    "gemma": "scaled",
    "gemma3n": "streams",
    "granite": "factors",
    "olmo": "norms",
}
NOT_COMPUTED = {
    "attention.clamp_kqv": 8.0,
    "attention.max_alibi_bias": 8.0,
    "attention.output_scale": 0.5,
    "attention.scale": 0.5,
    "attention.sliding_window": 4,
    "attention.temperature_length": 16,
    "attention.temperature_scale": 0.1,
    "attn_logit_softcapping": 50.0,
    "embedding_scale": 12.0,
    "final_logit_softcapping": 30.0,
    "logit_scale": 0.25,
    "residual_scale": 0.22,
    "rope.scaling.yarn_log_multiplier": 0.1,
    "use_parallel_residual": True,
    "expert_count": 8,
}


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder of each family that is read and that others resemble."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from models.encoder_decoders import made
    from models.made import write_checkpoint, write_tokenizer
    from models.test_decoders import made as made_decoder

    root = tmp_path_factory.mktemp("twins")
    found = {name: made(root / name, name)[1] for name in ("t5", "bart")}
    found["llama"] = made_decoder(root / "llama", "llama")[1]
    found["bert"] = write_checkpoint(root / "bert", "bert", vocab_size=300)
    for folder in found.values():
        write_tokenizer(folder, "bert")
    return found


@pytest.mark.parametrize("model_type", FOLDERS)
def test_a_folder_of_a_near_family_is_one_line(
    twins: dict[str, Path], tmp_path: Path, command: Callable[..., Any], model_type: str
) -> None:
    """What explains, tells of it and takes its vectors says its name and what it would need."""
    twin, need = FOLDERS[model_type]
    TransformerModel(twins[twin])  # it is read where it says that it is of this family
    folder = tmp_path / "model"
    shutil.copytree(twins[twin], folder)
    keys = json.loads((folder / "config.json").read_text("utf-8"))
    told = {**keys, "model_type": model_type}
    (folder / "config.json").write_text(json.dumps(told), "utf-8")
    for line in (
        ("explain", "money bank", "--model", str(folder)),
        ("model", "info", str(folder)),
        ("explain", "money bank", "--vectors", f"model:{folder}"),
    ):
        is_refused(command(*line), "family", model_type, need)


@pytest.mark.parametrize("architecture", FILES)
def test_a_gguf_file_of_a_near_architecture_is_one_line(
    tmp_path: Path, command: Callable[..., Any], architecture: str
) -> None:
    """Whose tensors and metadata are called as those of a Llama."""
    pytest.importorskip("gguf")
    path = write_tiny(tmp_path / "m.gguf", arch=architecture)
    for line in (
        ("explain", "money bank", "--model", str(path)),
        ("model", "info", str(path)),
        ("explain", "money bank", "--vectors", f"model:{path}"),
    ):
        is_refused(command(*line), "architecture", architecture, FILES[architecture])


def is_refused(ended: Any, kind: str, name: str, need: str) -> None:
    """One line of an error with the name, the need and what is read, and nothing else."""
    assert ended.code == DataError.exit_code
    assert not ended.text.strip()
    (line,) = [one for one in ended.said.splitlines() if f'found the {kind} "{name}"' in one]
    assert need in line
    assert "expected one of" in line


@pytest.mark.parametrize("key", NOT_COMPUTED)
def test_a_key_that_would_change_the_numbers_is_refused(tmp_path: Path, key: str) -> None:
    """Of a file whose architecture is read: factors, clamps, ALiBi, experts."""
    pytest.importorskip("gguf")
    with pytest.raises(DataError, match=key):
        TransformerModel(write_tiny(tmp_path / "m.gguf", more={key: NOT_COMPUTED[key]}))
    same = {key: type(NOT_COMPUTED[key])(0)}
    TransformerModel(write_tiny(tmp_path / "same.gguf", more=same))


@pytest.mark.parametrize(
    ("key", "value", "same"),
    [
        ("rope.scaling.attn_factor", 1.3, 1.0),
        ("rope.scaling.yarn_attn_factor", 1.3, 1.0),
        ("rope.scaling.yarn_ext_factor", 0.0, 1.0),  # 0: linear in spite of its name
        ("attention.sliding_window", 63, 64),  # the longest text
        ("attention.key_length_swa", 4, 8),
        ("attention.value_length_swa", 4, 8),
        ("rope.dimension_count_swa", 4, 8),
        ("hidden_activation", "gelu", "swiglu"),
    ],
)
def test_a_key_that_is_1_or_all_without_effect_is_refused_else(
    tmp_path: Path, key: str, value: float | str, same: float | str
) -> None:
    """Factors of a rope's cosine and sine, the windows of OLMo 3."""
    pytest.importorskip("gguf")
    TransformerModel(write_tiny(tmp_path / "same.gguf", more={key: same}))
    with pytest.raises(DataError, match=key):
        TransformerModel(write_tiny(tmp_path / "m.gguf", more={key: value}))


def test_a_base_of_windows_alone_is_refused(tmp_path: Path) -> None:
    """Of a Gemma 2, all of whose layers turn by one base here."""
    pytest.importorskip("gguf")
    path = write_tiny(tmp_path / "m.gguf", arch="gemma2", more={"rope.freq_base_swa": 500.0})
    with pytest.raises(DataError, match=r"rope\.freq_base_swa is 500, expected 10000"):
        TransformerModel(path)


def test_a_decoder_that_sees_both_ways_is_read_so(tmp_path: Path) -> None:
    """attention.causal is false in files of decoders that were made encoders."""
    pytest.importorskip("gguf")
    both = TransformerModel(write_tiny(tmp_path / "m.gguf", more={"attention.causal": False}))
    assert not both.config.causal
    assert TransformerModel(write_tiny(tmp_path / "n.gguf")).config.causal


def test_a_factor_of_a_rope_without_a_type_is_linear(tmp_path: Path) -> None:
    """As llama.cpp reads it, of the name of the first files too; beside a type it is of that type."""
    pytest.importorskip("gguf")
    turned = []
    for at, more in enumerate(
        (
            {"rope.scaling.factor": 4.0},
            {"rope.scale_linear": 4.0},
            {"rope.scaling.factor": 4.0, "rope.scaling.type": "linear"},
            {"rope.scaling.factor": 4.0, "rope.scaling.type": "none"},
        )
    ):
        model = TransformerModel(write_tiny(tmp_path / f"{at}.gguf", more=more))
        assert model.config.decoder is not None
        rope = model.config.decoder.ropes[0]
        assert rope is not None
        turned.append((rope.kind, rope.factor))
    assert turned == [("linear", 4.0)] * 3 + [("default", 1.0)]


def test_a_long_rope_is_refused_where_its_factors_are_not_read(tmp_path: Path) -> None:
    """Of a llama; of a phi3 its tensors are."""
    pytest.importorskip("gguf")
    path = write_tiny(tmp_path / "m.gguf", more={"rope.scaling.type": "longrope"})
    with pytest.raises(DataError, match="longrope"):
        TransformerModel(path)


def test_no_family_that_is_read_is_said_to_need_more() -> None:
    """A name is read or has a need, not both."""
    for name in [*model_types(), *ARCHITECTURES]:
        assert need_of(name) is None


def test_a_name_that_nobody_knows_is_refused_too() -> None:
    """Without a need, with the families that are read; a file of code is no family."""
    for name in ("made_up", "reading", "__init__"):
        with pytest.raises(DataError, match=f'found the family "{name}", expected one of bart'):
            config_of({"model_type": name}, "config.json")
