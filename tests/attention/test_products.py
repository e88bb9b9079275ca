"""Laws of matrix products: one door, right on this machine, and the same bits in every company."""

import ast
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import child_environment
from models.made import write_model

import attncli
from attncli.attention import products
from attncli.attention.products import (
    blas_name,
    fill_buffers,
    kernel_name,
    require_right_products,
)

PACKAGE = Path(attncli.__file__).parent
LAWS = Path(__file__).with_name("kernel_laws.py")
KERNELS = {
    "x86_64": "Prescott Nehalem Sandybridge Haswell Zen SkylakeX Cooperlake SapphireRapids",
    "aarch64": "ARMV8 CORTEXA57 NEOVERSEN1 NEOVERSEV1 NEOVERSEN2 A64FX ARMV8SVE",
}.get({"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine()), "")
CHOSEN = [name for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE") if name in os.environ]
OTHER_NAMES = {"Katmai": "Prescott"}  # what OpenBLAS calls its kernels for Prescott
THEIRS = ("matmul", "dot", "inner", "vdot", "tensordot", "multi_dot", "vecdot", "matvec", "vecmat")


def test_every_product_goes_through_one_door():
    """No file of the package but products.py multiplies matrices."""
    for path in PACKAGE.rglob("*.py"):
        if path.name == "products.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            place = f"{path.name}:{getattr(node, 'lineno', 0)}"
            operators = (ast.BinOp, ast.AugAssign)
            assert not (isinstance(node, operators) and isinstance(node.op, ast.MatMult)), place
            of_numpy = isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "np"
            assert not (of_numpy and node.attr in THEIRS), place


def test_the_products_of_this_machine_are_right():
    """The check passes where the products are right, and has a name for the BLAS."""
    require_right_products()
    assert blas_name()
    assert kernel_name() or "openblas" not in blas_name()


def test_the_memory_for_products_is_filled_once(monkeypatch):
    """The first model of a process makes one product that no answer needs, all others none."""
    shapes: list[tuple[int, ...]] = []
    real = np.matmul

    def counted(left, right, out=None):
        shapes.append((*np.shape(left), np.shape(right)[-1]))
        return real(left, right, out=out)

    require_right_products()
    monkeypatch.setattr(products, "_are_filled", False)
    monkeypatch.setattr(products.np, "matmul", counted)
    fill_buffers()
    fill_buffers()
    assert shapes == [products._FILLING]


_WRONG = """
import numpy as np
right = np.matmul
def matmul(left, right_one, out=None, **options):
    found = right(left, right_one, out=out, **options)
    if np.asarray(found).dtype == np.{dtype} and np.ndim(found) >= 2:
        found[..., 4:8] = 0
    return found
np.matmul = matmul
import sys
from attncli.__main__ import main
main()
"""
ROADS = [
    ["explain", "money bank grows"],
    ["explain", "money bank grows", "--json"],
    ["explain", "money bank grows", "--attention", "task", "-q"],
    ["explain", "money bank grows", "--model", "idioms"],
    ["explain", "money bank grows", "--model", "bert"],
    ["batch", "s.txt", "-o", "-"],
    ["batch", "s.txt", "-o", "o.jsonl", "--workers", "2", "--chunk", "1"],
    ["compare", "money in the bank", "the river bank", "--word", "bank"],
    ["train", "t.tsv", "-o", "m.safetensors", "--epochs", "2"],
    ["vectors", "similar", "bank"],
    ["explain", "money bank", "--vectors", "model:bert"],
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("arguments", ROADS, ids=" ".join)
def test_a_blas_that_computes_wrong_products_is_noticed(tmp_path, arguments, dtype):
    """On every road the run ends with 13 and names the BLAS, and the variable where it acts."""
    if "bert" in arguments[-1]:
        pytest.importorskip("tokenizers")
        write_model(tmp_path / "bert")
    (tmp_path / "s.txt").write_text("money bank grows\nriver bank\n")
    rows = [f"{kind} bank\t{kind}\tbank\n" for kind in ("money", "river") * 8]
    (tmp_path / "t.tsv").write_text("text\tlabel\ttarget\n" + "".join(rows))
    run = [sys.executable, "-c", _WRONG.format(dtype=dtype), *arguments]
    env = child_environment(ATTN_CACHE_DIR=str(tmp_path / "cache"))
    ended = subprocess.run(run, capture_output=True, cwd=tmp_path, env=env, check=False)
    said = ended.stderr.decode()
    assert ended.returncode == 13, said
    assert f"computes wrong products of {dtype}" in said
    assert blas_name() in said
    assert "OPENBLAS_CORETYPE" in said or "openblas" not in blas_name()
    assert b'"weights"' not in ended.stdout


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """A folder with a BERT and a GPT-2."""
    pytest.importorskip("tokenizers")
    folder = tmp_path_factory.mktemp("kernels")
    write_model(folder / "bert", max_position_embeddings=64)
    write_model(folder / "gpt2", "gpt2", n_positions=64)
    return folder


def laws(folder, env):
    """How the laws ended in a process with this environment, and the kernels it had in force."""
    environment = child_environment(**env)
    run = [sys.executable, str(LAWS), str(folder)]
    ended = subprocess.run(run, capture_output=True, env=environment, check=False)
    first, _, rest = ended.stdout.decode().partition("\n")
    return ended.returncode, first.removeprefix("kernels: "), rest + ended.stderr.decode()


@pytest.mark.parametrize("threads", ["1", "2"])
def test_a_sentence_is_the_same_bits_in_every_company_here(checkpoints, threads):
    """With the kernels that the environment has, for one thread of the BLAS and for two."""
    code, kernels, said = laws(checkpoints, {"OPENBLAS_NUM_THREADS": threads})
    assert code == 0, f"{kernels}: {said}"
    assert kernels.endswith("shared") is (threads == "1" and "openblas" in blas_name())


@pytest.mark.parametrize("kernel", KERNELS.split())
def test_a_sentence_is_the_same_bits_in_every_company_under_every_kernel(checkpoints, kernel):
    """With each kernel of OpenBLAS that this processor can run; others are passed over by name."""
    if "openblas" not in blas_name():
        pytest.skip(f"{kernel}: numpy is built with {blas_name()}, which has no kernels to choose")
    if CHOSEN:
        pytest.skip(f"{kernel}: {' and '.join(CHOSEN)} are set and stay as they are")
    env = {"OPENBLAS_NUM_THREADS": "1", "OPENBLAS_CORETYPE": kernel}
    code, in_force, said = laws(checkpoints, env)
    if code < 0:
        pytest.skip(f"{kernel}: this processor cannot run it (signal {-code})")
    name = in_force.removesuffix(" shared")
    if OTHER_NAMES.get(name, name).lower() != kernel.lower():
        pytest.skip(f"{kernel}: this processor or this OpenBLAS has {name} in its place")
    assert code == 0, f"{kernel}: {said}"
    assert in_force.endswith("shared")


def test_rows_are_shared_with_one_thread_only(monkeypatch):
    """With several threads, or threads that nobody counted, every sentence is computed alone."""
    from attncli.attention.products import may_share_rows

    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    assert not may_share_rows()
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    assert not may_share_rows()
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    assert may_share_rows() is ("openblas" in blas_name())
