"""The build of a wheel: with the compiled part of the writers where a C compiler is, else pure.

Hatchling calls it (`[tool.hatch.build.hooks.custom]` of pyproject.toml). Without a compiler, on Windows,
or with ATTN_BUILD_PURE=1 in the environment, the wheel is the pure one, for every machine.
"""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = Path("attncli", "batches", "writers", "kernel.c")
LIBRARY = SOURCE.with_suffix(".so")
# Every bit of a number is the same on every processor: nothing is fused, nothing is taken for fast.
# Neither a path nor a moment gets into the library, so that two builds are the same bytes.
FLAGS = ("-std=c99", "-O3", "-ffp-contract=off", "-fno-fast-math", "-fPIC")
LINKED = {"darwin": ("-bundle",)}
LINKED_ELSEWHERE = ("-shared", "-s", "-Wl,--build-id=none")


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]  # no plugin of its own
    """Puts `kernel.so` beside its source in the wheel; of an editable install, in the sources."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel":
            return
        library = self._compiled()
        if library is None:
            return
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{_platform()}"
        if version == "editable":  # the package is imported from the sources
            shutil.copyfile(library, Path(self.root, LIBRARY))
        else:
            build_data["force_include"][str(library)] = LIBRARY.as_posix()

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if (folder := getattr(self, "_folder", None)) is not None:
            folder.cleanup()

    def _compiled(self) -> Path | None:
        """The library, or None where the wheel is to be pure."""
        if sys.platform == "win32" or os.environ.get("ATTN_BUILD_PURE", "0") not in ("", "0"):
            self.app.display_info("a pure wheel: nothing is compiled")
            return None
        self._folder = TemporaryDirectory()
        library = Path(self._folder.name, LIBRARY.name)
        linked = LINKED.get(sys.platform, LINKED_ELSEWHERE)
        for compiler in _compilers():
            line = [*compiler, *FLAGS, *linked, "-o", str(library), SOURCE.as_posix()]
            try:
                subprocess.run(line, cwd=self.root, check=True, capture_output=True, timeout=120)  # noqa: S603 - the builder's own compiler
            except (OSError, subprocess.SubprocessError):
                continue
            self.app.display_info(f"{LIBRARY.name} compiled by {shlex.join(compiler)}")
            return library
        self.app.display_info("a pure wheel: no C compiler works here")
        return None


def _compilers() -> list[list[str]]:
    """The commands to try, the one that $CC names first."""
    named = [shlex.split(os.environ["CC"])] if os.environ.get("CC") else []
    return [*named, ["cc"], ["gcc"], ["clang"]]


def _platform() -> str:
    """This machine's own tag. Those of manylinux promise more than a build can know by itself."""
    from packaging.tags import sys_tags

    platforms = (tag.platform for tag in sys_tags())
    return next(name for name in platforms if not name.startswith(("manylinux", "musllinux")))
