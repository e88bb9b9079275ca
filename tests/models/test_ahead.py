"""Layers that a thread unpacks ahead: the same numbers and faults, no thread left, little memory."""

import multiprocessing
import os
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.gguf_files import write_gguf

from attncli.errors import DataError
from attncli.models import ahead
from attncli.models.forward import Inputs, Wanted, encode
from attncli.models.model import TransformerModel

pytest.importorskip("gguf")

IDS = np.arange(20)


@pytest.fixture
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """The state in which a layer is unpacked ahead."""
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    if not (ahead.may_share_rows() and ahead._has_free_processor()):
        pytest.skip("needs OpenBLAS, and two processors")


def written(path: Path, *, n_layers: int = 4, width: int = 64, inner: int = 96) -> Path:
    """A llama of random numbers in Q4_0; every layer has other numbers."""
    config = {
        "hidden_size": width, "num_attention_heads": 4, "num_key_value_heads": 4,
        "num_hidden_layers": n_layers, "intermediate_size": inner,
        "max_position_embeddings": 64, "rms_norm_eps": 1e-5,
    }  # fmt: skip
    rng = np.random.default_rng(3)
    shapes = {"attn_q": (width, width), "attn_k": (width, width), "attn_v": (width, width),
              "attn_output": (width, width), "ffn_gate": (inner, width), "ffn_up": (inner, width),
              "ffn_down": (width, inner), "attn_norm": (width,), "ffn_norm": (width,)}  # fmt: skip
    tensors = {
        f"blk.{layer}.{name}.weight": (rng.standard_normal(shape) / 8).astype(np.float32)
        for layer in range(n_layers)
        for name, shape in shapes.items()
    }
    tensors["token_embd.weight"] = rng.standard_normal((40, width)).astype(np.float32)
    tensors["output_norm.weight"] = np.ones(width, np.float32)
    write_gguf(path, "llama", config, tensors, choose=lambda *_: "Q4_0")
    return path


def states(model: TransformerModel, **wanted: Any) -> Any:
    """What the model makes of one sentence."""
    (found,) = encode(model, [Inputs(IDS, np.zeros_like(IDS))], Wanted(**wanted))
    return found


def alone(path: Path) -> bytes:
    """The states of a process that may use one processor, and so has no thread."""
    script = (
        "import os, sys; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from pathlib import Path\n"
        "from models.test_ahead import TransformerModel, states\n"
        "found = states(TransformerModel(Path(sys.argv[1])), hidden_states=True)\n"
        "sys.stdout.buffer.write(found.hidden_states.tobytes() + found.weights.tobytes())\n"
    )
    line = [sys.executable, "-c", script, str(path)]
    search = os.pathsep.join([str(Path(__file__).parent.parent), *filter(None, sys.path)])
    env = {**os.environ, "PYTHONPATH": search, "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(line, env=env, stdout=subprocess.PIPE, check=True).stdout


def threads_in(path: Path) -> int:
    """How many threads there are more while a layer computes."""
    before, seen = threading.active_count(), []
    states(
        TransformerModel(path),
        weights=True,
        listener=lambda *_: seen.append(threading.active_count() - before),
    )
    return max(seen)


@pytest.mark.usefixtures("two_processors")
def test_the_numbers_are_those_without_a_thread(tmp_path):
    """States and weights of every layer are to the bit those of a process with one processor."""
    path = written(tmp_path / "m.gguf")
    found = states(TransformerModel(path), hidden_states=True)
    assert found.hidden_states.tobytes() + found.weights.tobytes() == alone(path)


@pytest.mark.usefixtures("two_processors")
def test_one_thread_unpacks_and_is_gone_afterwards(tmp_path):
    """While layers compute there is one thread more, after the last none."""
    before = threading.active_count()
    assert threads_in(written(tmp_path / "m.gguf")) == 1
    assert threading.active_count() == before


@pytest.mark.usefixtures("two_processors")
@pytest.mark.parametrize("fault", [KeyboardInterrupt, MemoryError, DataError("x")])
def test_no_thread_is_left_where_a_pass_ends_early(tmp_path, fault):
    """Ctrl-C, a lack of memory or an error in the middle of a layer ends the thread too."""
    model, before = TransformerModel(written(tmp_path / "m.gguf")), threading.active_count()

    def stop(sentence: int, layer: int, weights: np.ndarray) -> None:
        if layer == 1:
            raise fault

    with pytest.raises(fault if isinstance(fault, type) else type(fault)):
        states(model, listener=stop)
    assert threading.active_count() == before


@pytest.mark.usefixtures("two_processors")
@pytest.mark.parametrize("layer", [0, 1, 3])
def test_a_fault_of_a_layer_comes_when_it_is_its_turn(tmp_path, layer):
    """A number that is not finite is named as without a thread, after all layers before it computed."""
    path = written(tmp_path / "m.gguf")
    model, before = TransformerModel(path), threading.active_count()
    (file,) = model.checkpoint.files
    tensor = file.entries[f"model.layers.{layer}.mlp.up_proj.weight"].tensor
    raw = bytearray(path.read_bytes())
    raw[tensor.start : tensor.start + 2] = b"\x00\x7c"  # an infinite scale
    path.write_bytes(raw)
    computed: list[int] = []
    named = rf'm\.gguf: "model\.layers\.{layer}\.mlp\.up_proj\.weight": value 1 is not finite'
    with pytest.raises(DataError, match=named) as fault:
        states(TransformerModel(path), listener=lambda _, at, weights: computed.append(at))
    assert computed == list(range(layer))
    assert fault.value.exit_code == DataError.exit_code
    assert threading.active_count() == before


@pytest.mark.usefixtures("two_processors")
def test_two_small_layers_are_unpacked_at_a_time_and_of_large_ones_one(tmp_path):
    """Beyond 64 MB a layer waits for its turn: memory stays within 1.5 × the layer."""
    small = written(tmp_path / "small.gguf", width=256, inner=1024)
    large = written(tmp_path / "large.gguf", n_layers=2, width=1024, inner=4608)
    peaks: dict[Path, float] = {}
    for path in (small, large):
        model = TransformerModel(path)
        of_layer = model.unpacked_bytes(0)
        tracemalloc.start()
        states(model)
        peaks[path] = tracemalloc.get_traced_memory()[1] / of_layer
        tracemalloc.stop()
    assert model.unpacked_bytes(0) > ahead._LARGEST_AHEAD
    assert threads_in(large) == 0
    assert peaks[large] < 1.5
    assert peaks[small] < 3, peaks  # with what unpacking makes on the way


@pytest.mark.usefixtures("two_processors")
def test_without_a_thread_of_the_system_layers_wait_for_their_turn(tmp_path):
    """Where no thread can be started the numbers come all the same."""
    path = written(tmp_path / "m.gguf")
    expected = states(TransformerModel(path)).weights
    usual = threading.stack_size(1 << 46)  # bytes, more than any address space has
    try:
        assert threads_in(path) == 0
        found = states(TransformerModel(path)).weights
    finally:
        threading.stack_size(usual)
    assert found.tobytes() == expected.tobytes()


@pytest.mark.usefixtures("two_processors")
def test_a_process_of_several_leaves_the_processors_to_the_others():
    """The worker of a batch unpacks for itself; the process that started it may use a thread."""
    assert ahead._has_free_processor()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert not pool.apply(ahead._has_free_processor)
