"""An option that does nothing with the others given is said."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from attncli.escape import quoted

if TYPE_CHECKING:
    from attncli.result import AttentionResult

_JSON = ("--precision", "--top", "--include", "--exclude", "--steps")
STAGED = ("html", "htm", "md", "tex")  # files that hold a text of every stage
# What shapes each kind of output, of the options that shape any; "" is every other file.
_RESULTS = {
    "tables": ("--show", "--precision", "--top"),
    "--speak": ("--precision", "--top"),
    "--steps": ("--precision", "--steps", "--row"),
    "--against": ("--precision",),
    "--json": _JSON,
    "json": _JSON,
    "jsonl": _JSON,
    **dict.fromkeys(STAGED, ("--precision", "--steps", "--row")),
    "npz": ("--steps",),
    "": ("--precision",),
}
COMPARISONS = {
    "tables": ("--precision", "--top"),
    "html": ("--precision",),
    "md": ("--precision",),
    "": (),
}


def warn_of_vain(
    kind: str,
    given: Mapping[str, object],
    acting: Mapping[str, tuple[str, ...]] = _RESULTS,
    *,
    quiet: bool,
) -> None:
    """Says which of the `given` options have no effect on this kind of output.

    `kind` is "tables", an option that chooses another output, or the suffix of a file; `acting`
    names the options that act on each.
    """
    effective = acting.get(kind, acting[""])
    vain = [name for name, value in given.items() if value is not None and name not in effective]
    if vain and not quiet:
        from attncli.cli.terminal import message

        verb = "has" if len(vain) == 1 else "have"
        where = f"with {kind}" if kind.startswith("-") else f"in a .{kind} file"
        where = "on tables" if kind == "tables" else where
        message("warning", f"{', '.join(vain)} {verb} no effect {where}")


class HiddenNames:
    """Names of --hide, and which of them were ever found."""

    def __init__(self, names: Iterable[str]) -> None:
        self._missing = set(names)

    def see(self, result: "AttentionResult") -> None:
        """Looks at what was hidden of a result."""
        gone = set((result.selection or {}).get("hidden", ()))
        if gone - self._missing:  # named by their key, or as special: whose name it was is not told
            self._missing.clear()
        self._missing -= gone

    def warn(self, *, quiet: bool) -> None:
        """Says the names that no token had."""
        if self._missing and not quiet:
            from attncli.cli.terminal import message

            names = ", ".join(quoted(name) for name in sorted(self._missing))
            message("warning", f"--hide: no token is called {names}")
