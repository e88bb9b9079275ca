"""Damaged and lying files of results: a reason for each, no signal, no memory for a mere claim."""

import gzip
import io
import json
import os
import random
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from attncli.errors import AttnError, DataError, LimitError
from attncli.matrices.build import result_from_arrays
from attncli.matrices.reading import read_saved
from attncli.views.files import write_results

ROOT = Path(__file__).parents[2]
SUFFIXES = ("arrow", "parquet", "npz", "csv", "jsonl")
CSV = "line,head,query,key,weight,layer,query_word,key_word,error\n"

# Reads the file once for each flipped bit; what is no AttnError, and any cause it hides, is printed.
_FLIPS = """
import io, sys
from attncli.errors import AttnError
from attncli.matrices.reading import read_saved
data = bytearray(open(sys.argv[1], "rb").read())
for at in range(int(sys.argv[2]), 8 * len(data), int(sys.argv[3])):
    data[at // 8] ^= 1 << at % 8
    try:
        list(read_saved(io.BytesIO(bytes(data)), "x"))
    except AttnError as error:
        if error.exit_code == 1 or error.__cause__ is not None:
            print(at, repr(error), repr(error.__cause__))
    data[at // 8] ^= 1 << at % 8
"""


def read(data: bytes, name: str = "x", **options: Any) -> list[Any]:
    """All outcomes of these bytes."""
    return list(read_saved(io.BytesIO(data), name, **options))


@pytest.fixture(scope="module")
def batches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One sentence in every format of batch."""
    pytest.importorskip("pyarrow")
    folder = tmp_path_factory.mktemp("batches")
    (folder / "s.txt").write_text("money bank grows\n")
    for suffix in SUFFIXES:
        options = ["--vectors", "random", "--dim", "4", "-q"]
        command = [sys.executable, "-m", "attncli", "batch", "s.txt", "-o", f"a.{suffix}"]
        subprocess.run([*command, *options], cwd=folder, check=True)
    weights = np.random.default_rng(0).dirichlet(np.ones(3), (2, 3)).astype(np.float32)
    result = result_from_arrays(weights, ["money", "bank", "grows"])
    for suffix in ("npz", "csv"):
        write_results(str(folder / f"a.explain.{suffix}"), [result, result])
    np.save(folder / "a.npy", weights)
    save_file({"layer.0": weights[:1], "layer.1": weights[1:]}, folder / "a.safetensors")
    return folder


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_flipped_bit_ends_the_interpreter(batches: Path, suffix: str) -> None:
    """Each 97th bit flipped alone, in a process of its own: only errors of ours (ATTN_FLIPS=1: each)."""
    step = int(os.environ.get("ATTN_FLIPS", "97"))
    first = str(random.Random(suffix).randrange(step))
    run = [sys.executable, "-c", _FLIPS, str(batches / f"a.{suffix}"), first, str(step)]
    ended = subprocess.run(
        run, cwd=ROOT, capture_output=True, text=True, timeout=30_000 / step, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr


@pytest.mark.parametrize("suffix", [*SUFFIXES, "explain.npz", "explain.csv", "npy", "safetensors"])
def test_any_damage_gives_a_result_or_a_reason(batches: Path, suffix: str) -> None:
    """Bits, bytes, numbers and pieces changed: ATTN_FUZZ=20000 tries more, ATTN_FUZZ_SEED others."""
    count, seed = os.environ.get("ATTN_FUZZ", "150"), os.environ.get("ATTN_FUZZ_SEED", "0")
    script = Path(__file__).with_name("damage.py")
    run = [sys.executable, str(script), str(batches / f"a.{suffix}"), seed, count]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(run, env=env, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr


@pytest.mark.parametrize(
    "row",
    [
        "1,0,-1,0,0.5,0,a,a,",
        "1,0,0,-1,0.5,0,a,a,",
        f"1,0,{'9' * 5000},0,0.5,0,a,a,",
        "1,0,20000,0,0.5,0,a,a,",
        "1,0,0,30000,0.5,0,a,a,",
        "1,0,0,0,nan,0,a,a,",
        "1,0,0,0,x,0,a,a,",
        "1,0,0,0",
        '1,0,0,0,0.5,0,"a,a,',
    ],
)
def test_places_of_long_csv_are_checked(row: str) -> None:
    """None is negative, none makes a matrix larger than its rows."""
    with pytest.raises(DataError):
        read((CSV + row + "\n").encode())


def test_a_layer_in_long_csv_is_a_name() -> None:
    """A number that is large makes no layers besides those whose rows are there."""
    (result,) = read((CSV + "1,7,0,0,1.0,300000,a,a,\n").encode())
    assert result.weights.shape == (1, 1, 1, 1)
    assert result.selection == {"layers": [300000], "heads": [7]}


@pytest.mark.parametrize("keys", [[[[[-1]]]], [[[[1]]]], [[[[2**70]]]], [[[[0.5]]]], [[[["a"]]]]])
def test_keys_of_top_are_places(keys: list[Any]) -> None:
    """Negative, too large, and what is no number at all are refused."""
    record = {"type": "result", "schema": "1.0", "top": {"keys": keys, "weights": [[[[1.0]]]]}}
    with pytest.raises(DataError):
        read(json.dumps(record).encode())


def test_a_few_numbers_make_no_large_matrix() -> None:
    """The strongest key of each of 40,000 words is refused before a matrix of them is made."""
    top = {"keys": [[[[0]] * 40_000]], "weights": [[[[1]] * 40_000]]}
    record = {"type": "result", "schema": "1.0", "top": top}
    with pytest.raises(LimitError):
        read(json.dumps(record).encode())


def npz(**members: bytes) -> bytes:
    """A .npz of these bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return out.getvalue()


def npy(array: Any) -> bytes:
    """The bytes of a .npy file."""
    out = io.BytesIO()
    np.save(out, np.array(array))
    return out.getvalue()


def npy_of(header: str, data: bytes = b"") -> bytes:
    """A .npy file with this header."""
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


@pytest.mark.parametrize("name", ["query", "value"])
def test_arrays_by_head_are_of_as_many_heads(name: str) -> None:
    """A record whose query, or whose values, are of fewer heads than its weights is refused."""
    weights = np.full((2, 2, 1, 1), 1.0).tolist()
    record = {"type": "result", "schema": "1.0", "weights": weights, name: [[[[1.0]]]]}
    with pytest.raises(DataError, match="layers and heads"):
        read(json.dumps(record).encode())


HEADER = "{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}\n"


@pytest.mark.parametrize(
    "data",
    [
        npz(a=b"no array"),
        npz(a=npy_of("{'descr': '<f4'")),
        npz(a=npy_of(HEADER.format("<f4", "(1000000, 1000000)"))),
        npz(a=npy_of(HEADER.format("<U0", "(1000000000000,)"))),
        npz(a=npy_of(HEADER.format("<f4", "(0, 1000000000000000000)"))),
        npz(record=npy("[" * 5000)),
        npz(record=npy("[1]")),
        npz(record=npy("no json")),
        npz(record=npy_of(HEADER.format("<U1", "()"), b"\xff\xff\xff\xff")),
        npz(weights=npy([[1.0]]), tokens=npy_of(HEADER.format("<U1", "(1,)"), b"\xff" * 4)),
        npz(**dict.fromkeys(("layout", "n_tokens", "tokens_utf8", "tokens_bytes"), npy([1]))),
        npy_of(HEADER.format("<f4", "(1000000, 1000000)")),
        b"\x00" * 100,
    ],
)  # fmt: skip
def test_lying_arrays_are_refused(data: bytes) -> None:
    """A size is a claim, a record has to be an object, text has to be text."""
    with pytest.raises(DataError) as caught:
        read(data)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "change",
    [
        {"selection": [1]},
        {"selection": {"layers": "0"}},
        {"selection": {"hidden": [1]}},
        {"model": {"name": "m", "label": "a", "probabilities": {"a": "high"}}},
        {"model": {"name": "m", "label": "a", "probabilities": [1]}},
        {"measures": [1]},
        {"unknown": [1]},
        {"segments": "ab"},
    ],
)
def test_every_part_of_a_record_has_its_kind(change: dict[str, Any]) -> None:
    """What views count on is checked where it is read."""
    record = {"type": "result", "schema": "1.0", "weights": [[[[1.0]]]], **change}
    with pytest.raises(DataError):
        read(json.dumps(record).encode())


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity"])
def test_no_number_of_a_record_is_infinite(number: str) -> None:
    """Also one that no view computes with: what is written of it would be no JSON."""
    record = (
        '{"type": "result", "schema": "1.0", "weights": [[[[1.0]]]], "attention": {"scale": #}}'
    )
    with pytest.raises(DataError):
        read(record.replace("#", number).encode())
    whole = npz(weights=npy(np.ones((1, 1, 1, 1))), record=npy(record.replace("#", number)))
    with pytest.raises(DataError):
        read(whole)


def test_packed_results_are_read(batches: Path) -> None:
    """A text format packed is what it is unpacked, and a bomb is refused."""
    for suffix in ("jsonl", "csv"):
        data = (batches / f"a.{suffix}").read_bytes()
        half = len(data) // 2
        packed = gzip.compress(data[:half]) + gzip.compress(data[half:])
        assert read(packed, f"a.{suffix}.gz") == read(data, f"a.{suffix}")
    with pytest.raises(DataError, match="ends early"):
        read(gzip.compress(b"[[1.0]]")[:-6])
    with pytest.raises(LimitError, match="bomb"):
        read(gzip.compress(bytes(2**26)))


def test_a_bomb_of_arrow_is_refused_before_it_unpacks() -> None:
    """A compressed batch is not unpacked when it says that it is far larger than the file."""
    pyarrow = pytest.importorskip("pyarrow")
    column = pyarrow.array([np.zeros(2**24, np.float32)])
    table = pyarrow.table({"type": ["result"], "weights": column})
    out = io.BytesIO()
    options = pyarrow.ipc.IpcWriteOptions(compression="zstd")
    with pyarrow.ipc.new_file(out, table.schema, options=options) as writer:
        writer.write_table(table)
    with pytest.raises(LimitError, match="bomb"):
        read(out.getvalue())
    out = io.BytesIO()
    with pyarrow.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(AttnError, match="axes"):  # not compressed: no bomb, and no matrix
        read(out.getvalue())


def test_text_in_utf_16_is_read() -> None:
    """What PowerShell redirects to a file has a mark of UTF-16 and is the same text."""
    text = '{"weights": [[1.0]], "tokens": ["é"]}\r\n'
    for codec in ("utf-16", "utf-16-le", "utf-16-be"):
        mark = b"" if codec == "utf-16" else "\ufeff".encode(codec)
        (result,) = read(mark + text.encode(codec))
        assert result.words == ["é"]


@pytest.mark.parametrize(
    "text",
    [b"[" + b"[]," * 3_000_000 + b"[]]", b"0.5," * 2_000_000 + b"0.5\n"],
    ids=["lists", "cells"],
)
def test_a_bomb_of_text_is_refused_before_it_is_parsed(text: bytes) -> None:
    """Text of a few kilobytes is not read into objects that take thirty times its unpacked size."""
    with pytest.raises(LimitError, match="bomb"):
        read(gzip.compress(text))
