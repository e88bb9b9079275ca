"""kernel.c → a library beside it, where a compiler is: run once, when the package is built.

Needs nothing but Python, since the packages that attn depends on are not there yet, and imports little,
since commands ask for the name of the library. It says which source a library was made of and for
which machine, so that no other is ever loaded.
"""

import os
import sys
import zlib
from pathlib import Path

SOURCE = "kernel.c"
_FLAGS = ("-std=c11", "-O3", "-fPIC", "-shared", "-s", "-ffp-contract=off", "-Wall", "-Wextra")
_COMPILERS = ("cc", "gcc", "clang")
_SECONDS = 120


def library_path(folder: Path) -> Path | None:
    """Where the library of the source in a folder belongs; None where this machine can have none.

    Raises: OSError, where the source cannot be read.
    """
    if sys.platform != "linux" or sys.byteorder != "little" or sys.maxsize < 1 << 32:
        return None
    source = zlib.crc32(" ".join(_FLAGS).encode() + (folder / SOURCE).read_bytes())
    return folder / f"kernel-{source:08x}-linux-{os.uname().machine}.so"


def compile_kernel(folder: Path) -> Path | None:
    """Makes the library in the folder of its source; None where it cannot be had: no compiler, no room."""
    try:
        library = library_path(folder)
        if library is None or library.exists():
            return library
        compiler = _compiler()
        return None if compiler is None else _compiled(compiler, folder, library)
    except OSError:
        return None


def _compiled(compiler: list[str], folder: Path, library: Path) -> Path | None:
    """The library, whole or not at all. Raises: OSError."""
    import ctypes
    import subprocess
    import tempfile

    with tempfile.TemporaryDirectory(dir=folder) as apart:
        output = Path(apart) / library.name
        line = [*compiler, *_FLAGS, "-o", str(output), SOURCE]
        try:
            subprocess.run(line, cwd=folder, check=True, capture_output=True, timeout=_SECONDS)  # noqa: S603 - the compiler that the builder chose
        except subprocess.SubprocessError:
            return None
        ctypes.CDLL(str(output))  # a compiler for another machine makes what cannot be loaded
        output.replace(library)
    return library


def _compiler() -> list[str] | None:
    """The command of the compiler: what CC says, or the first that is on the PATH."""
    import shlex
    import shutil

    if chosen := os.environ.get("CC"):
        return shlex.split(chosen)
    return next(([name] for name in _COMPILERS if shutil.which(name)), None)
