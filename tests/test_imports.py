"""Laws of the imports between rooms: few arrows, few floors, and no circle but the declared one.

A room is a folder or a file at the top of the package; an arrow goes from a room to one that any
line of it imports, in a function or for types alone too. A room stands one floor above the highest
that it imports.
"""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import attncli

PACKAGE = Path(attncli.__file__).parent
ARROWS, FLOORS = 113, 9  # at most
Pair = tuple[str, str]
# A notebook asks a result itself how it is shown; a result reads a record of itself.
NOTEBOOK: tuple[Pair, ...] = (
    ("attncli.results", "attncli.views.notebook"),
    ("attncli.results.comparison", "attncli.views.notebook"),
    ("attncli.results.cards", "attncli.views.cards"),
)
RECORD: Pair = ("attncli.results.result", "attncli.results.parsing")
# What a result is asked for itself: a table, a plot, a file.
ASKED: tuple[Pair, ...] = (
    ("attncli.results", "attncli.results.tables"),
    ("attncli.results", "attncli.results.saving"),
    ("attncli.results", "attncli.views.plot"),
    ("attncli.results", "attncli.insight.heads"),
    ("attncli.results.saving", "attncli.views.files"),
)
DECLARED = (*NOTEBOOK, RECORD, *ASKED)


@cache
def taken_by() -> dict[str, frozenset[str]]:
    """The dotted name of every module of the package, and the modules that it imports."""
    named = {}
    for path in PACKAGE.rglob("*.py"):
        parts = ("attncli", *path.relative_to(PACKAGE).with_suffix("").parts)
        named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return {
        name: frozenset(_taken(ast.parse(path.read_text(encoding="utf-8")), set(named)))
        for name, path in named.items()
    }


def imports() -> set[Pair]:
    """Which module imports which, but for the declared imports."""
    pairs = {(name, taken) for name, others in taken_by().items() for taken in others}
    return {(one, other) for one, other in pairs if one != other} - set(DECLARED)


def _taken(tree: ast.Module, known: set[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "modules are imported by their whole names"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                if whole in known or node.module in known:
                    yield whole if whole in known else str(node.module)


def arrows(pairs: Iterable[Pair]) -> set[Pair]:
    """Which room imports which; the package's own file is a room too."""
    rooms = {(_room(one), _room(other)) for one, other in pairs}
    return {(one, other) for one, other in rooms if one != other}


def _room(module: str) -> str:
    return [*module.split("."), "__init__"][1]


def floors(pairs: Iterable[Pair]) -> dict[str, int]:
    """The floor of each name, 1 the ground. Raises: CycleError, which names a circle."""
    below: dict[str, set[str]] = defaultdict(set)
    for one, other in pairs:
        below[one].add(other)
    known: dict[str, int] = {}
    for name in TopologicalSorter(below).static_order():
        known[name] = 1 + max((known[other] for other in below[name]), default=0)
    return known


def test_rooms_import_few_others_and_stand_on_few_floors():
    """A change that needs another arrow takes one away, or moves the code to where it is at home."""
    assert len(arrows(imports())) <= ARROWS
    assert max(floors(arrows(imports())).values()) <= FLOORS


def test_no_files_import_each_other_in_a_circle():
    """Neither files nor rooms, but for what is declared."""
    floors(imports())
    floors(arrows(imports()))


def test_the_declared_imports_are_the_only_ones_of_their_kind():
    """What is excused is there, and of two rooms it is the one line."""
    for one, other in DECLARED:
        assert other in taken_by()[one]
    assert ("results", "views") not in arrows(imports())


def test_an_import_from_the_ground_makes_a_floor():
    """The law sees an arrow that lifts the house, and one that closes a circle."""
    plan = arrows(imports())
    assert max(floors({*plan, ("errors", "settings")}).values()) > FLOORS
    with pytest.raises(CycleError):
        floors({*plan, ("errors", "views")})
