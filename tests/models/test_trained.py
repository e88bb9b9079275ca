"""Model files: the same bytes, read back whole, and refused when damaged or hostile."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save

from attncli.attention.parameters import Architecture, initial_parameters
from attncli.errors import AttnError, DataError, InputError, LimitError
from attncli.models.trained import (
    TrainedModel,
    load_model,
    model_bytes,
    parse_model,
)
from attncli.models.trained_vectors import require_vectors
from attncli.results.facts import VectorsInfo

VECTORS = VectorsInfo("six", 4, 6, "ab" * 32)


def small(readout="target") -> TrainedModel:
    """A small model with every kind of fact."""
    architecture = Architecture(
        4,
        2,
        n_heads=2,
        d_k=3,
        d_v=5,
        committee=2,
        readout=readout,
        positions="relative",
        reach=1,
        landmarks=3,
    )
    rng = np.random.default_rng(0)
    parameters = initial_parameters(architecture, rng)
    parameters.fixed = {
        name: rng.standard_normal(shape, dtype=np.float32)
        for name, shape in architecture.fixed_shapes().items()
    }
    reading = {"tokenizer": "words", "oov": "zero", "seed": 0}
    return TrainedModel(
        architecture, parameters, ("money", "बैंक"), VECTORS, reading, ("bank",), {"epochs": 3}
    )


CONTENT = model_bytes(small())


def test_a_model_is_read_back_whole(tmp_path: Path):
    """What is read equals what was written: numbers bit for bit, facts, labels."""
    path = tmp_path / "m.safetensors"
    path.write_bytes(CONTENT)
    found, given_model = load_model(path), small()
    assert found.parameters.flat.tobytes() == given_model.parameters.flat.tobytes()
    for name, part in given_model.parameters.fixed.items():
        assert found.parameters.fixed[name].tobytes() == part.tobytes()
    assert found.architecture == given_model.architecture
    assert found.labels == given_model.labels
    assert (found.vectors, found.reading, found.targets) == (
        VECTORS,
        given_model.reading,
        ("bank",),
    )
    assert found.name == "m"


def test_the_same_model_gives_the_same_bytes():
    """A model file depends on the model only."""
    assert all(model_bytes(small()) == CONTENT for _ in range(5))


@given(st.integers(0, len(CONTENT) - 1))
def test_a_cut_file_is_refused(length):
    """A file cut anywhere is a DataError."""
    with pytest.raises(DataError):
        parse_model(CONTENT[:length], "m", "m")


@given(st.integers(0, len(CONTENT) - 1), st.integers(1, 255))
def test_a_changed_byte_is_a_model_or_a_data_error(place, change):
    """A damaged byte never ends in anything but a checked model or an AttnError."""
    damaged = bytearray(CONTENT)
    damaged[place] ^= change
    try:
        found = parse_model(bytes(damaged), "m", "m")
    except AttnError:
        return
    assert np.isfinite(found.parameters.flat).all()


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(content):
    """What is no model file is a DataError."""
    with pytest.raises(DataError):
        parse_model(content, "m", "m")


def test_a_pickle_is_never_opened(tmp_path: Path):
    """A pickle under a model's name runs nothing and is refused."""
    trap = tmp_path / "trap"

    class Trap:
        def __reduce__(self):
            return Path.touch, (trap,)

    path = tmp_path / "m.safetensors"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(DataError):
        load_model(path)
    assert not trap.exists()


def changed(**facts) -> bytes:
    """The small model's file with other facts."""
    length = int.from_bytes(CONTENT[:8], "little")
    told = json.loads(json.loads(CONTENT[8 : 8 + length])["__metadata__"]["attn"])
    told.update(facts)
    return save(load(CONTENT), {"attn": json.dumps(told)})


@pytest.mark.parametrize(
    "facts",
    [
        {"format": 2},
        {"labels": ["one"]},
        {"labels": [1, 2]},
        {"labels": "ab"},
        {"vectors": {"name": "six", "dim": 5}},
        {"vectors": {"name": "six", "dim": 10**9}},
        {"vectors": None},
        {"architecture": {}},
        {"architecture": {"d_model": 4, "n_labels": 2, "n_heads": 10**9}},
        {"reading": []},
        {"targets": [None]},
    ],
)
def test_facts_that_contradict_are_refused(facts):
    """A description that is damaged, too large or at odds with the matrices is a DataError."""
    with pytest.raises(DataError):
        parse_model(changed(**facts), "m", "m")


def test_sizes_beyond_reason_are_refused_before_memory_is_asked_for():
    """An architecture of huge sizes is refused by what the file holds."""
    length = int.from_bytes(CONTENT[:8], "little")
    told = json.loads(json.loads(CONTENT[8 : 8 + length])["__metadata__"]["attn"])
    for name in ("n_heads", "d_k", "d_v", "committee", "reach", "max_positions"):
        architecture = {**told["architecture"], name: 999_999}
        if name == "max_positions":
            architecture["positions"] = "learned"
        with pytest.raises(DataError):
            parse_model(changed(architecture=architecture), "m", "m")


def test_numbers_that_are_not_finite_are_refused():
    """NaN in a matrix is a DataError."""
    model = small()
    model.parameters["W_q"][0, 0, 0] = np.nan
    with pytest.raises(DataError, match="not finite"):
        parse_model(model_bytes(model), "m", "m")


def test_a_safetensors_file_of_others_is_refused():
    """A checkpoint of another program is named as such."""
    with pytest.raises(DataError, match="no model of attn"):
        parse_model(save({"weight": np.zeros(3, dtype=np.float32)}), "m", "m")


def test_a_missing_file_cannot_be_opened(tmp_path: Path):
    """No file, or a folder, is an InputError."""
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(InputError):
            load_model(path)


@pytest.mark.parametrize(
    "other",
    [
        VectorsInfo("six", 5, 6, "ab" * 32),
        VectorsInfo("six", 4, 6, "cd" * 32),
        VectorsInfo("other", 4, None, None),
    ],
)
def test_other_vectors_are_refused(other):
    """A model works with the vectors it was trained on, by dimension, content or name."""
    with pytest.raises(DataError, match="was trained on"):
        require_vectors(small(), other)


def test_the_same_vectors_under_another_name_are_taken():
    """Content counts, not the name."""
    require_vectors(small(), VECTORS._replace(name="renamed"))
    require_vectors(small(), VECTORS._replace(sha256=None))


def described(change, tensors=None):
    """The content of the small model with other facts, or with other tensors."""
    facts = json.loads(_metadata(CONTENT)["attn"])
    change(facts)
    return save(load(CONTENT) if tensors is None else tensors, {"attn": json.dumps(facts)})


def _metadata(content):
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length])["__metadata__"]


def test_a_label_that_is_there_twice_is_refused():
    """Its probabilities would overwrite each other."""
    content = described(lambda facts: facts.update(labels=["money", "money"]))
    with pytest.raises(DataError, match="twice"):
        parse_model(content, "m", "m")


@pytest.mark.parametrize("dtype", ["BF16", "F16", "I32", "F8_E4M3"])
def test_numbers_of_another_type_are_named(dtype):
    """A matrix that is no float32 is said with its name and its type."""
    length = int.from_bytes(CONTENT[:8], "little")
    header = json.loads(CONTENT[8 : 8 + length])
    for name in header.keys() - {"__metadata__"}:  # the same bytes, as more numbers
        shape = [*header[name]["shape"], {"I32": 1, "F8_E4M3": 4}.get(dtype, 2)]
        header[name].update(dtype=dtype, shape=shape)
    raw = json.dumps(header).encode()
    with pytest.raises(DataError, match=f"is of the type {dtype}, expected F32"):
        parse_model(len(raw).to_bytes(8, "little") + raw + CONTENT[8 + length :], "m", "m")


@pytest.mark.parametrize(
    "told",
    [
        {"held_out_accuracy": "much", "held_out": [1], "examples": "\x1b[31m", "best_epoch": 1e400},
        {"held_out_accuracy": float("nan"), "held_out": None, "examples": -1},
        {"held_out_accuracy": True},
    ],
)
def test_facts_of_any_kind_are_shown_or_unknown(attn, tmp_path, told):
    """What a file says of its training is never a crash, and the JSON is JSON."""
    content = described(lambda facts: facts.update(training=told))
    (tmp_path / "m.safetensors").write_bytes(content)
    shown = attn("model", "info", "m.safetensors")
    assert (shown.code, shown.err) == (0, b"")
    assert b"\x1b" not in shown.out
    printed = attn("model", "info", "m.safetensors", "--json")
    assert printed.code == 0

    def refuse(constant):
        raise AssertionError(constant)

    json.loads(printed.out, parse_constant=refuse)


@pytest.mark.parametrize("seed", [float("inf"), float("nan"), "x", None, [1]])
def test_a_seed_that_is_none_is_an_error(attn, tmp_path, seed):
    """The reading of a model is checked before it is used."""
    content = described(lambda facts: facts["reading"].update(seed=seed))
    (tmp_path / "m.safetensors").write_bytes(content)
    ended = attn("explain", "money bank", "--model", "m.safetensors", "--inline", "money=1,0,0,0")
    assert ended.code == 5, ended.err


def test_fitted_weights_take_the_memory_they_need():
    """Their values are the embeddings themselves, of which one identity is enough."""
    sizes = {"n_labels": 0, "d_k": 1, "d_v": 1, "readout": "weights"}
    wide = Architecture(5000, n_heads=8, **sizes)
    with pytest.raises(LimitError, match="too large"):
        parse_model(fitted(wide), "m", "m")
    model = parse_model(fitted(Architecture(50, n_heads=3, **sizes)), "m", "m")
    values = model.projections.W_v
    assert values.shape == (3, 50, 50)
    assert values.strides[0] == 0


def fitted(architecture):
    """A file of fitted weights of these sizes."""
    parameters = initial_parameters(architecture, np.random.default_rng(0))
    vectors = VectorsInfo("wide", architecture.d_model, 6, "ab" * 32)
    return model_bytes(TrainedModel(architecture, parameters, (), vectors))
