"""Every command warns of an option that has no effect beside the others.

What acts on which kind of output stands in the tables here; what a mechanism makes of its options
in `attncli.cli.groups`; what shows only when the results are there is watched by `Effects`.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from attncli.errors.wording import quoted

if TYPE_CHECKING:
    from attncli.results.result import AttentionResult

_JSON = ("--precision", "--top", "--include", "--exclude", "--steps")
_TABLES = ("--precision", "--width", "--color", "--ascii", "--full")
STAGED = ("html", "htm", "md", "tex", "svg", "png", "pdf")  # files that hold a text of every stage
COLUMNS = ("parquet", "arrow", "feather")  # files of columns
FIGURED = ("svg", "png", "pdf", "tex")  # files that may be a figure for a paper
_COLORS = ("--palette", "--scale")
_FIGURE = (
    *("--title", "--size", *_COLORS, "--numbers", "--no-numbers", "--no-legend"),
    *("--axes", "--no-axes", "--font-size", "--grid", "--lines"),
)
_STAGES = ("--precision", "--steps", "--row", "--notation", "--why", "--no-footer")
# What shapes each kind of output, of the options that shape any; "" is every other file.
_RESULTS: dict[str, tuple[str, ...]] = {
    "tables": (*_TABLES, *_COLORS, "--show", "--top", "--notation"),
    "--speak": ("--precision", "--top", "--ascii", "--full", "--width"),
    "--steps": (*_TABLES, "--steps", "--row", "--notation"),
    "--diagram": (*_TABLES, "--diagram", "--row", "--notation"),
    "--map": ("--width", "--color", "--ascii", "--palette", "--measure"),
    **dict.fromkeys(("--map html", "--map htm"), (*_STAGES, "--title", *_COLORS, "--measure")),
    **dict.fromkeys(
        ("--map svg", "--map png", "--map pdf", "--map md", "--map tex"),
        ("--measure", "--no-footer"),
    ),
    **dict.fromkeys(("--map --json", "--map json", "--map jsonl", "--map csv", "--map tsv"), ()),
    "--why": ("--precision", "--width", "--color", "--ascii", "--why"),
    "--against": (*_TABLES, *_COLORS),
    "--against --json": (),
    "--against -o": ("--precision", "--no-footer"),
    "--json": _JSON,
    "json": _JSON,
    "jsonl": _JSON,
    **dict.fromkeys(("html", "htm"), (*_STAGES, "--title", *_COLORS)),
    **dict.fromkeys(("svg", "png", "pdf"), (*_STAGES, *_FIGURE)),
    "md": _STAGES,
    "tex": (*_STAGES, *_FIGURE, "--fragment"),
    **dict.fromkeys(COLUMNS, _JSON),
    "npz": ("--steps",),
    "": ("--precision",),
}
# Outputs that say what a model expects next.
PREDICTING = frozenset(("--speak", "--json", "json", "jsonl", "npz", *COLUMNS, *STAGED))
COMPARISONS: dict[str, tuple[str, ...]] = {
    "tables": ("--precision", "--top", "--width", "--color", "--ascii", "--neighbors"),
    **dict.fromkeys(STAGED, ("--precision", "--neighbors", "--no-footer")),
    **dict.fromkeys(FIGURED, ("--precision", "--neighbors", "--no-footer", *_FIGURE)),
    "tex": ("--precision", "--neighbors", "--no-footer", *_FIGURE, "--fragment"),
    **dict.fromkeys(("html", "htm"), ("--precision", "--neighbors", "--no-footer", "--notation")),
    "csv": (),
    "tsv": (),
    "": ("--neighbors",),
}


def acting_on(kind: str) -> tuple[str, ...]:
    """The options that act on this kind of output."""
    return _RESULTS.get(kind, _RESULTS[""])


def say_vain(names: Collection[str], where: str, *, quiet: bool) -> None:
    """One line on stderr: these options have no effect there. Nothing when there are none.

    A default of the user's own, which nobody typed, is passed over.
    """
    if names and not quiet:
        from attncli.cli.running import habits_now
        from attncli.cli.terminal import message

        habits = {f"--{name}" for name in habits_now()}
        names = [name for name in names if name.partition(" ")[0] not in habits]
    if names and not quiet:
        verb = "has" if len(names) == 1 else "have"
        message("warning", f"{', '.join(names)} {verb} no effect {where}")


def warn_of_vain(
    kind: str,
    given: Mapping[str, object],
    acting: Mapping[str, tuple[str, ...]] = _RESULTS,
    *,
    quiet: bool,
) -> None:
    """Says which of the `given` options have no effect on this kind of output.

    `kind` is "tables", an option that chooses another output, or the suffix of a file; `acting`
    names the options that act on each. An option with the value None or False was not given.
    """
    effective = acting.get(kind, acting[""])
    vain = [
        name
        for name, value in given.items()
        if value is not None and value is not False and name not in effective
    ]
    where = f"with {kind}" if kind.startswith("-") else f"in a .{kind} file"
    say_vain(vain, "on tables" if kind == "tables" else where, quiet=quiet)


def looks(
    *, width: int | None = None, color: str = "auto", ascii_only: bool = False, full: bool = False
) -> dict[str, object]:
    """The options of the terminal as `warn_of_vain` takes them; no color is no wish."""
    return {
        "--width": width,
        "--color": color if color == "always" else None,
        "--full": full,
        "--ascii": ascii_only,
    }


class Effects:
    """Options whose effect shows only in results: which of them ever acted."""

    def __init__(
        self,
        *,
        hide: Iterable[str] = (),
        merge: bool = False,
        agg: str | None = None,
        seed: bool = False,
        include: Iterable[str] = (),
    ) -> None:
        self._names = frozenset(hide)
        self._missing = set(self._names)
        self._waiting = {
            name: text
            for name, given, text in (
                ("merged", merge, _MERGE),
                ("pooled", agg is not None, _AGG),
                ("random", seed, _SEED),
            )
            if given
        }
        self._absent = dict.fromkeys(include)
        self._seen = False

    @property
    def acts(self) -> list[str]:
        """What may be seen in results: merged, pooled, random, and which fields they hold."""
        return [*self._waiting, *(f"holds {name}" for name in self._absent)]

    def see(self, result: "AttentionResult") -> None:
        """Looks at what was done with a result."""
        selection = result.selection or {}
        if self._absent:
            from attncli.insight.chosen_part import told_as_left_out

            named = told_as_left_out(result)
            self._absent = {
                n: None for n in self._absent if not _held(result, n) and n not in named
            }
        self.count(
            set(selection.get("hidden", ())),
            {
                "merged": selection.get("merged"),
                "pooled": selection.get("heads_pooled") or selection.get("layers_pooled"),
                "random": "random" in self._waiting
                and any(token.status == "random" for token in result.tokens),
            },
        )

    def count(self, gone: set[str], done: Mapping[str, object]) -> None:
        """Notes which tokens were hidden, and which other options acted."""
        self._seen = True
        if gone - self._names:  # named by their key, or as special: whose name it was is not told
            self._missing.clear()
        self._missing -= gone
        self._waiting = {n: text for n, text in self._waiting.items() if not done.get(n)}
        self._absent = {n: None for n in self._absent if not done.get(f"holds {n}")}

    def warn(self, *, quiet: bool) -> None:
        """Says which of them did nothing."""
        if quiet or not self._seen:
            return
        from attncli.cli.terminal import message

        for text in self._waiting.values():
            message("warning", text)
        if self._absent:
            message("warning", f"--include: no result holds {', '.join(self._absent)}")
        if self._missing:
            names = ", ".join(quoted(name) for name in sorted(self._missing))
            message("warning", f"--hide: no token is called {names}")


def _held(result: "AttentionResult", name: str) -> bool:
    return name in ("weights", "contextual") or result.holds(name)


_MERGE = "--merge: nothing here marks a token as a piece of a word; none were merged"
_AGG = "--agg has no effect on the one matrix that there is"
_SEED = "--seed has no effect: no word needed a random vector"
