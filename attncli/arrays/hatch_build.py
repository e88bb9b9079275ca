"""What building a wheel does beside packing it: kernel.c is compiled where a compiler is.

Without one the wheel is for every machine, and the package does the same by numpy.
"""

import runpy
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class KernelHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the library to a wheel, and to the sources where they are installed as they lie."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compiles, and says which machine the wheel is for."""
        folder = Path(self.root) / "attncli" / "arrays"
        library = runpy.run_path(str(folder / "compiling.py"))["compile_kernel"](folder)
        if library is None:
            self.app.display_warning("kernel.c was not compiled: its loops are done by numpy")
            return
        build_data["artifacts"].append(f"attncli/arrays/{library.name}")
        build_data["pure_python"] = False
        machine = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{machine}"
