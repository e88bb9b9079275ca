"""Laws of the two seams, Analysers and stores: what is asked of one stands in its type."""

import ast
from pathlib import Path

import numpy as np
import pytest

import attncli
from attncli.embeddings.protocols import EmbeddingStore, GivenStore, PlainStore, completed
from attncli.embeddings.seeded import SeededStore
from attncli.embeddings.store import FolderStore, MemoryStore
from attncli.errors import EmptyError, UsageError
from attncli.mechanisms.analyser import Analyser
from attncli.reading.contextual import ContextualStore

PACKAGE = Path(attncli.__file__).parent
MEMBERS = {
    *(name for name in dir(Analyser) if not name.startswith("_")),
    *(name for name in dir(PlainStore) if not name.startswith("_")),
    *("matrix", "has_word", "remake"),
}
DOORS = "embeddings/protocols.py"  # where what a caller gives becomes a whole store


def test_nobody_asks_an_analyser_or_a_store_what_it_is():
    """No isinstance of their classes, no getattr and no hasattr of their members."""
    asked = []
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id == "isinstance":
                names = {n.id for n in ast.walk(node.args[1]) if isinstance(n, ast.Name)}
                of_seams = {n for n in names if n.endswith(("Analyser", "Store", "Reader"))}
                asked += [(place, node.lineno, name) for name in of_seams]
            elif node.func.id in ("getattr", "hasattr"):
                name = getattr(node.args[1], "value", None)
                asked += [(place, node.lineno, name)] if name in MEMBERS else []
    assert [place for place in asked if place[0] != DOORS] == []


@pytest.mark.parametrize("store", [FolderStore, MemoryStore, SeededStore, ContextualStore])
def test_every_store_has_all_that_is_asked_of_one(store):
    """Whether it can do more than it must or not."""
    assert issubclass(store, PlainStore)
    plain = {name for name in dir(PlainStore) if not name.startswith("_")}
    declared = {name for name in dir(EmbeddingStore) if not name.startswith("_")}
    assert plain <= declared
    assert declared - plain <= {"name", "dim", "sha256", "words", "has_word", "row", "vectors"}


class Two:
    """What a caller from Python may have: no more than a store must."""

    name, dim, words, sha256 = "two", 2, None, None

    def row(self, word):
        return {"money": 0, "bank": 1}.get(word)

    def has_word(self, word):
        return self.row(word) is not None

    def vectors(self, rows):
        return np.eye(2, dtype=np.float32)[list(rows)]


class Spelling(Two):
    """One that can do more: it knows the words that a text begins with."""

    def prefixes(self, text):
        return [word for word in ("money", "bank") if text.startswith(word)]


def test_a_store_of_a_caller_is_a_whole_one():
    """It attends, says what it cannot, and what it can do more is asked of it."""
    assert attncli.explain("money bank", vectors=Two()).words == ["money", "bank"]
    with pytest.raises(UsageError, match="no subword vectors"):
        attncli.explain("river", vectors=Two(), oov="subword")
    with pytest.raises(EmptyError):
        attncli.explain("river", vectors=Two(), oov="skip")
    assert completed(Two()).prefixes("money") is None
    assert completed(Two()).views == (2,)
    assert completed(Spelling()).prefixes("moneybank") == ["money"]
    assert isinstance(completed(Two()), GivenStore)
    store = SeededStore(3)
    assert completed(store) is store


def test_every_analyser_is_of_the_one_class():
    """Those of every mechanism, and the one of a part."""
    kinds = [Analyser]
    for kind in kinds:
        kinds += kind.__subclasses__()
    import attncli.mechanisms.open  # the one that knows them all

    for options in ({}, {"attention": "task"}, {"model": "idioms"}):
        opened = attncli.analyser(**options)
        assert isinstance(opened, Analyser)
        assert isinstance(opened.quick(), type(opened))
        assert (opened.learned.projections is None) == (options == {})
    assert attncli.mechanisms.open is not None
