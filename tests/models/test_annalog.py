"""A real encoder–decoder: ANNalog copies molecules, and one head of it looks at what is copied next.

Its layers are those of Marian, its positions are learned. Of the package only the file of weights
and the list of symbols are read; the weights through torch's loader of plain tensors, the list
without unpickling, and nothing of it is imported or run.
"""

import importlib.util
import json
import pickletools
import re
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from attncli.models.encoder_decoder import decode
from attncli.models.forward import Inputs, encode
from attncli.models.model import TransformerModel
from attncli.models.translating import translate

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
CAFFEINE = "Cn1cnc2c1c(=O)n(C)c(=O)n2C"
SYMBOL = re.compile(r"\[[^]]+]|Br|Cl|.")
CONFIG = {
    "model_type": "marian", "vocab_size": 59, "d_model": 256, "encoder_layers": 3, "decoder_layers": 3,
    "encoder_attention_heads": 8, "decoder_attention_heads": 8, "encoder_ffn_dim": 512,
    "decoder_ffn_dim": 512, "activation_function": "relu", "max_position_embeddings": 102,
    "scale_embedding": True, "share_encoder_decoder_embeddings": False, "tie_word_embeddings": False,
    "pad_token_id": 1, "bos_token_id": 2, "decoder_start_token_id": 2, "eos_token_id": 3,
    "forced_eos_token_id": None, "architectures": ["MarianMTModel"],
}  # fmt: skip
NAMES = (
    ("self_attention.", "self_attn."), ("encoder_attention.", "encoder_attn."),
    ("enc_attn_layer_norm", "encoder_attn_layer_norm"), ("ff_layer_norm", "final_layer_norm"),
    ("positionwise_feedforward.fc_", "fc"), ("fc_o.", "out_proj."),
    ("fc_q.", "q_proj."), ("fc_k.", "k_proj."), ("fc_v.", "v_proj."), ("tok_embedding", "embed_tokens"),
)  # fmt: skip


def package() -> Path:
    """The folder of the package, found and not imported; without it the test is skipped."""
    spec = importlib.util.find_spec("annalog")
    if spec is None or spec.origin is None:
        pytest.skip("could not import 'annalog' (pip install --no-deps annalog==1.0.6)")
    return Path(spec.origin).parent / "ckpt_and_vocab"


class Annalog:
    """The model as attn reads it and as transformers does, with its symbols."""

    def __init__(self, folder: Path) -> None:
        source = package()
        self.symbols = _symbols(source / "stereo_experiment_vocab_ttf.pkl")
        stored = torch.load(source / "Lev_extended.pt", map_location="cpu", weights_only=True)
        arrays = {name: value.numpy() for name, value in stored.items()}
        places = [arrays.pop(f"{side}.pos_embedding.weight") for side in ("encoder", "decoder")]
        tensors = {
            "lm_head.weight": arrays.pop("decoder.fc_out.weight"),
            "final_logits_bias": arrays.pop("decoder.fc_out.bias")[None],
        }
        tensors |= {f"model.{_renamed(name)}": array for name, array in arrays.items()}
        save_file(tensors, folder / "model.safetensors", {"format": "pt"})
        (folder / "config.json").write_text(json.dumps(CONFIG), "utf-8")
        self.ours = TransformerModel(folder)
        for tensors_of_side, table in zip(
            (self.ours.tensors, self.ours.decoder), places, strict=True
        ):
            vars(tensors_of_side)["_waves"] = table  # learned, where Marian's are computed
        self.theirs = transformers.MarianMTModel.from_pretrained(
            folder, attn_implementation="eager"
        ).eval()
        sides = (self.theirs.model.encoder, self.theirs.model.decoder)
        for side, table in zip(sides, places, strict=True):
            side.embed_positions.weight.data = torch.tensor(table)

    def ids(self, molecule: str) -> list[int]:
        """<sos>, the symbols, <eos>."""
        return [2, *map(self.symbols.index, SYMBOL.findall(molecule)), 3]

    def encoded(self, ids: list[int]) -> Any:
        """The last hidden state of the encoder."""
        inputs = Inputs(np.array(ids), np.zeros(len(ids), dtype=int))
        return encode(self.ours, [inputs])[0].contextual


def _symbols(path: Path) -> list[str]:
    """The list under "itos" in a pickle, read as a stream of codes; none of them is followed."""
    texts = [
        text for code, text, _ in pickletools.genops(path.read_bytes()) if "UNICODE" in code.name
    ]
    return list(
        takewhile(lambda text: text != "stoi", dropwhile(lambda text: text != "<unk>", texts))
    )


def _renamed(name: str) -> str:
    for old, new in NAMES:
        name = name.replace(old, new)
    return name


@pytest.fixture(scope="module")
def annalog(tmp_path_factory: pytest.TempPathFactory) -> Annalog:
    """The model of the package."""
    return Annalog(tmp_path_factory.mktemp("annalog"))


def test_it_copies_molecules_as_transformers_does(annalog: Annalog) -> None:
    """Aspirin symbol by symbol, to its end; of caffeine what transformers writes."""
    assert len(annalog.symbols) == 59
    for molecule in (ASPIRIN, CAFFEINE):
        ids = annalog.ids(molecule)
        written = translate(annalog.ours, annalog.encoded(ids), 60)
        with torch.no_grad():
            expected = annalog.theirs.generate(
                torch.tensor([ids]),
                attention_mask=torch.ones(1, len(ids), dtype=torch.long),
                do_sample=False,
                num_beams=1,
                max_new_tokens=60,
            )[0].tolist()
        assert [2, *written.ids, 3] == expected
        assert written.has_ended
        if molecule == ASPIRIN:
            assert "".join(annalog.symbols[one] for one in written.ids) == ASPIRIN


def test_one_head_looks_at_what_is_copied_next(annalog: Annalog) -> None:
    """Layer 2, head 2 of the last of three: in 95 of 100 rows the next symbol has most of its weight."""
    ids = annalog.ids(ASPIRIN)
    tensors, config = annalog.ours.decoder, annalog.ours.config.target
    assert tensors is not None
    assert config is not None
    decoded = decode(tensors, config, np.array(ids[:-1]), annalog.encoded(ids))
    with torch.no_grad():
        expected = annalog.theirs(
            input_ids=torch.tensor([ids]),
            decoder_input_ids=torch.tensor([ids[:-1]]),
            output_attentions=True,
        )
    theirs = np.stack([layer[0].numpy() for layer in expected.cross_attentions])
    assert np.abs(decoded.cross - theirs).max() <= 5e-5  # its scores are large
    aligned = decoded.cross.argmax(axis=-1) == np.arange(1, len(ids))  # (n_layers, n_heads, n_q)
    share = aligned.mean(axis=-1)
    assert share[2, 2] >= 0.95
    assert share.argmax() == 2 * 8 + 2
