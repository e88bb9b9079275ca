"""What an installation weighs: the package, what it needs, and what each extra adds, from fresh installs.

    python benchmarks/sizes.py [EXTRA…]     every extra of pyproject.toml that users install, or these

Each set is installed by pip into a folder of its own, from where pip finds packages; an extra's
size is what its folder has more than that of the plain package. MB are millions of bytes on disk.
"""

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOT_FOR_USERS = ("test", "lint", "oracle", "browser", "docs", "notebook", "release", "all")


def distributions(folder: Path) -> dict[str, int]:
    """The bytes of each distribution in a folder, by its own list of files."""
    sizes = {}
    for info in folder.glob("*.dist-info"):
        lines = (info / "RECORD").read_text(encoding="utf-8").splitlines()
        files = {(folder / line.split(",")[0].strip('"')).resolve() for line in lines}
        sizes[info.name.partition("-")[0]] = sum(f.stat().st_size for f in files if f.is_file())
    return sizes


def installed(requirements: list[str], folder: Path) -> dict[str, int]:
    """The distributions that pip installs for requirements, without bytecode."""
    line = [sys.executable, "-m", "pip", "install", "-q", "--no-compile", "--target", str(folder)]
    subprocess.run([*line, "--disable-pip-version-check", *requirements], check=True)
    return distributions(folder)


def told(name: str, sizes: dict[str, int]) -> str:
    """A row of the table: the largest first."""
    parts = sorted(sizes.items(), key=lambda item: -item[1])
    named = ", ".join(f"{part} {size / 1e6:.1f}" for part, size in parts[:6])
    more = f", {len(parts) - 6} more" if len(parts) > 6 else ""
    return f"| {name} | {len(parts)} | {sum(sizes.values()) / 1e6:.1f} MB | {named}{more} |"


def main(chosen: list[str]) -> None:
    """Prints the table as it stands in docs/install.md."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    with tempfile.TemporaryDirectory() as scratch:
        plain = installed([str(ROOT)], Path(scratch, "plain"))
        print("| | packages | size | of that |\n|---|---|---|---|")
        own = {name: size for name, size in plain.items() if name == "attncli"}
        print(told("`attncli` alone", own))
        print(told("what it needs", {name: plain[name] for name in plain if name not in own}))
        for extra in chosen or [name for name in extras if name not in NOT_FOR_USERS]:
            whole = installed([str(ROOT), *extras[extra]], Path(scratch, extra))
            added = {name: size for name, size in whole.items() if name not in plain}
            print(told(f"`{extra}`", added), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
